package report_test

import (
	"encoding/json"
	"encoding/xml"
	"errors"
	"flag"
	"fmt"
	"html"
	"io"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"
	"unicode"

	"github.com/google/go-cmp/cmp"
	"github.com/julianctl/julianctl/pkg/report"
	"github.com/julianctl/julianctl/pkg/units"
	"github.com/julianctl/julianctl/pkg/validate"
)

var update = flag.Bool("update", false, "rewrite the files that tests hold current")

// validated is a report with everything in it that a validation may bring.
func validated() report.Report {
	r := report.Report{
		Name: "validate", Version: "1.2.3", Rules: validate.Rules[:6:6],
		Started: time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC), Took: 1500 * time.Millisecond,
	}
	r.Rules = append(r.Rules, validate.Rule{ID: "enum", Title: "a title", Why: "A reason.", Example: `{"a": 1}`, Severity: validate.Error},
		validate.Rule{ID: "unknown-field", Title: "another", Why: "Another.", Example: `{}`, Severity: validate.Off})
	bad := func(line int, pointer string, severity validate.Severity, message string) validate.Issue {
		return validate.Issue{File: "some dir/bad: 100%.json", Line: line, Column: 4, Pointer: pointer, Rule: "enum", Severity: severity, Message: message, Hint: `did you mean "Busy"?`}
	}
	r.Add(report.OfDocument("good.json:1", nil))
	r.Add(report.OfDocument("some dir/bad: 100%.json:1", []validate.Issue{
		bad(3, "/callResult/resultType", validate.Error, `is "busy", want a documented value`),
		bad(4, "", validate.Warning, `an <odd> & "old" [payload](https://example.com)`),
		bad(5, "", validate.Warning, `an <odd> & "old" [payload](https://example.com)`),
	}))
	r.Add(report.OfDocument("warn.json:7", []validate.Issue{{File: "warn.json", Line: 7, Column: 1, Rule: "a-rule-of-tomorrow", Severity: validate.Warning, Message: "is odd"}}))
	r.Add(report.Case{Name: "/gone.json", Verdict: report.Undecided, Message: "no such file", Findings: []validate.Issue{
		{File: "/gone.json", Rule: "unreadable", Severity: validate.Error, Message: "no such file"},
	}})
	return r
}

// checked is a report without places.
func checked() report.Report {
	return report.Report{Name: "check", Cases: []report.Case{
		{Name: "sample", Title: "accepts the sample", Group: "accepts", Verdict: report.Pass},
		{Name: "repeat", Group: "idempotency", Verdict: report.Fail, Message: "first 204, repeat 500",
			Detail: "first: 204 in 1.0 ms", Why: "deliveries may repeat", Hint: "a unique key on callId", Rerun: "julianctl check --only repeat"},
		{Name: "budget", Group: "speed", Verdict: report.Warn, Message: "p99 is close"},
		{Name: "malformed", Group: "robustness", Verdict: report.Undecided, Message: "nobody answered"},
		{Name: "off", Group: "security", Verdict: report.Skip, Message: "not asked for"},
	}}
}

// What stayed undecided for one reason is told once, and counted whole; what was
// accepted is a warning.
func TestAlikeAndAccepted(t *testing.T) {
	const why = "cannot connect to 127.0.0.1:1"
	r := report.Report{Name: "check"}
	for _, name := range []string{"a", "b", "c", "d", "e", "f"} {
		r.Add(report.Case{Name: name, Title: "does " + name, Verdict: report.Undecided, Message: why})
	}
	r.Add(report.Case{Name: "other", Verdict: report.Undecided, Message: "no probe", Accepted: "as in the baseline"})
	r.Add(report.Case{Name: "repeat", Verdict: report.Fail, Message: "2 effects", Accepted: "as in the baseline", Detail: "rerun: x"})
	r.Add(report.Case{Name: "g", Verdict: report.Undecided, Message: "no probe"})
	for format, fullMessage := range map[string][]string{
		"github": {
			"::error title=julianctl check%3A a and 5 more::" + why + "\n", "::error title=julianctl check%3A g::no probe\n",
			"::warning title=julianctl check%3A other::as in the baseline: no probe\n",
			"::warning title=julianctl check%3A repeat::as in the baseline: 2 effects%0Arerun: x\n",
		},
		"markdown": {"\n1 failed, 8 undecided, 2 of them accepted\n", "<code>a and 5 more</code>", "<td>⚠️</td><td><code>repeat</code>"},
		"html":     {"1 failed, 8 undecided, 2 of them accepted</h1>", why + " <small>6 times</small>", "as in the baseline: 2 effects"},
		"junit": {
			` tests="9" failures="0" errors="7" skipped="0" `,
			"<system-out><![CDATA[warning: as in the baseline: 2 effects\nrerun: x]]></system-out>",
		},
	} {
		out := write(t, format, r)
		for _, text := range fullMessage {
			if strings.Count(out, text) != 1 {
				t.Errorf("%s does not say %q once:\n%s", format, text, out)
			}
		}
	}
	two := report.Report{Name: "check", Cases: r.Cases[:2]}
	if out := write(t, "github", two); !strings.Contains(out, "check%3A a%2C b::"+why+"\n") {
		t.Errorf("few are named: %s", out)
	}
}

// Text from outside is no Markdown, wherever it stands.
func TestMarkdownQuotes(t *testing.T) {
	const text = "<b>[x](http://127.0.0.1/) @all"
	r := report.Report{Name: "check", Overview: &report.Overview{Title: "1 < 2", Next: []report.Fact{{Name: "Rerun", Value: text}}}}
	r.Add(report.Case{Name: text, Title: "is", Group: text, Verdict: report.Pass})
	const code = "<code>&lt;b&gt;[x](http://127.0.0.1/) @all</code>"
	if got, want := write(t, "markdown", r), "### julianctl check\n\n1 &lt; 2\n\nRerun: "+code+"\n\n✅ "+code+": "+code+"\n"; got != want {
		t.Errorf("got:\n%s\nwant:\n%s", got, want)
	}
}

func TestFormats(t *testing.T) {
	for _, f := range report.Formats {
		for name, r := range map[string]report.Report{"validate": validated(), "check": checked(), "empty": {Name: "validate"}} {
			if f.Places && name == "check" {
				continue
			}
			t.Run(f.Name+"/"+name, func(t *testing.T) {
				out := write(t, f.Name, r)
				got := out
				if f.Name == "html" { // without what all pages share
					_, got, _ = strings.Cut(out, "<body>\n")
					got, _, _ = strings.Cut(got, "<script")
				}
				path := filepath.Join("testdata", name+"."+f.Name)
				if *update {
					if err := os.WriteFile(path, []byte(got), 0o600); err != nil {
						t.Fatal(err)
					}
				}
				want, err := os.ReadFile(path)
				if err != nil {
					t.Fatal(err)
				}
				if diff := cmp.Diff(string(want), got); diff != "" {
					t.Errorf("%s (-want +got):\n%s", path, diff)
				}
				readers[f.Name](t, r, out)
			})
		}
	}
}

// readers read each format as those do for whom it is, and compare what they
// find with the report.
var readers = map[string]func(testing.TB, report.Report, string){
	"junit": readJUnit, "sarif": readSARIF, "github": readGitHub, "gitlab": readGitLab, "markdown": readMarkdown, "html": readHTML,
}

func TestEachFormatIsRead(t *testing.T) {
	for _, f := range report.Formats {
		if readers[f.Name] == nil {
			t.Errorf("nobody reads %s in this test", f.Name)
		}
	}
}

// hostile text, as a payload, a file name or an endpoint may hold it.
var hostile = []string{
	"a\x1b[31m\x07\r\n\t\x7f\u0085\u009b\u200b\u202e\u2066\ufeff\u061c\U000e0041é😀\xff\x00",
	"::error::pwned", "x\n::add-mask::y", "\r\n::set-env name=PATH::/evil", "%0A::error::x", "%250A", "a,title=x::y", "a=b,line=9", "=x",
	"##[error]x", "##[add-path]/evil", "##vso[task.complete]x", "##teamcity[x]",
	"</td></tr></table>\n\n# pwned\n\n[x](https://evil)", "`x` | y \\| ![z](https://evil/pixel)", "<script>alert(1)</script><!--", "@someone #1 https://evil.example",
	"]]>&amp;<![CDATA[", "&#x1b;\"'", ":", "::", "[click](https://evil)", `\[x](1)`, "{0} {{", "C:\\x\\y", "//host/share", "a:b/c d?e#f%", "../../x", "", " ", "é/日本.json",
	strings.Repeat("long ", 2000),
}

func TestHostileText(t *testing.T) {
	for _, text := range hostile {
		for _, f := range report.Formats {
			for _, r := range hostileReports(f, text) {
				out := write(t, f.Name, r)
				checkShown(t, f.Name, out)
				readers[f.Name](t, r, out)
			}
		}
	}
}

func FuzzFormats(f *testing.F) {
	for _, text := range hostile {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		for _, f := range report.Formats {
			if f.Name == "sarif" {
				continue // the schema is slow, and the JSON is that of gitlab
			}
			for _, r := range hostileReports(f, text) {
				out := write(t, f.Name, r)
				checkShown(t, f.Name, out)
				readers[f.Name](t, r, out)
			}
		}
	})
}

func hostileReports(f report.Format, text string) []report.Report {
	if f.Places {
		return []report.Report{hostileReport(text)}
	}
	return []report.Report{hostileReport(text), hostileCheck(text)}
}

// hostileReport holds text wherever a report may hold what others wrote.
func hostileReport(text string) report.Report {
	r := report.Report{Name: "validate", Rules: validate.Rules}
	issue := validate.Issue{File: text, Line: 2, Column: 3, Pointer: "/" + text, Rule: "enum", Severity: validate.Error, Message: text, Hint: text}
	r.Add(report.OfDocument(text, []validate.Issue{issue, issue}))
	r.Add(report.OfDocument(text, []validate.Issue{issue}))
	issue.Severity = validate.Warning
	r.Add(report.OfDocument(text, []validate.Issue{issue}))
	r.Add(report.Case{Name: text, Verdict: report.Undecided, Message: text, Findings: []validate.Issue{{File: text, Rule: "unreadable", Severity: validate.Error, Message: text}}})
	return r
}

func hostileCheck(text string) report.Report {
	return report.Report{Name: "check", Cases: []report.Case{
		{Name: text, Group: "g", Verdict: report.Fail, Message: text, Detail: text + "\n" + text},
		{Name: text, Group: "g", Verdict: report.Undecided, Message: text},
		{Name: "c", Group: "g", Verdict: report.Warn, Message: text, Detail: text},
		{Name: "d", Group: "g", Verdict: report.Skip, Message: text},
	}}
}

// checkShown fails on output that could act where it is shown as it is.
func checkShown(t testing.TB, format, out string) {
	t.Helper()
	for _, r := range out {
		if r != '\n' && r != '\t' && (unicode.Is(unicode.Cc, r) || unicode.Is(unicode.Bidi_Control, r)) || r == 0xe0041 {
			t.Errorf("%s holds %U:\n%.2000q", format, r, out)
			return
		}
	}
	for line := range strings.Lines(out) {
		for _, mark := range []string{"##[", "##vso[", "##teamcity["} {
			if strings.Contains(strings.ToLower(line), mark) {
				t.Errorf("%s holds a command: %.2000q", format, line)
			}
		}
		// No command's name begins with a digit, but the line and column do
		// after a file called ":".
		if c, ok := parseGitHub(line); ok && format != "github" && strings.Trim(c.name[:min(1, len(c.name))], "0123456789") != "" {
			t.Errorf("%s holds a command of GitHub: %.2000q", format, line)
		}
	}
}

// readJUnit reads as strictly as the schema that Jenkins publishes: no other
// elements and attributes than these, and numbers that are right.
func readJUnit(t testing.TB, r report.Report, out string) {
	t.Helper()
	allowed := map[string]string{
		"testsuites": "", "testsuite": "name tests failures errors skipped time timestamp", "testcase": "name classname time",
		"failure": "message type", "error": "message type", "skipped": "message", "system-out": "",
	}
	dec := xml.NewDecoder(strings.NewReader(out))
	seen := map[string]int{}
	names := map[string]bool{}
	var suite xml.StartElement
	for {
		token, err := dec.Token()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			t.Fatalf("no XML: %v\n%.2000s", err, out)
		}
		start, ok := token.(xml.StartElement)
		if !ok {
			continue
		}
		seen[start.Name.Local]++
		attributes, known := allowed[start.Name.Local]
		if !known {
			t.Errorf("element %s", start.Name.Local)
		}
		for _, a := range start.Attr {
			if !slices.Contains(strings.Fields(attributes), a.Name.Local) {
				t.Errorf("attribute %s of %s", a.Name.Local, start.Name.Local)
			}
			if start.Name.Local == "testcase" && a.Name.Local == "name" {
				if names[a.Value] {
					t.Errorf("two test cases are called %q", a.Value)
				}
				names[a.Value] = true
			}
			if strings.ContainsRune(a.Value, unicode.ReplacementChar) && !strings.ContainsRune(fmt.Sprint(r), unicode.ReplacementChar) {
				t.Errorf("%s of %s lost a character: %q", a.Name.Local, start.Name.Local, a.Value)
			}
		}
		if start.Name.Local == "testsuite" {
			suite = start.Copy()
		}
	}
	for _, a := range suite.Attr {
		element := map[string]string{"tests": "testcase", "failures": "failure", "errors": "error", "skipped": "skipped"}[a.Name.Local]
		if element != "" && a.Value != fmt.Sprint(seen[element]) {
			t.Errorf("%s=%q, but there are %d", a.Name.Local, a.Value, seen[element])
		}
	}
	if len(names) < len(r.Cases) {
		t.Errorf("%d test cases of %d", len(names), len(r.Cases))
	}
}

// gitHubCommand is a command as the runner finds it in a line.
type gitHubCommand struct {
	name       string
	properties map[string]string
	data       string
}

// parseGitHub follows ActionCommand.TryParseV2 of actions/runner.
func parseGitHub(line string) (gitHubCommand, bool) {
	unescape := func(s string, escapes ...string) string {
		for i := 0; i < len(escapes); i += 2 {
			s = strings.ReplaceAll(s, escapes[i], escapes[i+1])
		}
		return s
	}
	line, found := strings.CutPrefix(strings.TrimLeftFunc(line, unicode.IsSpace), "::")
	info, data, ends := strings.Cut(line, "::")
	if !found || !ends {
		return gitHubCommand{}, false
	}
	c := gitHubCommand{properties: map[string]string{}, data: unescape(data, "%0D", "\r", "%0A", "\n", "%25", "%")}
	name, properties, _ := strings.Cut(info, " ")
	c.name = name
	for property := range strings.SplitSeq(strings.TrimSpace(properties), ",") {
		key, value, _ := strings.Cut(property, "=")
		if value = strings.TrimLeft(value, "="); value != "" {
			c.properties[key] = unescape(value, "%0D", "\r", "%0A", "\n", "%3A", ":", "%2C", ",", "%25", "%")
		}
	}
	return c, true
}

// readGitHub finds each command to be one of ours, with what was meant.
func readGitHub(t testing.TB, r report.Report, out string) {
	t.Helper()
	var got []gitHubCommand
	for line := range strings.Lines(out) {
		c, ok := parseGitHub(strings.TrimSuffix(line, "\n"))
		if !ok {
			t.Fatalf("no command: %q", line)
		}
		got = append(got, c)
	}
	var want []gitHubCommand
	for _, severity := range []string{"error", "warning"} {
		for _, c := range r.Cases {
			issues := c.Findings
			if len(issues) == 0 && c.Verdict != report.Pass && c.Verdict != report.Skip {
				hint := c.Detail
				if c.Hint != "" {
					hint = fmt.Sprintf("hint: %s\nwhy: %s\n%s\nrerun: %s", c.Hint, c.Why, c.Detail, c.Rerun)
				}
				issues = []validate.Issue{{Rule: c.Name, Message: c.Message, Hint: hint, Severity: map[bool]validate.Severity{true: "warning", false: "error"}[c.Verdict == report.Warn]}}
			}
			for _, i := range issues {
				if string(i.Severity) != severity {
					continue
				}
				command := gitHubCommand{name: severity, properties: map[string]string{"title": shortTitle("julianctl " + r.Name + ": " + i.Rule)}}
				if i.File != "" {
					if file := strings.TrimLeft(safeLine(i.File), "="); file != "" {
						command.properties["file"] = file
					}
					if i.Line > 0 {
						command.properties["line"], command.properties["col"] = fmt.Sprint(i.Line), fmt.Sprint(i.Column)
					}
				}
				text := i.Message
				if i.Pointer != "" {
					text = i.Pointer + ": " + text
				}
				command.data = safeLine(text)
				if i.Hint != "" {
					command.data += "\n" + safeText(i.Hint)
				}
				want = append(want, command)
			}
		}
	}
	if len(want) > 9 {
		t.Fatal("this reader is for small reports")
	}
	for i := range want {
		if len(want[i].data) > 4000 {
			want[i].data = strings.ToValidUTF8(want[i].data[:4000], "") + "…"
		}
	}
	if diff := cmp.Diff(want, got, cmp.AllowUnexported(gitHubCommand{})); diff != "" {
		t.Errorf("commands (-want +got):\n%s", diff)
	}
}

// shortTitle is a title as it is meant, and then trimmed as the runner does.
func shortTitle(s string) string {
	if s = safeLine(s); len(s) > 200 {
		s = strings.ToValidUTF8(s[:200], "") + "…"
	}
	return strings.TrimRightFunc(s, unicode.IsSpace)
}

func readGitLab(t testing.TB, r report.Report, out string) {
	t.Helper()
	var entries []struct {
		Description, Fingerprint, Severity string
		CheckName                          string `json:"check_name"`
		Location                           struct {
			Path  string
			Lines struct{ Begin int }
		}
	}
	if err := json.Unmarshal([]byte(out), &entries); err != nil {
		t.Fatalf("no JSON: %v\n%s", err, out)
	}
	seen := map[string]bool{}
	paths := map[string]bool{}
	for _, c := range r.Cases {
		for _, f := range c.Findings {
			paths[strings.ToValidUTF8(f.File, "\ufffd")] = true
		}
	}
	for _, e := range entries {
		if e.CheckName == "" || e.Location.Lines.Begin < 1 || !slices.Contains([]string{"info", "minor", "major", "critical", "blocker"}, e.Severity) {
			t.Errorf("%+v", e)
		}
		if len(e.Fingerprint) != 32 || seen[e.Fingerprint] {
			t.Errorf("fingerprint %q is not unique", e.Fingerprint)
		}
		seen[e.Fingerprint] = true
		// An invalid byte may be one character in place of each, or of several.
		if len(paths) > 0 && !paths[e.Location.Path] && !strings.ContainsRune(e.Location.Path, unicode.ReplacementChar) {
			t.Errorf("path %q is none of %v", e.Location.Path, paths)
		}
		checkShown(t, "gitlab's description", e.Description)
	}
}

// markdownTag are the only tags, and none has an attribute.
var markdownTag = regexp.MustCompile(`</?(?:table|tr|th|td|code)>|<br>`)

// markdownTail is what may follow the table: how many findings are left, what to do
// next, and what passed.
var markdownTail = regexp.MustCompile("^(?:\nand [\\d,]+ more: [\\d,]+ errors?, [\\d,]+ warnings?\n)?(?:\n(?:Rerun|✅ (?:<code>[^<\n]*</code>)?): <code>[^<\n]*</code>\n)*$")

func readMarkdown(t testing.TB, r report.Report, out string) {
	t.Helper()
	head, table, found := strings.Cut(out, "<table>\n")
	if strings.ContainsAny(head, "<[`") {
		t.Errorf("the head is more than numbers: %q", head)
	}
	if !found {
		return
	}
	table, tail, found := strings.Cut(table, "</table>\n")
	if !found || strings.Contains(table, "\n\n") || tail != "" && !markdownTail.MatchString(tail) {
		t.Fatalf("the table is no block: %q", out)
	}
	if text := markdownTag.ReplaceAllString(table, ""); strings.ContainsAny(text, "<>") {
		t.Errorf("the table holds more than text: %q", text)
	}
	for line := range strings.Lines(table) {
		if !strings.HasPrefix(line, "<tr>") || !strings.HasSuffix(line, "</tr>\n") {
			t.Errorf("line %q is no row", line)
		}
	}
	for _, c := range r.Cases[:min(len(r.Cases), 100)] {
		for _, f := range c.Findings {
			if message := safeLine(f.Message); !strings.Contains(html.UnescapeString(table), message) {
				t.Errorf("the table does not hold %q", message)
			}
		}
	}
}

func TestReportsAreBounded(t *testing.T) {
	const documents = 100_000
	r := report.Report{Name: "validate"}
	issue := validate.Issue{File: "calls.ndjson", Line: 1, Column: 1, Rule: "enum", Severity: validate.Warning, Message: "is odd"}
	for n := range documents {
		issue.Line = n + 1
		r.Add(report.OfDocument(fmt.Sprintf("calls.ndjson:%d", n+1), []validate.Issue{issue}))
	}
	issue.Severity = validate.Error
	r.Add(report.OfDocument("last.json:1", []validate.Issue{issue})) // many warnings do not crowd it out
	want := report.Tally{
		Cases:    map[report.Verdict]int{report.Warn: documents, report.Fail: 1},
		Findings: map[validate.Severity]int{validate.Warning: documents, validate.Error: 1},
	}
	if diff := cmp.Diff(want, r.Total()); diff != "" {
		t.Errorf("total (-want +got):\n%s", diff)
	}
	if len(r.Cases) != 5001 || r.Cases[5000].Name != "last.json:1" {
		t.Errorf("%d cases are listed", len(r.Cases))
	}
	issue.Excerpt = validate.Excerpt{Text: "a piece of the payload"}
	many := report.Report{Name: "validate"}
	many.Add(report.OfDocument("many.json:1", slices.Repeat([]validate.Issue{issue}, 6000)))
	for range 6000 {
		many.Add(report.Case{Name: "good.json:1", Verdict: report.Pass})
	}
	if len(many.Cases) != 5001 || len(many.Cases[0].Findings) != 5000 {
		t.Errorf("%d cases are listed, %d findings", len(many.Cases), len(many.Cases[0].Findings))
	}
	if got := many.Cases[0].Findings[0].Excerpt; got != (validate.Excerpt{}) {
		t.Errorf("a report holds %+v", got)
	}
	if total := many.Total(); total.Cases[report.Pass] != 6000 || total.Findings[validate.Error] != 6000 {
		t.Errorf("total %v", total)
	}
	rest := documents - 5000
	for name, fullMessage := range map[string]string{
		"junit":    fmt.Sprintf(`<skipped message="not listed: %s passed with warnings">`, units.Number(rest)),
		"sarif":    fmt.Sprintf(`"toolExecutionNotifications":[{"level":"warning","message":{"text":"and %s more: 0 errors, %s warnings"}`, units.Number(rest), units.Number(rest)),
		"gitlab":   fmt.Sprintf(`"description":"and %s more: 0 errors, %s warnings","check_name":"not-listed"`, units.Number(rest), units.Number(rest)),
		"markdown": fmt.Sprintf("\n\n%s passed with warnings, 1 failed: 1 error, %s warnings\n", units.Number(documents), units.Number(documents)),
		"github":   fmt.Sprintf("\n::notice title=julianctl validate::and %s more: 0 errors, %s warnings\n", units.Number(documents-8), units.Number(documents-8)),
	} {
		out := write(t, name, r)
		if !strings.Contains(out, fullMessage) {
			t.Errorf("%s does not say %q: …%s", name, fullMessage, out[max(0, len(out)-500):])
		}
		if name != "github" {
			readers[name](t, r, out)
		}
	}
}

func TestReportsBoundText(t *testing.T) {
	r := report.Report{Name: "validate"}
	issue := validate.Issue{File: "a", Line: 1, Column: 1, Rule: "enum", Severity: validate.Error, Message: strings.Repeat("x", 10_000)}
	for range 2000 {
		r.Add(report.OfDocument("a", []validate.Issue{issue}))
	}
	if n := len(r.Cases); n > 900 || n < 100 {
		t.Errorf("%d cases of 20,000 bytes are listed", n)
	}
	if n := r.Total().Findings[validate.Error]; n != 2000 {
		t.Errorf("%d findings are counted", n)
	}
	for _, c := range r.Cases {
		if len(c.Findings) == 0 {
			t.Error("a case that failed is listed without its findings")
		}
	}
	checks := report.Report{Name: "check"}
	for range 2000 {
		checks.Add(report.Case{Name: "a", Verdict: report.Fail, Detail: issue.Message})
	}
	if n := len(checks.Cases); n > 900 || n < 100 || checks.Total().Cases[report.Fail] != 2000 {
		t.Errorf("%d cases without findings are listed", n)
	}
	one := report.Report{Name: "validate"}
	one.Add(report.OfDocument("a", slices.Repeat([]validate.Issue{issue}, 2000)))
	if n := len(one.Cases[0].Findings); n > 900 || n < 100 {
		t.Errorf("%d findings of 10,000 bytes are listed of one case", n)
	}
	if n := one.Total().Findings[validate.Error]; n != 2000 {
		t.Errorf("%d findings of one case are counted", n)
	}
	for _, r := range []report.Report{r, one} {
		out := write(t, "markdown", r)
		if len(out) > 900_000 || len(out) < 800_000 || !regexp.MustCompile(`</table>\n\nand [\d,]+ more: `).MatchString(out) {
			t.Errorf("%d bytes of Markdown, at the end %q", len(out), out[len(out)-100:])
		}
	}
}

func TestGitHubShowsErrorsFirst(t *testing.T) {
	r := report.Report{Name: "validate"}
	for n := range 12 {
		severity := validate.Warning
		if n >= 8 {
			severity = validate.Error
		}
		r.Add(report.OfDocument("a", []validate.Issue{{File: "a", Line: n, Column: 1, Rule: "enum", Severity: severity, Message: fmt.Sprint("m", n)}}))
	}
	var got []string
	for line := range strings.Lines(write(t, "github", r)) {
		c, _ := parseGitHub(strings.TrimSuffix(line, "\n"))
		got = append(got, c.name+" "+c.data)
	}
	want := []string{"error m8", "error m9", "error m10", "error m11", "warning m0", "warning m1", "warning m2", "warning m3", "warning m4", "notice and 3 more: 0 errors, 3 warnings"}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

// A finding keeps its fingerprint when lines come before it, and of two that
// are the same each has its own.
func TestFingerprintsAreStable(t *testing.T) {
	fingerprints := func(shift int) []string {
		r := report.Report{Name: "validate"}
		for _, pointer := range []string{"/a", "/b", "/a"} {
			shift++
			r.Add(report.OfDocument("x", []validate.Issue{{File: "x", Line: shift, Column: 1, Pointer: pointer, Rule: "enum", Severity: validate.Error, Message: "m"}}))
		}
		return regexp.MustCompile(`"fingerprint":"[0-9a-f]{32}"`).FindAllString(write(t, "gitlab", r), -1)
	}
	a, b := fingerprints(0), fingerprints(100)
	if diff := cmp.Diff(a, b); diff != "" || len(a) != 3 || a[0] == a[2] || a[0] == a[1] {
		t.Errorf("%q, then %q", a, b)
	}
}

func TestJUnitNamesAreUnique(t *testing.T) {
	r := report.Report{Name: "check"}
	for _, name := range []string{"a", "a", "a (2)", "a", "a (2)", "a\x00", `a\x00`} {
		r.Cases = append(r.Cases, report.Case{Name: name, Verdict: report.Pass})
	}
	readJUnit(t, r, write(t, "junit", r))
}

// A disk that is full after any number of bytes is noticed.
func TestWriteErrorsAreReturned(t *testing.T) {
	for _, f := range report.Formats {
		out := write(t, f.Name, validated())
		for room := len(out) - 1; room >= 0; room -= 1 + len(out)/50 {
			left := room
			full := writerFunc(func(p []byte) (int, error) {
				if left -= len(p); left < 0 {
					return 0, errFull
				}
				return len(p), nil
			})
			if err := f.Write(full, validated()); !errors.Is(err, errFull) {
				t.Errorf("%s: a disk full after %d bytes: %v", f.Name, room, err)
			}
		}
	}
	full := writerFunc(func([]byte) (int, error) { return 0, errFull })
	if err := report.NewRecords(full, "x").Write("k", struct{}{}); !errors.Is(err, errFull) {
		t.Errorf("records: %v", err)
	}
}

var errFull = errors.New("no space left")

type writerFunc func([]byte) (int, error)

func (f writerFunc) Write(p []byte) (int, error) { return f(p) }
