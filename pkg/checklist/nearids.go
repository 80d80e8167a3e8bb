package checklist

import (
	"fmt"
	"slices"
	"strings"

	"github.com/julianctl/julianctl/pkg/check"
	"github.com/julianctl/julianctl/pkg/generate"
	"github.com/julianctl/julianctl/pkg/units"
)

// pair is two ids that differ in one thing.
type pair struct {
	what        string // completes "ids that differ in …"
	first, next string
	// control is delivered without its twin, which differs from it as next does from
	// first. A probe that counts the twin takes such ids for one, as a column does
	// that compares without case: then it must count both calls of the pair.
	control, twin string
	// odd: ids need not be of this form, so that to refuse one is right, and so is
	// a probe that does not find it.
	odd bool
	// long: likewise, but that a refusal is worth a look.
	long bool
}

// prefixes are the lengths at which people cut ids.
var prefixes = []int{20, 30, 32, 40, 64, 128, 255}

// pairsOf makes pairs of ids from ids that are new. The prefixes are the last.
func pairsOf(fresh func() string) []pair {
	cased := func() (lower, upper string) {
		const head = len("call.julianctl-")
		lower = fresh() + "a"
		return lower, lower[:head] + strings.ToUpper(lower[head:])
	}
	ending := func(one, other string) func() (string, string) {
		return func() (string, string) { same := fresh(); return same + one, same + other }
	}
	of := func(what string, make func() (string, string)) pair {
		p := pair{what: what}
		p.first, p.next = make()
		p.twin, p.control = make()
		return p
	}
	end := strings.Repeat("0", 24)
	pairs := []pair{
		of("the case of their letters", cased),
		of("whether a separator is there", ending("-1.2", "-12")),
		of("their separators", ending("-1-2", "-1_2")), // in this order: _ matches anything in LIKE
		of("their separators", ending("-1.2", "-1-2")),
		of("what comes after a separator", ending("._-1", "._-2")),
		of("a further character", ending("-10", "-1")),
		of("what comes before their last separator", ending("-a._-0", "-b._-0")),
		of("what comes before their last 8 characters", ending("-a-00000000", "-b-00000000")),
		of("what comes before their last 24 characters", ending("a"+end, "b"+end)),
		of("a blank at the end", ending("", " ")),
	}
	pairs[len(pairs)-1].odd = true
	for _, n := range prefixes {
		p := of(fmt.Sprintf("what comes after their first %d characters", n), func() (string, string) {
			same := fresh()
			if n < len(same) {
				same = same[:n]
			}
			same += strings.Repeat("0", n-len(same))
			return same + "a", same + "b"
		})
		p.long = n >= 64
		pairs = append(pairs, p)
	}
	return pairs
}

// nearIDs delivers pairs of different calls whose ids are nearly alike.
func nearIDs(t *check.Trial) check.Conclusion {
	var n check.Notes
	var both []pair // of which all was acknowledged
	pairs := pairsOf(func() string { return t.Call(generate.Spec{}).ID })
	for _, p := range pairs {
		taken := 0
		for _, id := range []string{p.first, p.next, p.control} {
			c := renamed(t.Call(generate.Spec{}), id)
			c.Unprobed = p.odd || p.long // what answers probes may take no long ids
			what := "ids that differ in " + p.what
			a := t.Send(what, c)
			switch {
			case check.Acknowledged(a):
				n.Answered = true
				taken++
			case p.odd && a.Err == nil && a.Status/100 == 4:
				n.Answered = true
			case p.long && a.Err == nil && !check.Limited(a) && !check.Redirects(a):
				n.Answered = true
				n.Warn("a callId of %d characters: %s", len(id), a.Describe())
			default:
				n.Ack(what, a)
			}
		}
		if taken == 3 {
			both = append(both, p)
		}
	}
	return func() check.Finding {
		if why := t.Seen(); why != "" {
			n.Undecided("%s", why)
			return n.Finding("")
		}
		var ids, twins []string
		for _, p := range both {
			ids = append(ids, p.first, p.next, p.control)
			twins = append(twins, p.twin)
		}
		all, alone := check.Watch(1, ids), check.Watch(0, twins)
		t.Settle(slices.Concat(all, alone))
		failed := map[string]bool{} // by what differs; of prefixes the shortest says it all
		for i, p := range both {
			of := all[3*i : 3*i+3]
			finds, want := of[2].After == 1, 1
			if alone[i].After > 0 {
				finds, want = true, 2
				for _, w := range of {
					t.Ledger.Expect(w.CallID, w.After)
				}
			}
			for _, w := range of[:2] {
				what := p.what
				if strings.HasPrefix(what, "what comes after their first") {
					what = "prefixes"
				}
				switch {
				case w.Error != "" && !p.odd && !p.long:
					n.Undecided("%s", w.Error)
				case w.Error != "", w.After == want, p.odd && !finds, failed[what]:
				case want == 2:
					failed[what] = true
					n.Fail("two calls whose ids differ in %s are taken for one: processed %s, expected 2", p.what, units.Count(w.After, "time"))
				default:
					failed[what] = true
					n.Fail("two calls whose ids differ in %s: one is processed %s, expected 1", p.what, units.Count(w.After, "time"))
				}
			}
		}
		return n.Finding("%d pairs of ids, 1 effect each", len(pairs))
	}
}
