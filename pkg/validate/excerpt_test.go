package validate_test

import (
	"bytes"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"
	"github.com/julianctl/julianctl/pkg/julian"
	"github.com/julianctl/julianctl/pkg/payload"
	"github.com/julianctl/julianctl/pkg/validate"
)

// checkExcerpt compares an excerpt with the line that it must come from.
func checkExcerpt(t *testing.T, body []byte, offset int64, e validate.Excerpt) {
	t.Helper()
	start := bytes.LastIndexByte(body[:offset], '\n') + 1
	line, _, more := bytes.Cut(body[start:], []byte("\n"))
	if more {
		line = bytes.TrimSuffix(line, []byte("\r"))
	}
	at := min(int(offset)-start, len(line)) // a place may be the line's end
	from := at - e.At
	to := from + len(e.Text)
	if from < 0 || to > len(line) || string(line[from:to]) != e.Text {
		t.Fatalf("the excerpt of offset %d in %q is %+v", offset, body, e)
	}
	if e.Before != (from > 0) || e.After != (to < len(line)) || len(e.Text) > 160 || e.At+e.Width > len(e.Text) {
		t.Errorf("the excerpt of offset %d in %q is %+v", offset, line, e)
	}
	if e.Width == 0 && e.At < len(e.Text) {
		t.Errorf("nothing is marked in %+v", e)
	}
	if utf8.Valid(body) && !utf8.ValidString(e.Text) {
		t.Errorf("%+v is cut in the middle of a character", e)
	}
}

func TestExcerpt(t *testing.T) {
	v := newValidator(t, validate.Options{})
	sample := string(julian.Sample())
	mini := minified(sample)
	for _, tt := range []struct {
		name, body string
		want       validate.Excerpt
	}{
		{"string", strings.Replace(sample, "Goal Completed", `goal \"comp\"leted`, 1),
			validate.Excerpt{Text: `    "resultType": "goal \"comp\"leted",`, At: 18, Width: 20}},
		{"number", strings.Replace(sample, `"Victor Wembly"`, "-1.5e+3", 1), validate.Excerpt{Text: `  "name": -1.5e+3,`, At: 10, Width: 7}},
		{"literal", strings.Replace(sample, "46", "false", 1), validate.Excerpt{Text: `  "duration": false,`, At: 14, Width: 5}},
		{"word", strings.Replace(sample, "46", "NaN", 1), validate.Excerpt{Text: `  "duration": NaN,`, At: 14, Width: 3}},
		{"key", strings.Replace(sample, `"duration"`, `"duration": 1, "duration"`, 1), validate.Excerpt{Text: `  "duration": 1, "duration": 46,`, At: 17, Width: 10}},
		{"object", strings.Replace(sample, `  "sequenceId": "call-sequence.xyz123",`, "", 1), validate.Excerpt{Text: `  "sequence": {`, At: 14, Width: 1}},
		{"escape", strings.Replace(sample, "Wembly", `\udc00!`, 1), validate.Excerpt{Text: `  "name": "Victor \udc00!",`, At: 18, Width: 6}},
		{"wrong escape", strings.Replace(sample, "Wembly", `\x00!`, 1), validate.Excerpt{Text: `  "name": "Victor \x00!",`, At: 18, Width: 2}},
		{"wide character", strings.Replace(sample, `"Victor Wembly"`, "“Victor”", 1), validate.Excerpt{Text: `  "name": “Victor”,`, At: 10, Width: 3}},
		{"windows", strings.Replace(strings.ReplaceAll(sample, "\n", "\r\n"), "46", "true", 1), validate.Excerpt{Text: `  "duration": true,`, At: 14, Width: 4}},
		{"line end in a string", strings.Replace(sample, "Wembly", "\r\n", 1), validate.Excerpt{Text: `  "name": "Victor `, At: 18}},
		{"cut off", `{"callId": "a"`, validate.Excerpt{Text: `{"callId": "a"`, At: 14}},
		{"cut off after a line end", "{\n", validate.Excerpt{}},
		{"nothing", "", validate.Excerpt{}},
		{"start of a long line", strings.Replace(mini, `"agent.abc123"`, `""`, 1),
			validate.Excerpt{Text: strings.Replace(mini, `"agent.abc123"`, `""`, 1)[:160], At: 11, Width: 2, After: true}},
		{"middle of a long line", strings.Replace(mini, ":46,", ":\"46\",", 1),
			validate.Excerpt{Text: around(strings.Replace(mini, ":46,", ":\"46\",", 1), `"46"`), At: 60, Width: 4, Before: true, After: true}},
		{"end of a long line", mini + "]", validate.Excerpt{Text: (mini + "]")[len(mini)+1-160:], At: 159, Width: 1, Before: true}},
		{"long token", strings.Replace(sample, "Goal Completed", strings.Repeat("é", 200), 1),
			validate.Excerpt{Text: `    "resultType": "` + strings.Repeat("é", 70), At: 18, Width: 141, After: true}},
		{"many wide characters", strings.Replace(mini, ":46,", ":46, \"x"+strings.Repeat("日", 100)+"\": 1 1", 1),
			validate.Excerpt{Text: strings.Repeat("日", 18) + `": 1 1` + mini[strings.Index(mini, ":46,")+4:][:99], At: 59, Width: 1, Before: true, After: true}},
	} {
		issues := v.Issues(payload.Document{Body: []byte(tt.body)})
		if len(issues) == 0 {
			t.Fatalf("%s: no issue", tt.name)
		}
		last := issues[len(issues)-1]
		if diff := cmp.Diff(tt.want, last.Excerpt); diff != "" {
			t.Errorf("%s (-want +got):\n%s", tt.name, diff)
		}
		checkExcerpt(t, []byte(tt.body), last.Offset, last.Excerpt)
	}
}

// around is the 160 bytes of a line that show a text in its middle.
func around(line, text string) string {
	at := strings.Index(line, text)
	return line[at-60 : at+100]
}
