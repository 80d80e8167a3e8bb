package check

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/julianctl/julianctl/pkg/deliver"
	"github.com/julianctl/julianctl/pkg/generate"
	"github.com/julianctl/julianctl/pkg/supervise"
	"github.com/julianctl/julianctl/pkg/units"
)

// run runs a check of a consumer that is under control. It begins with what is
// known of the steps of a delivery. l may be nil.
func (l *lab) run(t *trial, do func(t *trial, l *lab, n *notes) finding) judgement {
	var n notes
	found := func(f finding) judgement { return func() finding { return f } }
	if l == nil {
		return skip("needs a consumer that is started with --exec")
	}
	if l.consumer == nil {
		if err := l.begin(t.ctx); err != nil {
			return found(finding{verdict: Undecided, message: "the consumer does not start: " + err.Error()})
		}
	}
	if why := l.learn(t); why != "" {
		return found(finding{verdict: Undecided, message: why})
	}
	if at := l.s.At; at != nil && at.Step > len(l.steps) {
		return found(finding{verdict: Undecided, message: fmt.Sprintf("--at %s: a delivery has %s; --steps lists them", at, units.Count(len(l.steps), "step"))})
	}
	died := l.died
	f := do(t, l, &n)
	if l.s.At != nil && f.verdict == Undecided && len(t.result.Points) == 0 {
		f.message = fmt.Sprintf("--at %s is no point of this check: %s", l.s.At, f.message)
	}
	if ended := l.died - died; ended > 0 && (f.verdict == Pass || f.verdict == Warn) {
		f.verdict = Warn
		f.details = append(f.details, f.message)
		f.message = "the consumer ended by itself " + units.Count(ended, "time") + lastLine(l.lastWords)
	}
	return found(f)
}

// lastLine is the last line of what a program printed, in parentheses.
func lastLine(said string) string {
	lines := strings.Split(strings.TrimSpace(said), "\n")
	if last := strings.TrimSpace(lines[len(lines)-1]); last != "" {
		return fmt.Sprintf(" (it printed %.120q)", last)
	}
	return ""
}

// withoutSteps is for a consumer of which no step is seen that a check could act
// on: where nothing stands in between that was never asked for.
func (l *lab) withoutSteps() finding {
	f := finding{verdict: Undecided, message: "no step of a delivery changes something in what --through names"}
	if len(l.s.Through)+len(l.s.Spies) == 0 {
		f = finding{verdict: Skip, message: needsThrough}
	}
	return f
}

// needsThrough says that a check stands on what the consumer uses.
const needsThrough = "nothing stands in front of what the consumer uses: name it with --through"

func restart(t *trial, l *lab, n *notes) finding {
	calls := t.calls(3)
	var points []*point
	for _, c := range calls {
		l.send(t, c)
		points = append(points, &point{at: StepAt{Step: 0}, name: "restarted after an acknowledged delivery", call: c, reached: true, acked: true})
	}
	there := l.complete(t, calls)
	l.quiet(t)
	if err := l.restart(t.ctx); err != nil {
		return finding{verdict: Undecided, message: "the consumer does not start again: " + err.Error()}
	}
	// What was there and is not any more would be processed again.
	gone := func(e effectsOf) bool { return e.err == "" && e.lost(l.spied) }
	after := l.counted(t, calls)
	if slices.ContainsFunc(after, gone) {
		t.rest(t.counter.settle)
		after = l.counted(t, calls)
	}
	for i, e := range after {
		if gone(e) && !there[i].lost(l.spied) {
			points[i].said = "acknowledged, and gone after the restart"
		}
	}
	for i, c := range calls {
		l.quiet(t)
		l.s.Recorder.Begin()
		points[i].began = time.Now()
		points[i].event("sender", "POST again, after the restart", "")
		a := l.redeliver(t, c)
		points[i].event("sender", "answer", a.Describe())
		l.quiet(t)
		l.timeline(points[i])
		if !acknowledged(a) {
			n.fail("a repeat after the restart: %s", a.Describe())
		}
	}
	l.conclude(t, n, points, "call")
	t.result.At, t.result.Points = "", nil
	return n.finding("3 calls repeated after a restart, processed once each")
}

// crash kills the consumer just before each step that changes durable state, and
// once after the last one.
func crash(t *trial, l *lab, n *notes) finding {
	durable := l.durable()
	if len(durable) == 0 {
		return l.withoutSteps()
	}
	var at []StepAt
	for _, step := range durable {
		at = append(at, StepAt{Step: step})
	}
	at = append(at, StepAt{Step: durable[len(durable)-1], After: true})
	points := l.chosen("killed", at)
	l.sweep(t, points, func(p *point) {
		l.try(t, p, func(hold *supervise.Hold, answers <-chan deliver.Answer) {
			// An early answer gets out.
			select {
			case a := <-answers:
				p.answered(1, a)
				answers = nil
			case <-time.After(max(killDelay, 3*l.latency)):
			case <-t.ctx.Done():
			}
			p.event("consumer", "killed", "")
			l.killed(t, p, hold, answers, n)
		})
	})
	l.conclude(t, n, points, "kill")
	return n.finding("killed at %s, %s, processed once each", units.Count(len(points), "point"), units.Count(l.restarts, "restart"))
}

// killed ends the consumer while a step is held, starts it again, and redelivers
// what was not acknowledged.
func (l *lab) killed(t *trial, p *point, hold *supervise.Hold, answers <-chan deliver.Answer, n *notes) {
	// The held request must not get out, so the consumer goes first.
	l.client.Close()
	err := l.consumer.Kill()
	l.s.Recorder.Release(hold, supervise.Cut)
	l.consumer = nil
	if err != nil {
		n.undecided("%s", err)
	}
	waiting, cancel := context.WithTimeout(t.ctx, firstPatience)
	defer cancel()
	for _, proxy := range l.s.Through {
		if err := proxy.Idle(waiting); err != nil {
			n.undecided("%s", err)
		}
	}
	if answers != nil {
		p.answered(1, <-answers)
	}
	l.restarts++
	began := time.Now()
	if err := l.begin(t.ctx); err != nil {
		n.undecided("the consumer does not start again: %s", err)
		return
	}
	p.event("consumer", fmt.Sprintf("ready again after %s", units.Time(time.Since(began))), "")
	l.again(t, p, 2)
}

// lostAnswer lets the target do each durable step and the consumer never learn
// of it; and once lets a step fail.
func lostAnswer(t *trial, l *lab, n *notes) finding {
	durable := l.durable()
	if len(durable) == 0 {
		return l.withoutSteps()
	}
	var at []StepAt
	for _, step := range durable {
		at = append(at, StepAt{Step: step, After: true})
	}
	at = append(at, StepAt{Step: durable[0]})
	points := l.chosen("connection reset", at)
	l.sweep(t, points, func(p *point) {
		l.try(t, p, func(hold *supervise.Hold, answers <-chan deliver.Answer) {
			p.event("consumer", "connection reset", "")
			l.s.Recorder.Release(hold, supervise.Cut)
			p.answered(1, <-answers)
			l.quiet(t)
			l.again(t, p, 2)
		})
	})
	l.conclude(t, n, points, "lost answer")
	return n.finding("%s, processed once each", units.Count(len(points), "lost answer"))
}

// interleaved holds a delivery before each step while a copy runs to its end, or
// until that waits for the first.
func interleaved(t *trial, l *lab, n *notes) finding {
	if len(l.steps) == 0 {
		return l.withoutSteps()
	}
	points := l.chosen("first copy held", l.everyStep())
	l.sweep(t, points, func(p *point) {
		l.interleave(t, p, func() deliver.Answer { return l.send(t, p.call) })
	})
	l.conclude(t, n, points, "interleaving")
	return n.finding("a copy ran inside another at %s, processed once each", units.Count(len(points), "step"))
}

func (l *lab) everyStep() []StepAt {
	var at []StepAt
	for i := range l.steps {
		at = append(at, StepAt{Step: i + 1})
	}
	return at
}

// interleave runs second while the first delivery is held.
func (l *lab) interleave(t *trial, p *point, second func() deliver.Answer) {
	l.try(t, p, func(hold *supervise.Hold, answers <-chan deliver.Answer) {
		p.event("sender", "POST, copy 2", "")
		others := make(chan deliver.Answer, 1)
		go func() { others <- second() }()
		select {
		case a := <-others:
			p.answered(2, a)
			others <- a
		case <-time.After(max(250*time.Millisecond, 5*l.latency)):
			p.event("sender", "copy 2 waits", "")
		case <-t.ctx.Done():
		}
		l.s.Recorder.Release(hold, supervise.Pass)
		p.answered(1, <-answers)
		if a := <-others; acknowledged(a) && !p.acked {
			p.answered(2, a)
		}
		l.again(t, p, 3)
	})
}

const (
	replicaRounds = 3
	replicaCopies = 8
)

// replicas runs two consumers on the same database.
func replicas(t *trial, l *lab, n *notes) finding {
	if !l.s.Replicas {
		return finding{verdict: Skip, message: "needs a second consumer beside the first: start it with --exec"}
	}
	second := newLab(l.s)
	if err := second.begin(t.ctx); err != nil {
		return finding{verdict: Undecided, message: "a second consumer does not start: " + err.Error()}
	}
	defer func() {
		second.client.Close()
		if err := second.consumer.Kill(); err != nil {
			l.tell("%v", err)
		}
	}()
	var points []*point
	plain := func(name string) *point {
		p := &point{name: name, call: t.call(generate.Spec{}), reached: true, began: time.Now()}
		points = append(points, p)
		return p
	}
	p := plain("one copy to each of two replicas, in turn")
	l.s.Recorder.Begin()
	p.answered(1, l.send(t, p.call))
	p.answered(2, l.sendBy(t, second.client, p.call))
	l.again(t, p, 3)
	l.timeline(p)
	for round := range replicaRounds {
		p := plain(fmt.Sprintf("%d copies at one instant to two replicas", replicaCopies))
		l.tell("%s: round %d of %d", t.id, round+1, replicaRounds)
		l.s.Recorder.Begin()
		p.event("sender", fmt.Sprintf("POST, %d copies to 2 replicas", replicaCopies), "")
		said := map[string]int{}
		for _, a := range copiesOver(t, p.call, l.client, second.client) {
			p.acked = p.acked || acknowledged(a)
			said[a.Describe()]++
		}
		for _, answer := range slices.Sorted(maps.Keys(said)) {
			p.event("sender", units.Count(said[answer], "answer"), answer)
		}
		l.again(t, p, replicaCopies+1)
		l.quiet(t)
		l.timeline(p)
	}
	held := l.chosen("copy on the first replica held", l.everyStep())
	l.sweep(t, held, func(p *point) {
		l.interleave(t, p, func() deliver.Answer { return l.sendBy(t, second.client, p.call) })
	})
	all := append(points, held...)
	l.conclude(t, n, all, "meeting")
	if t.result.At == "0" {
		t.result.At = ""
	}
	return n.finding("two replicas took copies in turn, together and inside one another: processed once each")
}

// copiesOver sends half of the copies to each of two clients, at one instant as
// far as two releases are one.
func copiesOver(t *trial, c call, clients ...*deliver.Client) []deliver.Answer {
	var mu sync.Mutex
	var all []deliver.Answer
	var sending sync.WaitGroup
	for _, client := range clients {
		sending.Go(func() {
			requests := make([]deliver.Request, replicaCopies/len(clients))
			for i := range requests {
				requests[i].Body = c.body
			}
			answers, _ := client.Together(t.ctx, requests)
			mu.Lock()
			defer mu.Unlock()
			all = append(all, answers...)
		})
	}
	sending.Wait()
	for range all {
		t.count(c)
	}
	return all
}

// sigterm asks the consumer to end in the middle of a delivery, as every deploy
// does.
func sigterm(t *trial, l *lab, n *notes) finding {
	var at []StepAt
	for _, step := range l.durable() {
		at = append(at, StepAt{Step: step})
	}
	if len(at) == 0 {
		return l.withoutSteps()
	}
	const held = 300 * time.Millisecond
	points := l.chosen("SIGTERM", at)
	l.sweep(t, points, func(p *point) {
		l.try(t, p, func(hold *supervise.Hold, answers <-chan deliver.Answer) {
			p.event("consumer", "SIGTERM", "")
			if err := l.consumer.Signal(); err != nil {
				n.undecided("%s", err)
			}
			t.rest(held)
			l.s.Recorder.Release(hold, supervise.Pass)
			grace := time.NewTimer(termGrace)
			defer grace.Stop()
			for ended := false; !ended; {
				select {
				case a := <-answers:
					p.answered(1, a)
					answers = nil
					// A kept-alive connection would hold up an orderly end.
					l.client.Close()
				case <-l.consumer.Exited():
					p.event("consumer", "ended by itself", "")
					ended = true
				case <-grace.C:
					p.event("consumer", "killed after "+termGrace.String(), "")
					ended = true
				case <-t.ctx.Done():
					ended = true
				}
			}
			if err := l.restart(t.ctx); err != nil {
				n.undecided("the consumer does not start again: %s", err)
			}
			if answers != nil {
				p.answered(1, <-answers)
			}
			if l.consumer != nil {
				l.again(t, p, 2)
			}
		})
	})
	l.conclude(t, n, points, "SIGTERM")
	return n.finding("asked to end in the middle of %s: nothing lost, processed once each", units.Count(len(points), "delivery"))
}

// databaseDown takes away what the consumer uses.
func databaseDown(t *trial, l *lab, n *notes) finding {
	if len(l.s.Through) == 0 {
		return l.withoutSteps()
	}
	p := &point{name: "what the consumer uses refuses connections", call: t.call(generate.Spec{}), reached: true}
	l.quiet(t)
	l.s.Recorder.Begin()
	p.began = time.Now()
	l.refuse()
	p.event("database", "down", "")
	a := l.send(t, p.call)
	p.answered(1, a)
	n.answered = true
	if !p.acked {
		if err := l.accept(); err != nil {
			return finding{verdict: Undecided, message: err.Error()}
		}
		return n.finding("not acknowledged while the database was down: %s", a.Describe())
	}
	// A consumer with a durable queue of its own may acknowledge.
	if err := l.end(t.ctx); err != nil {
		n.undecided("%s", err)
	}
	if err := l.accept(); err != nil {
		return finding{verdict: Undecided, message: err.Error()}
	}
	l.restarts++
	if err := l.begin(t.ctx); err != nil {
		return finding{verdict: Undecided, message: "the consumer does not start again: " + err.Error()}
	}
	p.event("database", "back; the consumer was killed and started again", "")
	l.conclude(t, n, []*point{p}, "delivery")
	t.result.At, t.result.Points = "", nil
	return n.finding("acknowledged while the database was down, and kept: processed once")
}

func (l *lab) refuse() {
	for _, p := range l.s.Through {
		p.Refuse()
	}
}

func (l *lab) accept() error {
	for _, p := range l.s.Through {
		if err := p.Accept(); err != nil {
			return fmt.Errorf("the proxy %s does not listen again: %w", p.Name(), err)
		}
	}
	return nil
}

// databaseBack looks whether a consumer whose connections have died works again
// without a restart.
func databaseBack(t *trial, l *lab, n *notes) finding {
	if len(l.s.Through) == 0 {
		return l.withoutSteps()
	}
	p := &point{name: "the database was away for " + outage.String(), call: t.call(generate.Spec{}), reached: true}
	l.quiet(t)
	l.s.Recorder.Begin()
	p.began = time.Now()
	l.refuse()
	p.event("database", "down", "")
	t.rest(outage)
	if err := l.accept(); err != nil {
		return finding{verdict: Undecided, message: err.Error()}
	}
	p.event("database", "back", "")
	tries := 0
	var last deliver.Answer
	for began := time.Now(); !p.acked && t.ctx.Err() == nil && time.Since(began) < backPatience; t.rest(300 * time.Millisecond) {
		tries++
		last = l.send(t, p.call)
		p.answered(tries, last)
	}
	n.answered = true
	if !p.acked {
		l.timeline(p)
		t.result.Timeline = p.events
		if err := l.restart(t.ctx); err != nil {
			n.undecided("the consumer does not start again: %s", err)
		}
		n.fail("not acknowledged within %s after the database was back: %s", backPatience, last.Describe())
		return n.finding("")
	}
	l.conclude(t, n, []*point{p}, "delivery")
	t.result.At, t.result.Points = "", nil
	return n.finding("acknowledged at try %d after the database was back, processed once", tries)
}

const backPatience = 10 * time.Second

// databaseStalls makes every step slow and looks at the answer.
func databaseStalls(t *trial, l *lab, n *notes) finding {
	if len(l.s.Through) == 0 {
		return l.withoutSteps()
	}
	const slow, late = 500 * time.Millisecond, 400 * time.Millisecond
	l.quiet(t)
	for _, p := range l.s.Through {
		p.Slow(slow)
	}
	c := t.call(generate.Spec{})
	a := l.send(t, c)
	for _, p := range l.s.Through {
		p.Slow(0)
	}
	l.quiet(t)
	if !acknowledged(a) {
		l.redeliver(t, c)
	}
	n.ack("with 500ms a step", a)
	if more := a.Latency() - l.latency; acknowledged(a) && more > late {
		n.warn("500ms a step of the database made the answer %s later: store the delivery, answer, work after that", units.Time(more))
	}
	return n.finding("500ms a step of the database: answered within %s", units.Time(a.Latency()))
}

// outage is how long something that the consumer uses is away.
const outage = 300 * time.Millisecond

// downstreamDown lets what the consumer calls fail, and then be silent.
func downstreamDown(t *trial, l *lab, n *notes) finding {
	if len(l.s.Spies) == 0 {
		return finding{verdict: Skip, message: "nothing stands in for what the consumer calls: name it with --spy"}
	}
	var names []string
	for _, spy := range l.s.Spies {
		names = append(names, spy.Name())
	}
	who := strings.Join(names, " and ")
	if !slices.Contains(l.spied, true) {
		return finding{verdict: Undecided, message: "the consumer never calls " + who + ": is that the variable it reads?"}
	}
	var points []*point
	for _, m := range []struct {
		mode supervise.SpyMode
		name string
	}{{supervise.SpyFails, "answers with an error"}, {supervise.SpySilent, "closes without an answer"}} {
		p := &point{name: who + " " + m.name, call: t.call(generate.Spec{}), reached: true}
		points = append(points, p)
		l.quiet(t)
		l.s.Recorder.Begin()
		p.began = time.Now()
		for _, spy := range l.s.Spies {
			spy.Set(m.mode)
		}
		p.answered(1, l.send(t, p.call))
		t.rest(max(outage, l.gap)) // who tries again does not rest
		for _, spy := range l.s.Spies {
			spy.Set(supervise.SpyAnswers)
		}
		p.event(who, "back", "")
		l.again(t, p, 2)
		l.quiet(t)
		l.timeline(p)
	}
	l.conclude(t, n, points, "outage")
	t.result.At, t.result.Points = "", nil
	return n.finding("%s, processed once each", units.Count(len(points), "outage")+" of "+who)
}
