package main

import (
	"fmt"
	"time"
)

// countOf is "1 delivery", "2 deliveries".
func countOf(n int, one, many string) string {
	if n == 1 {
		return "1 " + one
	}
	return fmt.Sprintf("%d %s", n, many)
}

// bytesText is a size in at most seven columns: 512B, 1.4kB, 10.5MB, 1.2GB.
func bytesText(n int64) string {
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

// shortTime is a measured time in at most five columns: 87µs, 3.2ms, 1.5s.
func shortTime(d time.Duration) string {
	switch {
	case d < time.Millisecond:
		return fmt.Sprintf("%dµs", d.Microseconds())
	case d < 9950*time.Microsecond:
		return fmt.Sprintf("%.1fms", milliseconds(d))
	case d < 999500*time.Microsecond:
		return fmt.Sprintf("%.0fms", milliseconds(d))
	}
	return fmt.Sprintf("%.1fs", d.Seconds())
}

func milliseconds(d time.Duration) float64 {
	return float64(d.Microseconds()) / 1000
}

// callTime is the length of a call: 46s, 12m05s, 1h02m.
func callTime(seconds float64) string {
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
