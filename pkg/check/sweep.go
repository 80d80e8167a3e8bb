package check

import (
	"cmp"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/julianctl/julianctl/pkg/deliver"
	"github.com/julianctl/julianctl/pkg/generate"
	"github.com/julianctl/julianctl/pkg/supervise"
	"github.com/julianctl/julianctl/pkg/units"
)

// Event is one line of the timeline of a delivery.
type Event struct {
	AtMS float64 `json:"atMs"` // since the delivery began
	// Who is "sender", "consumer", or a proxy with the number of its connection,
	// such as "database#1".
	Who    string `json:"who"`
	What   string `json:"what"`
	Raw    string `json:"-"` // What with its values
	Result string `json:"result,omitempty"`
	// Reads: it changes nothing: a look, a BEGIN, a COMMIT after looks.
	Reads bool `json:"reads,omitempty"`
}

// PointResult is what came of one point of a sweep.
type PointResult struct {
	At      string `json:"at"`   // the step's number; with a + the place after it
	What    string `json:"what"` // where that is
	Reached bool   `json:"reached"`
	Failed  bool   `json:"failed"`
}

// point is one place of a sweep and what came of it.
type point struct {
	at      StepAt
	name    string // of the place: before COMMIT of "…"
	reached bool
	call    call
	more    []call // of tries that did not reach it
	acked   bool
	began   time.Time
	events  []Event
	said    string // what went wrong beside the count; "" nothing
	effects effectsOf
}

func (p *point) event(who, what, result string) {
	p.events = append(p.events, Event{AtMS: units.Milliseconds(time.Since(p.began)), Who: who, What: what, Result: result})
}

// describeStep is a step in a few words.
func describeStep(s supervise.Step) string {
	text, _, _ := strings.Cut(s.Text, "; ")
	if len(text) > 40 {
		text = strings.TrimSpace(text[:40]) + " …"
	}
	return text
}

// name says where step i is: its own words or, for the end of a transaction, the
// words of what it makes durable.
func (l *lab) name(i int) string {
	s := l.steps[i]
	if !strings.EqualFold(s.Text, "COMMIT") && !strings.EqualFold(s.Text, "END") {
		return fmt.Sprintf("%q (%d)", describeStep(s), i+1)
	}
	for j := i - 1; j >= 0; j-- {
		before := l.steps[j]
		if before.Proxy == s.Proxy && before.Conn == s.Conn && !strings.HasPrefix(strings.ToUpper(before.Text), "BEGIN") {
			return fmt.Sprintf("COMMIT of %q (%d)", describeStep(before), i+1)
		}
	}
	return fmt.Sprintf("COMMIT (%d)", i+1)
}

// unreachedWait is how much longer a step is waited for before it is taken for
// one that does not come.
const unreachedWait = 250 * time.Millisecond

// deliverHeld delivers a fresh call and waits until the point is held. The
// answer comes on the channel; reached is false where the point never came.
func (l *lab) deliverHeld(t *trial, p *point) (hold *supervise.Hold, answer <-chan deliver.Answer, reached bool) {
	if err := l.revive(t.ctx); err != nil {
		l.tell("%v", err)
	}
	l.quiet(t)
	p.call = t.call(generate.Spec{})
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
			t.rest(unreachedWait) // on a busy machine it may be late
		}()
		select {
		case <-hold.Hit():
			return hold, answers, true
		case <-rested:
		}
	case <-limit.C:
	case <-t.ctx.Done():
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
func (l *lab) try(t *trial, p *point, do func(*supervise.Hold, <-chan deliver.Answer)) {
	for range reachTries {
		hold, answers, reached := l.deliverHeld(t, p)
		if reached {
			p.reached = true
			do(hold, answers)
			l.timeline(p)
			return
		}
		if a := <-answers; acknowledged(a) {
			p.more = append(p.more, p.call)
		}
		if t.ctx.Err() != nil {
			return
		}
	}
}

// timeline adds the steps that the recorder saw, in the order of time.
func (l *lab) timeline(p *point) {
	held := supervise.Point{}
	if p.at.Step > 0 {
		held = l.steps[p.at.Step-1].Point
	}
	for _, s := range l.s.Recorder.Steps() {
		result := s.Answer
		switch {
		case s.Point != held && s.Ended.IsZero():
			result = "no answer"
		case s.Point != held:
		case p.at.After:
			result += ", held"
		case s.Ended.IsZero():
			result = "held"
		default:
			result = "held, then " + result
		}
		p.events = append(p.events, Event{
			AtMS: units.Milliseconds(s.Began.Sub(p.began)), Who: fmt.Sprintf("%s#%d", s.Proxy, s.Conn),
			What: s.Text, Raw: s.Raw, Result: result, Reads: !s.Write && !s.Changes,
		})
	}
	sortEvents(p.events)
}

func sortEvents(events []Event) {
	slices.SortStableFunc(events, func(a, b Event) int { return cmp.Compare(a.AtMS, b.AtMS) })
}

// answered notes the answer to copy n.
func (p *point) answered(copyN int, a deliver.Answer) {
	p.acked = p.acked || acknowledged(a)
	said := a.Describe()
	if a.Err != nil && !errors.Is(a.Err, deliver.Timeout) {
		said = "no answer"
	}
	p.event("sender", fmt.Sprintf("answer to copy %d", copyN), said)
}

// again redelivers unless the call was acknowledged.
func (l *lab) again(t *trial, p *point, copyN int) {
	if p.acked {
		return
	}
	died := l.died
	if err := l.revive(t.ctx); err != nil {
		p.said = "it does not start again: " + err.Error()
		return
	}
	if l.died > died {
		p.event("consumer", "had ended by itself; started again", "")
	}
	p.event("sender", fmt.Sprintf("POST, copy %d", copyN), "")
	a := l.redeliver(t, p.call)
	p.answered(copyN, a)
	if p.acked {
		return
	}
	p.said = "redelivered, it is not acknowledged: " + a.Describe()
	// What it is stuck in is no matter of the points after this one.
	if err := l.restart(t.ctx); err != nil {
		p.said = "it does not start again: " + err.Error()
	}
}

// durable are the numbers of the steps that change durable state, from 1.
func (l *lab) durable() []int {
	var out []int
	for i, s := range l.steps {
		if s.Write {
			out = append(out, i+1)
		}
	}
	return out
}

// chosen are those of points that --at leaves, the most telling first where time
// may end.
// Did is what is done there: "killed".
func (l *lab) chosen(did string, points []StepAt) []*point {
	var out []*point
	for _, at := range points {
		if l.s.At == nil || *l.s.At == at {
			place := "before "
			if at.After {
				place = "after "
			}
			out = append(out, &point{at: at, name: did + " " + place + l.name(at.Step-1)})
		}
	}
	slices.SortStableFunc(out, func(a, b *point) int {
		return btoi(l.steps[b.at.Step-1].Ends) - btoi(l.steps[a.at.Step-1].Ends)
	})
	return out
}

func btoi(b bool) int {
	if b {
		return 1
	}
	return 0
}

// sweep runs do for each point, as long as there is time.
func (l *lab) sweep(t *trial, points []*point, do func(*point)) {
	began := time.Now()
	for i, p := range points {
		if t.ctx.Err() != nil || time.Since(began) > l.s.SweepTime {
			return
		}
		l.tell("%s: %d of %d", t.id, i+1, len(points))
		do(p)
	}
}

// conclude counts the effects of all calls of a sweep, once nothing is missing
// any more, redelivers what was acknowledged once more, and counts again. What
// names one trial: "kill".
func (l *lab) conclude(t *trial, n *notes, points []*point, what string) {
	var calls []call
	var owners []*point
	for _, p := range points {
		if p.reached {
			calls, owners = append(calls, p.call), append(owners, p)
		}
		for _, c := range p.more {
			calls, owners = append(calls, c), append(owners, p)
		}
	}
	// Those that are right must stay so.
	for i, e := range l.complete(t, calls) {
		if p := owners[i]; calls[i].id == p.call.id && p.acked && !e.wrong(l.spied) && e.err == "" {
			p.event("sender", "POST once more", "")
			l.send(t, p.call)
		}
	}
	l.rest(t)
	for i, e := range l.counted(t, calls) {
		// One whose point did not come was acknowledged, too: it may have been hit
		// by the next try.
		if p := owners[i]; calls[i].id == p.call.id || e.wrong(l.spied) {
			p.effects = e
		}
	}
	l.findings(t, n, points, what)
}

// findings turn what came of the points into a verdict and its evidence.
func (l *lab) findings(t *trial, n *notes, points []*point, what string) {
	var wrong, missed []*point
	reached := 0
	for _, p := range points {
		result := PointResult{At: p.at.String(), What: p.name, Reached: p.reached}
		switch {
		case !p.reached:
			missed = append(missed, p)
		case p.effects.err != "" && p.said == "":
			n.undecided("%s", p.effects.err)
		case p.said != "" || p.effects.wrong(l.spied):
			wrong = append(wrong, p)
			result.Failed = true
		}
		if p.reached {
			reached++
		}
		t.result.Points = append(t.result.Points, result)
	}
	step := func(p PointResult) int { n, _ := strconv.Atoi(strings.TrimSuffix(p.At, "+")); return n }
	slices.SortStableFunc(t.result.Points, func(a, b PointResult) int {
		return cmp.Or(cmp.Compare(step(a), step(b)), cmp.Compare(len(a.At), len(b.At)))
	})
	n.answered = n.answered || reached > 0
	var tried Tried
	for _, p := range points {
		if p.at.Step > 0 { // what is no step of a delivery is not one of its points
			tried.Planned++
			tried.Reached += btoi(p.reached)
		}
	}
	l.points.add(tried)
	if what == "kill" {
		l.kills.add(tried)
	}
	if len(wrong) > 0 {
		first := wrong[0]
		word := first.said
		if first.effects.wrong(l.spied) && (word == "" || first.effects.more(l.spied)) {
			word = first.effects.word(l.spied)
		}
		if first.effects.wrong(l.spied) && first.effects.probe == 1 {
			t.result.Mend = tellOnce // the effect is right, and what was told elsewhere is not
		}
		n.fail("%d of %s: %s", len(wrong), units.Count(reached, what), word)
		n.fails = append(n.fails, first.name)
		t.result.Timeline, t.result.At = first.events, first.at.String()
	}
	if len(missed) > 0 {
		var names []string
		for _, p := range missed {
			names = append(names, p.at.String())
		}
		n.undecided("not reached: step %s", strings.Join(names, ", "))
	}
}

func (t *Tried) add(more Tried) {
	t.Planned += more.Planned
	t.Reached += more.Reached
}
