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
		show("%s", together.Tried)
	}
	if late, ok := passed["late-repeat"]; ok {
		show("repeats %s", late.Tried)
	}
	if _, ok := passed["after-long-pause"]; ok {
		show("a repeat after %s", longPause)
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
		not("a repeat after 90s (--profile thorough)")
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
