package timeline

import (
	"errors"
	"math/rand/v2"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/julianctl/julianctl/pkg/deliver"
)

// at is a result that was due, sent and answered so long after start.
func at(start time.Time, due, sent, answered time.Duration, status int) deliver.Result {
	r := deliver.Result{Answer: deliver.Answer{Due: start.Add(due), Sent: start.Add(sent), Answered: start.Add(answered), Status: status}}
	r.Err = deliver.Statuses(nil).Evaluate(r.Answer)
	return r
}

func TestTimeline(t *testing.T) {
	const ms = time.Millisecond
	start := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
	lost := at(start, 31*ms, 31*ms, 35*ms, 0)
	lost.Err = &deliver.Error{Class: deliver.Unknown}
	unsent := at(start, 34*ms, 0, 36*ms, 0)
	unsent.Answer.Sent, unsent.Err = time.Time{}, &deliver.Error{Class: deliver.Unreachable}
	line := New(start)
	for _, r := range []deliver.Result{
		at(start, 1*ms, 2*ms, 9*ms, 200),
		at(start, 1*ms, 15*ms, 35*ms, 503), // due in the first span, sent late in the second, answered in the fourth
		at(start, -5*ms, 3*ms, 4*ms, 204),  // due before the run: in its first span
		lost, unsent,
		{Err: &deliver.Error{Class: deliver.Unreadable, Err: errors.New("no file")}},
	} {
		line.Add(r)
	}
	want := Series{Start: start, Width: 10 * ms, Buckets: []Bucket{
		{Classes: [6]int{2: 2}, Latencies: 3, P50: 9 * ms, P99: 34 * ms, Max: 34 * ms},
		{After: 10 * ms},
		{After: 20 * ms},
		{After: 30 * ms, Classes: [6]int{0: 2, 5: 1}},
	}}
	about := cmp.Comparer(func(a, b time.Duration) bool { return max(a-b, b-a) <= max(a, b)/100 })
	if d := cmp.Diff(want, line.Series(), about); d != "" {
		t.Errorf("(-want +got):\n%s", d)
	}
}

// However long a run, its series has no more spans than it may, and loses
// nothing: the same results, put into spans of the last width from the
// beginning, give the same.
func TestTimelineWidens(t *testing.T) {
	start := time.Now()
	widths := map[time.Duration]bool{}
	for _, span := range []time.Duration{time.Second, 7 * time.Second, time.Minute, time.Hour, 90 * 24 * time.Hour} {
		random := rand.New(rand.NewPCG(1, uint64(span)))
		line := New(start)
		var all []deliver.Result
		for range 20_000 {
			due := time.Duration(random.Int64N(int64(span)))
			sent := due + time.Duration(random.Int64N(int64(20*time.Millisecond)))
			all = append(all, at(start, due, sent, sent+time.Duration(random.Int64N(int64(time.Second))), 200+100*random.IntN(4)))
		}
		for _, r := range all {
			line.Add(r)
		}
		got := line.Series()
		if len(got.Buckets) > MaxBuckets || len(got.Buckets) < MaxBuckets/6 {
			t.Errorf("%s: %d buckets", span, len(got.Buckets))
		}
		widths[got.Width] = true
		at := &Timeline{start: start, width: got.Width}
		for _, r := range all {
			at.Add(r)
		}
		if d := cmp.Diff(at.Series(), got); d != "" {
			t.Errorf("%s (-at once +widened):\n%.2000s", span, d)
		}
	}
	if len(widths) != 5 {
		t.Errorf("widths: %v", widths)
	}
}

func BenchmarkTimeline(b *testing.B) {
	start := time.Now()
	line := New(start)
	b.ReportAllocs()
	i := time.Duration(0)
	for b.Loop() {
		i++
		due := i * 20 * time.Microsecond
		line.Add(at(start, due, due, due+time.Millisecond+i*7919%time.Millisecond, 200))
	}
}
