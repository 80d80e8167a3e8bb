package timeline

import (
	"bytes"
	"math/rand/v2"
	"strings"
	"testing"
	"time"

	"github.com/HdrHistogram/hdrhistogram-go"
	"github.com/julianctl/julianctl/pkg/deliver"
)

// The log is read back by the library: every answer is in it, where it was due.
func TestWriteLog(t *testing.T) {
	start := time.Date(2026, 1, 2, 3, 4, 5, 678e6, time.UTC)
	random := rand.New(rand.NewPCG(1, 2))
	line := New(start)
	var all deliver.Latency
	const n, span = 20_000, 30 * time.Second
	for i := range n {
		due := span * time.Duration(i) / n
		took := time.Duration(random.ExpFloat64() * float64(3*time.Millisecond))
		if i%100 == 0 {
			took += time.Second
		}
		line.Add(at(start, due, due, due+took, 200))
		all.Record(took)
	}
	line.Add(at(start, 0, 0, time.Second, 0)) // no answer, no latency
	var log bytes.Buffer
	if err := line.WriteLog(&log); err != nil {
		t.Fatal(err)
	}
	if head := "#[Latency of deliveries, from due to answered]\n#[Histogram log format version 1.3]\n#[BaseTime: 1767323045 "; !strings.HasPrefix(log.String(), head) {
		t.Errorf("begins with %.200q", log.String())
	}
	reader := hdrhistogram.NewHistogramLogReader(&log)
	whole := hdrhistogram.New(1000, int64(time.Hour), 3)
	intervals := 0
	var from, to int64
	for {
		h, err := reader.NextIntervalHistogram()
		if err != nil {
			t.Fatal(err)
		}
		if h == nil {
			break
		}
		if intervals++; intervals == 1 {
			from = h.StartTimeMs()
		}
		to = h.EndTimeMs()
		if dropped := whole.Merge(h); dropped > 0 {
			t.Fatalf("%d dropped", dropped)
		}
	}
	if whole.TotalCount() != n || intervals != 300 || from != start.UnixMilli() || to < start.Add(span).UnixMilli() {
		t.Errorf("%d values in %d intervals, from %d to %d", whole.TotalCount(), intervals, from, to)
	}
	for _, p := range []float64{0, 50, 90, 99, 99.9, 100} {
		got, want := time.Duration(whole.ValueAtQuantile(p)), all.At(p)
		if diff := max(got-want, want-got); diff > want/50+10*time.Microsecond {
			t.Errorf("p%v: %s, want %s", p, got, want)
		}
	}
}
