package checklist

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/julianctl/julianctl/pkg/check"
	"github.com/julianctl/julianctl/pkg/effects"
	"github.com/julianctl/julianctl/pkg/units"
)

// countTime is how long the count at the end may take in a short run, where it takes a
// reading for each call.
const countTime = 8 * time.Second

// finalCount counts every call of the run once more.
func finalCount(t *check.Trial) check.Conclusion {
	return func() check.Finding {
		if why := t.Seen(); why != "" {
			return check.Finding{Verdict: check.Undecided, Message: why}
		}
		n := check.Notes{Answered: true}
		entries := t.Ledger.All()
		known := len(entries)
		entries = affordable(t, entries)
		all := make([]*check.Watched, len(entries))
		for i, e := range entries {
			all[i] = &check.Watched{Effect: check.Effect{CallID: e.CallID, Want: e.Want}}
			t.Acked[e.CallID] = e.Acked || e.Maybe && t.Counter.Each > 0 // a queue comes to it
		}
		acked := 0
		for _, e := range entries {
			if e.Acked {
				acked++
			}
		}
		t.Look(all)
		// Most are old by now: only what is not right is looked at again.
		wrong := slices.DeleteFunc(slices.Clone(all), func(w *check.Watched) bool {
			e := t.Ledger.Of[w.CallID]
			return w.Error == "" && (w.After == w.Want || w.After < w.Want && (e.Lost || !e.Acked && !e.Maybe))
		})
		if len(wrong) > 0 {
			t.Settle(wrong)
			t.Look(slices.DeleteFunc(slices.Clone(all), func(w *check.Watched) bool { return !t.Ledger.Of[w.CallID].Lost }))
		}
		t.Result.Effects = nil // of right ones there is no end
		var more, less, irregular check.Tally
		by := map[string]int{}
		for i, w := range all {
			e := entries[i]
			switch {
			case w.Error != "":
				n.Undecided("%s", w.Error)
				continue
			case w.After > max(w.Want, 1):
				more.Add(w.Effect)
			case w.After < w.Want && e.Acked:
				less.Add(w.Effect)
			case w.After < w.Want && e.Maybe:
				irregular.Add(w.Effect)
				continue
			default:
				continue
			}
			if by[e.Check]++; by[e.Check] == 1 && e.Check != check.PlainTrial {
				t.Result.Related = append(t.Result.Related, e.Check)
			}
			t.Result.Effects = append(t.Result.Effects, w.Effect)
		}
		if more.Calls > 0 {
			n.Fail("%s", more.Text(len(all)))
		}
		if less.Calls > 0 {
			n.Fail("%s, though acknowledged", less.Text(len(all)))
		}
		if len(by) > 0 {
			n.Fails = append(n.Fails, "delivered by "+named(t.Result.Related, by))
		}
		if acked == 0 {
			n.Undecided("nothing was acknowledged")
		}
		if irregular.Calls > 0 {
			n.Warn("%s, though acknowledged: of an unusual form", irregular.Text(len(all)))
		}
		passed := fmt.Sprintf("%d acknowledged calls counted once more, each as it should be", acked)
		if len(all) < known {
			passed += fmt.Sprintf("; %d were not counted, since a reading takes %s: --probe-batch counts all", known-len(all), units.Time(t.Counter.Cost()*effects.AtOnce))
		}
		return n.Finding("%s", passed)
	}
}

// fewCalls is how many calls a check has whose calls are all different.
const fewCalls = 25

// affordable leaves out what there is no time to count: evenly, and rather of checks
// that deliver many calls of one kind.
func affordable(t *check.Trial, entries []*check.Entry) []*check.Entry {
	cost := t.Counter.Cost()
	if cost == 0 {
		return entries
	}
	limit := countTime
	if first, _ := t.Ledger.Early(); len(first) > 0 {
		limit = max(limit, time.Since(first[0].At)/6)
	}
	return pick(entries, max(20, int(limit/cost)))
}

// pick is most of the entries at most.
func pick(entries []*check.Entry, most int) []*check.Entry {
	calls := map[string]int{}
	for _, e := range entries {
		calls[e.Check]++
	}
	var few, many []*check.Entry
	for _, e := range entries {
		if calls[e.Check] <= fewCalls {
			few = append(few, e)
		} else {
			many = append(many, e)
		}
	}
	few = evenly(few, max(most*2/3, most-len(many)))
	return append(few, evenly(many, most-len(few))...)
}

// evenly is most of all at most, from beginning to end.
func evenly(all []*check.Entry, most int) []*check.Entry {
	if len(all) <= most {
		return all
	}
	some := make([]*check.Entry, most)
	for i := range some {
		some[i] = all[i*len(all)/most]
	}
	return some
}

const mostNamed = 8

// named is "one 2, two 3".
func named(ids []string, by map[string]int) string {
	var parts []string
	if n := by[check.PlainTrial]; n > 0 {
		parts = append(parts, fmt.Sprintf("the calls before the checks %d", n))
	}
	for i, id := range ids {
		if i == mostNamed && len(ids) > mostNamed+1 {
			parts = append(parts, fmt.Sprintf("and %d more checks", len(ids)-i))
			break
		}
		parts = append(parts, fmt.Sprintf("%s %d", id, by[id]))
	}
	return strings.Join(parts, ", ")
}
