package validate

import (
	"bytes"
	"context"
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/julianctl/julianctl/pkg/cli"
	"github.com/julianctl/julianctl/pkg/cli/clitest"
	"github.com/julianctl/julianctl/pkg/terminal"
	"github.com/julianctl/julianctl/pkg/validate"
)

// The place is right under its text whatever stands before it, and nothing is
// wider than the columns.
func TestUnderline(t *testing.T) {
	long := strings.Repeat("0123456789", 16)
	for _, tt := range []struct {
		name    string
		e       validate.Excerpt
		columns int
		want    string
	}{
		{"as it is", validate.Excerpt{Text: `"a": "busy"`, At: 5, Width: 6}, 40,
			"\"a\": \"busy\"\n     ^~~~~~"},
		{"one character", validate.Excerpt{Text: `{"a": 1}`, At: 0, Width: 1}, 40,
			"{\"a\": 1}\n^"},
		{"behind the end", validate.Excerpt{Text: `{"a": 1`, At: 7}, 40,
			"{\"a\": 1\n       ^"},
		{"after tabs", validate.Excerpt{Text: "\t\t\"a\":\t1,", At: 7, Width: 1}, 40,
			"        \"a\":    1,\n                ^"},
		{"after wide characters", validate.Excerpt{Text: `"名前": 1`, At: 10, Width: 1}, 40,
			"\"名前\": 1\n        ^"},
		{"wide characters", validate.Excerpt{Text: `"a": "日本"`, At: 5, Width: 8}, 40,
			"\"a\": \"日本\"\n     ^~~~~~"},
		{"after combining characters", validate.Excerpt{Text: "\"e\u0301e\u0301\": 1", At: 10, Width: 1}, 40,
			"\"e\u0301e\u0301\": 1\n      ^"},
		{"after emoji", validate.Excerpt{Text: `"👩‍👩‍👧": 1`, At: 22, Width: 1}, 40,
			"\"👩‍👩‍👧\": 1\n      ^"},
		{"after what is not shown", validate.Excerpt{Text: "\"\x1b[2J\": 1", At: 8, Width: 1}, 40,
			"\"\\x1b[2J\": 1\n           ^"},
		{"what is not shown", validate.Excerpt{Text: "\"a\xff\"", At: 2, Width: 1}, 40,
			"\"a\\xff\"\n  ^~~~"},
		{"spaces at the end", validate.Excerpt{Text: "{\"a\": 1,  \r", At: 6, Width: 1}, 40,
			"{\"a\": 1,\n      ^"},
		{"cut by the excerpt", validate.Excerpt{Text: `"a": 1, "b"`, At: 5, Width: 1, Before: true, After: true}, 40,
			"…\"a\": 1, \"b\"…\n      ^"},
		{"too long, place at the beginning", validate.Excerpt{Text: long, At: 2, Width: 3}, 20,
			"012345678901234567…\n  ^~~"},
		{"too long, place in the middle", validate.Excerpt{Text: long, At: 80, Width: 3}, 20,
			"…456789012345678901…\n       ^~~"},
		{"too long, place at the end", validate.Excerpt{Text: long, At: 159, Width: 1}, 20,
			"…234567890123456789\n                  ^"},
		{"too long, place behind the end", validate.Excerpt{Text: long, At: 160}, 20,
			"…34567890123456789\n                  ^"},
		{"a token that is too long", validate.Excerpt{Text: long, At: 80, Width: 80, After: true}, 20,
			"…456789012345678901…\n       ^~~~~~~~~~~~"},
		{"cut in a wide character", validate.Excerpt{Text: strings.Repeat("日", 40) + ": 1, " + long, At: 122, Width: 1}, 17,
			"… 日: 1, 0123456…\n      ^"},
	} {
		text, before, mark := underline(tt.e, tt.columns)
		if d := cmp.Diff(tt.want, text+"\n"+strings.Repeat(" ", before)+mark); d != "" {
			t.Errorf("%s (-want +got):\n%s", tt.name, d)
		}
		if terminal.Cells(text) > tt.columns || before+terminal.Cells(mark) > tt.columns {
			t.Errorf("%s: wider than %d", tt.name, tt.columns)
		}
	}
}

func FuzzUnderline(f *testing.F) {
	f.Add(`{"a": "日本\té"}`, 6, 3, 20)
	f.Add("\x1b[2J::error::x\u202e\xff", 1, 9, 30)
	f.Fuzz(func(t *testing.T, text string, at, width, columns int) {
		e := validate.Excerpt{Text: text, At: max(0, min(at, len(text)))}
		e.Width = max(0, min(width, len(text)-e.At))
		columns = max(minRoom, min(columns, 200))
		line, before, mark := underline(e, columns)
		if terminal.Cells(line) > columns || before < 0 || before+terminal.Cells(mark) > columns || !strings.HasPrefix(mark, "^") {
			t.Errorf("%q, %d columns: %q, %d, %q", text, columns, line, before, mark)
		}
		if bad := harmful.FindString("| " + line); bad != "" {
			t.Errorf("%q is shown of %q", bad, text)
		}
	})
}

// looked is what a person who looks on sees of a validation.
func looked(t *testing.T, columns int, o options, documents string) string {
	t.Helper()
	a := clitest.App(t)
	var out bytes.Buffer
	a.In, a.Out, a.Err = strings.NewReader(documents), terminal.NewOutput(&out), terminal.NewOutput(&out)
	a.Style, a.ErrStyle = a.Styles("never")
	o.format, o.jobs = "text", 1
	v, err := validate.New(validate.Options{})
	if err != nil {
		t.Fatal(err)
	}
	p := newPrinter(a, o)
	p.columns = columns
	for result := range v.Stream(context.Background(), []string{"-"}, a.In, 1) {
		p.result(result)
	}
	if _, err := p.summary(); err != nil {
		t.Fatal(err)
	}
	return out.String()
}

func TestIssueText(t *testing.T) {
	const body = `{
  "agentId": "agent.1", "callId": 7,
  "callResult": {"resultType": "busy"}
}
`
	t.Run("one of each kind", func(t *testing.T) {
		want := `<stdin>:1:1: warning[required] /agentName: is missing
 1 | {
   | ^
   = and 11 more like this: /name, /phoneNumber, /phoneNumberExt, …

<stdin>:2:35: error[type] /callId: is 7, want a string
 2 |   "agentId": "agent.1", "callId": 7,
   |                                   ^

<stdin>:3:17: warning[required] /callResult/summary: is missing
 3 |   "callResult": {"resultType": "busy"}
   |                 ^
   = and 5 more like this: /callResult/extractedVariables, …

<stdin>:3:32: error[enum] /callResult/resultType:
   is "busy", want a documented value
 3 |   "callResult": {"resultType": "busy"}
   |                                ^~~~~~
   = hint: did you mean "Busy"?

1 of 1 payload invalid: 2 errors, 18 warnings
`
		if d := cmp.Diff(want, looked(t, 80, options{}, body)); d != "" {
			t.Errorf("(-want +got):\n%s", d)
		}
	})
	// --max-issues counts what is shown as one.
	t.Run("the first", func(t *testing.T) {
		want := `<stdin>:1:1: warning[required] /agentName: is missing
 1 | {
   | ^
   = and 11 more like this: /name, /phoneNumber, …

1 of 1 payload invalid: 2 errors, 18 warnings (8 not shown: 1 enum 18 required 1 type)
`
		if d := cmp.Diff(want, looked(t, 60, options{maxIssues: 1}, body)); d != "" {
			t.Errorf("(-want +got):\n%s", d)
		}
	})
	t.Run("no place", func(t *testing.T) {
		want := "<stdin>:1:1: error[empty]: holds no payload\n\ninvalid: 1 error, 0 warnings\n"
		if d := cmp.Diff(want, looked(t, 60, options{}, " ")); d != "" {
			t.Errorf("(-want +got):\n%s", d)
		}
	})
	t.Run("many documents", func(t *testing.T) {
		sample := cli.CompactJSON(hostile) // any string
		got := looked(t, 70, options{}, strings.Repeat("[1]\n{\"a\": "+sample+"}\n{x\n", 9))
		for _, bad := range harmful.FindAllString(got, 1) {
			t.Errorf("%q is shown", bad)
		}
		for line := range strings.Lines(got) {
			if terminal.Cells(strings.TrimSuffix(line, "\n")) > 70 {
				t.Errorf("wider than the terminal: %s", line)
			}
		}
	})
}

func TestKindOf(t *testing.T) {
	a := validate.Issue{File: "a", Rule: "enum", Severity: validate.Error, Pointer: "/x/0/y", Message: `is "a \"1", want a value`}
	with := func(change func(*validate.Issue)) validate.Issue {
		b := a
		change(&b)
		return b
	}
	missing := with(func(i *validate.Issue) { i.Message = "is missing" })
	for _, tt := range []struct {
		name string
		a, b validate.Issue
		same bool
	}{
		{"another value", a, with(func(i *validate.Issue) { i.Message = `is "b", want a value` }), true},
		{"another line", a, with(func(i *validate.Issue) { i.Line = 7 }), true},
		{"another element", a, with(func(i *validate.Issue) { i.Pointer = "/x/12/y" }), true},
		{"another field", a, with(func(i *validate.Issue) { i.Pointer = "/x/0/z" }), false},
		{"another missing field", missing, with(func(i *validate.Issue) { i.Message, i.Pointer = "is missing", "/x/0/z" }), true},
		{"missing elsewhere", missing, with(func(i *validate.Issue) { i.Message, i.Pointer = "is missing", "/z" }), false},
		{"other words", a, with(func(i *validate.Issue) { i.Message = `is "a", want a word` }), false},
		{"another rule", a, with(func(i *validate.Issue) { i.Rule = "type" }), false},
		{"another severity", a, with(func(i *validate.Issue) { i.Severity = validate.Warning }), false},
		{"another file", a, with(func(i *validate.Issue) { i.File = "b" }), false},
	} {
		if got := kindOf(tt.a) == kindOf(tt.b); got != tt.same {
			t.Errorf("%s: the same is %v", tt.name, got)
		}
	}
}

// Without end, but with a bound on what is remembered.
func TestGroupsAreBounded(t *testing.T) {
	a := clitest.App(t)
	var out bytes.Buffer
	a.Out = terminal.NewOutput(&out)
	a.Style, a.ErrStyle = a.Styles("never")
	p := newPrinter(a, options{format: "text"})
	p.columns = 80
	for n := range 3 * maxGroups {
		for m := range 2 * maxNames {
			p.gather(validate.Issue{File: "f", Line: m + 1, Column: 1, Pointer: fmt.Sprintf("/x%d/%d", n, m), Message: "is missing"})
		}
		if len(p.groups.order) > maxGroups || len(p.groups.order[0].pointers) > maxNames {
			t.Fatalf("%d groups", len(p.groups.order))
		}
	}
	if err := p.flush(); err != nil {
		t.Fatal(err)
	}
	if n := strings.Count(out.String(), fmt.Sprintf("and %d more like this: ", 2*maxNames-1)); n != 3*maxGroups {
		t.Errorf("%d groups were shown, want %d", n, 3*maxGroups)
	}
	if !strings.Contains(out.String(), ", …, up to line 80\n") {
		t.Error("the last line is not said")
	}
}
