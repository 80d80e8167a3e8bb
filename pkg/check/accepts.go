package check

import (
	"bytes"
	"compress/gzip"
	"encoding/json"
	"fmt"
	"net/http"
	"strings"

	"github.com/julianctl/julianctl/pkg/deliver"
	"github.com/julianctl/julianctl/pkg/generate"
	"github.com/julianctl/julianctl/pkg/julian"
	"github.com/tidwall/gjson"
)

// form is a payload that an endpoint should take, and how it is sent.
type form struct {
	what   string
	call   call
	header deliver.Header
	manner *deliver.WireOptions // nil: in the ordinary one
	// mayRefuse: a 4xx is worth a look, and no more.
	mayRefuse bool
	// mayAskLength: so is a 411, and nothing else.
	mayAskLength bool
}

// accepts makes a check of forms: each must be acknowledged. An acknowledged
// call without an effect is lost, unless it was said that it has none.
func accepts(forms func(*trial) []form) func(*trial) judgement {
	return func(t *trial) judgement {
		all := forms(t)
		var n notes
		var taken []string
		for _, f := range all {
			var a deliver.Answer
			if f.manner == nil {
				a = t.request(f.what, f.call, deliver.Request{Body: f.call.body, Header: f.header})
			} else {
				a = t.as(f.what, f.call, *f.manner, f.header...)
			}
			switch {
			case a.Err == nil && !limited(a) && (f.mayRefuse && a.Status/100 == 4 || f.mayAskLength && a.Status == http.StatusLengthRequired):
				n.answered = true
				n.warn("%s: %s", f.what, a.Describe())
			case n.ack(f.what, a):
				taken = append(taken, f.call.id)
			}
		}
		return func() finding {
			if len(taken) > 0 && t.seen() == "" {
				var seen notes // what could not be counted is no doubt about the answers
				t.exactly(&seen, watch(1, taken), func(format string, args ...any) {
					seen.fail("%s", fmt.Sprintf(format, args...)+t.notProcessed(all))
				})
				n.fails, n.warns = append(n.fails, seen.fails...), append(n.warns, seen.warns...)
			}
			if len(all) == 1 {
				return n.finding("acknowledged")
			}
			return n.finding("all %d acknowledged", len(all))
		}
	}
}

// notProcessed names the forms without an effect.
func (t *trial) notProcessed(all []form) string {
	var names []string
	for _, e := range t.result.Effects {
		for _, f := range all {
			if f.call.id == e.CallID && e.After < e.Want {
				names = append(names, f.what)
			}
		}
	}
	if len(names) == 0 || len(all) == 1 {
		return ""
	}
	return ": " + strings.Join(names, ", ")
}

// worthALook makes a warning of what would fail: nobody promised it.
func worthALook(run func(*trial) judgement) func(*trial) judgement {
	return func(t *trial) judgement {
		judge := run(t)
		return func() finding {
			f := judge()
			if f.verdict == Fail {
				f.verdict = Warn
			}
			return f
		}
	}
}

// watch makes something to count of ids.
func watch(want int, ids []string) []*watched {
	all := make([]*watched, len(ids))
	for i, id := range ids {
		all[i] = &watched{Effect: Effect{CallID: id, Want: want}}
	}
	return all
}

// sample is the provider's own, marked as synthetic: everything that names a
// call, a person or a number is made up, every other byte is as documented.
func sample(t *trial) []form {
	made := t.call(generate.Spec{})
	c := call{id: made.id, body: julian.Sample(), e: made.e}
	for path, value := range map[string]string{
		"callId": made.id, "agentId": made.e.AgentID, "name": made.e.Name,
		"phoneNumber": made.e.PhoneNumber, "fromPhoneNumber": made.e.FromPhoneNumber,
		"customInputVariables.prospect_surname": generate.Surname,
		"sequence.sequenceId":                   made.e.Sequence.SequenceID,
	} {
		c = c.with(path, quote(value))
	}
	return []form{{what: "the sample", call: t.edited(c)}}
}

func quote(s string) string {
	b, err := json.Marshal(s)
	if err != nil {
		return `""` // a string always encodes
	}
	return string(b)
}

func resultTypes(t *trial) []form {
	var forms []form
	for _, v := range julian.ResultTypes() {
		forms = append(forms, form{what: string(v.Name), call: t.call(generate.Spec{ResultType: v.Name})})
	}
	return forms
}

func lifecycleStatuses(t *trial) []form {
	var forms []form
	for _, v := range julian.LifecycleStatuses() {
		forms = append(forms, form{what: string(v.Name), call: t.call(generate.Spec{Lifecycle: v.Name})})
	}
	return forms
}

func directions(t *trial) []form {
	return []form{
		{what: "outbound", call: t.call(generate.Spec{Direction: julian.Outbound})},
		{what: "inbound", call: t.call(generate.Spec{Direction: julian.Inbound})},
		{what: "web call with an empty fromPhoneNumber", call: t.call(generate.Spec{Web: true})},
	}
}

// optionalFields has what is documented as optional absent, null and there.
func optionalFields(t *trial) []form {
	full := t.variant("maximal", generate.Spec{})
	bare := t.variant("minimal", generate.Spec{Single: true})
	null := t.call(generate.Spec{})
	for _, path := range []string{"rescheduledAt", "sequence", "crmSchedulingDetails", "callResult.followUpMeetingDetails"} {
		null = null.with(path, "null")
	}
	return []form{
		{what: "optional parts absent", call: bare},
		{what: "optional parts null", call: null},
		{what: "optional parts there", call: full},
	}
}

// variant is the call that generate knows by this name.
func (t *trial) variant(name string, spec generate.Spec) call {
	fresh := t.call(spec)
	spec.Agent, spec.Shape = t.o.Agent, t.o.Shape
	for _, v := range generate.Variants {
		if v.Name != name {
			continue
		}
		bodies, err := v.Payloads(t.gen, spec)
		if err != nil || len(bodies) == 0 {
			break
		}
		c := call{id: gjson.GetBytes(bodies[0], "callId").Str, body: bodies[0], e: fresh.e}
		return t.edited(c.with("phoneNumber", quote(fresh.e.PhoneNumber)))
	}
	return fresh
}

func unknownFields(t *trial) []form {
	return []form{{what: "undocumented fields", call: t.variant("unknown-fields", generate.Spec{})}}
}

func unknownResultType(t *trial) []form {
	c := t.call(generate.Spec{}).with("callResult.resultType", `"Julianctl Unheard Of"`)
	return []form{{what: "an undocumented result type", call: c}}
}

// jsonForms say the same as usual in other bytes.
func jsonForms(t *trial) []form {
	indented := t.call(generate.Spec{})
	indented.body = indent(indented.body)
	return []form{
		{what: "keys in reverse order", call: t.variant("key-order", generate.Spec{})},
		{what: "white space between tokens", call: indented},
		{what: "escapes in place of characters", call: t.variant("escapes", generate.Spec{})},
	}
}

func indent(body []byte) []byte {
	var b bytes.Buffer
	if err := json.Indent(&b, body, "", "  "); err != nil {
		return body // what is no JSON stays as it is
	}
	return b.Bytes()
}

func unicodeText(t *trial) []form {
	odd := func(escape string) call {
		c := t.call(generate.Spec{})
		return c.with("callResult.summary", `"Text with `+escape+` in it"`)
	}
	return []form{
		{what: "many scripts, emoji, combining and right-to-left", call: t.variant("unicode", generate.Spec{})},
		{what: "naughty strings", call: t.variant("hostile-text", generate.Spec{})},
		{what: "an escaped NUL", call: odd(`\u0000`)},
		// Half a character is JSON by its grammar, and cannot be written as
		// UTF-8: to refuse it is right too.
		{what: "half a surrogate pair", call: odd(`\ud83d`), mayRefuse: true},
	}
}

const outcomes = 10_000

func largePayload(t *trial) []form {
	long := t.call(generate.Spec{Transcript: &generate.Range{Min: 1 << 20, Max: 1 << 20}})
	e := t.call(generate.Spec{}).e
	e.CallResult.Outcomes = make([]julian.Outcome, outcomes)
	for i := range e.CallResult.Outcomes {
		e.CallResult.Outcomes[i] = julian.Outcome{Name: fmt.Sprintf("outcome_%d", i+1), Reasoning: "One of many."}
	}
	return []form{
		{what: "a transcript of 1MiB", call: long},
		{what: "10,000 outcomes", call: t.encode(e)},
	}
}

func charset(t *trial) []form {
	return []form{{
		what: "application/json; charset=utf-8", call: t.call(generate.Spec{}),
		header: deliver.Header{{Name: "Content-Type", Value: "application/json; charset=utf-8"}},
	}}
}

func chunked(t *trial) []form {
	return []form{{what: "a body in chunks", call: t.call(generate.Spec{}), manner: &deliver.WireOptions{Chunked: true, Pieces: 3}, mayAskLength: true}}
}

func gzipped(t *trial) []form {
	c := t.call(generate.Spec{})
	var b bytes.Buffer
	w := gzip.NewWriter(&b)
	_, _ = w.Write(c.body) // into memory
	_ = w.Close()
	c.body = b.Bytes()
	return []form{{
		what: "Content-Encoding: gzip", call: c, mayRefuse: true,
		header: deliver.Header{{Name: "Content-Encoding", Value: "gzip"}},
	}}
}
