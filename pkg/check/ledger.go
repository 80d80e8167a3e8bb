package check

import (
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/julianctl/julianctl/pkg/julian"
	"github.com/tidwall/gjson"

	"github.com/julianctl/julianctl/pkg/units"
)

// grade says what may come of a payload that is acknowledged.
type grade int

const (
	whole    grade = iota // it has to be processed
	doubtful              // it may be taken or left: to lose it is worth a look
	broken                // nothing right can come of it
)

// ledger keeps every call of a run that was delivered, for the count at its end.
// It is safe for concurrent use.
type ledger struct {
	mu      sync.Mutex
	entries []*entry
	of      map[string]*entry
	facts   facts // of what was acknowledged
}

// entry is one call.
type entry struct {
	callID string
	check  string // that delivered it first
	want   int    // how often it should be processed; of what was acknowledged
	acked  bool   // a whole payload of it was
	maybe  bool   // a doubtful one was
	done   bool   // it was processed, as far as anybody looked
}

// waiting picks a few acknowledged calls, evenly, that nobody has seen processed.
func (l *ledger) waiting() []*watched {
	const few = 8
	l.mu.Lock()
	defer l.mu.Unlock()
	var open []*entry
	for _, e := range l.entries {
		if e.acked && !e.done && e.want > 0 {
			open = append(open, e)
		}
	}
	var some []*watched
	for i := range min(few, len(open)) {
		e := open[i*len(open)/min(few, len(open))]
		some = append(some, &watched{Effect: Effect{CallID: e.callID, Want: e.want}})
	}
	return some
}

// processed notes that a call was.
func (l *ledger) processed(callID string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if e := l.of[callID]; e != nil {
		e.done = true
	}
}

func newLedger() *ledger { return &ledger{of: map[string]*entry{}} }

// note keeps one delivery.
func (l *ledger) note(check string, c call, acked bool, want int) {
	if c.id == "" || c.unprobed {
		return
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	e := l.of[c.id]
	if e == nil {
		e = &entry{callID: c.id, check: check}
		l.of[c.id] = e
		l.entries = append(l.entries, e)
	}
	if !acked || c.grade == broken {
		return
	}
	e.want = max(e.want, want)
	if c.grade == whole {
		e.acked = true
	} else {
		e.maybe = true
	}
}

// all is every call in the order of its first delivery.
func (l *ledger) all() []*entry {
	l.mu.Lock()
	defer l.mu.Unlock()
	return slices.Clone(l.entries)
}

// expects is how often a call of such a payload should be processed.
func (o *Options) expects(body []byte) int {
	if len(o.Expect) == 0 {
		return 1
	}
	return o.expected(julian.ResultType(gjson.GetBytes(body, "callResult.resultType").Str))
}

func (o *Options) expected(t julian.ResultType) int {
	if n, ok := o.Expect[t]; ok {
		return n
	}
	return 1
}

// countTime is how long the count at the end may take, where it takes a reading
// for each call.
const countTime = 8 * time.Second

// finalCount counts every call of the run once more.
func finalCount(t *trial) judgement {
	return func() finding {
		if why := t.seen(); why != "" {
			return finding{verdict: Undecided, message: why}
		}
		n := notes{answered: true}
		entries := t.book.all()
		known := len(entries)
		entries = t.affordable(entries)
		all := make([]*watched, len(entries))
		for i, e := range entries {
			all[i] = &watched{Effect: Effect{CallID: e.callID, Want: e.want}}
			t.acked[e.callID] = e.acked
		}
		acked := 0
		for _, e := range entries {
			if e.acked {
				acked++
			}
		}
		t.look(all)
		// Most are old by now: only what is not right is looked at again.
		wrong := slices.DeleteFunc(slices.Clone(all), func(w *watched) bool {
			e := t.book.of[w.CallID]
			return w.Error == "" && (w.After == w.Want || w.After < w.Want && !e.acked && !e.maybe)
		})
		if len(wrong) > 0 {
			t.settle(wrong)
		}
		t.result.Effects = nil // of right ones there is no end
		var more, less, lenient tally
		by := map[string]int{}
		for i, w := range all {
			e := entries[i]
			switch {
			case w.Error != "":
				n.undecided("%s", w.Error)
				continue
			case w.After > max(w.Want, 1):
				more.add(w.Effect)
			case w.After < w.Want && e.acked:
				less.add(w.Effect)
			case w.After < w.Want && e.maybe:
				lenient.add(w.Effect)
				continue
			default:
				continue
			}
			if by[e.check]++; by[e.check] == 1 && e.check != plainTrial {
				t.result.Related = append(t.result.Related, e.check)
			}
			t.result.Effects = append(t.result.Effects, w.Effect)
		}
		if more.calls > 0 {
			n.fail("%s", more.text(len(all)))
		}
		if less.calls > 0 {
			n.fail("%s, though acknowledged", less.text(len(all)))
		}
		if len(by) > 0 {
			n.fails = append(n.fails, "delivered by "+named(t.result.Related, by))
		}
		if acked == 0 {
			n.undecided("nothing was acknowledged")
		}
		if lenient.calls > 0 {
			n.warn("%s, though acknowledged: of an unusual Content-Type or method", lenient.text(len(all)))
		}
		passed := fmt.Sprintf("%d acknowledged calls counted once more, each as it should be", acked)
		if len(all) < known {
			passed += fmt.Sprintf("; %d were not counted, since a reading takes %s: --probe-batch counts all", known-len(all), units.Time(t.counter.cost()*atOnce))
		}
		return n.finding("%s", passed)
	}
}

// affordable leaves out evenly what there is no time to count.
func (t *trial) affordable(entries []*entry) []*entry {
	cost := t.counter.cost()
	if cost == 0 {
		return entries
	}
	most := max(20, int(countTime/cost))
	if len(entries) <= most {
		return entries
	}
	some := make([]*entry, most)
	for i := range some {
		some[i] = entries[i*len(entries)/most]
	}
	return some
}

const mostNamed = 8

// named is "one 2, two 3".
func named(ids []string, by map[string]int) string {
	var parts []string
	if n := by[plainTrial]; n > 0 {
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
