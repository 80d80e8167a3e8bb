// Package check is what a check of an endpoint works with and comes to: a [Trial]
// makes calls, delivers them, keeps the evidence and counts the effects; a
// [Result] says with a [Verdict] what was found. The checks are those of packages
// checklist and crashcheck; sending is deliver's, payloads are generate's.
//
// No evidence is never a pass. An endpoint that cannot be reached, one that
// does not acknowledge a plain call, and a probe that does not count leave
// what depends on them undecided. What a 2xx says of a repeat proves nothing:
// without a probe the checks of idempotency can fail, and cannot pass.
package check

import (
	"context"
	"time"

	"github.com/julianctl/julianctl/pkg/deliver"
	"github.com/julianctl/julianctl/pkg/effects"
	"github.com/julianctl/julianctl/pkg/generate"
	"github.com/julianctl/julianctl/pkg/julian"
)

// Verdict is what a check found. Package report has the same words in a type of its
// own: with it, users of juliantest would get all formats of reports.
type Verdict string

// The verdicts.
const (
	Pass      Verdict = "PASS"
	Warn      Verdict = "WARN"      // right, but worth a look
	Fail      Verdict = "FAIL"      // wrong
	Undecided Verdict = "UNDECIDED" // there is no evidence either way
	Skip      Verdict = "SKIP"      // there was nothing to ask, or no request left for it
)

// Result is the outcome of one check.
type Result struct {
	ID      string   `json:"id"`
	Group   string   `json:"group"`
	Title   string   `json:"title"`
	Verdict Verdict  `json:"verdict"`
	Message string   `json:"message"`           // one line; may quote the endpoint
	Details []string `json:"details,omitempty"` // a line each, likewise
	// NotRun: undecided because of the endpoint as a whole, before anything was
	// delivered for this check. Message says why.
	NotRun   bool    `json:"notRun,omitempty"`
	TookMS   float64 `json:"tookMs"`
	Requests int     `json:"requests"`
	// Evidence is every delivery in order; of many alike only the first, and
	// those that were not acknowledged.
	Evidence []Evidence `json:"evidence,omitempty"`
	Effects  []Effect   `json:"effects,omitempty"` // that the probe counted
	// Redelivered is how many deliveries came on top of Requests, since a call was
	// not taken.
	Redelivered int `json:"redelivered,omitempty"`
	// Refused are calls that were answered with a 5xx.
	Refused []Refused `json:"refused,omitempty"`
	// Related are the checks that delivered what failed, where it was not this one.
	Related []string `json:"related,omitempty"`
	// SkewMS is the most time between the first and the last of copies that
	// were released together.
	SkewMS  float64 `json:"skewMs,omitempty"`
	Latency *Times  `json:"latency,omitempty"` // of the deliveries that were timed
	// Samples are those latencies in milliseconds, in the order of sending.
	Samples []float64 `json:"latenciesMs,omitempty"`
	// Points are what a sweep over the steps of a delivery visited, Timeline is
	// the delivery of the first that failed, and At its name for --at.
	Points   []PointResult `json:"points,omitempty"`
	Timeline []Event       `json:"timeline,omitempty"`
	At       string        `json:"at,omitempty"`
	// Mend is how people repair what was found, where that is not what the check
	// says; usually empty.
	Mend string `json:"mend,omitempty"`
	// Kept is which of two contents was kept, and Tried what was sent, in words; both
	// are usually empty.
	Kept  string `json:"-"`
	Tried string `json:"-"`
	// SameCause is the check that failed for the same reason, where that is certain;
	// usually empty.
	SameCause string `json:"sameCause,omitempty"`
}

// Evidence is one delivery of a check and its answer.
type Evidence struct {
	What      string  `json:"what"`
	CallID    string  `json:"callId,omitempty"`
	Status    int     `json:"status,omitempty"` // 0: no answer
	LatencyMS float64 `json:"latencyMs"`
	Error     string  `json:"error,omitempty"`
}

// Refused is a call that should have been taken and was answered with a 5xx.
type Refused struct {
	What    string `json:"what"`
	CallID  string `json:"callId"`
	Status  int    `json:"status"`
	Payload []byte `json:"payload"` // exact bytes; base64 in JSON
	// Differs says what it has that nothing has that was acknowledged; may be
	// empty.
	Differs string `json:"differs,omitempty"`
}

// Effect is what a probe counted for one call.
type Effect struct {
	CallID string `json:"callId"`
	Want   int    `json:"want"`
	Before int    `json:"before"`
	After  int    `json:"after"`
	Error  string `json:"error,omitempty"` // why there is no count
}

// Times sum up latencies, in milliseconds.
type Times struct {
	Count int     `json:"count"`
	P50   float64 `json:"p50Ms"`
	P95   float64 `json:"p95Ms"`
	P99   float64 `json:"p99Ms"`
	Max   float64 `json:"maxMs"`
}

// Exercised counts what the crash checks did to a consumer.
type Exercised struct {
	Kills    Tried `json:"kills"`  // at steps of a delivery
	Points   Tried `json:"points"` // of all sweeps, kills among them
	Restarts int   `json:"restarts"`
}

// Tried is how many points were planned, and at how many something was done.
type Tried struct {
	Planned int `json:"planned"`
	Reached int `json:"reached"`
}

// Summary is what is known of a run beside its results.
type Summary struct {
	// NotSelected is how many checks Only, Skip and the profile left out. They
	// have no result.
	NotSelected int    `json:"notSelected"`
	Requests    int    `json:"deliveries"`
	Seed        uint64 `json:"seed"`
	// Probe says whether effects were counted: "counts", "none", or why what
	// the probe said is not a count.
	Probe string `json:"probe"`
	// Unreachable says why the endpoint could not be asked, or not any more;
	// empty otherwise.
	Unreachable string `json:"unreachable,omitempty"`
	// Refused says why no plain call is acknowledged, and WrongPath what to look at
	// where nothing seems to be at that path; both are usually empty.
	Refused   string `json:"refused,omitempty"`
	WrongPath string `json:"-"`
	// FirstEffectMS is how long after its delivery the first call had an effect, and
	// PatienceMS how long effects were waited for; 0: nothing was counted.
	FirstEffectMS float64 `json:"firstEffectMs,omitempty"`
	PatienceMS    float64 `json:"patienceMs,omitempty"`
	// EachMS is how long effects are apart, where they come one after the other.
	EachMS float64 `json:"eachMs,omitempty"`
	// Redelivered is how many deliveries came on top of Requests, since a call was
	// not taken.
	Redelivered int `json:"redelivered,omitempty"`
	// Shown is what the checks that passed showed, and NotShown what nothing of
	// this run looked at.
	Shown    []string `json:"shown,omitempty"`
	NotShown []string `json:"notShown,omitempty"`
	// Exercised is what the crash checks did; nil: none of them ran.
	Exercised *Exercised `json:"exercised,omitempty"`
	// Silent: it takes connections, and gives no answer in time.
	Silent    bool    `json:"silent,omitempty"`
	ElapsedMS float64 `json:"elapsedMs"`
	// CallIDs are the calls that were delivered, whole or in part, but for those
	// whose ids hold quotes and the like: Unlisted is how many.
	CallIDs  []string `json:"-"`
	Unlisted int      `json:"-"`
}

// Values of [Summary.Probe].
const (
	ProbeCounts = "counts"
	ProbeNone   = "none"
)

// Options say what is checked, and against what.
type Options struct {
	Client *deliver.Client
	// Ready runs once the endpoint is there, before anything is sent: an error ends
	// the run. nil: nothing does.
	Ready func(context.Context, *deliver.Client) error
	// Secrets are the headers of Client that the endpoint should insist on.
	Secrets []string
	// Probe counts effects of one call, and Batch of many at once; where both are
	// nil nothing does, and where Batch is not, Probe is not asked.
	Probe effects.Probe
	Batch effects.BatchProbe
	// Expect is how often calls of a result type should be processed; of those it
	// does not name, once.
	Expect map[julian.ResultType]int
	// Settle is how long a count has to stay the same. 0: 2 s, 1 s with Smoke, and
	// an effect that is missing is waited for as long as the first call suggests.
	Settle time.Duration
	// Patience is how long the first effect is waited for, whatever Settle says; 0:
	// as long as Settle where that is given, otherwise 30 s.
	Patience time.Duration
	// Pause is how long after the first delivery the late duplicate is sent;
	// default 2 s.
	Pause time.Duration
	// Slow is how long a slow sender takes; default 2 s.
	Slow time.Duration
	// Slope is how much longer a transcript of 1 MiB may take than one of 1 KiB
	// before that is worth a look; default 400 ms, of which reading and parsing
	// take a twentieth.
	Slope  time.Duration
	Budget []deliver.Limit // for acknowledgements
	// Only and Skip hold ids or groups; an empty Only means all of the profile.
	Only, Skip []string
	Smoke      bool // the profile of that name
	Thorough   bool // likewise; not with Smoke
	// Also is a second writer: it writes the call itself, as a poller would. nil:
	// there is none.
	Also func(ctx context.Context, callID string, payload []byte) error
	// MaxRequests is how many requests may be sent; 0: no limit.
	MaxRequests int
	// Seed makes payloads: the same seed sends the same ones, but for their ids.
	Seed uint64
	// Nonce makes the ids of this run, together with Seed: an endpoint that has
	// seen a seed before has not seen these calls. 0: one is drawn at random.
	Nonce uint64
	// Agent is the id of the agent of every call, and Shape what is its own;
	// empty and nil: those of package generate.
	Agent string
	Shape *generate.AgentShape
	// Edit changes every payload that should be taken; nil: none is changed. One
	// that it does not fit is sent as it is.
	Edit func(payload []byte) ([]byte, error)
	// Supervision is the consumer of the checks of the group crashes; nil: those
	// are not part of the run.
	Supervision *Supervision
	// Begin is called before a check begins to deliver; may be nil.
	Begin func(Step)
	// Say is called with what the user should know at once; may be nil.
	Say func(string)
}

// Step says how far a run has come.
type Step struct {
	ID       string
	Waiting  string // what for, where no check delivers; empty: the first answer
	Done     int    // checks that have delivered all they had to
	Checks   int
	Requests int // sent so far
}

// Event is one line of the timeline of a delivery.
type Event struct {
	AtMS float64 `json:"atMs"` // since the delivery began
	// Step is the number of the step in the list of steps, with a * where it
	// changes durable state; empty for what is not one of a delivery's.
	Step string `json:"step,omitempty"`
	// Who is "sender", "consumer", or a proxy with the number of its connection,
	// such as "database#1".
	Who    string `json:"who"`
	What   string `json:"what"`
	Raw    string `json:"-"` // What with its values
	Result string `json:"result,omitempty"`
	// Reads: it changes nothing: a look, a BEGIN, a COMMIT after looks.
	Reads bool `json:"reads,omitempty"`
	Held  bool `json:"-"` // it was held on purpose
}

// PointResult is what came of one point of a sweep.
type PointResult struct {
	At      string `json:"at"`   // the step's number; with a + the place after it
	What    string `json:"what"` // where that is
	Reached bool   `json:"reached"`
	Failed  bool   `json:"failed"`
}

// Add counts more points.
func (t *Tried) Add(more Tried) {
	t.Planned += more.Planned
	t.Reached += more.Reached
}
