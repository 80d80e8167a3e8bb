package check

import (
	"context"
	"fmt"
	"time"

	"github.com/julianctl/julianctl/pkg/deliver"
	"github.com/julianctl/julianctl/pkg/supervise"
)

// Supervision is a consumer that the checks of the group crashes may kill, start
// again, and hold in the middle of a delivery.
type Supervision struct {
	// Start starts one and waits until it answers.
	Start func(context.Context) (Consumer, error)
	// Client delivers to it. The caller closes it.
	Client   func(Consumer) (*deliver.Client, error)
	Recorder *supervise.Recorder
	Through  []*supervise.Proxy // in front of what the consumer uses
	Spies    []*supervise.Spy   // stand-ins for what it calls
	// Replicas: two consumers can run side by side.
	Replicas bool
	// SweepTime is how long one check may try points; default 2 m.
	SweepTime time.Duration
	// At limits the sweeps to one point; nil: all.
	At *StepAt
	// Tell is called with what goes on, a line each, and about how long the crash
	// checks take from now on: 0 while that is not known. May be nil.
	Tell func(what string, left time.Duration)
}

// Consumer is a running consumer.
type Consumer interface {
	// Kill ends it and all that it started at once, and returns when nothing of
	// it is left.
	Kill() error
	// Signal asks it to end, with SIGTERM. The error is [supervise.ErrUnsupported]
	// where it cannot be asked.
	Signal() error
	// Exited is closed when the program that was started has ended, which may
	// leave others behind that serve; Gone when nothing of it is left. Both may be
	// nil: it cannot be seen.
	Exited() <-chan struct{}
	Gone() <-chan struct{}
	// Output is the end of what it printed.
	Output() string
}

// StepAt names a step of a delivery by its number in the list of steps.
type StepAt struct {
	Step  int // from 1
	After bool
}

func (a StepAt) String() string {
	if a.After {
		return fmt.Sprintf("%d+", a.Step)
	}
	return fmt.Sprint(a.Step)
}
