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

// conns accepts connections and knows what each is doing. At most so many are
// open. When one more comes, the one that has been without a whole request for
// longest is closed for it: one that says nothing, sends its header bit by bit,
// or is kept alive for later. So whoever opens connections and leaves them
// there is in nobody's way. Those with a request under way are never closed;
// when all are, further ones wait.
//
// To net/http it is a listener that has the connections that were handed over.
type conns struct {
	listener net.Listener // set before use

	max       int
	patience  time.Duration // for net/http's own answers
	malformed func(conn net.Conn, answer []byte)
	handed    chan *conn    // on the way to net/http
	ended     chan struct{} // closed, under mu, when the listener is

	mu   sync.Mutex
	room sync.Cond // fewer are open, or ended is closed
	open map[*conn]bool
	idle *list.List  // of *conn without a request under way, longest first
	last atomic.Bool // no more requests are wanted; changes under mu
}

// conn is one connection.
type conn struct {
	net.Conn
	all     *conns
	unread  []byte // was read before the connection was handed over
	framing framing

	// Under conns.mu.
	place *list.Element  // in conns.idle; nil while a request is under way
	state http.ConnState // as net/http knows it: new until it has read
	gone  bool           // closed, or to be
}

func newConns(opts *Options, malformed func(net.Conn, []byte)) *conns {
	c := &conns{
		max: opts.MaxConns, patience: opts.WriteTimeout, malformed: malformed,
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
	if c.last.Load() {
		c.drop(conn)
	}
	return conn, nil
}

// handOver leaves conn to net/http, which reads unread first.
func (c *conns) handOver(conn *conn, unread []byte) {
	conn.unread = unread
	select {
	case c.handed <- conn:
	case <-c.ended:
		_ = conn.Close() // nobody is interested
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

// drop closes conn. It is called with the lock.
func (c *conns) drop(conn *conn) {
	if conn.gone {
		return
	}
	conn.gone = true
	delete(c.open, conn)
	c.busy(conn)
	_ = conn.Conn.Close() // who reads finds out
	c.room.Signal()
}

// busy takes conn off the list of those that may be closed.
func (c *conns) busy(conn *conn) {
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

// CloseWrite lets net/http end a connection whose sender is still sending so
// that the answer is not lost.
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

// Write implements net.Conn. A failure that is answered while no request is
// under way is net/http's own answer, to what was none.
func (n *conn) Write(p []byte) (int, error) {
	if failure := bytes.HasPrefix(p, []byte("HTTP/1.1 4")) || bytes.HasPrefix(p, []byte("HTTP/1.1 5")); failure && n.isIdle() {
		_ = n.Conn.SetWriteDeadline(time.Now().Add(n.all.patience))
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

// under is the connection that net/http's own may be wrapped around.
func under(c net.Conn) *conn {
	if secure, ok := c.(*tls.Conn); ok {
		c = secure.NetConn()
	}
	n, _ := c.(*conn)
	return n
}

// track is a hook for http.Server.ConnState.
func (c *conns) track(nc net.Conn, state http.ConnState) {
	n := under(nc)
	c.mu.Lock()
	n.state = state
	c.mu.Unlock()
	if state == http.StateIdle {
		c.rest(n)
	}
}

// begin marks n as one that is not to be closed, because of its request. It is
// false when it was closed already: nobody waits for an answer.
func (c *conns) begin(n *conn) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.busy(n)
	return !n.gone
}

// rest marks n as one that waits for a request.
func (c *conns) rest(n *conn) {
	c.mu.Lock()
	defer c.mu.Unlock()
	switch {
	case n.gone:
	case c.last.Load() && n.state == http.StateNew:
		c.drop(n) // wind has come and gone
	default:
		c.busy(n)
		n.place = c.idle.PushBack(n)
	}
}

type connKey struct{}

// withConn is a hook for http.Server.ConnContext.
func withConn(ctx context.Context, nc net.Conn) context.Context {
	return context.WithValue(ctx, connKey{}, under(nc))
}

// connOf is the connection that a request came by.
func connOf(ctx context.Context) *conn {
	n, _ := ctx.Value(connKey{}).(*conn)
	return n
}

// wind says that no more requests are wanted, and closes the connections that
// wait for one and are not net/http's, or on which nothing was sent yet:
// http.Server.Shutdown would wait seconds for a request that may never be sent.
func (c *conns) wind() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.last.Store(true)
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

// refusedBy reads an answer that net/http gave by itself, such as "HTTP/1.1 400
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
