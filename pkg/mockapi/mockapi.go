// Package mockapi imitates the provider's API, for tests and for users without a key.
// It is an http.Handler with the three routes that pkg/julian calls, under /api/v1, and
// the error answers that the provider documents.
//
// Where the documentation says nothing, the answers are invented, and comments say so:
// error codes other than the two of a 401, the form of the outcomes, the figures of the
// credits usage.
package mockapi

import (
	"crypto/sha256"
	"crypto/subtle"
	"encoding/json"
	"errors"
	"fmt"
	"math/rand/v2"
	"net/http"
	"slices"
	"strconv"
	"sync"
	"time"

	"github.com/julianctl/julianctl/pkg/julian"
	"github.com/julianctl/julianctl/pkg/wait"
	"github.com/tidwall/gjson"
)

// Defaults of [Options].
const (
	DefaultKey   = "test-key"
	DefaultAgent = "agent.abc123"
	DefaultRate  = 10 // requests a second, as the provider documents
)

// Options are the settings of the mock. The zero value has only [DefaultAgent] and
// never fails.
type Options struct {
	Key    string   // the key that is accepted; [DefaultKey] when empty
	Agents []string // in addition to [DefaultAgent]
	// Sample is the answer for [DefaultAgent], sent unchanged; default
	// [julian.Sample]. For other agents its agentId, if any, is replaced.
	Sample   []byte
	Rate     int           // requests a second; [DefaultRate] when zero, no limit when negative
	FailRate float64       // share of requests, 0 to 1, that are answered with 500
	Seed     uint64        // selects which requests fail
	Latency  time.Duration // before each answer
	Now      func() time.Time
	// Observe, if not nil, is called for each answer, possibly concurrently.
	Observe func(r *http.Request, status int)
}

// api is the handler. It starts no goroutines.
type api struct {
	key      [sha256.Size]byte
	agents   []string
	sample   []byte
	failRate float64
	latency  time.Duration
	now      func() time.Time
	observe  func(*http.Request, int)

	mu     sync.Mutex
	dice   *rand.Rand
	starts []time.Time // of the latest accepted requests, a ring; empty: no limit
	oldest int
}

// New returns the mock, or an error if an option is not valid.
func New(opts Options) (http.Handler, error) {
	if !(opts.FailRate >= 0 && opts.FailRate <= 1) {
		return nil, fmt.Errorf("fail rate %v is not between 0 and 1", opts.FailRate)
	}
	if opts.Latency < 0 {
		return nil, fmt.Errorf("latency %v is negative", opts.Latency)
	}
	if opts.Key == "" {
		opts.Key = DefaultKey
	}
	if err := julian.CheckKey(opts.Key); err != nil {
		return nil, err
	}
	if slices.Contains(opts.Agents, "") {
		return nil, errors.New("an agent id is empty")
	}
	if opts.Sample == nil {
		opts.Sample = julian.Sample()
	}
	if opts.Rate == 0 {
		opts.Rate = DefaultRate
	}
	if opts.Now == nil {
		opts.Now = time.Now
	}
	if opts.Observe == nil {
		opts.Observe = func(*http.Request, int) {}
	}
	a := &api{
		key:      sha256.Sum256([]byte(opts.Key)),
		agents:   append([]string{DefaultAgent}, opts.Agents...),
		sample:   opts.Sample,
		failRate: opts.FailRate,
		latency:  opts.Latency,
		now:      opts.Now,
		observe:  opts.Observe,
		dice:     rand.New(rand.NewPCG(opts.Seed, 0)),
		starts:   make([]time.Time, max(opts.Rate, 0)),
	}
	mux := http.NewServeMux()
	for pattern, route := range map[string]func(*http.Request) reply{
		"/api/v1/agent/{agent}/call_event_sample": a.callEventSample,
		"/api/v1/agents/{agent}/outcomes":         a.outcomes,
		"/api/v1/credits/usage":                   a.creditsUsage,
	} {
		mux.Handle("GET "+pattern, a.guarded(route))
		mux.HandleFunc(pattern, func(w http.ResponseWriter, r *http.Request) {
			w.Header().Set("Allow", "GET, HEAD")
			a.answer(w, r, methodNotAllowed)
		})
	}
	mux.HandleFunc("/", func(w http.ResponseWriter, r *http.Request) { a.answer(w, r, noRoute) })
	return mux, nil
}

// reply is an answer: a body, or an error to be written as JSON.
type reply struct {
	status        int
	code, message string
	body          []byte
}

// The error answers. The provider documents the codes of 401; the others are
// invented.
var (
	noKey            = reply{status: http.StatusUnauthorized, code: "UNAUTHORIZED", message: "Missing API key: send it as x-api-key"}
	wrongKey         = reply{status: http.StatusUnauthorized, code: "INVALID_API_KEY", message: "The API key is not valid"}
	noRoute          = reply{status: http.StatusNotFound, code: "NOT_FOUND", message: "There is nothing at this address"}
	noAgent          = reply{status: http.StatusNotFound, code: "AGENT_NOT_FOUND", message: "The organization has no such agent"}
	methodNotAllowed = reply{status: http.StatusMethodNotAllowed, code: "METHOD_NOT_ALLOWED", message: "Only GET is allowed here"}
	tooMany          = reply{status: http.StatusTooManyRequests, code: "RATE_LIMITED", message: "Too many requests in this second"}
	failed           = reply{status: http.StatusInternalServerError, code: "INTERNAL_ERROR", message: "Simulated failure"}
)

func (a *api) answer(w http.ResponseWriter, r *http.Request, rep reply) {
	if rep.body == nil {
		// Two strings always encode.
		rep.body, _ = json.Marshal(struct {
			Error   string `json:"error"`
			Message string `json:"message"`
		}{rep.code, rep.message})
	}
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("Content-Length", strconv.Itoa(len(rep.body)))
	w.WriteHeader(rep.status)
	_, _ = w.Write(rep.body) // a client that is gone needs no answer
	a.observe(r, rep.status)
}

// guarded applies the latency, checks key and rate, and fails the selected requests.
func (a *api) guarded(next func(*http.Request) reply) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		if wait.For(r.Context(), a.latency) != nil {
			return
		}
		switch key := r.Header.Get("X-Api-Key"); {
		case key == "":
			a.answer(w, r, noKey)
		case !a.accepts(key):
			a.answer(w, r, wrongKey)
		default:
			wait, fail := a.admit()
			switch {
			case wait > 0:
				w.Header().Set("Retry-After", strconv.Itoa(int((wait+time.Second-1)/time.Second)))
				a.answer(w, r, tooMany)
			case fail:
				a.answer(w, r, failed)
			default:
				a.answer(w, r, next(r))
			}
		}
	}
}

// accepts takes the same time for every wrong key.
func (a *api) accepts(key string) bool {
	sum := sha256.Sum256([]byte(key))
	return subtle.ConstantTimeCompare(sum[:], a.key[:]) == 1
}

// admit returns how long to wait if the rate is reached, and whether the request must
// fail.
func (a *api) admit() (wait time.Duration, fail bool) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if len(a.starts) > 0 {
		now := a.now()
		if wait := a.starts[a.oldest].Add(time.Second).Sub(now); wait > 0 {
			return wait, false
		}
		a.starts[a.oldest] = now
		a.oldest = (a.oldest + 1) % len(a.starts)
	}
	return 0, a.dice.Float64() < a.failRate
}

func (a *api) callEventSample(r *http.Request) reply {
	agent := r.PathValue("agent")
	switch {
	case agent == DefaultAgent:
		return reply{status: http.StatusOK, body: a.sample}
	case !slices.Contains(a.agents, agent):
		return noAgent
	}
	return reply{status: http.StatusOK, body: withAgentID(a.sample, agent)}
}

// withAgentID replaces the agentId of a payload and changes no other byte. A payload
// without one is returned unchanged.
func withAgentID(payload []byte, agent string) []byte {
	if !gjson.ValidBytes(payload) {
		return payload
	}
	old := gjson.GetBytes(payload, "agentId")
	id, err := json.Marshal(agent)
	if err != nil || old.Type != gjson.String {
		return payload
	}
	return slices.Concat(payload[:old.Index], id, payload[old.Index+len(old.Raw):])
}

// outcomes answers with those of the sample. The form is invented: the provider does
// not document it.
func (a *api) outcomes(r *http.Request) reply {
	if !slices.Contains(a.agents, r.PathValue("agent")) {
		return noAgent
	}
	list := []byte("[]")
	if found := gjson.GetBytes(a.sample, "callResult.outcomes"); gjson.ValidBytes(a.sample) && found.IsArray() {
		list = []byte(found.Raw)
	}
	return reply{status: http.StatusOK, body: slices.Concat([]byte(`{"outcomes":`), list, []byte("}"))}
}

// creditsUsage answers for the current month with invented figures: each agent has
// spent 10 of 1,000 credits in 5 calls.
func (a *api) creditsUsage(*http.Request) reply {
	const allocated, spent, count = 1000.0, 10.0, 5.0
	now := a.now().UTC()
	first := time.Date(now.Year(), now.Month(), 1, 0, 0, 0, 0, time.UTC)
	const milliseconds = "2006-01-02T15:04:05.000Z"
	start, end := first.Format(milliseconds), first.AddDate(0, 1, 0).Add(-time.Millisecond).Format(milliseconds)
	total := spent * float64(len(a.agents))
	usage := julian.CreditsUsage{
		Period: julian.UsagePeriod{StartDate: &start, EndDate: &end, Month: first.Format("2006-01")},
		Organization: julian.OrganizationCredits{
			AllocatedCredits: new(allocated),
			SpentCredits:     new(total),
			RemainingCredits: new(allocated - total),
			PercentageUsed:   new(total / allocated * 100),
		},
	}
	for _, agent := range a.agents {
		usage.Agents = append(usage.Agents, julian.AgentCredits{
			AgentID: new(agent), AgentName: new("Inbound Agent"), SpentCredits: new(spent), TransactionCount: new(count),
		})
	}
	// Strings and finite numbers always encode.
	body, _ := json.Marshal(usage)
	return reply{status: http.StatusOK, body: body}
}
