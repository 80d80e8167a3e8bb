package units_test

import (
	"fmt"
	"math"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/julianctl/julianctl/pkg/units"
)

const (
	us = time.Microsecond
	ms = time.Millisecond
	s  = time.Second
)

func TestUnits(t *testing.T) {
	for _, tt := range []struct{ got, want string }{
		{units.Number(0), "0"}, {units.Number(999), "999"}, {units.Number(-1000), "-1,000"}, {units.Number(-100), "-100"}, {units.Number(int64(1234567)), "1,234,567"},
		{units.Count(1, "delivery"), "1 delivery"}, {units.Count(0, "delivery"), "0 deliveries"}, {units.Count(12345, "different call"), "12,345 different calls"},
		{units.CountVerb(1, "value", "is", "are"), "1 value is"}, {units.CountVerb(1000, "value", "is", "are"), "1,000 values are"},
		{units.Plural("address"), "addresses"}, {units.Plural("copy"), "copies"}, {units.Plural("day"), "days"}, {units.Plural("batch"), "batches"}, {units.Plural("y"), "ys"},

		{units.Size(0), "0B"}, {units.Size(999), "999B"}, {units.Size(1000), "1KiB"}, {units.Size(1024), "1KiB"}, {units.Size(1434), "1.4KiB"}, {units.Size(10 << 10), "10KiB"},
		{units.Size(1023 << 10), "1MiB"}, {units.Size(999 << 10), "999KiB"}, {units.Size(10 << 20), "10MiB"}, {units.Size(5 << 30), "5GiB"}, {units.Size(int64(3 << 40)), "3TiB"}, {units.Size(int64(math.MaxInt64)), "8388608TiB"},

		{units.Time(0), "0s"}, {units.Time(1), "0µs"}, {units.Time(87 * us), "87µs"}, {units.Time(999*us + 499), "999µs"}, {units.Time(999*us + 500), "1ms"},
		{units.Time(3210 * us), "3.2ms"}, {units.Time(1250 * us), "1.3ms"}, {units.Time(9949 * us), "9.9ms"}, {units.Time(9950 * us), "10ms"}, {units.Time(45 * ms), "45ms"}, {units.Time(999 * ms), "999ms"},
		{units.Time(999500 * us), "1s"}, {units.Time(1500 * ms), "1.5s"}, {units.Time(9950 * ms), "10s"}, {units.Time(59499 * ms), "59s"}, {units.Time(59500 * ms), "1m"},
		{units.Time(125 * s), "2m05s"}, {units.Time(3599*s + 500*ms), "1h"}, {units.Time(3725 * s), "1h02m"}, {units.Time(47 * 3600 * s), "47h"}, {units.Time(76 * 3600 * s), "3d04h"}, {units.Time(-1500 * ms), "-1.5s"},

		{units.Seconds(46), "46s"}, {units.Seconds(725), "12m05s"}, {units.Seconds(0), "0s"}, {units.Seconds(-1), "?"}, {units.Seconds(1e99), "?"}, {units.Seconds(math.NaN()), "?"},
		{units.Exactly(500 * ms), "500ms"}, {units.Exactly(1234 * ms), "1.234s"}, {units.Exactly(60 * s), "1m"}, {units.Exactly(3600 * s), "1h"}, {units.Exactly(5400 * s), "1h30m"}, {units.Exactly(10 * s), "10s"}, {units.Exactly(0), "0s"},

		{units.Against(612345*us, 500*ms), "612ms"}, {units.Against(1040*ms, s), "1.04s"}, {units.Against(1000400*us, s), "1.0004s"}, {units.Against(s+1, s), "1.000000001s"}, {units.Against(83*us, 80*us), "83µs"}, {units.Against(0, s), "0s"},
		{units.Decimal(12345.5), "12,345.5"}, {units.Decimal(0.125), "0.125"}, {units.Decimal(1000), "1,000"}, {units.Decimal(-0.5), "-0.5"}, {units.Decimal(1e300), "1" + strings.Repeat("0", 300)},

		{units.Rate(0), "0"}, {units.Rate(0.25), "0.25"}, {units.Rate(2.54), "2.5"}, {units.Rate(9.96), "10"}, {units.Rate(0.001), "<0.01"}, {units.Rate(2.25), "2.3"}, {units.Rate(12345.4), "12,345"},
		{units.Percent(0), "0%"}, {units.Percent(0.0001), "<0.1%"}, {units.Percent(0.012), "1.2%"}, {units.Percent(0.123), "12%"}, {units.Percent(0.9999), ">99%"}, {units.Percent(1), "100%"},
		{units.Part(1, 3), "33%"}, {units.Part(0, 0), "0%"}, {units.ExactPercent(0.125), "12.5%"}, {units.ExactPercent(0.07), "7%"}, {units.ExactPercent(0.1), "10%"},
		{fmt.Sprint(units.Milliseconds(1234567 * time.Nanosecond)), "1.234"}, {fmt.Sprint(units.FromMilliseconds(1.5)), "1.5ms"},
	} {
		if tt.got != tt.want {
			t.Errorf("%q, want %q", tt.got, tt.want)
		}
	}
}

// Columns are laid out for six.
func TestWidths(t *testing.T) {
	for i := range 4000 {
		d := time.Duration(math.Pow(1.01, float64(i)))
		if d > 99*24*time.Hour {
			break
		}
		if text := units.Time(d); utf8.RuneCountInString(text) > 6 {
			t.Errorf("%v is %q", d, text)
		}
	}
	for i := range 49 {
		for _, n := range []int64{1<<i - 1, 1 << i, 1<<i + 1, 1<<i/4*3 + 7} {
			if text := units.Size(n); len(text) > 6 {
				t.Errorf("%d is %q", n, text)
			}
		}
	}
}
