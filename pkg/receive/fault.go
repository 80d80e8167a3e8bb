package receive

import (
	"fmt"
	"math/rand/v2"
	"net/http"
	"strings"
	"time"
)

// Faults are failures that a [Server] injects into the deliveries it would accept.
// They depend only on Seed and [Delivery.Seq], so that a run can be repeated.
type Faults struct {
	Seed uint64
	// MinDelay to MaxDelay is how long the answer is delayed. No delay lasts longer
	// than the drain time.
	MinDelay, MaxDelay time.Duration
	// FailRate of all deliveries, and the first FailFirst of each call, are answered
	// with FailStatus (503 if zero) and not forwarded. They are stored.
	FailRate   float64 // 0 to 1
	FailFirst  int
	FailStatus int
	// DropRate of all deliveries get no answer: they are stored and forwarded, then
	// the connection is closed. For the sender the acknowledgement is lost.
	DropRate float64 // 0 to 1
}

// Fault is the failure injected into one delivery.
type Fault struct {
	Failed  bool          // answered with a failure status
	Dropped bool          // not answered
	Delay   time.Duration // before the answer
}

// String is "dropped", "failed", "delayed 1.2s" or a list of these; empty if there is
// no fault.
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

// of returns the fault of a delivery, which must be numbered.
func (f *Faults) of(d *Delivery) Fault {
	if d.Refusal != "" || *f == (Faults{}) {
		return Fault{}
	}
	// Always drawn in this order, so that one rate does not affect the others.
	random := rand.New(rand.NewPCG(f.Seed, uint64(d.Seq)))
	failed, dropped, delay := random.Float64() < f.FailRate, random.Float64() < f.DropRate, random.Float64()
	return Fault{
		Dropped: dropped,
		// A dropped delivery is never failed: it is processed.
		Failed: !dropped && (failed || 0 < d.Nth && d.Nth <= f.FailFirst),
		Delay:  f.MinDelay + time.Duration(delay*float64(f.MaxDelay-f.MinDelay)),
	}
}

// failure is the answer to a delivery that fails on purpose.
func (f *Faults) failure() ForwardAnswer {
	status := http.StatusServiceUnavailable
	if f.FailStatus != 0 {
		status = f.FailStatus
	}
	return text(status, "simulated failure", nil)
}
