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
	tail    time.Duration // the same, once its effect is there
	async   bool          // it goes on after its answer

	mu      sync.Mutex
	waiting []string // calls whose effect is not there yet, as far as is known
	spied   []bool   // which spies are told of every call

	restarts int
	kills    Tried
	points   Tried
	// died is how often the consumer ended without being asked to, and lastWords
	// the end of what it printed then.
	died      int
	lastWords string
	patient   bool // the long wait for what is missing was had already
}

// Waits of the crash checks.
const (
	killDelay     = 100 * time.Millisecond // at least, for an early answer to get out
	learnIdle     = 1500 * time.Millisecond
	leastGap      = 60 * time.Millisecond
	longGap       = 500 * time.Millisecond // that effects are asked for, to wait less
	firstPatience = 30 * time.Second       // for an acknowledgement or effect that is late, once
	termGrace     = 3 * time.Second
	reachTries    = 3
)

func newLab(s *Supervision) *lab {
	l := &lab{s: s}
	s.SweepTime = cmp.Or(s.SweepTime, 2*time.Minute)
	return l
}

// exercised counts what was done to the consumer; nil where it was not restarted.
func (l *lab) exercised() *Exercised {
	if l.restarts == 0 {
		return nil
	}
	return &Exercised{Kills: l.kills, Points: l.points, Restarts: l.restarts}
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
	l.mu.Lock()
	if !slices.Contains(l.waiting, c.id) {
		l.waiting = append(l.waiting, c.id)
	}
	l.mu.Unlock()
	return l.sendBy(t, l.client, c)
}

// sendTimeout is how long an answer is waited for: a consumer may hold its answer
// back until its database is there again.
const sendTimeout = 5 * time.Second

func (l *lab) sendBy(t *trial, client *deliver.Client, c call) deliver.Answer {
	ctx, cancel := context.WithTimeoutCause(t.ctx, sendTimeout, fmt.Errorf("no answer within %s", sendTimeout))
	defer cancel()
	a := client.Send(ctx, deliver.Request{Body: c.body})
	t.count(c)
	l.s.Recorder.Touch()
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
		if wait == time.Second {
			l.tell("%s: redelivering for up to %s, not acknowledged yet", t.id, patience)
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

// quiet waits until the consumer does nothing more for the deliveries so far.
// Where it pauses long between its steps, the effects of all calls tell that
// earlier.
func (l *lab) quiet(t *trial) {
	ctx, cancel := context.WithTimeout(t.ctx, firstPatience)
	defer cancel()
	for l.gap > longGap && t.seen() == "" && ctx.Err() == nil && l.s.Recorder.Rested() < l.gap {
		_ = l.s.Recorder.Quiet(ctx, l.tail) // the time is over: seen above
		if l.allThere(t) {
			return
		}
		t.rest(50 * time.Millisecond)
	}
	l.quietForLong(t)
}

// quietForLong waits until the consumer does nothing, for longer than it ever
// paused in a delivery.
func (l *lab) quietForLong(t *trial) {
	ctx, cancel := context.WithTimeout(t.ctx, firstPatience)
	defer cancel()
	_ = l.s.Recorder.Quiet(ctx, l.gap) // a consumer that never rests is looked at all the same
	l.mu.Lock()
	defer l.mu.Unlock()
	l.waiting = nil
}

// allThere reports whether all calls that were delivered have an effect.
func (l *lab) allThere(t *trial) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.waiting = slices.DeleteFunc(l.waiting, func(id string) bool {
		n, err := t.counter.read(t.ctx, id)
		return err == nil && n.Count > 0
	})
	return len(l.waiting) == 0
}

// learn finds the steps that every delivery has. It runs once.
func (l *lab) learn(t *trial) (why string) {
	if l.learned {
		return l.why
	}
	l.learned = true
	l.gap, l.tail = leastGap, leastGap
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
	for i := range 3 {
		l.quietForLong(t)
		c := t.call(generate.Spec{})
		calls = append(calls, c)
		rec.Begin()
		times := []time.Time{time.Now()}
		a := l.send(t, c)
		answered := time.Now()
		times = append(times, answered)
		if !acknowledged(a) {
			return "a plain call is not acknowledged: " + a.Describe()
		}
		if why := l.appears(t, c); why != "" {
			return why
		}
		seen := time.Now()
		if i < 2 {
			l.quietForLong(t)
		} else {
			l.quiet(t) // by now it is known how long that takes
		}
		steps := rec.Steps()
		for _, s := range steps {
			l.async = l.async || s.Began.After(answered)
			times = append(times, s.Began)
			if !s.Ended.IsZero() {
				times = append(times, s.Ended)
			}
		}
		slices.SortFunc(times, time.Time.Compare)
		for i := 1; i < len(times); i++ {
			pause := times[i].Sub(times[i-1])
			l.gap = max(l.gap, pause+min(pause, time.Second))
		}
		last := times[len(times)-1]
		l.tail = max(l.tail, 2*last.Sub(seen))
		l.latency = max(l.latency, last.Sub(times[0]))
		runs = append(runs, steps)
	}
	l.gap = min(l.gap, 5*time.Second)
	l.tail = min(l.tail, l.gap)
	for _, s := range runs[0] {
		inAll := !slices.ContainsFunc(runs[1:], func(run []supervise.Step) bool {
			return !slices.ContainsFunc(run, func(other supervise.Step) bool { return other.Point == s.Point })
		})
		if inAll {
			l.steps = append(l.steps, s)
		}
	}
	for i, n := range l.counted(t, calls) {
		if n.err == "" && n.probe != 1 {
			return fmt.Sprintf("no baseline: a plain call was processed %s, expected 1", units.Count(n.probe, "time"))
		}
		for j, told := range n.spies {
			if told > 1 || told == 0 && l.spied[j] {
				return fmt.Sprintf("no baseline: %s was told of plain call %d %s, expected 1", l.s.Spies[j].Name(), i+1, units.Count(told, "time"))
			}
		}
	}
	return ""
}

// warmUp delivers a first call, and learns what goes on while nobody delivers.
func (l *lab) warmUp(t *trial) (why string) {
	first := t.call(generate.Spec{})
	if a := l.redeliver(t, first); !acknowledged(a) {
		return "a plain call is not acknowledged: " + a.Describe()
	}
	if t.seen() == "" {
		if why := l.appears(t, first); why != "" {
			return why
		}
	} else {
		t.rest(learnIdle)
	}
	l.spied = make([]bool, len(l.s.Spies))
	for began := time.Now(); slices.Contains(l.spied, false) && time.Since(began) < learnIdle && t.ctx.Err() == nil; t.rest(20 * time.Millisecond) {
		for i, spy := range l.s.Spies {
			n, err := spy.Effects(t.ctx, first.id)
			l.spied[i] = err == nil && n > 0
		}
	}
	l.quiet(t)
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
	o.Settle = cmp.Or(o.Settle, 2*time.Second)
	s, l := newSession(o), newLab(o.Supervision)
	l.gap = leastGap
	if err := l.begin(ctx); err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, l.end(context.WithoutCancel(ctx))) }()
	if o.Probe != nil {
		s.counter = newCounter(o.Probe, o.Settle)
	}
	t := s.trial(ctx, "steps", 0)
	if why := l.warmUp(t); why != "" {
		return nil, errors.New(why)
	}
	l.s.Recorder.Begin()
	c := t.call(generate.Spec{})
	if a := l.send(t, c); !acknowledged(a) {
		return nil, fmt.Errorf("a plain call is not acknowledged: %s", a.Describe())
	}
	if t.seen() == "" {
		if why := l.appears(t, c); why != "" {
			return nil, errors.New(why)
		}
	} else {
		t.rest(learnIdle)
	}
	l.quiet(t)
	return l.s.Recorder.Steps(), ctx.Err()
}

// appears waits for the first effect of a call, also downstream.
func (l *lab) appears(t *trial, c call) (why string) {
	for began := time.Now(); ; {
		n := l.counted(t, []call{c})[0]
		switch {
		case n.err != "":
			return n.err
		case !n.lost(l.spied):
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
	names []string // of the spies
	err   string
}

// wrong reports whether it is anything but once.
func (e effectsOf) wrong(spied []bool) bool { return e.err == "" && e.word(spied) != "" }

// lost reports that something is missing.
func (e effectsOf) lost(spied []bool) bool {
	if e.probe < 1 {
		return true
	}
	for i, n := range e.spies {
		if i < len(spied) && spied[i] && n < 1 {
			return true
		}
	}
	return false
}

// more reports that something happened more than once.
func (e effectsOf) more(spied []bool) bool {
	return e.wrong(spied) && !e.lost(spied)
}

// word says what is wrong, "" when nothing is. The name of a spy that was told
// more or less than once is in front.
func (e effectsOf) word(spied []bool) string {
	if e.probe != 1 {
		return fmt.Sprintf("processed %s, expected 1", units.Count(e.probe, "time"))
	}
	for i, n := range e.spies {
		if n > 1 || spied[i] && n < 1 {
			return fmt.Sprintf("%s told %s, expected 1", e.names[i], units.Count(n, "time"))
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
				out[i].spies, out[i].names = append(out[i].spies, told), append(out[i].names, spy.Name())
			}
		})
	}
	reading.Wait()
	return out
}

// rest waits until the consumer does nothing more. One that works after its
// answer, or out of sight, may do something after a pause: it has the time of
// --settle for that.
func (l *lab) rest(t *trial) {
	if l.async || len(l.s.Through) == 0 {
		l.quiet(t)
		t.rest(t.counter.settle)
	}
	l.quietForLong(t)
}

// complete counts until nothing is missing, or until the patience for what is
// missing is over and the consumer rests.
func (l *lab) complete(t *trial, calls []call) []effectsOf {
	patience := t.counter.settle
	if !l.patient {
		patience = firstPatience
	}
	told := false
	for began := time.Now(); ; t.rest(50 * time.Millisecond) {
		counts := l.counted(t, calls)
		missing := slices.ContainsFunc(counts, func(e effectsOf) bool { return e.err == "" && e.lost(l.spied) })
		switch {
		case !missing, t.ctx.Err() != nil:
			return counts
		case time.Since(began) > patience:
			l.patient = true
			l.quietForLong(t)
			return l.counted(t, calls)
		case !told:
			told = true
			l.tell("%s: waiting up to %s for effects that are missing", t.id, patience)
		}
	}
}

func (l *lab) tell(format string, args ...any) {
	if l.s.Tell != nil {
		l.s.Tell(fmt.Sprintf(format, args...))
	}
}
