package receive

import (
	"cmp"
	"context"
	"crypto/sha256"
	"crypto/subtle"
	"crypto/tls"
	"errors"
	"net/http"
	"strings"
	"time"

	"github.com/julianctl/julianctl/pkg/copies"
)

// Defaults of [Options].
const (
	DefaultMaxBody              = 10 << 20
	DefaultMaxHeaderBytes       = 64 << 10
	DefaultMaxHeld              = 24 << 20
	DefaultMaxConns             = 2048
	DefaultMaxCalls             = copies.MaxCalls
	DefaultMaxRemembered        = 12 << 20
	DefaultHeaderTimeout        = 10 * time.Second
	DefaultReadTimeout          = 30 * time.Second
	DefaultWriteTimeout         = 10 * time.Second
	DefaultIdleTimeout          = 60 * time.Second
	DefaultDrainTimeout         = 5 * time.Second
	DefaultHoldTimeout          = 5 * time.Second
	DefaultStatus               = http.StatusNoContent
	retryAfter                  = "1" // seconds, of a 503
	overhead              int64 = 2 << 10
)

// Options adjusts a [Server]. Zero values stand for the defaults.
type Options struct {
	// Path is where deliveries are accepted: exactly this path, or if it ends in a
	// slash, all paths below it. Default "/": every path.
	Path string
	// Status acknowledges a delivery, 200 to 599; default DefaultStatus.
	Status int
	// Body is the body of the acknowledgement; nil: none.
	Body        []byte
	ContentType string // of Body
	// Faults are injected into deliveries.
	Faults Faults
	// Require are header fields that a delivery must have; without them the answer is
	// 401. Values are compared in constant time.
	Require http.Header

	MaxBody        int64 // most bytes of a body; above it the answer is 413
	MaxHeaderBytes int   // above it net/http answers 431
	// MaxConns is the most open connections. At the limit, a new one replaces the one
	// that has been idle for longest.
	MaxConns int
	// MaxHeld is the most bytes of bodies that are being read or wait for the sink.
	// At the limit a request waits up to HoldTimeout; then the answer is 503 with
	// Retry-After.
	MaxHeld       int64
	MaxCalls      int   // calls whose copies are counted at least, and whose first payload is known at most
	MaxRemembered int64 // most bytes of first payloads kept to compare copies with

	// Time-outs. On a reused connection some may be a 64th shorter.
	HeaderTimeout time.Duration // until the header is complete
	ReadTimeout   time.Duration // until the body is complete, from the start of the header; then 408
	WriteTimeout  time.Duration // for the answer
	IdleTimeout   time.Duration // between two requests of a connection
	HoldTimeout   time.Duration // see MaxHeld
	DrainTimeout  time.Duration // for requests in progress after the context is cancelled

	// TLS makes the server use HTTPS, including HTTP/2. It must have a certificate.
	// Nil: plain HTTP.
	TLS *tls.Config

	// Store makes a delivery durable. It is called before the answer, concurrently,
	// for every request including refused ones; for a [Malformed] one, after the
	// answer. If it fails, the answer is 503, or 507 for [ErrFull].
	//
	// Of Outcome only Status is set, and not if it is forwarded; Change is not yet set.
	// Until Store returns, nothing else uses the delivery. Store may set ID, Copy and
	// First, to count copies of an earlier process, and nothing else. It delays the answer:
	// whatever can wait belongs in Sink.
	Store func(context.Context, *Delivery) error
	// Forward sends a delivery to another endpoint. Its answer, without hop-by-hop
	// fields, goes back to the sender; if it fails, the answer is 502. Its context
	// ends with the server, not with the sender's connection. It is called
	// concurrently. Nil: Status is the answer.
	Forward func(context.Context, *Delivery) (ForwardAnswer, error)
	// Sink is called for every delivery after its answer, including refused ones,
	// never concurrently, in the order of the answers. It may set Change. Nil: no
	// sink.
	Sink func(*Delivery)
	// Flush is called within a few milliseconds after Sink, by the same goroutine, so
	// that Sink can buffer its output. Nil: not needed.
	Flush func()
	// Now is the clock; default time.Now.
	Now func() time.Time

	netHTTP bool // net/http serves plain requests, too
}

// ErrFull is returned by a store that has no room for a delivery.
var ErrFull = errors.New("no room to store the delivery")

// ForwardAnswer is an endpoint's answer to a forwarded delivery.
type ForwardAnswer struct {
	To       string // URL of the endpoint, for the record
	Status   int
	Header   http.Header
	Body     []byte // unchanged, not decompressed
	Attempts int    // how often the delivery was sent; 0 counts as once
}

func (o Options) withDefaults() Options {
	o.Path = cmp.Or(o.Path, "/")
	o.Status = cmp.Or(o.Status, DefaultStatus)
	o.MaxBody = cmp.Or(o.MaxBody, DefaultMaxBody)
	o.MaxHeaderBytes = cmp.Or(o.MaxHeaderBytes, DefaultMaxHeaderBytes)
	o.MaxConns = cmp.Or(o.MaxConns, DefaultMaxConns)
	// There must always be room for one body of the largest size.
	o.MaxHeld = max(cmp.Or(o.MaxHeld, DefaultMaxHeld), 2*(o.MaxBody+overhead))
	o.MaxCalls = cmp.Or(o.MaxCalls, DefaultMaxCalls)
	o.MaxRemembered = cmp.Or(o.MaxRemembered, DefaultMaxRemembered)
	o.HeaderTimeout = cmp.Or(o.HeaderTimeout, DefaultHeaderTimeout)
	o.ReadTimeout = cmp.Or(o.ReadTimeout, DefaultReadTimeout)
	o.WriteTimeout = cmp.Or(o.WriteTimeout, DefaultWriteTimeout)
	o.IdleTimeout = cmp.Or(o.IdleTimeout, DefaultIdleTimeout)
	o.HoldTimeout = cmp.Or(o.HoldTimeout, DefaultHoldTimeout)
	o.DrainTimeout = cmp.Or(o.DrainTimeout, DefaultDrainTimeout)
	if o.Sink == nil {
		o.Sink = func(*Delivery) {}
	}
	if o.Flush == nil {
		o.Flush = func() {}
	}
	if o.Now == nil {
		o.Now = time.Now
	}
	o.netHTTP = o.netHTTP || o.TLS != nil
	return o
}

// scheme is the scheme of all requests.
func (o *Options) scheme() string {
	if o.TLS != nil {
		return "https"
	}
	return "http"
}

// accepts reports whether deliveries to path are accepted.
func (o *Options) accepts(path string) bool {
	if strings.HasSuffix(o.Path, "/") {
		return strings.HasPrefix(path, o.Path)
	}
	return path == o.Path
}

// authorized reports whether header has all required fields, in constant time.
func (o *Options) authorized(header http.Header) bool {
	all := 1
	for name, required := range o.Require {
		for _, value := range required {
			want := sha256.Sum256([]byte(value))
			one := 0
			for _, value := range header.Values(name) {
				got := sha256.Sum256([]byte(value))
				one |= subtle.ConstantTimeCompare(want[:], got[:])
			}
			all &= one
		}
	}
	return all == 1
}

// EndToEnd returns a copy of header without the hop-by-hop fields (RFC 9110 section
// 7.6.1).
func EndToEnd(header http.Header) http.Header {
	out := header.Clone()
	for _, value := range header["Connection"] {
		for name := range strings.SplitSeq(value, ",") {
			out.Del(strings.TrimSpace(name))
		}
	}
	for _, name := range []string{
		"Connection", "Proxy-Connection", "Keep-Alive", "Proxy-Authenticate", "Proxy-Authorization",
		"Te", "Trailer", "Transfer-Encoding", "Upgrade",
	} {
		out.Del(name)
	}
	return out
}
