package deliver

import (
	"cmp"
	"context"
	"crypto/tls"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/julianctl/julianctl/pkg/wait"
)

// WireOptions change how a request is sent: cut short, slowly, or given up. The
// zero value is an ordinary request on a new connection.
type WireOptions struct {
	// Cut is how many bytes are missing at the end of the body. Content-Length
	// still counts them. The sending side is then closed.
	Cut int
	// Hangup closes the connection after the last byte, without waiting for an
	// answer. The result is then of class Unknown.
	Hangup Hangup
	// Pieces is the number of parts in which the body is sent, with Interval
	// between them. 0 and 1 send it at once.
	Pieces   int
	Interval time.Duration
	// Chunked sends the body with chunked encoding. It excludes Cut.
	Chunked bool
	// OmitHeader names a header of the client that is not sent.
	OmitHeader string
	// BeforeLastByte, if not nil, is called when all but the last byte is sent.
	// The last byte is sent when it returns.
	BeforeLastByte func()
}

// Hangup is a way to end a connection.
type Hangup string

// The ways to end a connection.
const (
	NoHangup Hangup = ""      // read the answer
	Close    Hangup = "close" // orderly: what was sent arrives
	Reset    Hangup = "reset" // with RST: what was sent may be lost
)

// SendWith sends one request on a new connection with these options. It waits
// for the answer, unless Hangup is set. Nothing is sent twice.
func (c *Client) SendWith(ctx context.Context, r Request, w WireOptions) Answer {
	start := time.Now()
	a := Answer{Due: r.Due}
	if a.Due.IsZero() {
		a.Due = start
	}
	a.Answered = start
	if a.Err = r.check(); a.Err != nil {
		return a
	}
	deadline := start.Add(c.opts.Timeout)
	conn, err := c.connect(ctx, deadline, true)
	if err != nil {
		a.Answered, a.Err = time.Now(), err
		return a
	}
	defer conn.Close()
	_ = conn.SetDeadline(deadline)
	stop := closeOnDone(ctx, conn.wire)
	before := conn.wire.wrote.Load()
	writing, cancel := context.WithDeadline(ctx, deadline)
	writeErr := w.write(writing, conn, c.headWith(r, w), r.Body)
	cancel()
	a.Sent = time.Now()
	if w.Hangup != NoHangup && writeErr == nil {
		conn.hangUp(w.Hangup)
		a.Answered, a.BytesSent = time.Now(), conn.wire.wrote.Load()-before
		a.Err = &Error{Class: Unknown, Text: "connection dropped on purpose before an answer"}
		stop()
		return a
	}
	if writeErr != nil {
		conn.refused(writeErr, before) // an answer may be there already
	}
	l := c.limits(r)
	l.first = l.total
	readErr := conn.receive(&a, l)
	a.Answered, a.BytesSent = time.Now(), conn.wire.wrote.Load()-before
	conn.conclude(&a, l, writeErr, readErr)
	endWatch(ctx, &a, stop)
	return a
}

// headWith returns the complete head of r.
func (c *Client) headWith(r Request, w WireOptions) []byte {
	fields := c.opts.Header.Override(r.Header)
	if w.OmitHeader != "" {
		fields = slices.DeleteFunc(fields, func(f Field) bool { return strings.EqualFold(f.Name, w.OmitHeader) })
	}
	head := appendHead(nil, cmp.Or(r.Method, "POST"), cmp.Or(r.Path, c.target.path), c.target.header, c.base, fields)
	if w.Chunked {
		head = head[:len(head)-len("Content-Length: ")]
		return append(head, "Transfer-Encoding: chunked\r\n\r\n"...)
	}
	return appendBodyLength(head, len(r.Body))
}

// write sends head and body. The first piece is sent together with the head.
func (w WireOptions) write(ctx context.Context, conn *conn, head, body []byte) error {
	body = body[:max(0, len(body)-w.Cut)]
	pieces := w.split(body)
	for i, piece := range pieces {
		if i > 0 && w.Interval > 0 {
			if err := wait.For(ctx, w.Interval); err != nil {
				return err
			}
		}
		if i == 0 {
			piece = append(head, piece...)
		}
		if i == len(pieces)-1 && w.BeforeLastByte != nil {
			last := len(piece) - 1 // there is a head or a byte of the body
			if _, err := conn.Write(piece[:last]); err != nil {
				return err
			}
			w.BeforeLastByte()
			piece = piece[last:]
		}
		if _, err := conn.Write(piece); err != nil {
			return err
		}
	}
	if w.Cut > 0 {
		return conn.closeWrite()
	}
	return nil
}

// split returns the body in the parts that are written, at least one.
func (w WireOptions) split(body []byte) [][]byte {
	n := max(1, w.Pieces)
	size := max(1, (len(body)+n-1)/n)
	var pieces [][]byte
	for piece := range slices.Chunk(body, size) {
		if w.Chunked {
			piece = fmt.Appendf(nil, "%x\r\n%s\r\n", len(piece), piece)
		}
		pieces = append(pieces, piece)
	}
	if w.Chunked {
		pieces = append(pieces, []byte("0\r\n\r\n"))
	}
	if pieces == nil {
		pieces = [][]byte{nil}
	}
	return pieces
}

// closeWrite closes the sending side only.
func (c *conn) closeWrite() error {
	if over, ok := c.Conn.(*tls.Conn); ok {
		return over.CloseWrite()
	}
	if half, ok := c.wire.Conn.(interface{ CloseWrite() error }); ok {
		return half.CloseWrite()
	}
	return nil
}

func (c *conn) hangUp(how Hangup) {
	if lingers, ok := c.wire.Conn.(interface{ SetLinger(int) error }); ok && how == Reset {
		_ = lingers.SetLinger(0)
	}
	_ = c.Close()
}
