package receive

import (
	"bytes"
	"cmp"
	"compress/gzip"
	"fmt"
	"io"
	"net/http"
	"strings"
	"time"

	"github.com/julianctl/julianctl/pkg/units"
)

// Delivery is one request and what became of it.
//
// Everything in it but Body and the times is text from a stranger: not safe to
// print. Header holds secrets as they came. A sink may keep a Delivery; nobody
// changes it after the sink was called.
type Delivery struct {
	// Seq counts requests from 1 in the order in which their bodies were
	// complete.
	Seq      int64
	Received time.Time // when the header was read
	Method   string
	URI      string // as in the request line
	Proto    string // such as HTTP/1.1
	Scheme   string // http or https
	Host     string
	Remote   string // address and port of the peer
	Header   http.Header
	// Body is exactly what was received, still compressed if it came so. It is
	// nil when Refusal says that it was not read to its end.
	Body []byte
	// Size is how many bytes of the body were read.
	Size int64

	// CallID is the idempotency key and ResultType is callResult.resultType;
	// empty when the body is no JSON object or holds no such string.
	CallID     string
	ResultType string
	Seconds    *float64 // length of the call; nil when the body does not say
	// Copy is 1 for the first delivery with this CallID that arrived whole at
	// the right place, then 2, 3, …; it is 0 for all others.
	Copy int
	// Change is what a copy differs in from the first; set before the sink is
	// called.
	Change Change

	// Refusal says why this is no delivery that counts; empty when it is one.
	Refusal Refusal
	Reason  string        // of Malformed
	Fault   Fault         // done on purpose
	Status  int           // answered; 0: no answer was given
	Took    time.Duration // from Received until the answer was written
	// Forward is what the forwarder did; nil when there is none or the
	// delivery was refused before.
	Forward *Forwarded
	// Stored is whatever Options.Store leaves for the sink.
	Stored any

	repeats bool    // there is a first
	first   earlier // what a copy is compared with; zero once compared
	held    int64   // bytes of Options.MaxHeld
	limit   int64   // of an inflated body; 0: DefaultMaxBody
}

// Refusal is why a request was not taken as a delivery.
type Refusal string

// The refusals, with the status they are answered with.
const (
	WrongPath   Refusal = "path"       // 404
	WrongMethod Refusal = "method"     // 405
	WrongHeader Refusal = "header"     // 401: a required header is missing or differs
	TooLarge    Refusal = "too-large"  // 413
	Incomplete  Refusal = "incomplete" // 400: the body broke off or was malformed
	TooSlow     Refusal = "too-slow"   // 408: the body took longer than Options.ReadTimeout
	Busy        Refusal = "busy"       // 503: too much is waiting for the sink
	NotStored   Refusal = "not-stored" // 503: the store failed
	NoRoom      Refusal = "no-room"    // 507: the store is full
	// Malformed is no proper request; Reason says why. What net/http refused by
	// itself has its answer (400, 417, 431, 501, 505) as Status, 0 where not even
	// TLS came about; Method, URI, Header and Body are not known. What has a
	// body without a clear end is answered 400.
	Malformed Refusal = "malformed"
)

// Forwarded is what came of forwarding one delivery.
type Forwarded struct {
	To       string // URL of the endpoint, as ForwardAnswer has it
	Status   int    // of the endpoint; 0 when Err is set
	Took     time.Duration
	Attempts int   // how often the delivery was sent, 1 or more
	Err      error // why there is no answer; nil when there is one

	Header http.Header // of the answer
	Body   []byte      // its first MaxKept bytes, as they came
	Size   int64       // of the whole body, as far as it was read
}

// MaxKept is how many bytes of an endpoint's answer stay with its delivery.
const MaxKept = 64 << 10

// Acknowledged reports whether the sender was told that its delivery arrived.
func (d *Delivery) Acknowledged() bool { return d.Refusal == "" && d.Status/100 == 2 }

// Answered reports whether the sender got the answer that was meant for it:
// its delivery was neither refused nor left without one or failed on purpose.
func (d *Delivery) Answered() bool { return d.Refusal == "" && !d.Fault.Failed && !d.Fault.Dropped }

// Payload returns the body as its sender meant it: inflated when it is
// gzip-encoded. The error says why it cannot be, for one because it would
// become larger than Options.MaxBody. The result may share memory with Body.
func (d *Delivery) Payload() ([]byte, error) {
	limit := cmp.Or(d.limit, DefaultMaxBody)
	encoding := d.Header.Get("Content-Encoding")
	switch strings.ToLower(strings.TrimSpace(encoding)) {
	case "", "identity":
		return d.Body, nil
	case "gzip", "x-gzip":
	default:
		return nil, fmt.Errorf("content encoding %q is not known", encoding)
	}
	z, err := gzip.NewReader(bytes.NewReader(d.Body))
	if err != nil {
		return nil, fmt.Errorf("gzip body: %w", err)
	}
	out, err := io.ReadAll(io.LimitReader(z, limit+1))
	if err != nil {
		return nil, fmt.Errorf("gzip body: %w", err)
	}
	if int64(len(out)) > limit {
		return nil, fmt.Errorf("gzip body inflates to more than %s", units.Size(limit))
	}
	return out, nil
}
