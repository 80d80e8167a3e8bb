package terminal

import (
	"fmt"
	"strconv"
	"time"
)

// CountOf is "1 delivery", "2 deliveries".
func CountOf(n int, one, many string) string {
	if n == 1 {
		return "1 " + one
	}
	return fmt.Sprintf("%d %s", n, many)
}

// BytesText is a size in at most seven columns: 512B, 1.4kB, 10.5MB, 1.2GB.
func BytesText(n int64) string {
	switch f := float64(n); {
	case n < 1000:
		return fmt.Sprintf("%dB", n)
	case f < 999.95e3:
		return fmt.Sprintf("%.1fkB", f/1e3)
	case f < 999.95e6:
		return fmt.Sprintf("%.1fMB", f/1e6)
	}
	return fmt.Sprintf("%.1fGB", float64(n)/1e9)
}

// ShortTime is a measured time in at most five columns: 87µs, 3.2ms, 1.5s.
func ShortTime(d time.Duration) string {
	switch {
	case d < time.Millisecond:
		return fmt.Sprintf("%dµs", d.Microseconds())
	case d < 9950*time.Microsecond:
		return fmt.Sprintf("%.1fms", Milliseconds(d))
	case d < 999500*time.Microsecond:
		return fmt.Sprintf("%.0fms", Milliseconds(d))
	}
	return fmt.Sprintf("%.1fs", d.Seconds())
}

// Milliseconds is d in milliseconds, to the microsecond.
func Milliseconds(d time.Duration) float64 {
	return float64(d.Microseconds()) / 1000
}

// CallTime is the length of a call: 46s, 12m05s, 1h02m.
func CallTime(seconds float64) string {
	switch n := int64(seconds); {
	case seconds < 0 || seconds > 1e6:
		return "?"
	case n < 60:
		return fmt.Sprintf("%ds", n)
	case n < 3600:
		return fmt.Sprintf("%dm%02ds", n/60, n%60)
	default:
		return fmt.Sprintf("%dh%02dm", n/3600, n%3600/60)
	}
}

// Grouped is a number with its thousands apart: 12,345.
func Grouped(n int64) string {
	s := strconv.FormatInt(n, 10)
	for i := len(s) - 3; i > 0; i -= 3 {
		s = s[:i] + "," + s[i:]
	}
	return s
}

// Count is CountOf for a word whose plural takes an s.
func Count(n int, what string) string { return CountOf(n, what, what+"s") }
