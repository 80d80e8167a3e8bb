// Package units formats amounts for the user: counts, sizes, times, rates and shares,
// each in one form. The terminal, reports and messages use it; page.js does the same in
// a browser, which a test checks.
//
// It parses nothing: package cli parses flags.
package units

import (
	"math"
	"strconv"
	"strings"
	"time"
)

// Number formats n with separators: 12,345.
func Number[N int | int64](n N) string {
	s := strconv.FormatInt(int64(n), 10)
	for i := len(s) - 3; i > 0 && s[i-1] != '-'; i -= 3 {
		s = s[:i] + "," + s[i:]
	}
	return s
}

// Count formats a number of things: 1 delivery, 12,345 deliveries. what is the singular
// of a regular English noun; in several words, the last one gets the plural.
func Count[N int | int64](n N, what string) string {
	if n == 1 {
		return "1 " + what
	}
	return Number(n) + " " + Plural(what)
}

// CountVerb formats a number of things and a verb: 1 value is, 2 values are.
func CountVerb[N int | int64](n N, what, one, many string) string {
	if n == 1 {
		return Count(n, what) + " " + one
	}
	return Count(n, what) + " " + many
}

// Plural returns the plural of a regular English noun: copies, addresses, days.
func Plural(noun string) string {
	for _, end := range []string{"s", "x", "z", "ch", "sh"} {
		if strings.HasSuffix(noun, end) {
			return noun + "es"
		}
	}
	if stem, y := strings.CutSuffix(noun, "y"); y && stem != "" && !strings.ContainsRune("aeiou", rune(stem[len(stem)-1])) {
		return stem + "ies"
	}
	return noun + "s"
}

// Size formats a number of bytes: 512B, 1.4KiB, 10MiB. It takes at most six columns, up
// to 999 TiB. Flags accept the same units.
func Size[N int | int64](bytes N) string {
	value := float64(bytes)
	for i, unit := range []string{"B", "KiB", "MiB", "GiB", "TiB"} {
		if math.Abs(value) < 999.5 || unit == "TiB" {
			if i == 0 {
				return strconv.FormatInt(int64(bytes), 10) + unit
			}
			return short(value) + unit
		}
		value /= 1024
	}
	return "" // not reached
}

// Time formats a measured time: 87µs, 3.2ms, 45ms, 1.5s, 2m05s, 1h02m, 3d04h. It takes at
// most six columns, up to 99 days.
func Time(d time.Duration) string {
	switch {
	case d < 0:
		return "-" + Time(-d)
	case d == 0:
		return "0s"
	case d < 999500*time.Nanosecond:
		return strconv.FormatInt(int64(d.Round(time.Microsecond)/time.Microsecond), 10) + "µs"
	case d < 999500*time.Microsecond:
		return short(float64(d)/float64(time.Millisecond)) + "ms"
	case d < 59500*time.Millisecond:
		return short(d.Seconds()) + "s"
	}
	seconds := int64(d.Round(time.Second) / time.Second)
	switch {
	case seconds < 3600:
		return twoUnits(seconds, 60, "m", "s")
	case seconds < 48*3600:
		return twoUnits(seconds/60, 60, "h", "m")
	}
	return twoUnits(seconds/3600, 24, "d", "h")
}

// Seconds formats the duration of a call, in seconds: 46s, 12m05s. It returns "?" for an
// impossible duration.
func Seconds(s float64) string {
	if !(s >= 0 && s <= 1e6) {
		return "?"
	}
	return Time(time.Duration(s * float64(time.Second)))
}

// Exactly formats a time that the user set, such as a limit, with all its digits: 500ms,
// 1.234s, 1m, 1h30m.
func Exactly(d time.Duration) string {
	s := d.String()
	for _, zero := range []string{"m0s", "h0m"} {
		if strings.HasSuffix(s, zero) {
			s = s[:len(s)-2]
		}
	}
	return s
}

// Against formats a time that is over a limit, with three digits, or more if they are
// needed to show the difference: "1.04s, over 1s".
func Against(d, limit time.Duration) string {
	for step := time.Duration(math.Pow10(len(strconv.FormatInt(int64(d), 10)) - 3)); step > 1; step /= 10 {
		if d.Round(step) != limit {
			return Exactly(d.Round(step))
		}
	}
	return Exactly(d)
}

// Decimal formats a number that the user set, such as a rate: 0.125, 12,345.5.
func Decimal(f float64) string {
	s := strconv.FormatFloat(f, 'f', -1, 64)
	whole, fraction, _ := strings.Cut(s, ".")
	if n, err := strconv.ParseInt(whole, 10, 64); err == nil && n != 0 {
		whole = Number(n)
	}
	if fraction != "" {
		return whole + "." + fraction
	}
	return whole
}

// Rate formats a number per second, with the useful digits: 0.25, 2.5, 12,345.
func Rate(perSecond float64) string {
	switch {
	case perSecond > 0 && perSecond < 0.005:
		return "<0.01"
	case perSecond < 0.995:
		return rounded(perSecond, 2)
	case perSecond < 9.95:
		return rounded(perSecond, 1)
	}
	return Number(int64(math.Round(perSecond)))
}

// Percent formats a share of 1: 12%, 1.2%. Only none is 0%, and only all is 100%.
func Percent(share float64) string {
	percent := 100 * share
	switch {
	case percent > 0 && percent < 0.05:
		return "<0.1%"
	case percent < 100 && percent >= 99.5:
		return ">99%"
	}
	return short(percent) + "%"
}

// Part formats n of all as a percentage.
func Part[N int | int64](n, all N) string {
	if all == 0 {
		return Percent(0)
	}
	return Percent(float64(n) / float64(all))
}

// ExactPercent formats a share of 1 that the user set, with all its digits: 12.5%.
func ExactPercent(share float64) string {
	return strconv.FormatFloat(100*share, 'g', 10, 64) + "%"
}

// Milliseconds returns d in milliseconds, rounded to microseconds, as in records.
func Milliseconds(d time.Duration) float64 { return float64(d.Microseconds()) / 1000 }

// FromMilliseconds is the inverse of Milliseconds.
func FromMilliseconds(ms float64) time.Duration { return time.Duration(ms * float64(time.Millisecond)) }

// short formats with two digits, or all digits of an integer: 1.4, 10, 3, 123.
func short(v float64) string {
	if math.Abs(v) < 9.95 {
		return rounded(v, 1)
	}
	return rounded(v, 0)
}

// rounded formats with at most so many decimals. Halves round up, as in a browser.
func rounded(v float64, places int) string {
	scale := math.Pow10(places)
	return strconv.FormatFloat(math.Round(v*scale)/scale, 'f', -1, 64)
}

// twoUnits formats n in a larger unit and the rest, if any, in a smaller one.
func twoUnits(n, each int64, large, small string) string {
	s := strconv.FormatInt(n/each, 10) + large
	if rest := n % each; rest > 0 {
		if rest < 10 {
			s += "0"
		}
		s += strconv.FormatInt(rest, 10) + small
	}
	return s
}
