package receive

import (
	"context"
	"errors"
	"io"
	"log/slog"
	"net"
	"net/http"
	"os"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"time"

	"golang.org/x/sync/semaphore"
)

// Server receives deliveries on one listener.
type Server struct {
	opts            Options
	acknowledgement ForwardAnswer
	memory          *memory
	budget          *semaphore.Weighted // of Options.MaxHeld
	queue           chan *Delivery      // answered, on the way to the sink
	conns           *conns
	shed            atomic.Int64

	mu     sync.Mutex
	closed bool            // no further request may begin
	under  sync.WaitGroup  // requests under way
	base   context.Context // ends when the drain time is over
}

// New returns a server that waits for [Server.Serve].
func New(opts Options) *Server {
	opts = opts.withDefaults()
	s := &Server{
		opts:            opts,
		acknowledgement: ForwardAnswer{Status: opts.Status, Body: opts.Body},
		memory:          newMemory(opts.MaxCalls, opts.MaxRemembered),
		budget:          semaphore.NewWeighted(opts.MaxHeld),
		// Every delivery holds the overhead at least: sending never blocks.
		queue: make(chan *Delivery, opts.MaxHeld/overhead),
	}
	s.conns = newConns(&s.opts, s.malformed)
	if opts.ContentType != "" {
		s.acknowledgement.Header = http.Header{"Content-Type": {opts.ContentType}}
	}
	return s
}

// Serve takes deliveries from ln, which it closes, until ctx is cancelled. Then
// it accepts no more, gives requests under way Options.DrainTimeout to end,
// cuts the rest off, and returns when the sink has seen the last delivery. The
// error says that ln failed; it is nil after a cancel. A server serves once.
func (s *Server) Serve(ctx context.Context, ln net.Listener) error {
	base, cut := context.WithCancel(context.WithoutCancel(ctx))
	defer cut()
	s.base = base
	s.conns.listener = ln
	srv := s.httpServer()
	var shown, serving sync.WaitGroup
	shown.Go(s.showAll)
	ctx, stop := context.WithCancel(ctx)
	defer stop()
	var failed [2]error
	for i, serve := range []func() error{s.accept, func() error { return s.serveHTTP(srv) }} {
		serving.Go(func() {
			failed[i] = serve()
			stop()
		})
	}

	<-ctx.Done()
	drain, cancel := context.WithTimeout(base, s.opts.DrainTimeout)
	defer cancel()
	late := context.AfterFunc(drain, func() {
		cut()
		// What matters is that the connections are closed; of the listener
		// Shutdown has spoken.
		_ = srv.Close()
		s.conns.cut()
	})
	s.conns.wind()
	_ = srv.Shutdown(drain) // at worst its time is up
	serving.Wait()
	late()
	s.mu.Lock()
	s.closed = true
	s.mu.Unlock()
	s.under.Wait()
	close(s.queue)
	shown.Wait()
	return errors.Join(failed[:]...)
}

// accept takes connections until the listener is closed, and returns once all
// that were not handed over have ended.
func (s *Server) accept() error {
	const shortest, longest = 5 * time.Millisecond, time.Second
	var talks sync.WaitGroup
	defer talks.Wait()
	for pause := shortest; ; {
		n, err := s.conns.next()
		var number syscall.Errno
		switch {
		case err == nil:
			talks.Go(func() { s.converse(n) })
			pause = shortest
		case s.conns.hasEnded():
			return nil
		case errors.As(err, &number) && number.Temporary():
			// Too many files are open, for one: some will be closed.
			select {
			case <-time.After(pause):
			case <-s.conns.ended:
			}
			pause = min(2*pause, longest)
		default:
			return err
		}
	}
}

// serveHTTP takes the connections that were handed over.
func (s *Server) serveHTTP(srv *http.Server) (err error) {
	if s.opts.TLS != nil {
		err = srv.ServeTLS(s.conns, "", "")
	} else {
		err = srv.Serve(s.conns)
	}
	if errors.Is(err, http.ErrServerClosed) {
		return nil
	}
	return err
}

func (s *Server) httpServer() *http.Server {
	srv := &http.Server{
		Handler:           http.HandlerFunc(s.handle),
		ReadHeaderTimeout: s.opts.HeaderTimeout,
		ReadTimeout:       s.opts.ReadTimeout,
		IdleTimeout:       s.opts.IdleTimeout,
		MaxHeaderBytes:    s.opts.MaxHeaderBytes,
		ConnState:         s.conns.track,
		ConnContext:       withConn,
		// "OPTIONS *" is shown like any other request.
		DisableGeneralOptionsHandler: true,
		ErrorLog:                     slog.NewLogLogger(slog.DiscardHandler, slog.LevelError),
		// What waits for a handler to read it is memory beside MaxHeld.
		HTTP2: &http.HTTP2Config{
			MaxConcurrentStreams:          100,
			MaxReceiveBufferPerConnection: 128 << 10,
			MaxReceiveBufferPerStream:     64 << 10,
			WriteByteTimeout:              s.opts.WriteTimeout,
		},
	}
	if s.opts.TLS != nil {
		srv.TLSConfig = s.opts.TLS.Clone()
		srv.ErrorLog = slog.NewLogLogger(handshakes{s}, slog.LevelError)
	}
	return srv
}

// Shed is how many requests were answered 503 without becoming a [Delivery],
// because even their header found no room within Options.MaxHeld.
func (s *Server) Shed() int64 { return s.shed.Load() }

func (s *Server) handle(w http.ResponseWriter, r *http.Request) {
	if n := connOf(r.Context()); n != nil && !s.conns.begin(n) {
		return
	}
	d := &Delivery{
		Received: s.opts.Now(),
		Method:   r.Method,
		URI:      r.RequestURI,
		Proto:    r.Proto,
		Scheme:   s.opts.scheme(),
		Host:     r.Host,
		Remote:   r.RemoteAddr,
		Header:   r.Header,
		limit:    s.opts.MaxBody,
	}
	control := http.NewResponseController(w)
	if r.Header["Expect"] != nil {
		s.patient(control) // 100 Continue is written by reading
	}
	why, reuse := ambiguous(r.Context(), r)
	if why != "" {
		d.Refusal, d.Reason = Malformed, why
	}
	if !reuse {
		w.Header().Set("Connection", "close")
	}
	answered := s.serve(d, incoming{r.URL.Path, r.ContentLength, r.Body}, func(a ForwardAnswer) {
		s.patient(control)
		a.write(w)
	})
	if !answered {
		panic(http.ErrAbortHandler) //nolint:forbidigo // net/http documents no other way to leave a request without an answer
	}
}

// incoming is what there is to read of a request.
type incoming struct {
	path   string
	length int64 // of the body; -1: not known
	body   io.Reader
}

// serve does all that is to be done about one request, whose header is in d. It
// reports whether answer was called: not when the sender is to have none.
func (s *Server) serve(d *Delivery, in incoming, answer func(ForwardAnswer)) (answered bool) {
	if !s.enter() {
		answer(refuse(Busy))
		return true
	}
	defer s.under.Done()
	if !s.hold(d, overhead+headerSize(d.Header)) {
		s.shed.Add(1)
		answer(refuse(Busy))
		return true
	}
	s.take(d, in)
	a := s.answer(d)
	s.wait(d.Fault.Delay)
	if answered = !d.Fault.Dropped; answered {
		d.Status = a.Status
		answer(a)
	} else {
		d.Status = 0
	}
	d.Took = s.opts.Now().Sub(d.Received)
	s.queue <- d
	return answered
}

// patient gives what is written from now on Options.WriteTimeout to go out. Of
// a failure the sender has closed the connection, and will know.
func (s *Server) patient(control *http.ResponseController) {
	_ = control.SetWriteDeadline(time.Now().Add(s.opts.WriteTimeout))
}

// take reads the body into d, gives d its numbers, and decides whether and how
// it is refused or suffers a fault.
func (s *Server) take(d *Delivery, in incoming) {
	switch {
	case d.Refusal != "":
		s.memory.number(d, nil)
		return
	case !s.opts.takes(in.path):
		d.Refusal = WrongPath
	case d.Method != http.MethodPost:
		d.Refusal = WrongMethod
	case !s.opts.authorized(d.Header):
		d.Refusal = WrongHeader
	}
	// A refused body is read too: it shows who sent it where.
	if refusal := s.read(d, in); d.Refusal == "" {
		d.Refusal = refusal
	}
	payload, err := d.Payload()
	if err != nil {
		payload = nil
	}
	if len(payload) > 0 {
		d.identify(payload)
	}
	s.memory.number(d, payload)
	d.Fault = s.opts.Faults.of(d)
}

// wait holds an answer back, as long as the server lasts.
func (s *Server) wait(delay time.Duration) {
	if delay <= 0 {
		return
	}
	timer := time.NewTimer(delay)
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-s.base.Done():
	}
}

// malformed records what net/http refused by itself.
func (s *Server) malformed(conn net.Conn, answer []byte) {
	status, why := refusedBy(answer)
	s.record(&Delivery{Remote: conn.RemoteAddr().String(), Scheme: s.opts.scheme(), Refusal: Malformed, Status: status, Reason: why})
}

// record hands over what never became a request.
func (s *Server) record(d *Delivery) {
	if !s.enter() {
		return
	}
	defer s.under.Done()
	if !s.budget.TryAcquire(overhead) {
		s.shed.Add(1)
		return
	}
	d.held, d.Received = overhead, s.opts.Now()
	s.memory.number(d, nil)
	s.store(d) // that it fails changes nothing: the answer is given
	s.queue <- d
}

// handshakes takes what net/http has to say of TLS: with whom it did not come
// about, and why.
type handshakes struct{ *Server }

func (handshakes) Enabled(context.Context, slog.Level) bool { return true }
func (h handshakes) WithAttrs([]slog.Attr) slog.Handler     { return h }
func (h handshakes) WithGroup(string) slog.Handler          { return h }

// Handle implements slog.Handler.
func (h handshakes) Handle(_ context.Context, r slog.Record) error {
	const prefix = "http: TLS handshake error from "
	text, found := strings.CutPrefix(r.Message, prefix)
	remote, why, _ := strings.Cut(text, ": ")
	// All else is a connection that was closed, by the peer or by this server.
	said := strings.HasPrefix(why, "tls:") || strings.HasPrefix(why, "remote error:") || strings.HasPrefix(why, "client sent")
	if found && said {
		h.record(&Delivery{Remote: remote, Scheme: "https", Refusal: Malformed, Reason: why})
	}
	return nil
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

// read reads the body into d. On a refusal nothing is kept of it.
func (s *Server) read(d *Delivery, in incoming) Refusal {
	if in.length > s.opts.MaxBody {
		return TooLarge
	}
	const firstRead = 32 << 10
	before := d.held
	var body []byte
	refusal := Refusal("")
	for room := max(512, min(in.length, firstRead)); refusal == ""; room = 2 * int64(cap(body)) {
		room = min(room, s.opts.MaxBody+1)
		if !s.hold(d, room-int64(cap(body))) {
			refusal = Busy
			break
		}
		body = append(make([]byte, 0, room), body...)
		n, err := readFull(in.body, body[len(body):room])
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
// whole body: one that broke off is another error.
func readFull(r io.Reader, p []byte) (n int, err error) {
	for n < len(p) && err == nil {
		var m int
		m, err = r.Read(p[n:])
		n += m
	}
	return n, err
}

// linger is how long what the sink has written may wait to be flushed.
const linger = 5 * time.Millisecond

// showAll hands deliveries to the sink, in the order of the answers.
func (s *Server) showAll() {
	defer s.opts.Flush()
	var flush <-chan time.Time // nil: nothing waits
	for {
		select {
		case d, open := <-s.queue:
			if !open {
				return
			}
			s.show(d)
			if flush == nil {
				flush = time.After(linger)
			}
		case <-flush:
			s.opts.Flush()
			flush = nil
		}
	}
}

func (s *Server) show(d *Delivery) {
	if d.repeats {
		if payload, err := d.Payload(); err == nil {
			d.Change = s.memory.compare(d.first, payload)
		}
		d.first = earlier{}
	}
	s.opts.Sink(d)
	s.budget.Release(d.held)
}
