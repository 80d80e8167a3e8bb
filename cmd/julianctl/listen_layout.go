package main

import (
	"fmt"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/julianctl/julianctl/pkg/safetext"
	"github.com/mattn/go-runewidth"
)

// cells is how many columns safe text takes.
func cells(s string) int {
	for i := range len(s) {
		if s[i] >= utf8.RuneSelf {
			return runewidth.StringWidth(s)
		}
	}
	return len(s)
}

// fit cuts s to so many columns, with an ellipsis in place of what is missing.
func fit(s string, columns int) string {
	if columns < 1 {
		return ""
	}
	if cells(s) <= columns {
		return s
	}
	return runewidth.Truncate(s, columns, "…")
}

// fitMiddle cuts s in its middle: the ends of an id tell more.
func fitMiddle(s string, columns int) string {
	width := cells(s)
	if width <= columns || columns < 3 {
		return fit(s, columns)
	}
	tail := (columns - 1) / 2
	return fit(s, columns-tail) + runewidth.TruncateLeft(s, width-tail, "")
}

// pad fills s up to so many columns.
func pad(s string, columns int) string {
	return s + strings.Repeat(" ", max(0, columns-cells(s)))
}

// padLeft is pad for numbers.
func padLeft(s string, columns int) string {
	return strings.Repeat(" ", max(0, columns-cells(s))) + s
}

// wrap breaks safe text at spaces into lines of so many columns. A longer word
// is broken anywhere. There is one line at least.
func wrap(s string, columns int) []string {
	lines := wrapWords(s, columns)
	for i, line := range lines {
		// What was harmless in the middle of a line may be a command to a CI
		// system at its beginning.
		lines[i] = safetext.Line(line)
	}
	return lines
}

func wrapWords(s string, columns int) []string {
	var lines []string
	line, width := "", 0
	for word := range strings.FieldsSeq(s) {
		w := cells(word)
		if line != "" && width+1+w <= columns {
			line, width = line+" "+word, width+1+w
			continue
		}
		if line != "" {
			lines = append(lines, line)
		}
		if w <= columns {
			line, width = word, w
			continue
		}
		broken := strings.Split(runewidth.Wrap(word, columns), "\n")
		lines = append(lines, broken[:len(broken)-1]...)
		line = broken[len(broken)-1]
		width = cells(line)
	}
	return append(lines, line)
}

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
