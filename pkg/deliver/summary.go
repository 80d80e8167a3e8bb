package deliver

import (
	"time"

	"github.com/HdrHistogram/hdrhistogram-go"
)

// Summary is the result of a run.
type Summary struct {
	Documents  int // started
	Unreadable int // documents that could not be read; not counted elsewhere
	// Planned counts the deliveries of all steps that were started. Those not sent
	// because the run ended are Planned - OK - Failed.
	Planned  int
	Sent     int // at least one byte was sent
	Answered int // with a status
	OK       int // as expected
	Failed   int // not as expected, whatever the reason
	Retried  int // earlier tries, not counted above: nothing was sent

	Statuses map[int]int   // by status
	Errors   map[Class]int // by class, of those that failed

	Pace   *Pace // nil without a rate
	Groups Groups
	Skew   Latency // of documents sent together, one value each

	BytesSent int64
	Elapsed   time.Duration
	Latency   Latency // of answered deliveries, from due to answered

	// Err ended the run: its run file could not be written, or the documents are not
	// those that it was started with ([ErrRunFile]).
	Err error
}

// Rate is the number of deliveries sent per second.
func (s *Summary) Rate() float64 {
	if s.Elapsed <= 0 {
		return 0
	}
	return float64(s.Sent) / s.Elapsed.Seconds()
}

func count(n *int, when bool) {
	if when {
		*n++
	}
}

// Latency is a distribution of durations up to an hour, with a resolution of a
// microsecond and three digits. The zero value is empty.
type Latency struct{ hist *hdrhistogram.Histogram }

const maxLatency = int64(time.Hour / time.Microsecond)

// Record adds a value.
func (l *Latency) Record(d time.Duration) {
	if l.hist == nil {
		l.hist = hdrhistogram.New(1, maxLatency, 3)
	}
	// The only possible error is a value that is too large.
	_ = l.hist.RecordValue(min(max(d.Microseconds(), 1), maxLatency))
}

// Count is the number of values.
func (l Latency) Count() int64 {
	if l.hist == nil {
		return 0
	}
	return l.hist.TotalCount()
}

// At returns a percentile, such as that of 99.9; 0 if there are no values.
func (l Latency) At(percent float64) time.Duration {
	if l.Count() == 0 {
		return 0
	}
	return time.Duration(l.hist.ValueAtQuantile(percent)) * time.Microsecond
}

// Max returns the largest value.
func (l Latency) Max() time.Duration { return l.At(100) }

// Min returns the smallest value, 0 if there are none.
func (l Latency) Min() time.Duration {
	if l.Count() == 0 {
		return 0
	}
	return time.Duration(l.hist.Min()) * time.Microsecond
}

// Counts returns how many values lie between each edge and the one before it. Edges
// are in ascending order.
func (l Latency) Counts(edges []time.Duration) []int64 {
	counts := make([]int64, len(edges))
	if l.Count() == 0 {
		return counts
	}
	i := 0
	for _, bar := range l.hist.Distribution() {
		for i < len(edges) && time.Duration(bar.From)*time.Microsecond > edges[i] {
			i++
		}
		if i == len(edges) {
			break
		}
		counts[i] += bar.Count
	}
	return counts
}

// Point is one point of a percentile curve.
type Point struct {
	Percentile float64 // 0 to 100
	Value      time.Duration
}

// Curve returns the distribution by percentile, from 0 to 100, with finer steps
// towards the end: five for each halving of the distance to 100. It is nil if there
// are no values.
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
