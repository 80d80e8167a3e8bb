// Package export writes a plan of deliveries as files for other load tools (vegeta, k6),
// and checks afterwards which deliveries arrived.
//
// It owns the files (JSON targets for vegeta, a k6 script that reads them, the
// manifest), the commands that run them, and the check. The plan, of package deliver,
// decides what is sent and in which order. It sends nothing.
package export

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/julianctl/julianctl/pkg/deliver"
)

// Engine is a program that runs an export.
type Engine string

// The engines.
const (
	Vegeta Engine = "vegeta" // github.com/tsenart/vegeta, version 12
	K6     Engine = "k6"     // go.k6.io/k6, version 1
)

// The header fields that identify a delivery. Run is the id of the export. Seq is the
// number of the payload in the run and Copy the number of its copy, both from 1.
const (
	HeaderRun  = "X-Julianctl-Run"
	HeaderSeq  = "X-Julianctl-Seq"
	HeaderCopy = "X-Julianctl-Copy"
)

// MaxShards is the most files that deliveries are split into.
const MaxShards = 512

// Export has the settings of an export.
type Export struct {
	Engine Engine
	Run    string // id of the export: letters, digits and hyphens
	URL    string
	// Header is sent with every delivery. It is written to the files, so it must not
	// contain secrets.
	Header deliver.Header
	// Secrets are the names of further fields. The engine gets their values from the
	// environment when it runs; see [Variable].
	Secrets []string
	Plan    deliver.Plan
	Shards  int // 0 is 1
	Jobs    int // goroutines that encode payloads; 0 is 1

	Created  time.Time
	Duration time.Duration // start nothing more after this time; 0: no end
	Timeout  time.Duration // of one delivery; 0: 30 s
	Insecure bool          // accept any TLS certificate
	CACert   string        // file of PEM certificates to trust; may be empty
	Limits   []deliver.Limit
}

// ErrPlan matches every [PlanError], by errors.Is.
var ErrPlan = errors.New("plan cannot be exported")

// PlanError says which part of a plan cannot be exported.
type PlanError struct {
	Why  string
	Hint string // what to do instead; may be empty
}

func (e *PlanError) Error() string { return e.Why }

// Is makes errors.Is(err, ErrPlan) work.
func (e *PlanError) Is(target error) bool { return target == ErrPlan }

// Check returns a [PlanError] if the engine or the files do not support the plan.
func (e Export) Check() error {
	refuse := func(hint, format string, args ...any) error {
		return &PlanError{fmt.Sprintf(format, args...), hint}
	}
	p := e.Plan
	switch {
	case p.Mode == deliver.AtOnce && p.Duplicates > 0:
		return refuse("replay releases copies at one instant; after and shuffled can be exported",
			"--dup-mode together cannot be exported: %s does not send copies at one instant", e.Engine)
	case e.Engine == Vegeta && p.Delay > 0:
		return refuse("export k6 holds it", "--dup-delay cannot be exported: vegeta does not wait between copies")
	case p.Loop && p.Count == 0:
		return refuse("say how many payloads: --count N, or --rate and --duration", "--loop has no end, and files have one")
	case e.Engine == K6 && e.Duration > 0 && e.Duration < time.Second:
		return refuse("", "--duration %q is less than a second, the least that k6 takes", e.Duration)
	case e.Shards < 0 || e.Shards > MaxShards:
		return refuse("", "--shards \"%d\" is not between 1 and %d", e.Shards, MaxShards)
	}
	for _, f := range e.Header {
		switch {
		case !utf8.ValidString(f.Value):
			return refuse("", "value of header %s is not UTF-8, and the files are JSON", f.Name)
		case slices.ContainsFunc([]string{HeaderRun, HeaderSeq, HeaderCopy}, func(own string) bool { return strings.EqualFold(own, f.Name) }):
			return refuse("", "header %s is set by the export itself", f.Name)
		}
	}
	for _, f := range e.fields() {
		if e.Engine == K6 && len(f.values) > 1 {
			return refuse("", "header %s is given twice, and k6 sends a name once", f.name)
		}
	}
	return nil
}

// Warnings returns how the engine differs from replay, each a sentence without its full
// stop.
func (e Export) Warnings() []string {
	var out []string
	p := e.Plan
	after := p.Mode != deliver.Shuffled && p.Duplicates > 0
	if e.Engine == Vegeta && after && p.Concurrency > 1 {
		out = append(out, "vegeta does not wait for the answer to a copy before it sends the next; -c 1 or export k6 does")
	}
	if e.Duration > 0 {
		out = append(out, "what has not begun when --duration is over counts as missing for export verify")
	}
	for _, name := range []string{"Idempotency-Key", "X-Idempotency-Key"} {
		if e.Header.Has(name) || slices.ContainsFunc(e.Secrets, func(s string) bool { return strings.EqualFold(s, name) }) {
			// net/http: Request.isReplayable.
			out = append(out, fmt.Sprintf("with the header %s the engine sends again by itself where a connection breaks", name))
		}
	}
	return out
}

// copies is how often each payload is delivered.
func (e Export) copies() int { return e.Plan.Duplicates + 1 }

// consecutive is how many deliveries are sent one after the other: the copies of a
// payload, each after the answer to the previous one.
func (e Export) consecutive() int {
	if e.Plan.Mode == deliver.Shuffled {
		return 1
	}
	return e.copies()
}

func (e Export) shards() int { return max(e.Shards, 1) }

// Variable returns the name of the environment variable with the value of a secret
// header.
func Variable(header string) string {
	return "JULIANCTL_HEADER_" + strings.Map(func(r rune) rune {
		switch {
		case 'a' <= r && r <= 'z':
			return r - 'a' + 'A'
		case 'A' <= r && r <= 'Z', '0' <= r && r <= '9':
			return r
		}
		return '_'
	}, header)
}
