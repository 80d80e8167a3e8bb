package generate_test

import (
	"math/rand/v2"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/julianctl/julianctl/pkg/generate"
	"github.com/julianctl/julianctl/pkg/julian"
)

// after is the call that a generator makes next, without its making it.
func after(t *testing.T, g *generate.Generator) string {
	t.Helper()
	body, err := g.Fork().Payload(generate.Spec{})
	if err != nil {
		t.Fatal(err)
	}
	return string(body)
}

// What comes after a call that was skipped is what comes after one that was made.
func TestSkip(t *testing.T) {
	shape := &generate.AgentShape{
		Inputs:    []generate.Variable{{Name: "n", Kind: "number", Always: true}, {Name: "s", Values: []string{"a", "b", "c"}}},
		Extracted: []generate.Variable{{Name: "when", Format: "date-time"}, {Name: "word", Always: true}},
		Outcomes:  []string{"one", "two"},
	}
	sizes := []*generate.Range{nil, {Min: 0, Max: 0}, {Min: 5, Max: 50}, {Min: 60, Max: 300}, {Min: 200, Max: 4000}, {Min: -5, Max: 20_000}, {Min: 9, Max: 3}}
	r := rand.New(rand.NewPCG(1, 0))
	made, skipped := generate.New(7), generate.New(7)
	var body []byte
	for n := range 20_000 {
		spec := generate.Spec{Transcript: sizes[n%len(sizes)]}
		if r.IntN(4) == 0 {
			types := julian.ResultTypes()
			spec.ResultType = types[r.IntN(len(types))].Name
		}
		if r.IntN(10) == 0 {
			spec.Shape = shape
		}
		if r.IntN(100) == 0 {
			spec.ResultType = "Unheard Of"
		}
		if r.IntN(10) == 0 {
			made.Story(spec)
			skipped.SkipStory(spec)
		} else {
			spec = made.Draw(spec)
			if diff := cmp.Diff(spec, skipped.Draw(spec)); diff != "" { // all is drawn already
				t.Fatal(diff)
			}
			var err error
			if body, err = made.Append(body[:0], spec); err != nil {
				t.Fatal(err)
			}
			skipped.Skip(spec)
		}
		if want, got := after(t, made), after(t, skipped); got != want {
			t.Fatalf("behind call %d, %+v: %s\nwant %s", n, spec, got, want)
		}
	}
}

func TestForkIsApart(t *testing.T) {
	g := generate.New(1)
	want := after(t, g)
	otherKind := g.Fork()
	for range 3 {
		otherKind.Event(generate.Spec{})
	}
	if got := after(t, g); got != want {
		t.Errorf("another generator moves on: %s, want %s", got, want)
	}
}

func BenchmarkSkip(b *testing.B) {
	g := generate.New(1)
	b.ReportAllocs()
	for b.Loop() {
		g.Skip(g.Draw(generate.Spec{}))
	}
}
