package crashcheck

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/julianctl/julianctl/pkg/check"
	"github.com/julianctl/julianctl/pkg/deliver"
	"github.com/julianctl/julianctl/pkg/generate"
	"github.com/julianctl/julianctl/pkg/supervise"
	"github.com/julianctl/julianctl/pkg/units"
)

// DatabaseDown takes away what the consumer uses.
func DatabaseDown(t *check.Trial, l *Supervisor, n *check.Notes) check.Finding {
	if len(l.s.Through) == 0 {
		return l.withoutSteps()
	}
	p := &point{name: "what the consumer uses refuses connections", call: t.Call(generate.Spec{}), reached: true}
	l.quiet(t)
	l.s.Recorder.Begin()
	p.began = time.Now()
	l.refuse()
	p.event("database", "down", "")
	a := l.send(t, p.call)
	p.answered(1, a)
	n.Answered = true
	if !p.acked {
		if err := l.accept(); err != nil {
			return check.Finding{Verdict: check.Undecided, Message: err.Error()}
		}
		return n.Finding("not acknowledged while the database was down: %s", a.Describe())
	}
	// A consumer with a durable queue of its own may acknowledge.
	if err := l.End(t.Ctx); err != nil {
		n.Undecided("%s", err)
	}
	if err := l.accept(); err != nil {
		return check.Finding{Verdict: check.Undecided, Message: err.Error()}
	}
	l.restarts++
	if err := l.Begin(t.Ctx); err != nil {
		return check.Finding{Verdict: check.Undecided, Message: "the consumer does not start again: " + err.Error()}
	}
	p.event("database", "back; the consumer was killed and started again", "")
	l.conclude(t, n, []*point{p}, "delivery")
	t.Result.Points = nil
	return n.Finding("acknowledged while the database was down, and kept: processed once")
}

func (l *Supervisor) refuse() {
	for _, p := range l.s.Through {
		p.Refuse()
	}
}

func (l *Supervisor) accept() error {
	for _, p := range l.s.Through {
		if err := p.Accept(); err != nil {
			return fmt.Errorf("the proxy %s does not listen again: %w", p.Name(), err)
		}
	}
	return nil
}

// DatabaseBack looks whether a consumer whose connections have died works again
// without a restart.
func DatabaseBack(t *check.Trial, l *Supervisor, n *check.Notes) check.Finding {
	if len(l.s.Through) == 0 {
		return l.withoutSteps()
	}
	p := &point{name: "the database was away for " + outage.String(), call: t.Call(generate.Spec{}), reached: true}
	l.quiet(t)
	l.s.Recorder.Begin()
	p.began = time.Now()
	l.refuse()
	p.event("database", "down", "")
	t.Rest(outage)
	if err := l.accept(); err != nil {
		return check.Finding{Verdict: check.Undecided, Message: err.Error()}
	}
	p.event("database", "back", "")
	tries := 0
	var last deliver.Answer
	for began := time.Now(); !p.acked && !l.ended() && t.Ctx.Err() == nil && time.Since(began) < backPatience; t.Rest(300 * time.Millisecond) {
		tries++
		last = l.send(t, p.call)
		p.answered(tries, last)
		p.foldAnswers(tries)
	}
	n.Answered = true
	if !p.acked {
		ended, said := l.ended(), l.consumer.Output()
		if ended {
			p.event("consumer", "had ended by itself", "")
		}
		l.timeline(p)
		t.Result.Timeline = p.events
		if err := l.restart(t.Ctx); err != nil {
			n.Undecided("the consumer does not start again: %s", err)
		}
		if ended {
			t.Result.Mend = "handle the error of a connection that is lost, also of one that is idle: it must not end the process"
			n.Fail("the consumer ended by itself%s", printed(said))
			return n.Finding("")
		}
		n.Fail("not acknowledged within %s after the database was back: %s", backPatience, last.Describe())
		return n.Finding("")
	}
	l.conclude(t, n, []*point{p}, "delivery")
	t.Result.Points = nil
	return n.Finding("acknowledged at try %d after the database was back, processed once", tries)
}

// DatabaseStalls makes every step slow and looks at the answer.
func DatabaseStalls(t *check.Trial, l *Supervisor, n *check.Notes) check.Finding {
	if len(l.s.Through) == 0 {
		return l.withoutSteps()
	}
	const late = 400 * time.Millisecond
	l.quiet(t)
	for _, p := range l.s.Through {
		p.Slow(stall)
	}
	c := t.Call(generate.Spec{})
	a := l.send(t, c)
	for _, p := range l.s.Through {
		p.Slow(0)
	}
	l.quiet(t)
	if !check.Acknowledged(a) {
		l.redeliver(t, c)
	}
	n.Ack("while the database takes 500ms for each step", a)
	if more := a.Latency() - l.latency; check.Acknowledged(a) && more > late {
		n.Warn("where the database takes 500ms longer for each step, the answer comes %s later, as it waits for %s: store the delivery, answer, and work after that", units.Time(more), units.Count(int((more+stall/2)/stall), "step"))
	}
	return n.Finding("answered within %s where the database takes 500ms longer for each step", units.Time(a.Latency()))
}

// stall is how much longer a step takes where the database stalls.
const stall = 500 * time.Millisecond

// outage is how long something that the consumer uses is away.
const outage = 300 * time.Millisecond

// DownstreamDown lets what the consumer calls fail, and then be silent.
func DownstreamDown(t *check.Trial, l *Supervisor, n *check.Notes) check.Finding {
	if len(l.s.Spies) == 0 {
		return check.Finding{Verdict: check.Skip, Message: "nothing stands in for what the consumer calls: name it with --spy"}
	}
	var names []string
	for _, spy := range l.s.Spies {
		names = append(names, spy.Name())
	}
	who := strings.Join(names, " and ")
	if !slices.Contains(l.spied, true) {
		return check.Finding{Verdict: check.Undecided, Message: "the consumer never calls " + who + ": is that the variable it reads?"}
	}
	var points []*point
	for _, m := range []struct {
		mode supervise.SpyMode
		name string
	}{{supervise.SpyFails, "answers with an error"}, {supervise.SpySilent, "closes without an answer"}} {
		p := &point{name: who + " " + m.name, call: t.Call(generate.Spec{}), reached: true}
		points = append(points, p)
		l.quiet(t)
		l.s.Recorder.Begin()
		p.began = time.Now()
		for _, spy := range l.s.Spies {
			spy.Set(m.mode)
		}
		p.answered(1, l.send(t, p.call))
		t.Rest(max(outage, l.gap)) // who tries again does not rest
		for _, spy := range l.s.Spies {
			spy.Set(supervise.SpyAnswers)
		}
		p.event(who, "back", "")
		l.again(t, p, 2)
		l.quiet(t)
		l.timeline(p)
	}
	l.conclude(t, n, points, "outage")
	t.Result.Points = nil
	return n.Finding("%s, processed once each", units.Count(len(points), "outage")+" of "+who)
}
