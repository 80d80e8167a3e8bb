package supervise

import (
	"context"
	"errors"
	"fmt"
	"net"
	"sync"
	"sync/atomic"
	"time"
)

// Action is what a [Hook] decides about a step.
type Action int

// The actions.
const (
	// Pass lets the request, or its answer, go on.
	Pass Action = iota
	// Cut resets the consumer's connection. Before the request it never reaches
	// the target; after the answer the consumer never gets it.
	Cut
)

// Hook is asked about every step. Both methods may block: that holds the step,
// and nothing else. They are called from several goroutines.
type Hook interface {
	// Before is called when a request is complete, before the target gets it.
	Before(*Step) Action
	// After is called when the answer is complete, before the consumer gets it.
	After(*Step) Action
}

// Proxy stands on a port of this machine in front of a target. Bytes go through
// unchanged, whatever they are; only a PostgreSQL client's question for TLS is
// answered "no", as a server without TLS does.
type Proxy struct {
	name   string
	target string // host:port
	hook   Hook
	addr   string

	mu       sync.Mutex
	listener net.Listener // nil while connections are refused
	conns    map[*proxyConn]bool
	closed   bool
	count    int // connections so far
	// unreachable is why the target could not be connected to, the last time.
	unreachable error
	serving     sync.WaitGroup
	delay       atomic.Int64 // nanoseconds before every request
}

// NewProxy listens on addr, such as 127.0.0.1:0, in front of target. The caller
// closes it.
func NewProxy(name, addr, target string, hook Hook) (*Proxy, error) {
	listener, err := listenLoopback(addr)
	if err != nil {
		return nil, err
	}
	p := &Proxy{name: name, target: target, hook: hook, addr: listener.Addr().String(), conns: map[*proxyConn]bool{}}
	p.serve(listener)
	return p, nil
}

// listenLoopback listens on an address of this machine that nobody else reaches.
func listenLoopback(addr string) (net.Listener, error) {
	listener, err := net.Listen("tcp", addr) //nolint:noctx // an address of this machine: nothing is looked up
	if err != nil {
		return nil, err
	}
	if tcp, ok := listener.Addr().(*net.TCPAddr); !ok || !tcp.IP.IsLoopback() {
		_ = listener.Close()
		return nil, fmt.Errorf("%q is not a loopback address", addr)
	}
	return listener, nil
}

// Name is what steps call the proxy.
func (p *Proxy) Name() string { return p.name }

// Addr is where the proxy listens, as host:port.
func (p *Proxy) Addr() string { return p.addr }

// Unreachable is why the target could not be connected to the last time that it
// could not; nil where it always could.
func (p *Proxy) Unreachable() error {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.unreachable
}

// Slow lets every request wait so long before it goes on.
func (p *Proxy) Slow(d time.Duration) { p.delay.Store(int64(d)) }

func (p *Proxy) serve(listener net.Listener) {
	p.mu.Lock()
	p.listener = listener
	p.mu.Unlock()
	p.serving.Go(func() {
		for {
			client, err := listener.Accept()
			if err != nil {
				return
			}
			p.accept(client)
		}
	})
}

func (p *Proxy) accept(client net.Conn) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.closed || p.listener == nil {
		_ = client.Close()
		return
	}
	p.count++
	c := &proxyConn{proxy: p, client: client, number: p.count}
	p.conns[c] = true
	p.serving.Go(func() {
		c.run()
		p.mu.Lock()
		delete(p.conns, c)
		p.mu.Unlock()
	})
}

// Refuse cuts every connection and refuses new ones, as a target that is down
// does.
func (p *Proxy) Refuse() {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.listener != nil {
		_ = p.listener.Close()
		p.listener = nil
	}
	for c := range p.conns {
		c.reset()
	}
}

// Accept takes connections again, on the same port.
func (p *Proxy) Accept() error {
	p.mu.Lock()
	again := p.listener == nil && !p.closed
	p.mu.Unlock()
	if !again {
		return nil
	}
	listener, err := listenLoopback(p.addr)
	if err != nil {
		return err
	}
	p.serve(listener)
	return nil
}

// Idle waits until no connection is left: the consumer has ended, and the target
// has ended its side, so what was not committed is rolled back.
func (p *Proxy) Idle(ctx context.Context) error {
	for {
		p.mu.Lock()
		left := len(p.conns)
		p.mu.Unlock()
		if left == 0 {
			return nil
		}
		select {
		case <-time.After(2 * time.Millisecond):
		case <-ctx.Done():
			return fmt.Errorf("%d connections to %s are still open: %w", left, p.target, context.Cause(ctx))
		}
	}
}

// Close ends all connections and waits for what serves them.
func (p *Proxy) Close() {
	p.mu.Lock()
	p.closed = true
	p.mu.Unlock()
	p.Refuse()
	p.serving.Wait()
}

// proxyConn is one connection of the consumer and the one to the target that
// belongs to it.
type proxyConn struct {
	proxy  *Proxy
	client net.Conn
	number int

	mu     sync.Mutex
	server net.Conn // nil until it is connected
	over   bool
}

// targetTimeout is how long a target may take to accept a connection, and to end
// one that the consumer has ended.
const targetTimeout = 5 * time.Second

func (c *proxyConn) run() {
	defer c.client.Close()
	server, err := dial(c.proxy.target, targetTimeout)
	if err != nil {
		c.proxy.mu.Lock()
		c.proxy.unreachable = err
		c.proxy.mu.Unlock()
		resetConn(c.client)
		return
	}
	c.mu.Lock()
	c.server = server
	over := c.over
	c.mu.Unlock()
	defer server.Close()
	if over {
		return
	}
	newRelay(c, server).run()
}

// dial connects to an address.
func dial(addr string, timeout time.Duration) (net.Conn, error) {
	return net.DialTimeout("tcp", addr, timeout) //nolint:noctx // the time-out bounds it
}

// accepts reports whether something accepts connections at addr.
func accepts(addr string) bool {
	conn, err := dial(addr, time.Second)
	if err != nil {
		return false
	}
	_ = conn.Close()
	return true
}

// reset ends the connection as a crash of the target looks from the consumer.
func (c *proxyConn) reset() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.over = true
	resetConn(c.client)
	if c.server != nil {
		_ = c.server.Close()
	}
}

// resetConn closes with RST, so that the other side does not take it for an
// orderly end.
func resetConn(conn net.Conn) {
	if tcp, ok := conn.(*net.TCPConn); ok {
		_ = tcp.SetLinger(0)
	}
	_ = conn.Close()
}

// errCut ends a relay whose hook said [Cut].
var errCut = errors.New("connection cut on purpose")

// finish half-closes the way to the target and waits for the target's own end.
func finish(server net.Conn, drained <-chan struct{}) {
	if half, ok := server.(interface{ CloseWrite() error }); ok {
		_ = half.CloseWrite()
	}
	select {
	case <-drained:
	case <-time.After(targetTimeout):
	}
}
