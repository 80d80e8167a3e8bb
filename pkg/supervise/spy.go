package supervise

import (
	"bytes"
	"context"
	"errors"
	"io"
	"net/http"
	"net/http/httputil"
	"net/url"
	"strings"
	"sync"
	"sync/atomic"
	"time"
)

// Spy is a stand-in for something that the consumer calls, such as a CRM over HTTP
// or a mail server. It remembers what it was told.
type Spy struct {
	name   string
	mail   *mailServer // nil: it is one for HTTP, which has the next four
	server *http.Server
	proxy  *Proxy
	onward http.Handler // the real one; nil: the spy answers itself
	answer SpyAnswer
	mode   atomic.Int32

	mu    sync.Mutex
	calls []SpyCall
}

// SpyAnswer is what a spy says.
type SpyAnswer struct {
	Status int
	Body   string
}

// SpyCall is one request that a spy got.
type SpyCall struct {
	Method, Path string
	Status       int // of the answer; 0: none was given
	At           time.Time
	text         []byte // target, header and body, for looking for an id
	same         string // repeats that say this again change nothing more; empty: all do
}

// SpyMode is how a spy behaves.
type SpyMode int32

// The modes of a spy.
const (
	SpyAnswers SpyMode = iota
	SpyFails           // answers 500
	SpySilent          // closes the connection without an answer
)

// maxSpied is how much of a request's body is kept, in bytes.
const maxSpied = 1 << 20

// NewSpy starts a spy on a free port of this machine. Its requests are steps for
// hook. With onward they are passed on to that URL. The caller closes it.
func NewSpy(name string, answer SpyAnswer, onward *url.URL, hook Hook) (*Spy, error) {
	listener, err := listenLoopback("127.0.0.1:0")
	if err != nil {
		return nil, err
	}
	s := &Spy{name: name, answer: answer}
	if onward != nil {
		s.onward = &httputil.ReverseProxy{Rewrite: func(r *httputil.ProxyRequest) { r.SetURL(onward) }}
	}
	s.server = &http.Server{Handler: s, ReadHeaderTimeout: 10 * time.Second}
	if s.proxy, err = NewProxy(name, "127.0.0.1:0", listener.Addr().String(), hook); err != nil {
		_ = listener.Close()
		return nil, err
	}
	go func() { _ = s.server.Serve(listener) }() // Close ends it
	return s, nil
}

// Name is what its steps call the spy.
func (s *Spy) Name() string { return s.name }

// Addr is where the spy listens, as host:port.
func (s *Spy) Addr() string {
	if s.mail != nil {
		return s.mail.listener.Addr().String()
	}
	return s.proxy.Addr()
}

// Set changes how the spy behaves from now on.
func (s *Spy) Set(mode SpyMode) { s.mode.Store(int32(mode)) }

// Close ends the spy.
func (s *Spy) Close() error {
	if s.mail != nil {
		return s.mail.close()
	}
	s.proxy.Close()
	return s.server.Close()
}

// ServeHTTP takes a request of the consumer.
func (s *Spy) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, maxSpied))
	if err != nil {
		if _, large := errors.AsType[*http.MaxBytesError](err); large {
			http.Error(w, "body too large", http.StatusRequestEntityTooLarge)
			return
		}
		http.Error(w, "body not read", http.StatusBadRequest)
		return
	}
	r.Body = io.NopCloser(bytes.NewReader(body))
	call := SpyCall{Method: r.Method, Path: r.URL.Path, At: time.Now()}
	call.text = append([]byte(r.RequestURI+"\n"), body...)
	switch key := r.Header.Get("Idempotency-Key"); {
	case key != "":
		call.same = "key " + key
	case r.Method == http.MethodPut || r.Method == http.MethodDelete: // RFC 9110, 9.2.2
		call.same = r.Method + " " + string(call.text)
	}
	for name, values := range r.Header {
		call.text = append(call.text, "\n"+name+": "+strings.Join(values, ", ")...)
	}
	switch SpyMode(s.mode.Load()) {
	case SpySilent:
		s.note(call)
		panic(http.ErrAbortHandler) //nolint:forbidigo // net/http has no other way to give no answer
	case SpyFails:
		call.Status = http.StatusInternalServerError
		s.note(call)
		http.Error(w, "made to fail", call.Status)
		return
	}
	if s.onward != nil {
		rec := &statusWriter{ResponseWriter: w}
		s.onward.ServeHTTP(rec, r)
		call.Status = rec.status
		s.note(call)
		return
	}
	call.Status = s.answer.Status
	s.note(call)
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(s.answer.Status)
	_, _ = io.WriteString(w, s.answer.Body)
}

// statusWriter remembers the status.
type statusWriter struct {
	http.ResponseWriter
	status int
}

func (w *statusWriter) WriteHeader(status int) {
	if w.status == 0 {
		w.status = status
	}
	w.ResponseWriter.WriteHeader(status)
}

func (s *Spy) note(c SpyCall) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.calls = append(s.calls, c)
}

// Effects is how often the spy was told of a call, successfully: requests that
// change something, mention the id and got a 2xx. Those with one Idempotency-Key
// are one, and so are those that put the same to one URL, or delete it.
func (s *Spy) Effects(_ context.Context, callID string) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	known := map[string]bool{}
	n := 0
	for _, c := range s.calls {
		switch {
		case c.Method == http.MethodGet || c.Method == http.MethodHead || c.Status/100 != 2 || !bytes.Contains(c.text, []byte(callID)):
		case c.same == "" || !known[c.same]:
			known[c.same] = true
			n++
		}
	}
	return n, nil
}
