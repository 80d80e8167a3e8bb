// Package check proves statements about a webhook endpoint by delivering
// payloads to it and judging what it answers. It owns the registry of checks
// and their verdicts; sending is deliver's, payloads are generate's.
//
// No evidence is never a pass: an endpoint that cannot be reached leaves every
// check undecided.
package check

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/julianctl/julianctl/pkg/deliver"
	"github.com/julianctl/julianctl/pkg/generate"
)

// Verdict is what a check found.
type Verdict string

// The verdicts.
const (
	Pass      Verdict = "PASS"
	Warn      Verdict = "WARN"      // right, but worth a look
	Fail      Verdict = "FAIL"      // wrong
	Undecided Verdict = "UNDECIDED" // there is no evidence either way
	Skip      Verdict = "SKIP"      // not asked for
)

// Check is one statement about an endpoint.
type Check struct {
	ID    string // stable, never used for anything else
	Group string
	Title string // completes "the endpoint …"
	Why   string // what goes wrong in production where it does not hold
	How   string // what is sent, and what decides
	run   func(context.Context, *trial) finding
}

// Result is the outcome of one check.
type Result struct {
	ID       string     `json:"id"`
	Group    string     `json:"group"`
	Title    string     `json:"title"`
	Verdict  Verdict    `json:"verdict"`
	Message  string     `json:"message"`           // one line; may quote the endpoint
	Details  []string   `json:"details,omitempty"` // a line each, likewise
	TookMS   float64    `json:"tookMs"`
	Evidence []Evidence `json:"evidence,omitempty"` // every delivery, in order
}

// Evidence is one delivery of a check and its answer.
type Evidence struct {
	What      string  `json:"what"`
	CallID    string  `json:"callId,omitempty"`
	Status    int     `json:"status,omitempty"` // 0: no answer
	LatencyMS float64 `json:"latencyMs"`
	Error     string  `json:"error,omitempty"`
}

// Summary counts the verdicts of a run.
type Summary struct {
	Pass       int    `json:"pass"`
	Warn       int    `json:"warn"`
	Fail       int    `json:"fail"`
	Undecided  int    `json:"undecided"`
	Skip       int    `json:"skip"`
	Deliveries int    `json:"deliveries"`
	Seed       uint64 `json:"seed"`
	// Unreachable says why nothing could be asked; empty otherwise.
	Unreachable string  `json:"unreachable,omitempty"`
	ElapsedMS   float64 `json:"elapsedMs"`
}

// Sender delivers one request and waits for its answer. [deliver.Client] is
// one.
type Sender interface {
	Send(context.Context, deliver.Request) deliver.Answer
}

// Options say what is checked, and against what.
type Options struct {
	Sender Sender
	Budget []deliver.Limit // for acknowledgements
	// Only and Skip hold ids or groups; an empty Only means all.
	Only, Skip []string
	// Seed makes the call ids: the same seed sends the same bytes.
	Seed uint64
}

// ErrUnknown is returned for a name that is neither a check nor a group.
var ErrUnknown = errors.New("is neither a check nor a group")

// Names lists every id and group, for suggestions.
func Names() []string {
	var names []string
	for _, c := range Checks {
		if !slices.Contains(names, c.Group) {
			names = append(names, c.Group)
		}
		names = append(names, c.ID)
	}
	return names
}

// Find returns the check with this id.
func Find(id string) (Check, error) {
	for _, c := range Checks {
		if c.ID == id {
			return c, nil
		}
	}
	return Check{}, fmt.Errorf("%q %w", id, ErrUnknown)
}

// Run runs the checks one after the other, in the order of [Checks], and calls
// observe with each result as it is there. The error is ErrUnknown, or that of
// ctx when the run was cut short; what was observed until then stands.
func Run(ctx context.Context, o Options, observe func(Result)) (Summary, error) {
	for _, name := range slices.Concat(o.Only, o.Skip) {
		if !slices.Contains(Names(), name) {
			return Summary{}, fmt.Errorf("%q %w", name, ErrUnknown)
		}
	}
	sum := Summary{Seed: o.Seed}
	began := time.Now()
	for i, c := range Checks {
		var r Result
		switch {
		case !o.wants(c):
			r = Result{Verdict: Skip, Message: "not asked for"}
		case sum.Unreachable != "":
			r = Result{Verdict: Undecided, Message: "not asked: the endpoint could not be reached"}
		default:
			// Each check has its own seed, so that one run alone sends what it
			// sends among the others.
			t := &trial{sender: o.Sender, gen: generate.New(o.Seed + uint64(i)<<32), budget: o.Budget}
			start := time.Now()
			f := c.run(ctx, t)
			if ctx.Err() != nil {
				return sum, ctx.Err()
			}
			if f.unreachable {
				sum.Unreachable = f.message
			}
			r = Result{Verdict: f.verdict, Message: f.message, Details: f.details, TookMS: milliseconds(time.Since(start)), Evidence: t.evidence}
		}
		r.ID, r.Group, r.Title = c.ID, c.Group, c.Title
		sum.count(r)
		sum.ElapsedMS = milliseconds(time.Since(began))
		observe(r)
	}
	return sum, nil
}

func (o Options) wants(c Check) bool {
	named := func(list []string) bool { return slices.Contains(list, c.ID) || slices.Contains(list, c.Group) }
	return (len(o.Only) == 0 || named(o.Only)) && !named(o.Skip)
}

func (s *Summary) count(r Result) {
	s.Deliveries += len(r.Evidence)
	switch r.Verdict {
	case Pass:
		s.Pass++
	case Warn:
		s.Warn++
	case Fail:
		s.Fail++
	case Undecided:
		s.Undecided++
	case Skip:
		s.Skip++
	}
}

func milliseconds(d time.Duration) float64 { return float64(d.Microseconds()) / 1000 }
