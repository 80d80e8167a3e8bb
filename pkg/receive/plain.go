package receive

import (
	"bytes"
	"io"
	"net/http"
	"net/textproto"
	"strconv"
	"strings"
	"time"

	"github.com/julianctl/julianctl/pkg/record"
)

const (
	// plainHeaderRoom is the longest header of a plain request. Small bodies fit in it,
	// too.
	plainHeaderRoom = 8 << 10
	// deadlineSlack: an existing deadline may be early by this fraction of the
	// time-out, because setting it for every request costs more.
	deadlineSlack = 64
	// closeWait is how long a sender that is still sending has to read the answer
	// before the connection is closed, as in net/http.
	closeWait = 500 * time.Millisecond
)

// plainConn serves plain requests, such as deliveries, without net/http, which watches
// the connection during each handler and sets several deadlines for each request.
// Saved is a fifth of the processor time: listen took 2.70 s for 60,000 deliveries of
// 1.7 KB over 64 connections, stored before the answer, and 3.34 s with net/http alone
// (medians of 5 pairs).
//
// A request that is not plain goes to net/http, with all that was read of it. Most
// tests of this package send the same requests both ways.
type plainConn struct {
	*conn
	opts *Options
	room []byte
	in   []byte // part of room: read and not yet used
	out  []byte // the answer; reused
	last bool   // no request is accepted after this one
	used bool   // a request was served before

	// The rest of the body: here came with the header, there is the number of bytes
	// that are still to come.
	here  []byte
	there int64

	// Deadlines of reads and writes; zero: not known.
	readBy, writeBy time.Time
}

// servePlain answers the plain requests of a connection. At the first other request
// it passes the connection to net/http.
func (s *Server) servePlain(n *conn) {
	if s.opts.netHTTP {
		s.conns.handOver(n, nil)
		return
	}
	t := &plainConn{conn: n, opts: &s.opts, room: make([]byte, plainHeaderRoom)}
	remote, answer := n.RemoteAddr().String(), t.answer
	for timeout := s.opts.HeaderTimeout; t.next(timeout); timeout = s.opts.IdleTimeout {
		r, ok := parsePlain(t.in)
		if !ok || r.size > s.opts.MaxHeaderBytes {
			s.conns.handOver(n, t.in)
			return
		}
		if !s.conns.markBusy(n) {
			break
		}
		d := received(record.Delivery{
			Received:   s.opts.Now(),
			Method:     http.MethodPost,
			URI:        r.target,
			Proto:      "HTTP/1.1",
			Scheme:     "http",
			Host:       r.host,
			Remote:     remote,
			Header:     r.header,
			MaxPayload: s.opts.MaxBody,
		})
		t.begin(&r)
		answered := s.serve(d, incoming{r.path, r.length, t}, answer)
		if t.last || !answered {
			t.closeAfterAnswer(answered)
			break
		}
		s.conns.markIdle(n)
	}
	_ = n.Close()
}

// next reads the beginning of the next request, if it is not yet read. It returns
// false at the end or the time-out of the connection.
func (t *plainConn) next(timeout time.Duration) bool {
	for {
		if len(t.in) > 0 {
			t.in = t.room[:copy(t.room, t.in)]
		} else {
			extendDeadline(&t.readBy, timeout, t.SetReadDeadline)
			n, err := t.Conn.Read(t.room)
			if t.in = t.room[:n]; n == 0 && err != nil {
				return false
			}
		}
		if !t.used {
			return true
		}
		// Some senders add a line end to a body (RFC 9112 section 2.2).
		if t.in = bytes.TrimLeft(t.in, "\r\n"); len(t.in) > 0 {
			return true
		}
	}
}

// begin moves on to the body of r.
func (t *plainConn) begin(r *plain) {
	t.in = t.in[r.size:]
	t.used, t.last = true, r.last
	t.here = t.in[:min(r.length, int64(len(t.in)))]
	t.in = t.in[len(t.here):]
	t.there = r.length - int64(len(t.here))
	if t.there > 0 {
		extendDeadline(&t.readBy, t.opts.ReadTimeout, t.SetReadDeadline)
	}
}

// Read reads from the body.
func (t *plainConn) Read(p []byte) (n int, err error) {
	switch {
	case len(t.here) > 0:
		n = copy(p, t.here)
		t.here = t.here[n:]
	case t.there > 0:
		n, err = t.Conn.Read(p[:min(t.there, int64(len(p)))])
		t.there -= int64(n)
		if err == io.EOF && t.there > 0 {
			err = io.ErrUnexpectedEOF
		}
	}
	if err == nil && !t.unread() {
		err = io.EOF
	}
	return n, err
}

func (t *plainConn) unread() bool { return len(t.here) > 0 || t.there > 0 }

// answer writes a. If that fails, the sender is gone.
func (t *plainConn) answer(a ForwardAnswer) {
	t.last = t.last || t.unread() || t.all.ending.Load()
	t.out = a.append(t.out[:0], time.Now(), t.last)
	extendDeadline(&t.writeBy, t.opts.WriteTimeout, t.SetWriteDeadline)
	_, err := t.Conn.Write(t.out)
	t.last = t.last || err != nil
	if cap(t.out) > plainHeaderRoom {
		t.out = nil // do not keep a large buffer
	}
}

// closeAfterAnswer waits for a sender that is still sending: if the connection is closed
// at once, the answer may be lost.
func (t *plainConn) closeAfterAnswer(answered bool) {
	half, ok := t.Conn.(interface{ CloseWrite() error })
	if !answered || !t.unread() || !ok || half.CloseWrite() != nil {
		return
	}
	_ = t.SetReadDeadline(time.Now().Add(closeWait))
	_, _ = io.Copy(io.Discard, t.Conn)
}

// extendDeadline sets a deadline, now at, to d from now, unless it is close to that.
func extendDeadline(at *time.Time, d time.Duration, set func(time.Time) error) {
	want := time.Now().Add(d)
	if early := want.Sub(*at); early < 0 || early > d/deadlineSlack {
		*at = want
		_ = set(want) // if it fails, reads and writes fail, too
	}
}

// plain is an ordinary HTTP/1.1 POST: the complete header was read at once, it has one
// Host and one Content-Length, no transfer encoding, expectation or upgrade, and
// nothing that needs decoding.
type plain struct {
	size   int    // of the header, with the empty line
	target string // as in the request line
	path   string // of target
	host   string
	header http.Header // without Host, as in net/http
	length int64       // of the body
	last   bool        // the sender closes the connection after it
}

// parsePlain parses the header at the beginning of b. It returns false if the request
// is not plain; it may still be valid.
func parsePlain(b []byte) (r plain, ok bool) {
	const method, version, lineEnd = "POST ", " HTTP/1.1", "\r\n"
	end := bytes.Index(b, []byte(lineEnd+lineEnd))
	if end < 0 || !bytes.HasPrefix(b, []byte(method)) {
		return r, false
	}
	r.size = end + 2*len(lineEnd)
	line, fields, _ := strings.Cut(string(b[len(method):end+len(lineEnd)]), lineEnd)
	if r.target, ok = strings.CutSuffix(line, version); !ok || !isPlainTarget(r.target) {
		return r, false
	}
	r.path, _, _ = strings.Cut(r.target, "?")
	count := strings.Count(fields, lineEnd)
	r.header, r.length = make(http.Header, count), -1
	values := make([]string, count) // one allocation for all
	for i := 0; fields != ""; i++ {
		line, fields, _ = strings.Cut(fields, lineEnd)
		name, value, _ := strings.Cut(line, ":")
		value = strings.Trim(value, " \t")
		if name == "" || len(name) == len(line) || !each(name, isPlainName) || !each(value, isPrintable) {
			return r, false
		}
		key := textproto.CanonicalMIMEHeaderKey(name)
		if !r.frame(key, value) {
			return r, false
		}
		switch values[i] = value; {
		case key == "Host":
		case r.header[key] == nil:
			r.header[key] = values[i : i+1 : i+1]
		default:
			r.header[key] = append(r.header[key], value)
		}
	}
	return r, r.host != "" && r.length >= 0
}

// frame checks a field that affects host or framing. It returns false if the request
// is not plain.
func (r *plain) frame(key, value string) bool {
	switch key {
	case "Host":
		if r.host != "" || !each(value, isPlainHost) {
			return false
		}
		r.host = value
	case "Content-Length":
		n, err := strconv.ParseUint(value, 10, 63)
		if err != nil || r.length >= 0 {
			return false
		}
		r.length = int64(n)
	case "Connection":
		last := strings.EqualFold(value, "close")
		r.last = r.last || last
		return last || strings.EqualFold(value, "keep-alive")
	case "Transfer-Encoding", "Te", "Trailer", "Expect", "Upgrade", "Pragma":
		return false
	}
	return true
}

// isPlainTarget returns false for "*", for a full URL, and if decoding is needed.
func isPlainTarget(target string) bool {
	return strings.HasPrefix(target, "/") && !strings.HasPrefix(target, "//") && each(target, func(c byte) bool {
		return isAlphanumeric(c) || strings.IndexByte("/?.-_~=&+,:;@!$'()*", c) >= 0
	})
}

func each(s string, is func(byte) bool) bool {
	for i := range len(s) {
		if !is(s[i]) {
			return false
		}
	}
	return true
}

func isPlainName(c byte) bool { return isAlphanumeric(c) || c == '-' || c == '_' }
func isPlainHost(c byte) bool { return isAlphanumeric(c) || strings.IndexByte(".-:[]", c) >= 0 }
func isPrintable(c byte) bool { return ' ' <= c && c <= '~' }

func isAlphanumeric(c byte) bool {
	return '0' <= c && c <= '9' || 'a' <= c|0x20 && c|0x20 <= 'z'
}
