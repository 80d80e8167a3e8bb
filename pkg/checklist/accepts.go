package checklist

import (
	"bytes"
	"compress/gzip"
	"encoding/json"
	"fmt"
	"net/http"
	"strings"

	"github.com/julianctl/julianctl/pkg/check"
	"github.com/julianctl/julianctl/pkg/deliver"
	"github.com/julianctl/julianctl/pkg/generate"
	"github.com/julianctl/julianctl/pkg/julian"
	"github.com/tidwall/gjson"
)

// form is a payload that an endpoint should take, and how it is sent.
type form struct {
	what   string
	call   check.Call
	header deliver.Header
	wire   *deliver.WireOptions // nil: the ordinary ones
	// mayRefuse: a 4xx is worth a look, and no more.
	mayRefuse bool
	// mayAskLength: so is a 411, and nothing else.
	mayAskLength bool
}

// accepts makes a check of forms: each must be acknowledged. An acknowledged
// call without an effect is lost, unless it was said that it has none.
func accepts(forms func(*check.Trial) []form) func(*check.Trial) check.Conclusion {
	return func(t *check.Trial) check.Conclusion {
		all := forms(t)
		var n check.Notes
		var taken []string
		for _, f := range all {
			var a deliver.Answer
			if f.wire == nil {
				a = t.Request(f.what, f.call, deliver.Request{Body: f.call.Body, Header: f.header})
			} else {
				a = t.As(f.what, f.call, *f.wire, f.header...)
			}
			switch {
			case a.Err == nil && !check.Limited(a) && (f.mayRefuse && a.Status/100 == 4 || f.mayAskLength && a.Status == http.StatusLengthRequired):
				n.Answered = true
				n.Warn("%s: %s", f.what, a.Describe())
			case n.Ack(f.what, a):
				if f.call.Grade != check.Doubtful {
					taken = append(taken, f.call.ID)
				}
			}
		}
		return func() check.Finding {
			if len(taken) > 0 && t.Seen() == "" {
				var seen check.Notes // what could not be counted says nothing of the answers
				t.Exactly(&seen, check.Watch(1, taken), func(format string, args ...any) {
					seen.Fail("%s", fmt.Sprintf(format, args...)+notProcessed(t, all))
				})
				n.Fails, n.Warns = append(n.Fails, seen.Fails...), append(n.Warns, seen.Warns...)
			}
			if len(all) == 1 {
				return n.Finding("acknowledged")
			}
			return n.Finding("all %d acknowledged", len(all))
		}
	}
}

// notProcessed names the forms without an effect.
func notProcessed(t *check.Trial, all []form) string {
	var names []string
	for _, e := range t.Result.Effects {
		for _, f := range all {
			if f.call.ID == e.CallID && e.After < e.Want {
				names = append(names, f.what)
			}
		}
	}
	if len(names) == 0 || len(all) == 1 {
		return ""
	}
	return ": " + strings.Join(names, ", ")
}

// worthALook makes a warning of what would fail: it was never promised.
func worthALook(run func(*check.Trial) check.Conclusion) func(*check.Trial) check.Conclusion {
	return func(t *check.Trial) check.Conclusion {
		conclude := run(t)
		return func() check.Finding {
			f := conclude()
			if f.Verdict == check.Fail {
				f.Verdict = check.Warn
			}
			return f
		}
	}
}

// sample is the provider's own, marked as synthetic: everything that names a
// call, a contact or a number is made up, every other byte is as documented.
func sample(t *check.Trial) []form {
	made := t.Call(generate.Spec{})
	c := check.Call{ID: made.ID, Body: julian.Sample(), Event: made.Event}
	for path, value := range map[string]string{
		"callId": made.ID, "agentId": made.Event.AgentID, "name": made.Event.Name,
		"phoneNumber": made.Event.PhoneNumber, "fromPhoneNumber": made.Event.FromPhoneNumber,
		"customInputVariables.prospect_surname": generate.Surname,
		"sequence.sequenceId":                   made.Event.Sequence.SequenceID,
	} {
		c = c.With(path, quote(value))
	}
	return []form{{what: "the sample", call: t.Edited(c)}}
}

func quote(s string) string {
	b, err := json.Marshal(s)
	if err != nil {
		return `""` // a string always encodes
	}
	return string(b)
}

func resultTypes(t *check.Trial) []form {
	var forms []form
	for _, v := range julian.ResultTypes() {
		forms = append(forms, form{what: string(v.Name), call: t.Call(generate.Spec{ResultType: v.Name})})
	}
	return forms
}

func lifecycleStatuses(t *check.Trial) []form {
	var forms []form
	for _, v := range julian.LifecycleStatuses() {
		forms = append(forms, form{what: string(v.Name), call: t.Call(generate.Spec{Lifecycle: v.Name})})
	}
	return forms
}

func directions(t *check.Trial) []form {
	return []form{
		{what: "outbound", call: t.Call(generate.Spec{Direction: julian.Outbound})},
		{what: "inbound", call: t.Call(generate.Spec{Direction: julian.Inbound})},
		{what: "web call with an empty fromPhoneNumber", call: t.Call(generate.Spec{Web: true})},
	}
}

// optionalFields has what is documented as optional absent, null and there.
func optionalFields(t *check.Trial) []form {
	full := variant(t, "maximal", generate.Spec{})
	bare := variant(t, "minimal", generate.Spec{Single: true})
	null := t.Call(generate.Spec{})
	for _, path := range []string{"rescheduledAt", "sequence", "crmSchedulingDetails", "callResult.followUpMeetingDetails"} {
		null = null.With(path, "null")
	}
	return []form{
		{what: "optional parts absent", call: bare},
		{what: "optional parts null", call: null},
		{what: "optional parts there", call: full},
	}
}

// variant is the call that generate knows by this name.
func variant(t *check.Trial, name string, spec generate.Spec) check.Call {
	fresh := t.Call(spec)
	spec.Agent, spec.Shape = t.Options.Agent, t.Options.Shape
	for _, v := range generate.Variants {
		if v.Name != name {
			continue
		}
		bodies, err := v.Payloads(t.Gen, spec)
		if err != nil || len(bodies) == 0 {
			break
		}
		c := check.Call{ID: gjson.GetBytes(bodies[0], "callId").Str, Body: bodies[0], Event: fresh.Event}
		return t.Edited(c.With("phoneNumber", quote(fresh.Event.PhoneNumber)))
	}
	return fresh
}

func unknownFields(t *check.Trial) []form {
	return []form{{what: "undocumented fields", call: variant(t, "unknown-fields", generate.Spec{})}}
}

func unknownResultType(t *check.Trial) []form {
	c := t.Call(generate.Spec{}).With("callResult.resultType", `"Julianctl Unheard Of"`)
	return []form{{what: "an undocumented result type", call: c}}
}

// jsonForms say the same as usual in other bytes.
func jsonForms(t *check.Trial) []form {
	indented := t.Call(generate.Spec{})
	indented.Body = indent(indented.Body)
	return []form{
		{what: "keys in reverse order", call: variant(t, "key-order", generate.Spec{})},
		{what: "white space between tokens", call: indented},
		{what: "escapes in place of characters", call: variant(t, "escapes", generate.Spec{})},
	}
}

func indent(body []byte) []byte {
	var b bytes.Buffer
	if err := json.Indent(&b, body, "", "  "); err != nil {
		return body // what is not JSON stays as it is
	}
	return b.Bytes()
}

func unicodeText(t *check.Trial) []form {
	// What cuts a text after so many bytes or UTF-16 units cuts a character in one of
	// two texts that a letter shifts.
	emoji := func(before string) check.Call {
		c := t.Call(generate.Spec{})
		for path, n := range map[string]int{"name": 40, "callResult.summary": 300, "callResult.transcription": 300} {
			c = withText(c, path, before+strings.Repeat("🎉", n))
		}
		return c
	}
	odd := func(escape string) check.Call {
		c := t.Call(generate.Spec{})
		return c.With("callResult.summary", `"Text with `+escape+` in it"`)
	}
	return []form{
		{what: "many scripts, emoji, combining and right-to-left", call: variant(t, "unicode", generate.Spec{})},
		{what: "emoji alone", call: emoji("")},
		{what: "emoji after a letter", call: emoji("x")},
		{what: "naughty strings", call: variant(t, "hostile-text", generate.Spec{})},
		{what: "an escaped NUL", call: odd(`\u0000`)},
		// Half a character is JSON by its grammar, and cannot be written as
		// UTF-8: to refuse it is right too.
		{what: "half a surrogate pair", call: odd(`\ud83d`), mayRefuse: true},
	}
}

const outcomes = 10_000

func largePayload(t *check.Trial) []form {
	long := t.Call(generate.Spec{Transcript: &generate.Range{Min: 1 << 20, Max: 1 << 20}})
	e := t.Call(generate.Spec{}).Event
	e.CallResult.Outcomes = make([]julian.Outcome, outcomes)
	for i := range e.CallResult.Outcomes {
		e.CallResult.Outcomes[i] = julian.Outcome{Name: fmt.Sprintf("outcome_%d", i+1), Reasoning: "One of many."}
	}
	return []form{
		{what: "a transcript of 1MiB", call: long},
		{what: "10,000 outcomes", call: t.Encode(e)},
	}
}

func charset(t *check.Trial) []form {
	return []form{{
		what: "application/json; charset=utf-8", call: t.Call(generate.Spec{}),
		header: deliver.Header{{Name: "Content-Type", Value: "application/json; charset=utf-8"}},
	}}
}

func chunked(t *check.Trial) []form {
	return []form{{what: "a body in chunks", call: t.Call(generate.Spec{}), wire: &deliver.WireOptions{Chunked: true, Pieces: 3}, mayAskLength: true}}
}

func gzipped(t *check.Trial) []form {
	c := t.Call(generate.Spec{})
	var b bytes.Buffer
	w := gzip.NewWriter(&b)
	_, _ = w.Write(c.Body) // into memory
	_ = w.Close()
	c.Body = b.Bytes()
	return []form{{
		what: "Content-Encoding: gzip", call: c, mayRefuse: true,
		header: deliver.Header{{Name: "Content-Encoding", Value: "gzip"}},
	}}
}
