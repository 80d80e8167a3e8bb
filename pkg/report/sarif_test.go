package report_test

import (
	"encoding/json"
	"go/ast"
	"go/parser"
	"go/token"
	"net/url"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/julianctl/julianctl/pkg/report"
	"github.com/julianctl/julianctl/pkg/safetext"
	"github.com/julianctl/julianctl/pkg/validate"
	_ "github.com/owenrumney/go-sarif/v3/pkg/report/utils" // keeps the module in go.mod: it holds the official schema
	"github.com/santhosh-tekuri/jsonschema/v6"
)

func safeLine(s string) string { return safetext.Line(s) }
func safeText(s string) string { return safetext.Text(s) }

// officialSchema is the schema of SARIF 2.1.0 as OASIS published it, from the
// source of a module that is in go.mod for that.
var officialSchema = sync.OnceValues(func() (*jsonschema.Schema, error) {
	dir, err := exec.Command("go", "list", "-m", "-f", "{{.Dir}}", "github.com/owenrumney/go-sarif/v3").Output()
	if err != nil {
		return nil, err
	}
	file, err := parser.ParseFile(token.NewFileSet(), filepath.Join(strings.TrimSpace(string(dir)), "pkg", "report", "v210", "sarif", "schema.go"), nil, 0)
	if err != nil {
		return nil, err
	}
	text := ""
	ast.Inspect(file, func(n ast.Node) bool {
		if l, ok := n.(*ast.BasicLit); ok && l.Kind == token.STRING && len(l.Value) > len(text) {
			text, err = strconv.Unquote(l.Value)
		}
		return true
	})
	if err != nil {
		return nil, err
	}
	doc, err := jsonschema.UnmarshalJSON(strings.NewReader(text))
	if err != nil {
		return nil, err
	}
	c := jsonschema.NewCompiler()
	c.AssertFormat()
	id := doc.(map[string]any)["id"].(string)
	if err := c.AddResource(id, doc); err != nil {
		return nil, err
	}
	return c.Compile(id)
})

// sarifLog is the part of a log that its readers use.
type sarifLog struct {
	Schema string `json:"$schema"`
	Runs   []struct {
		ColumnKind string
		Tool       struct {
			Driver struct {
				Rules []struct{ ID string }
			}
		}
		Invocations []struct{ ExecutionSuccessful bool }
		Results     []struct {
			RuleID, Level string
			RuleIndex     *int
			Message       struct{ Text string }
			Locations     []struct {
				PhysicalLocation struct {
					ArtifactLocation struct{ URI, URIBaseID string }
					Region           struct{ StartLine, StartColumn int }
				}
				LogicalLocations []struct{ FullyQualifiedName string }
			}
			PartialFingerprints map[string]string
		}
	}
}

// readSARIF holds a log to the official schema, and its results to the
// findings.
func readSARIF(t testing.TB, r report.Report, out string) {
	t.Helper()
	schema, err := officialSchema()
	if err != nil {
		t.Fatalf("official schema: %v", err)
	}
	doc, err := jsonschema.UnmarshalJSON(strings.NewReader(out))
	if err != nil {
		t.Fatalf("no JSON: %v\n%s", err, out)
	}
	if err := schema.Validate(doc); err != nil {
		t.Errorf("against the official schema: %v\n%.2000s", err, out)
	}
	var log sarifLog
	if err := json.Unmarshal([]byte(out), &log); err != nil || len(log.Runs) != 1 {
		t.Fatalf("%v, %d runs", err, len(log.Runs))
	}
	run := log.Runs[0]
	if log.Schema != schema.Location[:len(log.Schema)] || run.ColumnKind != "unicodeCodePoints" {
		t.Errorf("schema %q, columns %q", log.Schema, run.ColumnKind)
	}
	var want []validate.Issue
	decided := true
	for _, c := range r.Cases {
		switch {
		case c.Verdict == report.Undecided:
			decided = false
		case len(c.Findings) > 0:
			want = append(want, c.Findings...)
		}
	}
	if run.Invocations[0].ExecutionSuccessful != decided {
		t.Errorf("executionSuccessful is %v", !decided)
	}
	if len(run.Results) != len(want) {
		t.Fatalf("%d results of %d", len(run.Results), len(want))
	}
	marks := map[string]bool{}
	for i, result := range run.Results {
		f := want[i]
		if n := result.RuleIndex; n != nil && run.Tool.Driver.Rules[*n].ID != f.Rule {
			t.Errorf("rule %d is %q, want %q", *n, run.Tool.Driver.Rules[*n].ID, f.Rule)
		}
		if result.RuleID != f.Rule || result.Level != string(f.Severity) || result.Message.Text == "" {
			t.Errorf("result %+v of %+v", result, f)
		}
		if mark := result.PartialFingerprints["julianctl/v1"]; mark == "" || marks[mark] {
			t.Errorf("fingerprint %q is not unique", mark)
		}
		marks[result.PartialFingerprints["julianctl/v1"]] = true
		checkShown(t, "SARIF's message", result.Message.Text)
		if strings.Contains(strings.ReplaceAll(result.Message.Text, `\]`, ""), "](") {
			t.Errorf("message %q holds a link", result.Message.Text)
		}
		if f.File == "" {
			if len(result.Locations) != 0 {
				t.Errorf("a place without a file: %+v", result.Locations)
			}
			continue
		}
		at := result.Locations[0]
		if got := at.PhysicalLocation.Region; got.StartLine != f.Line || got.StartColumn != f.Column {
			t.Errorf("region %+v of %+v", got, f)
		}
		if f.Pointer != "" && at.LogicalLocations[0].FullyQualifiedName != strings.ToValidUTF8(f.Pointer, "\ufffd") && strings.ToValidUTF8(f.Pointer, "") == f.Pointer {
			t.Errorf("pointer %q of %q", at.LogicalLocations[0].FullyQualifiedName, f.Pointer)
		}
		checkURI(t, at.PhysicalLocation.ArtifactLocation.URI, f.File)
	}
}

// checkURI resolves uri as a reader does, and compares with the file.
func checkURI(t testing.TB, uri, file string) {
	t.Helper()
	root := &url.URL{Scheme: "file", Path: "/src/"}
	got, err := root.Parse(uri)
	if err != nil {
		t.Errorf("URI %q of %q: %v", uri, file, err)
		return
	}
	want := filepath.ToSlash(file)
	if !filepath.IsAbs(file) {
		want = "/src/" + want
	}
	if filepath.Clean(got.Path) != filepath.Clean(want) || got.Host != "" || got.RawQuery != "" || got.Fragment != "" {
		t.Errorf("URI %q of %q is %q", uri, file, got)
	}
	for _, r := range uri {
		if r <= ' ' || r > '~' {
			t.Errorf("URI %q holds %U", uri, r)
		}
	}
}

func TestSARIFSchemaRefuses(t *testing.T) {
	schema, err := officialSchema()
	if err != nil {
		t.Fatal(err)
	}
	good := write(t, "sarif", validated())
	for _, edit := range [][2]string{
		{`"ruleId"`, `"ruleID"`}, {`"startLine":3`, `"startLine":0`}, {`"level":"error"`, `"level":"fatal"`}, {`"2.1.0"`, `"2.2.0"`}, {"bad:%20100%25.json", "bad: 100%.json"},
	} {
		bad := strings.Replace(good, edit[0], edit[1], 1)
		doc, err := jsonschema.UnmarshalJSON(strings.NewReader(bad))
		if err != nil || bad == good {
			t.Fatalf("%s: %v", edit[0], err)
		}
		if schema.Validate(doc) == nil {
			t.Errorf("%s is taken", edit[1])
		}
	}
}

func TestSARIFURIs(t *testing.T) {
	want := map[string]string{
		"a b/ü.json": "a%20b/%C3%BC.json", "a:b.json": "./a:b.json", "100%#?.json": "100%25%23%3F.json", "/abs/a b": "file:///abs/a%20b",
		"../up.json": "../up.json", "\xff\x1b": "%FF%1B", "<stdin>": "%3Cstdin%3E",
	}
	got := map[string]string{}
	for path := range want {
		r := report.Report{Name: "validate"}
		r.Add(report.OfDocument(path, []validate.Issue{{File: path, Line: 1, Column: 1, Rule: "enum", Severity: validate.Error, Message: "m"}}))
		var log sarifLog
		if err := json.Unmarshal([]byte(write(t, "sarif", r)), &log); err != nil {
			t.Fatal(err)
		}
		got[path] = log.Runs[0].Results[0].Locations[0].PhysicalLocation.ArtifactLocation.URI
		checkURI(t, got[path], path)
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}
