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
	// maxHeader is the size in bytes up to which an answer's header is read.
	maxHeader = 16 << 10
	// inlineBody is how much of a body is written together with the head, and
	// without looking for an early answer: less than any socket buffers.
	inlineBody = 16 << 10
	// maxInterim is how many 1xx answers may come before the final one.
	maxInterim = 100
	// lateAnswer is how long an answer is looked for after the peer stopped
	// taking the request.
	lateAnswer = time.Second
)

// wire is a network connection below TLS that remembers what happened on it.
type wire struct {
	net.Conn
	asker   *asker       // nil: TLS lies over it, or there is no such way
	wrote   atomic.Int64 // bytes handed to the operating system
	readAt  time.Time    // when the last read returned
	readErr error        // what ended reading
}

func (w *wire) Write(p []byte) (int, error) {
	n, err := w.Conn.Write(p)
	w.wrote.Add(int64(n))
	return n, err
}

func (w *wire) Read(p []byte) (n int, err error) {
	ok := false
	if w.asker != nil {
		n, ok, err = w.asker.take(p)
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
	net.Conn // TLS over wire, or wire itself
	wire     *wire
	quiet    func() bool // nil: cannot be asked
	br       *bufio.Reader
	answer   fasthttp.Response // parser and its buffers
	out      []byte            // head and the beginning of the body
	scratch  []byte            // for bodies that are read piece by piece
	used     bool              // it has carried a delivery before
	endsAt   time.Time         // the deadline of reads and writes; zero: not known
}

func newConn(w *wire, over net.Conn) *conn {
	c := &conn{Conn: over, wire: w, br: bufio.NewReaderSize(over, maxHeader)}
	c.answer.Header.SetNoDefaultContentType(true)
	c.answer.StreamBody = true
	if over == net.Conn(w) {
		w.asker = newAsker(w.Conn)
	}
	if w.asker != nil {
		c.quiet = w.asker.quiet
	} else if sc, ok := w.Conn.(syscall.Conn); ok {
		if raw, err := sc.SyscallConn(); err == nil {
			c.quiet = quietCheck(raw)
		}
	}
	return c
}

// reusable reports whether an idle connection may carry another delivery. The
// peer may still close it a moment later; that delivery's fate is then unknown.
func (c *conn) reusable() bool { return c.quiet != nil && c.br.Buffered() == 0 && c.quiet() }

// Close says no farewell of TLS, which could wait for a peer that does not read.
func (c *conn) Close() error { return c.wire.Close() }

// lenience is the share of a time-out by which it may be kept late on a
// connection that is used again: to set a deadline for every delivery costs half
// as much as to read its answer.
const lenience = 64

// endBy ends reads and writes at deadline; late is by how much it may be late
// where another deadline is there already.
func (c *conn) endBy(deadline time.Time, late time.Duration) {
	if !c.used {
		late = 0
	}
	if c.endsAt.Before(deadline) {
		c.endsAt = deadline.Add(late)
		_ = c.SetDeadline(c.endsAt)
	}
}

// endFirstBy ends reads at deadline, until another one is set.
func (c *conn) endFirstBy(deadline time.Time) {
	c.endsAt = time.Time{}
	_ = c.SetReadDeadline(deadline)
}

// exchange writes one request, c.out and rest, and reads its answer into a. It
// reports whether the connection may be used again. Deadlines are the caller's.
func (c *conn) exchange(a *Answer, rest []byte, l limits) (again bool) {
	before := c.wire.wrote.Load()
	var writeErr, readErr error
	if len(rest) == 0 {
		a.Sent, writeErr = c.ask()
		if writeErr == nil || !c.refused(writeErr, before) {
			readErr = c.receive(a, l)
		}
	} else {
		writeErr, readErr = c.both(a, rest, before, l)
	}
	a.Answered = c.wire.readAt
	if a.Answered.Before(a.Sent) { // nothing was read, or all of it before
		a.Answered = time.Now()
	}
	a.BytesSent = c.wire.wrote.Load() - before
	return c.conclude(a, l, writeErr, readErr)
}

// ask writes c.out and may begin to read what comes back.
func (c *conn) ask() (sent time.Time, err error) {
	out := c.out
	if c.wire.asker != nil {
		wrote, sent, err := c.wire.asker.ask(out)
		c.wire.wrote.Add(int64(wrote))
		if out = out[wrote:]; err != nil || len(out) == 0 {
			return sent, err
		}
	}
	_, err = c.Write(out)
	return time.Now(), err
}

// put writes p while another goroutine may read. On the short way it is not
// interrupted by the scheduler, which after a call that could wait may give the
// goroutine's place away.
func (c *conn) put(p []byte) error {
	if c.wire.asker != nil {
		wrote, err := c.wire.asker.send(p)
		c.wire.wrote.Add(int64(wrote))
		if p = p[wrote:]; err != nil || len(p) == 0 {
			return err
		}
	}
	_, err := c.Write(p)
	return err
}

// conclude gives a its verdict and reports whether the connection may be used
// again.
func (c *conn) conclude(a *Answer, l limits, writeErr, readErr error) (again bool) {
	a.Err = c.verdict(a, l, writeErr, readErr)
	return a.Err == nil && writeErr == nil && !c.answer.Header.ConnectionClose()
}

// both writes a long request while it reads, since an endpoint may answer
// before it has read all, and then read no further.
func (c *conn) both(a *Answer, rest []byte, before int64, l limits) (writeErr, readErr error) {
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
	// Whatever was read is final, so what is not yet written need not be.
	c.endsAt = time.Time{}
	_ = c.SetWriteDeadline(time.Unix(1, 0))
	writeErr = <-done
	a.Sent = sent
	return writeErr, readErr
}

// refused looks at a failed write. It reports true if an idle connection turned
// out to be closed before it took a byte: nothing will come of it. Otherwise an
// answer may be there already, and is given a moment.
func (c *conn) refused(err error, before int64) bool {
	if errors.Is(err, os.ErrDeadlineExceeded) {
		return false
	}
	_ = c.SetReadDeadline(time.Now().Add(lateAnswer))
	return c.used && c.wire.wrote.Load() == before
}

// verdict tells what the errors of writing and reading mean. A whole answer
// outweighs a failed write: the endpoint did not care for the rest.
func (c *conn) verdict(a *Answer, l limits, writeErr, readErr error) error {
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

// receive reads one answer. Errors are an *[Error] where what came is at
// fault, or those of the connection.
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
			return &Error{Class: Malformed, Text: "answer switches protocols, which nobody asked for"}
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

// statusLine looks at the beginning of the next status line, byte by byte, so
// that what is not HTTP is known as soon as it differs. The parser would wait
// for a line's end, and would take status 000 for 200.
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

// receiveBody reads the body up to its limit; the beginning is kept, all of it
// hashed.
func (c *conn) receiveBody(a *Answer, l limits) error {
	length := c.answer.Header.ContentLength()
	if 0 <= length && length <= min(maxHeader, l.body) {
		b, err := c.br.Peek(length) // the common case, without a copy
		a.Body = keep(nil, b, l)
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
	to := &sink{l: l, hash: sha256.New()}
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

// sink hashes a body and keeps its beginning.
type sink struct {
	l    limits
	kept []byte
	hash hash.Hash
}

func (s *sink) Write(p []byte) (int, error) {
	s.kept = keep(s.kept, p, s.l)
	return s.hash.Write(p)
}

// keep appends p to the excerpt as far as there is room.
func keep(excerpt, p []byte, l limits) []byte {
	if room := l.excerpt - len(excerpt); room > 0 && len(p) > 0 {
		excerpt = append(excerpt, p[:min(room, len(p))]...)
	}
	return excerpt
}

// copyHeader leaves out Connection, which is about the connection only and
// which the parser adds to by itself.
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

// plainCause is err without the addresses and calls that net puts around it;
// an orderly end is no cause worth telling.
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
