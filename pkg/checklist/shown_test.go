package checklist

import (
	"strings"
	"testing"

	"github.com/julianctl/julianctl/pkg/check"
)

// What no check looked at is listed, whatever the reason.
func TestNotShown(t *testing.T) {
	t.Parallel()
	passed := func(ids ...string) (all []check.Result) {
		for _, id := range ids {
			c := Named(id)[0]
			all = append(all, check.Result{ID: c.ID, Group: c.Group, Verdict: check.Pass})
		}
		return all
	}
	usual := passed("sample", "repeat", "budget", "https", "malformed-json")
	skipped := check.Result{ID: "crash", Group: Crashes, Verdict: check.Skip}
	for _, tt := range []struct {
		name    string
		options check.Options
		results []check.Result
		want    string
	}{
		{"no supervised consumer", check.Options{}, usual, "restart, crash, second process (--exec)"},
		{"a supervised consumer and smoke", check.Options{Supervision: &check.Supervision{}, Smoke: true}, usual, "restart, crash, replicas (--profile default)"},
		{"nothing stands between", check.Options{Supervision: &check.Supervision{}}, append(append(passed("restart", "crash-files"), skipped), usual...), "replicas"},
		{"all", check.Options{Supervision: &check.Supervision{}}, append(passed("restart", "crash", "replicas"), usual...), ""},
		{"groups left out", check.Options{Supervision: &check.Supervision{}}, append(passed("restart", "crash", "replicas"), passed("repeat", "https")...), "accepts, speed, robustness"},
	} {
		r := &run{Session: check.NewSession(tt.options)}
		r.limits(tt.results)
		want := strings.TrimPrefix(tt.want+"; a repeat after 90s (--profile thorough); a second writer (--also)", "; ")
		if got := strings.Join(r.sum.NotShown, "; "); got != want {
			t.Errorf("%s: %s, want %s", tt.name, got, want)
		}
	}
}
