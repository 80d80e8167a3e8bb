package check

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"regexp"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/julianctl/julianctl/pkg/deliver"
	"github.com/julianctl/julianctl/pkg/generate"
	"github.com/julianctl/julianctl/pkg/julian"
	"github.com/tidwall/gjson"
	"github.com/tidwall/sjson"

	"github.com/julianctl/julianctl/pkg/units"
)

// trial is what one check works with: it makes calls, delivers them and keeps
// the evidence.
type trial struct {
	id      string          // of the check
	ctx     context.Context // of the call of Run that the trial belongs to
	o       *Options
	counter *counter // nil without a probe
	gen     *generate.Generator
	phone   int           // number of the next phone number
	silent  *atomic.Int32 // of the run
	pace    *pace         // likewise
	book    *ledger       // likewise

	mu       sync.Mutex
	result   Result // what is known beside the verdict
	ids      []string
	listed   map[string]bool // of ids
	unlisted int             // ids that a clean-up made of a shell or of SQL must not see
	acked    map[string]bool // calls of which a delivery was acknowledged
	want     map[string]int  // how often calls should be processed, where that is known
	gone     error           // why the endpoint could not be reached any more
	hopeless int             // redeliveries that were not taken either
	warned   []string        // what is worth a look, whatever else is found
}

// maxEvidence is how many deliveries are listed of each kind: acknowledged, and
// not.
const maxEvidence = 40

// call is one synthetic call, ready for delivery.
type call struct {
	id    string
	body  []byte
	e     julian.CallEvent
	grade grade
	// unprobed: the id is such that a probe made of a shell or of SQL must not
	// see it.
	unprobed bool
}

// graded is c with another grade.
func (c call) graded(g grade) call {
	c.grade = g
	return c
}

// call makes a fresh call of a contact whom no other call of the run is with.
func (t *trial) call(spec generate.Spec) call {
	spec.Agent, spec.Shape = t.o.Agent, t.o.Shape
	if spec.ResultType == "" {
		spec.ResultType = t.o.ordinary()
	}
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
	return t.edited(call{id: e.CallID, body: body, e: e})
}

// edited is c as it is sent: of the last days, and with the edits of the run.
func (t *trial) edited(c call) call {
	c.body = recent(c.body, time.Now())
	if t.o.Edit == nil {
		return c
	}
	body, err := t.o.Edit(c.body)
	if err != nil {
		return c
	}
	c.body = body
	e := c.e
	if err := json.Unmarshal(body, &e); err == nil {
		c.e = e
	}
	return c
}

// stamps are the times in a payload; the groups are the days.
var stamps = regexp.MustCompile(`"(20\d\d-\d\d-\d\d)T\d\d:\d\d:\d\d\.\d{3}Z"`)

// recent moves all times of a payload by as many days as it takes for the call to
// be of the last days. Consumers refuse what is too old, or overdue.
func recent(body []byte, now time.Time) []byte {
	const shape = "2006-01-02"
	at, err := time.Parse(time.RFC3339, gjson.GetBytes(body, "scheduledAt").Str)
	if err != nil {
		return body
	}
	const spread = 5 // days
	days := int(now.UTC().Truncate(24*time.Hour).Sub(at.Truncate(24*time.Hour))/(24*time.Hour)) - 1 - at.YearDay()%spread
	return stamps.ReplaceAllFunc(body, func(s []byte) []byte {
		day, err := time.Parse(shape, string(s[1:1+len(shape)]))
		if err != nil {
			return s
		}
		return slices.Concat(s[:1], []byte(day.AddDate(0, 0, days).Format(shape)), s[1+len(shape):])
	})
}

// ordinary is the result type of calls that are to be processed: the one that is
// asked for, unless it is expected to have no effect.
func (o *Options) ordinary() julian.ResultType {
	if o.expected(julian.GoalCompleted) > 0 {
		return ""
	}
	for _, v := range julian.ResultTypes() {
		if o.expected(v.Name) > 0 {
			return v.Name
		}
	}
	return ""
}

// calls makes n fresh calls.
func (t *trial) calls(n int) []call {
	out := make([]call, n)
	for i := range out {
		out[i] = t.call(generate.Spec{})
	}
	return out
}

// areaCodes are area codes of North America that have been in service for long:
// libraries that know the numbering plan hold their numbers valid.
var areaCodes = strings.Fields(`201 202 203 205 206 207 208 209 210 212 213 214 215 216 217 218 219 224 225 228 229 231 234
	239 240 248 251 252 253 254 256 260 262 267 269 270 276 281 301 302 303 304 305 307 308 309 310 312 313 314 315 316 317 318
	319 320 321 323 325 330 334 336 337 339 347 351 352 360 361 386 401 402 404 405 406 407 408 409 410 412 413 414 415 417 419
	423 425 432 434 435 440 443 469 478 479 480 484 501 502 503 504 505 507 508 509 510 512 513 515 516 517 518 520 530 540 541
	551 559 561 562 563 567 570 571 573 574 580 585 586 601 602 603 605 606 607 608 609 610 612 614 615 616 617 618 619 620 623
	626 630 631 636 641 646 650 651 660 661 662 678 682 701 702 703 704 706 707 708 712 713 714 715 716 717 718 719 720 724 727
	731 732 734 740 757 760 763 765 770 772 773 774 775 781 785 786 801 802 803 804 805 806 808 810 812 813 814 815 816 817 818
	828 830 831 832 843 845 847 848 850 856 857 858 859 860 862 863 864 865 870 878 901 903 904 906 907 908 909 910 912 913 914
	915 916 917 918 919 920 925 928 931 936 937 940 941 947 949 951 952 954 956 970 971 972 973 978 979 980 985 989`)

// phoneNumber is one of the numbers that are set aside for fiction in each area
// code of North America: 555-0100 to 555-0199.
func phoneNumber(n int) string {
	return fmt.Sprintf("+1%s55501%02d", areaCodes[n/100%len(areaCodes)], n%100)
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
	t.pace.wait(t)
	return t.deliver(what, c, true, func() deliver.Answer {
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
func (t *trial) as(what string, c call, m deliver.WireOptions, header ...deliver.Field) deliver.Answer {
	t.pace.wait(t)
	return t.deliver(what, c, m.Cut == 0 && m.Hangup == deliver.NoHangup, func() deliver.Answer {
		return t.o.Client.SendWith(t.ctx, deliver.Request{Body: c.body, Header: header}, m)
	})
}

// idCharacters are those that ids are made of.
const idCharacters = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789.-_"

// deliver notes what came of send. Once the endpoint is gone nobody is asked. With
// again, a call that was not taken is delivered again, as a sender would.
func (t *trial) deliver(what string, c call, again bool, send func() deliver.Answer) deliver.Answer {
	t.mu.Lock()
	gone := t.gone
	t.mu.Unlock()
	if gone != nil {
		return deliver.Answer{Err: gone}
	}
	a := send()
	t.note(what, c, a)
	if again {
		a = t.redelivered(what, c, a)
	}
	return a
}

// mostRedelivered is how many calls of a burst are delivered again.
const mostRedelivered = 30

// together delivers calls at one instant.
func (t *trial) together(what string, calls []call) []deliver.Answer {
	answers := t.togetherBy(t.o.Client, what, calls)
	left := mostRedelivered
	for i, a := range answers {
		if left > 0 && retryable(a) {
			left--
			answers[i] = t.redelivered(what, calls[i], a)
		}
	}
	return answers
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
	want := t.o.expects(c.body)
	if acknowledged(a) {
		t.acked[c.id] = true
		t.book.passed(c)
	} else if c.grade == whole && a.Err == nil && a.Status/100 == 5 {
		t.keep(what, c, a)
	}
	if c.grade == whole {
		t.want[c.id] = max(t.want[c.id], want)
	}
	t.book.note(t.id, c, acknowledged(a), want)
	switch {
	case c.id == "":
	case c.unprobed && strings.Trim(c.id, idCharacters) != "":
		t.unlisted++
	case !t.listed[c.id]:
		t.listed[c.id] = true
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

// wanted is how often a call should be processed; want where nothing says
// otherwise.
func (t *trial) wanted(callID string, want int) int {
	t.mu.Lock()
	defer t.mu.Unlock()
	if n, ok := t.want[callID]; ok && want == 1 {
		return n
	}
	return want
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
