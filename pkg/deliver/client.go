package deliver

import (
	"cmp"
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"net"
	"net/url"
	"strings"
	"sync"
	"time"

	"github.com/julianctl/julianctl/pkg/units"
)

// Options are what a [Client] needs beside its target. The zero value works.
type Options struct {
	UserAgent string // such as julianctl/1.0; default "julianctl"
	// Header is sent with every delivery, over the default
	// "Content-Type: application/json". An empty Content-Type or User-Agent
	// takes the default away.
	Header Header

	// Timeout is that of a whole delivery, connecting included; default 30 s. On
	// a connection that is used again it may be kept late, by a 64th at most.
	Timeout          time.Duration
	ConnectTimeout   time.Duration // of connecting, TLS included; default 10 s
	FirstByteTimeout time.Duration // from the first byte sent to the first one back; default Timeout

	RootCAs    *x509.CertPool // nil: those of the system
	Insecure   bool           // accept any certificate
	ServerName string         // for TLS, in place of the target's host

	MaxAnswer  int // bytes of body up to which an answer is read; default 1 MiB
	MaxExcerpt int // bytes of body that are kept; default 4 KiB

	// Proxy says through which proxy an https target that is not this machine
	// is reached; it may return nil for none. Nil means what HTTPS_PROXY and
	// NO_PROXY say.
	Proxy func(target *url.URL) (*url.URL, error)

	// Dial replaces the network's own; nil means net.Dialer.
	Dial func(ctx context.Context, network, address string) (net.Conn, error)
}

// Client sends deliveries to one target. It keeps connections alive between
// deliveries and is safe for concurrent use. Close it.
type Client struct {
	target Target
	opts   Options
	base   Header // defaults that Options.Header has not replaced
	head   []byte // of a request with nothing special, up to "Content-Length: "
	tls    *tls.Config
	proxy  *url.URL // nil: none

	mu     sync.Mutex
	idle   []*conn // the last one was used last
	closed bool
}

// limits are of one answer.
type limits struct {
	body, excerpt int
	noBody        bool // of HEAD: there is none, whatever the header says
	bare          bool // see Request
	// deadline is that of the whole answer, which is set once its first byte is
	// there; nil: it is set already.
	deadline func() time.Time

	first, total time.Duration // the time-outs, for words
}

// New returns a client for target, which a [Guard] has passed.
func New(target Target, opts Options) (*Client, error) {
	if target.dial == nil {
		return nil, fmt.Errorf("target has passed no guard: %w", ErrTarget)
	}
	for _, f := range opts.Header {
		if err := f.check(); err != nil {
			return nil, err
		}
	}
	opts.UserAgent = cmp.Or(opts.UserAgent, "julianctl")
	opts.Timeout = cmp.Or(opts.Timeout, 30*time.Second)
	opts.ConnectTimeout = cmp.Or(opts.ConnectTimeout, 10*time.Second)
	opts.FirstByteTimeout = cmp.Or(opts.FirstByteTimeout, opts.Timeout)
	opts.MaxAnswer = cmp.Or(opts.MaxAnswer, 1<<20)
	opts.MaxExcerpt = cmp.Or(opts.MaxExcerpt, 4<<10)
	if opts.Dial == nil {
		opts.Dial = new(net.Dialer).DialContext
	}
	c := &Client{
		target: target,
		opts:   opts,
		base:   Header{{"User-Agent", opts.UserAgent}, {"Content-Type", "application/json"}},
	}
	for _, f := range c.base {
		if err := f.check(); err != nil {
			return nil, err
		}
	}
	if opts.Proxy == nil {
		opts.Proxy = proxyFromEnvironment
	}
	proxy, err := proxyFor(target, opts.Proxy)
	if err != nil {
		return nil, err
	}
	c.proxy = proxy
	c.head = appendHead(nil, "POST", target.path, target.header, c.base, opts.Header)
	if target.scheme == "https" {
		name, _, _ := strings.Cut(target.host, "%")
		c.tls = &tls.Config{
			RootCAs:            opts.RootCAs,
			InsecureSkipVerify: opts.Insecure, //nolint:gosec // --insecure asks for it
			ServerName:         cmp.Or(opts.ServerName, name),
			NextProtos:         []string{"http/1.1"},
			MinVersion:         tls.VersionTLS12,
		}
	}
	return c, nil
}

// Patient is a client of the same target that waits at least so long for answers
// and for connections. It shares no connections with c; close it too.
func (c *Client) Patient(timeout time.Duration) *Client {
	p := &Client{target: c.target, opts: c.opts, base: c.base, head: c.head, tls: c.tls, proxy: c.proxy}
	p.opts.Timeout = max(c.opts.Timeout, timeout)
	p.opts.ConnectTimeout = max(c.opts.ConnectTimeout, timeout)
	p.opts.FirstByteTimeout = max(c.opts.FirstByteTimeout, timeout)
	return p
}

// Target is where the client delivers to.
func (c *Client) Target() Target { return c.target }

// Header is what every delivery is sent with, but for Content-Length.
func (c *Client) Header() Header {
	host := cmp.Or(c.opts.Header.Get("Host"), c.target.header)
	return append(Header{{"Host", host}}, effective(c.base, c.opts.Header)...)
}

// Close closes the idle connections; one that is in use is closed after its
// delivery.
func (c *Client) Close() {
	c.mu.Lock()
	idle := c.idle
	c.idle, c.closed = nil, true
	c.mu.Unlock()
	for _, conn := range idle {
		_ = conn.Close()
	}
}

// Request is one delivery to be sent. The zero value is an empty POST to the
// target.
type Request struct {
	Method string // default POST
	Path   string // path and query in place of the target's
	Header Header // over that of the client's Options
	Body   []byte // sent as it is; not kept, not changed
	// Excerpt is how many bytes of the answer's body are kept; 0: as many as the
	// client's Options say.
	Excerpt int
	// Due is when the delivery should have begun; zero means when it begins.
	Due time.Time

	bare bool // the header of an answer is of interest only if it is a redirect
}

// Answer is what came of one delivery.
type Answer struct {
	Due  time.Time // when the delivery should have begun
	Sent time.Time // when the last byte was handed over; zero if none was
	// First is when the first byte came back; zero if none did.
	First time.Time
	// Answered is when the last byte of the answer was read, or when waiting
	// for it ended.
	Answered time.Time

	Status int // of the final answer; 0 when there was none
	// Header is that of the final answer, without Connection. In [Client.Run]
	// only redirects have one.
	Header Header
	// Body is its beginning; BodySize and BodyHash (SHA-256; zero for an empty
	// body) are of all that was read.
	Body     []byte
	BodySize int64
	BodyHash [32]byte

	BytesSent int64 // on the wire: head, body, TLS
	Reused    bool  // the connection had carried a delivery before

	// Err is nil for a whole answer of any status, otherwise an *[Error].
	Err error
}

// Latency is from due to answered.
func (a Answer) Latency() time.Duration { return max(0, a.Answered.Sub(a.Due)) }

// Send sends one delivery and waits for its answer. When ctx ends first, the
// connection is closed.
func (c *Client) Send(ctx context.Context, r Request) Answer {
	start := time.Now()
	a := Answer{Due: r.Due}
	if a.Due.IsZero() {
		a.Due = start
	}
	if err := r.check(); err != nil {
		a.Answered, a.Err = start, err
		return a
	}
	deadline := start.Add(c.opts.Timeout)
	for fresh := false; ; fresh = true {
		conn, err := c.connect(ctx, deadline, fresh)
		if err != nil {
			a.Answered, a.Err = time.Now(), err
			return a
		}
		a.Reused = conn.used
		c.exchange(ctx, conn, &a, r, deadline)
		// The peer had closed the idle connection and the first write was
		// refused: not one byte left this process, so this is no resend.
		stale := a.Reused && a.BytesSent == 0 && errors.Is(a.Err, Unreachable) && ctx.Err() == nil
		if !stale {
			return a
		}
		a = Answer{Due: a.Due}
	}
}

// exchange sends r on conn and afterwards keeps or closes it.
func (c *Client) exchange(ctx context.Context, conn *conn, a *Answer, r Request, deadline time.Time) {
	l := c.limits(r)
	conn.endBy(deadline, l.total/lenience)
	if l.first < l.total {
		conn.endFirstBy(time.Now().Add(l.first))
		l.deadline = func() time.Time { return deadline }
	}
	stop := closeOnDone(ctx, conn.wire)
	rest := c.prepare(conn, r)
	again := conn.exchange(a, rest, l)
	conn.used = true
	c.release(conn, settle(ctx, a, stop) && again)
}

func (c *Client) limits(r Request) limits {
	return limits{
		body:    c.opts.MaxAnswer,
		excerpt: cmp.Or(r.Excerpt, c.opts.MaxExcerpt),
		noBody:  r.Method == "HEAD",
		bare:    r.bare,
		first:   min(c.opts.FirstByteTimeout, c.opts.Timeout),
		total:   c.opts.Timeout,
	}
}

// settle ends what closeOnDone began. It reports whether ctx left the
// connection alone; if not, a missing answer was not the endpoint's fault.
func settle(ctx context.Context, a *Answer, stop func() bool) bool {
	if stop() {
		return true
	}
	if errors.Is(a.Err, Timeout) {
		a.Err = &Error{Class: Unknown, Text: "given up before an answer", Err: context.Cause(ctx)}
	}
	return false
}

// closeOnDone ends reads and writes of conn when ctx ends. The function that it
// returns stops that, and reports false if it has happened.
func closeOnDone(ctx context.Context, conn net.Conn) (stop func() bool) {
	if ctx.Done() == nil {
		return func() bool { return true }
	}
	return context.AfterFunc(ctx, func() { _ = conn.SetDeadline(time.Unix(1, 0)) })
}

// check refuses what would not be one well-formed request.
func (r Request) check() error {
	if strings.ContainsFunc(r.Method, notToken) {
		return &Error{Class: Unreachable, Text: fmt.Sprintf("%q is no method", r.Method)}
	}
	if r.Path != "" && !validPath(r.Path) {
		return &Error{Class: Unreachable, Text: fmt.Sprintf("%q is no path", r.Path)}
	}
	for _, f := range r.Header {
		if err := f.check(); err != nil {
			return &Error{Class: Unreachable, Text: err.Error()}
		}
	}
	return nil
}

// prepare puts the head of r and the beginning of its body into conn.out, and
// returns the rest of the body.
func (c *Client) prepare(conn *conn, r Request) (rest []byte) {
	out := conn.out[:0]
	if r.Method == "" && r.Path == "" && r.Header == nil {
		out = append(out, c.head...)
	} else {
		out = appendHead(out, cmp.Or(r.Method, "POST"), cmp.Or(r.Path, c.target.path), c.target.header, c.base, c.opts.Header.Override(r.Header))
	}
	out = appendBodyLength(out, len(r.Body))
	n := min(len(r.Body), inlineBody)
	conn.out = append(out, r.Body[:n]...)
	return r.Body[n:]
}

// connect returns an idle connection that its peer has not closed, or a fresh
// one. The error is an *[Error] of class Unreachable.
func (c *Client) connect(ctx context.Context, deadline time.Time, fresh bool) (*conn, error) {
	for !fresh {
		conn := c.pop()
		if conn == nil {
			break
		}
		if conn.reusable() {
			return conn, nil
		}
		_ = conn.Close()
	}
	timeout := min(c.opts.ConnectTimeout, time.Until(deadline))
	dialing, cancel := context.WithTimeout(ctx, timeout)
	defer cancel()
	conn, err := c.dial(dialing)
	switch {
	case err == nil:
		return conn, nil
	case ctx.Err() != nil:
		return nil, &Error{Class: Unreachable, Text: "given up before a connection", Err: context.Cause(ctx)}
	case errors.Is(dialing.Err(), context.DeadlineExceeded):
		return nil, &Error{Class: Unreachable, Text: fmt.Sprintf("no connection to %s (%s)", c.target.header, units.Exactly(timeout.Round(time.Millisecond))), Err: context.DeadlineExceeded}
	}
	return nil, &Error{Class: Unreachable, Text: "cannot connect to " + c.target.header, Err: plainCause(err)}
}

// dial tries the target's addresses in order; the first error is the one told.
func (c *Client) dial(ctx context.Context) (*conn, error) {
	var first error
	for _, address := range c.target.dial {
		raw, err := c.reach(ctx, address)
		if err != nil {
			if first == nil {
				first = err
			}
			continue
		}
		w := &wire{Conn: raw}
		if c.tls == nil {
			return newConn(w, w), nil
		}
		over := tls.Client(w, c.tls)
		if err := over.HandshakeContext(ctx); err != nil {
			_ = raw.Close()
			return nil, err
		}
		return newConn(w, over), nil
	}
	return nil, first
}

func (c *Client) pop() *conn {
	c.mu.Lock()
	defer c.mu.Unlock()
	n := len(c.idle)
	if n == 0 {
		return nil
	}
	conn := c.idle[n-1]
	c.idle = c.idle[:n-1]
	return conn
}

func (c *Client) release(conn *conn, again bool) {
	if again {
		c.mu.Lock()
		if again = !c.closed; again {
			c.idle = append(c.idle, conn)
		}
		c.mu.Unlock()
	}
	if !again {
		_ = conn.Close()
	}
}
