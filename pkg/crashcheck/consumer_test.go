package crashcheck

import (
	"context"
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/julianctl/julianctl/pkg/check"
	"github.com/julianctl/julianctl/pkg/deliver"
	"github.com/julianctl/julianctl/pkg/effects"
	"github.com/julianctl/julianctl/pkg/julian"
	"github.com/julianctl/julianctl/pkg/supervise"
)

// store is what a [testConsumer] keeps its effects in: it counts the calls that
// are posted to it, those to /once at most once.
type store struct {
	mu    sync.Mutex
	calls map[string]int
}

func (s *store) ServeHTTP(_ http.ResponseWriter, r *http.Request) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if id := r.URL.Query().Get("call"); r.URL.Path != "/once" || s.calls[id] == 0 {
		s.calls[id]++
	}
}

// testConsumer is an endpoint in the test's own process that can be killed: what
// it does after that fails.
type testConsumer struct {
	*httptest.Server
	late func() // what it still does when it is killed
	kill context.CancelFunc
	gone chan struct{}
}

func (c *testConsumer) Kill() error {
	c.late()
	c.kill()
	c.CloseClientConnections()
	c.Close()
	close(c.gone)
	return nil
}
func (c *testConsumer) Signal() error           { return nil }
func (c *testConsumer) Exited() <-chan struct{} { return c.gone }
func (c *testConsumer) Gone() <-chan struct{}   { return c.gone }
func (c *testConsumer) Output() string          { return "" }

// runCrash runs one check against a consumer that handle makes a part of. It gets
// the URL to post effects to.
func runCrash(t *testing.T, body Body, handle func(ctx context.Context, store string) (h http.Handler, late func())) (*check.Trial, check.Finding) {
	t.Helper()
	kept := &store{calls: map[string]int{}}
	backend := httptest.NewServer(kept)
	t.Cleanup(backend.Close)
	target, err := url.Parse(backend.URL)
	if err != nil {
		t.Fatal(err)
	}
	recorder := supervise.NewRecorder()
	proxy, err := supervise.NewProxy("store", "127.0.0.1:0", target.Host, recorder)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(proxy.Close)
	o := check.Options{Seed: 1, Settle: 300 * time.Millisecond}
	o.Supervision = &check.Supervision{
		Recorder: recorder, Through: []*supervise.Proxy{proxy},
		Start: func(ctx context.Context) (check.Consumer, error) {
			living, kill := context.WithCancel(context.WithoutCancel(ctx))
			handler, late := handle(living, "http://"+proxy.Addr())
			return &testConsumer{Server: httptest.NewServer(handler), late: late, kill: kill, gone: make(chan struct{})}, nil
		},
		Client: func(c check.Consumer) (*deliver.Client, error) {
			at, err := url.Parse(c.(*testConsumer).URL)
			if err != nil {
				return nil, err
			}
			to, err := deliver.Guard{}.Target(at)
			if err != nil {
				return nil, err
			}
			return deliver.New(to, deliver.Options{Timeout: 5 * time.Second})
		},
	}
	s, l := check.NewSession(o), New(o.Supervision)
	l.patient = true // a missing effect does not come later here
	s.Counter = effects.NewCounter(func(_ context.Context, id string) (effects.Reading, error) {
		kept.mu.Lock()
		defer kept.mu.Unlock()
		return effects.Reading{Count: kept.calls[id]}, nil
	}, o.Settle)
	trial := s.Trial(t.Context(), "crash", 0)
	f := l.Run(trial, body)()
	if err := l.End(t.Context()); err != nil {
		t.Error(err)
	}
	return trial, f
}

// post tells the store of a call, and reports whether it took that.
func post(ctx context.Context, store, id string) bool {
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, store+"?call="+url.QueryEscape(id), http.NoBody)
	if err != nil {
		return false
	}
	a, err := http.DefaultClient.Do(r)
	if err == nil {
		_ = a.Body.Close()
	}
	return err == nil
}

// answering is a consumer that answers as handle says.
func answering(handle func(id string) (status int)) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body) // an error: no call
		var e julian.CallEvent
		if err := json.Unmarshal(body, &e); err != nil {
			w.WriteHeader(http.StatusBadRequest)
			return
		}
		w.WriteHeader(handle(e.CallID))
	})
}

// A consumer that answers from memory is found also where another of its workers
// does what is held.
func TestCrashKillsOnAnswer(t *testing.T) {
	t.Parallel()
	trial, f := runCrash(t, Crash, func(ctx context.Context, store string) (http.Handler, func()) {
		var mu sync.Mutex
		begun := ""                                              // what the first worker works on
		post := func(id string) { post(ctx, store+"/once", id) } // one that fails is lost
		handler := answering(func(id string) int {
			time.AfterFunc(150*time.Millisecond, func() {
				mu.Lock()
				begun = id
				mu.Unlock()
				post(id)
			})
			return http.StatusAccepted
		})
		return handler, func() {
			mu.Lock()
			defer mu.Unlock()
			if begun != "" {
				post(begun)
			}
		}
	})
	if f.Verdict != check.Fail || len(f.Details) == 0 {
		t.Fatalf("%s: %s %q", f.Verdict, f.Message, f.Details)
	}
	if want := "killed right after its answer" + outcomeAcked; f.Details[len(f.Details)-1] != want || trial.Result.Mend != answerLater {
		t.Errorf("%q and %q, want %q and %q", f.Details, trial.Result.Mend, want, answerLater)
	}
}

// What only a long pause or another call brings out is found, and named.
func TestInterleavedFinds(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		handle func(ctx context.Context, store string) http.Handler
		want   string
		mend   string // beside what the check says always
	}{
		"a short lease": {func(ctx context.Context, store string) http.Handler {
			var mu sync.Mutex
			until, done := map[string]time.Time{}, map[string]bool{}
			return answering(func(id string) int {
				mu.Lock()
				free := time.Now().After(until[id])
				if free {
					until[id] = time.Now().Add(time.Second)
				}
				processed := done[id]
				mu.Unlock()
				switch {
				case processed:
					return http.StatusOK
				case !free:
					return http.StatusServiceUnavailable
				}
				if !post(ctx, store+"/lease", "") || !post(ctx, store+"/", id) {
					return http.StatusServiceUnavailable
				}
				mu.Lock()
				done[id] = true
				mu.Unlock()
				return http.StatusNoContent
			})
		}, `first copy held between "POST /lease" (1) and "POST /" (2)`, ""},
		"a call dropped for another": {func(ctx context.Context, store string) http.Handler {
			var mu sync.Mutex
			busy := ""
			return answering(func(id string) int {
				mu.Lock()
				defer mu.Unlock()
				switch busy {
				case "":
				case id:
					return http.StatusServiceUnavailable
				default:
					return http.StatusOK
				}
				busy = id
				mu.Unlock()
				stored := post(ctx, store+"/once", id)
				mu.Lock()
				busy = ""
				if !stored {
					return http.StatusServiceUnavailable
				}
				return http.StatusNoContent
			})
		}, `another call came while one was held before "POST /once" (1)` + outcomeAcked, "40001"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			trial, f := runCrash(t, Interleaved, func(ctx context.Context, store string) (http.Handler, func()) {
				return tt.handle(ctx, store), func() {}
			})
			if f.Verdict != check.Fail || len(f.Details) == 0 || f.Details[0] != tt.want {
				t.Errorf("%s: %s %q, want %q", f.Verdict, f.Message, f.Details, tt.want)
			}
			if !strings.Contains(trial.Result.Mend, tt.mend) {
				t.Errorf("%q, want %q", trial.Result.Mend, tt.mend)
			}
		})
	}
}

// A call that is refused as the killed consumer still has a lease on it is
// delivered again after the kills that follow.
func TestCrashGoesOnWhileRefused(t *testing.T) {
	t.Parallel()
	var mu sync.Mutex
	leased, done, last := map[string]bool{}, map[string]bool{}, ""
	_, f := runCrash(t, Crash, func(ctx context.Context, store string) (http.Handler, func()) {
		return answering(func(id string) int {
			mu.Lock()
			refused := leased[id] && last == id && !done[id]
			last, leased[id] = id, true
			mu.Unlock()
			if refused {
				return http.StatusServiceUnavailable // until another call comes
			}
			if !post(ctx, store+"/lease", "") || !post(ctx, store+"/once", id) {
				return http.StatusServiceUnavailable
			}
			mu.Lock()
			defer mu.Unlock()
			done[id] = true
			return http.StatusNoContent
		}), func() {}
	})
	if f.Verdict != check.Pass {
		t.Errorf("%s: %s %q", f.Verdict, f.Message, f.Details)
	}
}
