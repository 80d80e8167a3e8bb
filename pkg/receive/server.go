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

	"github.com/julianctl/julianctl/pkg/record"
	"github.com/julianctl/julianctl/pkg/wait"
	"golang.org/x/sync/semaphore"
)

// Server receives deliveries on one listener.
type Server struct {
	opts            Options
	acknowledgement ForwardAnswer
	copyCounter     *copyCounter
	budget          *semaphore.Weighted // Options.MaxHeld
	queue           chan *Delivery      // answered, waiting for the sink
	conns           *conns
	shed            atomic.Int64

	mu     sync.Mutex
	closed bool            // no more requests are accepted
	unwrap sync.WaitGroup  // requests in progress
	base   context.Context // ends after the drain time
}

// New returns a server; see [Server.Serve].
func New(opts Options) *Server {
	opts = opts.withDefaults()
	s := &Server{
		opts:            opts,
		acknowledgement: ForwardAnswer{Status: opts.Status, Body: opts.Body},
		copyCounter:     newCopyCounter(opts.MaxCalls, opts.MaxRemembered),
		budget:          semaphore.NewWeighted(opts.MaxHeld),
		// Every delivery holds at least the overhead, so sending never blocks.
		queue: make(chan *Delivery, opts.MaxHeld/overhead),
	}
	s.conns = newConns(&s.opts, s.malformed)
	if opts.ContentType != "" {
		s.acknowledgement.Header = http.Header{"Content-Type": {opts.ContentType}}
	}
	return s
}

// Serve receives deliveries from ln until ctx is cancelled, and closes ln. Then it waits
// up to Options.DrainTimeout for requests in progress, closes the others, and returns
// after the sink has the last delivery. The error is from ln; it is nil after a
// cancel. Serve may be called once.
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
		// The error is about the listener, which Shutdown has already closed.
		_ = srv.Close()
		s.conns.cut()
	})
	s.conns.drain()
	_ = srv.Shutdown(drain) // its only error is the time-out
	serving.Wait()
	late()
	s.mu.Lock()
	s.closed = true
	s.mu.Unlock()
	s.unwrap.Wait()
	close(s.queue)
	shown.Wait()
	return errors.Join(failed[:]...)
}

// accept serves connections until the listener is closed. It returns when all that were
// not passed to net/http have ended.
func (s *Server) accept() error {
	const shortest, longest = 5 * time.Millisecond, time.Second
	var serving sync.WaitGroup
	defer serving.Wait()
	for pause := shortest; ; {
		n, err := s.conns.next()
		var number syscall.Errno
		switch {
		case err == nil:
			serving.Go(func() { s.servePlain(n) })
			pause = shortest
		case s.conns.hasEnded():
			return nil
		case errors.As(err, &number) && number.Temporary():
			// For example too many open files: some will be closed.
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

// serveHTTP serves the connections that were passed to net/http.
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
		// Handle "OPTIONS *" like any other request.
		DisableGeneralOptionsHandler: true,
		ErrorLog:                     slog.NewLogLogger(slog.DiscardHandler, slog.LevelError),
		// Data that no handler has read yet is not counted in MaxHeld.
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

// Shed is how many requests were answered 503 without becoming a [Delivery], because
// there was no room for their header within Options.MaxHeld.
func (s *Server) Shed() int64 { return s.shed.Load() }

func (s *Server) handle(w http.ResponseWriter, r *http.Request) {
	if n := connOf(r.Context()); n != nil && !s.conns.markBusy(n) {
		return
	}
	d := received(record.Delivery{
		Received:   s.opts.Now(),
		Method:     r.Method,
		URI:        r.RequestURI,
		Proto:      r.Proto,
		Scheme:     s.opts.scheme(),
		Host:       r.Host,
		Remote:     r.RemoteAddr,
		Header:     r.Header,
		MaxPayload: s.opts.MaxBody,
	})
	control := http.NewResponseController(w)
	if r.Header["Expect"] != nil {
		s.startWriteTimeout(control) // reading sends 100 Continue
	}
	why, reuse := ambiguous(r.Context(), r)
	if why != "" {
		d.Refusal, d.Reason = Malformed, why
	}
	if !reuse {
		w.Header().Set("Connection", "close")
	}
	answered := s.serve(d, incoming{r.URL.Path, r.ContentLength, r.Body}, func(a ForwardAnswer) {
		s.startWriteTimeout(control)
		a.write(w)
	})
	if !answered {
		panic(http.ErrAbortHandler) //nolint:forbidigo // net/http documents no other way to leave a request without an answer
	}
}

func received(d record.Delivery) *Delivery {
	return &Delivery{Entry: record.Entry{Delivery: d, Outcome: new(record.Outcome)}}
}

// incoming is the body of a request, and its path.
type incoming struct {
	path   string
	length int64 // of the body; -1: not known
	body   io.Reader
}

// serve handles one request, whose header is in d. It reports whether answer was
// called: not for a dropped delivery.
func (s *Server) serve(d *Delivery, in incoming, answer func(ForwardAnswer)) (answered bool) {
	if !s.enter() {
		answer(refuse(Busy))
		return true
	}
	defer s.unwrap.Done()
	if !s.hold(d, overhead+headerSize(d.Header)) {
		s.shed.Add(1)
		answer(refuse(Busy))
		return true
	}
	s.process(d, in)
	a := s.answer(d)
	_ = wait.For(s.base, d.Fault.Delay) // an end of the server ends the delay
	d.Outcome.Status, d.Outcome.Fault = a.Status, d.Fault.String()
	if answered = !d.Fault.Dropped; answered {
		answer(a)
	} else {
		d.Outcome.Status = 0
	}
	d.Outcome.Took = s.opts.Now().Sub(d.Received)
	s.queue <- d
	return answered
}

// startWriteTimeout starts Options.WriteTimeout. It fails only if the connection is
// closed.
func (s *Server) startWriteTimeout(control *http.ResponseController) {
	_ = control.SetWriteDeadline(time.Now().Add(s.opts.WriteTimeout))
}

// process reads the body into d, numbers d, and sets its refusal or fault.
func (s *Server) process(d *Delivery, in incoming) {
	switch {
	case d.Refusal != "":
		s.copyCounter.number(d, nil)
		return
	case !s.opts.accepts(in.path):
		d.Refusal = WrongPath
	case d.Method != http.MethodPost:
		d.Refusal = WrongMethod
	case !s.opts.authorized(d.Header):
		d.Refusal = WrongHeader
	}
	// A refused body is read, too: it helps to find out who sent it.
	if refusal := s.read(d, in); d.Refusal == "" {
		d.Refusal = refusal
	}
	payload, err := d.Payload()
	if err != nil {
		payload = nil
	}
	if len(payload) > 0 {
		d.Identify(payload)
	}
	if n := d.Inflated(); s.budget.TryAcquire(n) {
		d.held += n
	} else {
		d.Forget() // there is no room for it, so it is inflated again
	}
	s.copyCounter.number(d, payload)
	d.Fault = s.opts.Faults.of(d)
}

// malformed records a request that net/http refused.
func (s *Server) malformed(conn net.Conn, answer []byte) {
	status, why := refusedBy(answer)
	d := received(record.Delivery{Remote: conn.RemoteAddr().String(), Scheme: s.opts.scheme(), Refusal: Malformed, Reason: why})
	d.Outcome.Status = status
	s.record(d)
}

// record stores d, which is not a valid request, and queues it for the sink.
func (s *Server) record(d *Delivery) {
	if !s.enter() {
		return
	}
	defer s.unwrap.Done()
	if !s.budget.TryAcquire(overhead) {
		s.shed.Add(1)
		return
	}
	d.held, d.Received = overhead, s.opts.Now()
	s.copyCounter.number(d, nil)
	s.store(d) // a failure is ignored: the answer is already sent
	s.queue <- d
}

// handshakes is a log handler of net/http that records failed TLS handshakes.
type handshakes struct{ *Server }

func (handshakes) Enabled(context.Context, slog.Level) bool { return true }
func (h handshakes) WithAttrs([]slog.Attr) slog.Handler     { return h }
func (h handshakes) WithGroup(string) slog.Handler          { return h }

// Handle implements slog.Handler.
func (h handshakes) Handle(_ context.Context, r slog.Record) error {
	const prefix = "http: TLS handshake error from "
	text, found := strings.CutPrefix(r.Message, prefix)
	remote, why, _ := strings.Cut(text, ": ")
	// All others are connections that were closed by either side.
	wanted := strings.HasPrefix(why, "tls:") || strings.HasPrefix(why, "remote error:") || strings.HasPrefix(why, "client sent")
	if found && wanted {
		h.record(received(record.Delivery{Remote: remote, Scheme: "https", Refusal: Malformed, Reason: why}))
	}
	return nil
}

// enter starts a request. It returns false if the server has ended.
func (s *Server) enter() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if !s.closed {
		s.unwrap.Add(1)
	}
	return !s.closed
}

// hold reserves n more bytes of Options.MaxHeld for d. It waits up to HoldTimeout.
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

// read reads the body into d. If it is refused, nothing of it is kept.
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

// readFull reads until p is full. The error is io.EOF only at the end of a complete
// body.
func readFull(r io.Reader, p []byte) (n int, err error) {
	for n < len(p) && err == nil {
		var m int
		m, err = r.Read(p[n:])
		n += m
	}
	return n, err
}

// flushDelay is how long the sink's output may wait for Flush.
const flushDelay = 5 * time.Millisecond

// showAll passes deliveries to the sink, in the order of the answers.
func (s *Server) showAll() {
	defer s.opts.Flush()
	var flush <-chan time.Time // nil: nothing to flush
	for {
		select {
		case d, open := <-s.queue:
			if !open {
				return
			}
			s.show(d)
			if flush == nil {
				flush = time.After(flushDelay)
			}
		case <-flush:
			s.opts.Flush()
			flush = nil
		}
	}
}

func (s *Server) show(d *Delivery) {
	if d.Nth > 1 {
		if payload, err := d.Payload(); err == nil {
			d.Change = s.copyCounter.compare(d.first, payload)
		}
		d.first = firstPayload{}
	}
	s.opts.Sink(d)
	s.budget.Release(d.held)
}
