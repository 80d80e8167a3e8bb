package crashcheck

import (
	"cmp"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/julianctl/julianctl/pkg/check"
	"github.com/julianctl/julianctl/pkg/deliver"
	"github.com/julianctl/julianctl/pkg/generate"
	"github.com/julianctl/julianctl/pkg/supervise"
	"github.com/julianctl/julianctl/pkg/units"
)

// point is one place of a sweep and what came of it.
type point struct {
	at      check.StepAt
	name    string // of the place: before COMMIT of "…"
	tried   bool   // there was time for it
	reached bool
	call    check.Call
	more    []check.Call // of tries that did not reach it
	acked   bool
	began   time.Time
	events  []check.Event
	same    int    // the first of the copies whose answers are one event
	repeats bool   // it was delivered again because it was not acknowledged
	said    string // what went wrong beside the count; "" nothing
	mend    string // how people repair it, where that is not what the check says
	later   int    // the copy to deliver after the sweep; 0: none
	voided  bool   // what another point did took its call away: it says nothing
	effects effectsOf
}

// unreachedWait is how much longer a step is waited for before it is taken for
// one that does not come.
const unreachedWait = 250 * time.Millisecond

// deliverHeld delivers a fresh call and waits until the point is held. The
// answer comes on the channel; reached is false where the point never came.
func (l *Supervisor) deliverHeld(t *check.Trial, p *point) (hold *supervise.Hold, answer <-chan deliver.Answer, reached bool) {
	if err := l.revive(t.Ctx); err != nil {
		l.tell("%v", err)
	}
	l.quiet(t)
	p.call = t.Call(generate.Spec{})
	p.events = nil
	rec := l.s.Recorder
	rec.Begin()
	p.began = time.Now()
	hold = rec.Hold(l.steps[p.at.Step-1].Point, p.at.After)
	answers := make(chan deliver.Answer, 1)
	p.event("sender", "POST, copy 1", "")
	go func() { answers <- l.send(t, p.call) }()
	limit := time.NewTimer(2*time.Second + 10*l.latency)
	defer limit.Stop()
	select {
	case <-hold.Hit():
		return hold, answers, true
	case a := <-answers:
		answers <- a
		rested := make(chan struct{})
		go func() {
			defer close(rested)
			l.quiet(t)
			t.Rest(unreachedWait) // on a busy machine it may be late
		}()
		select {
		case <-hold.Hit():
			return hold, answers, true
		case <-rested:
		}
	case <-limit.C:
	case <-t.Ctx.Done():
	}
	select {
	case <-hold.Hit():
		return hold, answers, true
	default:
		rec.Release(hold, supervise.Pass)
		return hold, answers, false
	}
}

// try delivers until the point is reached, a few times, and calls do with the
// held step. Do releases it.
func (l *Supervisor) try(t *check.Trial, p *point, do func(*supervise.Hold, <-chan deliver.Answer)) {
	for range reachTries {
		hold, answers, reached := l.deliverHeld(t, p)
		if reached {
			p.reached = true
			do(hold, answers)
			l.timeline(p)
			return
		}
		if a := <-answers; check.Acknowledged(a) {
			p.more = append(p.more, p.call)
		}
		if t.Ctx.Err() != nil {
			return
		}
	}
}

// again redelivers unless the call was acknowledged.
func (l *Supervisor) again(t *check.Trial, p *point, copyN int) {
	if p.acked {
		return
	}
	died := l.died
	if err := l.revive(t.Ctx); err != nil {
		p.said = "it does not start again: " + err.Error()
		return
	}
	if l.died > died {
		p.event("consumer", "had ended by itself; started again", "")
	}
	p.repeats = true
	p.event("sender", fmt.Sprintf("POST, copy %d", copyN), "")
	a := l.redeliver(t, p.call)
	p.answered(copyN, a)
	if p.acked {
		return
	}
	p.said = "redelivered, it is not acknowledged: " + a.Describe()
	// What it is stuck in does not concern the points after this one.
	if err := l.restart(t.Ctx); err != nil {
		p.said = "it does not start again: " + err.Error()
	}
}

// againSoon is again for a consumer that has just started. Where it refuses for as
// long as a lease of the one before it, the sweep goes on, and it is asked after that.
func (l *Supervisor) againSoon(t *check.Trial, p *point, copyN int) {
	if p.acked || l.ended() {
		l.again(t, p, copyN)
		return
	}
	const soon = time.Second
	p.repeats = true
	p.event("sender", fmt.Sprintf("POST, copy %d", copyN), "")
	began := time.Now()
	a := l.send(t, p.call)
	for ; !check.Acknowledged(a) && time.Since(began) < soon && t.Ctx.Err() == nil; a = l.send(t, p.call) {
		t.Rest(soon / 10)
	}
	if p.answered(copyN, a); !p.acked {
		p.later = copyN + 1
	}
}

// durable are the numbers of the steps that change durable state, from 1.
func (l *Supervisor) durable() []int {
	var out []int
	for i, s := range l.steps {
		if s.Write {
			out = append(out, i+1)
		}
	}
	return out
}

// chosen are those of points that --at leaves, in the order in which they are
// tried: where time may end before all were, what ends a transaction or leaves
// the consumer comes first, and the rest is spread over the delivery. Did is what
// is done there: "killed".
func (l *Supervisor) chosen(did string, points []check.StepAt) []*point {
	var first, rest []*point
	l.offered = nil
	for _, at := range points {
		l.offered = append(l.offered, at.String())
		if l.s.At != nil && *l.s.At != at {
			continue
		}
		p := &point{at: at, name: did + " " + l.place(at)}
		if l.steps[at.Step-1].Ends {
			first = append(first, p)
		} else {
			rest = append(rest, p)
		}
	}
	return append(first, spread(rest)...)
}

// spread is points in an order in which any number of the first ones are far
// apart: the middle, the middles of the halves, and so on.
func spread(points []*point) []*point {
	if len(points) < 3 {
		return points
	}
	middle := len(points) / 2
	before, after := spread(points[:middle]), spread(points[middle+1:])
	out := []*point{points[middle]}
	for i := range max(len(before), len(after)) {
		if i < len(before) {
			out = append(out, before[i])
		}
		if i < len(after) {
			out = append(out, after[i])
		}
	}
	return out
}

func btoi(b bool) int {
	if b {
		return 1
	}
	return 0
}

// sweep runs do for each point, as long as there is time.
func (l *Supervisor) sweep(t *check.Trial, points []*point, do func(*point)) {
	began := time.Now()
	for i, p := range points {
		if t.Ctx.Err() != nil || time.Since(began) > l.s.SweepTime {
			return
		}
		l.done = float64(i) / float64(len(points))
		l.tell("%s: %s, %d of %d", t.ID, p.name, i+1, len(points))
		p.tried = true
		do(p)
	}
}

// conclude counts the effects of all calls of a sweep, once nothing is missing
// any more, redelivers what was acknowledged once more, and counts again. What
// names one trial: [kill].
func (l *Supervisor) conclude(t *check.Trial, n *check.Notes, points []*point, what string) {
	var calls []check.Call
	var owners []*point
	for _, p := range points {
		if p.later > 0 {
			l.again(t, p, p.later)
		}
		if p.reached {
			calls, owners = append(calls, p.call), append(owners, p)
		}
		for _, c := range p.more {
			calls, owners = append(calls, c), append(owners, p)
		}
	}
	l.tell("%s: counting", t.ID)
	// Those that are right must stay so.
	for i, e := range l.complete(t, calls) {
		if p := owners[i]; calls[i].ID == p.call.ID && p.acked && !e.wrong(l.spied) && e.err == "" {
			p.event("sender", "POST once more", "")
			l.send(t, p.call)
		}
	}
	l.rest(t)
	for i, e := range l.counted(t, calls) {
		// One whose point did not come was acknowledged, too: it may have been hit
		// by the next try.
		if p := owners[i]; calls[i].ID == p.call.ID || e.wrong(l.spied) {
			p.effects = e
		}
	}
	l.findings(t, n, points, what)
}

// findings turn what came of the points into a verdict and its evidence.
func (l *Supervisor) findings(t *check.Trial, n *check.Notes, points []*point, what string) {
	var wrong, missed []*point
	reached := 0
	for _, p := range points {
		result := check.PointResult{At: p.at.String(), What: p.name, Reached: p.reached}
		switch {
		case !p.reached:
			missed = append(missed, p)
		case p.voided:
		case p.effects.err != "" && p.said == "":
			n.Undecided("%s", p.effects.err)
		case p.said != "" || p.effects.wrong(l.spied):
			wrong = append(wrong, p)
			result.Failed = true
		}
		if p.reached {
			reached++
		}
		t.Result.Points = append(t.Result.Points, result)
	}
	step := func(p check.PointResult) int { n, _ := strconv.Atoi(strings.TrimSuffix(p.At, "+")); return n }
	slices.SortStableFunc(t.Result.Points, func(a, b check.PointResult) int {
		return cmp.Or(cmp.Compare(step(a), step(b)), cmp.Compare(len(a.At), len(b.At)))
	})
	n.Answered = n.Answered || reached > 0
	var tried check.Tried
	for _, p := range points {
		if p.at.Step > 0 { // what is not a step of a delivery is not one of its points
			tried.Planned++
			tried.Reached += btoi(p.reached)
		}
	}
	l.points.Add(tried)
	if what == kill {
		l.kills.Add(tried)
	}
	if len(wrong) > 0 {
		first := wrong[0]
		word := first.said
		if first.effects.wrong(l.spied) && (word == "" || first.effects.more(l.spied)) {
			word = first.effects.word(l.spied)
		}
		switch {
		case !first.effects.wrong(l.spied):
		case first.mend != "":
			t.Result.Mend = first.mend
		case first.effects.probe == 1:
			t.Result.Mend = SendOnce // the effect is right, and what was sent elsewhere is not
		case first.outcome(l.spied) == outcomeAcked && what != sigterm:
			t.Result.Mend = answerLater
		}
		n.Fail("%d of %s: %s", len(wrong), units.Count(reached, what), word)
		n.Fails = append(n.Fails, first.name+first.outcome(l.spied))
		t.Result.Timeline = first.events
		if first.at.Step > 0 {
			t.Result.At = first.at.String()
		}
	}
	var never, late []string
	for _, p := range missed {
		if p.tried {
			never = append(never, p.at.String())
		} else {
			late = append(late, p.at.String())
		}
	}
	if never != nil {
		n.Undecided("not reached: step %s", strings.Join(never, ", "))
	}
	if late != nil {
		n.Undecided("no time for step %s: give it more with --sweep-time", strings.Join(late, ", "))
	}
}
