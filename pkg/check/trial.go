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
	"github.com/julianctl/julianctl/pkg/effects"
	"github.com/julianctl/julianctl/pkg/generate"
	"github.com/julianctl/julianctl/pkg/julian"
	"github.com/julianctl/julianctl/pkg/units"
	"github.com/julianctl/julianctl/pkg/wait"
	"github.com/tidwall/gjson"
	"github.com/tidwall/sjson"
)

// Count notes a delivery that is no evidence by itself.
func (t *Trial) Count(c Call) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.Result.Requests++
	if !slices.Contains(t.IDs, c.ID) {
		t.IDs = append(t.IDs, c.ID)
	}
}

// Trial is what one check works with: it makes calls, delivers them and keeps
// the evidence.
type Trial struct {
	ID      string          // of the check
	Ctx     context.Context // of the call of Run that the trial belongs to
	Options *Options
	Counter *effects.Counter // nil without a probe
	Gen     *generate.Generator
	phone   int           // number of the next phone number
	silent  *atomic.Int32 // of the run
	pace    *pace         // likewise
	Ledger  *Ledger       // likewise

	mu       sync.Mutex
	Result   Result // what is known beside the verdict
	IDs      []string
	listed   map[string]bool // of ids
	Unlisted int             // ids that a clean-up made of a shell or of SQL must not see
	Acked    map[string]bool // calls of which a delivery was acknowledged
	want     map[string]int  // how often calls should be processed, where that is known
	Gone     error           // why the endpoint could not be reached any more
	hopeless int             // redeliveries that were not taken either
	Warned   []string        // what is worth a look, whatever else is found
}

// maxEvidence is how many deliveries are listed of each kind: acknowledged, and
// not.
const maxEvidence = 40

// Call is one synthetic call, ready for delivery.
type Call struct {
	ID    string
	Body  []byte
	Event julian.CallEvent
	Grade grade
	// Unprobed: the id is such that a probe made of a shell or of SQL must not
	// see it.
	Unprobed bool
}

// Graded is c with another grade.
func (c Call) Graded(g grade) Call {
	c.Grade = g
	return c
}

// Call makes a fresh call of a contact whom no other call of the run is with.
func (t *Trial) Call(spec generate.Spec) Call {
	spec.Agent, spec.Shape = t.Options.Agent, t.Options.Shape
	if spec.ResultType == "" {
		spec.ResultType = t.Options.ordinary()
	}
	e := t.Gen.Event(spec)
	inbound := e.FromPhoneNumber == e.PhoneNumber
	e.PhoneNumber = phoneNumber(t.phone)
	if inbound {
		e.FromPhoneNumber = e.PhoneNumber
	}
	t.phone++
	return t.Encode(e)
}

// Encode is a call that tells of e.
func (t *Trial) Encode(e julian.CallEvent) Call {
	body, err := generate.Encode(e)
	if err != nil {
		body = nil // no payload of generate's has what cannot be encoded
	}
	return t.Edited(Call{ID: e.CallID, Body: body, Event: e})
}

// Edited is c as it is sent: of the last days, and with the edits of the run.
func (t *Trial) Edited(c Call) Call {
	c.Body = recent(c.Body, time.Now())
	if t.Options.Edit == nil {
		return c
	}
	body, err := t.Options.Edit(c.Body)
	if err != nil {
		return c
	}
	c.Body = body
	e := c.Event
	if err := json.Unmarshal(body, &e); err == nil {
		c.Event = e
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

// Calls makes n fresh calls.
func (t *Trial) Calls(n int) []Call {
	out := make([]Call, n)
	for i := range out {
		out[i] = t.Call(generate.Spec{})
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

// With is c with a place of its payload set to raw JSON, the other bytes as
// they were.
func (c Call) With(path, raw string) Call {
	body, err := sjson.SetRawBytes(slices.Clone(c.Body), path, []byte(raw))
	if err == nil {
		c.Body = body
	}
	return c
}

// Without is c without a place of its payload.
func (c Call) Without(path string) Call {
	body, err := sjson.DeleteBytes(slices.Clone(c.Body), path)
	if err == nil {
		c.Body = body
	}
	return c
}

// Send delivers a call and notes what came.
func (t *Trial) Send(what string, c Call) deliver.Answer {
	return t.Request(what, c, deliver.Request{Body: c.Body})
}

// Request delivers r, which is about c.
func (t *Trial) Request(what string, c Call, r deliver.Request) deliver.Answer {
	if t.silent.Load() >= MaxSilent {
		t.giveUp()
	}
	t.pace.wait(t)
	return t.deliver(what, c, true, func() deliver.Answer {
		a := t.Options.Client.Send(t.Ctx, r)
		t.answered(a)
		if Acknowledged(a) {
			t.Ledger.early(c, a)
		}
		return a
	})
}

// MaxSilent is how many ordinary deliveries in a row may get no answer in time.
// Then a plain call has to be answered, before anything else is delivered.
const MaxSilent = 2

// answered counts an answer, or that there was none in time.
func (t *Trial) answered(a deliver.Answer) {
	if errors.Is(a.Err, deliver.Timeout) {
		t.silent.Add(1)
	} else {
		t.silent.Store(0)
	}
}

// giveUp ends the trial: what it has still to deliver is not sent.
func (t *Trial) giveUp() {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.silent.Store(0)
	if t.Gone == nil {
		t.Gone = &deliver.Error{Class: deliver.Unreachable, Text: "not sent: the deliveries before it got no answer"}
	}
}

// As delivers a call with wire options, on a connection of its own.
func (t *Trial) As(what string, c Call, m deliver.WireOptions, header ...deliver.Field) deliver.Answer {
	t.pace.wait(t)
	return t.deliver(what, c, m.Cut == 0 && m.Hangup == deliver.NoHangup, func() deliver.Answer {
		return t.Options.Client.SendWith(t.Ctx, deliver.Request{Body: c.Body, Header: header}, m)
	})
}

// idCharacters are those that ids are made of.
const idCharacters = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789.-_"

// deliver notes what came of send. Once the endpoint is gone nothing is sent. With
// again, a call that was not taken is delivered again, as a sender would.
func (t *Trial) deliver(what string, c Call, again bool, send func() deliver.Answer) deliver.Answer {
	t.mu.Lock()
	gone := t.Gone
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

// Together delivers calls at one instant.
func (t *Trial) Together(what string, calls []Call) []deliver.Answer {
	return t.AndAgain(what, calls, t.togetherBy(t.Options.Client, what, calls))
}

// Burst delivers calls at one instant on connections of their own, each closed with
// its answer: one that is kept holds a thread of some endpoints, and others wait for
// it. What is not taken is not delivered again.
func (t *Trial) Burst(what string, calls []Call, timeout time.Duration) []deliver.Answer {
	t.Options.Client.CloseIdle()
	client := t.Options.Client.WithMinTimeout(timeout)
	client.Close() // what is in use is closed after its delivery
	return t.togetherBy(client, what, calls)
}

// AndAgain delivers again what was not taken, as a sender does.
func (t *Trial) AndAgain(what string, calls []Call, answers []deliver.Answer) []deliver.Answer {
	left := mostRedelivered
	for i, a := range answers {
		if left > 0 && retryable(a) {
			left--
			answers[i] = t.redelivered(what, calls[i], a)
		}
	}
	return answers
}

func (t *Trial) togetherBy(client *deliver.Client, what string, calls []Call) []deliver.Answer {
	requests := make([]deliver.Request, len(calls))
	for i, c := range calls {
		requests[i].Body = c.Body
	}
	answers, skew := client.Together(t.Ctx, requests)
	t.Result.SkewMS = max(t.Result.SkewMS, units.Milliseconds(skew))
	for i, a := range answers {
		t.note(what, calls[i], a)
		t.answered(a)
	}
	return answers
}

// note keeps the evidence of one delivery.
func (t *Trial) note(what string, c Call, a deliver.Answer) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.Result.Requests++
	if Unreachable(a) && t.Gone == nil {
		t.Gone = a.Err
	}
	want := t.Options.Expects(c.Body)
	if Acknowledged(a) {
		t.Acked[c.ID] = true
		t.Ledger.passed(c)
	} else if c.Grade == whole && a.Err == nil && a.Status/100 == 5 {
		t.keep(what, c, a)
	}
	if c.Grade == whole {
		t.want[c.ID] = max(t.want[c.ID], want)
	}
	t.Ledger.note(t.ID, c, Acknowledged(a), want)
	switch {
	case c.ID == "":
	case c.Unprobed && strings.Trim(c.ID, idCharacters) != "":
		t.Unlisted++
	case !t.listed[c.ID]:
		t.listed[c.ID] = true
		t.IDs = append(t.IDs, c.ID)
	}
	alike := 0
	for _, e := range t.Result.Evidence {
		if (e.Status/100 == 2) == Acknowledged(a) {
			alike++
		}
	}
	if alike >= maxEvidence {
		return
	}
	ev := Evidence{What: what, CallID: c.ID, Status: a.Status, LatencyMS: units.Milliseconds(a.Latency())}
	if a.Err != nil {
		ev.Error = a.Err.Error()
	}
	t.Result.Evidence = append(t.Result.Evidence, ev)
}

// Wanted is how often a call should be processed; want where nothing says
// otherwise.
func (t *Trial) Wanted(callID string, want int) int {
	t.mu.Lock()
	defer t.mu.Unlock()
	if n, ok := t.want[callID]; ok && want == 1 {
		return n
	}
	return want
}

// Parallel delivers calls over a few connections at a time.
func (t *Trial) Parallel(what string, calls []Call, connections int) []deliver.Answer {
	answers := make([]deliver.Answer, len(calls))
	work := make(chan int)
	var senders sync.WaitGroup
	for range connections {
		senders.Go(func() {
			for i := range work {
				answers[i] = t.Send(what, calls[i])
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

// keepAlive is how long a connection is kept that nothing is sent on: some servers
// close it after 2s, which may cross with the next delivery.
const keepAlive = time.Second

// Rest waits.
func (t *Trial) Rest(d time.Duration) {
	if d >= keepAlive && t.Options.Client != nil {
		t.Options.Client.CloseIdle()
	}
	_ = wait.For(t.Ctx, d) // the caller sees that ctx has ended
}

// Acknowledged reports whether an answer takes the delivery over.
func Acknowledged(a deliver.Answer) bool { return a.Err == nil && a.Status/100 == 2 }

// Redirects reports whether an answer sends the sender elsewhere.
func Redirects(a deliver.Answer) bool { return a.Err == nil && a.Status/100 == 3 }

// Limited reports that the endpoint had rather been asked later.
func Limited(a deliver.Answer) bool { return a.Err == nil && a.Status == http.StatusTooManyRequests }

// Unreachable reports that nothing was sent: there is no endpoint to check.
func Unreachable(a deliver.Answer) bool { return errors.Is(a.Err, deliver.Unreachable) }
