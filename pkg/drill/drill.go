// Package drill practises an outage: it delivers on a schedule while an endpoint is
// stopped and started again, redelivers what was not acknowledged as a sender would,
// and accounts for every call.
package drill

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/julianctl/julianctl/pkg/check"
	"github.com/julianctl/julianctl/pkg/deliver"
	"github.com/julianctl/julianctl/pkg/effects"
	"github.com/julianctl/julianctl/pkg/generate"
	"github.com/julianctl/julianctl/pkg/sender"
	"github.com/julianctl/julianctl/pkg/units"
)

// Options say how an outage is practised.
type Options struct {
	Client *deliver.Client
	Probe  effects.Probe      // nil: effects are not counted
	Batch  effects.BatchProbe // counts many at once; may be nil
	Settle time.Duration
	// Seed and Nonce make payloads and ids, as in [check.Options].
	Seed, Nonce uint64
	// Sender is how a call is delivered; nil: until it is acknowledged, after pauses that
	// grow to 4 s.
	Sender *sender.Profile
	// Rate is how many calls are due in a second; default 5.
	Rate float64
	// Phase is how long the endpoint is up before the outage, how long it is
	// down, and how long calls come in after it; default 5 s.
	Phase time.Duration
	// Patience is how long after that redeliveries go on; default 30 s.
	Patience time.Duration
	// Stop and Start end and begin the outage; deliveries go on meanwhile. They
	// return when it has happened.
	Stop, Start func(context.Context) error
	// Tell is called with what happens; may be nil.
	Tell func(after time.Duration, what string)
}

// Fate is what became of a call.
type Fate string

// The fates of a call. Without a probe, Right and Late say that it was
// acknowledged; what became of it was not seen.
const (
	Right   Fate = "right"
	Late    Fate = "late"    // not on the first try
	Lost    Fate = "lost"    // acknowledged without an effect
	Doubled Fate = "doubled" // more than one effect
	Unseen  Fate = "unseen"  // acknowledged, and its effects could not be counted
	// Open is never acknowledged: a sender goes on delivering it.
	Open Fate = "open"
	// GivenUp is never acknowledged, and will not be delivered again.
	GivenUp Fate = "given-up"
)

// Failed reports whether the call did not survive.
func (f Fate) Failed() bool { return f == Lost || f == Doubled || f == Open || f == GivenUp }

// Call is what became of one call.
type Call struct {
	CallID       string  `json:"callId"`
	Fate         Fate    `json:"fate"`
	Tries        int     `json:"tries"`
	Acknowledged bool    `json:"acknowledged"`
	DueMS        float64 `json:"dueMs"`   // from the beginning
	AfterMS      float64 `json:"afterMs"` // from due to acknowledged
	Effects      *int    `json:"effects"` // null: not counted
	Error        string  `json:"error,omitempty"`

	body    []byte
	late    bool // acknowledged after a try that was not
	givenUp bool
}

// Result is what became of all of them.
type Result struct {
	Verdict  check.Verdict `json:"verdict"`
	Message  string        `json:"message"`
	Calls    []Call        `json:"-"` // in the order in which they were due
	Count    map[Fate]int  `json:"count"`
	Failed   int           `json:"failedTries"` // deliveries that were not acknowledged
	Requests int           `json:"deliveries"`
	Repeated int           `json:"repeated"` // acknowledged calls that were delivered again after the outage
	TookMS   float64       `json:"tookMs"`
	DownMS   float64       `json:"downMs"`   // from stopped to started
	BackMS   float64       `json:"backMs"`   // from started to the first acknowledgement
	LatestMS float64       `json:"latestMs"` // of all acknowledgements, from due
	Seed     uint64        `json:"seed"`
}

// patient is a sender that does not give up.
var patient = sender.Profile{
	Waits:   []time.Duration{250 * time.Millisecond, 500 * time.Millisecond, time.Second, 2 * time.Second, 4 * time.Second},
	Endless: true,
}

// drill is the state of one drill.
type drill struct {
	o     Options
	t     *check.Trial
	began time.Time
	ended chan struct{} // no call becomes due any more
	s     *sender.Sender

	mu     sync.Mutex
	calls  []*Call
	byID   map[string]*Call
	failed int
	sent   int
	// repeated is how many acknowledged calls were delivered once more.
	repeated int
	started  time.Time // when the endpoint was started again
	back     time.Time // first acknowledgement after that
}

// Run delivers on a schedule through an outage, redelivers what was not
// acknowledged, and accounts for every call. The error is that of Stop, Start
// or ctx; the result then holds what is known.
func Run(ctx context.Context, o Options) (Result, error) {
	o.Settle = cmp.Or(o.Settle, 2*time.Second)
	o.Rate, o.Phase, o.Patience = cmp.Or(o.Rate, 5), cmp.Or(o.Phase, 5*time.Second), cmp.Or(o.Patience, 30*time.Second)
	if o.Tell == nil {
		o.Tell = func(time.Duration, string) {}
	}
	options := check.Options{Client: o.Client, Seed: o.Seed, Nonce: o.Nonce, Settle: o.Settle, Probe: o.Probe, Batch: o.Batch}
	d := &drill{o: o, began: time.Now(), ended: make(chan struct{}), byID: map[string]*Call{}}
	d.s = &sender.Sender{
		Profile: *cmp.Or(o.Sender, &patient), Clock: sender.NewClock(d.began, 1, onTheWay), Seed: o.Seed, Send: d.try, Done: d.done,
	}
	s := check.NewSession(options)
	if o.Probe != nil {
		s.Counter = options.NewCounter()
	}
	d.t = s.Trial(ctx, "drill", 0)
	delivering, cancel := context.WithCancel(ctx)
	defer cancel()
	var all sync.WaitGroup
	release := d.s.Clock.Hold()
	all.Go(func() {
		defer release()
		d.schedule(delivering)
	})
	all.Go(func() { d.s.Clock.Run(delivering) })
	downFor, err := d.outage(ctx)
	close(d.ended)
	if err == nil {
		d.tell("no new calls; redelivering what is left")
		timer := time.AfterFunc(o.Patience, cancel)
		all.Wait()
		timer.Stop()
		d.again(ctx)
	}
	cancel()
	all.Wait()
	return d.account(downFor), errors.Join(err, ctx.Err())
}

func (d *drill) tell(what string) { d.o.Tell(time.Since(d.began), what) }

// outage stops and starts the endpoint, and returns how long it was down.
func (d *drill) outage(ctx context.Context) (time.Duration, error) {
	d.tell("delivering")
	d.t.Rest(d.o.Phase)
	d.tell("stopping the endpoint")
	if err := d.o.Stop(ctx); err != nil {
		return 0, fmt.Errorf("stopping the endpoint: %w", err)
	}
	down := time.Now()
	d.tell("it is down")
	d.t.Rest(d.o.Phase)
	d.tell("starting the endpoint")
	if err := d.o.Start(ctx); err != nil {
		return 0, fmt.Errorf("starting the endpoint: %w", err)
	}
	d.mu.Lock()
	d.started = time.Now()
	d.mu.Unlock()
	d.tell("it is started")
	d.t.Rest(d.o.Phase)
	return d.started.Sub(down), ctx.Err()
}

// onTheWay is how many deliveries may be on the way: those of the highest rate, for as
// long as an answer may take.
const onTheWay = 30_000

// schedule makes calls due until the drill ends.
func (d *drill) schedule(ctx context.Context) {
	every := time.Duration(float64(time.Second) / d.o.Rate)
	for n := 0; ; n++ {
		due := d.began.Add(time.Duration(n) * every)
		select {
		case <-time.After(time.Until(due)):
		case <-d.ended:
			return
		case <-ctx.Done():
			return
		}
		c := d.t.Call(generate.Spec{})
		outcome := &Call{CallID: c.ID, DueMS: units.Milliseconds(due.Sub(d.began)), body: c.Body}
		d.mu.Lock()
		d.calls = append(d.calls, outcome)
		d.byID[c.ID] = outcome
		d.mu.Unlock()
		call := &sender.Call{ID: c.ID, Body: c.Body}
		if d.s.Profile.SendsOlder() {
			call.Older = generate.BeforeAnalysis(c.Body)
		}
		d.s.Deliver(due, call)
	}
}

// try makes one try and keeps what came of it.
func (d *drill) try(ctx context.Context, t sender.Try) (statuses []int) {
	answers := d.o.Client.SendCopies(ctx, deliver.Request{Body: t.Body}, t.Copies)
	d.mu.Lock()
	defer d.mu.Unlock()
	outcome := d.byID[t.Call.ID]
	for _, a := range answers {
		statuses = append(statuses, a.CompleteStatus())
		d.sent++
		outcome.Tries++
		if !check.Acknowledged(a) {
			d.failed++
			if !outcome.Acknowledged {
				outcome.Error, outcome.late = a.Describe(), true
			}
			continue
		}
		if !d.started.IsZero() && d.back.IsZero() {
			d.back = a.Answered
		}
		if !outcome.Acknowledged && !t.Older {
			outcome.Acknowledged, outcome.Error = true, ""
			outcome.AfterMS = units.Milliseconds(a.Answered.Sub(t.Call.Ended))
		}
	}
	return statuses
}

// done keeps that the sender is through with a call.
func (d *drill) done(r sender.Result) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.byID[r.Call.ID].givenUp = !r.Delivered
}

// again delivers once more what was acknowledged: a consumer that has forgotten
// what it did before the outage does it twice.
func (d *drill) again(ctx context.Context) {
	d.mu.Lock()
	up := !d.back.IsZero()
	d.mu.Unlock()
	if !up {
		return
	}
	d.tell("delivering once more what was acknowledged")
	for _, c := range d.calls {
		if !c.Acknowledged || ctx.Err() != nil {
			continue
		}
		a := d.o.Client.Send(ctx, deliver.Request{Body: c.body})
		d.sent++
		d.repeated++
		if check.Unreachable(a) {
			return
		}
	}
}

// account says what became of every call.
func (d *drill) account(downFor time.Duration) Result {
	r := Result{
		Repeated: d.repeated, TookMS: units.Milliseconds(time.Since(d.began)),
		Count: map[Fate]int{}, Failed: d.failed, Requests: d.sent, DownMS: units.Milliseconds(downFor), Seed: d.o.Seed,
	}
	if !d.back.IsZero() {
		r.BackMS = units.Milliseconds(d.back.Sub(d.started))
	}
	counts := d.effects()
	for _, c := range d.calls {
		w := counts[c.CallID]
		switch {
		case w != nil && w.Error == "":
			c.Effects = &w.After
		case w != nil:
			c.Error = w.Error
		}
		c.Fate = c.fate(w != nil)
		r.Count[c.Fate]++
		r.LatestMS = max(r.LatestMS, c.AfterMS)
		r.Calls = append(r.Calls, *c)
	}
	r.Verdict, r.Message = r.evaluate(d.o.Probe != nil)
	return r
}

// effects counts what every call led to; nil without a probe.
func (d *drill) effects() map[string]*check.Watched {
	if d.t.Counter == nil || len(d.calls) == 0 {
		return nil
	}
	var ids []string
	for _, c := range d.calls {
		ids = append(ids, c.CallID)
	}
	all := check.Watch(1, ids)
	never := check.Watch(0, []string{d.t.Call(generate.Spec{}).ID})
	d.t.Settle(append(all, never...))
	counts := map[string]*check.Watched{}
	for _, w := range all {
		if never[0].After > 0 {
			w.Error = fmt.Sprintf("the probe counts %d for a call that was never delivered", never[0].After)
		}
		counts[w.CallID] = w
	}
	return counts
}

func (c *Call) fate(probed bool) Fate {
	switch {
	case c.givenUp && (c.Effects == nil || *c.Effects <= 1):
		return GivenUp
	case !c.Acknowledged && (c.Effects == nil || *c.Effects <= 1):
		return Open
	case probed && c.Effects == nil:
		return Unseen
	case probed && *c.Effects == 0:
		return Lost
	case probed && *c.Effects > 1:
		return Doubled
	case c.late:
		return Late
	}
	return Right
}

func (r *Result) evaluate(probed bool) (check.Verdict, string) {
	n := len(r.Calls)
	switch {
	case r.Count[Lost]+r.Count[Doubled] > 0:
		return check.Fail, fmt.Sprintf("of %d calls, %d lost, %d processed more than once, %d not acknowledged", n, r.Count[Lost], r.Count[Doubled], r.Count[Open])
	case r.Count[GivenUp] > 0:
		return check.Fail, fmt.Sprintf("%d of %d calls given up by the sender: nothing delivers them again", r.Count[GivenUp], n)
	case r.Count[Open] > 0 && r.BackMS == 0 && r.DownMS > 0:
		return check.Fail, fmt.Sprintf("the endpoint did not come back: %d of %d calls not acknowledged; a sender goes on delivering them", r.Count[Open], n)
	case r.Count[Open] > 0:
		return check.Fail, fmt.Sprintf("%d of %d calls never acknowledged, though the endpoint was back", r.Count[Open], n)
	case n == 0 || r.Failed == 0:
		return check.Undecided, "every delivery was acknowledged at once: the endpoint was never down"
	case r.Count[Unseen] > 0:
		return check.Undecided, fmt.Sprintf("the effects of %d of %d calls could not be counted", r.Count[Unseen], n)
	case !probed:
		return check.Undecided, fmt.Sprintf("all %d calls acknowledged; whether each had one effect cannot be seen without a probe", n)
	}
	return check.Pass, fmt.Sprintf("all %d calls have one effect each, %d of them late", n, r.Count[Late])
}

// Command returns a function that runs a program without a shell, for
// [Options].Stop and Start. It has to come to an end by itself.
func Command(argv []string) func(context.Context) error {
	return func(ctx context.Context) error {
		_, err := effects.RunCommand(ctx, time.Minute, argv, "")
		return err
	}
}
