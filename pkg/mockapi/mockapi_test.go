package mockapi_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"math"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/julianctl/julianctl/pkg/julian"
	"github.com/julianctl/julianctl/pkg/mockapi"
)

func newMock(t *testing.T, opts mockapi.Options) http.Handler {
	t.Helper()
	h, err := mockapi.New(opts)
	if err != nil {
		t.Fatal(err)
	}
	return h
}

func send(h http.Handler, method, uri, key string) *httptest.ResponseRecorder {
	w := httptest.NewRecorder()
	r := httptest.NewRequest(method, uri, nil)
	if key != "" {
		r.Header.Set("x-api-key", key)
	}
	h.ServeHTTP(w, r)
	return w
}

func TestAnswers(t *testing.T) {
	const sampleURI = "/api/v1/agent/agent.abc123/call_event_sample"
	h := newMock(t, mockapi.Options{
		Agents: []string{"agent.two", "a/b"},
		Rate:   -1,
		Now:    func() time.Time { return time.Date(2025, 2, 14, 0, 0, 0, 0, time.UTC) },
	})
	sample := string(julian.Sample())
	notFound := `{"error":"NOT_FOUND","message":"There is nothing at this address; there are GET /api/v1/agent/{agent}/call_event_sample, GET /api/v1/agents/{agent}/outcomes, GET /api/v1/credits/usage, HEAD or POST /api/v1/agents/{agent}/schedule/sequence, POST /api/v1/agents/{agent}/schedule/sequences, POST /api/v1/sequences/cancel"}`
	noAgent := `{"error":"AGENT_NOT_FOUND","message":"The organization has no such agent"}`
	notAllowed := `{"error":"METHOD_NOT_ALLOWED","message":"Only GET is allowed here"}`
	wrongKey := `{"error":"INVALID_API_KEY","message":"The API key is not valid"}`
	noKey := `{"error":"UNAUTHORIZED","message":"Missing API key: send it as x-api-key"}`
	type result struct {
		Status      int
		Allow, Body string
	}
	for _, tt := range []struct {
		method, uri, key string
		want             result
	}{
		{"GET", sampleURI, "test-key", result{200, "", sample}},
		{"GET", "/api/v1/agent/agent.two/call_event_sample", "test-key", result{200, "", strings.Replace(sample, `"agentId": "agent.abc123"`, `"agentId": "agent.two"`, 1)}},
		{"GET", "/api/v1/agent/a%2Fb/call_event_sample", "test-key", result{200, "", strings.Replace(sample, `"agentId": "agent.abc123"`, `"agentId": "a/b"`, 1)}},
		{"GET", "/api/v1/agents/agent.two/outcomes", "test-key", result{200, "", "{\"outcomes\":[\n      {\n        \"name\": \"interested\",\n        \"reasoning\": \"Customer expressed interest in the product\"\n      }\n    ]}"}},
		{"GET", "/api/v1/credits/usage", "test-key", result{200, "", `{"period":{"startDate":"2025-02-01T00:00:00.000Z","endDate":"2025-02-28T23:59:59.999Z","month":"2025-02"},` +
			`"organization":{"allocatedCredits":1000,"spentCredits":30,"remainingCredits":970,"percentageUsed":3},"agents":[` +
			`{"agentId":"agent.abc123","agentName":"Inbound Agent","spentCredits":10,"transactionCount":5},` +
			`{"agentId":"agent.two","agentName":"Inbound Agent","spentCredits":10,"transactionCount":5},` +
			`{"agentId":"a/b","agentName":"Inbound Agent","spentCredits":10,"transactionCount":5}]}`}},
		{"GET", sampleURI, "", result{401, "", noKey}},
		{"GET", sampleURI, "test-keys", result{401, "", wrongKey}},
		{"GET", sampleURI, "TEST-KEY", result{401, "", wrongKey}},
		{"GET", "/api/v1/credits/usage", "x", result{401, "", wrongKey}},
		{"GET", "/api/v1/agent/nobody/call_event_sample", "x", result{401, "", wrongKey}}, // no agents told to strangers
		{"GET", "/api/v1/agent/nobody/call_event_sample", "test-key", result{404, "", noAgent}},
		{"GET", "/api/v1/agents/nobody/outcomes", "test-key", result{404, "", noAgent}},
		{"GET", "/agent/agent.abc123/call_event_sample", "test-key", result{404, "", notFound}},
		{"GET", "/api/v1/agents/agent.abc123/call_event_sample", "test-key", result{404, "", notFound}},
		{"GET", "/", "", result{404, "", notFound}},
		{"POST", sampleURI, "test-key", result{405, "GET, HEAD", notAllowed}},
		{"DELETE", "/api/v1/credits/usage", "", result{405, "GET, HEAD", notAllowed}},
	} {
		t.Run(tt.method+" "+tt.uri+" "+tt.key, func(t *testing.T) {
			w := send(h, tt.method, tt.uri, tt.key)
			if diff := cmp.Diff(tt.want, result{w.Code, w.Header().Get("Allow"), w.Body.String()}); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
			if got := w.Header().Get("Content-Type"); got != "application/json" || !json.Valid(w.Body.Bytes()) {
				t.Errorf("content type %q of %s", got, w.Body)
			}
		})
	}
}

// A sample of one's own is served whatever it is; only a payload's own agentId
// is ever exchanged.
func TestOwnSample(t *testing.T) {
	for _, tt := range []struct{ sample, two, outcomes string }{
		{"{ \"x\":1,\t\"agentId\" : \"\\u0061\" }\n", "{ \"x\":1,\t\"agentId\" : \"agent.two\" }\n", `{"outcomes":[]}`},
		{`{"callResult":{"agentId":"inner","outcomes":[ ]}}`, `{"callResult":{"agentId":"inner","outcomes":[ ]}}`, `{"outcomes":[ ]}`},
		{`{"agentId":7}`, `{"agentId":7}`, `{"outcomes":[]}`},
		{`{"agentId":"x"`, `{"agentId":"x"`, `{"outcomes":[]}`},
		{`<html>`, `<html>`, `{"outcomes":[]}`},
		{``, ``, `{"outcomes":[]}`},
	} {
		h := newMock(t, mockapi.Options{Sample: []byte(tt.sample), Agents: []string{"agent.two"}})
		got := []string{
			send(h, "GET", "/api/v1/agent/agent.abc123/call_event_sample", "test-key").Body.String(),
			send(h, "GET", "/api/v1/agent/agent.two/call_event_sample", "test-key").Body.String(),
			send(h, "GET", "/api/v1/agents/agent.two/outcomes", "test-key").Body.String(),
		}
		if diff := cmp.Diff([]string{tt.sample, tt.two, tt.outcomes}, got); diff != "" {
			t.Errorf("%q (-want +got):\n%s", tt.sample, diff)
		}
	}
}

// Ten requests pass within a second, whichever second it is; a refused one
// uses nothing up, nor does one with a wrong key.
func TestRateLimit(t *testing.T) {
	now := time.Unix(1e9, 0)
	h := newMock(t, mockapi.Options{Now: func() time.Time { return now }})
	usage := func(key string) (status int, retryAfter string) {
		w := send(h, "GET", "/api/v1/credits/usage", key)
		return w.Code, w.Header().Get("Retry-After")
	}
	expect := func(n, want int, wait string) {
		t.Helper()
		for i := range n {
			if got, after := usage("test-key"); got != want || after != wait {
				t.Fatalf("request %d of %d: %d, Retry-After %q; want %d, %q", i+1, n, got, after, want, wait)
			}
		}
	}
	for range 20 {
		usage("wrong")
	}
	expect(5, 200, "")
	now = now.Add(900 * time.Millisecond)
	expect(5, 200, "")
	expect(3, 429, "1")
	now = now.Add(100*time.Millisecond - 1)
	expect(1, 429, "1")
	now = now.Add(1) // a second after the first five
	expect(5, 200, "")
	expect(1, 429, "1")
	now = now.Add(time.Minute)
	expect(10, 200, "")
	expect(1, 429, "1")
}

func TestFailRate(t *testing.T) {
	statuses := func(seed uint64, rate float64) (list []int) {
		h := newMock(t, mockapi.Options{FailRate: rate, Seed: seed, Rate: -1})
		for range 400 {
			list = append(list, send(h, "GET", "/api/v1/credits/usage", "test-key").Code)
		}
		return list
	}
	first := statuses(1, 0.25)
	if diff := cmp.Diff(first, statuses(1, 0.25)); diff != "" {
		t.Errorf("same seed, other failures:\n%s", diff)
	}
	if cmp.Equal(first, statuses(2, 0.25)) {
		t.Error("another seed, same failures")
	}
	count := func(list []int) (failures int) {
		for _, status := range list {
			if status == 500 {
				failures++
			}
		}
		return failures
	}
	if got := count(first); got < 60 || got > 140 {
		t.Errorf("%d of 400 failed, want about 100", got)
	}
	if none, all := count(statuses(1, 0)), count(statuses(1, 1)); none != 0 || all != 400 {
		t.Errorf("%d failed of none, %d of all 400", none, all)
	}
}

func TestLatency(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var observed []int
		h := newMock(t, mockapi.Options{Latency: 3 * time.Second, Observe: func(_ *http.Request, status int) { observed = append(observed, status) }})
		start := time.Now()
		w := send(h, "GET", "/api/v1/credits/usage", "")
		if took := time.Since(start); took != 3*time.Second || w.Code != 401 {
			t.Errorf("%d after %v, want 401 after 3s", w.Code, took)
		}
		// A client that goes away is not waited for, and not answered.
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		start = time.Now()
		rec := httptest.NewRecorder()
		h.ServeHTTP(rec, httptest.NewRequestWithContext(ctx, "GET", "/api/v1/credits/usage", nil))
		if took := time.Since(start); took != time.Second || rec.Body.Len() != 0 {
			t.Errorf("%q after %v, want nothing after 1s", rec.Body, took)
		}
		if diff := cmp.Diff([]int{401}, observed); diff != "" {
			t.Errorf("observed (-want +got):\n%s", diff)
		}
	})
}

func TestOptionErrors(t *testing.T) {
	for _, opts := range []mockapi.Options{
		{FailRate: -0.1}, {FailRate: 1.1}, {FailRate: math.NaN()}, {Latency: -1}, {Key: "a b"}, {Agents: []string{""}},
	} {
		if _, err := mockapi.New(opts); err == nil {
			t.Errorf("%+v was accepted", opts)
		}
	}
}

// client returns a client of the mock, over real HTTP.
func client(t *testing.T, key string, opts mockapi.Options) *julian.Client {
	t.Helper()
	srv := httptest.NewServer(newMock(t, opts))
	t.Cleanup(srv.Close)
	c, err := julian.NewClient(key, julian.ClientOptions{BaseURL: srv.URL + "/api/v1", Retries: -1})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(c.CloseIdleConnections)
	return c
}

func TestClientAgainstMock(t *testing.T) {
	c := client(t, "test-key", mockapi.Options{Agents: []string{"agent ü/?#%"}})
	body, err := c.CallEventSample(t.Context(), "agent.abc123")
	if err != nil || !bytes.Equal(body, julian.Sample()) {
		t.Errorf("%v, %q", err, body)
	}
	body, err = c.CallEventSample(t.Context(), "agent ü/?#%")
	var event julian.CallEvent
	if err != nil || json.Unmarshal(body, &event) != nil || event.AgentID != "agent ü/?#%" {
		t.Errorf("%v, agent %q", err, event.AgentID)
	}
	if body, err = c.Outcomes(t.Context(), "agent.abc123"); err != nil || !bytes.Contains(body, []byte("interested")) {
		t.Errorf("%v, %s", err, body)
	}
	usage, err := c.CreditsUsage(t.Context())
	if err != nil || len(usage.Agents) != 2 || *usage.Organization.RemainingCredits != 980 {
		t.Errorf("%v, %+v", err, usage)
	}
	if _, err = c.CallEventSample(t.Context(), "agent.none"); !errors.Is(err, julian.ErrNotFound) {
		t.Errorf("%v, want ErrNotFound", err)
	}
	if _, err = client(t, "wrong", mockapi.Options{}).CreditsUsage(t.Context()); !errors.Is(err, julian.ErrUnauthorized) {
		t.Errorf("%v, want ErrUnauthorized", err)
	}
	if _, err = client(t, "test-key", mockapi.Options{FailRate: 1}).CreditsUsage(t.Context()); !errors.Is(err, julian.ErrServer) {
		t.Errorf("%v, want ErrServer", err)
	}
}

// 25 calls at once reach the mock without a single 429: the client's limit
// holds at the server, on a real network and clock.
func TestClientLimitHoldsAtServer(t *testing.T) {
	var refused atomic.Int32
	c := client(t, "test-key", mockapi.Options{Observe: func(_ *http.Request, status int) {
		if status == http.StatusTooManyRequests {
			refused.Add(1)
		}
	}})
	var wg sync.WaitGroup
	for range 25 {
		wg.Go(func() {
			if _, err := c.CreditsUsage(t.Context()); err != nil {
				t.Error(err)
			}
		})
	}
	wg.Wait()
	if n := refused.Load(); n > 0 {
		t.Errorf("%d calls got 429", n)
	}
}
