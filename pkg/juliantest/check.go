package juliantest

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"testing"
	"time"

	"github.com/julianctl/julianctl/pkg/check"
	"github.com/julianctl/julianctl/pkg/checklist"
	"github.com/julianctl/julianctl/pkg/deliver"
	"github.com/julianctl/julianctl/pkg/effects"
	"github.com/julianctl/julianctl/pkg/spelling"
)

// Option is a setting of one [Check].
type Option func(*settings)

type settings struct {
	check.Options
	profile        string // empty: default, or smoke with -short
	allowUndecided bool
}

// Only runs the checks with these ids, or of these groups: accepts, idempotency,
// speed, security, robustness. "julianctl check --list" describes them.
func Only(names ...string) Option {
	return func(s *settings) { s.Options.Only = append(s.Options.Only, names...) }
}

// Skip leaves out the checks with these ids, or of these groups.
func Skip(names ...string) Option {
	return func(s *settings) { s.Options.Skip = append(s.Options.Skip, names...) }
}

// Profile selects how much is checked: "smoke" takes a second and has a third of the
// checks, "default" takes about 3 seconds, "thorough" 2 minutes. Without it, go test -short
// selects smoke.
func Profile(name string) Option { return func(s *settings) { s.profile = name } }

// Seed selects other payloads; default 0. The same seed makes the same ones, but for
// their call ids, which are new in each run.
func Seed(seed uint64) Option { return func(s *settings) { s.Options.Seed = seed } }

// Settle is how long the probe must count the same before that is the result;
// default 250 ms. A second effect that comes later than that is not seen.
func Settle(d time.Duration) Option { return func(s *settings) { s.Options.Settle = d } }

// AllowUndecided skips checks that came to no result, instead of failing them: without
// a Probe, those of idempotency can show that something is wrong, and not that it is right.
func AllowUndecided() Option { return func(s *settings) { s.allowUndecided = true } }

const (
	settle   = 250 * time.Millisecond
	patience = 5 * time.Second // for the first effect
	budget   = "p99=2s"        // that of julianctl check
)

// Check delivers calls to the endpoint in the ways that consumers break on, and
// reports every check as a subtest with the check's id.
//
// A failure says what happened, what was delivered, what goes wrong in production and
// how to mend it. What is right, but worth a look, is logged. A check that came to no
// result fails: no evidence is never a pass.
//
// The flags -run and -skip select checks as they select other subtests; what they
// leave out is not delivered. Check waits for all that it started.
func Check(t *testing.T, e Endpoint, options ...Option) {
	t.Helper()
	o, allowUndecided := e.options(t, options)
	client, done := e.open(t)
	defer done()
	o.Client = client

	selected := checklist.Selected(o)
	if len(selected) == 0 {
		t.Fatal("juliantest: Only and Skip leave no check")
	}
	all := o
	o.Only, o.Skip = nil, nil
	for _, c := range selected {
		if wanted(t.Name() + "/" + c.ID) {
			o.Only = append(o.Only, c.ID)
		}
	}
	switch len(o.Only) {
	case 0:
		return
	case len(selected):
		o = all
	}
	said := map[string]string{} // of what is undecided: the check that says why
	run := start(t.Context(), o)
	defer run.stop()
	for _, c := range selected {
		t.Run(c.ID, func(t *testing.T) {
			t.Helper()
			results, delivered := run.results[c.ID]
			if !delivered {
				t.Fatal("juliantest: -run selects this check in a way that was not foreseen: run all of them")
			}
			result, ok := <-results
			if !ok {
				t.Fatalf("the run was cut short: %v", run.err)
			}
			report(t, e, result, allowUndecided, said)
		})
	}
	run.stop()
	if text := limits(run.sum); text != "" && !t.Failed() {
		t.Log(text)
	}
}

// options are those of the run, but for the client, and whether no result is accepted.
func (e Endpoint) options(t testing.TB, options []Option) (check.Options, bool) {
	t.Helper()
	s := settings{}
	for _, set := range options {
		set(&s)
	}
	o := s.Options
	limits, err := deliver.ParseLimits(budget)
	if err != nil {
		t.Fatalf("juliantest: %v", err)
	}
	o.Budget = limits
	if o.Settle <= 0 {
		o.Settle = settle
	}
	o.Patience = max(patience, o.Settle)
	o.Pause, o.Slow = 2*settle, 2*settle
	switch s.profile {
	case "":
		o.Smoke = testing.Short()
	case "smoke":
		o.Smoke = true
	case "default":
	case "thorough":
		o.Thorough = true
		o.Pause, o.Slow = 0, 0 // as in julianctl check
	default:
		t.Fatalf("juliantest: profile %q is not smoke, default or thorough", s.profile)
	}
	names := checklist.Names()
	for _, name := range slices.Concat(o.Only, o.Skip) {
		if slices.Contains(names, name) {
			continue
		}
		meant := ""
		if nearest := spelling.Nearest(name, names); nearest != "" {
			meant = fmt.Sprintf("; did you mean %q?", nearest)
		}
		t.Fatalf("juliantest: %q %v%s", name, checklist.ErrUnknown, meant)
	}
	o.Secrets = slices.Sorted(maps.Keys(e.Secret))
	if e.Probe != nil {
		o.Probe = func(ctx context.Context, callID string) (effects.Reading, error) {
			n, err := e.Probe(ctx, callID)
			return effects.Reading{Count: n}, err
		}
	}
	return o, s.allowUndecided
}

// run is one run of checks in the background.
type run struct {
	results map[string]chan check.Result // by id; closed when the run has ended
	cancel  context.CancelFunc
	ended   chan struct{}

	// sum and err are to be read when results are closed.
	sum check.Summary
	err error
}

// start starts the checks. The caller stops the run.
func start(ctx context.Context, o check.Options) *run {
	r := &run{results: map[string]chan check.Result{}, ended: make(chan struct{})}
	for _, c := range checklist.Selected(o) {
		r.results[c.ID] = make(chan check.Result, 1)
	}
	ctx, r.cancel = context.WithCancel(ctx)
	go func() {
		defer close(r.ended)
		r.sum, r.err = checklist.Run(ctx, o, func(result check.Result) { r.results[result.ID] <- result })
		for _, result := range r.results {
			close(result)
		}
	}()
	return r
}

// stop ends the run, where it has not, and waits for it.
func (r *run) stop() {
	r.cancel()
	<-r.ended
}
