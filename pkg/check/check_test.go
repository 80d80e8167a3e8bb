package check_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/julianctl/julianctl/pkg/check"
	"github.com/julianctl/julianctl/pkg/deliver"
	"github.com/julianctl/julianctl/pkg/julian"
)

// consumer is a correct endpoint whose answers a fault may replace: the fault
// is asked first and answers 0 to leave a delivery to the correct code.
func consumer(fault func(e julian.CallEvent, body []byte, repeat bool) int) http.Handler {
	var seen sync.Map
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(r.Body)
		var e julian.CallEvent
		malformed := err != nil || json.Unmarshal(body, &e) != nil || e.CallID == ""
		_, repeat := seen.LoadOrStore(e.CallID, true)
		if status := fault(e, body, repeat && !malformed); status != 0 {
			w.Header().Set("Location", "/elsewhere")
			w.WriteHeader(status)
			return
		}
		if malformed {
			w.WriteHeader(http.StatusBadRequest)
			return
		}
		w.WriteHeader(http.StatusNoContent)
	})
}

func none(julian.CallEvent, []byte, bool) int { return 0 }

// Each fault is named by the check that is made for it, and by no other.
func TestVerdictOfEveryCheckOnEveryConsumer(t *testing.T) {
	ids := []string{"sample", "result-types", "lifecycle-statuses", "repeat", "budget", "malformed-json"}
	all := map[string]check.Verdict{}
	for _, c := range check.Checks {
		if !slices.Contains(ids, c.ID) {
			t.Errorf("check %s has no faulty consumer here", c.ID)
		}
		all[c.ID] = check.Pass
	}
	for _, tt := range []struct {
		name   string
		fault  func(julian.CallEvent, []byte, bool) int
		budget string
		fails  []string
		says   string
	}{
		{"correct", none, "p99=10s", nil, ""},
		{"refuses the sample", func(e julian.CallEvent, _ []byte, _ bool) int {
			return onlyIf(e.CallID == "call.abc123", 403)
		}, "p99=10s", []string{"sample"}, "403 Forbidden"},
		{"strict enum", func(e julian.CallEvent, _ []byte, _ bool) int {
			return onlyIf(e.CallResult.ResultType == julian.Busy, 422)
		}, "p99=10s", []string{"result-types"}, "Busy: 422 Unprocessable Entity"},
		{"unknown lifecycle", func(e julian.CallEvent, _ []byte, _ bool) int {
			return onlyIf(e.Sequence != nil && e.Sequence.LifecycleStatus == julian.SequenceFailed, 500)
		}, "p99=10s", []string{"lifecycle-statuses"}, "failed: 500 Internal Server Error"},
		{"refuses repeats", func(e julian.CallEvent, _ []byte, repeat bool) int {
			return onlyIf(repeat && e.CallID != "call.abc123", 409)
		}, "p99=10s", []string{"repeat"}, "first 204, repeat 409 Conflict"},
		{"slow", none, "p50=1ns", []string{"budget"}, "over 1ns"},
		{"crashes on malformed", func(e julian.CallEvent, body []byte, _ bool) int {
			return onlyIf(!json.Valid(body), 500)
		}, "p99=10s", []string{"malformed-json"}, "plain text: 500 Internal Server Error"},
		{"acknowledges malformed", func(e julian.CallEvent, body []byte, _ bool) int {
			return onlyIf(!json.Valid(body), 200)
		}, "p99=10s", []string{"malformed-json"}, "plain text: acknowledged with 200"},
		{"redirects", func(julian.CallEvent, []byte, bool) int { return 308 }, "p99=10s", ids, `308 to "/elsewhere", and redirects are not followed`},
		{"500 for everything", func(julian.CallEvent, []byte, bool) int { return 500 }, "p99=10s", ids, "500 Internal Server Error"},
		{"200 for everything", func(julian.CallEvent, []byte, bool) int { return 200 }, "p99=10s", []string{"malformed-json"}, "acknowledged"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			srv := httptest.NewServer(consumer(tt.fault))
			defer srv.Close()
			got := map[string]check.Verdict{}
			said := ""
			sum, err := check.Run(t.Context(), options(t, srv.URL, tt.budget), func(r check.Result) {
				got[r.ID] = r.Verdict
				if r.Verdict == check.Fail {
					said += r.Message + "\n" + strings.Join(r.Details, "\n") + "\n"
				}
			})
			if err != nil {
				t.Fatal(err)
			}
			want := map[string]check.Verdict{}
			for id := range all {
				want[id] = check.Pass
				if slices.Contains(tt.fails, id) {
					want[id] = check.Fail
				}
			}
			if diff := cmp.Diff(want, got); diff != "" {
				t.Errorf("verdicts (-want +got):\n%s", diff)
			}
			if !strings.Contains(said, tt.says) {
				t.Errorf("failures say\n%swant %q", said, tt.says)
			}
			if sum.Fail != len(tt.fails) || sum.Pass != len(check.Checks)-len(tt.fails) {
				t.Errorf("summary %+v", sum)
			}
		})
	}
}

func onlyIf(cond bool, status int) int {
	if cond {
		return status
	}
	return 0
}

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
	client, err := deliver.New(target, deliver.Options{Timeout: 10 * time.Second})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(client.Close)
	budget, err := deliver.ParseLimits(limits)
	if err != nil {
		t.Fatal(err)
	}
	return check.Options{Sender: client, Budget: budget, Seed: 1}
}

// Nobody there: nothing passes, nothing fails, and nobody waits for each check.
func TestDeadEndpointIsUndecided(t *testing.T) {
	srv := httptest.NewServer(http.NotFoundHandler())
	srv.Close()
	sum, err := check.Run(t.Context(), options(t, srv.URL, "p99=1s"), func(r check.Result) {
		if r.Verdict != check.Undecided {
			t.Errorf("%s: %s on a dead endpoint", r.ID, r.Verdict)
		}
	})
	if err != nil || sum.Undecided != len(check.Checks) || sum.Deliveries != 1 || sum.Unreachable == "" {
		t.Errorf("summary %+v, error %v", sum, err)
	}
}

// An endpoint that dies under way fails nothing that it was not asked.
func TestEndpointThatHangsUp(t *testing.T) {
	srv := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) }))
	defer srv.Close()
	sum, err := check.Run(t.Context(), options(t, srv.URL, "p99=1s"), func(r check.Result) {
		if r.Verdict != check.Fail {
			t.Errorf("%s: %s by an endpoint that hangs up", r.ID, r.Verdict)
		}
	})
	if err != nil || sum.Fail != len(check.Checks) {
		t.Errorf("summary %+v, error %v", sum, err)
	}
}

func TestOnlyAndSkip(t *testing.T) {
	srv := httptest.NewServer(consumer(none))
	defer srv.Close()
	for _, tt := range []struct {
		only, skip []string
		ran        string
	}{
		{nil, nil, "sample result-types lifecycle-statuses repeat budget malformed-json"},
		{[]string{"accepts"}, nil, "sample result-types lifecycle-statuses"},
		{[]string{"accepts", "repeat"}, []string{"sample"}, "result-types lifecycle-statuses repeat"},
		{nil, []string{"speed", "robustness"}, "sample result-types lifecycle-statuses repeat"},
	} {
		o := options(t, srv.URL, "p99=10s")
		o.Only, o.Skip = tt.only, tt.skip
		var ran []string
		if _, err := check.Run(t.Context(), o, func(r check.Result) {
			if r.Verdict != check.Skip {
				ran = append(ran, r.ID)
			}
		}); err != nil {
			t.Fatal(err)
		}
		if got := strings.Join(ran, " "); got != tt.ran {
			t.Errorf("only %v skip %v ran %q, want %q", tt.only, tt.skip, got, tt.ran)
		}
	}
	o := options(t, srv.URL, "p99=10s")
	o.Only = []string{"sampel"}
	if _, err := check.Run(t.Context(), o, func(check.Result) {}); !errors.Is(err, check.ErrUnknown) {
		t.Errorf("unknown name: %v", err)
	}
}

// The same seed sends the same bytes, alone or among the others.
func TestSameSeedSameBytes(t *testing.T) {
	record := func(seed uint64, only ...string) string {
		var sent strings.Builder
		_, err := check.Run(t.Context(), check.Options{Seed: seed, Only: only, Sender: senderFunc(func(_ context.Context, r deliver.Request) deliver.Answer {
			fmt.Fprintf(&sent, "%s\n", r.Body)
			return deliver.Answer{Status: 204}
		})}, func(check.Result) {})
		if err != nil {
			t.Fatal(err)
		}
		return sent.String()
	}
	if once, again := record(3), record(3); once != again {
		t.Error("seed 3 sent different bytes")
	}
	if record(3, "repeat") == record(4, "repeat") {
		t.Error("seeds 3 and 4 sent the same bytes")
	}
	if alone := record(3, "repeat"); alone == "" || !strings.Contains(record(3), alone) {
		t.Error("a check alone sends other bytes than among the others")
	}
}

type senderFunc func(context.Context, deliver.Request) deliver.Answer

func (f senderFunc) Send(ctx context.Context, r deliver.Request) deliver.Answer { return f(ctx, r) }

func TestCancelledRunEndsWithTheContextsError(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	o := check.Options{Sender: senderFunc(func(context.Context, deliver.Request) deliver.Answer {
		cancel()
		return deliver.Answer{Err: context.Canceled}
	})}
	if _, err := check.Run(ctx, o, func(r check.Result) { t.Errorf("observed %s", r.ID) }); !errors.Is(err, context.Canceled) {
		t.Errorf("error %v", err)
	}
}

// The registry is whole: ids are unique and every row explains itself.
func TestRegistry(t *testing.T) {
	seen := map[string]bool{}
	for _, c := range check.Checks {
		if seen[c.ID] || c.ID == "" || c.Group == "" || c.Title == "" || c.Why == "" || c.How == "" {
			t.Errorf("row %+v", c)
		}
		seen[c.ID] = true
		if got, err := check.Find(c.ID); err != nil || got.Title != c.Title {
			t.Errorf("Find(%q): %v", c.ID, err)
		}
	}
	if len(seen) == 0 {
		t.Error("the registry is empty")
	}
}
