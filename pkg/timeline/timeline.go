// Package timeline puts the deliveries of a run into buckets of time, for reports
// and for an HdrHistogram log.
package timeline

import (
	"time"

	"github.com/HdrHistogram/hdrhistogram-go"
	"github.com/julianctl/julianctl/pkg/deliver"
)

// Series is a run over time, in buckets of equal width without gaps. There are 1 to
// [MaxBuckets] of them, or none if nothing was delivered.
type Series struct {
	Start   time.Time     // of the first bucket
	Width   time.Duration // of every bucket
	Buckets []Bucket
}

// Bucket is one span of time of a run.
//
// Classes are counted at the answer or the time-out. Latencies count where the
// delivery was due, so that a stall has its real width and is not a spike at its
// end.
type Bucket struct {
	After time.Duration // from the start of the series to that of the bucket
	// Classes counts deliveries by the first digit of their status. Classes[0] are
	// those without an answer; Classes[1] is always 0.
	Classes [6]int

	// Latencies are of answered deliveries, from due to answered, kept to 1 %.
	// All are 0 if Latencies is 0.
	Latencies     int
	P50, P99, Max time.Duration
}

// MaxBuckets is the most buckets of a series. A longer run has wider ones, so that
// a series never takes more than a few megabytes.
const MaxBuckets = 600

// firstWidth is the first width of a bucket. It grows when there are too many, by 2
// and by 5 alternately: 10, 20, 100, 200 ms, 1, 2, 10 s.
const firstWidth = 10 * time.Millisecond

// Timeline collects results into a [Series]. It is not safe for concurrent use.
type Timeline struct {
	start    time.Time
	width    time.Duration
	fivefold bool // how the width grows next
	buckets  []*span
}

// span is a bucket that is being filled. A nil span is empty.
type span struct {
	Bucket
	min     time.Duration
	latency *hdrhistogram.PackedHistogram // in ns; nil: empty
}

// New returns a timeline of a run that starts at start.
func New(start time.Time) *Timeline { return &Timeline{start: start, width: firstWidth} }

// Add adds one result of [deliver.Client.Run].
func (t *Timeline) Add(r deliver.Result) {
	a := r.Answer
	if a.Answered.IsZero() { // unreadable: nothing was delivered
		return
	}
	end := t.at(a.Answered)
	if class := a.Status / 100; class < len(end.Classes) {
		end.Classes[class]++
	}
	if a.Status != 0 {
		t.at(a.Due).record(a.Latency())
	}
}

// at returns the span of a time.
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

// widen merges neighbouring spans.
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

// with merges b into s and returns the result; either may be nil. Neither may be
// used after it.
func (s *span) with(b *span) *span {
	if s == nil || b == nil {
		if s == nil {
			return b
		}
		return s
	}
	for i, n := range b.Classes {
		s.Classes[i] += n
	}
	if b.latency == nil {
		return s
	}
	if s.latency == nil {
		s.latency, s.min, s.Max = b.latency, b.min, b.Max
		return s
	}
	s.latency.Merge(b.latency)
	s.min, s.Max = min(s.min, b.min), max(s.Max, b.Max)
	return s
}

func (s *span) record(d time.Duration) {
	if s.latency == nil {
		s.latency = hdrhistogram.NewPacked(int64(time.Microsecond), int64(time.Hour), 2)
		s.min = d
	}
	s.min, s.Max = min(s.min, d), max(s.Max, d)
	// The only error is a value past the end, and there is none.
	_ = s.latency.RecordValue(int64(min(d, time.Hour)))
}

// Series returns the results so far.
func (t *Timeline) Series() Series {
	s := Series{Start: t.start, Width: t.width}
	for i, from := range t.buckets {
		b := Bucket{}
		if from != nil {
			b = from.Bucket
		}
		b.After = time.Duration(i) * t.width
		if from != nil && from.latency != nil {
			at := from.latency.ValueAtPercentilesSlice([]float64{50, 99})
			b.Latencies = int(from.latency.TotalCount())
			// Minimum and maximum are exact; the others, kept to 1 %, must not pass them.
			within := func(ns int64) time.Duration { return min(max(time.Duration(ns), from.min), b.Max) }
			b.P50, b.P99 = within(at[0]), within(at[1])
		}
		s.Buckets = append(s.Buckets, b)
	}
	return s
}
