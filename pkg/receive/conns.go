package receive

import (
	"bytes"
	"container/list"
	"context"
	"crypto/tls"
	"net"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"time"
)

// conns accepts connections and tracks their state. At most max are open. If one
// more comes, the connection that has been idle (no complete request) for longest
// is closed, so that idle connections never keep others out. Those with a request
// in progress are never closed; if all are, new ones wait.
//
// To net/http it is a listener for the connections passed by handOver.
type conns struct {
	listener net.Listener // set before use

	max       int
	timeout   time.Duration // for net/http's own answers
	malformed func(conn net.Conn, answer []byte)
	handed    chan *conn    // on the way to net/http
	ended     chan struct{} // closed, under mu, when the listener is

	mu     sync.Mutex
	room   sync.Cond // signalled when a connection closes or ended is closed
	open   map[*conn]bool
	idle   *list.List  // of *conn without a request in progress, longest first
	ending atomic.Bool // no more requests are accepted; changes under mu
}

// conn is one connection.
type conn struct {
	net.Conn
	all     *conns
	unread  []byte // was read before the connection was handed over
	framing framing

	// Under conns.mu.
	place *list.Element  // in conns.idle; nil while a request is in progress
	state http.ConnState // in net/http: new until it has read
	gone  bool           // closed, or about to be
}

func newConns(opts *Options, malformed func(net.Conn, []byte)) *conns {
	c := &conns{
		max: opts.MaxConns, timeout: opts.WriteTimeout, malformed: malformed,
		handed: make(chan *conn), ended: make(chan struct{}),
		open: map[*conn]bool{}, idle: list.New(),
	}
	c.room.L = &c.mu
	return c
}

// next waits for a connection.
func (c *conns) next() (*conn, error) {
	inner, err := c.listener.Accept()
	if err != nil {
		return nil, err
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	for len(c.open) >= c.max && !c.hasEnded() {
		if longest := c.idle.Front(); longest != nil {
			c.drop(longest.Value.(*conn))
			continue
		}
		c.room.Wait()
	}
	conn := &conn{Conn: inner, all: c}
	c.open[conn] = true
	conn.place = c.idle.PushBack(conn)
	if c.ending.Load() {
		c.drop(conn)
	}
	return conn, nil
}

// handOver passes conn to net/http, which reads unread first.
func (c *conns) handOver(conn *conn, unread []byte) {
	conn.unread = unread
	select {
	case c.handed <- conn:
	case <-c.ended:
		_ = conn.Close()
	}
}

// Accept implements net.Listener.
func (c *conns) Accept() (net.Conn, error) {
	select {
	case conn := <-c.handed:
		return conn, nil
	case <-c.ended:
		return nil, net.ErrClosed
	}
}

func (c *conns) hasEnded() bool {
	select {
	case <-c.ended:
		return true
	default:
		return false
	}
}

// Addr implements net.Listener.
func (c *conns) Addr() net.Addr { return c.listener.Addr() }

// Close implements net.Listener.
func (c *conns) Close() error {
	c.mu.Lock()
	if !c.hasEnded() {
		close(c.ended)
	}
	c.mu.Unlock()
	c.room.Broadcast()
	return c.listener.Close()
}

// drop closes conn. The caller holds the lock.
func (c *conns) drop(conn *conn) {
	if conn.gone {
		return
	}
	conn.gone = true
	delete(c.open, conn)
	c.removeIdle(conn)
	_ = conn.Conn.Close() // its reader gets an error
	c.room.Signal()
}

// removeIdle removes conn from the idle list.
func (c *conns) removeIdle(conn *conn) {
	if conn.place != nil {
		c.idle.Remove(conn.place)
		conn.place = nil
	}
}

// Close implements net.Conn.
func (n *conn) Close() error {
	n.all.mu.Lock()
	defer n.all.mu.Unlock()
	n.all.drop(n)
	return nil
}

// CloseWrite lets net/http close a connection without losing the answer, while the
// sender is still sending.
func (n *conn) CloseWrite() error {
	if half, ok := n.Conn.(interface{ CloseWrite() error }); ok {
		return half.CloseWrite()
	}
	return nil
}

// Read implements net.Conn.
func (n *conn) Read(p []byte) (read int, err error) {
	if len(n.unread) > 0 {
		read = copy(p, n.unread)
		if n.unread = n.unread[read:]; len(n.unread) == 0 {
			n.unread = nil
		}
	} else {
		read, err = n.Conn.Read(p)
	}
	if read > 0 {
		n.framing.read(p[:read])
	}
	return read, err
}

// Write implements net.Conn. A 4xx or 5xx while no request is in progress is
// net/http's own answer to a malformed request.
func (n *conn) Write(p []byte) (int, error) {
	if failure := bytes.HasPrefix(p, []byte("HTTP/1.1 4")) || bytes.HasPrefix(p, []byte("HTTP/1.1 5")); failure && n.isIdle() {
		_ = n.Conn.SetWriteDeadline(time.Now().Add(n.all.timeout))
		n.all.malformed(n, p)
	}
	n.framing.written(p)
	return n.Conn.Write(p)
}

func (n *conn) isIdle() bool {
	n.all.mu.Lock()
	defer n.all.mu.Unlock()
	return n.place != nil
}

// unwrap returns the connection below that of net/http.
func unwrap(c net.Conn) *conn {
	if secure, ok := c.(*tls.Conn); ok {
		c = secure.NetConn()
	}
	n, _ := c.(*conn)
	return n
}

// track is a hook for http.Server.ConnState.
func (c *conns) track(nc net.Conn, state http.ConnState) {
	n := unwrap(nc)
	c.mu.Lock()
	n.state = state
	c.mu.Unlock()
	if state == http.StateIdle {
		c.markIdle(n)
	}
}

// markBusy protects n from being closed during a request. It returns false if n is
// already closed.
func (c *conns) markBusy(n *conn) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.removeIdle(n)
	return !n.gone
}

// markIdle adds n to the idle list.
func (c *conns) markIdle(n *conn) {
	c.mu.Lock()
	defer c.mu.Unlock()
	switch {
	case n.gone:
	case c.ending.Load() && n.state == http.StateNew:
		c.drop(n) // drain was called before
	default:
		c.removeIdle(n)
		n.place = c.idle.PushBack(n)
	}
}

type connKey struct{}

// withConn is a hook for http.Server.ConnContext.
func withConn(ctx context.Context, nc net.Conn) context.Context {
	return context.WithValue(ctx, connKey{}, unwrap(nc))
}

// connOf returns the connection of a request.
func connOf(ctx context.Context) *conn {
	n, _ := ctx.Value(connKey{}).(*conn)
	return n
}

// drain ends the accepting of requests. It closes the idle connections, except those
// on which net/http has read a request: Shutdown closes these at once, but would
// wait seconds for the others.
func (c *conns) drain() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.ending.Store(true)
	for e := c.idle.Front(); e != nil; {
		n := e.Value.(*conn)
		e = e.Next()
		if n.state == http.StateNew {
			c.drop(n)
		}
	}
}

// cut closes all connections.
func (c *conns) cut() {
	c.mu.Lock()
	defer c.mu.Unlock()
	for n := range c.open {
		c.drop(n)
	}
}

// refusedBy parses an answer by net/http itself, such as "HTTP/1.1 400
// Bad Request\r\n…\r\n\r\n400 Bad Request: missing required Host header".
func refusedBy(answer []byte) (status int, why string) {
	head, body, _ := strings.Cut(string(answer), "\r\n\r\n")
	line, _, _ := strings.Cut(head, "\r\n")
	_, line, _ = strings.Cut(line, " ")
	code, phrase, _ := strings.Cut(line, " ")
	status, _ = strconv.Atoi(code)
	if _, reason, found := strings.Cut(body, ": "); found {
		return status, reason
	}
	if !strings.HasPrefix(body, code) && body != "" {
		return status, body
	}
	return status, phrase
}
