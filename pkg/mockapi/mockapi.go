// Package mockapi imitates the provider, for tests and for users without a key: its API,
// as an http.Handler with the documented routes under /api/v1, the calls to the contacts
// that are enrolled there, and the deliveries of their webhooks.
//
// Where the documentation says nothing, the answers are invented, and comments say so:
// error codes other than the two of a 401, the form of the outcomes, the figures of the
// credits usage, when a contact is called again, and how often a webhook is tried
// ([sender.Profile]).
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
	"strings"
	"sync"
	"time"

	"github.com/julianctl/julianctl/pkg/generate"
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
	// Shape has what the agents know; the variables that are always present must be given
	// to schedule a contact. nil: any variables.
	Shape *generate.AgentShape
	// RequireEmail: the agents' sequences have e-mail steps, so contacts need an address.
	RequireEmail bool
	// Credits are those of the organization. When they are spent, contacts are not
	// scheduled; 0: 1000, without that.
	Credits float64
	// Webhook says how contacts are called; nil: they are not.
	Webhook *Webhook
	// Observe, if not nil, is called for each answer, possibly concurrently.
	Observe func(r *http.Request, status int)
}

// Provider is the mock: the handler of its API, and the calls that it makes. It is safe
// for concurrent use.
type Provider struct {
	opts   Options
	key    [sha256.Size]byte
	agents []string
	mux    *http.ServeMux
	calls

	mu     sync.Mutex
	dice   *rand.Rand
	starts []time.Time // of the latest accepted requests, a ring; empty: no limit
	oldest int
}

// New returns the mock, or an error if an option is not valid.
func New(opts Options) (*Provider, error) {
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
	a := &Provider{
		opts:   opts,
		key:    sha256.Sum256([]byte(opts.Key)),
		agents: append([]string{DefaultAgent}, opts.Agents...),
		mux:    http.NewServeMux(),
		dice:   rand.New(rand.NewPCG(opts.Seed, 0)),
		starts: make([]time.Time, max(opts.Rate, 0)),
	}
	if err := a.prepareCalls(); err != nil {
		return nil, err
	}
	for _, route := range routes {
		for _, method := range route.methods {
			a.mux.Handle(method+" /api/v1"+route.pattern, a.guarded(func(r *http.Request) reply { return route.handle(a, r) }))
		}
		allow := strings.Join(route.methods, ", ")
		refused := methodNotAllowed
		refused.message = "Only " + allow + " is allowed here"
		a.mux.HandleFunc("/api/v1"+route.pattern, func(w http.ResponseWriter, r *http.Request) {
			w.Header().Set("Allow", strings.Replace(allow, "GET", "GET, HEAD", 1)) // the mux answers both
			a.answer(w, r, refused)
		})
	}
	none := noRoute
	none.message += "; there are " + strings.Join(Addresses(), ", ")
	a.mux.HandleFunc("/", func(w http.ResponseWriter, r *http.Request) { a.answer(w, r, none) })
	return a, nil
}

// routes are the addresses that answer, below /api/v1.
var routes = []struct {
	methods []string // a handler each
	pattern string
	handle  func(*Provider, *http.Request) reply
}{
	{[]string{"GET"}, "/agent/{agent}/call_event_sample", (*Provider).callEventSample},
	{[]string{"GET"}, "/agents/{agent}/outcomes", (*Provider).outcomes},
	{[]string{"GET"}, "/credits/usage", (*Provider).creditsUsage},
	{[]string{"HEAD", "POST"}, "/agents/{agent}/schedule/sequence", (*Provider).scheduleSequence},
	{[]string{"POST"}, "/agents/{agent}/schedule/sequences", (*Provider).scheduleSequences},
	{[]string{"POST"}, "/sequences/cancel", (*Provider).cancelSequences},
}

// Addresses are the methods and paths that answer, such as GET /api/v1/credits/usage.
func Addresses() []string {
	var all []string
	for _, route := range routes {
		all = append(all, strings.Join(route.methods, " or ")+" /api/v1"+route.pattern)
	}
	return all
}

// ServeHTTP answers as the provider's API.
func (a *Provider) ServeHTTP(w http.ResponseWriter, r *http.Request) { a.mux.ServeHTTP(w, r) }

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
	methodNotAllowed = reply{status: http.StatusMethodNotAllowed, code: "METHOD_NOT_ALLOWED"}
	tooMany          = reply{status: http.StatusTooManyRequests, code: "RATE_LIMITED", message: "Too many requests in this second"}
	failed           = reply{status: http.StatusInternalServerError, code: "INTERNAL_ERROR", message: "Simulated failure"}
	noCredits        = reply{status: http.StatusPaymentRequired, code: "INSUFFICIENT_CREDITS", message: "The organization's credits are spent"}
	tooLarge         = reply{status: http.StatusRequestEntityTooLarge, code: "PAYLOAD_TOO_LARGE", message: "The body is over 4 MiB"}
)

// invalid is the answer to a request whose fields are not as documented. The message
// names each field; that there is more than one text is not documented.
func invalid(problems ...string) reply {
	return reply{status: http.StatusBadRequest, code: "VALIDATION_ERROR", message: strings.Join(problems, "; ")}
}

// answered is a reply with a body, which always encodes.
func answered(status int, body any) reply {
	text, _ := json.Marshal(body)
	return reply{status: status, body: text}
}

func (a *Provider) answer(w http.ResponseWriter, r *http.Request, rep reply) {
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
	a.opts.Observe(r, rep.status)
}

// guarded applies the latency, checks key and rate, and fails the selected requests.
func (a *Provider) guarded(next func(*http.Request) reply) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		if wait.For(r.Context(), a.opts.Latency) != nil {
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
func (a *Provider) accepts(key string) bool {
	sum := sha256.Sum256([]byte(key))
	return subtle.ConstantTimeCompare(sum[:], a.key[:]) == 1
}

// admit returns how long to wait if the rate is reached, and whether the request must
// fail.
func (a *Provider) admit() (wait time.Duration, fail bool) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if len(a.starts) > 0 {
		now := a.opts.Now()
		if wait := a.starts[a.oldest].Add(time.Second).Sub(now); wait > 0 {
			return wait, false
		}
		a.starts[a.oldest] = now
		a.oldest = (a.oldest + 1) % len(a.starts)
	}
	return 0, a.dice.Float64() < a.opts.FailRate
}

func (a *Provider) callEventSample(r *http.Request) reply {
	agent := r.PathValue("agent")
	switch {
	case agent == DefaultAgent:
		return reply{status: http.StatusOK, body: a.opts.Sample}
	case !slices.Contains(a.agents, agent):
		return noAgent
	}
	return reply{status: http.StatusOK, body: withAgentID(a.opts.Sample, agent)}
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
func (a *Provider) outcomes(r *http.Request) reply {
	if !slices.Contains(a.agents, r.PathValue("agent")) {
		return noAgent
	}
	list := []byte("[]")
	if found := gjson.GetBytes(a.opts.Sample, "callResult.outcomes"); gjson.ValidBytes(a.opts.Sample) && found.IsArray() {
		list = []byte(found.Raw)
	}
	return reply{status: http.StatusOK, body: slices.Concat([]byte(`{"outcomes":`), list, []byte("}"))}
}
