package checklist_test

import (
	"cmp"
	"context"
	"flag"
	"io"
	"log"
	"maps"
	"net/http/httptest"
	"net/url"
	"os"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	gocmp "github.com/google/go-cmp/cmp"
	"github.com/julianctl/julianctl/pkg/check"
	"github.com/julianctl/julianctl/pkg/checklist"
	"github.com/julianctl/julianctl/pkg/deliver"
	"github.com/julianctl/julianctl/pkg/supervise"
)

type verdicts map[string]check.Verdict

// expected is what a consumer comes to, beside what a correct one does.
type expected struct {
	fault fault
	// With a probe, and without one; nil: the same as with it, as far as answers
	// tell.
	with, without verdicts
	says          string // somewhere in the failures, with a probe
}

const (
	pass      = check.Pass
	warn      = check.Warn
	fail      = check.Fail
	undecided = check.Undecided
	skip      = check.Skip
)

var table = []expected{
	{fault: correct},
	{fault: noDedupe, says: "processed 2 times, expected 1", with: verdicts{
		"repeat": fail, "together": fail, "other-bytes": fail, "later-content": fail, "changed-field": fail, "after-others": fail,
		"after-pause": fail, "lost-ack": fail, "in-flight": fail, "late-repeat": fail,
	}, without: verdicts{}},
	{fault: checkInsert, says: "released within", with: verdicts{"together": fail}, without: verdicts{}},
	{fault: bodyHash, says: "processed 3 times, expected 1", with: verdicts{"other-bytes": fail, "later-content": fail, "changed-field": fail}, without: verdicts{}},
	{fault: smallCache, with: verdicts{"after-others": fail, "late-repeat": fail}, without: verdicts{}},
	{fault: marksEarly, says: "2 of 2 calls: processed 0 times, expected 1, though acknowledged", with: verdicts{"failed-first": fail}, without: verdicts{}},
	{fault: answersEarly, says: "processed 0 times, expected 1, though acknowledged", with: verdicts{"none-lost": fail}, without: verdicts{}},
	{fault: slowWork, says: "p50 is ", with: verdicts{
		"budget": fail, "budget-cold": fail, "budget-burst": fail, "size-slope": warn,
	}},
	{fault: strictEnum, says: "Busy: 422 Unprocessable Entity", with: verdicts{"result-types": fail, "unknown-result-type": warn, "changed-field": fail, "later-content": fail}},
	{fault: chokesOnNull, says: "optional parts null: 500 Internal Server Error", with: verdicts{"optional-fields": fail, "edge-values": fail, "changed-field": fail}},
	{fault: crashes, says: "half a payload: connection closed without an answer", with: verdicts{"malformed-json": fail, "not-an-object": fail}},
	{fault: blankRecord, says: `calls without an id left a record under ""`, with: verdicts{"missing-call-id": fail}},
	{fault: anySecret, says: "with a wrong X-Webhook-Secret: 204 No Content", with: verdicts{"secret": fail}},
	{fault: redirects, says: `308 to "/elsewhere", and redirects are not followed`, with: blocked(verdicts{"no-redirect": fail, "sample": undecided}), without: blocked(verdicts{"no-redirect": fail, "sample": undecided})},
	{fault: byPhone, says: "two calls of one person: 1 of 2 calls: processed 0 times, expected 1", with: verdicts{"same-person": fail, "changed-field": fail}, without: verdicts{}},
	{fault: refusesRepeats, says: "repeat: 409 Conflict", with: repeats(fail), without: repeats(fail)},
	{fault: oneAtATime, says: "another call had to wait", with: verdicts{"slow-sender": fail}},
	{fault: echoes, says: "the answer to a good call repeats the contact's name", with: verdicts{"no-echo": fail}},
	{fault: failsAlways, says: "the sample: 500 Internal Server Error", with: blocked(verdicts{"sample": fail}), without: blocked(verdicts{"sample": fail})},
	// Nothing passes but what an answer proves.
	{fault: takesAnything, says: "processed 0 times, expected 1, though acknowledged", with: believed(
		fail, fail, verdicts{"unknown-result-type": warn, "missing-call-id": warn, "malformed-json": warn, "content-type": fail, "wrong-types": warn, "not-an-object": warn, "truncated-body": warn, "poison": fail},
	), without: believed(
		pass, undecided, verdicts{"missing-call-id": fail, "malformed-json": fail, "wrong-types": fail, "not-an-object": fail, "truncated-body": fail},
	)},
}

// ordinary are the checks of an endpoint that is there already.
func ordinary() []checklist.Check {
	return slices.DeleteFunc(slices.Clone(checklist.Checks), func(c checklist.Check) bool { return c.Group == "crashes" || c.Thorough || c.ID == "second-writer" })
}

// believed is what comes of an endpoint that acknowledges whatever it gets.
func believed(accepts, effects check.Verdict, but verdicts) verdicts {
	out := verdicts{"secret": fail, "methods": warn}
	for _, c := range ordinary() {
		switch {
		case c.Group == "accepts" && !c.Asked:
			out[c.ID] = accepts
		case c.Needs == checklist.Effects:
			out[c.ID] = effects
		}
	}
	maps.Copy(out, but)
	return out
}

// repeats are the checks in which a call comes a second time.
func repeats(v check.Verdict) verdicts {
	out := verdicts{}
	for _, id := range []string{"repeat", "together", "other-bytes", "later-content", "changed-field", "after-others", "after-pause", "lost-ack", "in-flight", "late-repeat"} {
		out[id] = v
	}
	return out
}

// blocked is every check undecided but for these.
func blocked(but verdicts) verdicts {
	out := verdicts{}
	for _, c := range ordinary() {
		out[c.ID] = undecided
	}
	out["https"], out["no-redirect"] = skip, pass
	delete(out, "gzip") // runs only when it is named
	maps.Copy(out, but)
	return out
}

// stored reports whether the fault is in how calls are stored.
func (e expected) stored() bool {
	return e.fault == correct || e.without != nil && len(e.without) == 0
}

// long reports whether tests may take minutes.
func long() bool { return os.Getenv("JULIANCTL_LONG") != "" }

// want is every verdict of a row.
func (e expected) want(probed bool) verdicts {
	out := verdicts{}
	for _, c := range ordinary() {
		out[c.ID] = pass
		if c.Needs == checklist.Effects && !probed {
			out[c.ID] = undecided
		}
	}
	out["https"] = skip
	delete(out, "gzip") // runs only when it is named
	but := e.with
	if !probed && e.without != nil {
		but = e.without
	}
	maps.Copy(out, but)
	if !probed {
		delete(out, "final-count")
	}
	if probed && e.stored() && len(e.with) > 0 {
		out["final-count"] = fail // whatever is stored wrongly is seen at the end too
	}
	return out
}

// options check a consumer that is served at to.
func options(t *testing.T, to, limits string) check.Options {
	t.Helper()
	u, err := url.Parse(to)
	if err != nil {
		t.Fatal(err)
	}
	target, err := deliver.Guard{}.Target(u)
	if err != nil {
		t.Fatal(err)
	}
	client, err := deliver.New(target, deliver.Options{
		Timeout: 30 * time.Second,
		Header:  deliver.Header{{Name: secretName, Value: secretValue}},
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(client.Close)
	budget, err := deliver.ParseLimits(cmp.Or(limits, "p99=30s"))
	if err != nil {
		t.Fatal(err)
	}
	return check.Options{
		Client: client, Budget: budget, Seed: 1, Secrets: []string{secretName},
		Settle: 40 * time.Millisecond, Pause: 20 * time.Millisecond, Slow: 80 * time.Millisecond, Slope: time.Minute,
	}
}

// outcome is what a run came to.
type outcome struct {
	sum     check.Summary
	results []check.Result
	err     error
}

func (o outcome) verdicts() verdicts {
	out := verdicts{}
	for _, r := range o.results {
		out[r.ID] = r.Verdict
	}
	return out
}

// said is what the results of one verdict say.
func (o outcome) said(v check.Verdict) string {
	var b strings.Builder
	for _, r := range o.results {
		if r.Verdict == v {
			b.WriteString(r.ID + ": " + r.Message + "\n" + strings.Join(append(r.Details, ""), "\n"))
		}
	}
	return b.String()
}

func checked(ctx context.Context, o check.Options) outcome {
	var out outcome
	out.sum, out.err = checklist.Run(ctx, o, func(r check.Result) { out.results = append(out.results, r) })
	return out
}

// examine checks a reference consumer.
func examine(t *testing.T, f fault, s store, probed bool, edit func(*check.Options)) outcome {
	t.Helper()
	c := &consumer{fault: f, store: s}
	srv := httptest.NewUnstartedServer(c)
	srv.Config.ErrorLog = log.New(io.Discard, "", 0)
	srv.Start()
	defer srv.Close()
	o := options(t, srv.URL, "")
	defer o.Client.Close()
	if probed {
		o.Probe = c.probe
	}
	if edit != nil {
		edit(&o)
	}
	return checked(t.Context(), o)
}

// Every check on every consumer: each fault is named by the check that is made
// for it, and by no other; the correct one passes everything.
func TestVerdictOfEveryCheckOnEveryConsumer(t *testing.T) {
	t.Parallel()
	var runs []*run
	for _, row := range table {
		if !raced || row.fault == correct || long() {
			runs = append(runs, &run{name: string(row.fault) + "/sqlite", row: row, make: newDatabase, with: true})
		}
		if raced || row.stored() || long() {
			runs = append(runs, &run{name: string(row.fault) + "/memory", row: row, make: newMemory, with: true})
		}
		runs = append(runs, &run{name: string(row.fault) + "/no probe", row: row, make: newMemory})
	}
	// They wait more than they work.
	turns := make(chan bool, 16)
	var all sync.WaitGroup
	for _, r := range runs {
		turns <- true
		all.Go(func() {
			defer func() { <-turns }()
			r.got = examine(t, r.row.fault, r.make(t), r.with, func(o *check.Options) {
				if r.row.fault == slowWork {
					o.Budget, _ = deliver.ParseLimits("p50=10ms")
					o.Slope, o.Slow = 200*time.Millisecond, time.Second
				}
				if !r.timed() {
					o.Skip = []string{"speed", "endurance"}
				}
			})
		})
	}
	all.Wait()
	for _, r := range runs {
		t.Run(r.name, func(t *testing.T) {
			if r.got.err != nil {
				t.Fatal(r.got.err)
			}
			want := r.row.want(r.with)
			if !r.timed() {
				for _, c := range ordinary() {
					if c.Group == "speed" || c.ID == "endurance" {
						delete(want, c.ID)
					}
				}
			}
			if d := gocmp.Diff(want, r.got.verdicts()); d != "" {
				t.Errorf("verdicts (-want +got):\n%s\n%s%s%s", d, r.got.said(fail), r.got.said(undecided), r.got.said(warn))
			}
			if r.with && !strings.Contains(r.got.said(fail), r.row.says) {
				t.Errorf("failures say\n%swant %q", r.got.said(fail), r.row.says)
			}
			sentAsPlanned(t, r.got)
		})
	}
}

// TestMain lets more tests run at once than there are processors, unless it was
// said how many: they wait more than they work.
// It is also the shim of the consumers that tests start.
func TestMain(m *testing.M) {
	if len(os.Args) > 1 && os.Args[1] == supervise.ShimArg {
		_ = supervise.Shim(os.Args[2:])
		os.Exit(0)
	}
	flag.Parse()
	if at := flag.Lookup("test.parallel"); at.Value.String() == at.DefValue {
		_ = at.Value.Set("12") // a number is never refused
	}
	m.Run()
}

// run is one row of the table with one store.
type run struct {
	name string
	row  expected
	make func(*testing.T) store
	with bool // a probe
	got  outcome
}

// timed reports whether the checks of speed are part of it. They take most of
// the time, and a fault that has nothing to do with it says nothing there.
func (r *run) timed() bool {
	return long() || r.with && slices.Contains([]fault{correct, slowWork, redirects, takesAnything, failsAlways}, r.row.fault)
}

// sentAsPlanned holds each check to the number of requests that it announced.
func sentAsPlanned(t *testing.T, o outcome) {
	t.Helper()
	for _, r := range o.results {
		c := checklist.Named(r.ID)[0]
		if r.Requests > c.Requests {
			t.Errorf("%s sent %d requests, announced %d", r.ID, r.Requests, c.Requests)
		}
	}
}
