package validate_test

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/julianctl/julianctl/pkg/julian"
	"github.com/julianctl/julianctl/pkg/payload"
	"github.com/julianctl/julianctl/pkg/validate"
)

// odd is the sample with something that does not fit the rest.
func odd(rule, pointer, message string, edits ...edit) broken {
	return broken{edits, validate.Issue{Rule: rule, Severity: validate.Warning, Pointer: pointer, Message: message}}
}

// ends makes the sample's call end in another way.
func ends(result string) edit { return edit{`"Goal Completed"`, `"` + result + `"`} }

const (
	callURL = `"https://julian.11x.ai/.../calls/call.abc123"`
	action  = `{"description": "d", "status": "completed", "actionKey": "k", "completedAt": "t", "metadata": {}}`
	meeting = `"followUpMeetingDetails": {"startTime": "2025-09-30T08:00:00Z", "endTime": "2025-09-30T08:00:00Z", "hostEmail": "a@example.com"}`
)

var oddities = []broken{
	odd("voicemail-without-link", "/callUrl", `is "", want a link to the recording, since resultType is "Voicemail"`, ends("Voicemail"), edit{callURL, `⌖""`}),
	odd("voicemail-without-link", "/callUrl", `is "", want a link to the recording, since resultType is "Voicemail"`, ends(`V\u006ficemail`), edit{callURL, `⌖""`}),
	odd("busy-with-link", "/callUrl", `is `+callURL[:41]+`…", want no link, since resultType is "Busy"`, ends("Busy"), edit{"46", "0"}, edit{callURL, `⌖` + callURL}),
	odd("rescheduled-without-time", "/rescheduledAt", `is null, want the new time, since resultType is "Rescheduled"`, ends("Rescheduled"), edit{`"rescheduledAt": null`, `"rescheduledAt": ⌖null`}),
	odd("rescheduled-before-scheduled", "/rescheduledAt", `is "2025-09-25T09:20:48.7599+01:00", want a later time, since scheduledAt is "2025-09-25T08:20:48.760Z"`,
		edit{`"rescheduledAt": null`, `"rescheduledAt": ⌖"2025-09-25T09:20:48.7599+01:00"`}),
	odd("duration-without-connection", "/duration", `is 46, want 0, since resultType is "Busy"`, ends("Busy"), edit{"46", "⌖46"}),
	odd("duration-without-connection", "/duration", `is 1e-400, want 0, since resultType is "Cancelled"`, ends("Cancelled"), edit{"46", "⌖1e-400"}),
	odd("duration-without-connection", "/duration", `is 0.0`+strings.Repeat("0", 37)+`…, want 0, since resultType is "Invalid Phone Number"`, ends("Invalid Phone Number"), edit{"46", "⌖0.0" + strings.Repeat("0", 50) + "1"}),
	odd("completed-without-time", "/callResult/agentActions/0/completedAt", `is "", want a time, since status is "completed"`, edit{`"2025-09-25T08:21:30.000Z"`, `⌖""`}),
	odd("completed-without-time", "/callResult/humanActions/1/completedAt", `is "", want a time, since status is "completed"`,
		edit{`"humanActions": []`, `"humanActions": [` + action + `, ` + strings.Replace(action, `"t"`, `⌖""`, 1) + `]`}),
	odd("meeting-ends-before-start", "/callResult/followUpMeetingDetails/endTime", `is "2025-09-30T07:59:59.9Z", want a later time, since startTime is "2025-09-30T08:00:00Z"`,
		edit{`"humanActions": []`, `"humanActions": [], ` + strings.Replace(meeting, `"endTime": "2025-09-30T08:00:00Z"`, `"endTime": ⌖"2025-09-30T07:59:59.9Z"`, 1)}),
	odd("non-terminal-result", "/callResult/resultType", `is "Processing Analysis", want a terminal result`, edit{`"Goal Completed"`, `⌖"Processing Analysis"`}),
	odd("done-with-non-terminal-result", "/sequence/lifecycleStatus", `is "done", want another status, since resultType is "Calling"`, ends("Calling"), edit{`"in progress"`, `⌖"done"`}),
}

// everyRelation turns on what is off, but for undocumented fields: they do not
// go the fast path.
func everyRelation() validate.Options {
	o := validate.Options{Rules: map[string]validate.Severity{}}
	for _, rule := range validate.Rules {
		if rule.Severity == validate.Off && rule.ID != validate.RuleUnknownField {
			o.Rules[rule.ID] = validate.Warning
		}
	}
	return o
}

// What fits together gives no issue, and what other rules say is not said twice.
func TestRelationsThatHold(t *testing.T) {
	v := newValidator(t, everyRelation())
	lone := strings.Replace(strings.Replace(action, `"status": "completed", `, "", 1), `"t"`, `""`, 1)
	for _, tt := range []struct {
		name  string
		edits []edit
		want  []string // rules
	}{
		{"voicemail with a link", []edit{ends("Voicemail")}, nil},
		{"voicemail without the field", []edit{ends("Voicemail"), {`"callUrl": ` + callURL + `,`, ""}}, []string{"required"}},
		{"voicemail with null", []edit{ends("Voicemail"), {callURL, "null"}}, []string{"type"}},
		{"no link, but no recording either", []edit{{callURL, `""`}}, nil},
		{"busy without anything", []edit{ends("Busy"), {"46", "0"}, {callURL, `""`}}, nil},
		{"no duration", []edit{ends("Cancelled"), {"46", "-0.0e5"}}, nil},
		{"negative duration", []edit{ends("Cancelled"), {"46", "-1"}}, nil},
		{"no number", []edit{ends("Cancelled"), {"46", `"46"`}}, []string{"type"}},
		{"failed after a while", []edit{ends("Failed")}, nil},
		{"unknown result", []edit{ends("Voice Mail"), {callURL, `""`}}, []string{"enum"}},
		{"no result", []edit{{`"Goal Completed"`, "7"}, {callURL, `""`}}, []string{"type"}},
		{"moved to the same time", []edit{{`"rescheduledAt": null`, `"rescheduledAt": "2025-09-25T10:20:48.76000+02:00"`}}, nil},
		{"moved to no time", []edit{{`"rescheduledAt": null`, `"rescheduledAt": "1999"`}}, []string{"format"}},
		{"moved from no time", []edit{{`"rescheduledAt": null`, `"rescheduledAt": "1999-01-01T00:00:00Z"`}, {`"2025-09-25T08:20:48.760Z"`, `"2025"`}}, []string{"format"}},
		{"pending", []edit{{`"completed"`, `"pending"`}, {`"2025-09-25T08:21:30.000Z"`, `""`}}, nil},
		{"the status of another action", []edit{{`"humanActions": []`, `"humanActions": [` + action + `, ` + lone + `]`}}, []string{"required"}},
		{"the status of the other list", []edit{{`"humanActions": []`, `"humanActions": [` + lone + `]`}}, []string{"required"}},
		{"meeting without length", []edit{{`"humanActions": []`, `"humanActions": [], ` + meeting}}, nil},
		{"no meeting", []edit{{`"humanActions": []`, `"humanActions": [], "followUpMeetingDetails": null`}}, nil},
		{"done", []edit{{`"in progress"`, `"done"`}}, nil},
		{"no sequence", []edit{{`"sequence": {`, `"sequence": null, "new": {`}}, nil},
	} {
		text := string(julian.Sample())
		for _, e := range tt.edits {
			if !strings.Contains(text, e.old) {
				t.Fatalf("%q is not in the sample", e.old)
			}
			text = strings.Replace(text, e.old, e.new, 1)
		}
		var got []string
		for _, i := range v.Issues(payload.Document{Body: []byte(text)}) {
			got = append(got, i.Rule)
		}
		if diff := cmp.Diff(tt.want, got); diff != "" {
			t.Errorf("%s (-want +got):\n%s", tt.name, diff)
		}
		if tt.want == nil && !v.FastAccepts([]byte(text)) {
			t.Errorf("%s: the fast path is left", tt.name)
		}
	}
}

// A rule that is off does not lead to the slow path.
func TestRelationsOff(t *testing.T) {
	off := validate.Options{Rules: map[string]validate.Severity{}}
	for _, m := range validate.Relations() {
		off.Rules[m.Rule] = validate.Off
	}
	v := newValidator(t, off)
	for _, fault := range oddities {
		body := []byte(strings.Replace(text(t, fault), "⌖", "", 1))
		if !v.FastAccepts(body) && !strings.Contains(string(body), `\u`) || v.SlowIssues(payload.Document{Body: body}) != nil {
			t.Errorf("%s is off, and looked for in %s", fault.want.Rule, body)
		}
	}
	if used, _ := v.Slots(); used != 0 {
		t.Errorf("%d values are remembered, for nothing", used)
	}
}

// Relations are about documented fields that stand in the same object.
func TestRelationFields(t *testing.T) {
	for _, m := range validate.Relations() {
		for _, pointer := range []string{m.Place, m.Given} {
			i := slices.IndexFunc(julian.Fields, func(f julian.Field) bool { return f.Pointer == pointer })
			if i < 0 || julian.Fields[i].Kind != julian.String && julian.Fields[i].Kind != julian.Number {
				t.Errorf("%s: %q is no documented string or number", m.Rule, pointer)
			}
		}
		if m.PlaceScope != m.GivenScope {
			t.Errorf("%s: %q and %q stand apart", m.Rule, m.Place, m.Given)
		}
	}
	if used, room := newValidator(t, everyRelation()).Slots(); used == 0 || used >= room {
		t.Errorf("%d values are remembered, there is room for %d", used, room-1)
	}
}

// Each example breaks its rule, and only that.
func TestExamples(t *testing.T) {
	for _, rule := range validate.Rules {
		if rule.ID == validate.RuleEmpty || rule.ID == validate.RuleDepth {
			continue // not the bodies of payloads
		}
		o := validate.Options{Rules: map[string]validate.Severity{validate.RuleRequired: validate.Off, rule.ID: validate.Error}}
		if rule.ID == validate.RuleSchema {
			o.Schema = loadSchema(t, `{"properties": {"agentName": {"minLength": 1}}}`)
		}
		var got []string
		for _, i := range newValidator(t, o).Issues(payload.Document{Body: []byte(rule.Example)}) {
			if rule.ID != validate.RuleRequired || i.Pointer == "/callId" {
				got = append(got, i.Rule)
			}
		}
		if diff := cmp.Diff([]string{rule.ID}, got); diff != "" {
			t.Errorf("%s (-want +got):\n%s", rule.Example, diff)
		}
	}
}

// Moments are compared as package time does, which knows nanoseconds and no
// leap seconds.
func TestMoments(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	start := time.Date(2024, 2, 28, 23, 59, 58, 0, time.UTC)
	random := func() (time.Time, string) {
		at := start.Add(time.Duration(r.IntN(5))*time.Second + time.Duration(r.IntN(3)*1e8+r.IntN(2)))
		s := at.In(time.FixedZone("", 60*(r.IntN(47*60)-23*60))).Format(time.RFC3339Nano)
		if zone := s[len(s)-1]; zone == 'Z' && r.IntN(2) == 0 {
			s = strings.ToLower(s)
		}
		return at, fmt.Sprintf("%q", s)
	}
	before := 0
	for range 20_000 {
		a, written := random()
		b, than := random()
		if got := validate.IsBefore(written, than); got != a.Before(b) {
			t.Fatalf("%s before %s: %t", written, than, got)
		}
		if a.Before(b) {
			before++
		}
	}
	if before < 5_000 {
		t.Errorf("only %d of the moments were before the other", before)
	}
	for _, tt := range []struct {
		value, than string
		want        bool
	}{
		{`"2016-12-31T23:59:59.9Z"`, `"2016-12-31T23:59:60Z"`, true},
		{`"2025-01-01T00:00:00.00000000000000000001Z"`, `"2025-01-01T00:00:00.0000000000000000001Z"`, true},
		{`"2025-01-01T00:00:00.100Z"`, `"2025-01-01T00:00:00.1Z"`, false},
		{`"2025-01-01T00:00:00.1Z"`, `"2025-01-01T00:00:00.100Z"`, false},
		{`"2025-01-01"`, `"2025-01-02T00:00:00Z"`, false},
		{`null`, `"2025-01-02T00:00:00Z"`, false},
		{`"2025-01-02T00:00:00Z"`, `""`, false},
	} {
		if got := validate.IsBefore(tt.value, tt.than); got != tt.want {
			t.Errorf("%s before %s: %t", tt.value, tt.than, got)
		}
	}
}

// Both ways know which results a rule is about.
func TestRelationsOfEachResult(t *testing.T) {
	want := map[string][]string{ // of calls with neither link nor new time that lasted, in a sequence that is done
		"Voicemail":            {"voicemail-without-link"},
		"Busy":                 {"duration-without-connection"},
		"Invalid Phone Number": {"duration-without-connection"},
		"Cancelled":            {"duration-without-connection"},
		"Scheduled":            {"non-terminal-result", "done-with-non-terminal-result"},
		"Rescheduled":          {"rescheduled-without-time", "non-terminal-result", "done-with-non-terminal-result"},
		"Processing Analysis":  {"non-terminal-result", "done-with-non-terminal-result"},
		"Calling":              {"non-terminal-result", "done-with-non-terminal-result"},
	}
	v := newValidator(t, everyRelation())
	for _, r := range julian.ResultTypes() {
		name := string(r.Name)
		body := []byte(strings.NewReplacer("Goal Completed", name, callURL, `""`, "in progress", "done").Replace(string(julian.Sample())))
		var got []string
		for _, i := range v.Issues(payload.Document{Body: body}) {
			got = append(got, i.Rule)
		}
		if diff := cmp.Diff(want[name], got); diff != "" || v.FastAccepts(body) != (got == nil) {
			t.Errorf("%s, fast path %t (-want +got):\n%s", name, v.FastAccepts(body), diff)
		}
	}
}
