package deliver

import (
	"cmp"
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"
)

// Manner is how a request goes over the wire where that is the subject: broken
// off, slow, or abandoned. The zero Manner is an ordinary request on a
// connection of its own.
type Manner struct {
	// Cut is how many bytes of the body are left out at its end, although the
	// head announces them all; then the sending side is closed.
	Cut int
	// Hangup closes the connection after the last byte, before an answer. The
	// answer is then of class Unknown.
	Hangup Hangup
	// Pieces is how many pieces the body is sent in, Every apart; 0 and 1: at
	// once.
	Pieces int
	Every  time.Duration
	// Chunked sends the body in chunks, without its length. It does not go with
	// Cut.
	Chunked bool
	// Without names a header of the client's own that is left out.
	Without string
	// Held, when not nil, is called when all but the last byte is sent; that
	// byte follows when it returns.
	Held func()
}

// Hangup is a way to end a connection.
type Hangup string

// The ways to end a connection.
const (
	Stay  Hangup = ""      // read the answer
	Close Hangup = "close" // in order: what was sent arrives
	Reset Hangup = "reset" // at once: what was sent may be lost
)

// SendAs sends one request on a fresh connection in this manner and waits for
// its answer, unless the manner is to hang up. Nothing is sent twice.
func (c *Client) SendAs(ctx context.Context, r Request, m Manner) Answer {
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
	writeErr := m.write(writing, conn, c.headAs(r, m), r.Body)
	cancel()
	a.Sent = time.Now()
	if m.Hangup != Stay && writeErr == nil {
		conn.hangUp(m.Hangup)
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
	settle(ctx, &a, stop)
	return a
}

// headAs is the whole head of r.
func (c *Client) headAs(r Request, m Manner) []byte {
	fields := c.opts.Header.Override(r.Header)
	if m.Without != "" {
		fields = slices.DeleteFunc(fields, func(f Field) bool { return strings.EqualFold(f.Name, m.Without) })
	}
	head := appendHead(nil, cmp.Or(r.Method, "POST"), cmp.Or(r.Path, c.target.path), c.target.header, c.base, fields)
	if m.Chunked {
		head = head[:len(head)-len("Content-Length: ")]
		return append(head, "Transfer-Encoding: chunked\r\n\r\n"...)
	}
	return appendBodyLength(head, len(r.Body))
}

// write sends head and body. The first piece travels with the head.
func (m Manner) write(ctx context.Context, conn *conn, head, body []byte) error {
	body = body[:max(0, len(body)-m.Cut)]
	pieces := m.split(body)
	for i, piece := range pieces {
		if i > 0 && m.Every > 0 {
			if err := rest(ctx, m.Every); err != nil {
				return err
			}
		}
		if i == 0 {
			piece = append(head, piece...)
		}
		if i == len(pieces)-1 && m.Held != nil {
			last := len(piece) - 1 // there is a head or a byte of the body
			if _, err := conn.Write(piece[:last]); err != nil {
				return err
			}
			m.Held()
			piece = piece[last:]
		}
		if _, err := conn.Write(piece); err != nil {
			return err
		}
	}
	if m.Cut > 0 {
		return conn.closeWrite()
	}
	return nil
}

// split is the body as it is written; there is one piece at least.
func (m Manner) split(body []byte) [][]byte {
	n := max(1, m.Pieces)
	size := max(1, (len(body)+n-1)/n)
	var pieces [][]byte
	for piece := range slices.Chunk(body, size) {
		if m.Chunked {
			piece = fmt.Appendf(nil, "%x\r\n%s\r\n", len(piece), piece)
		}
		pieces = append(pieces, piece)
	}
	if m.Chunked {
		pieces = append(pieces, []byte("0\r\n\r\n"))
	}
	if pieces == nil {
		pieces = [][]byte{nil}
	}
	return pieces
}

func rest(ctx context.Context, d time.Duration) error {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}

// closeWrite ends the sending side and leaves the other open.
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

// Certificate is what an https target shows for itself: its own certificate,
// and why it cannot be trusted, nil when it can. Another error means that there
// was no certificate to look at: the target is no https, or not to be reached.
func (c *Client) Certificate(ctx context.Context) (leaf *x509.Certificate, distrust, err error) {
	if c.tls == nil {
		return nil, nil, errors.New("the target is not https")
	}
	look := &Client{target: c.target, opts: c.opts, proxy: c.proxy, tls: c.tls.Clone()}
	look.tls.InsecureSkipVerify = true // whether it is valid is asked below
	conn, err := look.connect(ctx, time.Now().Add(c.opts.Timeout), true)
	if err != nil {
		return nil, nil, err
	}
	defer conn.Close()
	over, ok := conn.Conn.(*tls.Conn)
	if !ok || len(over.ConnectionState().PeerCertificates) == 0 {
		return nil, nil, errors.New("the target showed no certificate")
	}
	chain := over.ConnectionState().PeerCertificates
	between := x509.NewCertPool()
	for _, cert := range chain[1:] {
		between.AddCert(cert)
	}
	_, distrust = chain[0].Verify(x509.VerifyOptions{DNSName: c.tls.ServerName, Roots: c.tls.RootCAs, Intermediates: between})
	return chain[0], distrust, nil
}
