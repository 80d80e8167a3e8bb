package validate_test

import (
	"bytes"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/julianctl/julianctl/pkg/julian"
	"github.com/julianctl/julianctl/pkg/payload"
	"github.com/julianctl/julianctl/pkg/validate"
)

func place(i validate.Issue) string { return fmt.Sprintf("%d:%d", i.Line, i.Column) }

// The provider's own sample is correct, to the letter.
func TestSample(t *testing.T) {
	for _, o := range []validate.Options{{}, {Strict: true}, {Rules: map[string]validate.Severity{validate.RuleUnknownField: validate.Error}}} {
		if issues := newValidator(t, o).Issues(payload.Document{Body: julian.Sample()}); issues != nil {
			t.Errorf("%+v: %+v", o, issues)
		}
	}
}

// edit is a change of the sample. A ⌖ in new marks the place of the issue that
// it causes; in old it stands for nothing.
type edit struct{ old, new string }

// broken is the sample with one fault.
type broken struct {
	edits []edit
	want  validate.Issue // File, Line, Column and Offset follow from the mark
}

func one(old, new, rule, pointer, message, hint string) broken {
	return broken{[]edit{{old, new}}, validate.Issue{Rule: rule, Severity: validate.Error, Pointer: pointer, Message: message, Hint: hint}}
}

func warning(old, new, rule, pointer, message, hint string) broken {
	b := one(old, new, rule, pointer, message, hint)
	b.want.Severity = validate.Warning
	return b
}

// lacking is the sample without a field of the object that begins with parent.
func lacking(field, parent, rule, pointer string, severity validate.Severity) broken {
	return broken{[]edit{{field, ""}, {parent, "⌖" + parent}}, validate.Issue{Rule: rule, Severity: severity, Pointer: pointer, Message: "is missing"}}
}

const (
	root   = "{\n  \"agentId\""
	result = "{\n    \"resultType\""
)

var faults = []broken{
	// syntax
	one(`"duration": 46,`, `"duration": 46 ⌖"x": 1,`, "syntax", "", `unexpected '"', want "," or "}"`, "is a comma missing before it?"),
	one(`"duration": 46,`, `"duration": ⌖,`, "syntax", "/duration", `unexpected ",", want a value`, ""),
	one(`"duration": 46,`, `"duration" ⌖46,`, "syntax", "", `unexpected "46", want ":" after the key "duration"`, ""),
	one(`"duration": 46,`, `"duration": ⌖046,`, "syntax", "/duration", "number begins with 0", "remove the zero, or put the value in double quotes"),
	one(`"duration": 46,`, `"duration": 46.⌖,`, "syntax", "/duration", `unexpected "," in a number, want a digit`, ""),
	one(`"duration": 46,`, `"duration": ⌖.46,`, "syntax", "/duration", `unexpected ".", want a value`, "numbers have a digit before the point"),
	one(`"duration": 46,`, `"duration": ⌖+46,`, "syntax", "/duration", `unexpected "+", want a value`, "numbers have no plus sign"),
	one(`"duration": 46,`, `"duration": -⌖Infinity,`, "syntax", "/duration", `unexpected "Infinity" in a number, want a digit`, "JSON has no such number; write null"),
	one(`"duration": 46,`, `"duration": ⌖NaN,`, "syntax", "/duration", `unexpected "NaN", want a value`, "JSON has no such number; write null"),
	one(`"duration": 46,`, `"duration": 46⌖s,`, "syntax", "", `unexpected "s", want "," or "}"`, ""),
	one(`"duration": 46,`, `"duration": 4e⌖x,`, "syntax", "/duration", `unexpected "x" in a number, want a digit`, ""),
	one(`"duration": 46,`, `"duration": 46,⌖,`, "syntax", "", `unexpected ",", want a key in double quotes`, ""),
	one(`"duration": 46,`, `⌖duration: 46,`, "syntax", "", `unexpected "duration", want a key in double quotes`, "put the key in double quotes"),
	one(`"duration": 46,`, `⌖'duration': 46,`, "syntax", "", `unexpected "'", want a key in double quotes`, "strings are written in double quotes"),
	one(`"Victor Wembly"`, `⌖“Victor”`, "syntax", "/name", `unexpected "“", want a value`, "strings are written in straight double quotes"),
	one(`"duration": 46,`, `⌖// seconds`, "syntax", "", `unexpected "/", want a key in double quotes`, "JSON has no comments"),
	one(`"rescheduledAt": null`, `"rescheduledAt": ⌖None`, "syntax", "/rescheduledAt", `unexpected "None", want a value`, "write null"),
	one(`"rescheduledAt": null`, `"rescheduledAt": null⌖l`, "syntax", "", `unexpected "l", want "," or "}"`, ""),
	one(`"humanActions": []`, `"humanActions": [1,⌖]`, "syntax", "/callResult/humanActions", `unexpected "]", want a value`, "remove the comma before it"),
	one(`"humanActions": []`, `"humanActions": [⌖}`, "syntax", "/callResult/humanActions/0", `unexpected "}", want a value`, ""),
	one(`"metadata": {}`, `"metadata": {"a~/b": [{"c": 1,⌖}]}`, "syntax", "/callResult/agentActions/0/metadata/a~0~1b/0", `unexpected "}", want a key in double quotes`, "remove the comma before it"),
	one(`"Victor Wembly"`, "\"Victor\u00a0\u0001", "syntax", "/name", "control character U+0001 in a string", `write it as \u0001`).at("\u0001"),
	one(`"Victor Wembly"`, "\"Vic\ttor\"", "syntax", "/name", "control character U+0009 in a string", `write it as \u0009`).at("\ttor"),
	one(`"Victor Wembly"`, `"Victor ⌖\x"`, "syntax", "/name", `unexpected "x" after \ in a string`, `write a backslash as \\`),
	one(`"Victor Wembly"`, `"Victor ⌖\u12g4"`, "syntax", "/name", `unexpected "g4" in \u, want four hexadecimal digits`, ""),
	one(`"duration": 46,`, "⌖\u2028", "syntax", "", `unexpected U+2028, want a key in double quotes`, ""),
	one("  }\n}\n", "  }\n}\n⌖}", "syntax", "", `unexpected "}" after the end of the payload`, ""),
	one("  }\n}\n", "  }\n} ⌖{}", "syntax", "", `unexpected "{" after the end of the payload`, "one document a line, or an array of them"),
	one("  }\n}\n", "  }\n} ⌖\x00", "syntax", "", `unexpected U+0000 after the end of the payload`, ""),
	one("\"in progress\"\n  }\n}\n", "⌖\"in prog", "syntax", "/sequence/lifecycleStatus", "string is not closed", "is the document cut off?"),
	one("\n  }\n}\n", "⌖", "syntax", "/sequence", "the document ends before it is complete", "is the document cut off?"),

	// encoding
	one(`"Victor Wembly"`, "\"Victor \xe9\"", "encoding", "/name", "byte 0xE9 is not UTF-8", "save it as UTF-8").at("\xe9"),
	one(`"Victor Wembly"`, "\"\xed\xa0\x80\xff\"", "encoding", "/name", "byte 0xED is not UTF-8", "save it as UTF-8").at("\xed"),
	warning(`"Victor Wembly"`, `"\ud83d\ude00 ⌖\ud83d\u0041\udc00"`, "encoding", "/name", `\ud83d is half of a surrogate pair`, "it stands for no character: the text was probably cut in the middle of one"),

	// duplicate-key, case-variant-key
	one(`"duration": 46,`, `"duration": 46, ⌖"duration": 46,`, "duplicate-key", "/duration", "is given twice, first on the same line", ""),
	one(`"duration": 46,`, `"duration": 46, ⌖"\u0064uration": 46,`, "duplicate-key", "/duration", "is given twice, first on the same line", ""),
	one(`"metadata": {}`, `"metadata": {"": [{"é": 1, ⌖"é": 2}]}`, "duplicate-key", "/callResult/agentActions/0/metadata//0/é", "is given twice, first on the same line", ""),
	warning(`"duration": 46,`, `"duration": 46, ⌖"DURATION": "x",`, "case-variant-key", "/DURATION", `differs from "duration" only by case`, `rename it to "duration"`),

	// type
	one(`46`, `⌖"46"`, "type", "/duration", `is "46", want a number`, ""),
	one(`46`, `⌖true`, "type", "/duration", `is true, want a number`, ""),
	one(`46`, `⌖[{"a": 1}]`, "type", "/duration", `is an array, want a number`, ""),
	one(`"Victor Wembly"`, `⌖null`, "type", "/name", `is null, want a string`, ""),
	one(`"Victor Wembly"`, `⌖12345678901234567890`, "type", "/name", `is 12345678901234567890, want a string`, ""),
	one(`"rescheduledAt": null`, `"rescheduledAt": ⌖0`, "type", "/rescheduledAt", `is 0, want a string or null`, ""),
	one(`"humanActions": []`, `"humanActions": ⌖{"description": 1}`, "type", "/callResult/humanActions", `is an object, want an array`, ""),
	one(`"humanActions": []`, `"humanActions": [⌖"call back"]`, "type", "/callResult/humanActions/0", `is "call back", want an object`, ""),

	// required
	lacking("\n  \"callId\": \"call.abc123\",", root, "required", "/callId", validate.Error),
	lacking("\n    \"resultType\": \"Goal Completed\",", "{\n    \"summary\"", "required", "/callResult/resultType", validate.Error),
	lacking("\n  \"direction\": \"outbound\",", root, "required", "/direction", validate.Warning),
	lacking("\n        \"status\": \"completed\",", "{\n        \"description\"", "required", "/callResult/agentActions/0/status", validate.Warning),
	lacking("\n    \"sequenceId\": \"call-sequence.xyz123\",", "{\n    \"lifecycleStatus\"", "required", "/sequence/sequenceId", validate.Warning),
	one(`"call.abc123",`, `⌖"",`, "required", "/callId", "is empty", ""),
	{[]edit{{root, "⌖" + root}, {`"callId"`, `"call_id"`}}, validate.Issue{Rule: "required", Severity: validate.Error, Pointer: "/callId", Message: "is missing", Hint: `rename "call_id" to "callId"`}},

	// enum
	one(`"Goal Completed"`, `⌖"goal completed"`, "enum", "/callResult/resultType", `is "goal completed", want a documented value`, `did you mean "Goal Completed"?`),
	one(`"Goal Completed"`, `⌖"NO_CONVERSATION"`, "enum", "/callResult/resultType", `is "NO_CONVERSATION", want a documented value`, `did you mean "No Conversation"?`),
	one(`"Goal Completed"`, `⌖"Canceled"`, "enum", "/callResult/resultType", `is "Canceled", want a documented value`, `did you mean "Cancelled"?`),
	one(`"outbound"`, `⌖"sideways"`, "enum", "/direction", `is "sideways", want outbound or inbound`, ""),
	one(`"in progress"`, `⌖"in_progress"`, "enum", "/sequence/lifecycleStatus", `is "in_progress", want done, in progress, cancelled or failed`, `did you mean "in progress"?`),

	// format, id-prefix
	one(`"+15551234567"`, `⌖"(555) 123-4567"`, "format", "/phoneNumber", `is "(555) 123-4567", want a phone number such as +15551234567`, ""),
	one(`"+15551234567"`, `⌖""`, "format", "/phoneNumber", `is "", want a phone number such as +15551234567`, ""),
	one(`"2025-09-25T08:20:48.760Z",`, `⌖"2025-09-31T08:20:48.760Z",`, "format", "/scheduledAt", `is "2025-09-31T08:20:48.760Z", want a date and time such as 2025-01-20T14:00:00.000Z`, ""),
	one(`"Europe/London"`, `⌖"europe/london"`, "format", "/timezone", `is "europe/london", want a time zone such as Europe/London`, `did you mean "Europe/London"?`),
	one(`"Europe/London"`, `⌖"../../etc/passwd"`, "format", "/timezone", `is "../../etc/passwd", want a time zone such as Europe/London`, ""),
	one(`"https://julian.11x.ai/.../calls/call.abc123"`, `⌖"/calls/call.abc123"`, "format", "/callUrl", `is "/calls/call.abc123", want an absolute URI such as https://example.com/a`, ""),
	one(`"humanActions": []`, `"humanActions": [], "followUpMeetingDetails": {"startTime": "2025-09-25T08:20:48Z", "endTime": "2025-09-25T09:20:48+01:00", "hostEmail": ⌖"victor at example.com"}`,
		"format", "/callResult/followUpMeetingDetails/hostEmail", `is "victor at example.com", want an e-mail address`, ""),
	warning(`"agent.abc123"`, `⌖"abc123"`, "id-prefix", "/agentId", `is "abc123", want it to begin with "agent."`, ""),
	warning(`"call-sequence.xyz123"`, `⌖"sequence.`+strings.Repeat("é", 50)+`"`, "id-prefix", "/sequence/sequenceId", `is "sequence.`+strings.Repeat("é", 31)+`…", want it to begin with "call-sequence."`, ""),
}

// at puts the mark where text stands: for faults in which the mark itself would
// be in the way.
func (b broken) at(text string) broken {
	b.edits = append(slices.Clone(b.edits), edit{text, "⌖" + text})
	return b
}

// forms are ways to lay the same payload out.
var forms = []struct {
	name string
	lay  func(string) string
}{
	{"pretty", func(s string) string { return s }},
	{"minified", minified},
	{"crlf", func(s string) string { return strings.ReplaceAll(s, "\n", "\r\n") }},
	{"tabs", func(s string) string { return strings.ReplaceAll(s, "  ", "\t") }},
	{"multi-byte", func(s string) string {
		return strings.Replace(minified(s), "Inbound Agent", "Åsa 🤖 e\u0301 日本", 1)
	}},
	{"multi-byte, indented", func(s string) string {
		s = strings.Replace(s, "  \"", "  \"ключ 🔑\": \"\u202e\", \"", 1)
		return "\n\n" + strings.ReplaceAll(s, "\n", "\n\t")
	}},
}

func minified(s string) string {
	lines := strings.Split(s, "\n")
	for i, line := range lines {
		lines[i] = strings.ReplaceAll(strings.TrimLeft(line, " "), `": `, `":`)
	}
	return strings.Join(lines, "")
}

// Each fault gives exactly its issue, at its place, however the payload is laid
// out and wherever in a source it stands.
func TestFaults(t *testing.T) {
	usual := newValidator(t, validate.Options{})
	for _, fault := range allFaults() {
		v := usual
		if rule, _ := validate.RuleByID(fault.want.Rule); rule.Severity == validate.Off {
			v = newValidator(t, validate.Options{Rules: map[string]validate.Severity{rule.ID: validate.Warning}})
		}
		text := text(t, fault)
		for _, form := range forms {
			marked := form.lay(text)
			before, after, ok := strings.Cut(marked, "⌖")
			if !ok {
				t.Fatalf("no mark in %q", fault.edits)
			}
			doc := payload.Document{Source: "f.json", Line: 7, Column: 5, Offset: 100, Body: []byte(before + after)}
			want := fault.want
			want.File, want.Offset = "f.json", 100+int64(len(before))
			lines := strings.Split(before, "\n")
			want.Line, want.Column = 6+len(lines), 1+len([]rune(lines[len(lines)-1]))
			if len(lines) == 1 {
				want.Column += 4
			}
			var got []validate.Issue
			for _, issue := range v.Issues(doc) {
				// A fault in the syntax may stand in the way of other things.
				if issue.Rule == want.Rule || want.Rule != validate.RuleSyntax {
					checkExcerpt(t, doc.Body, issue.Offset-doc.Offset, issue.Excerpt)
					issue.Excerpt = validate.Excerpt{}
					got = append(got, issue)
				}
			}
			if diff := cmp.Diff([]validate.Issue{want}, got); diff != "" {
				t.Errorf("%s %q (-want +got):\n%s", form.name, fault.edits, diff)
			}
		}
	}
	if len(faults) < 60 {
		t.Errorf("%d faults, want at least 60", len(faults))
	}
}

func allFaults() []broken { return slices.Concat(faults, oddities) }

// text is the sample with the fault, and the mark.
func text(t *testing.T, b broken) string {
	t.Helper()
	text := string(julian.Sample())
	for _, e := range b.edits {
		if !strings.Contains(text, e.old) {
			t.Fatalf("%q is not in the sample", e.old)
		}
		text = strings.Replace(text, e.old, e.new, 1)
	}
	return text
}

// Every rule has a fault that breaks it, here or where it is tested by itself.
func TestRules(t *testing.T) {
	tested := map[string]bool{validate.RuleEmpty: true, validate.RuleDepth: true, validate.RuleUnknownField: true, validate.RuleSchema: true}
	for _, fault := range allFaults() {
		tested[fault.want.Rule] = true
	}
	ids := map[string]bool{}
	for _, rule := range validate.Rules {
		if ids[rule.ID] || !tested[rule.ID] || rule.Title == "" || rule.Why == "" || rule.Example == "" {
			t.Errorf("rule %q: twice %t, tested %t, why %q, example %q", rule.ID, ids[rule.ID], tested[rule.ID], rule.Why, rule.Example)
		}
		ids[rule.ID] = true
	}
}

func TestWholeDocument(t *testing.T) {
	for _, tt := range []struct{ name, body, want string }{
		{"nothing", "", "1:1 empty holds no payload"},
		{"white space", " \r\n ", "1:1 empty holds no payload"},
		{"byte order mark", "\ufeff" + string(julian.Sample()), "1:1 encoding begins with a byte order mark"},
		{"UTF-16 little endian", "\xff\xfe{\x00}\x00", "1:1 encoding is UTF-16, want UTF-8"},
		{"UTF-16 without a mark", "\x00{\x00}", "1:1 encoding is UTF-16, want UTF-8"},
		{"line end in a string", "{\n\"a\": \"b\nc\"}", "2:8 syntax line end in a string"},
		{"array", "[]", "1:1 type is an array, want an object"},
		{"scalar", " null", "1:2 type is null, want an object"},
		{"HTML", "<!DOCTYPE html>\n<p>", `1:1 syntax unexpected "<", want a value`},
		{"huge numbers", strings.Replace(string(julian.Sample()), "46", "1e400", 1), ""},
		{"many digits", strings.Replace(string(julian.Sample()), "46", "12345678901234567890", 1), ""},
		{"exponents", strings.Replace(string(julian.Sample()), "46", "-0.0E+0", 1), ""},
		{"optional null", strings.Replace(string(julian.Sample()), `"sequence": {`, `"crmSchedulingDetails": null, "x": {`, 1), ""},
		{"unknown field", strings.Replace(string(julian.Sample()), `"duration"`, `"new": [{"callid": 1}], "duration"`, 1), ""},
		{"free keys", strings.Replace(string(julian.Sample()), `"prospect_name"`, `"callid": 1, "callId"`, 1), ""},
	} {
		var got []string
		for _, issue := range newValidator(t, validate.Options{}).Issues(payload.Document{Body: []byte(tt.body)}) {
			got = append(got, place(issue)+" "+issue.Rule+" "+issue.Message)
		}
		if strings.Join(got, "\n") != tt.want {
			t.Errorf("%s: %q, want %q", tt.name, got, tt.want)
		}
	}
}

// A misspelt name is looked for among the first unknown keys only: to compare
// every key with every missing name could take for ever.
func TestHintsAreBounded(t *testing.T) {
	v := newValidator(t, validate.Options{})
	for others, want := range map[int]string{31: `rename "call_id" to "callId"`, 32: ""} {
		var keys strings.Builder
		for i := range others {
			fmt.Fprintf(&keys, `"other %d": 1, `, i)
		}
		body := bytes.Replace(julian.Sample(), []byte(`"callId"`), []byte(keys.String()+`"call_id"`), 1)
		issues := v.Issues(payload.Document{Body: body})
		if len(issues) != 1 || issues[0].Hint != want {
			t.Errorf("after %d other keys: %+v, want hint %q", others, issues, want)
		}
	}
}

func TestOptions(t *testing.T) {
	body := bytes.Replace(julian.Sample(), []byte(`"duration": 46,`), []byte(`"druation": 46,`), 1)
	off, warn, fail := validate.Off, validate.Warning, validate.Error
	rules := func(id string, s validate.Severity) map[string]validate.Severity {
		return map[string]validate.Severity{id: s}
	}
	const hint = ` rename "druation" to "duration"`
	for _, tt := range []struct {
		o    validate.Options
		want []string
	}{
		{validate.Options{}, []string{"warning required" + hint}},
		{validate.Options{Strict: true}, []string{"error required" + hint}},
		{validate.Options{Rules: rules("required", off), Strict: true}, nil},
		{validate.Options{Rules: rules("required", warn), Strict: true}, []string{"warning required" + hint}},
		{validate.Options{Rules: rules("required", fail)}, []string{"error required" + hint}},
		{validate.Options{Rules: rules("unknown-field", warn)}, []string{"warning required" + hint, `warning unknown-field did you mean "duration"?`}},
		{validate.Options{Rules: rules("unknown-field", fail)}, []string{"warning required" + hint, `error unknown-field did you mean "duration"?`}},
	} {
		var got []string
		for _, issue := range newValidator(t, tt.o).Issues(payload.Document{Body: body}) {
			got = append(got, fmt.Sprintf("%s %s %s", issue.Severity, issue.Rule, issue.Hint))
		}
		if diff := cmp.Diff(tt.want, got); diff != "" {
			t.Errorf("%+v (-want +got):\n%s", tt.o, diff)
		}
	}
	for _, tt := range []struct {
		rules map[string]validate.Severity
		want  string
	}{
		{rules("formt", warn), `rule "formt" does not exist; did you mean "format"?`},
		{rules("zzz", warn), `rule "zzz" does not exist`},
		{rules("format", "loud"), `rule "format": severity "loud" is not one of error, warning, off`},
		{rules("syntax", off), `rule "syntax" is always an error: a body that breaks it cannot be read`},
	} {
		if _, err := validate.New(validate.Options{Rules: tt.rules}); err == nil || err.Error() != tt.want {
			t.Errorf("%v: %v, want %s", tt.rules, err, tt.want)
		}
	}
}

func TestFromError(t *testing.T) {
	for _, tt := range []struct {
		in   string
		want string
	}{
		{"", "<stdin>:1:1 empty holds no payload"},
		{"[{},\n", "<stdin>:2:1 syntax malformed array of payloads: it is not closed"},
	} {
		got := ""
		for _, err := range payload.Read(t.Context(), []string{"-"}, strings.NewReader(tt.in)) {
			if issue, ok := validate.FromError(err); ok {
				got = issue.File + ":" + place(issue) + " " + issue.Rule + " " + issue.Message
			}
		}
		if got != tt.want {
			t.Errorf("%q: %q, want %q", tt.in, got, tt.want)
		}
	}
	for _, err := range payload.Read(t.Context(), []string{"no such file"}, nil) {
		if issue, ok := validate.FromError(err); ok {
			t.Errorf("a missing file is %+v", issue)
		}
	}
}

// A key is found again however many stood between.
func TestDuplicatesAmongMany(t *testing.T) {
	v := newValidator(t, validate.Options{})
	for _, first := range []int{0, 1, 30, 31, 32, 33, 99} {
		for _, again := range []int{31, 32, 33, 34, 100} {
			if again <= first {
				continue
			}
			var keys []string
			for i := range 101 {
				name := i
				if i == again {
					name = first
				}
				keys = append(keys, fmt.Sprintf(`"key %d": 0`, name))
			}
			body := bytes.Replace(julian.Sample(), []byte(`"metadata": {}`), []byte(`"metadata": {`+strings.Join(keys, ",")+`}`), 1)
			var got []string
			for _, i := range v.Issues(payload.Document{Body: body}) {
				got = append(got, i.Rule+" "+i.Pointer)
			}
			want := []string{fmt.Sprintf("duplicate-key /callResult/agentActions/0/metadata/key %d", first)}
			if diff := cmp.Diff(want, got); diff != "" {
				t.Errorf("key %d again at %d (-want +got):\n%s", first, again, diff)
			}
		}
	}
}

func Example() {
	v, err := validate.New(validate.Options{})
	if err != nil {
		fmt.Println(err)
		return
	}
	body := bytes.Replace(julian.Sample(), []byte("Goal Completed"), []byte("goal completed"), 1)
	for _, i := range v.Issues(payload.Document{Source: "sample.json", Line: 1, Column: 1, Body: body}) {
		fmt.Printf("%s:%d:%d: %s[%s] %s: %s\nhint: %s\n", i.File, i.Line, i.Column, i.Severity, i.Rule, i.Pointer, i.Message, i.Hint)
	}
	// Output:
	// sample.json:20:19: error[enum] /callResult/resultType: is "goal completed", want a documented value
	// hint: did you mean "Goal Completed"?
}
