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

// Delivery is one request and its result.
//
// Its texts come from the sender and are not safe to print. Header may contain
// secrets. A sink may keep a Delivery: it is not changed after the sink was called.
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
	// Body is exactly what was received, possibly compressed. It is nil if it was
	// not read completely; see Refusal.
	Body []byte
	// Size is how many bytes of the body were read.
	Size int64

	// CallID is the idempotency key and ResultType is callResult.resultType; empty
	// if the body is not a JSON object or has no such string.
	CallID     string
	ResultType string
	Seconds    *float64 // duration of the call; nil: unknown
	// Copy is 1 for the first accepted delivery with this CallID, then 2, 3, …; it is
	// 0 for all others.
	Copy int
	// Change is how a copy differs from the first; set before the sink is called.
	Change Change

	// Refusal is why the request was refused; empty: accepted.
	Refusal Refusal
	Reason  string        // of Malformed
	Fault   Fault         // done on purpose
	Status  int           // answered; 0: no answer was given
	Took    time.Duration // from Received until the answer was written
	// Forward is the result of forwarding; nil if not forwarded.
	Forward *Forwarded
	// Stored is a value from Options.Store for the sink.
	Stored any

	repeats bool         // a copy of an earlier delivery
	first   firstPayload // to compare a copy with; zero after that
	held    int64        // bytes of Options.MaxHeld
	limit   int64        // of an inflated body; 0: DefaultMaxBody
}

// Refusal is why a request was refused.
type Refusal string

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

// Forwarded is the result of forwarding one delivery.
type Forwarded struct {
	To       string // URL of the endpoint, as ForwardAnswer has it
	Status   int    // of the endpoint; 0 if Err is set
	Took     time.Duration
	Attempts int   // how often the delivery was sent, 1 or more
	Err      error // why there is no answer; nil if there is one

	Header http.Header // of the answer
	Body   []byte      // its first MaxKept bytes, unchanged
	Size   int64       // of the body, as far as it was read
}

// MaxKept is how many bytes of an endpoint's answer are kept with its delivery.
const MaxKept = 64 << 10

// Acknowledged reports whether the sender got a 2xx.
func (d *Delivery) Acknowledged() bool { return d.Refusal == "" && d.Status/100 == 2 }

// Answered reports whether the sender got the regular answer: the delivery was not
// refused, and neither dropped nor failed on purpose.
func (d *Delivery) Answered() bool { return d.Refusal == "" && !d.Fault.Failed && !d.Fault.Dropped }

// Payload returns the body, decompressed if it is gzip-encoded. It returns an error if
// that fails or the result is larger than Options.MaxBody. The result may share
// memory with Body.
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
