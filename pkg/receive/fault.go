package receive

import (
	"fmt"
	"math/rand/v2"
	"net/http"
	"strings"
	"time"
)

// Faults are what a [Server] does wrong on purpose. Only deliveries that it
// would take suffer them. The seed and [Delivery.Seq] alone decide on each, so
// that a run with the same seed does the same to the same sequence.
type Faults struct {
	Seed uint64
	// MinDelay to MaxDelay is how long the answer is held back, once all else
	// is done. No delay outlasts the drain time.
	MinDelay, MaxDelay time.Duration
	// FailRate of all deliveries, and the first FailFirst of each call, are
	// answered with FailStatus (503 when zero) in place of being forwarded.
	// They are stored like any other.
	FailRate   float64 // 0 to 1
	FailFirst  int
	FailStatus int
	// DropRate of all deliveries get no answer: they are stored and forwarded,
	// then the connection is closed. To their sender the acknowledgement is lost.
	DropRate float64 // 0 to 1
}

// Fault is what was done wrong to one delivery.
type Fault struct {
	Failed  bool          // answered with a failure without a reason
	Dropped bool          // not answered
	Delay   time.Duration // before the answer
}

// String is "dropped", "failed", "delayed 1.2s" or a list of these; empty when
// nothing was done.
func (f Fault) String() string {
	var words []string
	if f.Delay > 0 {
		words = append(words, fmt.Sprint("delayed ", f.Delay.Round(time.Millisecond)))
	}
	if f.Failed {
		words = append(words, "failed")
	}
	if f.Dropped {
		words = append(words, "dropped")
	}
	return strings.Join(words, ", ")
}

// of decides on the fault of a delivery that has its numbers.
func (f *Faults) of(d *Delivery) Fault {
	if d.Refusal != "" || *f == (Faults{}) {
		return Fault{}
	}
	// Always in this order, so that one rate does not change what another does.
	random := rand.New(rand.NewPCG(f.Seed, uint64(d.Seq)))
	failed, dropped, delay := random.Float64() < f.FailRate, random.Float64() < f.DropRate, random.Float64()
	return Fault{
		Dropped: dropped,
		// A delivery that is dropped is one that was taken.
		Failed: !dropped && (failed || 0 < d.Copy && d.Copy <= f.FailFirst),
		Delay:  f.MinDelay + time.Duration(delay*float64(f.MaxDelay-f.MinDelay)),
	}
}

// failure is the answer to a delivery that fails on purpose.
func (f *Faults) failure() ForwardAnswer {
	status := http.StatusServiceUnavailable
	if f.FailStatus != 0 {
		status = f.FailStatus
	}
	return text(status, "this failure was asked for", nil)
}
