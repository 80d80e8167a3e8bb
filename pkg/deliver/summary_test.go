package deliver

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

func TestLimitMissed(t *testing.T) {
	var l Latency
	for range 98 {
		l.Record(10 * time.Millisecond)
	}
	for range 2 {
		l.Record(time.Second)
	}
	limits, err := ParseLimits("p50=10.1ms,p98=10ms,p99=900ms,max=2s,p98=9ms")
	if err != nil {
		t.Fatal(err)
	}
	var got []bool
	for _, limit := range limits {
		_, missed := limit.Missed(l)
		got = append(got, missed)
	}
	if d := cmp.Diff([]bool{false, false, true, false, true}, got); d != "" {
		t.Errorf("missed (-want +got):\n%s", d)
	}
	if at, missed := limits[0].Missed(Latency{}); at != 0 || missed {
		t.Errorf("of nothing: %s, %v", at, missed)
	}
}

func TestLatencyCounts(t *testing.T) {
	var l Latency
	for _, ms := range []int{1, 1, 2, 3, 5, 6, 10, 500} {
		l.Record(time.Duration(ms) * time.Millisecond)
	}
	edges := []time.Duration{time.Millisecond, 2 * time.Millisecond, 5 * time.Millisecond, 10 * time.Millisecond, 100 * time.Millisecond}
	if d := cmp.Diff([]int64{2, 1, 2, 2, 0}, l.Counts(edges)); d != "" {
		t.Errorf("(-want +got):\n%s", d)
	}
	if l.Min() != time.Millisecond || (Latency{}).Min() != 0 || (Latency{}).Counts(edges)[0] != 0 {
		t.Errorf("min %s", l.Min())
	}
}

func TestCurve(t *testing.T) {
	var l Latency
	if l.Curve() != nil {
		t.Error("a curve of nothing")
	}
	for i := range 1000 {
		l.Record(time.Duration(i+1) * time.Millisecond)
	}
	points := l.Curve()
	first, last := points[0], points[len(points)-1]
	if first.Value != time.Millisecond || last.Percentile != 100 || last.Value != l.Max() || len(points) < 30 {
		t.Errorf("%v", points)
	}
	for i, p := range points[1:] {
		if p.Percentile < points[i].Percentile || p.Value < points[i].Value {
			t.Errorf("falls at %v", p)
		}
	}
}
