package check

import (
	"slices"
	"sync"
	"time"

	"github.com/julianctl/julianctl/pkg/deliver"
	"github.com/julianctl/julianctl/pkg/julian"
	"github.com/tidwall/gjson"
)

// grade says what may come of a payload that is acknowledged.
type grade int

const (
	whole    grade = iota // it has to be processed
	Doubtful              // it may be taken or left: to lose it is worth a look
	Broken                // nothing right can come of it
)

// Ledger keeps every call of a run that was delivered, for the count at its end.
// It is safe for concurrent use.
type Ledger struct {
	mu      sync.Mutex
	entries []*Entry
	Of      map[string]*Entry
	facts   facts // of what was acknowledged
	first   []Early
}

// Early is one of the first calls of a run.
type Early struct {
	Call   Call
	At     time.Time
	Took   time.Duration // from the last byte that was sent to its answer
	Before int           // calls that were delivered before it
}

// mostEarly is how many of them are kept.
const mostEarly = 12

// early keeps the first small calls that were acknowledged one after the other.
func (l *Ledger) early(c Call, a deliver.Answer) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if c.Grade == whole && c.ID != "" && !c.Unprobed && len(c.Body) < factualSize && len(l.first) < mostEarly {
		l.first = append(l.first, Early{Call: c, At: a.Answered, Took: max(0, a.Answered.Sub(a.Sent)), Before: len(l.entries)})
	}
}

// Early are the first calls of the run, and how many there are by now.
func (l *Ledger) Early() (first []Early, all int) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return slices.Clone(l.first), len(l.entries)
}

// Entry is one call.
type Entry struct {
	CallID string
	Check  string // that delivered it first
	Want   int    // how often it should be processed; of what was acknowledged
	Acked  bool   // a whole payload of it was
	Maybe  bool   // a doubtful one was
	done   bool   // it was processed, as far as anybody looked
	Lost   bool   // it was waited for, for as long as an effect is
}

// unprocessed is how many acknowledged calls were not seen to be processed.
func (l *Ledger) unprocessed() int {
	l.mu.Lock()
	defer l.mu.Unlock()
	n := 0
	for _, e := range l.entries {
		if e.Acked && !e.done && e.Want > 0 {
			n++
		}
	}
	return n
}

// waiting picks a few acknowledged calls that were not seen to be processed: the
// first ones, which are next where they are worked on in order, and others evenly.
func (l *Ledger) waiting() []*Watched {
	const few = 20
	l.mu.Lock()
	defer l.mu.Unlock()
	var open []*Entry
	for _, e := range l.entries {
		if (e.Acked || e.Maybe) && !e.done && !e.Lost && e.Want > 0 {
			open = append(open, e)
		}
	}
	var some []*Watched
	for i, e := range open {
		if i >= few && i%(1+len(open)/few) != 0 {
			continue
		}
		some = append(some, &Watched{Effect: Effect{CallID: e.CallID, Want: e.Want}})
	}
	return some
}

// lost notes that calls were waited for in vain.
func (l *Ledger) lost(missing []*Watched) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, w := range missing {
		if e := l.Of[w.CallID]; e != nil {
			e.Lost = true
		}
	}
}

// processed notes that a call was.
func (l *Ledger) processed(callID string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if e := l.Of[callID]; e != nil {
		e.done = true
	}
}

// note keeps one delivery.
func (l *Ledger) note(check string, c Call, acked bool, want int) {
	if c.ID == "" || c.Unprobed {
		return
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	e := l.Of[c.ID]
	if e == nil {
		e = &Entry{CallID: c.ID, Check: check}
		l.Of[c.ID] = e
		l.entries = append(l.entries, e)
	}
	if !acked || c.Grade == Broken {
		return
	}
	e.Want = max(e.Want, want)
	if c.Grade == whole {
		e.Acked = true
	} else {
		e.Maybe = true
	}
}

// Expect says how often a call of this id should be counted, where a probe counts
// others with it.
func (l *Ledger) Expect(callID string, want int) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if e := l.Of[callID]; e != nil {
		e.Want = want
	}
}

// All is every call in the order of its first delivery.
func (l *Ledger) All() []*Entry {
	l.mu.Lock()
	defer l.mu.Unlock()
	return slices.Clone(l.entries)
}

// Expects is how often a call of such a payload should be processed.
func (o *Options) Expects(body []byte) int {
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
