package deliver

import (
	"cmp"
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"time"

	"github.com/julianctl/julianctl/pkg/units"
)

// Options are the settings of a [Client]. The zero value works.
type Options struct {
	UserAgent string // such as julianctl/1.0; default "julianctl"
	// Header is sent with every delivery, in addition to Content-Type:
	// application/json and User-Agent. An empty value removes one of these two.
	Header Header

	// Timeout is for a complete delivery including connecting; default 30 s. On a
	// reused connection it may fire up to a 64th later.
	Timeout          time.Duration
	ConnectTimeout   time.Duration // for connecting including TLS; default 10 s
	FirstByteTimeout time.Duration // from the first byte sent to the first one received; default Timeout

	RootCAs    *x509.CertPool // nil: those of the system
	Insecure   bool           // accept any certificate
	ServerName string         // for TLS, instead of the target's host

	MaxAnswer  int // most bytes of an answer's body; default 1 MiB
	MaxExcerpt int // bytes of body that are kept; default 4 KiB

	// Proxy returns the proxy for an https target other than loopback, nil for none.
	// Default: HTTPS_PROXY and NO_PROXY.
	Proxy func(target *url.URL) (*url.URL, error)

	// Dial opens connections; default net.Dialer.
	Dial func(ctx context.Context, network, address string) (net.Conn, error)
}

// Client sends deliveries to one target. It keeps connections open between
// deliveries and is safe for concurrent use. The caller closes it.
type Client struct {
	target Target
	opts   Options
	base   Header // defaults that Options.Header has not replaced
	head   []byte // of an ordinary request, up to "Content-Length: "
	tls    *tls.Config
	proxy  *url.URL // nil: none

	mu     sync.Mutex
	idle   []*conn // the last one was used last
	closed bool
}

// limits apply to one answer.
type limits struct {
	body, excerpt int
	noBody        bool // the answer to HEAD has none, whatever its header says
	bare          bool // see Request
	// deadline returns the deadline of the complete answer, set when its first byte
	// arrives; nil: already set.
	deadline func() time.Time

	first, total time.Duration // time-outs, for messages
}

// New returns a client for a target from [Guard.Target].
func New(target Target, opts Options) (*Client, error) {
	if target.dial == nil {
		return nil, fmt.Errorf("target was not checked by a guard: %w", ErrTarget)
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

// WithMinTimeout returns a client of the same target whose time-outs are at least
// timeout. It shares no connections with c and must be closed, too.
func (c *Client) WithMinTimeout(timeout time.Duration) *Client {
	p := &Client{target: c.target, opts: c.opts, base: c.base, head: c.head, tls: c.tls, proxy: c.proxy}
	p.opts.Timeout = max(c.opts.Timeout, timeout)
	p.opts.ConnectTimeout = max(c.opts.ConnectTimeout, timeout)
	p.opts.FirstByteTimeout = max(c.opts.FirstByteTimeout, timeout)
	return p
}

// Target returns the client's target.
func (c *Client) Target() Target { return c.target }

// Header returns the header of every delivery, without Content-Length.
func (c *Client) Header() Header {
	host := cmp.Or(c.opts.Header.Get("Host"), c.target.header)
	return append(Header{{"Host", host}}, effective(c.base, c.opts.Header)...)
}

// CloseIdle closes the idle connections. The client can be used on.
func (c *Client) CloseIdle() {
	c.mu.Lock()
	idle := c.idle
	c.idle = nil
	c.mu.Unlock()
	for _, conn := range idle {
		_ = conn.Close()
	}
}

// Close closes the idle connections; one that is in use is closed after its
// delivery.
func (c *Client) Close() {
	c.mu.Lock()
	c.closed = true
	c.mu.Unlock()
	c.CloseIdle()
}

// Request is one delivery to be sent. The zero value is a POST with an empty body.
type Request struct {
	Method string // default POST
	Path   string // path and query, instead of the target's
	Header Header // overrides that of the client's Options
	Body   []byte // sent unchanged, not kept
	// Excerpt is how many bytes of the answer's body are kept; 0: the MaxExcerpt of
	// the client's Options.
	Excerpt int
	// Due is when the delivery should start; zero means now.
	Due time.Time

	bare bool // keep the answer's header only for a redirect
}

// Answer is the result of one delivery.
type Answer struct {
	Due  time.Time // when the delivery should have started
	Sent time.Time // when the last byte was written; zero if none was
	// First is when the first byte was received; zero if none was.
	First time.Time
	// Answered is when the last byte was received, or when the wait ended.
	Answered time.Time

	Status int // of the final answer; 0: none
	// Header is the header of the final answer, without Connection. In [Client.Run]
	// only redirects have one.
	Header Header
	// Body is the beginning of the body. BodySize and BodyHash (SHA-256; zero for an
	// empty body) are of all that was read.
	Body     []byte
	BodySize int64
	BodyHash [32]byte

	BytesSent int64 // on the wire: head, body, TLS
	Reused    bool  // the connection had carried a delivery before

	// Err is nil for a complete answer of any status, otherwise an *[Error].
	Err error
}

// Latency is from due to answered.
func (a Answer) Latency() time.Duration { return max(0, a.Answered.Sub(a.Due)) }

// CompleteStatus is the status of a complete answer; 0: there is none.
func (a Answer) CompleteStatus() int {
	if a.Err != nil {
		return 0
	}
	return a.Status
}

// Describe is the answer in a few words.
func (a Answer) Describe() string {
	switch {
	case a.Err != nil:
		return a.Err.Error()
	case a.Status/100 == 3:
		return fmt.Sprintf("%d to %q, and redirects are not followed", a.Status, a.Header.Get("Location"))
	case http.StatusText(a.Status) == "":
		return fmt.Sprint(a.Status)
	}
	return fmt.Sprintf("%d %s", a.Status, http.StatusText(a.Status))
}

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
		// The peer had closed the idle connection and the first write failed: no byte
		// was sent, so trying again is not a resend.
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
	conn.endBy(deadline, l.total/deadlineSlack)
	if l.first < l.total {
		conn.endFirstBy(time.Now().Add(l.first))
		l.deadline = func() time.Time { return deadline }
	}
	stop := closeOnDone(ctx, conn.wire)
	rest := c.prepare(conn, r)
	again := conn.exchange(a, rest, l)
	conn.used = true
	c.release(conn, endWatch(ctx, a, stop) && again)
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

// endWatch ends closeOnDone. It returns false if ctx ended the connection; then a
// missing answer is not the endpoint's error.
func endWatch(ctx context.Context, a *Answer, stop func() bool) bool {
	if stop() {
		return true
	}
	if errors.Is(a.Err, Timeout) {
		a.Err = &Error{Class: Unknown, Text: "given up before an answer", Err: context.Cause(ctx)}
	}
	return false
}

// closeOnDone ends reads and writes of conn when ctx ends. stop cancels that; it
// returns false if ctx has ended.
func closeOnDone(ctx context.Context, conn net.Conn) (stop func() bool) {
	if ctx.Done() == nil {
		return func() bool { return true }
	}
	return context.AfterFunc(ctx, func() { _ = conn.SetDeadline(time.Unix(1, 0)) })
}

// check returns an error if r would not be one well-formed request.
func (r Request) check() error {
	if strings.ContainsFunc(r.Method, notToken) {
		return &Error{Class: Unreachable, Text: fmt.Sprintf("%q is not a method", r.Method)}
	}
	if r.Path != "" && !validPath(r.Path) {
		return &Error{Class: Unreachable, Text: fmt.Sprintf("%q is not a path", r.Path)}
	}
	for _, f := range r.Header {
		if err := f.check(); err != nil {
			return &Error{Class: Unreachable, Text: err.Error()}
		}
	}
	return nil
}

// prepare writes the head of r and the beginning of its body to conn.out. It returns
// the rest of the body.
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

// connect returns an idle connection that is still open, or a new one; with fresh,
// always a new one. The error is an *[Error] of class Unreachable.
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

// dial tries the target's addresses in order. It returns the first error.
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
