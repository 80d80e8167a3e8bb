package deliver

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"iter"
	"maps"
	"slices"
	"strings"
	"sync"
	"time"
	"unsafe"

	"github.com/julianctl/julianctl/pkg/jsonscan"
	"github.com/julianctl/julianctl/pkg/payload"
	"github.com/julianctl/julianctl/pkg/wait"
	"github.com/tidwall/gjson"
)

// Result is the result of one delivery of a run, or of a document that could not
// be read (its class is then [Unreadable]).
type Result struct {
	Document payload.Document
	Number   int // of the document in the run, from 1; 0: unreadable
	Copy     int // 1 is the delivery, the others are its duplicates
	Retries  int // earlier tries, in which nothing was sent
	Answer   Answer
	Err      error // nil: as expected; otherwise an *[Error]
	// Group has all copies of the document. It is set on the last copy only.
	Group *Group
}

// CallID returns the document's idempotency key; see [CallID].
func (r Result) CallID() string { return CallID(r.Document.Body) }

// CallID returns the callId of a payload, or "" if body is not JSON or has no such
// string. If there are several, the last counts, as in most parsers.
func CallID(body []byte) string {
	id, ok := quickCallID(body)
	if !ok {
		return slowCallID(body)
	}
	return string(id)
}

// quickCallID does the same as slowCallID for ordinary payloads, ten times as
// fast. It returns false for a body that is not JSON or not UTF-8, nests deeply,
// or has an escape in the id or a key.
func quickCallID(body []byte) (id []byte, ok bool) {
	i := jsonscan.Space(body, 0)
	if jsonscan.At(body, i) != '{' {
		return nil, true // it has no keys
	}
	end := jsonscan.Object(body, i, func(key []byte, i int) int {
		end := jsonscan.Value(body, i, jsonscan.MaxDepth)
		switch {
		case end == jsonscan.None || bytes.IndexByte(key, '\\') >= 0:
			return jsonscan.None
		case string(key) != `"callId"`:
			return end
		case body[i] != '"':
			id = nil
		default:
			id = body[i+1 : end-1]
		}
		return end
	})
	if end == jsonscan.None || jsonscan.Space(body, end) != len(body) || bytes.IndexByte(id, '\\') >= 0 {
		return nil, false
	}
	return id, true
}

// slowCallID is CallID for any body.
func slowCallID(body []byte) (id string) {
	if !json.Valid(body) {
		return ""
	}
	// The body may be large, so it is not copied into a string.
	text := unsafe.String(unsafe.SliceData(body), len(body)) //nolint:gosec // the string is not kept, and body is not changed
	gjson.Parse(text).ForEach(func(key, value gjson.Result) bool {
		if key.Str == "callId" {
			id = value.Str
		}
		return true
	})
	return strings.Clone(id)
}

// Run sends docs according to plan. Without a rate it is a closed loop: each
// sender starts a delivery when the previous one is answered. With a rate it is an
// open loop; see [Pace]. observe, if not nil, is called for every result, never
// concurrently.
//
// When ctx ends, nothing more is started. Deliveries in flight still wait for
// their answers, up to the time-out. docs must end then, too.
func (c *Client) Run(ctx context.Context, docs iter.Seq2[payload.Document, error], plan Plan, observe func(Result)) Summary {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	r := &run{
		client:      c,
		deliveryCtx: context.WithoutCancel(ctx),
		plan:        plan,
		observe:     observe,
		stop: func() {
			cancel()
			if plan.Stop != nil {
				plan.Stop()
			}
		},
		groups: map[int]*group{},
		sum:    Summary{Statuses: map[int]int{}, Errors: map[Class]int{}},
	}
	start := time.Now()
	if plan.Rate > 0 {
		r.sum.Pace = &Pace{Asked: plan.Rate}
		r.openLoop(ctx, docs)
	} else {
		r.closedLoop(ctx, docs)
	}
	r.cutShort()
	r.sum.Elapsed = time.Since(start)
	return r.sum
}

// run is the state of one [Client.Run].
type run struct {
	client      *Client
	deliveryCtx context.Context // of each delivery: not cancelled when the run is
	plan        Plan
	observe     func(Result)
	stop        func() // start nothing more

	mu     sync.Mutex
	sum    Summary
	groups map[int]*group // those in progress, by number of the document
}

// job is a step and when it is due; zero means when it starts.
type job struct {
	Step
	due time.Time
}

// steps returns what is to be sent, until ctx ends.
func (r *run) steps(ctx context.Context, docs iter.Seq2[payload.Document, error]) iter.Seq[Step] {
	return func(yield func(Step) bool) {
		for step, err := range r.plan.File.Remaining(r.plan.Steps(docs), r.unconfirmed) {
			// Reading may end slightly before ctx does.
			if ctx.Err() != nil || ended(err) {
				return
			}
			switch {
			case errors.Is(err, ErrRunFile):
				r.halt(err)
				return
			case err != nil:
				r.unreadable(err)
			case !yield(step):
				return
			}
		}
	}
}

// closedLoop lets each sender fetch its next step itself, so that no goroutine has
// to be woken to pass it on.
func (r *run) closedLoop(ctx context.Context, docs iter.Seq2[payload.Document, error]) {
	next, stop := iter.Pull(r.steps(ctx, docs))
	defer stop()
	var pulling sync.Mutex
	take := func() (Step, bool) {
		pulling.Lock()
		defer pulling.Unlock()
		return next()
	}
	var senders sync.WaitGroup
	started := 1 // only the sender started last reads and changes it
	var sender func()
	sender = func() {
		for last := true; ; {
			step, ok := take()
			if !ok {
				return
			}
			if last && started < r.plan.Concurrency {
				started++
				senders.Go(sender)
			}
			last = false
			r.send(ctx, job{Step: step})
		}
	}
	senders.Go(sender)
	senders.Wait()
}

// openLoop passes each step to a sender when it is due. If none is idle, a new
// sender is started, up to the Concurrency of the plan.
func (r *run) openLoop(ctx context.Context, docs iter.Seq2[payload.Document, error]) {
	jobs := make(chan job)
	var senders sync.WaitGroup
	started, allowed := 0, max(r.plan.Concurrency, 1)
	dispatch := func(j job) bool {
		if started < allowed {
			select {
			case jobs <- j:
			default:
				started++
				senders.Go(func() {
					r.send(ctx, j)
					for j := range jobs {
						r.send(ctx, j)
					}
				})
			}
			return true
		}
		select {
		case jobs <- j:
			return true
		case <-ctx.Done():
			return false
		}
	}
	times := newSchedule(r.plan.Rate)
	defer times.timer.Stop()
	for step := range r.steps(ctx, docs) {
		j := job{step, times.next(step.Deliveries())}
		if !times.wait(ctx, j.due) || !dispatch(j) {
			times.behind = j.due
			break
		}
		times.ready = time.Now()
	}
	r.sum.Pace.Missed = times.missed() // senders do not access it
	close(jobs)
	senders.Wait()
}

// ended reports whether err is from a context that ended, not from a document.
func ended(err error) bool {
	return errors.Is(err, context.Canceled) || errors.Is(err, context.DeadlineExceeded)
}

// halt ends the run because of its run file.
func (r *run) halt(err error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.sum.Err == nil {
		r.sum.Err = err
	}
	r.stop()
}

func (r *run) unconfirmed(d Unconfirmed) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.plan.Unconfirmed != nil {
		r.plan.Unconfirmed(d)
	}
}

// send sends one step.
func (r *run) send(ctx context.Context, j job) {
	request := Request{Body: j.Document.Body, Due: j.due, bare: true}
	if r.plan.Mode == AtOnce && j.Deliveries() > 1 {
		r.sendTogether(j, request)
		return
	}
	first := true
	for n := range j.Copies() {
		if !first {
			if wait.For(ctx, r.plan.Delay) != nil {
				return
			}
			request.Due = time.Time{} // due on the previous answer
		}
		if err := r.plan.File.begin(j.Step, n); err != nil {
			r.halt(err)
			return
		}
		if first {
			r.begin(j)
			first = false
		}
		a, retries := r.deliver(ctx, request)
		r.record(j.Step, n, retries, a)
	}
}

func (r *run) sendTogether(j job, request Request) {
	numbers := slices.Collect(j.Copies())
	if err := r.plan.File.begin(j.Step, numbers...); err != nil {
		r.halt(err)
		return
	}
	r.begin(j)
	answers, skew := r.client.Together(r.deliveryCtx, slices.Repeat([]Request{request}, len(numbers)))
	r.skew(j.Step, skew)
	for i, a := range answers {
		r.record(j.Step, numbers[i], 0, a)
	}
}

// deliver sends one delivery and waits for its end even if ctx ends. If nothing
// was sent, it tries again as often as the plan allows.
func (r *run) deliver(ctx context.Context, request Request) (a Answer, retries int) {
	for {
		a = r.client.Send(r.deliveryCtx, request)
		nothing := errors.Is(a.Err, Unreachable) && a.BytesSent == 0
		if !nothing || retries == r.plan.Retries || wait.For(ctx, wait.Between(retries, 100*time.Millisecond, 5*time.Second)) != nil {
			return a, retries
		}
		retries++
		request.Due = a.Due
	}
}

// begin counts a step before it is sent.
func (r *run) begin(step job) {
	var now time.Time
	if r.plan.Rate > 0 {
		now = time.Now()
	}
	id := ""
	if r.plan.Duplicates > 0 {
		id = CallID(step.Document.Body)
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	if pace := r.sum.Pace; pace != nil {
		pace.begin(now, step.due, step.Deliveries())
	}
	r.sum.Planned += step.Deliveries()
	if step.First == 1 {
		r.sum.Documents++
	}
	if r.plan.Duplicates > 0 && r.groups[step.Number] == nil {
		r.groups[step.Number] = &group{
			Group: Group{Source: step.Document.Source, Line: step.Document.Line, Number: step.Number, CallID: id},
			left:  r.plan.File.copiesLeft(step.Number, r.plan.Duplicates+1),
		}
	}
}

func (r *run) unreadable(err error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.sum.Unreadable++
	if r.observe != nil {
		r.observe(Result{Err: &Error{Class: Unreadable, Err: err}})
	}
}

// cutShort counts the groups that are not complete at the end, in the order of
// their documents.
func (r *run) cutShort() {
	for _, number := range slices.Sorted(maps.Keys(r.groups)) {
		g := r.groups[number]
		for n := 1; n <= r.plan.Duplicates+1; n++ {
			sent := slices.ContainsFunc(g.Copies, func(c Copy) bool { return c.Number == n })
			if !sent && !r.plan.File.answered(number, n) {
				g.Unsent = append(g.Unsent, n)
			}
		}
		whole := r.sum.Groups.add(g)
		if r.plan.Cut != nil {
			r.plan.Cut(*whole)
		}
	}
}

func (r *run) skew(step Step, d time.Duration) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if d > 0 {
		r.sum.Skew.Record(d)
		r.groups[step.Number].Skew = d
	}
}

// record counts one result and passes it to observe.
func (r *run) record(step Step, n, retries int, a Answer) {
	err := r.plan.Expect.Evaluate(a)
	result := Result{Document: step.Document, Number: step.Number, Copy: n, Retries: retries, Answer: a, Err: err}
	r.plan.File.end(result)
	r.mu.Lock()
	defer r.mu.Unlock()
	s := &r.sum
	s.Retried += retries
	s.BytesSent += a.BytesSent
	count(&s.Sent, a.BytesSent > 0)
	if a.Status != 0 {
		s.Answered++
		s.Statuses[a.Status]++
		s.Latency.Record(a.Latency())
	}
	if err == nil {
		s.OK++
	} else {
		s.Failed++
		s.Errors[ClassOf(err)]++
		if r.plan.FailFast {
			r.stop()
		}
	}
	if g := r.groups[step.Number]; g != nil {
		g.add(result)
		if g.left == 0 {
			result.Group = s.Groups.add(g)
			delete(r.groups, step.Number)
		}
	}
	if r.observe != nil {
		r.observe(result)
	}
}
