package deliver

import (
	"time"

	"github.com/HdrHistogram/hdrhistogram-go"
)

// Summary is what came of a run.
type Summary struct {
	Documents  int // that were planned for
	Unreadable int // that could not be read; they count nowhere else
	// Planned counts the deliveries that the run came to before it ended;
	// those that it did not begin any more are Planned - OK - Failed.
	Planned  int
	Sent     int // at least one byte left
	Answered int // with a status
	OK       int // as expected
	Failed   int // not as expected, whatever the reason
	Retried  int // tries that are not counted above: nothing was sent

	Statuses map[int]int   // by status
	Errors   map[Class]int // by class, of those that failed

	Pace   *Pace // nil without a rate
	Groups Groups
	Skew   Latency // of documents sent together, one value for each

	BytesSent int64
	Elapsed   time.Duration
	Latency   Latency // of answered deliveries, from due to answered

	// Err ended the run: what its file was to record could not be written, or
	// the documents are not those that it was begun with ([ErrRunFile]).
	Err error
}

// Rate is the number of deliveries sent in a second.
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

// Latency is a distribution of durations, kept to a microsecond and to three
// digits, up to an hour. The zero value is empty.
type Latency struct{ hist *hdrhistogram.Histogram }

const maxLatency = int64(time.Hour / time.Microsecond)

// Record adds a value.
func (l *Latency) Record(d time.Duration) {
	if l.hist == nil {
		l.hist = hdrhistogram.New(1, maxLatency, 3)
	}
	// The only error is a value past the end, and there is none.
	_ = l.hist.RecordValue(min(max(d.Microseconds(), 1), maxLatency))
}

// Count is the number of values.
func (l Latency) Count() int64 {
	if l.hist == nil {
		return 0
	}
	return l.hist.TotalCount()
}

// At returns the value that percent of all values do not exceed, such as 99.9;
// 0 when there are none.
func (l Latency) At(percent float64) time.Duration {
	if l.Count() == 0 {
		return 0
	}
	return time.Duration(l.hist.ValueAtQuantile(percent)) * time.Microsecond
}

// Max returns the largest value.
func (l Latency) Max() time.Duration { return l.At(100) }

// Min returns the smallest value, 0 when there are none.
func (l Latency) Min() time.Duration {
	if l.Count() == 0 {
		return 0
	}
	return time.Duration(l.hist.Min()) * time.Microsecond
}

// Counts is how many values there are up to each of edges, which grow, and over
// the one before it.
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
