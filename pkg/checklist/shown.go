package checklist

import (
	"fmt"
	"slices"
	"strings"

	"github.com/julianctl/julianctl/pkg/check"
	"github.com/julianctl/julianctl/pkg/units"
)

// limits say what a run showed, and what it did not look at: a pass is no more
// than that.
func (r *run) limits(results []check.Result) {
	if len(r.Options.Only) > 0 {
		return // who names checks knows which
	}
	passed := map[string]check.Result{}
	forms, ran := 0, map[string]bool{}
	for _, result := range results {
		if result.NotRun || result.Verdict == check.Skip {
			continue
		}
		ran[result.Group], ran[result.ID] = true, true
		if result.Verdict == check.Pass {
			passed[result.ID] = result
			if result.Group == "accepts" {
				forms += result.Requests
			}
		}
	}
	if !ran["idempotency"] {
		return // it was not asked for
	}
	show := func(format string, args ...any) { r.sum.Shown = append(r.sum.Shown, fmt.Sprintf(format, args...)) }
	if together, ok := passed["together"]; ok {
		show("%s", together.Copies)
	}
	var remembered []string
	for _, of := range []struct{ id, what string }{
		{"after-many-others", "2,000 calls"}, {"after-others", "100 calls"}, {"after-long-pause", "90s"}, {"after-pause", r.Options.Pause.String()},
	} {
		if _, ok := passed[of.id]; ok && len(remembered) < 2 {
			remembered = append(remembered, of.what)
		}
	}
	if remembered != nil {
		show("a repeat remembered for %s", strings.Join(remembered, " and "))
	}
	if forms > 0 {
		show("%s of payload", units.Count(forms, "form"))
	}
	not := func(what string) { r.sum.NotShown = append(r.sum.NotShown, what) }
	if r.Options.Supervision == nil {
		not("restart, crash, second process (--exec)")
	} else if left := missing(ran, [][]string{{"restart"}, {"crash", "crash-files"}, {"replicas"}}); left != "" {
		if r.Options.Smoke {
			left += " (--profile default)"
		}
		not(left)
	}
	var groups [][]string
	for _, group := range Groups {
		if group != Crashes {
			groups = append(groups, []string{group})
		}
	}
	if left := missing(ran, groups); left != "" {
		not(left)
	}
	if !r.Options.Thorough {
		not("longer memory (--profile thorough)")
	}
	if r.Options.Also == nil {
		not("a second writer (--also)")
	}
}

// missing names the first of each list of which nothing ran.
func missing(ran map[string]bool, lists [][]string) string {
	var left []string
	for _, names := range lists {
		if !slices.ContainsFunc(names, func(name string) bool { return ran[name] }) {
			left = append(left, names[0])
		}
	}
	return strings.Join(left, ", ")
}
