// Package checklist has every check of an endpoint in one table, [Checks], and
// runs them: it delivers synthetic payloads in the ways that consumers break on,
// and concludes from the answers and, where a probe counts them, from the effects.
// The checks that kill a supervised consumer are in package crashcheck.
package checklist

import (
	"cmp"
	"errors"
	"slices"
	"time"

	"github.com/julianctl/julianctl/pkg/check"
	"github.com/julianctl/julianctl/pkg/crashcheck"
)

// Check is one statement about an endpoint.
type Check struct {
	ID    string `json:"id"` // stable, never used for anything else
	Group string `json:"group"`
	Title string `json:"title"` // completes "the endpoint …"
	Why   string `json:"why"`   // what goes wrong in production where it does not hold
	How   string `json:"how"`   // what is sent, and what decides
	// Mend is how people repair an endpoint that fails; may be empty.
	Mend string `json:"mend,omitempty"`
	// Needs is what a pass takes.
	Needs Need `json:"needs"`
	// Requests is how many requests it sends at most.
	Requests int `json:"requests"`
	// distinct is how many calls it has processed at least, where that is not
	// Requests.
	distinct int
	// least is how many it makes do with, where fewer are to be sent; 0: Requests.
	least int
	// Smoke: part of the profile of that name.
	Smoke bool `json:"smoke,omitempty"`
	// Thorough: only part of the profile of that name.
	Thorough bool `json:"thorough,omitempty"`
	// Asked: it runs only when it is named.
	Asked bool `json:"onlyWhenNamed,omitempty"`

	// alone: nothing else may happen while it measures.
	alone bool
	// pauses: it delivers once more in its conclusion.
	pauses bool
	// late: it pauses so long that it is not awaited before the end.
	late bool
	// before is the check that it runs just before; what takes its time then does so
	// while the effects of others are waited for.
	before string
	// always: it says something of an endpoint that acknowledges nothing.
	always bool
	run    func(*check.Trial) check.Conclusion
	crash  crashcheck.Body // in place of run, for a supervised consumer
}

// Need is the evidence that a pass of a check takes.
type Need string

// The kinds of evidence.
const (
	Answers Need = "answers"
	Effects Need = "effects" // counted by a probe; without one it can only fail
)

// Groups are the groups of checks, in the order in which they run.
var Groups = []string{"accepts", "idempotency", "speed", "security", "robustness", Crashes}

// Crashes is the group of checks that need a supervised consumer.
const Crashes = "crashes"

// Hint is how people repair what a check found; may be empty.
func Hint(r check.Result) string {
	if r.Mend != "" {
		return r.Mend
	}
	for _, c := range Named(r.ID) {
		return c.Mend
	}
	return ""
}

// ErrUnknown is returned for a name that is neither a check nor a group.
var ErrUnknown = errors.New("is neither a check nor a group")

// Names lists every id and group, for suggestions.
func Names() []string {
	names := slices.Clone(Groups)
	for _, c := range Checks {
		names = append(names, c.ID)
	}
	return names
}

// Named returns the check with this id, or the checks of this group, in the order
// in which they run; nil where it names neither.
func Named(name string) []Check {
	var checks []Check
	for _, c := range Checks {
		if c.ID == name || c.Group == name {
			checks = append(checks, c)
		}
	}
	return checks
}

// Planned is how many checks are selected, how many of them MaxRequests leaves no
// requests for, and how many requests the others send at most, the plain call
// before them included.
func Planned(o check.Options) (checks, over, requests int) {
	requests = plainCalls
	for _, i := range order() {
		switch c := Checks[i]; {
		case !selects(o, c):
			continue
		case past(o, c, requests):
			over++
		default:
			requests += most(o, c)
		}
		checks++
	}
	return checks, over, requests
}

// LongestPause is how long a run takes at least, for a call that is repeated late.
func LongestPause(o check.Options) time.Duration {
	for _, c := range Checks {
		if c.late && selects(o, c) {
			return longPause
		}
	}
	return 0
}

// Selected lists the checks that were asked for, in the order of [Checks].
func Selected(o check.Options) []Check {
	return slices.DeleteFunc(slices.Clone(Checks), func(c Check) bool { return !selects(o, c) })
}

// order is the order in which checks run, as indexes of [Checks].
func order() []int {
	var first, all []int
	for i, c := range Checks {
		if c.before != "" {
			first = append(first, i)
		}
	}
	for i, c := range Checks {
		for _, f := range first {
			if Checks[f].before == c.ID {
				all = append(all, f)
			}
		}
		if c.before == "" {
			all = append(all, i)
		}
	}
	return all
}

// selects reports whether c is one of the checks that were asked for.
func selects(o check.Options, c Check) bool {
	named := func(list []string) bool { return slices.Contains(list, c.ID) || slices.Contains(list, c.Group) }
	byID := slices.Contains(o.Only, c.ID)
	switch {
	case c.Group == Crashes && o.Supervision == nil:
		return byID // which then says what it needs
	case len(o.Only) > 0 && !named(o.Only), named(o.Skip):
		return false
	case c.Asked, o.Smoke && !c.Smoke, c.Thorough && !o.Thorough, c.ID == secondWriter && o.Also == nil,
		c.ID == lastCount && o.Probe == nil && o.Batch == nil:
		return byID
	}
	return true
}

// most is how many requests c sends at most.
func most(o check.Options, c Check) int {
	if c.least > 0 && (o.MaxRequests > 0 || o.Smoke || o.Probe == nil && o.Batch == nil) {
		return c.least
	}
	return c.Requests
}

// calls is how many calls c has processed at least.
func (c Check) calls() int { return cmp.Or(c.distinct, c.Requests) }

// past reports whether c would be past MaxRequests; planned is what was planned
// before it.
func past(o check.Options, c Check, planned int) bool {
	return o.MaxRequests > 0 && planned+most(o, c) > o.MaxRequests
}
