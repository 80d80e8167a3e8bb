package receive

import (
	"github.com/julianctl/julianctl/pkg/copies"
	"github.com/julianctl/julianctl/pkg/record"
)

// Delivery is one request and its result.
//
// Its texts come from the sender and are not safe to print. Header may contain
// secrets. A sink may keep a Delivery: it is not changed after the sink was called.
type Delivery struct {
	// Entry is as a log has it. Body is nil if it was not read completely; see
	// Refusal. Outcome is never nil. A status of 0 means that no answer was given. Store
	// may set ID, Copy and First; before, and without it, Copy is Nth.
	record.Entry
	// Seq counts requests from 1 in the order in which their bodies were
	// complete.
	Seq int64
	// Nth is 1 for the first accepted delivery with this CallID that this server got,
	// then 2, 3, …; it is 0 for all others.
	Nth int
	// Change is how a copy differs from the first; set before the sink is called.
	Change copies.Change
	Fault  Fault // done on purpose

	first firstPayload // to compare a copy with; zero after that
	held  int64        // bytes of Options.MaxHeld
}

// Refusal is why a request was refused.
type Refusal = record.Refusal

// The refusals, with the status they are answered with.
const (
	WrongPath   Refusal = "path"       // 404
	WrongMethod Refusal = "method"     // 405
	WrongHeader Refusal = "header"     // 401: a required header is missing or differs
	TooLarge    Refusal = "too-large"  // 413
	Incomplete  Refusal = "incomplete" // 400: the body ended early or was malformed
	TooSlow     Refusal = "too-slow"   // 408: the body took longer than Options.ReadTimeout
	Busy        Refusal = "busy"       // 503: too much is waiting for the sink
	NotStored   Refusal = "not-stored" // 503: the store failed
	NoRoom      Refusal = "no-room"    // 507: the store is full
	// Malformed is not a valid request; see Reason. If net/http refused it, Status is
	// its answer (400, 417, 431, 501, 505; 0 if TLS failed), and Method, URI, Header
	// and Body are empty. A body with an ambiguous end is answered 400.
	Malformed Refusal = "malformed"
)

// Acknowledged reports whether the sender got a 2xx.
func (d *Delivery) Acknowledged() bool { return d.Refusal == "" && d.Result().Status/100 == 2 }

// Answered reports whether the sender got the regular answer: the delivery was not
// refused, and neither dropped nor failed on purpose.
func (d *Delivery) Answered() bool { return d.Refusal == "" && !d.Fault.Failed && !d.Fault.Dropped }
