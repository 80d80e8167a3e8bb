package deliver

import (
	"time"

	"github.com/HdrHistogram/hdrhistogram-go"
)

// Series is a run over time: spans of equal width, without gaps, from the
// beginning of the run. There are 1 to [MaxBuckets] of them, or none where
// nothing was delivered.
type Series struct {
	Start   time.Time     // of the first bucket
	Width   time.Duration // of every bucket
	Buckets []Bucket
}

// Bucket is what happened in one span of a run.
//
// What a person sees on the wire is counted when it happened: Sent when the
// last byte left, Answered, Failed and Classes when the answer was there or was
// given up. How well the endpoint kept up is told where it was due: Late and
// the latencies are of the deliveries that were due in the span, so that a
// stall is as wide as it was, not a spike at its end.
type Bucket struct {
	After    time.Duration // from the start of the series to that of the bucket
	Sent     int
	Answered int // with a status
	Failed   int // not as expected, whatever the reason
	// Classes counts deliveries by the first digit of their status; Classes[0]
	// are those that ended without one. Classes[1] is always 0.
	Classes [6]int
	// Late counts what was sent more than [LateAfter] after it was due. Nothing
	// is ever dropped; see [Pace].
	Late int

	// Latencies are of answered deliveries, from due to answered, kept to 1 %.
	// All are 0 where Latencies is.
	Latencies               int
	Min, P50, P90, P99, Max time.Duration
}

// MaxBuckets is how many spans a series has at most. A run that lasts longer
// has wider ones, so that its series takes a few megabytes at most.
const MaxBuckets = 600

// firstWidth is the width of a bucket until there are too many. It then grows
// two-fold and five-fold in turns: 10, 20, 100, 200 ms, 1, 2, 10 s.
const firstWidth = 10 * time.Millisecond

// Timeline makes a [Series] of results as they come. It is not safe for
// concurrent use.
type Timeline struct {
	start    time.Time
	width    time.Duration
	fivefold bool // how the width grows next
	buckets  []*span
}

// span is a bucket that is being filled; nil stands for an empty one.
type span struct {
	Bucket
	latency *hdrhistogram.PackedHistogram // in ns; nil: empty
}

// NewTimeline returns a timeline of a run that begins at start.
func NewTimeline(start time.Time) *Timeline { return &Timeline{start: start, width: firstWidth} }

// Add takes in one result of [Client.Run].
func (t *Timeline) Add(r Result) {
	a := r.Answer
	if a.Answered.IsZero() { // unreadable: nothing was delivered
		return
	}
	end := t.at(a.Answered)
	count(&end.Answered, a.Status != 0)
	count(&end.Failed, r.Err != nil)
	if class := a.Status / 100; class < len(end.Classes) {
		end.Classes[class]++
	}
	if !a.Sent.IsZero() {
		t.at(a.Sent).Sent++
	}
	due := t.at(a.Due)
	count(&due.Late, a.Sent.Sub(a.Due) > LateAfter)
	if a.Status != 0 {
		due.record(a.Latency())
	}
}

// at is the span that time falls into.
func (t *Timeline) at(when time.Time) *span {
	after := max(when.Sub(t.start), 0)
	for after >= MaxBuckets*t.width {
		t.widen()
	}
	i := int(after / t.width)
	for i >= len(t.buckets) {
		t.buckets = append(t.buckets, nil)
	}
	if t.buckets[i] == nil {
		t.buckets[i] = new(span)
	}
	return t.buckets[i]
}

// widen puts spans together.
func (t *Timeline) widen() {
	n := 2
	if t.fivefold {
		n = 5
	}
	t.fivefold = !t.fivefold
	t.width *= time.Duration(n)
	wide := make([]*span, 0, len(t.buckets)/n+1)
	for i, s := range t.buckets {
		if i%n == 0 {
			wide = append(wide, s)
			continue
		}
		wide[i/n] = wide[i/n].with(s)
	}
	t.buckets = wide
}

// with is what s and b have together; either may be nil. It uses both up.
func (s *span) with(b *span) *span {
	if s == nil || b == nil {
		if s == nil {
			return b
		}
		return s
	}
	s.Sent += b.Sent
	s.Answered += b.Answered
	s.Failed += b.Failed
	s.Late += b.Late
	for i, n := range b.Classes {
		s.Classes[i] += n
	}
	if b.latency == nil {
		return s
	}
	if s.latency == nil {
		s.latency, s.Min, s.Max = b.latency, b.Min, b.Max
		return s
	}
	s.latency.Merge(b.latency)
	s.Min, s.Max = min(s.Min, b.Min), max(s.Max, b.Max)
	return s
}

func (s *span) record(d time.Duration) {
	if s.latency == nil {
		s.latency = hdrhistogram.NewPacked(int64(time.Microsecond), int64(time.Hour), 2)
		s.Min = d
	}
	s.Min, s.Max = min(s.Min, d), max(s.Max, d)
	// The only error is a value past the end, and there is none.
	_ = s.latency.RecordValue(int64(min(d, time.Hour)))
}

// Series is what came so far.
func (t *Timeline) Series() Series {
	s := Series{Start: t.start, Width: t.width}
	for i, from := range t.buckets {
		b := Bucket{}
		if from != nil {
			b = from.Bucket
		}
		b.After = time.Duration(i) * t.width
		if from != nil && from.latency != nil {
			at := from.latency.ValueAtPercentilesSlice([]float64{50, 90, 99})
			b.Latencies = int(from.latency.TotalCount())
			// The ends are exact, and what is kept to 1 % must not pass them.
			within := func(ns int64) time.Duration { return min(max(time.Duration(ns), b.Min), b.Max) }
			b.P50, b.P90, b.P99 = within(at[0]), within(at[1]), within(at[2])
		}
		s.Buckets = append(s.Buckets, b)
	}
	return s
}

// Point is one point of a percentile curve.
type Point struct {
	Percentile float64 // 0 to 100
	Value      time.Duration
}

// Curve is the distribution by percentile, from 0 to 100 in steps that grow
// finer towards the end: five to each halving of the distance to 100. Nil when
// there are no values.
func (l Latency) Curve() []Point {
	if l.Count() == 0 {
		return nil
	}
	var points []Point
	for _, b := range l.hist.CumulativeDistributionWithTicks(5) {
		points = append(points, Point{b.Quantile, time.Duration(b.ValueAt) * time.Microsecond})
	}
	return points
}
