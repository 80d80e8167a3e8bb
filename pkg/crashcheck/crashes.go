package crashcheck

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/julianctl/julianctl/pkg/check"
	"github.com/julianctl/julianctl/pkg/deliver"
	"github.com/julianctl/julianctl/pkg/effects"
	"github.com/julianctl/julianctl/pkg/generate"
	"github.com/julianctl/julianctl/pkg/supervise"
	"github.com/julianctl/julianctl/pkg/units"
)

// Body is what a crash check does to a consumer, and what it finds.
type Body func(t *check.Trial, l *Supervisor, n *check.Notes) check.Finding

// Run runs a check of a consumer that is under control. It begins with what is
// known of the steps of a delivery. l may be nil.
func (l *Supervisor) Run(t *check.Trial, do Body) check.Conclusion {
	var n check.Notes
	found := func(f check.Finding) check.Conclusion { return func() check.Finding { return f } }
	if l == nil {
		return check.Skipped("needs a consumer that is started with --exec")
	}
	if l.consumer == nil {
		if err := l.Begin(t.Ctx); err != nil {
			return found(check.Finding{Verdict: check.Undecided, Message: "the consumer does not start: " + err.Error()})
		}
	}
	l.runs(t.ID)
	if why := l.learn(t); why != "" {
		return found(check.Finding{Verdict: check.Undecided, Message: why})
	}
	if at := l.s.At; at != nil && len(l.steps) > 0 && at.Step > len(l.steps) {
		return found(check.Finding{Verdict: check.Undecided, Message: fmt.Sprintf("--at %s: a delivery has %s; --steps lists them", at, units.Count(len(l.steps), "step"))})
	}
	l.tell("%s", t.ID)
	died := l.died
	f := do(t, l, &n)
	if l.s.At != nil && f.Verdict == check.Undecided && len(t.Result.Points) == 0 {
		f.Message = fmt.Sprintf("--at %s is not a step that this check acts on", l.s.At)
		if len(l.offered) > 0 {
			f.Message += ": those are " + strings.Join(l.offered, ", ")
		}
	}
	if ended := l.died - died; ended > 0 && (f.Verdict == check.Pass || f.Verdict == check.Warn) {
		f.Verdict = check.Warn
		f.Details = append(f.Details, f.Message)
		f.Message = "the consumer ended by itself " + units.Count(ended, "time") + printed(l.lastWords)
	}
	return found(f)
}

// printed is the line of what a program printed that names an error, or the last
// one, in parentheses.
func printed(said string) string {
	if line := effects.ErrorLine(said); line != "" {
		return fmt.Sprintf(" (it printed %.120q)", line)
	}
	return ""
}

// withoutSteps is for a consumer of which no step is seen that a check could act
// on: where nothing stands in between that was never asked for.
func (l *Supervisor) withoutSteps() check.Finding {
	f := check.Finding{Verdict: check.Undecided, Message: "no step of a delivery changes something in what --through names"}
	if len(l.s.Through)+len(l.s.Spies) == 0 {
		f = check.Finding{Verdict: check.Skip, Message: needsThrough}
	}
	return f
}

// needsThrough says that a check stands on what the consumer uses.
const needsThrough = "nothing stands in front of what the consumer uses: name it with --through"

// Restart repeats calls after a restart.
func Restart(t *check.Trial, l *Supervisor, n *check.Notes) check.Finding {
	calls := t.Calls(3)
	var points []*point
	for _, c := range calls {
		l.send(t, c)
		points = append(points, &point{at: check.StepAt{Step: 0}, name: "restarted after an acknowledged delivery", call: c, reached: true, acked: true})
	}
	there := l.complete(t, calls)
	l.quiet(t)
	if err := l.restart(t.Ctx); err != nil {
		return check.Finding{Verdict: check.Undecided, Message: "the consumer does not start again: " + err.Error()}
	}
	// What was there and is not any more would be processed again.
	gone := func(e effectsOf) bool { return e.err == "" && e.lost(l.spied) }
	after := l.counted(t, calls)
	if slices.ContainsFunc(after, gone) {
		t.Rest(t.Counter.Settle)
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
		if !check.Acknowledged(a) {
			n.Fail("a repeat after the restart: %s", a.Describe())
		}
	}
	l.conclude(t, n, points, "call")
	t.Result.Points = nil
	return n.Finding("3 calls repeated after a restart, processed once each")
}

// stepsAt are the points before these steps, or after them.
func stepsAt(steps []int, after bool) []check.StepAt {
	at := make([]check.StepAt, len(steps))
	for i, step := range steps {
		at[i] = check.StepAt{Step: step, After: after}
	}
	return at
}

// LostAnswer lets the target do each durable step and the consumer never learn
// of it; and once lets a step fail.
func LostAnswer(t *check.Trial, l *Supervisor, n *check.Notes) check.Finding {
	durable := l.durable()
	if len(durable) == 0 {
		return l.withoutSteps()
	}
	fails := check.StepAt{Step: durable[0]}
	points := l.chosen("connection reset", append(stepsAt(durable, true), fails))
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
	return n.Finding("%s, processed once each", units.Count(len(points), "lost answer"))
}

// Interleaved holds a delivery before each step while a copy runs to its end, or
// until that waits for the first.
func Interleaved(t *check.Trial, l *Supervisor, n *check.Notes) check.Finding {
	if len(l.steps) == 0 {
		return l.withoutSteps()
	}
	points := l.chosen("first copy held", l.everyStep())
	durable := l.durable()
	l.sweep(t, points, func(p *point) {
		longest := time.Duration(0)
		if len(durable) > 1 && p.at.Step == durable[1] {
			longest = leaseHold // the step before it may have taken a lease
		}
		l.interleave(t, p, longest, func() deliver.Answer {
			began := time.Now()
			a := l.send(t, p.call)
			for ; !check.Acknowledged(a) && time.Since(began) < longest && t.Ctx.Err() == nil; a = l.send(t, p.call) {
				t.Rest(longest / 10)
			}
			return a
		})
	})
	l.conclude(t, n, append(points, l.anotherInside(t, durable)...), "interleaving")
	return n.Finding("a copy ran inside another at %s, processed once each", units.Count(len(points), "step"))
}

// leaseHold is how long a copy is held once while the other one waits for it, as
// in a pause of its process: a lease that ends meanwhile is of no use.
const leaseHold = 3 * time.Second

// anotherInside delivers another call while one is held before its last durable
// step. A database may make one of the two fail, as SERIALIZABLE does.
func (l *Supervisor) anotherInside(t *check.Trial, durable []int) []*point {
	if len(durable) == 0 {
		return nil
	}
	at := check.StepAt{Step: durable[len(durable)-1]}
	if l.s.At != nil && *l.s.At != at {
		return nil
	}
	p := &point{
		at: at, name: "another call came while one was held " + l.place(at),
		mend: "try a transaction again that the database has refused, such as with SQLSTATE 40001, or answer 5xx: it is no duplicate",
	}
	l.sweep(t, []*point{p}, func(p *point) {
		l.try(t, p, func(hold *supervise.Hold, answers <-chan deliver.Answer) {
			other := t.Call(generate.Spec{})
			p.more = append(p.more, other)
			p.event("sender", "POST of another call", "")
			others := make(chan deliver.Answer, 1)
			go func() { others <- l.send(t, other) }()
			var a deliver.Answer
			select {
			case a = <-others:
				others = nil
			case <-time.After(l.copyWait()):
			case <-t.Ctx.Done():
			}
			l.s.Recorder.Release(hold, supervise.Pass)
			p.answered(1, <-answers)
			if others != nil {
				a = <-others
			}
			p.event("sender", "answer to the other call", a.Describe())
			if !check.Acknowledged(a) {
				if a = l.redeliver(t, other); !check.Acknowledged(a) {
					p.said = "the other call is not acknowledged: " + a.Describe()
				}
			}
			l.again(t, p, 2)
		})
	})
	return []*point{p}
}

// copyWait is after how long a delivery that has not been answered is taken for
// one that waits.
func (l *Supervisor) copyWait() time.Duration { return max(250*time.Millisecond, 5*l.latency) }

func (l *Supervisor) everyStep() []check.StepAt {
	var at []check.StepAt
	for i := range l.steps {
		at = append(at, check.StepAt{Step: i + 1})
	}
	return at
}

// interleave runs second while the first delivery is held. Where that waits for
// something else than its database, the first is held for longest, if need be.
func (l *Supervisor) interleave(t *check.Trial, p *point, longest time.Duration, second func() deliver.Answer) {
	l.try(t, p, func(hold *supervise.Hold, answers <-chan deliver.Answer) {
		p.event("sender", "POST, copy 2", "")
		others := make(chan deliver.Answer, 1)
		go func() { others <- second() }()
		limit := time.After(l.copyWait())
		for waits := true; waits; {
			select {
			case a := <-others:
				p.answered(2, a)
				others <- a
				waits = false
			case <-limit:
				p.event("sender", "copy 2 waits", "")
				waits = longest > 0 && !l.s.Recorder.Blocked(l.copyWait()/2)
				limit, longest = time.After(longest), 0
			case <-t.Ctx.Done():
				waits = false
			}
		}
		l.s.Recorder.Release(hold, supervise.Pass)
		p.answered(1, <-answers)
		if a := <-others; check.Acknowledged(a) && !p.acked {
			p.answered(2, a)
		}
		l.again(t, p, 3)
	})
}

const (
	replicaRounds = 3
	replicaCopies = 8
)

// Replicas runs two consumers on the same database.
func Replicas(t *check.Trial, l *Supervisor, n *check.Notes) check.Finding {
	if !l.s.Replicas {
		return check.Finding{Verdict: check.Skip, Message: "needs a second consumer beside the first: start it with --exec"}
	}
	second := New(l.s)
	if err := second.Begin(t.Ctx); err != nil {
		return check.Finding{Verdict: check.Undecided, Message: "a second consumer does not start: " + err.Error()}
	}
	defer func() {
		second.Client.Close()
		if err := second.consumer.Kill(); err != nil {
			l.tell("%v", err)
		}
	}()
	var points []*point
	plain := func(name string) *point {
		p := &point{name: name, call: t.Call(generate.Spec{}), reached: true, began: time.Now()}
		points = append(points, p)
		return p
	}
	p := plain("one copy to each of two replicas, in turn")
	l.s.Recorder.Begin()
	p.answered(1, l.send(t, p.call))
	p.answered(2, l.sendBy(t, second.Client, p.call))
	l.again(t, p, 3)
	l.timeline(p)
	for round := range replicaRounds {
		p := plain(fmt.Sprintf("%d copies at one instant to two replicas", replicaCopies))
		l.tell("%s: round %d of %d", t.ID, round+1, replicaRounds)
		l.s.Recorder.Begin()
		p.event("sender", fmt.Sprintf("POST, %d copies to 2 replicas", replicaCopies), "")
		said := map[string]int{}
		for _, a := range copiesOver(t, p.call, l.Client, second.Client) {
			p.acked = p.acked || check.Acknowledged(a)
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
		l.interleave(t, p, 0, func() deliver.Answer { return l.sendBy(t, second.Client, p.call) })
	})
	all := append(points, held...)
	l.conclude(t, n, all, "meeting")
	return n.Finding("two replicas took copies in turn, together and inside one another: processed once each")
}

// copiesOver sends half of the copies to each of two clients, at one instant as
// far as two releases are one.
func copiesOver(t *check.Trial, c check.Call, clients ...*deliver.Client) []deliver.Answer {
	var mu sync.Mutex
	var all []deliver.Answer
	var sending sync.WaitGroup
	for _, client := range clients {
		sending.Go(func() {
			requests := make([]deliver.Request, replicaCopies/len(clients))
			for i := range requests {
				requests[i].Body = c.Body
			}
			answers, _ := client.Together(t.Ctx, requests)
			mu.Lock()
			defer mu.Unlock()
			all = append(all, answers...)
		})
	}
	sending.Wait()
	for range all {
		t.Count(c)
	}
	return all
}

// Sigterm asks the consumer to end in the middle of a delivery, as every deploy
// does.
func Sigterm(t *check.Trial, l *Supervisor, n *check.Notes) check.Finding {
	at := stepsAt(l.durable(), false)
	if len(at) == 0 {
		return l.withoutSteps()
	}
	const held = 300 * time.Millisecond
	points := l.chosen("SIGTERM", at)
	l.sweep(t, points, func(p *point) {
		l.try(t, p, func(hold *supervise.Hold, answers <-chan deliver.Answer) {
			p.event("consumer", "SIGTERM", "")
			if err := l.consumer.Signal(); err != nil {
				n.Undecided("%s", err)
			}
			t.Rest(held)
			l.s.Recorder.Release(hold, supervise.Pass)
			grace := time.NewTimer(termGrace)
			defer grace.Stop()
			for ended := false; !ended; {
				select {
				case a := <-answers:
					p.answered(1, a)
					answers = nil
					// A kept-alive connection would hold up an orderly end.
					l.Client.Close()
				case <-l.consumer.Exited():
					p.event("consumer", "ended by itself", "")
					ended = true
				case <-grace.C:
					p.event("consumer", "killed after "+termGrace.String(), "")
					ended = true
				case <-t.Ctx.Done():
					ended = true
				}
			}
			if err := l.restart(t.Ctx); err != nil {
				n.Undecided("the consumer does not start again: %s", err)
			}
			if answers != nil {
				p.answered(1, <-answers)
			}
			if l.consumer != nil {
				l.againSoon(t, p, 2)
			}
		})
	})
	l.conclude(t, n, points, sigterm)
	return n.Finding("asked to end in the middle of %s: nothing lost, processed once each", units.Count(len(points), "delivery"))
}

// sigterm names a trial that asks the consumer to end, which may also finish first.
const sigterm = "SIGTERM"

// answerLater is how people repair what is acknowledged before it is stored.
const answerLater = "answer after the effect is committed, not before"

const backPatience = 10 * time.Second

// SendOnce is how people repair what is sent elsewhere too often, or never.
const SendOnce = "store the task in the transaction of the effect, and send it from there with an Idempotency-Key until it is taken"
