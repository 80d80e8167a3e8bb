package checklist

import (
	"encoding/base64"
	"html"
	"net/url"
	"slices"
	"strings"
	"time"
	"unicode"

	"github.com/julianctl/julianctl/pkg/check"
	"github.com/julianctl/julianctl/pkg/deliver"
	"github.com/julianctl/julianctl/pkg/generate"
	"github.com/julianctl/julianctl/pkg/units"
)

// expiry is how long before its end a certificate is worth a look.
const expiry = 14 * 24 * time.Hour

func https(t *check.Trial) check.Conclusion {
	target := t.Options.Client.Target()
	secure := strings.HasPrefix(target.String(), "https:")
	if !secure && target.Loopback() {
		return check.Skipped("the endpoint is on this machine")
	}
	return func() check.Finding {
		n := check.Notes{Answered: true}
		if !secure {
			n.Fail("payloads and secrets travel unencrypted: %s", target)
			return n.Finding("")
		}
		cert, distrust, err := t.Options.Client.Certificate(t.Ctx)
		if err != nil {
			n.Undecided("%v", err)
			return n.Finding("")
		}
		left := time.Until(cert.NotAfter)
		switch {
		case distrust != nil:
			n.Fail("%v", distrust)
		case left < expiry:
			n.Warn("the certificate expires in %d hours", int(left.Hours()))
		}
		return n.Finding("certificate valid for %d days", int(left.Hours()/24))
	}
}

// wrongSecret is what nobody's secret is.
const wrongSecret = "julianctl-wrong-secret"

// wrongForms are values that are not the secret, and that a comparison which is
// not exact takes for it. Those that are the secret, or empty by accident, are
// left out.
func wrongForms(secret string) []struct{ what, value string } {
	half := len(secret) / 2
	swapped := strings.Map(func(r rune) rune {
		if unicode.IsUpper(r) {
			return unicode.ToLower(r)
		}
		return unicode.ToUpper(r)
	}, secret)
	forms := []struct{ what, value string }{
		{"a wrong", wrongSecret},
		{"an empty", ""},
		{"the first half of the", secret[:half]},
		{"the last half of the", secret[half:]},
		{"the first character of the", secret[:min(1, len(secret))]},
		{"more after the", secret + "x"},
		{"more before the", "x" + secret},
		{"another case of the", swapped},
		{"a list with the", secret + ", " + wrongSecret},
	}
	if scheme, _, found := strings.Cut(secret, " "); found {
		forms = append(forms, struct{ what, value string }{"the scheme and a wrong", scheme + " " + wrongSecret})
	}
	return slices.DeleteFunc(forms, func(f struct{ what, value string }) bool {
		return f.value == secret || f.value == "" && f.what != "an empty"
	})
}

// mostForms is how many deliveries there are for each secret.
const mostForms = 14

// secretRequired delivers with each secret left out and in wrong forms: new calls,
// and one that was delivered with the right secret before.
func secretRequired(t *check.Trial) check.Conclusion {
	if len(t.Options.Secrets) == 0 {
		return check.Skipped("none is sent; give its header with -H")
	}
	var n check.Notes
	var calls []check.Call
	for _, name := range t.Options.Secrets[:min(len(t.Options.Secrets), maxSecrets)] {
		refused := func(what string, c check.Call, manner deliver.WireOptions, header ...deliver.Field) {
			a := t.As(what, c, manner, header...)
			n.Answered = n.Answered || a.Status != 0
			if check.Acknowledged(a) {
				n.Fail("%s: %s", what, a.Describe())
			} else {
				refusal(&n, what, a, false)
			}
		}
		fresh := func() check.Call {
			c := t.Call(generate.Spec{}).Graded(check.Broken)
			calls = append(calls, c)
			return c
		}
		refused("without "+name, fresh(), deliver.WireOptions{OmitHeader: name})
		for _, form := range wrongForms(t.Options.Client.Header().Get(name)) {
			refused("with "+form.what+" "+name, fresh(), deliver.WireOptions{}, deliver.Field{Name: name, Value: form.value})
		}
		c := t.Call(generate.Spec{})
		n.Ack("with the right "+name, t.Send("with the right "+name, c))
		refused("a repeat with a wrong "+name, c.Graded(check.Broken), deliver.WireOptions{}, deliver.Field{Name: name, Value: wrongSecret})
	}
	return func() check.Finding {
		if t.Seen() == "" {
			watched := check.Watch(0, check.IDs(calls))
			t.Settle(watched)
			for _, w := range watched {
				if w.Error == "" && w.After > 0 && len(n.Fails) == 0 {
					n.Fail("refused, and processed all the same")
				}
			}
		}
		return n.Finding("refused without it and in %d wrong forms, new calls and a repeat", len(calls)-1)
	}
}

// maxSecrets is how many headers are tried.
const maxSecrets = 3

func noRedirect(t *check.Trial) check.Conclusion {
	var n check.Notes
	a := t.Send("a plain call", t.Call(generate.Spec{}))
	n.Answered = a.Status != 0
	switch {
	case check.Redirects(a):
		n.Fail("%s", a.Describe())
	case a.Err != nil:
		n.Undecided("%s", a.Describe())
	}
	return func() check.Finding { return n.Finding("%s", a.Describe()) }
}

// traces are what stack traces of common platforms have in them.
var traces = []string{
	"Traceback (most recent call last)", "goroutine 1", "panic: ", "\n    at ", "\n\tat ", ".java:", ".py\", line ", "node_modules/", "site-packages", "/usr/local/", "System.NullReferenceException",
}

// searched is how many bytes of an answer are searched: as many as are read of
// one.
const searched = 1 << 20

// marked is a call whose texts are found nowhere else.
func marked(t *check.Trial) check.Call {
	c := t.Call(generate.Spec{})
	word := func(n int) string { // letters that no word is made of
		return "Qux" + strings.Map(func(r rune) rune { return 'g' + r%16 }, c.ID[len(c.ID)-8-n:len(c.ID)-n]) + "zyx"
	}
	c.Event.Name = word(0) + " " + generate.Surname
	c = c.With("name", quote(c.Event.Name))
	variable := word(1) + " " + word(2)
	c.Event.CustomInputVariables = map[string]any{"julianctl_note": variable}
	c = c.With("customInputVariables.julianctl_note", quote(variable))
	extracted := word(4) + " " + word(5)
	c.Event.CallResult.ExtractedVariables = map[string]any{"julianctl_note": extracted}
	c = c.With("callResult.extractedVariables.julianctl_note", quote(extracted))
	line := "It is " + word(3) + ", as I said."
	c.Event.CallResult.Transcription = "Agent: Who is it?\nContact: " + line
	return c.With("callResult.transcription", quote(c.Event.CallResult.Transcription))
}

func noEcho(t *check.Trial) check.Conclusion {
	var n check.Notes
	good, cut, null := marked(t), marked(t), marked(t)
	cut.Body = cut.Body[:len(cut.Body)*3/4]
	cut.Grade, null.Grade = check.Broken, check.Broken
	all := []form{
		{what: "a good call", call: good},
		{what: "a repeat", call: good}, // where a unique index tells all it knows
		{what: "half a payload", call: cut},
		{what: "callResult is null", call: null.With("callResult", "null")},
	}
	for _, f := range all {
		a := t.Request(f.what, f.call, deliver.Request{Body: f.call.Body, Excerpt: searched})
		n.Answered = n.Answered || a.Status != 0
		echo(&n, f.what, f.call, a)
		switch {
		case check.Unreachable(a) || check.Limited(a):
			n.NoAnswer(f.what, a)
		case int64(len(a.Body)) < a.BodySize:
			n.Undecided("of the answer to %s, only the first %s were searched", f.what, units.Size(len(a.Body)))
		case a.Status != 0 && a.Err != nil:
			n.Undecided("the answer to %s was searched as far as it came: %s", f.what, a.Describe())
		}
	}
	return func() check.Finding { return n.Finding("%d answers searched", len(all)) }
}

// echo notes what an answer gives away, in its header or its body.
func echo(n *check.Notes, what string, c check.Call, a deliver.Answer) {
	places := []struct{ in, text string }{{"", string(a.Body)}}
	for _, f := range a.Header {
		places = append(places, struct{ in, text string }{" in its header " + f.Name, f.Value})
	}
	for _, place := range places {
		folded := strings.ToLower(place.text)
		for _, p := range personalOf(c) {
			if slices.ContainsFunc(spellings(p.text), func(s string) bool {
				return strings.Contains(place.text, s) || strings.Contains(folded, strings.ToLower(s))
			}) {
				n.Fail("the answer to %s repeats %s%s", what, p.what, place.in)
			}
		}
		for _, trace := range traces {
			if strings.Contains(place.text, trace) {
				n.Fail("the answer to %s holds a stack trace (%q)%s", what, strings.TrimSpace(trace), place.in)
				break
			}
		}
	}
}

// personal is something of a person, or that was said.
type personal struct{ what, text string }

// personalOf is what of a call must not be repeated: the longer ones first, of
// what is in another only the longer.
func personalOf(c check.Call) []personal {
	all := []personal{
		{"the contact's name", c.Event.Name},
		{"the phone number", c.Event.PhoneNumber},
		{"the phone number", strings.TrimPrefix(c.Event.PhoneNumber, "+1")},
		{"the summary", c.Event.CallResult.Summary},
	}
	first, _, _ := strings.Cut(c.Event.Name, " ")
	all = append(all, personal{"the contact's first name", first})
	for line := range strings.Lines(c.Event.CallResult.Transcription) {
		_, said, found := strings.Cut(strings.TrimSpace(line), ": ")
		if found {
			all = append(all, personal{"a line of the transcript", said})
		}
	}
	for _, variables := range []map[string]any{c.Event.CustomInputVariables, c.Event.CallResult.ExtractedVariables} {
		for _, v := range variables {
			if text, ok := v.(string); ok {
				all = append(all, personal{"a variable", text})
			}
		}
	}
	const least = 6 // characters: a shorter word may be anybody's
	seen := map[string]bool{}
	return slices.DeleteFunc(all, func(p personal) bool {
		if again := seen[p.what+p.text]; again || len(p.text) < least {
			return true
		}
		seen[p.what+p.text] = true
		return false
	})
}

// spellings are the ways to write a text: as it is, escaped, and in base64, where
// what stands around it shifts its letters.
func spellings(text string) []string {
	out := []string{text, url.QueryEscape(text), url.PathEscape(text), strings.Trim(quote(text), `"`), html.EscapeString(text)}
	const least = 9 // bytes: what is left in the middle then says enough
	if len(text) < least {
		return out
	}
	for shift := range 3 {
		b := base64.RawStdEncoding.EncodeToString([]byte("xx"[:shift%3] + text))
		from, to := (shift*8+5)/6, len(b)-2
		if to-from > 8 {
			out = append(out, b[from:to], strings.NewReplacer("+", "-", "/", "_").Replace(b[from:to]))
		}
	}
	return out
}
