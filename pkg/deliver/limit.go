package deliver

import (
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"
)

// ErrLimit is returned for a latency limit that cannot be read.
var ErrLimit = errors.New(`want a percentile and a duration, such as "p99=500ms" or "max=2s"`)

// Limit is the longest time that a share of the answers may take.
type Limit struct {
	Name       string        // as typed: p50, p99.9, max
	Percentile float64       // over 0, up to 100; max is 100
	Max        time.Duration // over 0
}

// ParseLimits reads a list of limits such as "p50=100ms,p99=2s,max=5s".
func ParseLimits(text string) ([]Limit, error) {
	var limits []Limit
	for part := range strings.SplitSeq(text, ",") {
		name, value, _ := strings.Cut(strings.TrimSpace(part), "=")
		limit := Limit{Name: name, Percentile: 100}
		if name != "max" {
			digits, ok := strings.CutPrefix(name, "p")
			p, err := strconv.ParseFloat(digits, 64)
			// The comparison is false for NaN too.
			if !ok || err != nil || !(p > 0 && p <= 100) {
				return nil, fmt.Errorf("limit %q: %w", part, ErrLimit)
			}
			limit.Percentile = p
		}
		d, err := time.ParseDuration(value)
		if err != nil || d <= 0 {
			return nil, fmt.Errorf("limit %q: %w", part, ErrLimit)
		}
		limit.Max = d
		limits = append(limits, limit)
	}
	return limits, nil
}

// Missed returns the value at the limit's percentile, and whether it is over the
// limit. Without values no limit is missed.
func (l Limit) Missed(values Latency) (got time.Duration, missed bool) {
	if values.Count() == 0 {
		return 0, false
	}
	got = values.At(l.Percentile)
	// Values have three digits: one that equals the limit in these is not over it.
	return got, got > l.Max && !values.hist.ValuesAreEquivalent(got.Microseconds(), l.Max.Microseconds())
}
