package main

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

// planFlags are the flags of every command that plans deliveries: what is sent,
// how often and in which order.
type planFlags struct {
	paths       []string // none: the embedded sample
	dup         int
	dupMode     string
	dupDelay    time.Duration
	concurrency int
	rate        float64       // deliveries a second; 0: as answers come
	count       int           // 0: all
	duration    time.Duration // 0: no end
	loop        bool
	shuffle     bool
	newIDs      bool
	sets        setFlags
	edits       []edit // of sets
	seed        uint64
}

// openLoopConcurrency is how many payloads may be on the way at a rate, unless
// it is said: room for a stall, with some 40 KiB of memory for each.
const openLoopConcurrency = 512

// The rates that can be asked for, in deliveries a second.
const minRate, maxRate = 0.001, 1e6

func (p *planFlags) declare(cmd *cobra.Command) {
	f := cmd.Flags()
	f.IntVar(&p.dup, "dup", 0, "deliver each payload N more times (--dup alone: 1)")
	f.Lookup("dup").NoOptDefVal = "1"
	p.dupMode = string(deliver.After)
	choiceFlag(cmd, &p.dupMode, "dup-mode", "when duplicates are sent", string(deliver.After), string(deliver.AtOnce), string(deliver.Shuffled))
	f.DurationVar(&p.dupDelay, "dup-delay", 0, "wait between an answer and the next copy, with --dup-mode after")
	f.IntVarP(&p.concurrency, "concurrency", "c", 0, fmt.Sprintf("payloads on the way at a time, at most (default 1, which keeps their order; with --rate %d)", openLoopConcurrency))
	f.Float64Var(&p.rate, "rate", 0, "deliveries a second, sent when they are due (default as answers come)")
	f.IntVar(&p.count, "count", 0, "end after N payloads (default all)")
	f.DurationVar(&p.duration, "duration", 0, "begin nothing more after this time, such as 30s")
	f.BoolVar(&p.loop, "loop", false, "begin again after the last payload, until --count, --duration or Ctrl-C")
	f.BoolVar(&p.shuffle, "shuffle", false, "mix the payloads; copies of one stay together")
	f.BoolVar(&p.newIDs, "new-ids", false, "give payloads a fresh callId and sequenceId; equal ones stay equal")
	p.sets.declare(cmd, "every payload")
	f.Uint64Var(&p.seed, "seed", 0, "of --shuffle, --dup-mode shuffled and --new-ids (default random)")
}

// resolve fills in what depends on which flags were given, and reads --set.
func (p *planFlags) resolve(cmd *cobra.Command, args []string) (err error) {
	p.paths = args
	flags := cmd.Flags()
	if !flags.Changed("seed") {
		p.seed = uint64(rand.Uint32())
	}
	if !flags.Changed("concurrency") {
		p.concurrency = 1
		if flags.Changed("rate") {
			p.concurrency = openLoopConcurrency
		}
	}
	if flags.Changed("rate") && (math.IsNaN(p.rate) || p.rate < minRate || p.rate > maxRate) {
		return usage(fmt.Errorf(`--rate "%v" is not between %v and %v a second`, p.rate, minRate, int(maxRate)), "")
	}
	p.edits, err = p.sets.edits()
	return err
}

// plan checks what the flags say together.
func (p *planFlags) plan() (deliver.Plan, error) {
	switch {
	case p.dup < 0:
		return deliver.Plan{}, usage(fmt.Errorf(`--dup "%d" is less than 0`, p.dup), "")
	case p.concurrency < 1:
		return deliver.Plan{}, usage(fmt.Errorf(`--concurrency "%d" is less than 1`, p.concurrency), "")
	case p.count < 0:
		return deliver.Plan{}, usage(fmt.Errorf(`--count "%d" is less than 0`, p.count), "")
	case p.duration < 0:
		return deliver.Plan{}, usage(fmt.Errorf(`--duration "%s" is less than 0`, p.duration), "")
	case p.loop && slices.Contains(p.paths, "-"):
		return deliver.Plan{}, usage(errors.New("--loop cannot read stdin again"), "put the payloads into a file")
	case p.dupDelay < 0:
		return deliver.Plan{}, usage(fmt.Errorf(`--dup-delay "%s" is less than 0`, p.dupDelay), "")
	case p.dupDelay > 0 && (p.dup == 0 || p.dupMode != string(deliver.After)):
		return deliver.Plan{}, usage(errors.New("--dup-delay needs --dup, and --dup-mode after"), "")
	}
	for _, path := range p.paths {
		// "--dup 2" is --dup and a file called 2.
		if _, err := os.Stat(path); p.dup == 1 && strings.Trim(path, "0123456789") == "" && errors.Is(err, fs.ErrNotExist) {
			return deliver.Plan{}, usage(fmt.Errorf("no file %q", path), fmt.Sprintf("did you mean --dup=%s?", path))
		}
	}
	return deliver.Plan{
		Duplicates:  p.dup,
		Mode:        deliver.Mode(p.dupMode),
		Delay:       p.dupDelay,
		Concurrency: p.concurrency,
		Rate:        p.rate,
		Count:       p.count,
		Loop:        p.loop,
		Shuffle:     p.shuffle,
		NewIDs:      p.newIDs,
		Seed:        p.seed,
	}, nil
}
