package deliver

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"iter"
	"maps"
	"math/rand/v2"
	"slices"
	"strings"
	"sync"
	"time"
	"unsafe"

	"github.com/julianctl/julianctl/pkg/jsonscan"
	"github.com/julianctl/julianctl/pkg/payload"
	"github.com/tidwall/gjson"
)

// Result is what came of one delivery of a run, or of a document that could
// not be read (its class is then [Unreadable]).
type Result struct {
	Document payload.Document
	Number   int // of the document in the run, from 1; 0: unreadable
	Copy     int // 1 is the delivery, the others are its duplicates
	Retries  int // tries before the last one, of which nothing was sent
	Answer   Answer
	Err      error // nil: as expected; otherwise an *[Error]
	// Group is all of the document's copies, with the last of them; otherwise
	// nil.
	Group *Group
}

// CallID returns the document's idempotency key; see [CallID].
func (r Result) CallID() string { return CallID(r.Document.Body) }

// CallID returns the callId of a payload, or "" where body is not JSON or has
// no such string. Of several, the last counts, as for most parsers.
func CallID(body []byte) string {
	id, sure := quickCallID(body)
	if !sure {
		return slowCallID(body)
	}
	return string(id)
}

// quickCallID is the callId of a payload as payloads are, at ten times the speed
// of slowCallID. It is not sure of bodies that are not JSON, or not UTF-8, nest
// deeply or have escapes in this id or a key.
func quickCallID(body []byte) (id []byte, sure bool) {
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

// slowCallID is CallID for every body.
func slowCallID(body []byte) (id string) {
	if !json.Valid(body) {
		return ""
	}
	// As a string without a copy, which nobody keeps: the body may be large.
	text := unsafe.String(unsafe.SliceData(body), len(body)) //nolint:gosec // nothing of it outlives this call, and nobody writes to body
	gjson.Parse(text).ForEach(func(key, value gjson.Result) bool {
		if key.Str == "callId" {
			id = value.Str
		}
		return true
	})
	return strings.Clone(id)
}

// Run sends what plan makes of docs. Without a rate it is a closed loop: each of
// the senders begins a delivery when it has the answer to the one before. With
// one it is an open loop; see [Pace]. Observe gets every result as it comes, one
// at a time; it may be nil.
//
// When ctx ends nothing more is begun; the deliveries on the way still get
// their answers, or run into the time-out. Docs must then end as well.
func (c *Client) Run(ctx context.Context, docs iter.Seq2[payload.Document, error], plan Plan, observe func(Result)) Summary {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	r := &run{
		client:  c,
		whole:   context.WithoutCancel(ctx),
		plan:    plan,
		observe: observe,
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
	}
	if r.sum.Pace == nil {
		r.closedLoop(ctx, docs)
	} else {
		r.openLoop(ctx, docs)
	}
	r.cutShort()
	r.sum.Elapsed = time.Since(start)
	return r.sum
}

// run is the state of one [Client.Run].
type run struct {
	client  *Client
	whole   context.Context // of a delivery that has begun: it outlasts the run's
	plan    Plan
	observe func(Result)
	stop    func() // begin nothing more

	mu     sync.Mutex
	sum    Summary
	groups map[int]*group // by number of the document, while copies are out
}

// job is a step and when it is due; zero means when it begins.
type job struct {
	Step
	due time.Time
}

// steps are what is to be sent, until ctx ends.
func (r *run) steps(ctx context.Context, docs iter.Seq2[payload.Document, error]) iter.Seq[Step] {
	return func(yield func(Step) bool) {
		for step, err := range r.plan.File.Left(r.plan.Steps(docs), r.doubt) {
			// Reading may end a moment before ctx does.
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

// closedLoop lets each sender take a step when it is done with the one before:
// nobody has to be woken to hand it over.
func (r *run) closedLoop(ctx context.Context, docs iter.Seq2[payload.Document, error]) {
	next, stop := iter.Pull(r.steps(ctx, docs))
	defer stop()
	var taking sync.Mutex
	take := func() (Step, bool) {
		taking.Lock()
		defer taking.Unlock()
		return next()
	}
	var senders sync.WaitGroup
	hired := 1 // counted by the last one hired, who alone hires
	var sender func()
	sender = func() {
		for last := true; ; {
			step, ok := take()
			if !ok {
				return
			}
			if last && hired < r.plan.Concurrency {
				hired++
				senders.Go(sender)
			}
			last = false
			r.send(ctx, job{Step: step})
		}
	}
	senders.Go(sender)
	senders.Wait()
}

// openLoop hands each step to a sender when it is due. As long as there are
// fewer senders than the plan allows, a step that finds none idle gets a new
// one.
func (r *run) openLoop(ctx context.Context, docs iter.Seq2[payload.Document, error]) {
	jobs := make(chan job)
	var senders sync.WaitGroup
	hired, allowed := 0, max(r.plan.Concurrency, 1)
	hand := func(j job) bool {
		if hired < allowed {
			select {
			case jobs <- j:
			default:
				hired++
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
		if !times.wait(ctx, j.due) || !hand(j) {
			times.behind = j.due
			break
		}
		times.ready = time.Now()
	}
	r.sum.Pace.Missed = times.missed() // the senders do not write it
	close(jobs)
	senders.Wait()
}

// ended reports whether err is the end of a context: no document is at fault.
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

func (r *run) doubt(d Doubt) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.plan.Doubt != nil {
		r.plan.Doubt(d)
	}
}

// send does one step.
func (r *run) send(ctx context.Context, j job) {
	request := Request{Body: j.Document.Body, Due: j.due, bare: true}
	if r.plan.Mode == AtOnce && j.Deliveries() > 1 {
		r.sendTogether(j, request)
		return
	}
	first := true
	for n := range j.Copies() {
		if !first {
			if !pause(ctx, r.plan.Delay) {
				return
			}
			request.Due = time.Time{} // the answer before it made it due
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
	answers, skew := r.client.Together(r.whole, slices.Repeat([]Request{request}, len(numbers)))
	r.skew(j.Step, skew)
	for i, a := range answers {
		r.record(j.Step, numbers[i], 0, a)
	}
}

// deliver sends one delivery, seen through to its end also where ctx ends, and
// again while it is proven that nothing of it
// was sent and the plan allows it.
func (r *run) deliver(ctx context.Context, request Request) (a Answer, retries int) {
	for {
		a = r.client.Send(r.whole, request)
		nothing := errors.Is(a.Err, Unreachable) && a.BytesSent == 0
		if !nothing || retries == r.plan.Retries || !pause(ctx, retryDelay(retries)) {
			return a, retries
		}
		retries++
		request.Due = a.Due
	}
}

// retryDelay doubles from a tenth of a second up to five, and is at random
// between a half and the whole of that.
func retryDelay(retries int) time.Duration {
	d := min(100*time.Millisecond<<min(retries, 10), 5*time.Second)
	return d/2 + rand.N(d/2)
}

// pause waits for d and reports whether ctx is still on.
func pause(ctx context.Context, d time.Duration) bool {
	if d > 0 {
		t := time.NewTimer(d)
		defer t.Stop()
		select {
		case <-t.C:
		case <-ctx.Done():
		}
	}
	return ctx.Err() == nil
}

// begin counts a step that is about to be sent.
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
		doc, copies := step.Document, r.plan.File.copiesLeft(step.Number, r.plan.Duplicates+1)
		r.groups[step.Number] = &group{
			Group:  Group{Source: doc.Source, Line: doc.Line, Number: step.Number, CallID: id},
			copies: copies, left: copies,
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

// cutShort counts the groups of which copies were not sent any more, in the order
// of their documents.
func (r *run) cutShort() {
	for _, number := range slices.Sorted(maps.Keys(r.groups)) {
		g := r.groups[number]
		for n := 1; n <= r.plan.Duplicates+1; n++ {
			sent := slices.ContainsFunc(g.Copies, func(c Copy) bool { return c.Number == n })
			if !sent && !r.plan.File.answered(number, n) {
				g.Unsent = append(g.Unsent, n)
			}
		}
		whole := r.sum.Groups.fold(g)
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

// record counts one result and shows it.
func (r *run) record(step Step, n, retries int, a Answer) {
	err := r.plan.Expect.Judge(a)
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
			result.Group = s.Groups.fold(g)
			delete(r.groups, step.Number)
		}
	}
	if r.observe != nil {
		r.observe(result)
	}
}
