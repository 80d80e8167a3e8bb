package check

import (
	"strings"
	"time"

	"github.com/julianctl/julianctl/pkg/deliver"
	"github.com/julianctl/julianctl/pkg/generate"
	"github.com/julianctl/julianctl/pkg/units"
)

// expiry is how long before its end a certificate is worth a look.
const expiry = 14 * 24 * time.Hour

func https(t *trial) judgement {
	target := t.o.Client.Target()
	secure := strings.HasPrefix(target.String(), "https:")
	if !secure && target.Loopback() {
		return skip("the endpoint is on this machine")
	}
	return func() finding {
		n := notes{answered: true}
		if !secure {
			n.fail("payloads and secrets travel unencrypted: %s", target)
			return n.finding("")
		}
		cert, distrust, err := t.o.Client.Certificate(t.ctx)
		if err != nil {
			n.undecided("%v", err)
			return n.finding("")
		}
		left := time.Until(cert.NotAfter)
		switch {
		case distrust != nil:
			n.fail("%v", distrust)
		case left < expiry:
			n.warn("the certificate expires in %d hours", int(left.Hours()))
		}
		return n.finding("certificate valid for %d days", int(left.Hours()/24))
	}
}

// wrongSecret is what nobody's secret is.
const wrongSecret = "julianctl-wrong-secret"

func secretRequired(t *trial) judgement {
	if len(t.o.Secrets) == 0 {
		return skip("none is sent; give its header with -H")
	}
	var n notes
	var calls []call
	for _, name := range t.o.Secrets[:min(len(t.o.Secrets), maxSecrets)] {
		for _, tt := range []struct {
			what   string
			manner deliver.Manner
			header []deliver.Field
		}{
			{"without " + name, deliver.Manner{Without: name}, nil},
			{"with a wrong " + name, deliver.Manner{}, []deliver.Field{{Name: name, Value: wrongSecret}}},
		} {
			c := t.call(generate.Spec{})
			calls = append(calls, c)
			a := t.as(tt.what, c, tt.manner, tt.header...)
			n.answered = n.answered || a.Status != 0
			if acknowledged(a) {
				n.fail("%s: %s", tt.what, describe(a))
			} else {
				n.refusal(tt.what, a, false)
			}
		}
	}
	return func() finding {
		if t.seen() == "" {
			watched := watch(0, idsOf(calls))
			t.settle(watched)
			for _, w := range watched {
				if w.Error == "" && w.After > 0 && len(n.fails) == 0 {
					n.fail("refused, and an effect all the same")
				}
			}
		}
		return n.finding("refused without it and with a wrong one")
	}
}

// maxSecrets is how many headers are tried.
const maxSecrets = 3

func noRedirect(t *trial) judgement {
	var n notes
	a := t.send("a plain call", t.call(generate.Spec{}))
	n.answered = a.Status != 0
	switch {
	case redirects(a):
		n.fail("%s", describe(a))
	case a.Err != nil:
		n.undecided("%s", describe(a))
	}
	return func() finding { return n.finding("%s", describe(a)) }
}

// traces are what stack traces of common platforms have in them.
var traces = []string{
	"Traceback (most recent call last)", "goroutine 1", "panic: ", "\n    at ", "\n\tat ", ".java:", ".py\", line ", "node_modules/", "site-packages", "/usr/local/", "System.NullReferenceException",
}

// searched is how many bytes of an answer are searched: as many as are read of
// one.
const searched = 1 << 20

func noEcho(t *trial) judgement {
	var n notes
	good, cut, null := t.call(generate.Spec{}), t.call(generate.Spec{}), t.call(generate.Spec{})
	cut.body = cut.body[:len(cut.body)*3/4]
	all := []form{
		{what: "a good call", call: good},
		{what: "a repeat", call: good}, // where a unique index tells all it knows
		{what: "half a payload", call: cut},
		{what: "callResult is null", call: null.with("callResult", "null")},
	}
	for _, f := range all {
		a := t.request(f.what, f.call, deliver.Request{Body: f.call.body, Excerpt: searched})
		n.answered = n.answered || a.Status != 0
		n.echo(f.what, f.call, a)
		switch {
		case unreachable(a) || limited(a):
			n.noAnswer(f.what, a)
		case int64(len(a.Body)) < a.BodySize:
			n.undecided("of the answer to %s, only the first %s were searched", f.what, units.Size(len(a.Body)))
		case a.Status != 0 && a.Err != nil:
			n.undecided("the answer to %s was searched as far as it came: %s", f.what, describe(a))
		}
	}
	return func() finding { return n.finding("%d answers searched", len(all)) }
}

// echo notes what an answer gives away, in its header or its body.
func (n *notes) echo(what string, c call, a deliver.Answer) {
	places := []struct{ in, text string }{{"", string(a.Body)}}
	for _, f := range a.Header {
		places = append(places, struct{ in, text string }{" in its header " + f.Name, f.Value})
	}
	for _, place := range places {
		for _, personal := range []struct{ what, text string }{
			{"the contact's name", c.e.Name},
			{"the phone number", c.e.PhoneNumber},
			{"the summary", c.e.CallResult.Summary},
		} {
			if strings.Contains(place.text, personal.text) {
				n.fail("the answer to %s repeats %s%s", what, personal.what, place.in)
			}
		}
		for _, trace := range traces {
			if strings.Contains(place.text, trace) {
				n.fail("the answer to %s holds a stack trace (%q)%s", what, strings.TrimSpace(trace), place.in)
				break
			}
		}
	}
}
