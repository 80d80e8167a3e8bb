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
	"time"
)

// conns accepts connections and knows what each is doing. At most so many are
// open. When one more comes, the one that has been without a whole request for
// longest is closed for it: one that says nothing, sends its header bit by bit,
// or is kept alive for later. So whoever opens connections and leaves them
// there is in nobody's way. Those with a request under way are never closed;
// when all are, further ones wait.
type conns struct {
	net.Listener // set before use

	max       int
	patience  time.Duration // for net/http's own answers
	malformed func(conn net.Conn, answer []byte)

	mu     sync.Mutex
	room   sync.Cond // fewer are open, or closed is set
	open   int
	idle   *list.List // of *conn without a request under way, longest first
	fresh  bool       // may be kept: false once no more requests are wanted
	closed bool
}

// conn is one connection.
type conn struct {
	net.Conn
	all     *conns
	framing framing

	// Under conns.mu.
	place *list.Element // in conns.idle; nil while a request is under way
	state http.ConnState
	gone  bool // closed, or to be
}

func newConns(opts *Options, malformed func(net.Conn, []byte)) *conns {
	c := &conns{
		max: opts.MaxConns, patience: opts.WriteTimeout, malformed: malformed,
		idle: list.New(), fresh: true,
	}
	c.room.L = &c.mu
	return c
}

// Accept implements net.Listener.
func (c *conns) Accept() (net.Conn, error) {
	inner, err := c.Listener.Accept()
	if err != nil {
		return nil, err
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	for c.open >= c.max && !c.closed {
		if longest := c.idle.Front(); longest != nil {
			c.drop(longest.Value.(*conn))
			continue
		}
		c.room.Wait()
	}
	conn := &conn{Conn: inner, all: c}
	c.open++
	conn.place = c.idle.PushBack(conn)
	return conn, nil
}

// Close implements net.Listener.
func (c *conns) Close() error {
	c.mu.Lock()
	c.closed = true
	c.mu.Unlock()
	c.room.Broadcast()
	return c.Listener.Close()
}

// drop closes conn. It is called with the lock.
func (c *conns) drop(conn *conn) {
	if conn.gone {
		return
	}
	conn.gone = true
	c.open--
	c.busy(conn)
	_ = conn.Conn.Close() // net/http finds out by reading
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
func (n *conn) Read(p []byte) (int, error) {
	read, err := n.Conn.Read(p)
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
	defer c.mu.Unlock()
	n.state = state
	switch {
	case state == http.StateNew && !c.fresh:
		c.drop(n)
	case state == http.StateIdle && !n.gone:
		c.busy(n)
		n.place = c.idle.PushBack(n)
	}
}

// begin marks the connection of a request as one that is not to be closed. It
// is false when it was closed already: nobody waits for an answer.
func (c *conns) begin(ctx context.Context) bool {
	n, _ := ctx.Value(connKey{}).(*conn)
	if n == nil {
		return true
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.busy(n)
	return !n.gone
}

type connKey struct{}

// withConn is a hook for http.Server.ConnContext.
func withConn(ctx context.Context, nc net.Conn) context.Context {
	return context.WithValue(ctx, connKey{}, under(nc))
}

// closeFresh closes the connections on which nothing was sent yet, also those
// to come: http.Server.Shutdown would wait seconds for a request that may never
// be sent.
func (c *conns) closeFresh() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.fresh = false
	for e := c.idle.Front(); e != nil; {
		n := e.Value.(*conn)
		e = e.Next()
		if n.state == http.StateNew {
			c.drop(n)
		}
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
