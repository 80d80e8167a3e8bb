package deliver

import (
	"bufio"
	"bytes"
	"crypto/sha256"
	"errors"
	"fmt"
	"hash"
	"io"
	"net"
	"os"
	"sync/atomic"
	"syscall"
	"time"

	"github.com/valyala/fasthttp"

	"github.com/julianctl/julianctl/pkg/units"
)

const (
	// maxHeader is the most bytes of an answer's header.
	maxHeader = 16 << 10
	// inlineBody is how much of a body is written together with the head, without
	// looking for an early answer: less than the buffer of any socket.
	inlineBody = 16 << 10
	// maxInterim is the most 1xx answers before the final one.
	maxInterim = 100
	// lateAnswerWait is how long to wait for an answer after a write has failed.
	lateAnswerWait = time.Second
)

// wire is a network connection, below TLS, that records reads and writes.
type wire struct {
	net.Conn
	rawSocket *rawSocket   // nil: not available, or TLS is used
	wrote     atomic.Int64 // bytes passed to the operating system
	readAt    time.Time    // when the last read returned
	readErr   error        // why reading ended
}

func (w *wire) Write(p []byte) (int, error) {
	n, err := w.Conn.Write(p)
	w.wrote.Add(int64(n))
	return n, err
}

func (w *wire) Read(p []byte) (n int, err error) {
	ok := false
	if w.rawSocket != nil {
		n, ok, err = w.rawSocket.read(p)
	}
	if !ok {
		n, err = w.Conn.Read(p)
	}
	w.readAt = time.Now()
	if err != nil {
		w.readErr = err
	}
	return n, err
}

// conn is one connection of a client. It serves one delivery at a time.
type conn struct {
	net.Conn  // TLS over wire, or wire itself
	wire      *wire
	stillIdle func() bool // nil: unknown
	br        *bufio.Reader
	answer    fasthttp.Response // parser and its buffers
	out       []byte            // head and the beginning of the body
	scratch   []byte            // for bodies that are read in parts
	used      bool              // it has carried a delivery before
	endsAt    time.Time         // deadline of reads and writes; zero: not known
}

func newConn(w *wire, over net.Conn) *conn {
	c := &conn{Conn: over, wire: w, br: bufio.NewReaderSize(over, maxHeader)}
	c.answer.Header.SetNoDefaultContentType(true)
	c.answer.StreamBody = true
	if over == net.Conn(w) {
		w.rawSocket = newRawSocket(w.Conn)
	}
	if w.rawSocket != nil {
		c.stillIdle = w.rawSocket.stillIdle
	} else if sc, ok := w.Conn.(syscall.Conn); ok {
		if raw, err := sc.SyscallConn(); err == nil {
			c.stillIdle = idleCheck(raw)
		}
	}
	return c
}

// reusable reports whether an idle connection can be used again. The peer may still
// close it a moment later; that delivery is then [Unknown].
func (c *conn) reusable() bool { return c.stillIdle != nil && c.br.Buffered() == 0 && c.stillIdle() }

// Close sends no TLS close_notify, which could block if the peer does not read.
func (c *conn) Close() error { return c.wire.Close() }

// deadlineSlack: on a reused connection, a time-out may fire late by this fraction
// of it. Setting a deadline for every delivery costs half as much as reading its
// answer.
const deadlineSlack = 64

// endBy sets the deadline of reads and writes. An earlier deadline is replaced by
// one that is late later, so that the next calls need not set it.
func (c *conn) endBy(deadline time.Time, late time.Duration) {
	if !c.used {
		late = 0
	}
	if c.endsAt.Before(deadline) {
		c.endsAt = deadline.Add(late)
		_ = c.SetDeadline(c.endsAt)
	}
}

// endFirstBy sets the deadline of reads, until endBy sets another one.
func (c *conn) endFirstBy(deadline time.Time) {
	c.endsAt = time.Time{}
	_ = c.SetReadDeadline(deadline)
}

// exchange writes one request, c.out and rest, and reads its answer into a. It
// reports whether the connection may be reused. The caller sets the deadlines.
func (c *conn) exchange(a *Answer, rest []byte, l limits) (again bool) {
	before := c.wire.wrote.Load()
	var writeErr, readErr error
	if len(rest) == 0 {
		a.Sent, writeErr = c.writeOut()
		if writeErr == nil || !c.refused(writeErr, before) {
			readErr = c.receive(a, l)
		}
	} else {
		writeErr, readErr = c.writeAndRead(a, rest, before, l)
	}
	a.Answered = c.wire.readAt
	if a.Answered.Before(a.Sent) { // nothing was read, or only before
		a.Answered = time.Now()
	}
	a.BytesSent = c.wire.wrote.Load() - before
	return c.conclude(a, l, writeErr, readErr)
}

// writeOut writes c.out and may receive the beginning of the answer.
func (c *conn) writeOut() (sent time.Time, err error) {
	out := c.out
	if c.wire.rawSocket != nil {
		wrote, sent, err := c.wire.rawSocket.exchange(out)
		c.wire.wrote.Add(int64(wrote))
		if out = out[wrote:]; err != nil || len(out) == 0 {
			return sent, err
		}
	}
	_, err = c.Write(out)
	return time.Now(), err
}

// writeWhileReading writes p while another goroutine may read. With a rawSocket the
// scheduler does not interrupt it, which it may do after a call that could block.
func (c *conn) writeWhileReading(p []byte) error {
	if c.wire.rawSocket != nil {
		wrote, err := c.wire.rawSocket.write(p)
		c.wire.wrote.Add(int64(wrote))
		if p = p[wrote:]; err != nil || len(p) == 0 {
			return err
		}
	}
	_, err := c.Write(p)
	return err
}

// conclude sets a.Err and reports whether the connection may be reused.
func (c *conn) conclude(a *Answer, l limits, writeErr, readErr error) (again bool) {
	a.Err = c.outcome(a, l, writeErr, readErr)
	return a.Err == nil && writeErr == nil && !c.answer.Header.ConnectionClose()
}

// writeAndRead writes a long request while it reads: an endpoint may answer before
// it has read everything, and then stop reading.
func (c *conn) writeAndRead(a *Answer, rest []byte, before int64, l limits) (writeErr, readErr error) {
	var sent time.Time
	done := make(chan error, 1)
	go func() {
		_, err := c.Write(c.out)
		if err == nil {
			_, err = c.Write(rest)
		}
		sent = time.Now()
		if err != nil {
			c.refused(err, before)
		}
		done <- err
	}()
	readErr = c.receive(a, l)
	// The answer is complete, so the rest of the request need not be written.
	c.endsAt = time.Time{}
	_ = c.SetWriteDeadline(time.Unix(1, 0))
	writeErr = <-done
	a.Sent = sent
	return writeErr, readErr
}

// refused handles a failed write. It returns true if an idle connection was already
// closed and no byte was written. Otherwise an answer may have arrived, and there is
// a short time to read it.
func (c *conn) refused(err error, before int64) bool {
	if errors.Is(err, os.ErrDeadlineExceeded) {
		return false
	}
	_ = c.SetReadDeadline(time.Now().Add(lateAnswerWait))
	return c.used && c.wire.wrote.Load() == before
}

// outcome returns the error of a delivery from those of writing and reading. After a
// complete answer a failed write does not matter: the endpoint did not need the rest.
func (c *conn) outcome(a *Answer, l limits, writeErr, readErr error) error {
	if a.Status != 0 && writeErr == nil && readErr == nil {
		return nil
	}
	var known *Error
	broken := writeErr != nil && !errors.Is(writeErr, os.ErrDeadlineExceeded)
	switch {
	case errors.As(readErr, &known):
		return known
	case a.Status != 0 && readErr == nil:
		return nil
	case a.BytesSent == 0:
		return &Error{Class: Unreachable, Text: "nothing could be sent", Err: plainCause(writeErr)}
	case broken && a.First.IsZero():
		readErr = writeErr
	case errors.Is(c.wire.readErr, os.ErrDeadlineExceeded):
		if a.First.IsZero() {
			return &Error{Class: Timeout, Text: fmt.Sprintf("no answer within %s", l.first)}
		}
		return &Error{Class: Timeout, Text: fmt.Sprintf("answer not complete within %s", l.total)}
	case a.Status != 0:
		return &Error{Class: Malformed, Text: fmt.Sprintf("answer broke off after %d bytes of its body", a.BodySize), Err: plainCause(readErr)}
	case !a.First.IsZero():
		return &Error{Class: Malformed, Text: "answer broke off in its header", Err: plainCause(readErr)}
	}
	return &Error{Class: Unknown, Text: "connection closed without an answer; whether it was processed is unknown", Err: plainCause(readErr)}
}

// receive reads one answer. The error is an *[Error] if the answer is wrong,
// otherwise from the connection.
func (c *conn) receive(a *Answer, l limits) error {
	c.wire.readErr = nil
	h := &c.answer.Header
	for range maxInterim + 1 {
		if err := c.statusLine(a, l); err != nil {
			return err
		}
		if err := h.Read(c.br); err != nil {
			return c.headerError(err)
		}
		switch status := h.StatusCode(); {
		case status == fasthttp.StatusSwitchingProtocols:
			return &Error{Class: Malformed, Text: "answer switches protocols, which was not requested"}
		case status >= 200:
			a.Status = status
			if !l.bare || status/100 == 3 {
				a.Header = copyHeader(h)
			}
			if l.noBody || status == fasthttp.StatusNoContent || status == fasthttp.StatusNotModified {
				return nil
			}
			return c.receiveBody(a, l)
		}
	}
	return &Error{Class: Malformed, Text: fmt.Sprintf("more than %d interim answers", maxInterim)}
}

// statusLine checks the beginning of the next status line byte by byte, to detect at
// once what is not HTTP. The parser would wait for the end of the line, and would
// read status 000 as 200.
func (c *conn) statusLine(a *Answer, l limits) error {
	const form = "HTTP/1.d sdd"
	for i := 0; i < len(form); {
		_, err := c.br.Peek(i + 1)
		b, _ := c.br.Peek(min(c.br.Buffered(), len(form)))
		if len(b) <= i {
			return err
		}
		if a.First.IsZero() {
			a.First = c.wire.readAt
			if l.deadline != nil {
				_ = c.SetReadDeadline(l.deadline())
			}
		}
		for ; i < len(b); i++ {
			digit := '0' <= b[i] && b[i] <= '9'
			switch {
			case form[i] == 'd' && digit, form[i] == 's' && digit && b[i] != '0', form[i] == b[i]:
			default:
				b, _ = c.br.Peek(c.br.Buffered())
				return &Error{Class: Malformed, Text: fmt.Sprintf("answer is not HTTP/1: %.60q", b)}
			}
		}
	}
	// The parser would wait for a carriage return.
	b, _ := c.br.Peek(c.br.Buffered())
	if end := bytes.IndexByte(b, '\n'); end >= 0 && b[end-1] != '\r' {
		return &Error{Class: Malformed, Text: "lines of the answer's header end without a carriage return"}
	}
	return nil
}

func (c *conn) headerError(err error) error {
	var small *fasthttp.ErrSmallBuffer
	switch {
	case errors.As(err, &small):
		return &Error{Class: TooLarge, Text: fmt.Sprintf("header of the answer is larger than %s", units.Size(maxHeader))}
	case c.wire.readErr != nil, errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF):
		return err
	}
	b, _ := c.br.Peek(min(c.br.Buffered(), 60))
	return &Error{Class: Malformed, Text: fmt.Sprintf("answer has a malformed header: %.60q", b)}
}

// receiveBody reads the body up to its limit, keeps the beginning and hashes all.
func (c *conn) receiveBody(a *Answer, l limits) error {
	length := c.answer.Header.ContentLength()
	if 0 <= length && length <= min(maxHeader, l.body) {
		b, err := c.br.Peek(length) // the common case: no copy
		a.Body = appendExcerpt(nil, b, l)
		a.BodySize = int64(len(b))
		if len(b) > 0 {
			a.BodyHash = sha256.Sum256(b)
		}
		_, _ = c.br.Discard(len(b))
		return err
	}
	if err := c.answer.ReadBody(c.br, 0); err != nil { // opens the stream
		return err
	}
	if c.scratch == nil {
		c.scratch = make([]byte, 4<<10)
	}
	to := &bodySink{l: l, hash: sha256.New()}
	n, err := io.CopyBuffer(to, io.LimitReader(c.answer.BodyStream(), int64(l.body)+1), c.scratch)
	_ = c.answer.CloseBodyStream()
	a.Body, a.BodySize = to.kept, n
	if n > 0 {
		copy(a.BodyHash[:], to.hash.Sum(nil))
	}
	switch {
	case n > int64(l.body):
		return &Error{Class: TooLarge, Text: fmt.Sprintf("body of the answer is larger than %s", units.Size(l.body))}
	case err != nil && c.wire.readErr == nil && !errors.Is(err, io.ErrUnexpectedEOF):
		return &Error{Class: Malformed, Text: "answer has a malformed chunk"}
	}
	return err
}

// bodySink hashes a body and keeps its beginning.
type bodySink struct {
	l    limits
	kept []byte
	hash hash.Hash
}

func (s *bodySink) Write(p []byte) (int, error) {
	s.kept = appendExcerpt(s.kept, p, s.l)
	return s.hash.Write(p)
}

// appendExcerpt appends p to the excerpt, up to its limit.
func appendExcerpt(excerpt, p []byte, l limits) []byte {
	if room := l.excerpt - len(excerpt); room > 0 && len(p) > 0 {
		excerpt = append(excerpt, p[:min(room, len(p))]...)
	}
	return excerpt
}

// copyHeader leaves out Connection, to which the parser adds values itself.
func copyHeader(h *fasthttp.ResponseHeader) Header {
	n, size := 0, 0
	for k, v := range h.All() {
		n, size = n+1, size+len(k)+len(v)
	}
	text := make([]byte, 0, size)
	for k, v := range h.All() {
		text = append(append(text, k...), v...)
	}
	out := make(Header, 0, n)
	whole := string(text)
	for k, v := range h.All() {
		f := Field{whole[:len(k)], whole[len(k) : len(k)+len(v)]}
		whole = whole[len(k)+len(v):]
		if f.Name != fasthttp.HeaderConnection {
			out = append(out, f)
		}
	}
	return out
}

// plainCause returns err without the address and the system call that net adds, and
// nil for the end of a connection.
func plainCause(err error) error {
	if op, ok := errors.AsType[*net.OpError](err); ok {
		err = op.Err
	}
	if sys, ok := errors.AsType[*os.SyscallError](err); ok {
		err = sys.Err
	}
	if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
		return nil
	}
	return err
}
