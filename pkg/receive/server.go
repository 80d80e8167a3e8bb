package receive

import (
	"context"
	"errors"
	"io"
	"log/slog"
	"net"
	"net/http"
	"os"
	"sync"
	"sync/atomic"
	"time"

	"golang.org/x/sync/semaphore"
)

// Server receives deliveries on one listener.
type Server struct {
	opts   Options
	memory *memory
	budget *semaphore.Weighted // of Options.MaxHeld
	queue  chan *Delivery      // answered, on the way to the sink
	shed   atomic.Int64

	mu     sync.Mutex
	closed bool            // no further request may begin
	under  sync.WaitGroup  // requests under way
	base   context.Context // ends when the drain time is over
}

// New returns a server that waits for [Server.Serve].
func New(opts Options) *Server {
	opts = opts.withDefaults()
	return &Server{
		opts:   opts,
		memory: newMemory(opts.MaxCalls, opts.MaxRemembered),
		budget: semaphore.NewWeighted(opts.MaxHeld),
		// Every delivery holds the overhead at least: sending never blocks.
		queue: make(chan *Delivery, opts.MaxHeld/overhead),
	}
}

// Serve takes deliveries from ln, which it closes, until ctx is cancelled. Then
// it accepts no more, gives requests under way Options.DrainTimeout to end,
// cuts the rest off, and returns when the sink has seen the last delivery. The
// error says that ln failed; it is nil after a cancel. A server serves once.
func (s *Server) Serve(ctx context.Context, ln net.Listener) error {
	base, cut := context.WithCancel(context.WithoutCancel(ctx))
	defer cut()
	s.base = base
	conns := &conns{fresh: map[net.Conn]struct{}{}}
	srv := &http.Server{
		Handler:           http.HandlerFunc(s.handle),
		ReadHeaderTimeout: s.opts.HeaderTimeout,
		ReadTimeout:       s.opts.ReadTimeout,
		WriteTimeout:      s.opts.ReadTimeout + s.opts.WriteTimeout, // for a 100 Continue
		IdleTimeout:       s.opts.IdleTimeout,
		MaxHeaderBytes:    s.opts.MaxHeaderBytes,
		ConnState:         conns.track,
		// "OPTIONS *" is shown like any other request.
		DisableGeneralOptionsHandler: true,
		ErrorLog:                     slog.NewLogLogger(slog.DiscardHandler, slog.LevelError),
	}
	var shown, accepting sync.WaitGroup
	shown.Go(func() {
		for d := range s.queue {
			s.show(d)
		}
	})
	var failed error
	ctx, stop := context.WithCancel(ctx)
	accepting.Go(func() {
		failed = srv.Serve(limitConns(ln, s.opts.MaxConns))
		stop()
	})

	<-ctx.Done()
	drain, cancel := context.WithTimeout(base, s.opts.DrainTimeout)
	defer cancel()
	conns.closeFresh()
	if srv.Shutdown(drain) != nil {
		cut()
		// What matters is that the connections are closed; of the listener
		// Shutdown has spoken.
		_ = srv.Close()
	}
	accepting.Wait()
	s.mu.Lock()
	s.closed = true
	s.mu.Unlock()
	s.under.Wait()
	close(s.queue)
	shown.Wait()
	if errors.Is(failed, http.ErrServerClosed) {
		return nil
	}
	return failed
}

// Shed is how many requests were answered 503 without becoming a [Delivery],
// because even their header found no room within Options.MaxHeld.
func (s *Server) Shed() int64 { return s.shed.Load() }

func (s *Server) handle(w http.ResponseWriter, r *http.Request) {
	if !s.enter() {
		refuse(Busy).write(w)
		return
	}
	defer s.under.Done()
	d := &Delivery{
		Received: s.opts.Now(),
		Method:   r.Method,
		URI:      r.RequestURI,
		Proto:    r.Proto,
		Host:     r.Host,
		Remote:   r.RemoteAddr,
		Header:   r.Header,
		limit:    s.opts.MaxBody,
	}
	if !s.hold(d, overhead+headerSize(r.Header)) {
		s.shed.Add(1)
		refuse(Busy).write(w)
		return
	}
	switch {
	case !s.opts.takes(r.URL.Path):
		d.Refusal = WrongPath
	case r.Method != http.MethodPost:
		d.Refusal = WrongMethod
	case !s.opts.authorized(r.Header):
		d.Refusal = WrongHeader
	}
	// A refused body is read too: it shows who sent it where.
	if refusal := s.read(d, r); d.Refusal == "" {
		d.Refusal = refusal
	}
	if payload, err := d.Payload(); err == nil && len(payload) > 0 {
		d.identify(payload)
		s.memory.number(d, payload)
	} else {
		s.memory.number(d, nil)
	}
	answer := s.answer(d)
	d.Status = answer.Status
	// Of a failure the sender has closed the connection, and will know.
	_ = http.NewResponseController(w).SetWriteDeadline(time.Now().Add(s.opts.WriteTimeout))
	answer.write(w)
	d.Took = s.opts.Now().Sub(d.Received)
	s.queue <- d
}

// enter begins a request, unless the server has ended.
func (s *Server) enter() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if !s.closed {
		s.under.Add(1)
	}
	return !s.closed
}

// hold takes n more bytes of Options.MaxHeld for d, waiting a while if it must.
func (s *Server) hold(d *Delivery, n int64) bool {
	if !s.budget.TryAcquire(n) {
		ctx, cancel := context.WithTimeout(s.base, s.opts.HoldTimeout)
		defer cancel()
		if s.budget.Acquire(ctx, n) != nil {
			return false
		}
	}
	d.held += n
	return true
}

func headerSize(header http.Header) int64 {
	size := 0
	for name, values := range header {
		for _, value := range values {
			size += len(name) + len(value)
		}
	}
	return int64(size)
}

// read reads the body of r into d. On a refusal nothing is kept of it.
func (s *Server) read(d *Delivery, r *http.Request) Refusal {
	if r.ContentLength > s.opts.MaxBody {
		return TooLarge
	}
	const firstRead = 32 << 10
	before := d.held
	var body []byte
	refusal := Refusal("")
	for room := max(512, min(r.ContentLength, firstRead)); refusal == ""; room = 2 * int64(cap(body)) {
		room = min(room, s.opts.MaxBody+1)
		if !s.hold(d, room-int64(cap(body))) {
			refusal = Busy
			break
		}
		body = append(make([]byte, 0, room), body...)
		n, err := readFull(r.Body, body[len(body):room])
		body = body[:len(body)+n]
		d.Size = int64(len(body))
		switch {
		case d.Size > s.opts.MaxBody:
			refusal = TooLarge
		case err == io.EOF:
			d.Body = body
			return ""
		case errors.Is(err, os.ErrDeadlineExceeded):
			refusal = TooSlow
		case err != nil:
			refusal = Incomplete
		}
	}
	s.budget.Release(d.held - before)
	d.held = before
	return refusal
}

// readFull reads until p is full. The error is io.EOF only at the end of a
// whole body: net/http reports one that broke off as another error.
func readFull(r io.Reader, p []byte) (n int, err error) {
	for n < len(p) && err == nil {
		var m int
		m, err = r.Read(p[n:])
		n += m
	}
	return n, err
}

// show hands d to the sink. It is called by one goroutine, in the order of the
// answers.
func (s *Server) show(d *Delivery) {
	if d.Copy > 1 {
		if payload, err := d.Payload(); err == nil {
			d.Change = d.first.compare(payload)
		}
		d.first = earlier{}
	}
	s.opts.Sink(d)
	s.budget.Release(d.held)
}
