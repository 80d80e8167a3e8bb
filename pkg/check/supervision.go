package check

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"time"

	"github.com/julianctl/julianctl/pkg/deliver"
	"github.com/julianctl/julianctl/pkg/generate"
	"github.com/julianctl/julianctl/pkg/supervise"
	"github.com/julianctl/julianctl/pkg/units"
)

// Supervision is a consumer that the checks of the group crashes may kill, start
// again, and hold in the middle of a delivery.
type Supervision struct {
	// Start starts one and waits until it answers.
	Start func(context.Context) (Consumer, error)
	// Client delivers to it. The caller closes it.
	Client   func(Consumer) (*deliver.Client, error)
	Recorder *supervise.Recorder
	Through  []*supervise.Proxy // in front of what the consumer uses
	Spies    []*supervise.Spy   // stand-ins for what it calls
	// Replicas: two consumers can run side by side.
	Replicas bool
	// SweepTime is how long one check may try points; default 2 m.
	SweepTime time.Duration
	// At limits the sweeps to one point; nil: all.
	At *StepAt
	// Reset cleans up before the crash checks begin; may be nil.
	Reset func(context.Context) error
	// Tell is called with what goes on, a line each; may be nil.
	Tell func(string)
}

// Consumer is a running consumer.
type Consumer interface {
	// Kill ends it and all that it started at once, and returns when nothing of
	// it is left.
	Kill() error
	// Signal asks it to end, with SIGTERM. The error is [supervise.ErrUnsupported]
	// where it cannot be asked.
	Signal() error
	// Exited is closed when the program that was started has ended, which may
	// leave others behind that serve; Gone when nothing of it is left. Both may be
	// nil: nobody sees it.
	Exited() <-chan struct{}
	Gone() <-chan struct{}
	// Output is the end of what it printed.
	Output() string
}

// StepAt names a step of a delivery by its number in the list of steps.
type StepAt struct {
	Step  int // from 1
	After bool
}

func (a StepAt) String() string {
	if a.After {
		return fmt.Sprintf("%d+", a.Step)
	}
	return fmt.Sprint(a.Step)
}

// lab is the state that the crash checks of one run share: the consumer, and
// what is known of the steps of a delivery.
type lab struct {
	s        *Supervision
	consumer Consumer
	client   *deliver.Client

	learned bool
	why     string // there is no baseline; "" when there is one
	steps   []supervise.Step
	latency time.Duration // from the delivery to its last step or answer, the longest
	gap     time.Duration // without a step, after which a delivery is over
	spied   []bool        // which spies are told of every call

	restarts int
	// died is how often the consumer ended without being asked to, and lastWords
	// the end of what it printed then.
	died      int
	lastWords string
	patient   bool // the long wait for what is missing was had already
}

// Waits of the crash checks.
const (
	killDelay     = 40 * time.Millisecond // at least, for an early answer to get out
	learnIdle     = 1500 * time.Millisecond
	leastGap      = 60 * time.Millisecond
	firstPatience = 30 * time.Second // for an acknowledgement or effect that is late, once
	termGrace     = 3 * time.Second
	reachTries    = 3
)

func newLab(s *Supervision) *lab {
	l := &lab{s: s}
	s.SweepTime = cmp.Or(s.SweepTime, 2*time.Minute)
	return l
}

// begin starts the consumer.
func (l *lab) begin(ctx context.Context) error {
	consumer, err := l.s.Start(ctx)
	if err != nil {
		return err
	}
	client, err := l.s.Client(consumer)
	if err != nil {
		return errors.Join(err, consumer.Kill())
	}
	l.consumer, l.client = consumer, client
	return nil
}

// end kills the consumer, and waits until what it used has seen that.
func (l *lab) end(ctx context.Context) error {
	if l.consumer == nil {
		return nil
	}
	l.client.Close()
	err := l.consumer.Kill()
	l.consumer = nil
	waiting, cancel := context.WithTimeout(ctx, firstPatience)
	defer cancel()
	for _, p := range l.s.Through {
		err = errors.Join(err, p.Idle(waiting))
	}
	return err
}

// restart kills the consumer and starts it again.
func (l *lab) restart(ctx context.Context) error {
	l.restarts++
	return errors.Join(l.end(ctx), l.begin(ctx))
}

// send delivers a call once, without any judgement: a consumer that is killed
// answers nothing.
func (l *lab) send(t *trial, c call) deliver.Answer {
	return sendBy(t, l.client, c)
}

// sendTimeout is how long an answer is waited for: a consumer may hold its answer
// back until its database is there again.
const sendTimeout = 5 * time.Second

func sendBy(t *trial, client *deliver.Client, c call) deliver.Answer {
	ctx, cancel := context.WithTimeoutCause(t.ctx, sendTimeout, fmt.Errorf("no answer within %s", sendTimeout))
	defer cancel()
	a := client.Send(ctx, deliver.Request{Body: c.body})
	t.count(c)
	return a
}

// count notes a delivery that is no evidence by itself.
func (t *trial) count(c call) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.result.Requests++
	if !slices.Contains(t.ids, c.id) {
		t.ids = append(t.ids, c.id)
	}
}

// redeliver sends a call again until it is acknowledged, as a sender does.
func (l *lab) redeliver(t *trial, c call) deliver.Answer {
	patience := t.o.Settle
	if !l.patient {
		patience = firstPatience
	}
	began := time.Now()
	for wait := 50 * time.Millisecond; ; wait = min(2*wait, time.Second) {
		if err := l.revive(t.ctx); err != nil {
			return deliver.Answer{Err: err}
		}
		a := l.send(t, c)
		if acknowledged(a) || t.ctx.Err() != nil {
			return a
		}
		if time.Since(began)+wait > patience {
			l.patient = true
			return a
		}
		t.rest(wait)
	}
}

// revive starts a consumer again that has ended by itself, as whatever runs it in
// production does.
func (l *lab) revive(ctx context.Context) error {
	if l.consumer == nil {
		return l.begin(ctx)
	}
	select {
	case <-l.consumer.Gone():
	default:
		return nil
	}
	l.died++
	l.lastWords = l.consumer.Output()
	return l.restart(ctx)
}

// quiet waits until the consumer does nothing more for the delivery.
func (l *lab) quiet(ctx context.Context) {
	ctx, cancel := context.WithTimeout(ctx, firstPatience)
	defer cancel()
	_ = l.s.Recorder.Quiet(ctx, l.gap) // a consumer that never rests is looked at all the same
}

// learn finds the steps that every delivery has. It runs once.
func (l *lab) learn(t *trial) (why string) {
	if l.learned {
		return l.why
	}
	l.learned = true
	l.gap = leastGap
	l.why = l.learnSteps(t)
	return l.why
}

func (l *lab) learnSteps(t *trial) (why string) {
	if why := t.seen(); why != "" {
		return why
	}
	if why := l.warmUp(t); why != "" {
		return why
	}
	rec := l.s.Recorder
	var runs [][]supervise.Step
	var calls []call
	for range 3 {
		l.quiet(t.ctx)
		c := t.call(generate.Spec{})
		calls = append(calls, c)
		rec.Begin()
		began := time.Now()
		a := l.send(t, c)
		took := time.Since(began)
		if !acknowledged(a) {
			return "a plain call is not acknowledged: " + describe(a)
		}
		if why := l.appears(t, c); why != "" {
			return why
		}
		l.quiet(t.ctx)
		steps := rec.Steps()
		if len(steps) > 0 {
			took = max(took, rec.LastStep().Sub(began))
		}
		for i := 1; i < len(steps); i++ {
			l.gap = max(l.gap, 2*steps[i].Began.Sub(steps[i-1].Began))
		}
		l.latency = max(l.latency, took)
		runs = append(runs, steps)
	}
	l.gap = min(l.gap, 5*time.Second)
	for _, s := range runs[0] {
		inAll := !slices.ContainsFunc(runs[1:], func(run []supervise.Step) bool {
			return !slices.ContainsFunc(run, func(other supervise.Step) bool { return other.Point == s.Point })
		})
		if inAll {
			l.steps = append(l.steps, s)
		}
	}
	for _, c := range calls {
		if n := l.counted(t, []call{c})[0]; n.err == "" && n.probe != 1 {
			return fmt.Sprintf("no baseline: a plain call was processed %s, expected 1", units.Count(n.probe, "time"))
		}
	}
	l.spied = make([]bool, len(l.s.Spies))
	for i, spy := range l.s.Spies {
		l.spied[i] = true
		for _, c := range calls {
			n, err := spy.Effects(t.ctx, c.id)
			l.spied[i] = l.spied[i] && err == nil && n > 0
			if n > 1 {
				return fmt.Sprintf("no baseline: %s was told of a plain call %s, expected 1", spy.Proxy().Name(), units.Count(n, "time"))
			}
		}
	}
	return ""
}

// warmUp delivers a first call, and learns what goes on while nobody delivers.
func (l *lab) warmUp(t *trial) (why string) {
	first := t.call(generate.Spec{})
	if a := l.redeliver(t, first); !acknowledged(a) {
		return "a plain call is not acknowledged: " + describe(a)
	}
	if t.seen() == "" {
		if why := l.appears(t, first); why != "" {
			return why
		}
	} else {
		t.rest(learnIdle)
	}
	l.quiet(t.ctx)
	// What happens now is noise: a worker that polls, and what the probe asks the
	// consumer itself.
	if t.seen() == "" {
		done := l.s.Recorder.LearnNoise(false)
		for range 3 {
			_, _ = t.counter.read(t.ctx, t.call(generate.Spec{}).id) // an error comes again
		}
		done()
	}
	done := l.s.Recorder.LearnNoise(true)
	t.rest(learnIdle)
	done()
	l.gap = max(leastGap, l.s.Recorder.Pause()*3/2)
	return ""
}

// Steps starts the consumer, delivers one call, and returns the steps that it
// took. The probe of o may be nil.
func Steps(ctx context.Context, o Options) (steps []supervise.Step, err error) {
	o.Settle, o.Nonce = cmp.Or(o.Settle, 2*time.Second), nonceOr(o.Nonce)
	r := &run{o: o, lab: newLab(o.Supervision)}
	l := r.lab
	l.gap = leastGap
	if err := l.begin(ctx); err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, l.end(context.WithoutCancel(ctx))) }()
	if o.Probe != nil {
		r.counter = newCounter(o.Probe, o.Settle)
	}
	t := r.trial(ctx, "steps")
	if why := l.warmUp(t); why != "" {
		return nil, errors.New(why)
	}
	l.s.Recorder.Begin()
	c := t.call(generate.Spec{})
	if a := l.send(t, c); !acknowledged(a) {
		return nil, fmt.Errorf("a plain call is not acknowledged: %s", describe(a))
	}
	if t.seen() == "" {
		if why := l.appears(t, c); why != "" {
			return nil, errors.New(why)
		}
	} else {
		t.rest(learnIdle)
	}
	l.quiet(ctx)
	return l.s.Recorder.Steps(), ctx.Err()
}

// appears waits for the first effect of a call.
func (l *lab) appears(t *trial, c call) (why string) {
	for began := time.Now(); ; {
		n, err := t.counter.read(t.ctx, c.id)
		switch {
		case err != nil:
			return err.Error()
		case n.Count > 0:
			return ""
		case time.Since(began) > firstPatience || t.ctx.Err() != nil:
			return fmt.Sprintf("no baseline: a plain call that was acknowledged has no effect within %s", firstPatience)
		}
		t.rest(20 * time.Millisecond)
	}
}

// effectsOf is how often one call was processed.
type effectsOf struct {
	probe int
	spies []int
	err   string
}

// wrong reports whether it is anything but once.
func (e effectsOf) wrong(spied []bool) bool { return e.err == "" && e.word(spied, "") != "" }

// lost reports that something is missing.
func (e effectsOf) lost(spied []bool) bool {
	if e.probe < 1 {
		return true
	}
	for i, n := range e.spies {
		if spied[i] && n < 1 {
			return true
		}
	}
	return false
}

// word says what is wrong, "" when nothing is. The name of a spy that was told
// more or less than once is in front.
func (e effectsOf) word(spied []bool, name string) string {
	if e.probe != 1 {
		return fmt.Sprintf("processed %s, expected 1", units.Count(e.probe, "time"))
	}
	for i, n := range e.spies {
		if spied[i] && n != 1 || n > 1 {
			return fmt.Sprintf("%s told %s, expected 1", name, units.Count(n, "time"))
		}
	}
	return ""
}

// counted reads the effects of calls once.
func (l *lab) counted(t *trial, calls []call) []effectsOf {
	out := make([]effectsOf, len(calls))
	var reading sync.WaitGroup
	for i, c := range calls {
		reading.Go(func() {
			n, err := t.counter.read(t.ctx, c.id)
			if err != nil {
				out[i].err = err.Error()
				return
			}
			out[i].probe = n.Count
			for _, spy := range l.s.Spies {
				told, err := spy.Effects(t.ctx, c.id)
				if err != nil {
					out[i].err = err.Error()
				}
				out[i].spies = append(out[i].spies, told)
			}
		})
	}
	reading.Wait()
	return out
}

// settled counts until the consumer rests and nothing is missing, or until the
// patience for what is missing is over.
func (l *lab) settled(t *trial, calls []call) []effectsOf {
	patience := t.counter.settle
	if !l.patient {
		patience = firstPatience
	}
	began := time.Now()
	if len(l.s.Through) == 0 {
		t.rest(t.counter.settle) // nothing else says when the consumer rests
	}
	for {
		l.quiet(t.ctx)
		counts := l.counted(t, calls)
		missing := slices.ContainsFunc(counts, func(e effectsOf) bool { return e.err == "" && e.lost(l.spied) })
		switch {
		case !missing, t.ctx.Err() != nil:
			return counts
		case time.Since(began) > patience:
			l.patient = true
			return counts
		}
		t.rest(100 * time.Millisecond)
	}
}

func (l *lab) tell(format string, args ...any) {
	if l.s.Tell != nil {
		l.s.Tell(fmt.Sprintf(format, args...))
	}
}
