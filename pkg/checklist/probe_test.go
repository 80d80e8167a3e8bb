package checklist_test

import (
	"bytes"
	"context"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/julianctl/julianctl/pkg/check"
	"github.com/julianctl/julianctl/pkg/checklist"
	"github.com/julianctl/julianctl/pkg/effects"
	"github.com/julianctl/julianctl/pkg/needs"
	"github.com/julianctl/julianctl/pkg/units"
)

// A probe that says anything but the number of effects lets nothing pass that
// needs it, whatever it is that it says.
func TestProbeThatDoesNotCount(t *testing.T) {
	t.Parallel()
	needs.Program(t, "sh")
	var odd atomic.Int32 // the probe is asked for several calls at a time
	for _, tt := range []struct {
		name  string
		probe effects.Probe
		says  string
	}{
		{"garbage", effects.CommandProbe([]string{"echo", "three rows"}, ""), `probe said "three rows", want a whole number`},
		{"nothing", effects.CommandProbe([]string{"true"}, ""), "probe said nothing"},
		{"fails", effects.CommandProbe([]string{"false"}, ""), "exit status 1"},
		{"not found", effects.CommandProbe([]string{"julianctl-no-such-program"}, ""), "not found"},
		{"always one", effects.CommandProbe([]string{"echo", "1"}, ""), "it counts 1 for a call that was never delivered"},
		{"always none", effects.CommandProbe([]string{"echo", "0"}, ""), ""},
		{"negative", effects.CommandProbe([]string{"echo", "-1"}, ""), "want a whole number"},
		{"no JSON", effects.CommandProbe([]string{"echo", "1"}, "count.rows"), "has nothing at"},
		{"in the middle", func(context.Context, string) (effects.Reading, error) {
			if odd.Add(1) > 20 {
				return effects.Reading{}, errors.New("probe lost its connection")
			}
			return effects.Reading{}, nil
		}, ""},
	} {
		t.Run(tt.name, func(t *testing.T) {
			got := examine(t, correct, newMemory(t), false, func(o *check.Options) {
				o.Probe, o.Only, o.Smoke = tt.probe, []string{"idempotency"}, true
				o.Settle = 10 * time.Millisecond
			})
			for _, r := range got.results {
				c := checklist.Named(r.ID)[0]
				if c.Needs == checklist.Effects && r.Verdict == pass {
					t.Errorf("%s passes: %s", r.ID, r.Message)
				}
			}
			if tt.says != "" && !strings.Contains(got.sum.Probe, tt.says) {
				t.Errorf("the probe is %q, want %q", got.sum.Probe, tt.says)
			}
		})
	}
}

// A seed that is used again makes other calls: what an earlier run left behind
// changes no verdict.
func TestSeedUsedTwice(t *testing.T) {
	t.Parallel()
	only := func(o *check.Options) { o.Only = []string{"accepts", "repeat", "same-person", "malformed-json"} }
	s := newMemory(t)
	first := examine(t, noDedupe, s, true, only)
	if got := first.verdicts()["repeat"]; got != fail {
		t.Fatalf("repeat on the faulty one: %s", got)
	}
	for range 2 {
		got := examine(t, correct, s, true, only)
		for id, v := range got.verdicts() {
			if v != pass && v != skip {
				t.Errorf("%s on the mended one, with the same seed and records: %s\n%s%s", id, v, got.said(v), got.said(undecided))
			}
		}
		if slices.ContainsFunc(got.sum.CallIDs, func(id string) bool { return slices.Contains(first.sum.CallIDs, id) }) {
			t.Error("a call id came in two runs")
		}
	}
}

// A call that the probe counts before it is delivered proves nothing, whatever
// comes after; more effects than before do.
func TestCountedBeforeDelivery(t *testing.T) {
	t.Parallel()
	s := newMemory(t)
	twice := func(o *check.Options) { o.Only, o.Nonce = []string{"repeat"}, 1 }
	for i, want := range []check.Verdict{pass, undecided} {
		got := examine(t, correct, s, true, twice)
		if got.verdicts()["repeat"] != want {
			t.Errorf("run %d with the same nonce: %s, want %s\n%s", i+1, got.verdicts()["repeat"], want, got.said(undecided))
		}
	}
	if got := examine(t, noDedupe, s, true, twice); got.verdicts()["repeat"] != fail {
		t.Error("two more effects do not count")
	}
}

// A record under a blank id that an earlier run left behind may be written over:
// that there is no more of them then proves nothing.
func TestBlankRecordOfAnEarlierRun(t *testing.T) {
	t.Parallel()
	s := newMemory(t)
	only := func(o *check.Options) { o.Only = []string{"missing-call-id"} }
	for _, tt := range []struct {
		fault fault
		want  check.Verdict
	}{{blankRecord, fail}, {blankRecord, undecided}, {correct, pass}} {
		got := examine(t, tt.fault, s, true, only)
		if v := got.verdicts()["missing-call-id"]; v != tt.want {
			t.Errorf("%s: %s, want %s\n%s", tt.fault, v, tt.want, got.said(v))
		}
	}
}

// The probe is asked until the number stays: an effect that comes late counts,
// a second one that comes later still does too.
func TestEffectsSettle(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name  string
		count func(reads int) int
		want  check.Verdict
	}{
		{"at once", func(int) int { return 1 }, pass},
		{"late", func(n int) int { return min(n/2, 1) }, pass},
		{"never", func(int) int { return 0 }, fail},
		{"twice, the second late", func(n int) int { return 1 + min(n/2, 1) }, fail},
		{"on and on", func(n int) int { return n % 2 }, undecided},
	} {
		t.Run(tt.name, func(t *testing.T) {
			var mu sync.Mutex
			reads := map[string]int{}
			got := examine(t, correct, newMemory(t), false, func(o *check.Options) {
				o.Only = []string{"repeat"}
				o.Settle = 100 * time.Millisecond
				o.Probe = func(_ context.Context, id string) (effects.Reading, error) {
					mu.Lock()
					defer mu.Unlock()
					reads[id]++
					if reads[id] == 1 {
						return effects.Reading{}, nil // before it is delivered
					}
					return effects.Reading{Count: tt.count(reads[id] - 2)}, nil
				}
			})
			if v := got.verdicts()["repeat"]; v != tt.want {
				t.Errorf("%s, want %s\n%s%s", v, tt.want, got.said(fail), got.said(undecided))
			}
		})
	}
}

// A probe that looks for a part of the id finds every call under an empty one:
// no record of a call without an id is made of that.
func TestProbeThatFindsParts(t *testing.T) {
	t.Parallel()
	s := newMemory(t).(*memory)
	got := examine(t, correct, s, false, func(o *check.Options) {
		o.Only = []string{"repeat", "missing-call-id", "none-lost"}
		o.Probe = func(_ context.Context, id string) (effects.Reading, error) {
			s.mu.Lock()
			defer s.mu.Unlock()
			n := 0
			for stored, times := range s.effects {
				if strings.Contains(stored, id) {
					n += times
				}
			}
			return effects.Reading{Count: n}, nil
		}
	})
	for _, id := range []string{"repeat", "missing-call-id", "none-lost"} {
		if got.verdicts()[id] != pass {
			t.Errorf("%s: %s\n%s", id, got.verdicts()[id], got.said(fail))
		}
	}
}

// Which of two contents was kept is told where the probe's output shows it.
func TestLaterContentSaysWhichWasKept(t *testing.T) {
	t.Parallel()
	for kept, says := range map[string]string{
		"julianctl-first-write": "the first content was kept", "julianctl-later-write": "the later content was kept", "": "2 contents, 1 effect",
	} {
		s := newMemory(t)
		got := examine(t, correct, s, false, func(o *check.Options) {
			o.Only = []string{"later-content"}
			o.Probe = func(_ context.Context, id string) (effects.Reading, error) {
				n, err := s.count(id)
				return effects.Reading{Count: n, Text: kept}, err
			}
		})
		if said := got.said(pass); !strings.Contains(said, says) {
			t.Errorf("%q: %s", kept, said)
		}
	}
}

// A number counts once it stayed for the time that --settle says, and for a few
// looks, however long one takes.
func TestSettlingTakesItsTime(t *testing.T) {
	for _, tt := range []struct{ settle, look time.Duration }{
		{120 * time.Millisecond, 0}, {time.Millisecond, 10 * time.Millisecond},
	} {
		var mu sync.Mutex
		looks := map[string][]time.Time{}
		s := newMemory(t)
		examine(t, correct, s, false, func(o *check.Options) {
			o.Only, o.Settle = []string{"repeat"}, tt.settle
			o.Probe = func(_ context.Context, id string) (effects.Reading, error) {
				<-time.After(tt.look)
				mu.Lock()
				defer mu.Unlock()
				looks[id] = append(looks[id], time.Now())
				n, err := s.count(id)
				return effects.Reading{Count: n}, err
			}
		})
		settled := false
		for _, at := range looks {
			if len(at) < 5 {
				continue // before the run, or of another check
			}
			settled = true
			// The first is before the delivery, the second is where it begins.
			if took := at[len(at)-1].Sub(at[1]); took < tt.settle {
				t.Errorf("settle %s: looked for %s", tt.settle, took)
			}
		}
		if !settled {
			t.Errorf("settle %s: no call was looked at more than 4 times", tt.settle)
		}
	}
}

// What an answer says that is none to the question is no evidence, for or
// against.
func TestRateLimitIsNoEvidence(t *testing.T) {
	t.Parallel()
	s := newMemory(t)
	c := &consumer{fault: correct, store: s}
	var asked atomic.Int32
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if asked.Add(1) == 1 { // the plain call
			c.ServeHTTP(w, r)
			return
		}
		w.Header().Set("Retry-After", "1")
		w.WriteHeader(http.StatusTooManyRequests)
	}))
	defer srv.Close()
	o := options(t, srv.URL, "")
	o.Probe = c.probe
	got := checked(t.Context(), o)
	for _, r := range got.results {
		want := undecided
		switch r.ID {
		case "https":
			want = skip
		case "no-redirect":
			want = pass
		case "burst", "result-types", "final-count": // of the plain call
			continue
		}
		if r.Verdict != want {
			t.Errorf("%s: %s, want %s: %s", r.ID, r.Verdict, want, r.Message)
		}
	}
	if said := got.said(fail) + got.said(undecided); strings.Contains(said, "though acknowledged") {
		t.Errorf("what nobody acknowledged is said to be:\n%s", said)
	}
}

// A repeat that is refused with the right effects says so, once; and what a
// unique index says of it is nobody's business.
func TestRefusedRepeatSaysWhatIsWrong(t *testing.T) {
	t.Parallel()
	s := newMemory(t)
	good := &consumer{fault: correct, store: s}
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		if e, err := parse(body); err == nil {
			if n, _ := s.count(e.CallID); n > 0 {
				http.Error(w, "duplicate key\n    at insert (db.js:12:3)", http.StatusInternalServerError)
				return
			}
		}
		r.Body = io.NopCloser(bytes.NewReader(body))
		good.ServeHTTP(w, r)
	}))
	defer srv.Close()
	o := options(t, srv.URL, "")
	o.Only, o.Probe = []string{"lost-ack", "no-echo"}, good.probe
	got := checked(t.Context(), o)
	want := "lost-ack: redelivery: 500 Internal Server Error (3 times)\n" +
		"the effects are right, but what is not answered with a 2xx is sent again\n" +
		"no-echo: the answer to a repeat holds a stack trace (\"at\")\n"
	if said := got.said(fail); said != want {
		t.Errorf("said\n%swant\n%s", said, want)
	}
}

// An effect that comes later than it was waited for may come yet: the time that
// passed is named. A secret that was not given is asked for.
func TestWhatIsMissingIsNamed(t *testing.T) {
	t.Parallel()
	got := examine(t, takesAnything, newMemory(t), true, func(o *check.Options) { o.Only = []string{"repeat"} })
	if said := got.said(fail); !strings.Contains(said, "processed 0 times, expected 1, though acknowledged (waited 40ms)") {
		t.Error(said)
	}
	c := &consumer{fault: correct, store: newMemory(t)}
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		r.Header.Del(secretName)
		c.ServeHTTP(w, r)
	}))
	defer srv.Close()
	for _, given := range []bool{true, false} {
		o := options(t, srv.URL, "")
		o.Only = []string{"repeat"}
		if !given {
			o.Secrets = nil
		}
		got := checked(t.Context(), o)
		if said := got.said(undecided); strings.Contains(said, "a secret that it wants is given with -H") == given {
			t.Errorf("secret given: %v, said %s", given, said)
		}
	}
}

// Calls that were processed long before anybody counted them are no progress: a lost
// call is not waited for until all of them are counted.
func TestLostCallIsNotWaitedForLong(t *testing.T) {
	t.Parallel()
	c := &consumer{fault: correct, store: newMemory(t)}
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(r.Body)
		if err == nil && bytes.Contains(body, []byte(`"Voicemail"`)) {
			return // acknowledged, and lost
		}
		r.Body = io.NopCloser(bytes.NewReader(body))
		c.ServeHTTP(w, r)
	}))
	defer srv.Close()
	o := options(t, srv.URL, "")
	o.Probe = c.probe
	o.Patience = time.Second
	o.Skip = []string{"size-slope", "endurance"} // which take as long as what they send
	got := checked(t.Context(), o)
	if got.verdicts()["result-types"] != fail {
		t.Fatalf("%v\n%s", got.verdicts(), got.said(fail))
	}
	for _, r := range got.results {
		if took := units.FromMilliseconds(r.TookMS); took > 8*time.Second {
			t.Errorf("%s took %s", r.ID, took)
		}
	}
}
