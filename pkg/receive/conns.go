package receive

import (
	"net"
	"net/http"
	"sync"
)

// conns knows the connections on which nothing was sent yet.
type conns struct {
	mu     sync.Mutex
	fresh  map[net.Conn]struct{}
	closed bool
}

// track is a hook for http.Server.ConnState.
func (c *conns) track(conn net.Conn, state http.ConnState) {
	c.mu.Lock()
	defer c.mu.Unlock()
	switch {
	case state != http.StateNew:
		delete(c.fresh, conn)
	case c.closed:
		_ = conn.Close()
	default:
		c.fresh[conn] = struct{}{}
	}
}

// closeFresh closes them, also those to come: http.Server.Shutdown would wait
// seconds for a request that may never be sent.
func (c *conns) closeFresh() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.closed = true
	for conn := range c.fresh {
		_ = conn.Close() // net/http finds out by reading
	}
}

// limitConns returns a listener that accepts a connection only while fewer than
// n are open; further ones wait in the system's queue.
func limitConns(ln net.Listener, n int) net.Listener {
	return &limited{Listener: ln, slots: make(chan struct{}, n), done: make(chan struct{})}
}

type limited struct {
	net.Listener
	slots chan struct{}
	done  chan struct{}
	close sync.Once
}

func (l *limited) Accept() (net.Conn, error) {
	select {
	case l.slots <- struct{}{}:
	case <-l.done:
		return nil, net.ErrClosed
	}
	conn, err := l.Listener.Accept()
	if err != nil {
		<-l.slots
		return nil, err
	}
	return &counted{Conn: conn, release: sync.OnceFunc(func() { <-l.slots })}, nil
}

func (l *limited) Close() error {
	l.close.Do(func() { close(l.done) })
	return l.Listener.Close()
}

// counted gives its slot back when it is closed.
type counted struct {
	net.Conn
	release func()
}

func (c *counted) Close() error {
	err := c.Conn.Close()
	c.release()
	return err
}
