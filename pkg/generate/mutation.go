package generate

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/julianctl/julianctl/pkg/julian"
	"github.com/tidwall/gjson"
	"github.com/tidwall/sjson"
)

// Mutation makes payloads that break exactly one rule of package validate.
type Mutation struct {
	Rule string // its id
	// Results are the result types that the rule is about; empty: all.
	Results []julian.ResultType
	make    func(*Generator, Spec) (Broken, error)
}

// Broken is a payload that breaks a rule.
type Broken struct {
	Body    []byte
	Pointer string // where the rule is broken, as a JSON pointer; "" is the whole payload
}

// Spec returns spec with a result type that the rule applies to. It returns an error
// if spec has another one.
func (m Mutation) Spec(spec Spec) (Spec, error) {
	switch {
	case len(m.Results) == 0 || slices.Contains(m.Results, spec.ResultType):
		return spec, nil
	case spec.ResultType != "":
		return spec, fmt.Errorf("rule %q does not apply to result type %q", m.Rule, spec.ResultType)
	}
	spec.ResultType = m.Results[0]
	return spec, nil
}

// Payload makes the next call in a form that breaks the rule.
func (m Mutation) Payload(g *Generator, spec Spec) (Broken, error) {
	spec, err := m.Spec(spec)
	if err != nil {
		return Broken{}, err
	}
	b, err := m.make(g, spec)
	if err != nil {
		return Broken{}, fmt.Errorf("breaking rule %q: %w", m.Rule, err)
	}
	return b, nil
}

// Mutations has one for every rule. It is read, never changed.
var Mutations = []Mutation{
	{"empty", nil, body(func(_ *Generator, _ []byte) (Broken, error) { return Broken{Body: []byte{}}, nil })},
	{"syntax", nil, body(breakSyntax)},
	{"encoding", nil, body(breakEncoding)},
	{"depth", nil, body(breakDepth)},
	{"duplicate-key", nil, body(duplicateKey)},
	{"case-variant-key", nil, body(caseVariantKey)},
	{"type", nil, fields(plainText, wrongType)},
	{"required", nil, fields(required, leaveOut)},
	{"enum", nil, fields(func(f julian.Field) bool { return f.Enum != nil }, misspell)},
	{"format", nil, fields(func(f julian.Field) bool { return f.Format != "" }, unformat)},
	{"id-prefix", nil, fields(func(f julian.Field) bool { return f.Prefix != "" }, cutPrefix)},
	{"unknown-field", nil, body(unknownField)},
	{"voicemail-without-link", []julian.ResultType{julian.Voicemail}, editEvent(noLink)},
	{"busy-with-link", []julian.ResultType{julian.Busy}, editEvent(link)},
	{"rescheduled-without-time", []julian.ResultType{julian.Rescheduled}, editEvent(noNewTime)},
	{"rescheduled-before-scheduled", nil, editEvent(movedBack)},
	{"duration-without-connection", []julian.ResultType{julian.Busy, julian.InvalidPhoneNumber, julian.Cancelled}, editEvent(lasted)},
	{"completed-without-time", nil, editEvent(completedAtNoTime)},
	{"meeting-ends-before-start", nil, editEvent(meetingBackwards)},
	{"non-terminal-result", passing, editEvent(func(*Generator, *julian.CallEvent) string { return "/callResult/resultType" })},
	{"done-with-non-terminal-result", passing, editEvent(doneTooEarly)},
}

// passing are the result types after which more is to come.
var passing = []julian.ResultType{julian.Scheduled, julian.Rescheduled, julian.ProcessingAnalysis, julian.Calling}

// body makes a mutation that edits the bytes of a correct payload.
func body(edit func(*Generator, []byte) (Broken, error)) func(*Generator, Spec) (Broken, error) {
	return func(g *Generator, spec Spec) (Broken, error) {
		correct, err := g.Payload(spec)
		if err != nil {
			return Broken{}, err
		}
		return edit(g, correct)
	}
}

// editEvent makes a mutation that edits a call; edit returns the changed place.
func editEvent(edit func(*Generator, *julian.CallEvent) (pointer string)) func(*Generator, Spec) (Broken, error) {
	return func(g *Generator, spec Spec) (Broken, error) {
		e := g.Event(spec)
		pointer := edit(g, &e)
		b, err := Encode(e)
		return Broken{b, pointer}, err
	}
}

// fields makes a mutation that edits a random field that suits and has a value.
func fields(suits func(julian.Field) bool, edit func(*Generator, []byte, julian.Field) (Broken, error)) func(*Generator, Spec) (Broken, error) {
	return body(func(g *Generator, b []byte) (Broken, error) {
		var there []julian.Field
		for _, f := range julian.Fields {
			if suits(f) && !strings.Contains(f.Pointer, "*") && gjson.GetBytes(b, path(f.Pointer)).String() != "" {
				there = append(there, f)
			}
		}
		return edit(g, b, there[g.rng.IntN(len(there))])
	})
}

// set replaces or adds the value at pointer.
func set(b []byte, pointer, raw string) (Broken, error) {
	b, err := sjson.SetRawBytes(b, path(pointer), []byte(raw))
	return Broken{b, pointer}, err
}

func breakSyntax(g *Generator, b []byte) (Broken, error) {
	inside := string(b[:len(b)-1])
	switch g.rng.IntN(4) {
	case 0:
		return Broken{Body: []byte(inside)}, nil // truncated
	case 1:
		return Broken{Body: []byte(inside + ",}")}, nil
	case 2:
		return set(b, "/duration", "NaN")
	}
	return set(b, "/phoneNumberExt", "'204'")
}

func breakEncoding(g *Generator, b []byte) (Broken, error) {
	if g.rng.IntN(2) == 0 {
		return set(b, "/callResult/summary", `"Half an emoji: \ud83d"`)
	}
	return set(b, "/callResult/summary", "\"Latin-1: caf\xe9 cr\xe8me\"")
}

// maxDepth is the deepest nesting of objects and arrays that is allowed.
const maxDepth = 128

func breakDepth(_ *Generator, b []byte) (Broken, error) {
	const outside = 2 // the payload and its variables
	const inside = maxDepth - outside
	broken, err := set(b, "/customInputVariables/nested", strings.Repeat("[", inside+1)+strings.Repeat("]", inside+1))
	broken.Pointer += strings.Repeat("/0", inside)
	return broken, err
}

// topLevel is a random field of the payload itself that is in every payload.
func (g *Generator) topLevel() julian.Field {
	var all []julian.Field
	for _, f := range julian.Fields {
		if strings.Count(f.Pointer, "/") == 1 && f.Presence != julian.Optional {
			all = append(all, f)
		}
	}
	return all[g.rng.IntN(len(all))]
}

func duplicateKey(g *Generator, b []byte) (Broken, error) {
	f := g.topLevel()
	again := fmt.Sprintf(`{"%s":%s,`, f.Pointer[1:], gjson.GetBytes(b, path(f.Pointer)).Raw)
	return Broken{append([]byte(again), b[1:]...), f.Pointer}, nil
}

func caseVariantKey(g *Generator, b []byte) (Broken, error) {
	f := g.topLevel()
	upper := strings.ToUpper(f.Pointer)
	return set(b, upper, gjson.GetBytes(b, path(f.Pointer)).Raw)
}

// plainText selects strings without further rules, and the duration: a wrong time or
// id would break more than one rule.
func plainText(f julian.Field) bool {
	return f.Kind == julian.Number || f.Kind == julian.String && f.Format == "" && f.Enum == nil && f.Prefix == ""
}

func wrongType(g *Generator, b []byte, f julian.Field) (Broken, error) {
	if f.Kind == julian.Number {
		return set(b, f.Pointer, `"`+gjson.GetBytes(b, path(f.Pointer)).Raw+`"`)
	}
	return set(b, f.Pointer, [...]string{"null", "7", "true", `["text"]`, `{"text":"text"}`}[g.rng.IntN(5)])
}

func required(f julian.Field) bool { return f.Presence == julian.Required && f.Kind == julian.String }

func leaveOut(g *Generator, b []byte, f julian.Field) (Broken, error) {
	if f.Enum == nil && g.rng.IntN(2) == 0 {
		return set(b, f.Pointer, `""`)
	}
	b, err := sjson.DeleteBytes(b, path(f.Pointer))
	return Broken{b, f.Pointer}, err
}

// misspell changes a value to the form of an identifier.
func misspell(_ *Generator, b []byte, f julian.Field) (Broken, error) {
	value := gjson.GetBytes(b, path(f.Pointer)).Str
	return set(b, f.Pointer, `"`+strings.ToUpper(strings.ReplaceAll(value, " ", "_"))+`"`)
}

func unformat(_ *Generator, b []byte, f julian.Field) (Broken, error) {
	return set(b, f.Pointer, map[julian.Format]string{
		julian.DateTime: `"2026-02-30 10:00"`,
		julian.E164:     `"(202) 555-0143"`,
		julian.Zone:     `"Europe/Nowhere"`,
		julian.URI:      `"/calls/julianctl"`,
		julian.Email:    `"host at example.com"`,
	}[f.Format])
}

func cutPrefix(_ *Generator, b []byte, f julian.Field) (Broken, error) {
	value := gjson.GetBytes(b, path(f.Pointer)).Str
	return set(b, f.Pointer, `"`+strings.TrimPrefix(value, f.Prefix)+`"`)
}

func unknownField(g *Generator, b []byte) (Broken, error) {
	return set(b, [...]string{"/julianctlField", "/callResult/julianctlField"}[g.rng.IntN(2)], `"not documented"`)
}

func noLink(_ *Generator, e *julian.CallEvent) string {
	e.CallURL = ""
	return "/callUrl"
}

func link(_ *Generator, e *julian.CallEvent) string {
	e.CallURL = linkTo(e.CallID)
	return "/callUrl"
}

func noNewTime(_ *Generator, e *julian.CallEvent) string {
	e.RescheduledAt = nil
	return "/rescheduledAt"
}

func movedBack(g *Generator, e *julian.CallEvent) string {
	e.RescheduledAt = &julian.Timestamp{Time: e.ScheduledAt.AddDate(0, 0, -1-g.rng.IntN(7))}
	return "/rescheduledAt"
}

func lasted(g *Generator, e *julian.CallEvent) string {
	e.Duration = float64(1 + g.rng.IntN(300))
	return "/duration"
}

func completedAtNoTime(g *Generator, e *julian.CallEvent) string {
	list, name := &e.CallResult.AgentActions, "agentActions"
	if g.rng.IntN(2) == 0 {
		list, name = &e.CallResult.HumanActions, "humanActions"
	}
	*list = append(*list, julian.Action{Description: "Sent a summary by e-mail", Status: "completed", ActionKey: "send_email", Metadata: map[string]any{}})
	return fmt.Sprintf("/callResult/%s/%d/completedAt", name, len(*list)-1)
}

func meetingBackwards(g *Generator, e *julian.CallEvent) string {
	begins := e.ScheduledAt.AddDate(0, 0, 7)
	e.CallResult.FollowUpMeetingDetails = &julian.FollowUpMeeting{
		StartTime: julian.Timestamp{Time: begins},
		EndTime:   julian.Timestamp{Time: begins.Add(-time.Duration(1+g.rng.IntN(4)) * 15 * time.Minute)},
		HostEmail: "host@example.com",
	}
	return "/callResult/followUpMeetingDetails/endTime"
}

func doneTooEarly(g *Generator, e *julian.CallEvent) string {
	if e.Sequence == nil {
		e.Sequence = &julian.Sequence{SequenceID: g.id("call-sequence.")}
	}
	e.Sequence.LifecycleStatus = julian.SequenceDone
	return "/sequence/lifecycleStatus"
}
