package deliver

import (
	"context"
	"encoding/json"
	"iter"
	"sync"
	"time"

	"github.com/julianctl/julianctl/pkg/payload"
	"github.com/tidwall/gjson"
)

// Result is what came of one delivery of a run, or of a document that could
// not be read (its class is then [Unreadable]).
type Result struct {
	Document payload.Document
	Number   int // of the document in the run, from 1; 0: unreadable
	Copy     int // 1 is the delivery, the others are its duplicates
	Answer   Answer
	Err      error // nil: as expected; otherwise an *[Error]
}

// CallID returns the document's idempotency key; see [CallID].
func (r Result) CallID() string { return CallID(r.Document.Body) }

// CallID returns the callId of a payload, or "" where body is not JSON or has
// no such string. Of several, the last counts, as for most parsers.
func CallID(body []byte) (id string) {
	if !json.Valid(body) {
		return ""
	}
	gjson.ParseBytes(body).ForEach(func(key, value gjson.Result) bool {
		if key.Str == "callId" {
			id = value.Str
		}
		return true
	})
	return id
}

// Run sends what plan makes of docs, as a closed loop: each of the senders
// begins a delivery when it has the answer to the one before. Observe gets
// every result as it comes, one at a time; it may be nil.
//
// When ctx ends nothing more is begun; the deliveries on the way still get
// their answers, or run into the time-out. Docs must then end as well.
func (c *Client) Run(ctx context.Context, docs iter.Seq2[payload.Document, error], plan Plan, observe func(Result)) Summary {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	r := &run{
		client:  c,
		plan:    plan,
		observe: observe,
		stop:    cancel,
		groups:  map[int]*group{},
		sum:     Summary{Statuses: map[int]int{}, Errors: map[Class]int{}},
	}
	start := time.Now()
	steps := make(chan Step)
	var senders sync.WaitGroup
	for range max(plan.Concurrency, 1) {
		senders.Go(func() {
			for step := range steps {
				r.send(ctx, step)
			}
		})
	}
	r.feed(ctx, docs, steps)
	close(steps)
	senders.Wait()
	for _, g := range r.groups { // cut short
		r.sum.Groups.fold(g, plan.Duplicates+1)
	}
	r.sum.Elapsed = time.Since(start)
	return r.sum
}

// run is the state of one [Client.Run].
type run struct {
	client  *Client
	plan    Plan
	observe func(Result)
	stop    func() // begin nothing more

	mu     sync.Mutex
	sum    Summary
	groups map[int]*group // by number of the document, while copies are out
}

// feed hands the plan's steps to the senders until ctx ends.
func (r *run) feed(ctx context.Context, docs iter.Seq2[payload.Document, error], steps chan<- Step) {
	for step, err := range r.plan.Steps(docs) {
		if ctx.Err() != nil {
			return
		}
		if err != nil {
			r.unreadable(err)
			continue
		}
		select {
		case steps <- step:
		case <-ctx.Done():
			return
		}
	}
}

// send does one step.
func (r *run) send(ctx context.Context, step Step) {
	r.begin(step)
	request := Request{Body: step.Document.Body}
	// What is on the way is seen through to its end.
	sending := context.WithoutCancel(ctx)
	if r.plan.Mode == AtOnce && step.Deliveries() > 1 {
		requests := make([]Request, step.Deliveries())
		for i := range requests {
			requests[i] = request
		}
		answers, skew := r.client.Together(sending, requests)
		for i, a := range answers {
			r.record(step, step.First+i, a)
		}
		r.skew(skew)
		return
	}
	for n := step.First; n <= step.Last; n++ {
		if n > step.First && !pause(ctx, r.plan.Delay) {
			return
		}
		r.record(step, n, r.client.Send(sending, request))
	}
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
func (r *run) begin(step Step) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.sum.Planned += step.Deliveries()
	if step.First == 1 {
		r.sum.Documents++
	}
	if r.plan.Duplicates > 0 && r.groups[step.Number] == nil {
		r.groups[step.Number] = &group{left: r.plan.Duplicates + 1}
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

func (r *run) skew(d time.Duration) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if d > 0 {
		r.sum.Skew.record(d)
	}
}

// record counts one result and shows it.
func (r *run) record(step Step, n int, a Answer) {
	err := r.plan.Expect.Judge(a)
	r.mu.Lock()
	defer r.mu.Unlock()
	s := &r.sum
	s.BytesSent += a.BytesSent
	count(&s.Sent, a.BytesSent > 0)
	if a.Status != 0 {
		s.Answered++
		s.Statuses[a.Status]++
		s.Latency.record(a.Latency())
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
		g.add(a, err == nil)
		if g.left == 0 {
			s.Groups.fold(g, r.plan.Duplicates+1)
			delete(r.groups, step.Number)
		}
	}
	if r.observe != nil {
		r.observe(Result{step.Document, step.Number, n, a, err})
	}
}
