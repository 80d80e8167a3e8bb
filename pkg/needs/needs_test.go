package needs

import (
	"fmt"
	"testing"
)

// ending notes how a test was ended.
type ending struct {
	testing.TB
	said string
}

func (*ending) Helper() {}
func (e *ending) Skipf(format string, args ...any) {
	e.said = "skip: " + fmt.Sprintf(format, args...)
}
func (e *ending) Fatalf(format string, args ...any) {
	e.said = "fail: " + fmt.Sprintf(format, args...)
	panic(e) // as Fatalf it does not return
}

func TestProgram(t *testing.T) {
	const absent = "julianctl-no-such-program"
	for needed, want := range map[string]string{
		"":                   "skip: needs " + absent + ", which cannot be used here: it is not installed",
		"nginx":              "skip: needs " + absent + ", which cannot be used here: it is not installed",
		"nginx," + absent:    "fail: JULIANCTL_NEEDS names " + absent + ", and it cannot be used: it is not installed",
		absent + "-2,python": "skip: needs " + absent + ", which cannot be used here: it is not installed",
	} {
		t.Setenv("JULIANCTL_NEEDS", needed)
		e := &ending{TB: t}
		func() {
			defer func() { _ = recover() }()
			Program(e, absent)
		}()
		if e.said != want {
			t.Errorf("%q: %q, want %q", needed, e.said, want)
		}
	}
	if path := Program(t, "go"); path == "" {
		t.Error("go has no path")
	}
}
