package generate

import (
	"bytes"
	"context"
	"errors"
	"strings"
	"testing"

	"github.com/julianctl/julianctl/pkg/cli"
	"github.com/julianctl/julianctl/pkg/generate"
	"github.com/julianctl/julianctl/pkg/terminal"
)

// Calls that several goroutines make are those that one makes, in the same
// order, up to the same error.
func TestGenerateTogether(t *testing.T) {
	for name, tt := range map[string]struct {
		o     options
		count int
		set   []string
		err   string
	}{
		"usual":       {options{}, 1000, nil, ""},
		"one batch":   {options{}, 7, nil, ""},
		"all results": {options{resultType: "all", transcript: "0..2KiB"}, 500, nil, ""},
		"web":         {options{direction: "web", lifecycle: "none"}, 100, nil, ""},
		"sequences":   {options{sequences: 200}, 200, nil, ""},
		"set":         {options{}, 100, []string{"name=x"}, ""},
		"failing":     {options{resultType: "all"}, 1000, nil, "a bad call"},
	} {
		t.Run(name, func(t *testing.T) {
			tt.o.agent, tt.o.seed = "agent.a", 5
			made := func(write func(calls) error) (string, error) {
				spec, err := tt.o.spec()
				if err != nil {
					t.Fatal(err)
				}
				recipes, err := tt.o.recipes(spec)
				if err != nil {
					t.Fatal(err)
				}
				edits, err := (&cli.SetFlags{Known: tt.set}).Edits()
				if err != nil {
					t.Fatal(err)
				}
				if tt.err != "" {
					recipes = []recipe{recipes[0], failing(recipes[1], errors.New(tt.err))}
				}
				var out bytes.Buffer
				err = write(calls{a: &cli.App{Out: terminal.NewOutput(&out)}, g: generate.New(tt.o.seed), recipes: recipes, edits: edits, count: tt.count})
				return out.String(), err
			}
			want, wantErr := made(func(c calls) error { return c.inTurn(t.Context()) })
			if (wantErr == nil) != (tt.err == "") || wantErr != nil && !strings.Contains(wantErr.Error(), tt.err) || len(want) < 1000 {
				t.Fatalf("%d bytes, error %v", len(want), wantErr)
			}
			for _, jobs := range []int{1, 2, 5} {
				for _, size := range []int{1, 7, 100} {
					got, err := made(func(c calls) error { return c.together(t.Context(), jobs, size) })
					if got != want || (err == nil) != (wantErr == nil) || err != nil && err.Error() != wantErr.Error() {
						t.Errorf("%d goroutines, %d calls together: %d bytes of %d, error %v", jobs, size, len(got), len(want), err)
					}
				}
			}
		})
	}
}

// failing is a recipe that fails with few calls.
func failing(r recipe, err error) recipe {
	return recipe{skip: r.skip, payloads: func(g *generate.Generator, room []byte) ([][]byte, error) {
		bodies, _ := r.payloads(g, room)
		if bytes.Contains(bodies[0], []byte(`77","name"`)) { // the end of a call id
			return nil, err
		}
		return bodies, nil
	}}
}

// Interrupted, whole payloads are written, and that there are more is no secret.
func TestGenerateInterrupted(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	var out bytes.Buffer
	o := options{agent: "agent.a"}
	spec, err := o.spec()
	if err != nil {
		t.Fatal(err)
	}
	recipes, err := o.recipes(spec)
	if err != nil {
		t.Fatal(err)
	}
	stopping := writerFunc(func(p []byte) (int, error) { cancel(); return out.Write(p) })
	err = calls{a: &cli.App{Out: terminal.NewOutput(stopping)}, g: generate.New(1), recipes: recipes, count: 100_000}.together(ctx, 2, 10)
	if n := strings.Count(out.String(), "\n"); err == nil || n == 0 || n > 1000 || !strings.HasSuffix(out.String(), "}\n") {
		t.Errorf("%d calls, error %v", n, err)
	}
}

type writerFunc func([]byte) (int, error)

func (f writerFunc) Write(p []byte) (int, error) { return f(p) }
