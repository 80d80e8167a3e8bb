package validate

import (
	"cmp"
	"os"
	"path/filepath"
	"slices"
	"testing"

	gocmp "github.com/google/go-cmp/cmp"
	"github.com/julianctl/julianctl/pkg/generate"
	"github.com/julianctl/julianctl/pkg/jsonschema"
	"github.com/julianctl/julianctl/pkg/payload"
)

// With Both, a document has the issues of the documented fields and those of
// the schema, each once where both find the same.
func TestBoth(t *testing.T) {
	file := filepath.Join(t.TempDir(), "agent.json")
	const agent = `{"properties":{"agentId":{"const":"agent.a"},"duration":{"type":"number"},"callId":{"minLength":40}},"required":["note"]}`
	if err := os.WriteFile(file, []byte(agent), 0o600); err != nil {
		t.Fatal(err)
	}
	schema, err := jsonschema.Load(file)
	if err != nil {
		t.Fatal(err)
	}
	check := func(o Options) func(body []byte) []Issue {
		v, err := New(o)
		if err != nil {
			t.Fatal(err)
		}
		return func(body []byte) []Issue { return v.Issues(payload.Document{Source: "x", Body: body}) }
	}
	both, documented, own := check(Options{Schema: schema, Both: true}), check(Options{}), check(Options{Schema: schema})
	g := generate.New(3)
	seen := map[string]bool{}
	for _, m := range generate.Mutations {
		broken, err := m.Payload(g, generate.Spec{})
		if err != nil {
			continue // needs another kind of call
		}
		want := documented(broken.Body)
		for _, i := range own(broken.Body) {
			if !slices.ContainsFunc(want, func(j Issue) bool { return i.Offset == j.Offset && i.Rule == j.Rule }) {
				want = append(want, i)
			}
		}
		byPlace := func(a, b Issue) int {
			return cmp.Or(cmp.Compare(a.Offset, b.Offset), cmp.Compare(a.Message, b.Message))
		}
		got := both(broken.Body)
		for _, i := range got {
			seen[i.Rule] = true
		}
		got = slices.CompactFunc(got, func(a, b Issue) bool { return a.Offset == b.Offset && a.Rule == b.Rule })
		slices.SortFunc(want, byPlace)
		slices.SortFunc(got, byPlace)
		if diff := gocmp.Diff(want, got); diff != "" {
			t.Errorf("%s: %s", m.Rule, diff)
		}
	}
	for _, rule := range []string{RuleRequired, RuleEnum, RuleSyntax, RuleSchema} {
		if !seen[rule] {
			t.Errorf("no issue of %s", rule)
		}
	}
}
