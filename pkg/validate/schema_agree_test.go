package validate_test

import (
	"bytes"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/julianctl/julianctl/pkg/jsonscan/jsonscantest"
	"github.com/julianctl/julianctl/pkg/jsonschema"
	"github.com/julianctl/julianctl/pkg/julian"
	"github.com/julianctl/julianctl/pkg/payload"
	"github.com/julianctl/julianctl/pkg/validate"
	santhosh "github.com/santhosh-tekuri/jsonschema/v6"
)

// embedded is the embedded schema by both validators.
type embedded struct {
	ours  *validate.Validator
	other *santhosh.Schema
}

func newEmbedded(t testing.TB) embedded {
	t.Helper()
	return embedded{newValidator(t, validate.Options{Schema: loadSchema(t, string(julian.Schema()))}), newOracle(t).schema}
}

// agree compares both on one body, and returns their verdict. It leaves out
// bodies that decoders differ on.
func (e embedded) agree(t *testing.T, body []byte) (correct, compared bool) {
	t.Helper()
	issues := e.ours.Issues(payload.Document{Body: body})
	if slices.ContainsFunc(issues, func(i validate.Issue) bool {
		return i.Rule == validate.RuleEncoding || i.Rule == validate.RuleDuplicateKey || i.Rule == validate.RuleDepth
	}) {
		return false, false
	}
	value, err := santhosh.UnmarshalJSON(bytes.NewReader(body))
	if err == nil {
		err = e.other.Validate(value)
	}
	// The library is looser than the source of this format.
	strict := func(i validate.Issue) bool {
		return i.Rule == validate.RuleFormat && strings.Contains(i.Message, "e-mail")
	}
	if err == nil && len(issues) > 0 && !slices.ContainsFunc(issues, func(i validate.Issue) bool { return !strict(i) }) {
		return false, false
	}
	if (err == nil) != (len(issues) == 0) {
		t.Errorf("the library says %v\n%+v\n%s", err, issues, body)
	}
	return err == nil, true
}

// On payloads, correct and broken in every way, the embedded schema gives the
// verdict that the library gives.
func TestSchemaAgreement(t *testing.T) {
	e := newEmbedded(t)
	correct, wrong := 0, 0
	count := func(body []byte) {
		switch ok, compared := e.agree(t, body); {
		case ok:
			correct++
		case compared:
			wrong++
		}
	}
	for _, body := range seeds() {
		count(body)
	}
	for _, every := range []int{0, 1} {
		for line := range bytes.SplitSeq(bytes.TrimSpace(brokenCorpus(t, 300, every)), []byte("\n")) {
			count(line)
		}
	}
	if correct < 300 || wrong < 300 {
		t.Errorf("only %d correct and %d broken payloads were compared", correct, wrong)
	}
}

func FuzzSchemaAgreement(f *testing.F) {
	for _, body := range seeds() {
		f.Add(body)
	}
	e := newEmbedded(f)
	f.Fuzz(func(t *testing.T, body []byte) { e.agree(t, body) })
}

// With a schema that allows everything, what is JSON is what it is without.
func TestSchemaJSONTestSuite(t *testing.T) {
	files := jsonscantest.Suite(t, "*.json", 300)
	// Both paths are taken: what is odd goes the slow one.
	v := newValidator(t, validate.Options{Schema: loadSchema(t, `{"not": {"const": "no such value"}}`)})
	e := newEmbedded(t)
	for _, file := range files {
		body, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		issues := v.Issues(payload.Document{Body: body})
		switch name := filepath.Base(file); name[:2] {
		case "y_":
			if len(issues) > 0 && issues[0].Rule != validate.RuleDuplicateKey && issues[0].Rule != validate.RuleEncoding {
				t.Errorf("%s: %+v", name, issues)
			}
			e.agree(t, body)
		case "n_":
			if !refused(issues) {
				t.Errorf("%s is taken: %+v", name, issues)
			}
		}
	}
}

// Documents that are too deep, or have too many values, are said to be.
func TestSchemaLimits(t *testing.T) {
	many := func(item string, n int) string { return "[" + strings.Repeat(item+",", n-1) + item + "]" }
	any := newValidator(t, validate.Options{Schema: loadSchema(t, `{"not": {"const": 1}}`)})
	bodies := map[string]string{
		strings.Repeat("[", 128) + strings.Repeat("]", 128):          "",
		strings.Repeat("[", 129) + strings.Repeat("]", 129):          "1:129 depth",
		strings.Repeat(`{"":`, 129) + "1" + strings.Repeat("}", 129): "1:513 depth",
	}
	if !raced { // one goroutine, and a minute of it
		bodies[many("0", 1<<24-1)] = ""
		bodies[many("0", 1<<24)] = "1:33554432 schema"
	}
	for body, want := range bodies {
		got := ""
		for _, i := range any.Issues(payload.Document{Body: []byte(body)}) {
			got = place(i) + " " + i.Rule
		}
		if got != want {
			t.Errorf("%.9s…, %d bytes: %q, want %q", body, len(body), got, want)
		}
	}
}

// Failures against a schema break the rule that is about the same.
func TestSchemaRules(t *testing.T) {
	for schema, want := range map[string]string{
		`{"type": "string"}`: validate.RuleType, `{"required": ["a"]}`: validate.RuleRequired,
		`{"dependentRequired": {"x": ["a"]}}`: validate.RuleRequired, `{"const": 1}`: validate.RuleEnum, `{"enum": [1]}`: validate.RuleEnum,
		`{"properties": {"x": {"format": "date"}}}`: validate.RuleFormat, `{"additionalProperties": false}`: validate.RuleUnknownField,
		`{"unevaluatedProperties": false}`: validate.RuleUnknownField, `{"minProperties": 2}`: validate.RuleSchema, `false`: validate.RuleSchema,
		`{"anyOf": [{"type": "null"}, {"type": "string"}]}`: validate.RuleType, `{"properties": {"x": {"minLength": 2}}}`: validate.RuleSchema,
	} {
		issues := newValidator(t, validate.Options{Schema: loadSchema(t, schema)}).Issues(payload.Document{Body: []byte(`{"x": "y"}`)})
		if len(issues) != 1 || issues[0].Rule != want || issues[0].Severity != validate.Error || !strings.HasSuffix(issues[0].Message, ")") {
			t.Errorf("%s: want %s: %+v", schema, want, issues)
		}
	}
}

// loadSchema is the schema in a file that holds text.
func loadSchema(t testing.TB, text string) *jsonschema.Schema {
	t.Helper()
	file := filepath.Join(t.TempDir(), "schema.json")
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	schema, err := jsonschema.Load(file)
	if err != nil {
		t.Fatalf("%v\n%s", err, text)
	}
	return schema
}
