// Package crashcheck has the checks that kill a supervised consumer, start it
// again, and hold it in the middle of a delivery. They learn the steps of a
// delivery from proxies in front of what the consumer uses (package supervise),
// act at each of them, and count what was processed.
package crashcheck

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"time"

	"github.com/julianctl/julianctl/pkg/check"
	"github.com/julianctl/julianctl/pkg/deliver"
	"github.com/julianctl/julianctl/pkg/effects"
	"github.com/julianctl/julianctl/pkg/generate"
	"github.com/julianctl/julianctl/pkg/supervise"
	"github.com/julianctl/julianctl/pkg/units"
)

// Supervisor is the state that the crash checks of one run share: the consumer, and
// what is known of the steps of a delivery.
type Supervisor struct {
	s        *check.Supervision
	consumer check.Consumer
	Client   *deliver.Client

	learned bool
	why     string // there is no baseline; "" when there is one
	steps   []supervise.Step
	latency time.Duration // from the delivery to its last step or answer, the longest
	gap     time.Duration // without a step, after which a delivery is over
	tail    time.Duration // the same, once its effect is there
	async   bool          // it goes on after its answer
	effect  time.Duration // from the delivery to its effect, the longest
	started time.Duration // how long the last start took
	settle  time.Duration // the time of --settle

	running string   // the check that runs
	offered []string // its points, with those that --at leaves out
	done    float64  // the share of its points that were tried
	ahead   []string // checks that are still to come

	mu      sync.Mutex
	waiting []string // calls whose effect is not there yet, as far as is known
	spied   []bool   // which spies every call reaches

	restarts int
	kills    check.Tried
	points   check.Tried
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

// New is a supervisor that has started nothing yet.
func New(s *check.Supervision) *Supervisor {
	l := &Supervisor{s: s}
	s.SweepTime = cmp.Or(s.SweepTime, 2*time.Minute)
	return l
}

// Exercised counts what was done to the consumer; nil where it was not restarted.
func (l *Supervisor) Exercised() *check.Exercised {
	if l.restarts == 0 {
		return nil
	}
	return &check.Exercised{Kills: l.kills, Points: l.points, Restarts: l.restarts}
}

// Begin starts the consumer.
func (l *Supervisor) Begin(ctx context.Context) error {
	began := time.Now()
	consumer, err := l.s.Start(ctx)
	if err != nil {
		return err
	}
	l.started = time.Since(began)
	client, err := l.s.Client(consumer)
	if err != nil {
		return errors.Join(err, consumer.Kill())
	}
	l.consumer, l.Client = consumer, client
	return nil
}

// End kills the consumer, and waits until what it used has seen that.
func (l *Supervisor) End(ctx context.Context) error {
	if l.consumer == nil {
		return nil
	}
	l.Client.Close()
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
func (l *Supervisor) restart(ctx context.Context) error {
	l.restarts++
	return errors.Join(l.End(ctx), l.Begin(ctx))
}

// send delivers a call once, without a conclusion: a consumer that is killed
// answers nothing.
func (l *Supervisor) send(t *check.Trial, c check.Call) deliver.Answer {
	l.mu.Lock()
	if !slices.Contains(l.waiting, c.ID) {
		l.waiting = append(l.waiting, c.ID)
	}
	l.mu.Unlock()
	return l.sendBy(t, l.Client, c)
}

// sendTimeout is how long an answer is waited for: a consumer may hold its answer
// back until its database is there again.
const sendTimeout = 5 * time.Second

func (l *Supervisor) sendBy(t *check.Trial, client *deliver.Client, c check.Call) deliver.Answer {
	ctx, cancel := context.WithTimeoutCause(t.Ctx, sendTimeout, fmt.Errorf("no answer within %s", sendTimeout))
	defer cancel()
	a := client.Send(ctx, deliver.Request{Body: c.Body})
	t.Count(c)
	l.s.Recorder.Touch()
	return a
}

// redeliver sends a call again until it is acknowledged, as a sender does.
func (l *Supervisor) redeliver(t *check.Trial, c check.Call) deliver.Answer {
	patience := t.Options.Settle
	if !l.patient {
		patience = firstPatience
	}
	began := time.Now()
	for wait := 50 * time.Millisecond; ; wait = min(2*wait, time.Second) {
		if err := l.revive(t.Ctx); err != nil {
			return deliver.Answer{Err: err}
		}
		a := l.send(t, c)
		if check.Acknowledged(a) || t.Ctx.Err() != nil {
			return a
		}
		if time.Since(began)+wait > patience {
			l.patient = true
			return a
		}
		if wait == time.Second {
			l.tellWaiting(patience, "%s: redelivering for up to %s, not acknowledged yet", t.ID, patience)
		}
		t.Rest(wait)
	}
}

// revive starts a consumer again that has ended by itself, as whatever runs it in
// production does.
func (l *Supervisor) revive(ctx context.Context) error {
	if l.consumer == nil {
		return l.Begin(ctx)
	}
	if !l.ended() {
		return nil
	}
	l.died++
	l.lastWords = l.consumer.Output()
	return l.restart(ctx)
}

// ended reports whether nothing is left of the consumer.
func (l *Supervisor) ended() bool {
	select {
	case <-l.consumer.Gone():
		return true
	default:
		return false
	}
}

// quiet waits until the consumer does nothing more for the deliveries so far.
// Where it pauses long between its steps, the effects of all calls tell that
// earlier.
func (l *Supervisor) quiet(t *check.Trial) {
	ctx, cancel := context.WithTimeout(t.Ctx, firstPatience)
	defer cancel()
	for l.gap > longGap && t.Seen() == "" && ctx.Err() == nil && l.s.Recorder.Rested() < l.gap {
		_ = l.s.Recorder.Quiet(ctx, l.tail) // the time is over: seen above
		if l.allThere(t) {
			return
		}
		t.Rest(50 * time.Millisecond)
	}
	l.quietForLong(t)
}

// quietForLong waits until the consumer does nothing, for longer than it ever
// paused in a delivery.
func (l *Supervisor) quietForLong(t *check.Trial) {
	ctx, cancel := context.WithTimeout(t.Ctx, firstPatience)
	defer cancel()
	_ = l.s.Recorder.Quiet(ctx, l.gap) // a consumer that never rests is looked at all the same
	l.mu.Lock()
	defer l.mu.Unlock()
	l.waiting = nil
}

// allThere reports whether all calls that were delivered have an effect.
func (l *Supervisor) allThere(t *check.Trial) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.waiting = slices.DeleteFunc(l.waiting, func(id string) bool {
		n, err := t.Counter.Read(t.Ctx, id)
		return err == nil && n.Count > 0
	})
	return len(l.waiting) == 0
}

// learn finds the steps that every delivery has. It runs once.
func (l *Supervisor) learn(t *check.Trial) (why string) {
	if l.learned {
		return l.why
	}
	l.learned = true
	l.gap, l.tail = leastGap, leastGap
	if l.why = l.learnSteps(t); l.why == "" {
		l.tell("%s: %s", t.ID, l.learnedText())
	}
	return l.why
}

func (l *Supervisor) learnSteps(t *check.Trial) (why string) {
	if why := t.Seen(); why != "" {
		return why
	}
	l.tell("%s: learning what the consumer does by itself", t.ID)
	if why := l.warmUp(t); why != "" {
		return why
	}
	rec := l.s.Recorder
	var runs [][]supervise.Step
	var calls []check.Call
	var slowest time.Duration
	for i := range 3 {
		l.tell("%s: learning the steps of a delivery, %d of 3", t.ID, i+1)
		l.quietForLong(t)
		c := t.Call(generate.Spec{})
		calls = append(calls, c)
		rec.Begin()
		times := []time.Time{time.Now()}
		a := l.send(t, c)
		answered := time.Now()
		times = append(times, answered)
		if !check.Acknowledged(a) {
			return "a plain call is not acknowledged: " + a.Describe()
		}
		if why := l.appears(t, c); why != "" {
			return why
		}
		seen := time.Now()
		slowest = max(slowest, seen.Sub(times[0]))
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
	l.effect, l.settle = slowest, t.Counter.Settle
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
		for j, reached := range n.spies {
			if reached > 1 || reached == 0 && l.spied[j] {
				return fmt.Sprintf("no baseline: %s was told of plain call %d %s, expected 1", l.s.Spies[j].Name(), i+1, units.Count(reached, "time"))
			}
		}
	}
	return ""
}

// warmUp delivers a first call, and learns what goes on while nothing is delivered.
func (l *Supervisor) warmUp(t *check.Trial) (why string) {
	first := t.Call(generate.Spec{})
	if a := l.redeliver(t, first); !check.Acknowledged(a) {
		return "a plain call is not acknowledged: " + a.Describe()
	}
	if t.Seen() == "" {
		if why := l.appears(t, first); why != "" {
			return why
		}
	} else {
		t.Rest(learnIdle)
	}
	l.spied = make([]bool, len(l.s.Spies))
	for began := time.Now(); slices.Contains(l.spied, false) && time.Since(began) < learnIdle && t.Ctx.Err() == nil; t.Rest(20 * time.Millisecond) {
		for i, spy := range l.s.Spies {
			n, err := spy.Effects(t.Ctx, first.ID)
			l.spied[i] = err == nil && n > 0
		}
	}
	l.quiet(t)
	// What happens now is noise: a worker that polls, and what the probe asks the
	// consumer itself.
	if t.Seen() == "" {
		done := l.s.Recorder.LearnNoise(false)
		for range 3 {
			_, _ = t.Counter.Read(t.Ctx, t.Call(generate.Spec{}).ID) // an error comes again
		}
		done()
	}
	done := l.s.Recorder.LearnNoise(true)
	t.Rest(learnIdle)
	done()
	l.gap = max(leastGap, l.s.Recorder.Pause()*3/2)
	return ""
}

// Delivery is one delivery with the steps that it took.
type Delivery struct {
	Steps          []supervise.Step
	Sent, Answered time.Time
	Status         int // of the answer
}

// ErrRefused says that a call was not acknowledged that nothing is wrong with.
var ErrRefused = errors.New("a plain call is not acknowledged")

// Steps starts the consumer, and delivers one call. The probe of o may be nil.
func Steps(ctx context.Context, o check.Options) (d Delivery, err error) {
	o.Settle = cmp.Or(o.Settle, 2*time.Second)
	s, l := check.NewSession(o), New(o.Supervision)
	l.gap = leastGap
	if err := l.Begin(ctx); err != nil {
		return d, err
	}
	defer func() { err = errors.Join(err, l.End(context.WithoutCancel(ctx))) }()
	if o.Probe != nil {
		s.Counter = effects.NewCounter(o.Probe, o.Settle)
	}
	t := s.Trial(ctx, "steps", 0)
	// Who refuses one call refuses them all: that is not waited for to end.
	if a := l.send(t, t.Call(generate.Spec{})); a.Err == nil && a.Status/100 == 4 {
		return d, fmt.Errorf("%w: %s", ErrRefused, a.Describe())
	}
	if why := l.warmUp(t); why != "" {
		return d, errors.New(why)
	}
	l.s.Recorder.Begin()
	c := t.Call(generate.Spec{})
	d.Sent = time.Now()
	a := l.send(t, c)
	if !check.Acknowledged(a) {
		return d, fmt.Errorf("%w: %s", ErrRefused, a.Describe())
	}
	d.Answered, d.Status = a.Answered, a.Status
	if t.Seen() == "" {
		if why := l.appears(t, c); why != "" {
			return d, errors.New(why)
		}
	} else {
		t.Rest(learnIdle)
	}
	l.quiet(t)
	d.Steps = numbered(l.s.Recorder.Steps())
	return d, ctx.Err()
}

// appears waits for the first effect of a call, also downstream.
func (l *Supervisor) appears(t *check.Trial, c check.Call) (why string) {
	for began := time.Now(); ; {
		n := l.counted(t, []check.Call{c})[0]
		switch {
		case n.err != "":
			return n.err
		case !n.lost(l.spied):
			return ""
		case time.Since(began) > firstPatience || t.Ctx.Err() != nil:
			return fmt.Sprintf("no baseline: a plain call that was acknowledged has no effect within %s", firstPatience)
		}
		t.Rest(20 * time.Millisecond)
	}
}

// counted reads the effects of calls once.
func (l *Supervisor) counted(t *check.Trial, calls []check.Call) []effectsOf {
	out := make([]effectsOf, len(calls))
	var reading sync.WaitGroup
	for i, c := range calls {
		reading.Go(func() {
			n, err := t.Counter.Read(t.Ctx, c.ID)
			if err != nil {
				out[i].err = err.Error()
				return
			}
			out[i].probe = n.Count
			for _, spy := range l.s.Spies {
				reached, err := spy.Effects(t.Ctx, c.ID)
				if err != nil {
					out[i].err = err.Error()
				}
				out[i].spies, out[i].names = append(out[i].spies, reached), append(out[i].names, spy.Name())
			}
		})
	}
	reading.Wait()
	return out
}

// rest waits until the consumer does nothing more. One that works after its
// answer, or out of sight, may do something after a pause: it has the time of
// --settle for that.
func (l *Supervisor) rest(t *check.Trial) {
	if l.async || len(l.s.Through) == 0 {
		l.quiet(t)
		t.Rest(t.Counter.Settle)
	}
	l.quietForLong(t)
}

// complete counts until nothing is missing, or until the patience for what is
// missing is over and the consumer rests.
func (l *Supervisor) complete(t *check.Trial, calls []check.Call) []effectsOf {
	patience := t.Counter.Settle
	if !l.patient {
		patience = firstPatience
	}
	announced := false
	for began := time.Now(); ; t.Rest(50 * time.Millisecond) {
		counts := l.counted(t, calls)
		missing := slices.ContainsFunc(counts, func(e effectsOf) bool { return e.err == "" && e.lost(l.spied) })
		switch {
		case !missing, t.Ctx.Err() != nil:
			return counts
		case time.Since(began) > patience:
			l.patient = true
			l.quietForLong(t)
			return l.counted(t, calls)
		case !announced && time.Since(began) > 2*l.effect+time.Second:
			announced = true
			l.tellWaiting(patience, "%s: waiting up to %s for effects that are missing", t.ID, patience)
		}
	}
}
