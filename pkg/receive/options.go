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
)

// Defaults of [Options].
const (
	DefaultMaxBody              = 10 << 20
	DefaultMaxHeaderBytes       = 64 << 10
	DefaultMaxHeld              = 24 << 20
	DefaultMaxConns             = 2048
	DefaultMaxCalls             = 100_000
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
	// Path is where deliveries are taken: one path exactly, or every path
	// beneath one that ends in a slash. Default "/", which is every path.
	Path string
	// Status acknowledges a delivery; DefaultStatus when zero. 200 to 599.
	Status int
	// Body is that of the acknowledgement; nil: none.
	Body        []byte
	ContentType string // of Body
	// Faults are done to deliveries on purpose.
	Faults Faults
	// Require are header fields that a delivery must carry; one that does not
	// is answered 401. Values are compared in constant time.
	Require []Field

	MaxBody        int64 // bytes of a body; past them the answer is 413
	MaxHeaderBytes int   // past them net/http answers 431
	// MaxConns is how many connections are open at a time. At the bound, the one
	// that has been without a whole request for longest makes room for another.
	MaxConns int
	// MaxHeld bounds the bytes of bodies that are being read or wait for the
	// sink. At the bound a request waits up to HoldTimeout, then the answer is
	// 503 with Retry-After.
	MaxHeld       int64
	MaxCalls      int   // calls whose copies are counted; past them the older half is forgotten
	MaxRemembered int64 // bytes of first payloads that copies are compared with

	// Time-outs. On a connection that is used again some may be a 64th shorter.
	HeaderTimeout time.Duration // until the header is complete
	ReadTimeout   time.Duration // until the body is complete, from the start of the header; then 408
	WriteTimeout  time.Duration // for the answer
	IdleTimeout   time.Duration // between two requests of a connection
	HoldTimeout   time.Duration // see MaxHeld
	DrainTimeout  time.Duration // for requests under way once the context is cancelled

	// TLS makes the server speak HTTPS, also HTTP/2; it holds a certificate.
	// Nil: plain HTTP.
	TLS *tls.Config

	// Store makes a delivery durable. It is called before the answer, from many
	// goroutines at once, for every request that was read, refused ones
	// included, and for the [Malformed], whose answer was given. When it fails
	// the answer is 503, or 507 if the error is [ErrFull].
	//
	// The delivery is whole but for what is not known yet: Took, Forward and
	// Change, and Status where it is forwarded. Until Store returns nobody else
	// uses it. Store may set Copy, for one to count what came before this
	// server began, and Stored; it changes nothing else. It stands between the delivery and
	// its answer: what can wait belongs into Sink.
	Store func(context.Context, *Delivery) error
	// Forward passes a delivery on, and its answer is handed back to the
	// sender, without hop-by-hop fields. When it fails the answer is 502. Its
	// context ends with the server's, not with the sender's patience. It is
	// called from many goroutines at once. Nil: Status is the answer.
	Forward func(context.Context, *Delivery) (ForwardAnswer, error)
	// Sink sees every delivery after its answer, refused ones included, one at
	// a time, in the order of the answers. It may set Change. Nil: nobody looks.
	Sink func(*Delivery)
	// Flush is called after Sink, within a few milliseconds, by the same
	// goroutine: Sink may leave its output in a buffer until then. Nil: it does
	// not.
	Flush func()
	// Now is the clock; time.Now when nil.
	Now func() time.Time

	netHTTP bool // leave plain requests to net/http, too
}

// Field is one header field.
type Field struct{ Name, Value string }

// ErrFull is a store that has no room for a delivery.
var ErrFull = errors.New("no room to store the delivery")

// ForwardAnswer is what an endpoint answered to a forwarded delivery.
type ForwardAnswer struct {
	To       string // URL of the endpoint, for the record
	Status   int
	Header   http.Header
	Body     []byte // as it came: not inflated
	Attempts int    // how often the delivery was sent; 0 counts as once
}

func (o Options) withDefaults() Options {
	o.Path = cmp.Or(o.Path, "/")
	o.Status = cmp.Or(o.Status, DefaultStatus)
	o.MaxBody = cmp.Or(o.MaxBody, DefaultMaxBody)
	o.MaxHeaderBytes = cmp.Or(o.MaxHeaderBytes, DefaultMaxHeaderBytes)
	o.MaxConns = cmp.Or(o.MaxConns, DefaultMaxConns)
	// One body of the largest size must always fit.
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

// scheme is that of every request: a server speaks one.
func (o *Options) scheme() string {
	if o.TLS != nil {
		return "https"
	}
	return "http"
}

// takes reports whether deliveries to path are taken.
func (o *Options) takes(path string) bool {
	if strings.HasSuffix(o.Path, "/") {
		return strings.HasPrefix(path, o.Path)
	}
	return path == o.Path
}

// authorized reports whether header holds every required field. How long it
// takes tells nothing about the values.
func (o *Options) authorized(header http.Header) bool {
	all := 1
	for _, field := range o.Require {
		want := sha256.Sum256([]byte(field.Value))
		one := 0
		for _, value := range header.Values(field.Name) {
			got := sha256.Sum256([]byte(value))
			one |= subtle.ConstantTimeCompare(want[:], got[:])
		}
		all &= one
	}
	return all == 1
}

// EndToEnd returns a copy of header without the fields that are about one
// connection (RFC 9110 section 7.6.1): what a proxy passes on.
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
