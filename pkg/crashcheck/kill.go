package crashcheck

import (
	"context"
	"fmt"
	"time"

	"github.com/julianctl/julianctl/pkg/check"
	"github.com/julianctl/julianctl/pkg/deliver"
	"github.com/julianctl/julianctl/pkg/generate"
	"github.com/julianctl/julianctl/pkg/supervise"
	"github.com/julianctl/julianctl/pkg/units"
)

// kill names a trial that ends the consumer.
const kill = "kill"

// Crash kills the consumer just before each step that changes durable state, once
// after the last one and, where it works after its answer, once right after that.
func Crash(t *check.Trial, l *Supervisor, n *check.Notes) check.Finding {
	durable := l.durable()
	if len(durable) == 0 {
		return l.withoutSteps()
	}
	last := check.StepAt{Step: durable[len(durable)-1], After: true}
	points := l.chosen("killed", append(stepsAt(durable, false), last))
	l.sweep(t, points, func(p *point) {
		l.try(t, p, func(hold *supervise.Hold, answers <-chan deliver.Answer) {
			// An early answer gets out.
			select {
			case a := <-answers:
				p.answered(1, a)
				answers = nil
			case <-time.After(max(killDelay, 3*l.latency)):
			case <-t.Ctx.Done():
			}
			l.killed(t, p, hold, answers, n)
		})
	})
	points = append(points, l.killedOnAnswer(t, n)...)
	l.conclude(t, n, points, kill)
	return n.Finding("killed at %s, processed once each", units.Count(len(points), "point"))
}

// killedOnAnswer kills a consumer that works after its answer as soon as that is
// there. No step is held meanwhile, which another worker of it might do instead.
func (l *Supervisor) killedOnAnswer(t *check.Trial, n *check.Notes) []*point {
	if !l.async || l.s.At != nil || t.Ctx.Err() != nil {
		return nil
	}
	if err := l.revive(t.Ctx); err != nil {
		n.Undecided("the consumer does not start again: %s", err)
		return nil
	}
	l.quiet(t)
	p := &point{name: "killed right after its answer", call: t.Call(generate.Spec{}), reached: true}
	l.s.Recorder.Begin()
	p.began = time.Now()
	p.event("sender", "POST, copy 1", "")
	p.answered(1, l.send(t, p.call))
	l.killed(t, p, nil, nil, n)
	l.timeline(p)
	return []*point{p}
}

// killed ends the consumer while a step is held (hold is nil where none is), starts
// it again, and redelivers what was not acknowledged. Answers is nil where copy 1
// was answered.
func (l *Supervisor) killed(t *check.Trial, p *point, hold *supervise.Hold, answers <-chan deliver.Answer, n *check.Notes) {
	// The held request must not get out, so the consumer goes first.
	l.Client.Close()
	p.event("consumer", "killed", "")
	event := len(p.events) - 1
	gone := l.consumer
	err := gone.Kill()
	if hold != nil {
		l.s.Recorder.Release(hold, supervise.Cut)
	}
	l.consumer = nil
	if err != nil {
		n.Undecided("%s", err)
	}
	waiting, cancel := context.WithTimeout(t.Ctx, firstPatience)
	defer cancel()
	for _, proxy := range l.s.Through {
		if err := proxy.Idle(waiting); err != nil {
			n.Undecided("%s", err)
		}
	}
	what := killedWhat(gone)
	if answers != nil {
		if a := <-answers; check.Acknowledged(a) {
			p.answered(1, a)
		} else {
			what += "; unanswered"
		}
	}
	l.restarts++
	began := time.Now()
	if err := l.Begin(t.Ctx); err != nil {
		n.Undecided("the consumer does not start again: %s", err)
		return
	}
	p.events[event].What = fmt.Sprintf("%s; ready after %s", what, units.Time(time.Since(began)))
	l.againSoon(t, p, 2)
}

// killedWhat says how much was killed, where that is known.
func killedWhat(c check.Consumer) string {
	if known, ok := c.(interface{ Killed() int }); ok && known.Killed() > 0 {
		return "killed, " + units.Count(known.Killed(), "process")
	}
	return "killed"
}
