package check

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/julianctl/julianctl/pkg/deliver"
	"github.com/julianctl/julianctl/pkg/generate"
	"github.com/julianctl/julianctl/pkg/julian"
	"github.com/julianctl/julianctl/pkg/units"
	"github.com/tidwall/sjson"
)

// trial is what one check works with: it makes calls, delivers them and keeps
// the evidence.
type trial struct {
	id      string          // of the check
	lab     *lab            // nil without a supervised consumer
	ctx     context.Context // of the call of Run that the trial belongs to
	o       *Options
	counter *counter // nil without a probe
	gen     *generate.Generator
	phone   int           // number of the next phone number
	silent  *atomic.Int32 // of the run

	mu     sync.Mutex
	result Result // what is known beside the verdict
	ids    []string
	acked  map[string]bool // calls of which a delivery was acknowledged
	gone   error           // why the endpoint could not be reached any more
}

// maxEvidence is how many deliveries are listed of each kind: acknowledged, and
// not.
const maxEvidence = 40

// call is one synthetic call, ready for delivery.
type call struct {
	id   string
	body []byte
	e    julian.CallEvent
}

// call makes a fresh call of a contact whom no other call of the run is with.
func (t *trial) call(spec generate.Spec) call {
	spec.Agent, spec.Shape = t.o.Agent, t.o.Shape
	e := t.gen.Event(spec)
	inbound := e.FromPhoneNumber == e.PhoneNumber
	e.PhoneNumber = phoneNumber(t.phone)
	if inbound {
		e.FromPhoneNumber = e.PhoneNumber
	}
	t.phone++
	return t.encode(e)
}

// encode is a call that tells of e.
func (t *trial) encode(e julian.CallEvent) call {
	body, err := generate.Encode(e)
	if err != nil {
		body = nil // no payload of generate's has what cannot be encoded
	}
	return call{id: e.CallID, body: body, e: e}
}

// calls makes n fresh calls.
func (t *trial) calls(n int) []call {
	out := make([]call, n)
	for i := range out {
		out[i] = t.call(generate.Spec{})
	}
	return out
}

// phoneNumber is one of the numbers that are set aside for fiction in each area
// code of North America (555-0100 to 555-0199): there are 56,000 here.
func phoneNumber(n int) string {
	area := n / 100 % 560
	return fmt.Sprintf("+1%d%d%d55501%02d", 2+area/70, 2+area/10%7, area%10, n%100)
}

// firstPhone gives each check numbers of its own.
func firstPhone(id string) int {
	n := 10 // for plain calls
	for _, c := range Checks {
		if c.ID == id {
			return n
		}
		n += c.Requests
	}
	return 0
}

// with is c with a place of its payload set to raw JSON, the other bytes as
// they were.
func (c call) with(path, raw string) call {
	body, err := sjson.SetRawBytes(slices.Clone(c.body), path, []byte(raw))
	if err == nil {
		c.body = body
	}
	return c
}

// without is c without a place of its payload.
func (c call) without(path string) call {
	body, err := sjson.DeleteBytes(slices.Clone(c.body), path)
	if err == nil {
		c.body = body
	}
	return c
}

// send delivers a call and notes what came.
func (t *trial) send(what string, c call) deliver.Answer {
	return t.request(what, c, deliver.Request{Body: c.body})
}

// request delivers r, which is about c.
func (t *trial) request(what string, c call, r deliver.Request) deliver.Answer {
	if t.silent.Load() >= maxSilent {
		t.giveUp()
	}
	return t.deliver(what, c, func() deliver.Answer {
		a := t.o.Client.Send(t.ctx, r)
		t.answered(a)
		return a
	})
}

// maxSilent is how many ordinary deliveries in a row may get no answer in time.
// Then a plain call has to be answered, before anything else is delivered.
const maxSilent = 2

// answered counts an answer, or that there was none in time.
func (t *trial) answered(a deliver.Answer) {
	if errors.Is(a.Err, deliver.Timeout) {
		t.silent.Add(1)
	} else {
		t.silent.Store(0)
	}
}

// giveUp ends the trial: what it has still to deliver is not sent.
func (t *trial) giveUp() {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.silent.Store(0)
	if t.gone == nil {
		t.gone = &deliver.Error{Class: deliver.Unreachable, Text: "not sent: the deliveries before it got no answer"}
	}
}

// as delivers a call in a manner, on a connection of its own.
func (t *trial) as(what string, c call, m deliver.Manner, header ...deliver.Field) deliver.Answer {
	return t.deliver(what, c, func() deliver.Answer {
		return t.o.Client.SendAs(t.ctx, deliver.Request{Body: c.body, Header: header}, m)
	})
}

// deliver notes what came of send. Once the endpoint is gone nobody is asked.
func (t *trial) deliver(what string, c call, send func() deliver.Answer) deliver.Answer {
	t.mu.Lock()
	gone := t.gone
	t.mu.Unlock()
	if gone != nil {
		return deliver.Answer{Err: gone}
	}
	a := send()
	t.note(what, c, a)
	return a
}

// together delivers calls at one instant.
func (t *trial) together(what string, calls []call) []deliver.Answer {
	return t.togetherBy(t.o.Client, what, calls)
}

func (t *trial) togetherBy(client *deliver.Client, what string, calls []call) []deliver.Answer {
	requests := make([]deliver.Request, len(calls))
	for i, c := range calls {
		requests[i].Body = c.body
	}
	answers, skew := client.Together(t.ctx, requests)
	t.result.SkewMS = max(t.result.SkewMS, units.Milliseconds(skew))
	for i, a := range answers {
		t.note(what, calls[i], a)
		t.answered(a)
	}
	return answers
}

// note keeps the evidence of one delivery.
func (t *trial) note(what string, c call, a deliver.Answer) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.result.Requests++
	if unreachable(a) && t.gone == nil {
		t.gone = a.Err
	}
	if acknowledged(a) {
		t.acked[c.id] = true
	}
	if c.id != "" && !slices.Contains(t.ids, c.id) {
		t.ids = append(t.ids, c.id)
	}
	alike := 0
	for _, e := range t.result.Evidence {
		if (e.Status/100 == 2) == acknowledged(a) {
			alike++
		}
	}
	if alike >= maxEvidence {
		return
	}
	ev := Evidence{What: what, CallID: c.id, Status: a.Status, LatencyMS: units.Milliseconds(a.Latency())}
	if a.Err != nil {
		ev.Error = a.Err.Error()
	}
	t.result.Evidence = append(t.result.Evidence, ev)
}

// parallel delivers calls over a few connections at a time.
func (t *trial) parallel(what string, calls []call, connections int) []deliver.Answer {
	answers := make([]deliver.Answer, len(calls))
	work := make(chan int)
	var senders sync.WaitGroup
	for range connections {
		senders.Go(func() {
			for i := range work {
				answers[i] = t.send(what, calls[i])
			}
		})
	}
	for i := range calls {
		work <- i
	}
	close(work)
	senders.Wait()
	return answers
}

// rest waits.
func (t *trial) rest(d time.Duration) {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-t.ctx.Done():
	}
}

// acknowledged reports whether an answer takes the delivery over.
func acknowledged(a deliver.Answer) bool { return a.Err == nil && a.Status/100 == 2 }

func redirects(a deliver.Answer) bool { return a.Err == nil && a.Status/100 == 3 }

// limited reports that the endpoint had rather been asked later.
func limited(a deliver.Answer) bool { return a.Err == nil && a.Status == http.StatusTooManyRequests }

// unreachable reports that nothing was sent: there is nobody to judge.
func unreachable(a deliver.Answer) bool { return errors.Is(a.Err, deliver.Unreachable) }

// describe is an answer in a few words.
func describe(a deliver.Answer) string {
	switch {
	case a.Err != nil:
		return a.Err.Error()
	case a.Status/100 == 3:
		return fmt.Sprintf("%d to %q, and redirects are not followed", a.Status, a.Header.Get("Location"))
	case http.StatusText(a.Status) == "":
		return fmt.Sprint(a.Status)
	}
	return fmt.Sprintf("%d %s", a.Status, http.StatusText(a.Status))
}
