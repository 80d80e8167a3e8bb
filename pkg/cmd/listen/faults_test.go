package listen

import "testing"

func TestDelayRange(t *testing.T) {
	for in, want := range map[string]string{"2s": "2s", "200ms..2s": "200ms..2s", "0s..1s": "0s..1s", "1s..1s": "1s", "2s..1s": "", "x": "", "1s..": "", "-1s": "", "": ""} {
		var d delayRange
		err := d.Set(in)
		if got := d.String(); err == nil && got != want || (err != nil) != (want == "") {
			t.Errorf("%q: %q, %v", in, got, err)
		}
	}
}
