package listen

import (
	"fmt"
	"net/http"
	"strings"

	"github.com/julianctl/julianctl/pkg/cli"
	"github.com/julianctl/julianctl/pkg/receive"
	"github.com/julianctl/julianctl/pkg/units"
	"github.com/spf13/cobra"
)

// faultFlags are the faults that listen injects.
type faultFlags struct {
	delay      cli.DurationRange
	failRate   float64
	failFirst  int
	failStatus int
	dropRate   float64
	seed       uint64
}

func (f *faultFlags) declare(cmd *cobra.Command) {
	flags := cmd.Flags()
	flags.Var(&f.delay, "delay", "delay each answer: 2s, or 200ms..2s for a random time between")
	flags.Float64Var(&f.failRate, "fail-rate", 0, "share of the deliveries to answer with --fail-status, 0 to 1")
	flags.IntVar(&f.failFirst, "fail-first", 0, "answer the first N deliveries of each call with --fail-status")
	flags.IntVar(&f.failStatus, "fail-status", http.StatusServiceUnavailable, "status of an answer that fails")
	flags.Float64Var(&f.dropRate, "drop-rate", 0, "share of the deliveries to store and not answer, 0 to 1")
	flags.Uint64Var(&f.seed, "seed", 1, "seed of the faults: the same seed fails the same deliveries")
}

func (f *faultFlags) check() error {
	const shares = "0 is none, 0.1 is one in ten, 1 is all"
	switch {
	case !(f.failRate >= 0 && f.failRate <= 1):
		return cli.UsageError(fmt.Errorf("--fail-rate %g is not a share", f.failRate), shares)
	case !(f.dropRate >= 0 && f.dropRate <= 1):
		return cli.UsageError(fmt.Errorf("--drop-rate %g is not a share", f.dropRate), shares)
	case f.failFirst < 0:
		return cli.UsageError(fmt.Errorf("--fail-first %d is negative", f.failFirst), "")
	case f.failStatus < 300 || f.failStatus > 599:
		return cli.UsageError(fmt.Errorf("--fail-status %d is not a failure", f.failStatus), "want 300 to 599")
	}
	return nil
}

func (f *faultFlags) faults() receive.Faults {
	faults := receive.Faults{
		MinDelay: f.delay.Min, MaxDelay: f.delay.Max,
		FailRate: f.failRate, FailFirst: f.failFirst, DropRate: f.dropRate,
	}
	if faults != (receive.Faults{}) {
		faults.Seed, faults.FailStatus = f.seed, f.failStatus
	}
	return faults
}

// String describes the faults; empty if there are none.
func (f *faultFlags) String() string {
	var words []string
	if f.failFirst > 0 {
		words = append(words, fmt.Sprintf("%d for the first %d of each call", f.failStatus, f.failFirst))
	}
	if f.failRate > 0 {
		words = append(words, fmt.Sprintf("%d for %s", f.failStatus, units.ExactPercent(f.failRate)))
	}
	if f.dropRate > 0 {
		words = append(words, "no answer for "+units.ExactPercent(f.dropRate))
	}
	if f.delay.Max > 0 {
		words = append(words, "delayed "+f.delay.String())
	}
	if f.failRate > 0 || f.dropRate > 0 || f.delay.Min < f.delay.Max {
		words = append(words, fmt.Sprintf("seed %d", f.seed))
	}
	return strings.Join(words, ", ")
}
