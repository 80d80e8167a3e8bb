package check

import (
	"bytes"
	"encoding/json"
	"fmt"
	"slices"
	"sync"
	"time"

	"github.com/julianctl/julianctl/pkg/deliver"
	"github.com/julianctl/julianctl/pkg/generate"
	"github.com/julianctl/julianctl/pkg/units"
)

// once ends a check whose calls must each have one effect.
func (t *trial) once(n *notes, calls []*watched, passed string, args ...any) judgement {
	return func() finding {
		t.exactly(n, calls, n.fail)
		return n.finding(passed, args...)
	}
}

func repeat(t *trial) judgement {
	var n notes
	c := t.call(generate.Spec{})
	calls := t.before(1, c.id)
	n.ack("first delivery", t.send("first delivery", c))
	n.ack("repeat", t.send("repeat", c))
	return t.once(&n, calls, "2 deliveries, 1 effect")
}

const (
	rounds = 5 // calls that are delivered several times at once, at least
	copies = 8 // of each
	// moreRounds is how many groups there are at most, where effects are counted:
	// look-then-insert with a window of some µs doubles one group in many.
	moreRounds     = 160
	thoroughRounds = 800
	smokeRounds    = 20
	eachRounds     = 20 // between two looks whether there is a doubled one
)

// togetherTime is how long groups are delivered, after the first few.
const togetherTime = 3 * time.Second

// groups is how many groups are delivered at most.
func (t *trial) groups() int {
	switch {
	case t.seen() != "" || t.o.MaxRequests > 0:
		return rounds
	case t.o.Smoke, t.counter.slow:
		return smokeRounds
	}
	most := moreRounds
	if t.o.Thorough {
		most = thoroughRounds
	}
	if cost := t.counter.cost(); cost > 0 {
		most = min(most, max(rounds, int(togetherTime/cost)))
	}
	return most
}

// together delivers groups of copies at one instant, until one was processed more
// than once, or it is unlikely that any will be.
func together(t *trial) judgement {
	var n notes
	var all []*watched
	began := time.Now()
	most := t.groups()
	for len(all) < most && t.gone == nil && t.ctx.Err() == nil {
		if len(all) >= rounds && (time.Since(began) > togetherTime && !t.o.Thorough || t.doubled(all)) {
			break
		}
		step := eachRounds
		if len(all) == 0 {
			step = rounds
		}
		calls := t.calls(min(step, most-len(all)))
		all = append(all, t.before(1, idsOf(calls)...)...)
		for i, c := range calls {
			same := make([]call, copies)
			for i := range same {
				same[i] = c
			}
			// Copies that are held back until their last byte meet in one place, and
			// whole ones on their way in another.
			if i%3 == 2 {
				n.acks("one of the copies", t.parallel("copy", same, copies))
			} else {
				n.acks("one of the copies", t.together("copy", same))
			}
		}
	}
	return func() finding {
		t.exactly(&n, all, n.fail)
		t.result.Effects = worstFirst(t.result.Effects)
		f := n.finding("%d copies in %d groups, 1 effect each", copies, len(all))
		if f.verdict == Fail || f.verdict == Pass {
			f.message += fmt.Sprintf(" (released within %s)", units.Time(units.FromMilliseconds(t.result.SkewMS)))
		}
		return f
	}
}

// doubled looks once whether a call was processed more often than it should be.
func (t *trial) doubled(all []*watched) bool {
	if t.seen() != "" {
		return true // nobody will know: it is enough
	}
	latest := all[max(0, len(all)-eachRounds):]
	t.look(latest)
	return slices.ContainsFunc(latest, func(w *watched) bool { return w.After > max(w.Want, w.Before) })
}

// worstFirst is what is wrong, and then a few that are right.
func worstFirst(all []Effect) []Effect {
	const most = 40
	slices.SortStableFunc(all, func(a, b Effect) int {
		right := func(e Effect) int {
			if e.After == e.Want && e.Error == "" {
				return 1
			}
			return 0
		}
		return right(a) - right(b)
	})
	return all[:min(len(all), most)]
}

// otherBytes repeats a call with the same content in other bytes, as any
// encoder on the way may write it.
func otherBytes(t *trial) judgement {
	var n notes
	c := t.call(generate.Spec{})
	calls := t.before(1, c.id)
	spaced, sorted := c, c
	spaced.body, sorted.body = indent(c.body), sortKeys(c.body)
	n.ack("first delivery", t.send("first delivery", c))
	n.ack("repeat with white space", t.send("repeat with white space", spaced))
	n.ack("repeat in another order", t.send("repeat in another order", sorted))
	return t.once(&n, calls, "3 deliveries, 1 effect")
}

// sortKeys writes keys in the order of the alphabet.
func sortKeys(body []byte) []byte {
	var v any
	d := json.NewDecoder(bytes.NewReader(body))
	d.UseNumber()
	if err := d.Decode(&v); err != nil {
		return body
	}
	sorted, err := json.Marshal(v)
	if err != nil {
		return body
	}
	return sorted
}

const (
	others     = 100
	manyOthers = 2000
)

// afterOthers repeats a call after many others.
func afterOthers(others int) func(*trial) judgement {
	return func(t *trial) judgement { return t.repeatAfter(others) }
}

func (t *trial) repeatAfter(others int) judgement {
	var n notes
	c := t.call(generate.Spec{})
	between := t.calls(others)
	calls := t.before(1, c.id)
	n.ack("first delivery", t.send("first delivery", c))
	n.acks("another call", t.parallel("another call", between, 10))
	n.ack("repeat", t.send("repeat", c))
	return t.once(&n, calls, "repeated after %d other calls, 1 effect", others)
}

func afterPause(t *trial) judgement {
	var n notes
	c := t.call(generate.Spec{})
	calls := t.before(1, c.id)
	n.ack("first delivery", t.send("first delivery", c))
	t.rest(t.o.Pause)
	n.ack("repeat", t.send("repeat", c))
	return t.once(&n, calls, "repeated after %s, 1 effect", t.o.Pause)
}

// longPause is how long a thorough run waits for its latest repeat, while other
// checks go on.
const longPause = 90 * time.Second

func afterLongPause(t *trial) judgement {
	var n notes
	c := t.call(generate.Spec{})
	calls := t.before(1, c.id)
	n.ack("first delivery", t.send("first delivery", c))
	return func() finding {
		t.rest(longPause)
		n.ack("repeat", t.send("repeat", c))
		t.exactly(&n, calls, n.fail)
		return n.finding("repeated after %s, 1 effect", longPause)
	}
}

// lostAck is what a provider sees as a failure, and repeats: the connection is
// gone before the answer. The redelivery comes when the first is over; what
// overlaps is for other checks.
func lostAck(t *trial) judgement {
	const over = 200 * time.Millisecond
	var n notes
	all := t.calls(3)
	calls := t.before(1, idsOf(all)...)
	for i, c := range all {
		how := []deliver.Hangup{deliver.Close, deliver.Reset, deliver.Close}[i]
		t.as("dropped before the answer", c, deliver.WireOptions{Hangup: how})
	}
	t.rest(over)
	for _, c := range all {
		n.ack("redelivery", t.send("redelivery", c))
	}
	return t.once(&n, calls, "%d lost acknowledgements, 1 effect each", len(all))
}

// failedFirst has a first attempt that cannot succeed: the second one must not
// be taken for a repeat of it.
func failedFirst(t *trial) judgement {
	var n notes
	all := t.calls(2)
	calls := t.before(1, idsOf(all)...)
	half := len(all[0].body) / 2
	t.as("broken off half-way", all[0], deliver.WireOptions{Cut: half})
	n.ack("the whole after a broken-off one", t.send("the whole", all[0]))
	cut := all[1]
	cut.body = cut.body[:half]
	cut.grade = broken
	t.send("half a payload", cut)
	n.ack("the whole after half a payload", t.send("the whole", all[1]))
	return t.once(&n, calls, "2 failed first attempts, 1 effect each")
}

// inFlight repeats a call while the first delivery of it cannot have been
// answered: its last byte is held back.
func inFlight(t *trial) judgement {
	const patience = 2 * time.Second // for an endpoint that serves one at a time
	var n notes
	all := t.calls(3)
	calls := t.before(1, idsOf(all)...)
	for _, c := range all {
		held, release := make(chan struct{}), make(chan struct{})
		var repeated sync.WaitGroup
		var second deliver.Answer
		repeated.Go(func() {
			defer close(release)
			select {
			case <-held:
			case <-t.ctx.Done():
				return
			case <-time.After(patience): // it never came that far
			}
			second = t.send("repeat meanwhile", c)
		})
		first := t.as("first, last byte held back", c, deliver.WireOptions{BeforeLastByte: func() {
			close(held)
			select {
			case <-release:
			case <-time.After(patience):
			}
		}})
		repeated.Wait()
		n.ack("first delivery", first)
		n.ack("repeat meanwhile", second)
	}
	return t.once(&n, calls, "repeated before the first was answered, 1 effect each")
}

// samePerson is two calls with one person, minutes apart in real life.
func samePerson(t *trial) judgement {
	var n notes
	first, second := t.call(generate.Spec{}), t.call(generate.Spec{})
	e := first.e
	e.CallID = second.id
	second = t.encode(e)
	calls := t.before(1, first.id, second.id)
	n.ack("first call", t.send("first call", first))
	n.ack("second call", t.send("second call", second))
	return func() finding {
		t.exactly(&n, calls, func(format string, args ...any) {
			n.fail("two calls of one person: "+format, args...)
		})
		return n.finding("2 calls of one person, 2 effects")
	}
}

// blanks are what a consumer may make of an id that is not there.
var blanks = []string{"", "null", "undefined", "None"}

// blankRecords counts what is there under no id. A probe whose count changed
// with the calls that had one looks for a part of the id, and says nothing of
// these.
func (t *trial) blankRecords() []*watched {
	all := t.before(0, blanks...)
	if t.seen() != "" {
		return nil
	}
	return slices.DeleteFunc(all, func(w *watched) bool {
		n, known := t.counter.blank[w.CallID]
		return w.Error != "" || !known || n != w.Before
	})
}

// missingCallID delivers calls that nobody can tell apart.
func missingCallID(t *trial) judgement {
	var n notes
	kept := t.blankRecords()
	acknowledgedAny := false
	for _, raw := range []string{"", "null", `""`} {
		for range 2 {
			c := t.call(generate.Spec{})
			what := "callId " + raw
			if raw == "" {
				what, c = "no callId", c.without("callId")
			} else {
				c = c.with("callId", raw)
			}
			c.id, c.grade = "", broken
			a := t.send(what, c)
			n.answered = n.answered || a.Status != 0
			acknowledgedAny = acknowledgedAny || acknowledged(a)
			n.refusal(what, a, t.seen() != "")
		}
	}
	return func() finding {
		if t.seen() == "" {
			t.settle(kept)
			for _, w := range kept {
				switch {
				case w.Error != "":
				case w.After > w.Before:
					n.fail("calls without an id left a record under %q", w.CallID)
				case w.Before > 0 && acknowledgedAny:
					n.undecided("a record under %q was there before this run: remove it", w.CallID)
				}
			}
			if acknowledgedAny && len(n.fails) == 0 {
				n.warn("acknowledged, and no record seen: such a call is lost")
			}
		}
		return n.finding("all 6 refused")
	}
}

const burst = 50

// noneLost looks whether what was acknowledged under load was kept.
func noneLost(t *trial) judgement {
	var n notes
	all := t.calls(burst)
	calls := t.before(1, idsOf(all)...)
	var taken []*watched
	for i, a := range t.together("one of a burst", all) {
		n.answered = n.answered || a.Status != 0
		if acknowledged(a) {
			taken = append(taken, calls[i])
		}
	}
	return func() finding {
		if len(taken) == 0 {
			n.undecided("none of a burst of %d was acknowledged", burst)
			return n.finding("")
		}
		t.exactly(&n, taken, n.fail)
		return n.finding("%d acknowledged in a burst, 1 effect each", len(taken))
	}
}
