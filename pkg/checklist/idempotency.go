package checklist

import (
	"bytes"
	"cmp"
	"encoding/json"
	"fmt"
	"slices"
	"sync"
	"time"

	"github.com/julianctl/julianctl/pkg/check"
	"github.com/julianctl/julianctl/pkg/deliver"
	"github.com/julianctl/julianctl/pkg/generate"
	"github.com/julianctl/julianctl/pkg/units"
)

// once ends a check whose calls must each have one effect.
func once(t *check.Trial, n *check.Notes, calls []*check.Watched, passed string, args ...any) check.Conclusion {
	return func() check.Finding {
		t.Exactly(n, calls, n.Fail)
		return n.Finding(passed, args...)
	}
}

func repeat(t *check.Trial) check.Conclusion {
	var n check.Notes
	c := t.Call(generate.Spec{})
	calls := t.Before(1, c.ID)
	n.Ack("first delivery", t.Send("first delivery", c))
	n.Ack("repeat", t.Send("repeat", c))
	return once(t, &n, calls, "2 deliveries, 1 effect")
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
func groups(t *check.Trial) int {
	switch {
	case t.Seen() != "" || t.Options.MaxRequests > 0:
		return rounds
	case t.Options.Smoke:
		return smokeRounds
	case t.Counter.Slow:
		return min(smokeRounds, max(2, t.Counter.Affords(moreRounds*copies)/copies))
	}
	most := min(moreRounds, max(2, t.Counter.Affords(moreRounds*copies)/copies))
	if t.Options.Thorough {
		most = thoroughRounds
	}
	if cost := t.Counter.Cost(); cost > 0 {
		most = min(most, max(rounds, int(togetherTime/cost)))
	}
	return most
}

// together delivers groups of copies at one instant, until one was processed more
// than once, or it is unlikely that any will be.
func together(t *check.Trial) check.Conclusion {
	var n check.Notes
	var all []*check.Watched
	began := time.Now()
	most := groups(t)
	for len(all) < most && t.Gone == nil && t.Ctx.Err() == nil {
		if len(all) >= rounds && (time.Since(began) > togetherTime && !t.Options.Thorough || doubled(t, all)) {
			break
		}
		step := eachRounds
		if len(all) == 0 {
			step = rounds
		}
		calls := t.Calls(min(step, most-len(all)))
		all = append(all, t.Before(1, check.IDs(calls)...)...)
		for i, c := range calls {
			same := make([]check.Call, copies)
			for i := range same {
				same[i] = c
			}
			// Copies that are held back until their last byte meet in one place, and
			// whole ones on their way in another.
			if i%3 == 2 {
				n.Acks("one of the copies", t.Parallel("copy", same, copies))
			} else {
				n.Acks("one of the copies", t.Together("copy", same))
			}
		}
	}
	return func() check.Finding {
		t.Exactly(&n, all, n.Fail)
		t.Result.Effects = worstFirst(t.Result.Effects)
		t.Result.Tried = fmt.Sprintf("%s in %d copies at once", units.Count(len(all), "call"), copies)
		f := n.Finding("%s, 1 effect each", t.Result.Tried)
		if f.Verdict == check.Fail || f.Verdict == check.Pass {
			f.Message += fmt.Sprintf(" (released within %s)", units.Time(units.FromMilliseconds(t.Result.SkewMS)))
		}
		return f
	}
}

// doubled looks once whether a call was processed more often than it should be.
func doubled(t *check.Trial, all []*check.Watched) bool {
	if t.Seen() != "" {
		return true // it cannot be seen: it is enough
	}
	latest := all[max(0, len(all)-eachRounds):]
	t.Look(latest)
	return slices.ContainsFunc(latest, func(w *check.Watched) bool { return w.After > max(w.Want, w.Before) })
}

// worstFirst is what is wrong, and then a few that are right.
func worstFirst(all []check.Effect) []check.Effect {
	const most = 40
	slices.SortStableFunc(all, func(a, b check.Effect) int {
		right := func(e check.Effect) int {
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
func otherBytes(t *check.Trial) check.Conclusion {
	var n check.Notes
	c := t.Call(generate.Spec{})
	calls := t.Before(1, c.ID)
	spaced, sorted := c, c
	spaced.Body, sorted.Body = indent(c.Body), sortKeys(c.Body)
	n.Ack("first delivery", t.Send("first delivery", c))
	n.Ack("repeat with white space", t.Send("repeat with white space", spaced))
	n.Ack("repeat in another order", t.Send("repeat in another order", sorted))
	return once(t, &n, calls, "3 deliveries, 1 effect")
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
func afterOthers(others int) func(*check.Trial) check.Conclusion {
	return func(t *check.Trial) check.Conclusion { return repeatAfter(t, others) }
}

func repeatAfter(t *check.Trial, others int) check.Conclusion {
	var n check.Notes
	c := t.Call(generate.Spec{})
	between := t.Calls(others)
	calls := t.Before(1, c.ID)
	n.Ack("first delivery", t.Send("first delivery", c))
	n.Acks("another call", t.Parallel("another call", between, 10))
	n.Ack("repeat", t.Send("repeat", c))
	return once(t, &n, calls, "repeated after %d other calls, 1 effect", others)
}

const (
	// lateRepeats is how many of the run's first calls are delivered again late in it.
	lateRepeats = 3
	// lateAfter is how many halves of --pause that is after them: ids that are kept for
	// 10s are forgotten by then.
	lateAfter = 11
)

// lateRepeat repeats the first calls of the run late in it: what forgets ids after
// some seconds, or some hundreds of calls, takes them for new.
func lateRepeat(t *check.Trial) check.Conclusion {
	var n check.Notes
	first, all := t.Ledger.Early()
	first = first[:min(len(first), lateRepeats)]
	if len(first) == 0 {
		return check.Skipped("none was acknowledged")
	}
	if len(t.Options.Only) == 0 { // in a run by itself nothing else would come between
		t.Rest(time.Until(first[0].At.Add(lateAfter * t.Options.Pause / 2)))
	}
	var ids []string
	for _, e := range first {
		ids = append(ids, e.Call.ID)
		n.Ack("a repeat of one of the first calls", t.Send("a repeat of one of the first calls", e.Call))
	}
	t.Result.Related = []string{"after-others", "together", "burst"} // in a run by itself they come between
	since := time.Since(first[0].At)
	t.Result.Tried = fmt.Sprintf("after %s other calls and %s", units.Number(all-first[0].Before), units.Time(since))
	return once(t, &n, check.Watch(1, ids), "repeated %s, 1 effect each", t.Result.Tried)
}

// longPause is how long a thorough run waits for its latest repeat.
const longPause = 90 * time.Second

// afterPause repeats a call after a pause, in which other checks go on: that of
// the options, or a long one.
func afterPause(long time.Duration) func(*check.Trial) check.Conclusion {
	return func(t *check.Trial) check.Conclusion {
		pause := cmp.Or(long, t.Options.Pause)
		var n check.Notes
		c := t.Call(generate.Spec{})
		calls := t.Before(1, c.ID)
		n.Ack("first delivery", t.Send("first delivery", c))
		return func() check.Finding {
			t.Rest(pause)
			n.Ack("repeat", t.Send("repeat", c))
			t.Exactly(&n, calls, n.Fail)
			return n.Finding("repeated after %s, 1 effect", pause)
		}
	}
}

// lostAck is what a provider sees as a failure, and repeats: the connection is
// gone before the answer. The redelivery comes when the first is over; what
// overlaps is for other checks.
func lostAck(t *check.Trial) check.Conclusion {
	const over = 200 * time.Millisecond
	var n check.Notes
	all := t.Calls(3)
	calls := t.Before(1, check.IDs(all)...)
	for i, c := range all {
		how := []deliver.Hangup{deliver.Close, deliver.Reset, deliver.Close}[i]
		t.As("dropped before the answer", c, deliver.WireOptions{Hangup: how})
	}
	t.Rest(over)
	for _, c := range all {
		n.Ack("redelivery", t.Send("redelivery", c))
	}
	return once(t, &n, calls, "%d lost acknowledgements, 1 effect each", len(all))
}

// failedFirst has a first attempt that cannot succeed: the second one must not
// be taken for a repeat of it.
func failedFirst(t *check.Trial) check.Conclusion {
	var n check.Notes
	all := t.Calls(2)
	calls := t.Before(1, check.IDs(all)...)
	t.As("broken off half-way", all[0], deliver.WireOptions{Cut: len(all[0].Body) / 2})
	n.Ack("the whole after a broken-off one", t.Send("the whole", all[0]))
	cut := all[1]
	cut.Body = cut.Body[:len(cut.Body)/2]
	cut.Grade = check.Broken
	t.Send("half a payload", cut)
	n.Ack("the whole after half a payload", t.Send("the whole", all[1]))
	return once(t, &n, calls, "2 failed first attempts, 1 effect each")
}

// inFlight repeats a call while the first delivery of it cannot have been
// answered: its last byte is held back.
func inFlight(t *check.Trial) check.Conclusion {
	const patience = 2 * time.Second // for an endpoint that serves one at a time
	var n check.Notes
	all := t.Calls(3)
	calls := t.Before(1, check.IDs(all)...)
	for _, c := range all {
		held, release := make(chan struct{}), make(chan struct{})
		var repeated sync.WaitGroup
		var second deliver.Answer
		repeated.Go(func() {
			defer close(release)
			select {
			case <-held:
			case <-t.Ctx.Done():
				return
			case <-time.After(patience): // it never came that far
			}
			second = t.Send("repeat meanwhile", c)
		})
		first := t.As("first, last byte held back", c, deliver.WireOptions{BeforeLastByte: func() {
			close(held)
			select {
			case <-release:
			case <-time.After(patience):
			}
		}})
		repeated.Wait()
		n.Ack("first delivery", first)
		n.Ack("repeat meanwhile", second)
	}
	return once(t, &n, calls, "repeated before the first was answered, 1 effect each")
}

// sameContact is two calls with one contact, minutes apart in real life.
func sameContact(t *check.Trial) check.Conclusion {
	var n check.Notes
	first, second := t.Call(generate.Spec{}), t.Call(generate.Spec{})
	e := first.Event
	e.CallID = second.ID
	second = t.Encode(e)
	calls := t.Before(1, first.ID, second.ID)
	n.Ack("first call", t.Send("first call", first))
	n.Ack("second call", t.Send("second call", second))
	return func() check.Finding {
		t.Exactly(&n, calls, func(format string, args ...any) {
			n.Fail("two calls of one person: "+format, args...)
		})
		return n.Finding("2 calls of one person, 2 effects")
	}
}

// blanks are what a consumer may make of an id that is not there.
var blanks = []string{"", "null", "undefined", "None"}

// blankRecords counts what is there under no id. A probe whose count changed
// with the calls that had one looks for a part of the id, and says nothing of
// these.
func blankRecords(t *check.Trial) []*check.Watched {
	all := t.Before(0, blanks...)
	if t.Seen() != "" {
		return nil
	}
	return slices.DeleteFunc(all, func(w *check.Watched) bool {
		n, known := t.Counter.Blank[w.CallID]
		return w.Error != "" || !known || n != w.Before
	})
}

// missingCallID delivers calls that cannot be distinguished.
func missingCallID(t *check.Trial) check.Conclusion {
	var n check.Notes
	kept := blankRecords(t)
	acknowledgedAny, said := false, n.Warn
	for _, raw := range []string{"", "null", `""`} {
		for range 2 {
			c := t.Call(generate.Spec{})
			what := "callId " + raw
			if raw == "" {
				what, c = "no callId", c.Without("callId")
			} else {
				c = c.With("callId", raw)
			}
			c.ID, c.Grade = "", check.Broken
			a := t.Send(what, c)
			n.Answered = n.Answered || a.Status != 0
			if check.Acknowledged(a) {
				acknowledgedAny = true
				if raw != `""` { // a schema that wants a string takes an empty one
					said = n.Fail
				}
			}
			refusal(&n, what, a, t.Seen() != "")
		}
	}
	return func() check.Finding {
		if t.Seen() == "" {
			t.Settle(kept)
			for _, w := range kept {
				switch {
				case w.Error != "":
				case w.After > w.Before:
					said("calls without an id left a record under %q", w.CallID)
				case w.Before > 0 && acknowledgedAny:
					n.Undecided("a record with the callId %q is left from before this run, and hides a new one: remove it", w.CallID)
				}
			}
			if acknowledgedAny && len(n.Fails)+len(n.Warns) == 0 {
				n.Warn("acknowledged, and no record seen: such a call is lost")
			}
		}
		return n.Finding("all 6 refused")
	}
}

const burst = 50

// noneLost looks whether what was acknowledged under load was kept.
func noneLost(t *check.Trial) check.Conclusion {
	var n check.Notes
	all := t.Calls(burst)
	calls := t.Before(1, check.IDs(all)...)
	var taken []*check.Watched
	for i, a := range t.AndAgain("one of a burst", all, t.Burst("one of a burst", all, 0)) {
		n.Answered = n.Answered || a.Status != 0
		if check.Acknowledged(a) {
			taken = append(taken, calls[i])
		}
	}
	return func() check.Finding {
		if len(taken) == 0 {
			n.Undecided("none of a burst of %d was acknowledged", burst)
			return n.Finding("")
		}
		t.Exactly(&n, taken, n.Fail)
		return n.Finding("%d acknowledged in a burst, 1 effect each", len(taken))
	}
}
