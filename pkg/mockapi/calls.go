package mockapi

import (
	"context"
	"errors"
	"fmt"
	"hash/fnv"
	"iter"
	"math/rand/v2"
	"time"

	"github.com/julianctl/julianctl/pkg/deliver"
	"github.com/julianctl/julianctl/pkg/generate"
	"github.com/julianctl/julianctl/pkg/julian"
	"github.com/julianctl/julianctl/pkg/sender"
	"github.com/tidwall/gjson"
)

// Webhook says how contacts are called, and how what came of it is delivered.
type Webhook struct {
	Client *deliver.Client // to the endpoint; the caller closes it
	Sender sender.Profile  // zero: each call is delivered once
	// Speed is how many seconds pass for the provider in a real one, for all but the time
	// that an answer may take; 0: 1. At infinite speed nothing is waited for.
	Speed float64
	// Concurrency is how many deliveries may be on the way; 0: 64.
	Concurrency int
	// MinPause and MaxPause bound the time between two calls to a contact, which is open;
	// zero: 1 h to 4 h.
	MinPause, MaxPause time.Duration
	// CallCancelled delivers a call with the result Cancelled for a contact that is
	// cancelled; whether the provider does is open.
	CallCancelled bool
	// Calls are payloads of calls that are made without an enrolment, one each Every; nil:
	// none. [Generated] makes some.
	Calls iter.Seq2[[]byte, error]
	Every time.Duration
	// Header, if not nil, is sent with the deliveries of a call of Calls, by its number
	// from 1.
	Header func(number int) deliver.Header
	// Contacts ends [Provider.Run] once the stories of so many contacts have ended and
	// their calls are delivered or given up; 0: only ctx ends it. With Calls it ends when
	// nothing is left to call or to deliver.
	Contacts int
	// Before, if not nil, is called before each delivery is sent, concurrently. An error
	// ends Run. After is called with its answer; Done once for each call.
	Before func(context.Context, *Delivery) error
	After  func(context.Context, *Delivery)
	Done   func(sender.Result)
}

// Delivery is one delivery of a call.
type Delivery struct {
	sender.Try
	Began  time.Time      // when it was sent, real time; copies have the same
	Header deliver.Header // of Webhook.Header
	Answer deliver.Answer
	Note   any // of Before, for After
}

// Summary accounts for what was called and delivered.
type Summary struct {
	Calls     int `json:"calls"`
	Delivered int `json:"delivered"` // acknowledged
	First     int `json:"first"`     // of them, on the first try
	GivenUp   int `json:"givenUp"`   // never acknowledged
	Pending   int `json:"pending"`   // neither yet, when Run ended
	// Deliveries are all tries, Failed those that were not acknowledged.
	Deliveries int  `json:"deliveries"`
	Failed     int  `json:"failed"`
	Disabled   bool `json:"disabled"` // the endpoint, by the sender

	Contacts  int `json:"contacts"`  // enrolled
	Done      int `json:"done"`      // by the status of their sequence
	Failures  int `json:"failures"`  // likewise
	Cancelled int `json:"cancelled"` // likewise
	NotCalled int `json:"notCalled"` // another one of their group was reached
	Active    int `json:"active"`    // in progress, when Run ended

	Latest time.Duration `json:"-"` // from the end of a call to its acknowledgement, on the clock
}

// calls is the part of the Provider that calls.
type calls struct {
	clock  *sender.Clock
	sender *sender.Sender
	fail   context.CancelCauseFunc // of Run
	finish func()                  // lets Run end once nothing is left

	// The lock of Provider is for these.
	active     map[string]*contact // by the id of the sequence
	groups     map[string]*group
	enrolled   map[string]int // times, by agent and number
	batches    map[string]reply
	batchCount int
	made       map[string]int // calls, by agent
	numbered   int            // calls of Webhook.Calls
	unread     error          // of Webhook.Calls
	sum        Summary
}

// sequence is a contact on the way through its story.
type sequence struct {
	story  *generate.Sequence
	random *rand.Rand
	group  *group // nil: none
}

// group is contacts of whom one is called at a time, until one of them is reached.
type group struct {
	key     string
	current *contact
	waiting []*contact
}

func (c *contact) id() string { return c.story.ID }

// key is what belongs together on the clock.
func (c *contact) key() string {
	if c.group != nil {
		return c.group.key
	}
	return c.id()
}

func (a *Provider) prepareCalls() error {
	a.calls = calls{
		active: map[string]*contact{}, groups: map[string]*group{},
		enrolled: map[string]int{}, batches: map[string]reply{}, made: map[string]int{},
	}
	w := a.opts.Webhook
	if w == nil {
		return nil
	}
	if w.Speed == 0 {
		w.Speed = 1
	}
	if w.MaxPause == 0 {
		w.MinPause, w.MaxPause = time.Hour, 4*time.Hour
	}
	switch {
	case !(w.Speed > 0):
		return fmt.Errorf("speed %v is not over 0", w.Speed)
	case w.MinPause < 0 || w.MaxPause < w.MinPause:
		return fmt.Errorf("pause from %s to %s is no range", w.MinPause, w.MaxPause)
	case w.Every < 0:
		return fmt.Errorf("every %s is negative", w.Every)
	}
	a.clock = sender.NewClock(a.opts.Now(), w.Speed, w.Concurrency)
	a.calls.sender = &sender.Sender{Profile: w.Sender, Clock: a.clock, Seed: a.opts.Seed, Send: a.send, Done: a.done}
	a.finish = func() {}
	if w.Calls == nil {
		a.finish = a.clock.Hold()
	}
	return nil
}

// Run calls and delivers until ctx ends, or what the Webhook asks for is done. It may be
// called again once it has ended, for contacts that were enrolled since. The error is
// that of Before, which ends it at once, or of Calls, after which no more are made.
func (a *Provider) Run(ctx context.Context) (Summary, error) {
	w := a.opts.Webhook
	if w == nil {
		<-ctx.Done()
		return a.summary(), nil
	}
	ctx, a.fail = context.WithCancelCause(ctx)
	defer a.fail(nil)
	if w.Calls != nil {
		next, stop := iter.Pull2(w.Calls)
		defer stop()
		a.planNextCall(a.clock.Now(), next)
	}
	a.clock.Run(ctx)
	a.mu.Lock()
	err := a.unread
	a.mu.Unlock()
	if failed, ok := errors.AsType[*runError](context.Cause(ctx)); ok {
		err = failed.err
	}
	return a.summary(), err
}

// runError ends Run.
type runError struct{ err error }

func (e *runError) Error() string { return e.err.Error() }

// Generated makes calls as they occur, n of them, or without end if n is negative.
func Generated(seed uint64, agent string, shape *generate.AgentShape, n int) iter.Seq2[[]byte, error] {
	return func(yield func([]byte, error) bool) {
		g := generate.New(seed)
		for i := 0; i != n; i++ {
			if !yield(g.Payload(g.Draw(generate.Spec{Agent: agent, Shape: shape}))) {
				return
			}
		}
	}
}

// planNextCall has the next of the calls without an enrolment made at a time.
func (a *Provider) planNextCall(at time.Time, next func() ([]byte, error, bool)) {
	body, err, more := next()
	switch {
	case err != nil:
		a.mu.Lock()
		a.unread = err
		a.mu.Unlock()
	case more:
		a.clock.At(at, "", func(_ context.Context, at time.Time) {
			a.callWithout(at, body)
			a.planNextCall(at.Add(a.opts.Webhook.Every), next)
		})
	}
}

// callWithout makes a call without an enrolment.
func (a *Provider) callWithout(at time.Time, body []byte) {
	call := make([]gjson.Result, 3)
	if gjson.ValidBytes(body) {
		call = gjson.GetManyBytes(body, "callId", "sequence.sequenceId", "agentId")
	}
	a.mu.Lock()
	a.sum.Calls++
	a.numbered++
	number := a.numbered
	a.made[call[2].Str]++
	id := call[0].Str
	if id == "" {
		id = fmt.Sprintf("call %d", number)
	}
	a.mu.Unlock()
	a.deliver(at, &sender.Call{ID: id, Key: call[1].Str, Body: body, Number: number})
}

func (a *Provider) deliver(ended time.Time, call *sender.Call) {
	if a.calls.sender.Profile.SendsOlder() {
		call.Older = generate.BeforeAnalysis(call.Body)
	}
	a.calls.sender.Deliver(ended, call)
}

// enrol takes a contact in: it is called when it is scheduled, or after the others of
// its group. The caller holds the lock.
func (a *Provider) enrol(c *contact, scope string) {
	once := c.agent + "\x00" + c.phone
	a.enrolled[once]++
	id := fnv.New64a()
	_, _ = fmt.Fprintf(id, "%s\x00%d", once, a.enrolled[once]) // a hash takes everything
	seed := a.opts.Seed ^ id.Sum64()
	c.random = rand.New(rand.NewPCG(seed, 0))
	c.story = generate.New(seed).Sequence(
		generate.Spec{Agent: c.agent, Shape: a.opts.Shape},
		generate.Contact{Name: c.name, Phone: c.phone, Timezone: c.zone, Inputs: c.inputs},
	)
	if c.scheduled.IsZero() {
		c.scheduled = a.now()
	}
	a.sum.Contacts++
	a.active[c.id()] = c
	if value := c.field(c.groupBy); value != "" {
		key := scope + "\x00" + value
		if g := a.groups[key]; g != nil {
			c.group = g
			g.waiting = append(g.waiting, c)
			return
		}
		c.group = &group{key: key, current: c}
		a.groups[key] = c.group
	}
	a.planCall(c, c.scheduled)
}

// now is the time of the mock, in milliseconds as in payloads.
func (a *Provider) now() time.Time {
	if a.clock != nil {
		return a.clock.Now().Truncate(time.Millisecond)
	}
	return a.opts.Now().Truncate(time.Millisecond)
}

// planCall has the contact called. The times in payloads follow from scheduledAt, even
// where that is past and the call is made at once: same seed, same bytes. The caller
// holds the lock.
func (a *Provider) planCall(c *contact, at time.Time) {
	if a.clock != nil {
		a.clock.At(at, c.key(), func(context.Context, time.Time) { a.call(c, at) })
	}
}

// call makes the next call to a contact, and plans the one after it.
func (a *Provider) call(c *contact, at time.Time) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.active[c.id()] == nil {
		return // cancelled
	}
	w := a.opts.Webhook
	next := at.Add(w.MinPause)
	if spread := w.MaxPause - w.MinPause; spread > 0 {
		next = next.Add(time.Duration(c.random.Int64N(int64(spread))).Truncate(time.Millisecond))
	}
	e, more := c.story.Next(at, next)
	ended := a.book(c, e)
	if more {
		a.planCall(c, next)
		return
	}
	a.end(c, e, ended)
}

// book counts a call to a contact and has it delivered. It returns when the call ends.
// The caller holds the lock.
func (a *Provider) book(c *contact, e julian.CallEvent) (ended time.Time) {
	a.sum.Calls++
	a.made[c.agent]++
	ended = e.ScheduledAt.Add(time.Duration(e.Duration) * time.Second)
	body, err := generate.Encode(e)
	if err != nil { // what a request held always encodes
		a.fail(&runError{err})
		return ended
	}
	a.deliver(ended, &sender.Call{ID: e.CallID, Key: c.key(), Body: body})
	return ended
}

// end takes a contact out whose story has ended with a call, and calls the next of its
// group, unless that call reached its goal. The caller holds the lock.
func (a *Provider) end(c *contact, last julian.CallEvent, ended time.Time) {
	switch last.Sequence.LifecycleStatus {
	case julian.SequenceDone:
		a.sum.Done++
	case julian.SequenceFailed:
		a.sum.Failures++
	default:
		a.sum.Cancelled++
	}
	if g := c.group; g != nil && last.CallResult.ResultType == julian.GoalCompleted {
		for _, other := range g.waiting {
			if a.active[other.id()] != nil {
				a.sum.NotCalled++
				delete(a.active, other.id())
			}
		}
		g.waiting = nil
	}
	a.remove(c, ended)
}

// remove takes a contact out, and has the next of its group called. The caller holds the
// lock.
func (a *Provider) remove(c *contact, at time.Time) {
	delete(a.active, c.id())
	if g := c.group; g != nil && g.current == c {
		for len(g.waiting) > 0 && a.active[g.waiting[0].id()] == nil {
			g.waiting = g.waiting[1:] // cancelled
		}
		if len(g.waiting) == 0 {
			delete(a.groups, g.key)
		} else {
			g.current, g.waiting = g.waiting[0], g.waiting[1:]
			if g.current.scheduled.Before(at) {
				g.current.scheduled = at
			}
			a.planCall(g.current, g.current.scheduled)
		}
	}
	if w := a.opts.Webhook; w != nil && w.Contacts > 0 && a.sum.Contacts-len(a.active) >= w.Contacts {
		a.finish()
	}
}

// cancelWhere cancels the contacts that have this value in this field.
func (a *Provider) cancelWhere(name, value string) {
	a.mu.Lock()
	defer a.mu.Unlock()
	now := a.now()
	for _, c := range a.active {
		if c.field(name) != value {
			continue
		}
		if w := a.opts.Webhook; w != nil && w.CallCancelled {
			a.book(c, c.story.Cancel(now))
		}
		a.sum.Cancelled++
		a.remove(c, now)
	}
}

// send makes one try.
func (a *Provider) send(ctx context.Context, t sender.Try) (statuses []int) {
	w := a.opts.Webhook
	began := a.opts.Now()
	request := deliver.Request{Body: t.Body}
	if w.Header != nil && t.Call.Number > 0 {
		request.Header = w.Header(t.Call.Number)
	}
	copies := make([]*Delivery, t.Copies)
	for i := range copies {
		copies[i] = &Delivery{Try: t, Began: began, Header: request.Header}
		copies[i].Number += i
		if w.Before == nil {
			continue
		}
		if err := w.Before(ctx, copies[i]); err != nil {
			a.fail(&runError{err})
			return make([]int, t.Copies)
		}
	}
	failed := 0
	for i, answer := range w.Client.SendCopies(ctx, request, t.Copies) {
		status := answer.CompleteStatus()
		if status/100 != 2 {
			failed++
		}
		statuses = append(statuses, status)
		copies[i].Answer = answer
		if w.After != nil {
			w.After(ctx, copies[i])
		}
	}
	a.mu.Lock()
	a.sum.Deliveries += t.Copies
	a.sum.Failed += failed
	a.mu.Unlock()
	return statuses
}

// done counts what became of a call.
func (a *Provider) done(r sender.Result) {
	a.mu.Lock()
	switch {
	case !r.Delivered:
		a.sum.GivenUp++
	case r.First:
		a.sum.First++
		fallthrough
	default:
		a.sum.Delivered++
		a.sum.Latest = max(a.sum.Latest, r.Late)
	}
	a.mu.Unlock()
	if w := a.opts.Webhook; w.Done != nil {
		w.Done(r)
	}
}

func (a *Provider) summary() Summary {
	a.mu.Lock()
	defer a.mu.Unlock()
	s := a.sum
	s.Active = len(a.active)
	s.Pending = s.Calls - s.Delivered - s.GivenUp
	s.Disabled = a.calls.sender != nil && a.calls.sender.Disabled()
	return s
}
