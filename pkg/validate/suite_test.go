package validate_test

import (
	"bytes"
	"encoding/json"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/julianctl/julianctl/pkg/jsonscan/jsonscantest"
	"github.com/julianctl/julianctl/pkg/payload"
	"github.com/julianctl/julianctl/pkg/validate"
)

// notJSON are the rules that a body breaks when no decoder should read it.
var notJSON = []string{validate.RuleEmpty, validate.RuleSyntax, validate.RuleEncoding, validate.RuleDepth}

func refused(issues []validate.Issue) bool {
	return slices.ContainsFunc(issues, func(i validate.Issue) bool {
		return i.Severity == validate.Error && slices.Contains(notJSON, i.Rule)
	})
}

// The JSONTestSuite of Nicolas Seriot: y_ files are JSON, n_ files are not, and
// on i_ files decoders may differ; this one follows encoding/json but for text
// that is not UTF-8.
func TestJSONTestSuite(t *testing.T) {
	files := jsonscantest.Suite(t, "*.json", 300)
	v := newValidator(t, validate.Options{})
	counts := map[string]int{}
	for _, file := range files {
		body, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		name := filepath.Base(file)
		counts[name[:2]]++
		issues := v.Issues(payload.Document{Source: name, Body: body})
		// Of the i_ files one is too deep, on purpose.
		want := !acceptable(body) || name == "i_structure_500_nested_arrays.json"
		switch name[:2] {
		case "y_":
			want = false
		case "n_":
			want = true
		}
		if got := refused(issues); got != want {
			t.Errorf("%s: refused is %t, want %t: %+v", name, got, want, issues)
		}
		// As a file, an array may be one of payloads: it is refused nevertheless.
		if got := refusedAsFile(t, v, file); name[0] == 'n' && !got || name[0] == 'y' && got && !emptyArray(body) {
			t.Errorf("%s as a file: refused is %t", name, got)
		}
	}
	if counts["y_"] != 95 || counts["n_"] != 188 || counts["i_"] != 35 {
		t.Errorf("the suite has %v files, want 95 y_, 188 n_, 35 i_", counts)
	}
}

// acceptable is what encoding/json reads, less what is not UTF-8.
func acceptable(body []byte) bool { return json.Valid(body) && utf8.Valid(body) }

func emptyArray(body []byte) bool {
	return strings.Join(strings.Fields(string(body)), "") == "[]"
}

func refusedAsFile(t *testing.T, v *validate.Validator, file string) (refuse bool) {
	for doc, err := range payload.Read(t.Context(), []string{file}, nil) {
		if err != nil {
			issue, ok := validate.FromError(err)
			if !ok {
				t.Errorf("%s: %v", file, err)
			}
			refuse = refuse || refused([]validate.Issue{issue})
			continue
		}
		refuse = refuse || refused(v.Issues(doc))
	}
	return refuse
}

func newValidator(t testing.TB, o validate.Options) *validate.Validator {
	t.Helper()
	v, err := validate.New(o)
	if err != nil {
		t.Fatal(err)
	}
	return v
}

// Twelve megabytes of brackets cost no more than it takes to see that they are
// too deep; all of them closed, no less.
func TestDeep(t *testing.T) {
	v := newValidator(t, validate.Options{})
	for _, tt := range []struct {
		name, body string
		want       []string
	}{
		{"arrays", strings.Repeat("[", 12<<20), []string{"1:1 type", "1:129 depth"}},
		{"objects", strings.Repeat(`{"a":`, 12<<20/5), []string{"1:641 depth"}},
		{"deepest", `{"x":` + strings.Repeat("[", 127) + strings.Repeat("]", 127) + "}", nil},
		{"one more", `{"x":` + strings.Repeat("[", 128) + strings.Repeat("]", 128) + "}", []string{"1:133 depth"}},
	} {
		var got []string
		for _, issue := range v.Issues(payload.Document{Body: []byte(tt.body)}) {
			if issue.Rule != validate.RuleRequired {
				got = append(got, place(issue)+" "+issue.Rule)
			}
		}
		if !slices.Equal(got, tt.want) {
			t.Errorf("%s: %q, want %q", tt.name, got, tt.want)
		}
	}
}

// Hostile documents are refused in time: what a break of a rule costs does not
// grow with how many there are.
func TestHostile(t *testing.T) {
	const n = 50_000
	many := func(format string) []byte {
		return append(bytes.TrimSuffix(bytes.Repeat([]byte(format), n), []byte(",")), '}')
	}
	v := newValidator(t, validate.Options{Rules: map[string]validate.Severity{validate.RuleUnknownField: validate.Warning}})
	for _, body := range [][]byte{
		append([]byte("{"), many(`"timezone":"Europe/Lodnon",`)...),
		append([]byte("{"), many("\"callid\":1,\n")...),
		append([]byte(`{"direction":"out","callResult":{`), many(`"resultType":"goal not compelted",`)...),
	} {
		if issues := v.Issues(payload.Document{Body: body}); len(issues) == 0 || len(issues) > 1000 {
			t.Errorf("%d issues of %.40s", len(issues), body)
		}
	}
}
