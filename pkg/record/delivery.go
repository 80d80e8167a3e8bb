package record

import (
	"bytes"
	"compress/gzip"
	"crypto/sha256"
	"io"
	"net/http"
	"net/textproto"
	"strings"
	"time"
	"unicode/utf8"
)

// Delivery is one request as it came. Everything in it but Body is text from
// outside: not safe to print.
type Delivery struct {
	// ID, Copy and First are given by the log when it is appended.
	ID       int64
	Received time.Time
	Remote   string // address and port of the peer
	Method   string
	URI      string // as in the request line
	Proto    string // such as HTTP/1.1
	Scheme   string // http or https; empty in logs from before it was kept
	Host     string
	// Header is stored with its secrets masked.
	Header http.Header
	// Body is exactly what was received, still compressed if it came so.
	Body []byte
	Size int64  // bytes that were read; more than len(Body) when they were refused
	Hash []byte // SHA-256 of Body

	// CallID and ResultType are what the receiver found in the body.
	CallID     string
	ResultType string
	Seconds    *float64 // length of the call
	// Refusal is why this does not count as a delivery; empty when it does.
	Refusal Refusal
	Reason  string // of a refusal that says little by itself
	// Copy is 1 for the first delivery of a call within Options.Window, then 2,
	// 3, …; 0 for what was refused or has no call id. First is the ID of the
	// first.
	Copy  int
	First int64

	// MaxPayload is how large Payload may be; 0: DefaultMaxPayload.
	MaxPayload int64

	inflated *inflated // by Payload; nil: not yet
}

// Refusal is why a request is not taken as a delivery; pkg/receive has them all.
type Refusal string

// Outcome is what became of a delivery.
type Outcome struct {
	Status int           // answered
	Took   time.Duration // from Received until the answer was written
	Fault  string        // what was done wrong on purpose
	// Forward is nil when the delivery was not passed on.
	Forward *Forward
	// Errors and Warnings count the findings, and Findings is JSON that says
	// what they are: whatever the caller stores.
	Errors, Warnings int
	Findings         []byte
}

// Contact is who was called, and how, as the payload has it.
type Contact struct {
	Name, Phone, Agent   string
	Direction, Lifecycle string
}

// Forward is what the endpoint behind the receiver answered.
type Forward struct {
	To       string // URL; empty in logs from before it was kept
	Status   int    // 0 when Err says why there is none
	Took     time.Duration
	Attempts int
	Err      string
	Answer   *Answer // nil: none, or not kept
}

// Answer is what an endpoint said beside its status.
type Answer struct {
	Header http.Header // stored with its secrets masked
	Body   []byte      // the first MaxAnswer bytes
	Size   int64       // of the body, as far as it was read

	stored []byte // Header as it is stored
}

// Text is the body, inflated, to be read; false when it is no text in UTF-8.
// Its last character may be cut off with the rest.
func (a *Answer) Text() (string, bool) {
	body := a.Body
	if a.Header.Get("Content-Encoding") == "gzip" {
		r, err := gzip.NewReader(bytes.NewReader(body))
		if err != nil {
			return "", false
		}
		body, _ = io.ReadAll(io.LimitReader(r, MaxAnswer)) // as far as it was kept
	}
	for cut := 0; cut < utf8.UTFMax && cut < len(body); cut++ {
		if whole := body[:len(body)-cut]; utf8.Valid(whole) {
			return string(whole), true
		}
	}
	return "", len(body) == 0
}

// Read makes a whole and its memory its own; nil stays nil.
func (a *Answer) Read() *Answer {
	if a == nil {
		return nil
	}
	return &Answer{Header: ParseHeader(a.stored), Body: bytes.Clone(a.Body), Size: a.Size}
}

// Kept is a as it is stored, with its header as stored says.
func (a *Answer) Kept(stored string) *Answer {
	kept := *a
	kept.stored = []byte(stored)
	if len(a.Body) > MaxAnswer {
		// All of it would stay in memory until this is on the disk.
		kept.Body = bytes.Clone(a.Body[:MaxAnswer])
	}
	kept.Size = max(kept.Size, int64(len(a.Body)))
	return &kept
}

// MaxAnswer is how many bytes of an answer's body are stored.
const MaxAnswer = 64 << 10

// Attempt is one redelivery of a delivery that is in the log.
type Attempt struct {
	At     time.Time
	By     string // who sent it: a command
	To     string // URL
	Status int    // 0 when Err says why there is none
	Took   time.Duration
	Err    string
	Answer *Answer // nil: none, or not kept
}

// Acknowledged reports whether the endpoint took the delivery.
func (a *Attempt) Acknowledged() bool { return a.Status/100 == 2 }

// Entry is a delivery with its outcome, as the queries return it. Body, Hash,
// Header, Proto, Scheme, Host, Reason, Attempts and the Answer of the outcome are
// there only where a query says so.
type Entry struct {
	Delivery
	Contact
	// Outcome is nil when the process ended before the answer was written, or
	// has not written it yet.
	Outcome *Outcome
	// Redeliveries counts the attempts, and Redelivered says that one of them
	// was acknowledged.
	Redeliveries int
	Redelivered  bool
	Attempts     []Attempt // in the order of time
}

// Failed reports whether the delivery still fails: its sender was answered that it
// did not arrive, and no redelivery was acknowledged since.
func (e *Entry) Failed() bool { return e.Outcome.Failed() && !e.Redelivered }

// Verdict is [Verdict] of e, or redelivered when it failed at first and was
// acknowledged since.
func (e *Entry) Verdict() string {
	if e.Redelivered && e.Outcome.Failed() {
		return Redelivered
	}
	return Verdict(e.Refusal, e.Outcome)
}

// Result is the outcome; zero where it is not known.
func (e *Entry) Result() Outcome {
	if e.Outcome == nil {
		return Outcome{}
	}
	return *e.Outcome
}

// Redelivered is the verdict of what failed at first, and was acknowledged since.
const Redelivered = "redelivered"

// Failed reports whether the sender got anything but 2xx; false when o is nil.
func (o *Outcome) Failed() bool { return o != nil && o.Status/100 != 2 }

// Verdict is one word for a delivery: refused, unanswered, failed, invalid,
// warning or ok, the first that holds. Whatever shows deliveries takes it from
// here. What failed may have a payload with findings, too.
func Verdict(refusal Refusal, o *Outcome) string {
	switch {
	case refusal != "":
		return "refused"
	case o == nil:
		return "unanswered"
	case o.Failed():
		return "failed"
	case o.Errors > 0:
		return "invalid"
	case o.Warnings > 0:
		return "warning"
	}
	return "ok"
}

// Hash is the SHA-256 of a body.
func Hash(body []byte) []byte {
	sum := sha256.Sum256(body)
	return sum[:]
}

// ParseHeader reads a header as it is stored: as http.Header.Write has written it. A
// reader of MIME headers takes three times as long.
func ParseHeader(stored []byte) http.Header {
	text := string(stored)
	lines := strings.Count(text, "\r\n")
	header, values := make(http.Header, lines), make([]string, 0, lines) // one array for all values
	for line := range strings.SplitSeq(text, "\r\n") {
		if name, value, ok := strings.Cut(line, ": "); ok {
			name, values = textproto.CanonicalMIMEHeaderKey(name), append(values, value)
			if n := len(values); header[name] == nil {
				header[name] = values[n-1 : n : n]
			} else {
				header[name] = append(header[name], value)
			}
		}
	}
	return header
}
