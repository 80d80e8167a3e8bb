package validate_test

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/julianctl/julianctl/pkg/julian"
	"github.com/julianctl/julianctl/pkg/payload"
	"github.com/julianctl/julianctl/pkg/validate"
	"github.com/santhosh-tekuri/jsonschema/v6"
)

// embedded is the embedded schema by both validators.
type embedded struct {
	ours  *validate.Validator
	other *jsonschema.Schema
}

func newEmbedded(t testing.TB) embedded {
	t.Helper()
	return embedded{newValidator(t, validate.Options{Schema: compileSchema(t, string(julian.Schema()))}), newOracle(t).schema}
}

// agree holds both against each other on one body, and returns their verdict.
// It says nothing of bodies that decoders differ on.
func (e embedded) agree(t *testing.T, body []byte) (correct, compared bool) {
	t.Helper()
	issues := e.ours.Issues(payload.Document{Body: body})
	if slices.ContainsFunc(issues, func(i validate.Issue) bool {
		return i.Rule == validate.RuleEncoding || i.Rule == validate.RuleDuplicateKey || i.Rule == validate.RuleDepth
	}) {
		return false, false
	}
	value, err := jsonschema.UnmarshalJSON(bytes.NewReader(body))
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
	suites := os.Getenv("JULIANCTL_SUITES")
	if suites == "" {
		t.Skip("JULIANCTL_SUITES is not set: it names the folder that JSONTestSuite was cloned to")
	}
	files, err := filepath.Glob(filepath.Join(suites, "JSONTestSuite", "test_parsing", "*.json"))
	if err != nil || len(files) < 300 {
		t.Fatalf("%d files, %v", len(files), err)
	}
	// Both ways are gone: what is odd takes the slow one.
	v := newValidator(t, validate.Options{Schema: compileSchema(t, `{"not": {"const": "no such value"}}`)})
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

// Schemas and documents that want to take for ever are refused in time.
func TestSchemaHostile(t *testing.T) {
	// levels is schemas that each lead to the next.
	levels := func(n int, format string) string {
		var b strings.Builder
		fmt.Fprintf(&b, `{"$ref": "#/$defs/d0", "$defs": {"d%d": {"const": 1}`, n)
		for n := range n {
			fmt.Fprintf(&b, `, "d%d": `+format, n, n+1)
		}
		return b.String() + "}}"
	}
	const twice = `{"anyOf": [{"$ref": "#/$defs/d%[2]d"}, {"$ref": "#/$defs/d%[2]d"}]`
	chain := levels(30_000, `{"$ref": "#/$defs/d%d"}`)
	deep := strings.Repeat("[", 100) + strings.Repeat("]", 100)
	many := func(item string, n int) string { return "[" + strings.Repeat(item+",", n-1) + item + "]" }
	var keys strings.Builder
	for n := range 20_000 {
		fmt.Fprintf(&keys, `"k%d":0,`, n)
	}
	object := "{" + strings.TrimSuffix(keys.String(), ",") + "}"
	backwards := []byte("{")
	for n := range 20_000 {
		backwards = fmt.Appendf(backwards, `"k%d":0,`, 19_999-n)
	}
	backwards[len(backwards)-1] = '}'
	for _, tt := range []struct{ name, schema, body, want string }{
		{"doubling", levels(40, twice+"}"), "2", "is 2, want 1"},
		{"doubling, all looked at", levels(40, twice+`, "unevaluatedItems": false}`), "[1]", "takes too long"},
		{"doubling with items", `{"anyOf": [{"items": {"$ref": "#"}, "maxItems": 0}, {"items": {"$ref": "#"}, "minItems": 3}]}`, deep, "does not fit"},
		{"chain", chain, "2", "takes too long"},
		{"dynamic loop", `{"$id": "a", "$ref": "b", "$dynamicAnchor": "x", "$defs": {"b": {"$id": "b", "$dynamicRef": "#x", "$defs": {"x": {"$dynamicAnchor": "x"}}}}}`, "1", "takes too long"},
		{"loop that not hides", `{"$dynamicAnchor": "x", "not": {"$dynamicRef": "#x"}}`, "1", "takes too long"},
		{"large objects", `{"uniqueItems": true}`, "[" + object + "," + string(backwards) + "]", "equal to item 0"},
		{"many equal items", `{"uniqueItems": true}`, many("[0]", 100_000), "equal to item 0"},
		{"many wrong items", `{"items": {"oneOf": [{"type": "string"}, {"minimum": 1}]}}`, many("0", 200_000), "want at least 1"},
		{"many wrong keys", `{"properties": {"k": {"const": "kx"}}, "additionalProperties": false}`, object, "not in the schema"},
		{"pattern", `{"pattern": "^(a+)+$"}`, `"` + strings.Repeat("a", 100_000) + `!"`, "want a match"},
		{"many properties", `{"required": ["x"], "properties": ` + object[:len(object)-1] + `, "x": true}}`, object, "is missing"},
	} {
		schemaText := tt.schema
		if tt.name == "many properties" {
			schemaText = strings.ReplaceAll(schemaText, ":0", ":true")
		}
		begin := time.Now()
		v := newValidator(t, validate.Options{Schema: compileSchema(t, schemaText)})
		issues := v.Issues(payload.Document{Body: []byte(tt.body)})
		if len(issues) == 0 || len(issues) > 1000 || !strings.Contains(issues[len(issues)-1].Message, tt.want) {
			t.Errorf("%s: %d issues, want %q: %+v", tt.name, len(issues), tt.want, issues[:min(2, len(issues))])
		}
		if took := time.Since(begin); took > time.Minute { // on a busy machine
			t.Errorf("%s took %s", tt.name, took)
		} else {
			t.Logf("%s took %s", tt.name, took)
		}
	}
	// Documents that are too deep, or have too many values.
	any := newValidator(t, validate.Options{Schema: compileSchema(t, `{"not": {"const": 1}}`)})
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
	if _, err := validate.CompileSchema("s", []byte(strings.Repeat(`{"not":`, 200)+"1"+strings.Repeat("}", 200)), "file:///", nil); err == nil || !strings.Contains(err.Error(), "deep") {
		t.Errorf("a deep schema: %v", err)
	}
}
