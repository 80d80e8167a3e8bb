package cli

import (
	"errors"
	"fmt"
	"io/fs"
	"math"
	"math/rand/v2"
	"os"
	"slices"
	"strings"
	"time"

	"github.com/julianctl/julianctl/pkg/deliver"
	"github.com/spf13/cobra"
)

// PlanFlags are the flags of every command that plans deliveries: what is sent,
// how often and in which order.
type PlanFlags struct {
	Paths       []string // none: the embedded sample
	Dup         int
	DupMode     string
	dupDelay    time.Duration
	concurrency int
	Rate        float64       // deliveries a second; 0: as answers come
	Count       int           // 0: all
	Duration    time.Duration // 0: no end
	Loop        bool
	Shuffle     bool
	NewIDs      bool
	Sets        SetFlags
	Edits       []Edit // of sets
	Seed        uint64
}

// openLoopConcurrency is how many payloads may be on the way at a rate, unless
// it is said: room for a stall, with some 40 KiB of memory for each.
const openLoopConcurrency = 512

// The rates that can be asked for, in deliveries a second.
const minRate, maxRate = 0.001, 1e6

// Declare declares the flags.
func (p *PlanFlags) Declare(cmd *cobra.Command) {
	f := cmd.Flags()
	f.IntVar(&p.Dup, "dup", 0, "deliver each payload N more times; the = is needed: --dup=2 (--dup alone: 1)")
	f.Lookup("dup").NoOptDefVal = "1"
	p.DupMode = string(deliver.After)
	ChoiceFlag(cmd, &p.DupMode, "dup-mode", "when duplicates are sent", string(deliver.After), string(deliver.AtOnce), string(deliver.Shuffled))
	f.DurationVar(&p.dupDelay, "dup-delay", 0, "wait before each duplicate, with --dup-mode after")
	f.IntVarP(&p.concurrency, "concurrency", "c", 0, fmt.Sprintf("most payloads in flight at a time (default 1, which keeps their order; %d with --rate)", openLoopConcurrency))
	f.Float64Var(&p.Rate, "rate", 0, "deliveries a second, at fixed times (default each after the answer before it)")
	f.IntVar(&p.Count, "count", 0, "end after N payloads (default all)")
	f.DurationVar(&p.Duration, "duration", 0, "start no delivery after this time, such as 30s")
	f.BoolVar(&p.Loop, "loop", false, "start again after the last payload, until --count, --duration or Ctrl-C")
	f.BoolVar(&p.Shuffle, "shuffle", false, "shuffle the payloads; duplicates stay with theirs")
	f.BoolVar(&p.NewIDs, "new-ids", false, "give payloads new values of callId and sequenceId; equal ids stay equal")
	p.Sets.Declare(cmd, "every payload")
	f.Uint64Var(&p.Seed, "seed", 0, "seed of --shuffle, --dup-mode shuffled and --new-ids (default random)")
}

// Resolve fills in what depends on which flags were given, and reads --set.
func (p *PlanFlags) Resolve(cmd *cobra.Command, args []string) (err error) {
	p.Paths = slices.DeleteFunc(slices.Clone(args), isURL)
	flags := cmd.Flags()
	if !flags.Changed("seed") {
		p.Seed = uint64(rand.Uint32())
	}
	if !flags.Changed("concurrency") {
		p.concurrency = 1
		if flags.Changed("rate") {
			p.concurrency = openLoopConcurrency
		}
	}
	if flags.Changed("rate") && (math.IsNaN(p.Rate) || p.Rate < minRate || p.Rate > maxRate) {
		return UsageError(fmt.Errorf(`--rate "%v" is not between %v and %v a second`, p.Rate, minRate, int(maxRate)), "")
	}
	p.Edits, err = p.Sets.Edits()
	return err
}

// ParseLimits reads the limits of latency that a flag gives, none if it is empty.
func ParseLimits(flag, text string) ([]deliver.Limit, error) {
	if text == "" {
		return nil, nil
	}
	limits, err := deliver.ParseLimits(text)
	if err == nil {
		return limits, nil
	}
	hint := "such as p99=500ms or p50=100ms,max=2s"
	for _, near := range []string{"p99=" + text, text + "s"} {
		if _, err := deliver.ParseLimits(near); err == nil {
			hint = fmt.Sprintf("did you mean %q?", near)
			break
		}
	}
	return nil, UsageError(fmt.Errorf("invalid value for %s: %q: %w", flag, text, deliver.ErrLimit), hint)
}

// ParseStatuses reads the statuses of --expect.
func ParseStatuses(text string) (deliver.Statuses, error) {
	statuses, err := deliver.ParseStatuses(text)
	if err != nil {
		return nil, UsageError(fmt.Errorf("--expect %q: %w", text, err), "such as 2xx or 200,204")
	}
	return statuses, nil
}

// Plan checks what the flags say together.
func (p *PlanFlags) Plan() (deliver.Plan, error) {
	switch {
	case p.Dup < 0:
		return deliver.Plan{}, UsageError(fmt.Errorf(`--dup "%d" is less than 0`, p.Dup), "")
	case p.concurrency < 1:
		return deliver.Plan{}, UsageError(fmt.Errorf(`--concurrency "%d" is less than 1`, p.concurrency), "")
	case p.Count < 0:
		return deliver.Plan{}, UsageError(fmt.Errorf(`--count "%d" is less than 0`, p.Count), "")
	case p.Duration < 0:
		return deliver.Plan{}, UsageError(fmt.Errorf(`--duration "%s" is less than 0`, p.Duration), "")
	case p.Loop && slices.Contains(p.Paths, "-"):
		return deliver.Plan{}, UsageError(errors.New("--loop cannot read stdin again"), "put the payloads into a file")
	case p.dupDelay < 0:
		return deliver.Plan{}, UsageError(fmt.Errorf(`--dup-delay "%s" is less than 0`, p.dupDelay), "")
	case p.dupDelay > 0 && (p.Dup == 0 || p.DupMode != string(deliver.After)):
		return deliver.Plan{}, UsageError(errors.New("--dup-delay needs --dup, and --dup-mode after"), "")
	}
	for _, path := range p.Paths {
		// "--dup 2" is --dup and a file called 2.
		if _, err := os.Stat(path); p.Dup == 1 && strings.Trim(path, "0123456789") == "" && errors.Is(err, fs.ErrNotExist) {
			return deliver.Plan{}, UsageError(fmt.Errorf("no file %q", path), fmt.Sprintf("did you mean --dup=%s?", path))
		}
	}
	return deliver.Plan{
		Duplicates:  p.Dup,
		Mode:        deliver.Mode(p.DupMode),
		Delay:       p.dupDelay,
		Concurrency: p.concurrency,
		Rate:        p.Rate,
		Count:       p.Count,
		Loop:        p.Loop,
		Shuffle:     p.Shuffle,
		NewIDs:      p.NewIDs,
		Seed:        p.Seed,
	}, nil
}
