package check

import (
	"fmt"
	"math"
	"slices"
	"time"

	"github.com/julianctl/julianctl/pkg/units"
)

// Timed keeps latencies as evidence.
func (t *Trial) Timed(took []time.Duration) {
	if len(took) == 0 {
		return
	}
	for _, d := range took {
		t.Result.Samples = append(t.Result.Samples, units.Milliseconds(d))
	}
	sorted := slices.Sorted(slices.Values(took))
	at := func(p float64) float64 { return units.Milliseconds(Percentile(sorted, p)) }
	t.Result.Latency = &Times{Count: len(took), P50: at(50), P95: at(95), P99: at(99), Max: at(100)}
}

func (t *Times) String() string {
	return fmt.Sprintf("p50 %s  p95 %s  p99 %s  max %s", units.Time(units.FromMilliseconds(t.P50)), units.Time(units.FromMilliseconds(t.P95)), units.Time(units.FromMilliseconds(t.P99)), units.Time(units.FromMilliseconds(t.Max)))
}

// Percentile is the nearest-rank percentile p, over 0 and up to 100, of sorted
// values, of which there is at least one.
func Percentile(sorted []time.Duration, p float64) time.Duration {
	rank := int(math.Ceil(p / 100 * float64(len(sorted))))
	return sorted[max(rank, 1)-1]
}
