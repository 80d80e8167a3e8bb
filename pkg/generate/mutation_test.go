package generate_test

import (
	"fmt"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/julianctl/julianctl/pkg/generate"
	"github.com/julianctl/julianctl/pkg/julian"
	"github.com/julianctl/julianctl/pkg/payload"
	"github.com/julianctl/julianctl/pkg/validate"
)

// Every rule has a mutation, and what it makes breaks that rule alone, at the
// place that it names. What breaks a schema of one's own, nobody knows here.
func TestMutations(t *testing.T) {
	for _, rule := range validate.Rules {
		if rule.ID == validate.RuleSchema {
			continue
		}
		t.Run(rule.ID, func(t *testing.T) {
			i := slices.IndexFunc(generate.Mutations, func(m generate.Mutation) bool { return m.Rule == rule.ID })
			if i < 0 {
				t.Fatalf("rule %q has no row in generate.Mutations: add one that breaks it and no other rule", rule.ID)
			}
			testMutation(t, rule, generate.Mutations[i])
		})
	}
	seen := map[string]bool{}
	for _, m := range generate.Mutations {
		if _, err := validate.RuleByID(m.Rule); err != nil || seen[m.Rule] {
			t.Errorf("mutation %q: twice %t, %v", m.Rule, seen[m.Rule], err)
		}
		seen[m.Rule] = true
	}
}

func testMutation(t *testing.T, rule validate.Rule, m generate.Mutation) {
	options := validate.Options{Strict: true}
	if rule.Severity == validate.Off {
		options.Rules = map[string]validate.Severity{rule.ID: validate.Error}
	}
	v, err := validate.New(options)
	if err != nil {
		t.Fatal(err)
	}
	bodies := map[string]bool{}
	for _, result := range resultsOf(m) {
		for seed := range uint64(40) {
			g := generate.New(seed)
			spec, err := m.Spec(generate.Spec{ResultType: result})
			if err != nil {
				t.Fatal(err)
			}
			if seed%2 == 1 {
				spec = g.Draw(spec)
			}
			broken, err := m.Payload(g, spec)
			if err != nil {
				t.Fatal(err)
			}
			bodies[string(broken.Body)] = true
			type found struct{ Rule, Pointer string }
			var got []found
			for _, issue := range v.Issues(payload.Document{Body: broken.Body}) {
				got = append(got, found{issue.Rule, issue.Pointer})
			}
			if diff := cmp.Diff([]found{{rule.ID, broken.Pointer}}, got); diff != "" {
				t.Fatalf("seed %d, %q (-want +got):\n%s\n%.2000q", seed, result, diff, broken.Body)
			}
		}
	}
	if len(bodies) < 2 && rule.ID != validate.RuleEmpty {
		t.Error("all seeds give the same payload")
	}
}

// resultsOf are the result types that a mutation is tried on.
func resultsOf(m generate.Mutation) []julian.ResultType {
	if len(m.Results) > 0 {
		return append([]julian.ResultType{""}, m.Results...)
	}
	return []julian.ResultType{"", julian.GoalCompleted, julian.Busy, julian.Voicemail, julian.Failed}
}

func TestMutationRefusesOtherResults(t *testing.T) {
	for _, m := range generate.Mutations {
		if len(m.Results) == 0 {
			continue
		}
		for _, r := range julian.ResultTypes() {
			_, err := m.Payload(generate.New(1), generate.Spec{ResultType: r.Name})
			if fits := slices.Contains(m.Results, r.Name); fits != (err == nil) {
				t.Errorf("%s for %s: %v", m.Rule, r.Name, err)
			}
		}
	}
}

func ExampleMutation() {
	for _, m := range generate.Mutations {
		if m.Rule == "id-prefix" {
			broken, err := m.Payload(generate.New(1), generate.Spec{})
			fmt.Println(broken.Pointer, err)
		}
	}
	// Output: /sequence/sequenceId <nil>
}
