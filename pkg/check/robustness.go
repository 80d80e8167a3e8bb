package check

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

	"github.com/julianctl/julianctl/pkg/deliver"
	"github.com/julianctl/julianctl/pkg/generate"
	"github.com/julianctl/julianctl/pkg/units"
)

// bad is a payload of which no right record can come, or no whole one.
type bad struct {
	what string
	call call
	// lenient: some right record may come of it; to take it is worth a look.
	lenient bool
	manner  *deliver.WireOptions // nil: in the ordinary one
	// silence: to give no answer is right too.
	silence bool
}

// refuses makes a check of bad payloads: none may be answered with a 5xx, none
// may leave a record, and a good call afterwards must be taken.
//
// A 2xx says "I have it, send it no more". Of what cannot be read that is
// untrue, and a delivery that was damaged on the way is lost by it: without a
// probe it fails. Where a probe shows that no record came of it, it is only
// worth a look: the endpoint may keep what it cannot read.
func refuses(payloads func(*trial) []bad) func(*trial) judgement {
	return func(t *trial) judgement {
		all := payloads(t)
		var n notes
		var watched []*watched
		lost := 0
		for _, b := range all {
			if b.call.grade = broken; b.lenient {
				b.call.grade = doubtful
			}
			a := t.badly(b)
			n.answered = n.answered || a.Status != 0
			switch {
			case b.silence && (errors.Is(a.Err, deliver.Unknown) || errors.Is(a.Err, deliver.Timeout)):
			case b.lenient && acknowledged(a):
				n.warn("%s: acknowledged with %d", b.what, a.Status)
			default:
				n.refusal(b.what, a, t.seen() != "")
				if acknowledged(a) {
					lost++
				}
			}
			if b.call.id != "" && !b.lenient {
				watched = append(watched, watch(0, []string{b.call.id})...)
			}
		}
		t.good(&n)
		return func() finding {
			if t.seen() == "" && len(watched) > 0 {
				t.settle(watched)
				for i, w := range watched {
					if w.Error == "" && w.After > 0 {
						n.fail("%s left a record", titleOf(all, w.CallID, i))
					}
				}
			}
			if lost > 0 && len(n.fails) == 0 {
				n.warn("%d acknowledged, and no record seen: what is damaged on the way is lost", lost)
			}
			return n.finding("none of %d taken, a good one is", len(all))
		}
	}
}

func titleOf(all []bad, id string, i int) string {
	for _, b := range all {
		if b.call.id == id {
			return b.what
		}
	}
	return fmt.Sprintf("payload %d", i+1)
}

// badly sends b as it is to be sent.
func (t *trial) badly(b bad) deliver.Answer {
	if b.manner == nil {
		return t.send(b.what, b.call)
	}
	return t.as(b.what, b.call, *b.manner)
}

// refusal notes an answer that should refuse. With blind, a 2xx is all there is
// to go by.
func (n *notes) refusal(what string, a deliver.Answer, blind bool) {
	switch {
	case n.noAnswer(what, a):
	case acknowledged(a) && blind:
		n.fail("%s: acknowledged with %d, so nobody will send it again", what, a.Status)
	case a.Err != nil, a.Status/100 == 5:
		n.fail("%s: %s", what, a.Describe())
	}
}

// good delivers a call that must be taken whatever came before; an endpoint
// that is gone fails. One that is taken on a new connection alone is said to be:
// what was left unread of a body is then taken for the next request.
func (t *trial) good(n *notes) {
	const what = "a good call afterwards"
	a := t.send(what, t.call(generate.Spec{}))
	switch {
	case unreachable(a):
		n.fail("%s: %s", what, a.Describe())
	case acknowledged(a), redirects(a), limited(a), errors.Is(a.Err, deliver.Timeout):
		n.ack(what, a)
	default:
		if b := t.as(what+", on a new connection", t.call(generate.Spec{}), deliver.WireOptions{}); acknowledged(b) {
			n.fail("%s, on the same connection: %s; on a new one it is right: a body before it was not read to its end", what, a.Describe())
			return
		}
		n.ack(what, a)
	}
}

func malformedJSON(t *trial) []bad {
	fresh := func(edit func(string) string) call {
		c := t.call(generate.Spec{})
		c.body = []byte(edit(string(c.body)))
		return c
	}
	text := t.call(generate.Spec{})
	text.id, text.body = "", []byte("julianctl: not JSON at all")
	return []bad{
		{what: "half a payload", call: fresh(func(s string) string { return s[:len(s)/2] })},
		{what: "a trailing comma", call: fresh(func(s string) string { return strings.TrimSuffix(s, "}") + ",}" })},
		{what: "single quotes", call: fresh(func(s string) string { return strings.ReplaceAll(s, `"`, "'") })},
		{what: "plain text", call: text},
	}
}

func wrongTypes(t *trial) []bad {
	nameless := func(raw string) call {
		c := t.call(generate.Spec{}).with("callId", raw)
		c.id = ""
		return c
	}
	return []bad{
		{what: "callId is an object", call: nameless(`{"id":"julianctl"}`)},
		{what: "callId is a list", call: nameless(`["julianctl"]`)},
		{what: "callId is a number", call: nameless("5550100"), lenient: true},
		{what: "callResult is a string", call: t.call(generate.Spec{}).with("callResult", `"Goal Completed"`), lenient: true},
		{what: "callResult is null", call: t.call(generate.Spec{}).with("callResult", "null"), lenient: true},
		{what: "resultType is a number", call: t.call(generate.Spec{}).with("callResult.resultType", "7"), lenient: true},
	}
}

func notAnObject(t *trial) []bad {
	of := func(body string) call { return call{body: []byte(body)} }
	list := t.call(generate.Spec{})
	list.body = bytes.Join([][]byte{[]byte("["), list.body, []byte("]")}, nil)
	return []bad{
		{what: "an empty body", call: of("")},
		{what: "a list with a payload", call: list},
		{what: "null", call: of("null")},
		{what: "a string", call: of(`"julianctl"`)},
		{what: "an empty object", call: of("{}")},
	}
}

func truncatedBody(t *trial) []bad {
	var all []bad
	for _, share := range []int{2, 10} { // of what is cut off
		c := t.call(generate.Spec{})
		all = append(all, bad{
			what: fmt.Sprintf("a body that ends %d bytes early", len(c.body)/share), call: c,
			manner: &deliver.WireOptions{Cut: len(c.body) / share}, silence: true,
		})
	}
	return all
}

// contentTypes may be taken or refused, but not with a 5xx.
func contentTypes(t *trial) judgement {
	var n notes
	for _, kind := range []string{"text/plain", "application/x-www-form-urlencoded", ""} {
		c := t.call(generate.Spec{}).graded(doubtful)
		what := "Content-Type " + kind
		if kind == "" {
			what = "no Content-Type"
		}
		a := t.request(what, c, deliver.Request{Body: c.body, Header: deliver.Header{{Name: "Content-Type", Value: kind}}})
		n.answered = n.answered || a.Status != 0
		n.refusal(what, a, false)
	}
	t.good(&n)
	return func() finding { return n.finding("no 5xx") }
}

func methods(t *trial) judgement {
	var n notes
	for _, method := range []string{"GET", "PUT"} {
		c := t.call(generate.Spec{}).graded(doubtful)
		r := deliver.Request{Method: method, Body: c.body}
		if method == "GET" {
			c.id, r.Body = "", nil
		}
		a := t.request(method, c, r)
		n.answered = n.answered || a.Status != 0
		switch {
		case method == "PUT" && acknowledged(a):
			n.warn("PUT: %s, as if it were a delivery", a.Describe())
		default:
			n.refusal(method, a, false)
		}
	}
	t.good(&n)
	return func() finding { return n.finding("no 5xx, and PUT is no delivery") }
}

const (
	// slowSenders is how many are slow at a time: fewer than the threads of a
	// server that has ten.
	slowSenders = 8
	// fewSlowSenders is how many every server should bear with.
	fewSlowSenders = 3
)

// slowSender looks whether others are served while senders are slow.
func slowSender(t *trial) judgement {
	var n notes
	if t.slowly(&n, slowSenders) && t.gone == nil {
		if t.slowly(&n, fewSlowSenders) {
			n.fail("another call had to wait for %d slow ones", fewSlowSenders)
		} else {
			n.warn("another call had to wait for %d slow ones, and not for %d: it has few threads", slowSenders, fewSlowSenders)
		}
	}
	return func() finding {
		return n.finding("%d taken over %s, and another call meanwhile", slowSenders, t.o.Slow)
	}
}

// slowly sends bodies in pieces and holds their last bytes back until another call
// was answered, or was not for long enough: then it reports true.
func (t *trial) slowly(n *notes, senders int) bool {
	const pieces, patience = 8, 3 * time.Second
	slow, other := t.calls(senders), t.call(generate.Spec{})
	answers := make([]deliver.Answer, len(slow))
	var sending, held sync.WaitGroup
	held.Add(len(slow))
	answered := make(chan struct{})
	var meanwhile deliver.Answer
	sending.Go(func() {
		defer close(answered)
		held.Wait()
		meanwhile = t.send("another call meanwhile", other)
	})
	var waited atomic.Bool
	for i, c := range slow {
		sending.Go(func() {
			var once sync.Once
			came := func() { once.Do(held.Done) }
			defer came() // where it never comes that far
			answers[i] = t.as("body in pieces", c, deliver.WireOptions{Pieces: pieces, Interval: t.o.Slow / pieces, BeforeLastByte: func() {
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
			n.answered = true
			n.warn("body in pieces over %s: %s", t.o.Slow, a.Describe())
			return false
		}
		n.ack("body in pieces", a)
	}
	return n.ack("another call meanwhile", meanwhile) && waited.Load()
}

const (
	enduranceRounds = 100 // of a right delivery and three that are not
	thoroughTimes   = 5   // as many in a thorough run
	enduranceTime   = 4 * time.Second
	timedRounds     = 10 // at the beginning and at the end
)

// endurance mixes right, refused and broken-off deliveries, and looks whether the
// endpoint is as good afterwards as it was before: what leaks a connection or a
// thread each time has none left by then.
func endurance(t *trial) judgement {
	var n notes
	var took []time.Duration
	times, limit := enduranceRounds, enduranceTime
	if t.o.Thorough {
		times, limit = times*thoroughTimes, limit*thoroughTimes
	}
	if t.counter != nil && t.counter.slow {
		times = 2 * timedRounds
	}
	began, done := time.Now(), 0
	for ; done < times && t.gone == nil && t.ctx.Err() == nil; done++ {
		if done >= 2*timedRounds && time.Since(began) > limit {
			break
		}
		a := t.send("a right delivery", t.call(generate.Spec{}))
		if n.ack("a right delivery", a) {
			took = append(took, a.Latency())
		} else if len(n.fails) > 0 {
			break
		}
		wrong, half, dropped := t.call(generate.Spec{}).graded(broken), t.call(generate.Spec{}).graded(broken), t.call(generate.Spec{})
		var bad sync.WaitGroup
		bad.Go(func() {
			if len(t.o.Secrets) > 0 && done%2 == 0 {
				t.as("a delivery with a wrong secret", wrong, deliver.WireOptions{}, deliver.Field{Name: t.o.Secrets[0], Value: wrongSecret})
				return
			}
			wrong.body = wrong.body[:len(wrong.body)/2]
			t.send("half a payload", wrong)
		})
		bad.Go(func() { t.as("broken off half-way", half, deliver.WireOptions{Cut: len(half.body) / 2}) })
		bad.Go(func() {
			t.as("dropped before the answer", dropped, deliver.WireOptions{Hangup: []deliver.Hangup{deliver.Close, deliver.Reset}[done%2]})
		})
		bad.Wait()
	}
	t.good(&n)
	return func() finding {
		if len(took) >= 2*timedRounds {
			first, last := median(took[:timedRounds]), median(took[len(took)-timedRounds:])
			measured := fmt.Sprintf("%s at the beginning, %s after %d deliveries", units.Time(first), units.Time(last), 4*done)
			switch {
			case last > 5*first && last-first > 300*time.Millisecond:
				n.fail("it becomes slower: %s", measured)
			case last > 3*first && last-first > 100*time.Millisecond:
				n.warn("it becomes slower: %s", measured)
			}
			return n.finding("%s", measured)
		}
		return n.finding("%d deliveries, right, refused and broken off", 4*done)
	}
}

func median(all []time.Duration) time.Duration {
	return percentile(slices.Sorted(slices.Values(all)), 50)
}

func hugeHeader(t *trial) judgement {
	const size = 32 << 10
	var n notes
	c := t.call(generate.Spec{})
	a := t.as("a header of 32KiB", c, deliver.WireOptions{}, deliver.Field{Name: "X-Julianctl-Padding", Value: strings.Repeat("x", size)})
	// To hang up on it is as good as to refuse it.
	if !errors.Is(a.Err, deliver.Unknown) && a.Status != http.StatusRequestHeaderFieldsTooLarge {
		n.answered = n.answered || a.Status != 0
		n.refusal("a header of 32KiB", a, false)
	}
	t.good(&n)
	return func() finding {
		if a.Err != nil && a.Status == 0 {
			return n.finding("hung up on, a good one is taken")
		}
		return n.finding("%s, a good one is taken", a.Describe())
	}
}

// poison alternates bad and good payloads: no bad one may hold up the next
// good one, before the answer or after it.
func poison(t *trial) judgement {
	var n notes
	var good []call
	for _, edit := range []func(call) call{
		func(c call) call { c.body = c.body[:len(c.body)/2]; return c },
		func(c call) call { return c.with("callResult", "null") },
		func(c call) call { return c.with("callResult.outcomes", `"julianctl"`) },
		func(c call) call { return c.without("callResult") },
	} {
		t.send("a bad payload", edit(t.call(generate.Spec{})).graded(broken))
		c := t.call(generate.Spec{})
		good = append(good, c)
		if a := t.send("the next good one", c); unreachable(a) {
			n.fail("the next good one: %s", a.Describe())
		} else {
			n.ack("the next good one", a)
		}
	}
	return func() finding {
		if t.seen() == "" {
			t.exactly(&n, watch(1, idsOf(good)), n.fail)
		}
		return n.finding("%d good ones among as many bad ones taken", len(good))
	}
}

// alive is the last word: after all that, a call like any other.
func alive(t *trial) judgement {
	const soon = 5 * time.Second
	var n notes
	c := t.call(generate.Spec{})
	a := t.send("a plain call", c)
	if unreachable(a) {
		n.fail("%s", a.Describe())
	} else if n.ack("a plain call", a) && a.Latency() > soon {
		n.warn("a plain call takes %s by now", units.Time(a.Latency()))
	}
	return func() finding { return n.finding("%s in %s", a.Describe(), units.Time(a.Latency())) }
}
