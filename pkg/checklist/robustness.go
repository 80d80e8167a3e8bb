package checklist

import (
	"bytes"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/julianctl/julianctl/pkg/check"
	"github.com/julianctl/julianctl/pkg/deliver"
	"github.com/julianctl/julianctl/pkg/generate"
	"github.com/julianctl/julianctl/pkg/units"
)

// bad is a payload of which no right record can come, or no whole one.
type bad struct {
	what string
	call check.Call
	// mayBeTaken: some right record may come of it; to take it is worth a look.
	mayBeTaken bool
	wire       *deliver.WireOptions // nil: the ordinary ones
	// silence: to give no answer is right too.
	silence bool
}

// refuses makes a check of bad payloads: none may be answered with a 5xx, none
// may leave a record, and a good call afterwards must be taken.
//
// A 2xx says "I have it, send it no more". Of what cannot be read that is
// untrue, and a delivery that was damaged on the way is lost by it: without a
// probe that fails. Where a probe shows that no record came of it, it is only worth
// a look: many answer before they read.
func refuses(payloads func(*check.Trial) []bad) func(*check.Trial) check.Conclusion {
	return func(t *check.Trial) check.Conclusion {
		all := payloads(t)
		var n check.Notes
		var watched []*check.Watched
		lost := 0
		for _, b := range all {
			if b.call.Grade = check.Broken; b.mayBeTaken {
				b.call.Grade = check.Doubtful
			}
			a := badly(t, b)
			n.Answered = n.Answered || a.Status != 0
			switch {
			case b.silence && (errors.Is(a.Err, deliver.Unknown) || errors.Is(a.Err, deliver.Timeout)):
			case b.mayBeTaken && check.Acknowledged(a):
				n.Warn("%s: acknowledged with %d", b.what, a.Status)
			default:
				refusal(&n, b.what, a, t.Seen() != "")
				if check.Acknowledged(a) {
					lost++
				}
			}
			if b.call.ID != "" && !b.mayBeTaken {
				watched = append(watched, check.Watch(0, []string{b.call.ID})...)
			}
		}
		good(t, &n)
		return func() check.Finding {
			if t.Seen() == "" && len(watched) > 0 {
				t.Settle(watched)
				for i, w := range watched {
					if w.Error == "" && w.After > 0 {
						n.Fail("%s left a record", titleOf(all, w.CallID, i))
					}
				}
			}
			if lost > 0 && len(n.Fails) == 0 {
				n.Warn("%d acknowledged, and no record seen: what is damaged on the way is lost", lost)
			}
			return n.Finding("none of %d taken, a good one is", len(all))
		}
	}
}

func titleOf(all []bad, id string, i int) string {
	for _, b := range all {
		if b.call.ID == id {
			return b.what
		}
	}
	return fmt.Sprintf("payload %d", i+1)
}

// badly sends b as it is to be sent.
func badly(t *check.Trial, b bad) deliver.Answer {
	if b.wire == nil {
		return t.Send(b.what, b.call)
	}
	return t.As(b.what, b.call, *b.wire)
}

// refusal notes an answer that should refuse. With blind, a 2xx is all there is
// to go by.
func refusal(n *check.Notes, what string, a deliver.Answer, blind bool) {
	switch {
	case n.NoAnswer(what, a):
	case check.Acknowledged(a) && blind:
		n.Fail("%s: acknowledged with %d, so nobody will send it again", what, a.Status)
	case a.Err != nil, a.Status/100 == 5:
		n.Fail("%s: %s", what, a.Describe())
	}
}

// good delivers a call that must be taken whatever came before; an endpoint
// that is gone fails. One that is taken on a new connection alone is said to be:
// what was left unread of a body is then taken for the next request.
func good(t *check.Trial, n *check.Notes) {
	const what = "a good call afterwards"
	a := t.Send(what, t.Call(generate.Spec{}))
	switch {
	case check.Unreachable(a):
		n.Fail("%s: %s", what, a.Describe())
	case check.Acknowledged(a), check.Redirects(a), check.Limited(a), errors.Is(a.Err, deliver.Timeout):
		n.Ack(what, a)
	default:
		if b := t.As(what+", on a new connection", t.Call(generate.Spec{}), deliver.WireOptions{}); check.Acknowledged(b) {
			n.Fail("%s, on the same connection: %s; on a new one it is right: a body before it was not read to its end", what, a.Describe())
			return
		}
		n.Ack(what, a)
	}
}

func malformedJSON(t *check.Trial) []bad {
	fresh := func(edit func(string) string) check.Call {
		c := t.Call(generate.Spec{})
		c.Body = []byte(edit(string(c.Body)))
		return c
	}
	text := t.Call(generate.Spec{})
	text.ID, text.Body = "", []byte("julianctl: not JSON at all")
	return []bad{
		{what: "half a payload", call: fresh(func(s string) string { return s[:len(s)/2] })},
		{what: "a trailing comma", call: fresh(func(s string) string { return strings.TrimSuffix(s, "}") + ",}" })},
		{what: "single quotes", call: fresh(func(s string) string { return strings.ReplaceAll(s, `"`, "'") })},
		{what: "plain text", call: text},
	}
}

func wrongTypes(t *check.Trial) []bad {
	nameless := func(raw string) check.Call {
		c := t.Call(generate.Spec{}).With("callId", raw)
		c.ID = ""
		return c
	}
	return []bad{
		{what: "callId is an object", call: nameless(`{"id":"julianctl"}`)},
		{what: "callId is a list", call: nameless(`["julianctl"]`)},
		{what: "callId is a number", call: nameless("5550100"), mayBeTaken: true},
		{what: "callResult is a string", call: t.Call(generate.Spec{}).With("callResult", `"Goal Completed"`), mayBeTaken: true},
		{what: "callResult is null", call: t.Call(generate.Spec{}).With("callResult", "null"), mayBeTaken: true},
		{what: "resultType is a number", call: t.Call(generate.Spec{}).With("callResult.resultType", "7"), mayBeTaken: true},
	}
}

func notAnObject(t *check.Trial) []bad {
	of := func(body string) check.Call { return check.Call{Body: []byte(body)} }
	list := t.Call(generate.Spec{})
	list.Body = bytes.Join([][]byte{[]byte("["), list.Body, []byte("]")}, nil)
	return []bad{
		{what: "an empty body", call: of("")},
		{what: "a list with a payload", call: list},
		{what: "null", call: of("null")},
		{what: "a string", call: of(`"julianctl"`)},
		{what: "an empty object", call: of("{}")},
	}
}

func truncatedBody(t *check.Trial) []bad {
	var all []bad
	for _, share := range []int{2, 10} { // of what is cut off
		c := t.Call(generate.Spec{})
		all = append(all, bad{
			what: fmt.Sprintf("a body that ends %d bytes early", len(c.Body)/share), call: c,
			wire: &deliver.WireOptions{Cut: len(c.Body) / share}, silence: true,
		})
	}
	return all
}

// contentTypes may be taken or refused, but not with a 5xx. What is taken has to be
// processed: it is a whole call.
func contentTypes(t *check.Trial) check.Conclusion {
	var n check.Notes
	var taken []string
	for _, kind := range []string{"text/plain", "application/x-www-form-urlencoded", ""} {
		c := t.Call(generate.Spec{})
		what := "Content-Type " + kind
		if kind == "" {
			what = "no Content-Type"
		}
		a := t.Request(what, c, deliver.Request{Body: c.Body, Header: deliver.Header{{Name: "Content-Type", Value: kind}}})
		n.Answered = n.Answered || a.Status != 0
		if refusal(&n, what, a, false); check.Acknowledged(a) {
			taken = append(taken, c.ID)
		}
	}
	good(t, &n)
	return func() check.Finding {
		if t.Seen() == "" {
			t.Exactly(&n, check.Watch(1, taken), n.Fail)
		}
		return n.Finding("no 5xx")
	}
}

func methods(t *check.Trial) check.Conclusion {
	var n check.Notes
	for _, method := range []string{"GET", "HEAD", "PUT"} {
		c := t.Call(generate.Spec{}).Graded(check.Doubtful)
		r := deliver.Request{Method: method, Body: c.Body}
		if method != "PUT" {
			c.ID, r.Body = "", nil
		}
		a := t.Request(method, c, r)
		n.Answered = n.Answered || a.Status != 0
		switch {
		case a.Err == nil && a.Status == http.StatusNotImplemented: // that is what it is for
		case method == "PUT" && check.Acknowledged(a):
			n.Warn("PUT: %s, as if it were a delivery", a.Describe())
		default:
			refusal(&n, method, a, false)
		}
	}
	good(t, &n)
	return func() check.Finding { return n.Finding("no 5xx, and PUT is not a delivery") }
}

const (
	// slowSenders is how many are slow at a time: fewer than the threads of a
	// server that has ten.
	slowSenders = 8
	// fewSlowSenders is how many every server should bear with.
	fewSlowSenders = 4
)

// slowSender looks whether others are served while senders are slow.
func slowSender(t *check.Trial) check.Conclusion {
	var n check.Notes
	if waited, _ := slowly(t, &n, slowSenders); waited && t.Gone == nil {
		switch waited, by := slowly(t, &n, fewSlowSenders); {
		case waited && strings.HasPrefix(by, "gunicorn"):
			// Its sync workers read one body each, and are made to stand behind a proxy.
			n.Warn("another call had to wait for %d slow ones: its workers need a proxy in front that buffers bodies, or threads", fewSlowSenders)
		case waited:
			n.Fail("another call had to wait for %d slow ones", fewSlowSenders)
		default:
			n.Warn("another call had to wait for %d slow ones, and not for %d: it has few threads", slowSenders, fewSlowSenders)
		}
	}
	return func() check.Finding {
		return n.Finding("%d taken over %s, and another call meanwhile", slowSenders, t.Options.Slow)
	}
}

// slowly sends bodies in pieces and holds their last bytes back until another call
// was answered, or was not for long enough: then it reports that this one waited, and
// the name of the server.
func slowly(t *check.Trial, n *check.Notes, senders int) (waits bool, server string) {
	const pieces, patience = 8, 3 * time.Second
	slow, other := t.Calls(senders), t.Call(generate.Spec{})
	answers := make([]deliver.Answer, len(slow))
	var sending, held sync.WaitGroup
	held.Add(len(slow))
	answered := make(chan struct{})
	var meanwhile deliver.Answer
	sending.Go(func() {
		defer close(answered)
		held.Wait()
		meanwhile = t.Send("another call meanwhile", other)
	})
	var waited atomic.Bool
	for i, c := range slow {
		sending.Go(func() {
			var once sync.Once
			came := func() { once.Do(held.Done) }
			defer came() // where it never comes that far
			answers[i] = t.As("body in pieces", c, deliver.WireOptions{Pieces: pieces, Interval: t.Options.Slow / pieces, BeforeLastByte: func() {
				came()
				select {
				case <-answered:
				case <-time.After(patience):
					waited.Store(true)
				}
			}})
		})
	}
	sending.Wait()
	for _, a := range answers {
		if a.Err == nil && a.Status == http.StatusRequestTimeout {
			n.Answered = true
			n.Warn("body in pieces over %s: %s", t.Options.Slow, a.Describe())
			return false, ""
		}
		n.Ack("body in pieces", a)
	}
	// It may have been sent late, where a rate is limited.
	return n.Ack("another call meanwhile", meanwhile) && waited.Load() && meanwhile.Latency() > patience/2, meanwhile.Header.Get("Server")
}

const (
	enduranceRounds = 100 // of a right delivery and three that are not
	thoroughTimes   = 5   // as many in a thorough run
	enduranceTime   = 4 * time.Second
	timedRounds     = 10 // at the beginning and at the end
	timedAgain      = 3  // where the last took longer
)

// mistyped are refused by what looks at types, or by a database that wants a date.
var mistyped = []struct{ what, path, raw string }{
	{"outcomes is a number", "callResult.outcomes", "7"},
	{"scheduledAt is no date", "scheduledAt", `"soon"`},
}

// endurance mixes right, refused and broken-off deliveries, and looks whether the
// endpoint is as good afterwards as it was before: what leaks a connection or a
// thread each time has none left by then.
func endurance(t *check.Trial) check.Conclusion {
	var n check.Notes
	var first, took []time.Duration
	early, _ := t.Ledger.Early()
	for _, e := range early {
		first = append(first, e.Took)
	}
	times, limit := enduranceRounds, enduranceTime
	if t.Options.Thorough {
		times, limit = times*thoroughTimes, limit*thoroughTimes
	}
	if t.Counter != nil && t.Counter.Slow {
		times = 2 * timedRounds
	}
	times = min(times, t.Counter.Affords(4*times)/4)
	began, done := time.Now(), 0
	for ; done < times && t.Gone == nil && t.Ctx.Err() == nil; done++ {
		if done >= 2*timedRounds && time.Since(began) > limit {
			break
		}
		a := t.Send("a right delivery", t.Call(generate.Spec{}))
		if n.Ack("a right delivery", a) {
			took = append(took, max(0, a.Answered.Sub(a.Sent)))
		} else if len(n.Fails) > 0 {
			break
		}
		wrong, half, dropped := t.Call(generate.Spec{}).Graded(check.Broken), t.Call(generate.Spec{}).Graded(check.Broken), t.Call(generate.Spec{})
		var bad sync.WaitGroup
		bad.Go(func() {
			if len(t.Options.Secrets) > 0 {
				t.As("a delivery with a wrong secret", wrong, deliver.WireOptions{}, deliver.Field{Name: t.Options.Secrets[0], Value: wrongSecret})
			}
			wrong.Body = wrong.Body[:len(wrong.Body)/2]
			t.Send("half a payload", wrong)
			for _, odd := range mistyped {
				t.Send(odd.what, t.Call(generate.Spec{}).With(odd.path, odd.raw).Graded(check.Doubtful))
			}
		})
		bad.Go(func() { t.As("broken off half-way", half, deliver.WireOptions{Cut: len(half.Body) / 2}) })
		bad.Go(func() {
			t.As("dropped before the answer", dropped, deliver.WireOptions{Hangup: []deliver.Hangup{deliver.Close, deliver.Reset}[done%2]})
		})
		bad.Wait()
	}
	good(t, &n)
	if len(first) < timedRounds {
		first = took[:min(len(took), timedRounds)]
	}
	mixed := len(took)
	// What the quickest of the last took is what the endpoint takes: something else may
	// have had the processor during the others. At the beginning it is one in five.
	slower := func() (measured string, factor float64, more time.Duration) {
		was, is := check.Percentile(slices.Sorted(slices.Values(first)), 20), slices.Min(took[mixed-timedRounds:])
		_, all := t.Ledger.Early()
		return fmt.Sprintf("%s at the beginning, %s after %s calls", units.Time(was), units.Time(is), units.Number(all)), float64(is) / float64(max(was, time.Microsecond)), is - was
	}
	if mixed >= 2*timedRounds {
		for range timedAgain {
			if _, factor, more := slower(); factor <= 3 || more <= worthALookSlower {
				break
			}
			t.Rest(time.Second)
			for range timedRounds {
				if a := t.Send("a right delivery", t.Call(generate.Spec{})); check.Acknowledged(a) {
					took = append(took, max(0, a.Answered.Sub(a.Sent)))
				}
			}
		}
	}
	return func() check.Finding {
		if mixed < 2*timedRounds {
			return n.Finding("%d deliveries, right, refused and broken off", 4*done)
		}
		measured, factor, more := slower()
		switch {
		case factor > 5 && more > tooSlow:
			n.Fail("it becomes slower: %s", measured)
		case factor > 3 && more > worthALookSlower:
			n.Warn("it becomes slower: %s", measured)
		}
		return n.Finding("%s", measured)
	}
}

// How much longer the quickest of the last answers may take than the first ones did.
const (
	worthALookSlower = 8 * time.Millisecond
	tooSlow          = 15 * time.Millisecond
)

func hugeHeader(t *check.Trial) check.Conclusion {
	const size = 32 << 10
	var n check.Notes
	c := t.Call(generate.Spec{})
	a := t.As("a header of 32KiB", c, deliver.WireOptions{}, deliver.Field{Name: "X-Julianctl-Padding", Value: strings.Repeat("x", size)})
	// To hang up on it is as good as to refuse it.
	if !errors.Is(a.Err, deliver.Unknown) && a.Status != http.StatusRequestHeaderFieldsTooLarge {
		n.Answered = n.Answered || a.Status != 0
		refusal(&n, "a header of 32KiB", a, false)
	}
	good(t, &n)
	return func() check.Finding {
		if a.Err != nil && a.Status == 0 {
			return n.Finding("hung up on, a good one is taken")
		}
		return n.Finding("%s, a good one is taken", a.Describe())
	}
}

// poison alternates bad and good payloads: no bad one may hold up the next
// good one, before the answer or after it.
func poison(t *check.Trial) check.Conclusion {
	var n check.Notes
	var good []check.Call
	for _, edit := range []func(check.Call) check.Call{
		func(c check.Call) check.Call { c.Body = c.Body[:len(c.Body)/2]; return c },
		func(c check.Call) check.Call { return c.With("callResult", "null") },
		func(c check.Call) check.Call { return c.With("callResult.outcomes", `"julianctl"`) },
		func(c check.Call) check.Call { return c.Without("callResult") },
	} {
		t.Send("a bad payload", edit(t.Call(generate.Spec{})).Graded(check.Broken))
		c := t.Call(generate.Spec{})
		good = append(good, c)
		if a := t.Send("the next good one", c); check.Unreachable(a) {
			n.Fail("the next good one: %s", a.Describe())
		} else {
			n.Ack("the next good one", a)
		}
	}
	return func() check.Finding {
		if t.Seen() == "" {
			t.Exactly(&n, check.Watch(1, check.IDs(good)), n.Fail)
		}
		return n.Finding("%d good ones among as many bad ones taken", len(good))
	}
}

// alive is the last word: after all that, a call like any other.
func alive(t *check.Trial) check.Conclusion {
	const soon = 5 * time.Second
	var n check.Notes
	c := t.Call(generate.Spec{})
	a := t.Send("a plain call", c)
	if check.Unreachable(a) {
		n.Fail("%s", a.Describe())
	} else if n.Ack("a plain call", a) && a.Latency() > soon {
		n.Warn("a plain call takes %s by now", units.Time(a.Latency()))
	}
	return func() check.Finding { return n.Finding("%s in %s", a.Describe(), units.Time(a.Latency())) }
}
