package checklist

import (
	"encoding/base64"
	"encoding/hex"
	"html"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"time"
	"unicode"

	"github.com/julianctl/julianctl/pkg/check"
	"github.com/julianctl/julianctl/pkg/deliver"
	"github.com/julianctl/julianctl/pkg/generate"
	"github.com/julianctl/julianctl/pkg/julian"
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

// wrongSecret is a value that is not a secret.
const wrongSecret = "julianctl-wrong-secret"

// wrongForm is a value that is not the secret.
type wrongForm struct{ what, value string }

// wrongForms are values that a comparison which is not exact takes for the secret:
// all of it, and what comes after its scheme. That alone is left out: it is known to
// those alone who know the secret.
func wrongForms(secret string) []wrongForm {
	forms := inexact(secret)
	seen := map[string]bool{secret: true}
	if scheme, rest, found := strings.Cut(secret, " "); found {
		if user, err := base64.StdEncoding.DecodeString(rest); err == nil && strings.EqualFold(scheme, "basic") {
			name, _, _ := strings.Cut(string(user), ":") // of base64 many read what is not exact
			forms = append(forms, wrongForm{"the scheme and a wrong", scheme + " " + wrongSecret},
				wrongForm{"the right user and another password in the", scheme + " " + base64.StdEncoding.EncodeToString([]byte(name+":"+wrongSecret))})
		} else {
			for _, f := range inexact(rest) {
				forms = append(forms, wrongForm{"the scheme and " + f.what, scheme + " " + f.value})
			}
		}
	}
	return slices.DeleteFunc(forms, func(f wrongForm) bool {
		again := seen[f.value] || f.value == "" && f.what != "an empty"
		seen[f.value] = true
		return again
	})
}

// inexact are forms of a text that are not the text.
func inexact(secret string) []wrongForm {
	half := len(secret) / 2
	swapped := strings.Map(func(r rune) rune {
		if unicode.IsUpper(r) {
			return unicode.ToLower(r)
		}
		return unicode.ToUpper(r)
	}, secret)
	reversed := []byte(secret)
	slices.Reverse(reversed)
	forms := []wrongForm{
		{"a wrong", wrongSecret},
		{"an empty", ""},
		{"the first half of the", secret[:half]},
		{"the last half of the", secret[half:]},
		{"the first character of the", secret[:min(1, len(secret))]},
		{"more after the", secret + "x"},
		{"more before the", "x" + secret},
		{"another case of the", swapped},
		{"a list with the", secret + ", " + wrongSecret},
		{"a list that ends with the", wrongSecret + ", " + secret},
		{"quotes around the", `"` + secret + `"`},
		{"a no-break space after the", secret + "\u00a0"},
		{"a no-break space of Latin-1 after the", secret + "\xa0"},
		{"no spaces in the", strings.ReplaceAll(secret, " ", "")},
		{"the characters backwards of the", string(reversed)},
		{"letters for dots in the", strings.ReplaceAll(secret, ".", "q")}, // an expression takes any
	}
	if n := len(secret); n > 2 {
		forms = append(forms, wrongForm{"another first character of the", other(secret[0]) + secret[1:]}, wrongForm{"another last character of the", secret[:n-1] + other(secret[n-1])},
			wrongForm{"other characters within the", secret[:1] + strings.Repeat("q", n-2) + secret[n-1:]})
	}
	return forms
}

// otherHeaders hold no secret, and are trusted by an endpoint that takes their being there
// for one, or the sender's word for where it is.
var otherHeaders = deliver.Header{
	{Name: "Authorization", Value: "Basic " + base64.StdEncoding.EncodeToString([]byte("julianctl:"))},
	{Name: "X-Api-Key", Value: wrongSecret}, {Name: "X-Webhook-Secret", Value: wrongSecret},
	{Name: "X-Forwarded-For", Value: "127.0.0.1"}, {Name: "X-Real-Ip", Value: "127.0.0.1"},
}

// other is another character than c, of the same kind.
func other(c byte) string {
	if c == 'q' || c == '7' {
		return string(c + 1)
	}
	if c >= '0' && c <= '9' {
		return "7"
	}
	return "q"
}

// mostForms is how many deliveries there are for each secret.
const mostForms = 46

// secretRequired delivers with each secret left out and in wrong forms: new calls,
// and one that was delivered with the right secret before.
func secretRequired(t *check.Trial) check.Conclusion {
	if len(t.Options.Secrets) == 0 {
		return check.Skipped("none is sent; give its header with -H")
	}
	var n check.Notes
	var calls []check.Call
	for _, name := range t.Options.Secrets[:min(len(t.Options.Secrets), maxSecrets)] {
		refused := func(what string, c check.Call, wire deliver.WireOptions, header ...deliver.Field) {
			a := t.As(what, c, wire, header...)
			n.Answered = n.Answered || a.Status != 0
			switch ascii := !strings.ContainsFunc(deliver.Header(header).Get(name), func(r rune) bool { return r > unicode.MaxASCII }); {
			case check.Acknowledged(a):
				n.Fail("%s: %s", what, a.Describe())
			case !ascii && a.Err == nil && a.Status/100 == 5:
				// Functions that compare in constant time may take no other text.
				n.Warn("%s: %s", what, a.Describe())
			default:
				refusal(&n, what, a, false)
			}
		}
		fresh := func() check.Call {
			c := t.Call(generate.Spec{}).Graded(check.Broken)
			calls = append(calls, c)
			return c
		}
		refused("without "+name, fresh(), deliver.WireOptions{OmitHeader: name})
		refused("with other headers in place of "+name, fresh(), deliver.WireOptions{OmitHeader: name}, slices.DeleteFunc(slices.Clone(otherHeaders), func(f deliver.Field) bool {
			return slices.ContainsFunc(t.Options.Secrets, func(secret string) bool { return strings.EqualFold(secret, f.Name) })
		})...)
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

// marked is a call whose texts are found nowhere else: each has words that no other
// text has.
func marked(t *check.Trial) check.Call {
	c := t.Call(generate.Spec{})
	serial := 0
	word := func() string { // letters that no word is made of
		serial++
		return "Qux" + string(rune('a'+serial)) + strings.Map(func(r rune) rune { return 'g' + r%16 }, c.ID[len(c.ID)-10:]) + "zyx"
	}
	set := func(path string, to *string, text string) {
		*to = text
		c = c.With(path, quote(text))
	}
	variable := func(path string, to *map[string]any) {
		text := word() + " " + word()
		*to = map[string]any{"julianctl_note": text}
		c = c.With(path+".julianctl_note", quote(text))
	}
	e := c.Event
	r := &e.CallResult
	set("name", &e.Name, word()+" "+generate.Surname)
	set("callResult.summary", &r.Summary, word()+" asked what it costs. "+r.Summary)
	set("callResult.transcription", &r.Transcription, "Agent: "+word()+"?\nContact: It is "+word()+", as I said.")
	r.Outcomes = []julian.Outcome{{Name: "julianctl_asked", Reasoning: "Wants " + word() + " first."}}
	c = c.With("callResult.outcomes", `[{"name":"julianctl_asked","reasoning":`+quote(r.Outcomes[0].Reasoning)+`}]`)
	r.AgentActions = []julian.Action{{Description: "Promised " + word() + " by mail."}}
	c = c.With("callResult.agentActions", strings.Replace(changedActions, `"Later."`, quote(r.AgentActions[0].Description), 1))
	r.FollowUpMeetingDetails = &julian.FollowUpMeeting{HostEmail: strings.ToLower(word()) + "@example.com"}
	c = c.With("callResult.followUpMeetingDetails", `{"startTime":"2026-01-28T15:00:00.000Z","endTime":"2026-01-28T15:30:00.000Z","hostEmail":`+quote(r.FollowUpMeetingDetails.HostEmail)+`}`)
	variable("customInputVariables", &e.CustomInputVariables)
	variable("callResult.extractedVariables", &r.ExtractedVariables)
	c.Event = e
	return c
}

// marker is as much of a word of [marked] as tells it from others.
var marker = regexp.MustCompile(`Qux[a-z]{10}`)

func noEcho(t *check.Trial) check.Conclusion {
	var n check.Notes
	good, cut, null, odd := marked(t), marked(t), marked(t), marked(t)
	if marks := marker.FindAllIndex(cut.Body, -1); len(marks) > 0 { // parsers quote what is before an error
		cut.Body = cut.Body[:marks[len(marks)-1][1]]
	}
	cut.Grade, null.Grade, odd.Grade = check.Broken, check.Broken, check.Doubtful
	all := []form{
		{what: "a good call", call: good},
		{what: "a repeat", call: good}, // where a unique index tells all it knows
		{what: "half a payload", call: cut},
		{what: "callResult is null", call: null.With("callResult", "null")},
		{what: "phoneNumber is null, and scheduledAt a number", call: odd.With("phoneNumber", "null").With("scheduledAt", "7")},
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

// ownRefusals are what frameworks make of bad payloads of themselves, unless they are set
// otherwise: worth a look, and no fault of the consumer's own.
var ownRefusals = []struct{ holds, what string }{
	{`"loc":[`, "FastAPI does so; a handler of RequestValidationError that leaves the input out does not"},
	{"node_modules/", "Express does so where NODE_ENV is not production"},
}

// echo notes what an answer gives away, in its header or its body.
func echo(n *check.Notes, what string, c check.Call, a deliver.Answer) {
	fail := n.Fail
	for _, own := range ownRefusals {
		if a.Status/100 == 4 && strings.Contains(string(a.Body), own.holds) {
			fail = func(format string, args ...any) { n.Warn(format+": %s", append(args, own.what)...) }
		}
	}
	places := []struct{ in, text string }{{"", string(a.Body)}}
	for _, f := range a.Header {
		places = append(places, struct{ in, text string }{" in its header " + f.Name, f.Value})
	}
	for _, place := range places {
		place.text = html.UnescapeString(place.text)
		folded, said := strings.ToLower(place.text), ""
		for _, p := range personalOf(c) {
			if strings.Contains(said, p.text) {
				continue // a part of what was found
			}
			found := slices.ContainsFunc(spellings(p.text), func(s string) bool {
				return strings.Contains(place.text, s) || strings.Contains(folded, strings.ToLower(s))
			})
			if found || p.digits && strings.Contains(digitsOf(place.text), p.text) {
				fail("the answer to %s repeats %s%s", what, p.what, place.in)
				said += p.text + "\n"
			}
		}
		for _, trace := range traces {
			if strings.Contains(place.text, trace) {
				fail("the answer to %s holds a stack trace (%q)%s", what, strings.TrimSpace(trace), place.in)
				break
			}
		}
	}
}

// personal is something of a contact, or that was said.
type personal struct {
	what, text string
	digits     bool // whatever is written between them
}

// personalOf is what of a call must not be repeated: the longer texts first.
func personalOf(c check.Call) []personal {
	e, r := c.Event, c.Event.CallResult
	first, _, _ := strings.Cut(e.Name, " ")
	all := []personal{
		{what: "the contact's name", text: e.Name},
		{what: "the contact's first name", text: first},
		{what: "the phone number", text: strings.TrimPrefix(e.PhoneNumber, "+1"), digits: true},
	}
	add := func(what, text string) {
		all = append(all, personal{what: what, text: text})
		for _, word := range marker.FindAllString(text, -1) {
			all = append(all, personal{what: what, text: word})
		}
	}
	add("the summary", r.Summary)
	for line := range strings.Lines(r.Transcription) {
		_, said, found := strings.Cut(strings.TrimSpace(line), ": ")
		if found {
			add("a line of the transcript", said)
		}
	}
	for _, o := range r.Outcomes {
		add("an outcome", o.Reasoning)
	}
	for _, a := range r.AgentActions {
		add("an action", a.Description)
	}
	if m := r.FollowUpMeetingDetails; m != nil {
		add("the host's address", m.HostEmail)
	}
	for _, variables := range []map[string]any{e.CustomInputVariables, r.ExtractedVariables} {
		for _, v := range variables {
			if text, ok := v.(string); ok {
				add("a variable", text)
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

// digitsOf is what a text has of digits.
func digitsOf(text string) string {
	return strings.Map(func(r rune) rune {
		if r < '0' || r > '9' {
			return -1
		}
		return r
	}, text)
}

// spellings are the ways to write a text: as it is, escaped, in hex, and in base64, where
// what stands around it shifts its letters.
func spellings(text string) []string {
	out := []string{text, hex.EncodeToString([]byte(text)), url.QueryEscape(text), url.PathEscape(text), strings.Trim(quote(text), `"`)}
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
