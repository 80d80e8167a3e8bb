package cli

import (
	"testing"
	"time"
)

// A size is a number and a unit, and nothing else.
func TestByteSize(t *testing.T) {
	for text, want := range map[string]int64{
		"1": 1, "10B": 10, "512KiB": 512 << 10, "10MiB": 10 << 20, "10 mib": 10 << 20, "1024GiB": 1 << 40,
		"": 0, "0": 0, "0MiB": 0, "-1": 0, "+1": 0, "10MiB junk": 0, "10 MiB x": 0, "10MiBx": 0, "1 2": 0, "1.5MiB": 0, "MiB": 0,
		"10MB": 0, "0x10": 0, "1_000": 0, "1025GiB": 0, "99999999999999999999": 0, "9223372036854775807GiB": 0,
	} {
		var got ByteSize
		if err := got.Set(text); int64(got) != want || (err == nil) != (want > 0) {
			t.Errorf("%q: %d, %v; want %d", text, got, err, want)
		}
	}
	for size, want := range map[ByteSize]string{10 << 20: "10MiB", 1536 << 10: "1536KiB", 64: "64B", 1 << 30: "1GiB"} {
		if size.String() != want {
			t.Errorf("%s, want %s", size.String(), want)
		}
	}
}

// So is a span of time.
func TestTimeSpan(t *testing.T) {
	const day = 24 * time.Hour
	for text, want := range map[string]time.Duration{
		"90m": 90 * time.Minute, "24h": day, "7d": 7 * day,
		"": 0, "d": 0, "0d": 0, "-7d": 0, "7d junk": 0, "7 d": 0, "7dd": 0, "1d12h": 0, "36500d": 0, "99999999999999999999d": 0, "soon": 0, "-1h": 0,
	} {
		var got TimeSpan
		if err := got.Set(text); got.Duration() != want || (err == nil) != (want > 0) {
			t.Errorf("%q: %s, %v; want %s", text, got.Duration(), err, want)
		}
	}
}

func TestDurationRange(t *testing.T) {
	for in, want := range map[string]string{"2s": "2s", "200ms..2s": "200ms..2s", "0s..1s": "0s..1s", "1s..1s": "1s", "2s..1s": "", "x": "", "1s..": "", "-1s": "", "": ""} {
		var d DurationRange
		err := d.Set(in)
		if got := d.String(); err == nil && got != want || (err != nil) != (want == "") {
			t.Errorf("%q: %q, %v", in, got, err)
		}
	}
}
