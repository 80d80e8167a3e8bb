package receive

import (
	"bytes"
	"io"
	"net/http"
	"time"
)

const (
	// talkRoom is how long the header of a plain request may be. Many a body
	// has room beside it.
	talkRoom = 8 << 10
	// lenience is the share of a time-out by which a deadline that is there
	// already may be early: to move it for every request costs more.
	lenience = 64
	// goodbye is how long a sender that is still sending has to see the answer
	// before its connection is closed, as with net/http.
	goodbye = 500 * time.Millisecond
)

// talk is a connection on which requests are plain, as deliveries are. To answer
// them here saves a quarter of the processor time of a delivery that is logged:
// net/http watches the connection beside each handler, and sets several deadlines
// for each request.
type talk struct {
	*conn
	opts *Options
	room []byte
	in   []byte // was read into room and is not used up
	out  []byte // the answer; kept for the next
	last bool   // no request is taken after this one
	used bool   // this is not the first

	// What is still to be read of the body: some came with the header, and so
	// many bytes did not.
	here  []byte
	there int64

	// When reads and writes end; zero: not known.
	readBy, writeBy time.Time
}

// converse answers the plain requests of a connection until it ends, or another
// request comes: that one, and all after it, are for net/http.
func (s *Server) converse(n *conn) {
	if s.opts.netHTTP {
		s.conns.handOver(n, nil)
		return
	}
	t := &talk{conn: n, opts: &s.opts, room: make([]byte, talkRoom)}
	remote, answer := n.RemoteAddr().String(), t.answer
	for patience := s.opts.HeaderTimeout; t.next(patience); patience = s.opts.IdleTimeout {
		r, ok := parsePlain(t.in)
		if !ok || r.size > s.opts.MaxHeaderBytes {
			s.conns.handOver(n, t.in)
			return
		}
		if !s.conns.begin(n) {
			break
		}
		d := &Delivery{
			Received: s.opts.Now(),
			Method:   http.MethodPost,
			URI:      r.target,
			Proto:    "HTTP/1.1",
			Scheme:   "http",
			Host:     r.host,
			Remote:   remote,
			Header:   r.header,
			limit:    s.opts.MaxBody,
		}
		t.begin(&r)
		answered := s.serve(d, incoming{r.path, r.length, t}, answer)
		if t.last || !answered {
			t.leave(answered)
			break
		}
		s.conns.rest(n)
	}
	_ = n.Close() // nothing is to be said any more
}

// next reads what comes, if nothing is there. It is false when nobody is there,
// or says anything.
func (t *talk) next(patience time.Duration) bool {
	for {
		if len(t.in) > 0 {
			t.in = t.room[:copy(t.room, t.in)]
		} else {
			renew(&t.readBy, patience, t.SetReadDeadline)
			n, err := t.Conn.Read(t.room)
			if t.in = t.room[:n]; n == 0 && err != nil {
				return false
			}
		}
		if !t.used {
			return true
		}
		// Some end a body with a line end (RFC 9112 section 2.2).
		if t.in = bytes.TrimLeft(t.in, "\r\n"); len(t.in) > 0 {
			return true
		}
	}
}

// begin goes to the body of r.
func (t *talk) begin(r *plain) {
	t.in = t.in[r.size:]
	t.used, t.last = true, r.last
	t.here = t.in[:min(r.length, int64(len(t.in)))]
	t.in = t.in[len(t.here):]
	t.there = r.length - int64(len(t.here))
	if t.there > 0 {
		renew(&t.readBy, t.opts.ReadTimeout, t.SetReadDeadline)
	}
}

// Read reads from the body.
func (t *talk) Read(p []byte) (n int, err error) {
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

func (t *talk) unread() bool { return len(t.here) > 0 || t.there > 0 }

// answer writes a. A failure means that the sender is gone.
func (t *talk) answer(a ForwardAnswer) {
	t.last = t.last || t.unread() || t.all.last.Load()
	t.out = a.append(t.out[:0], time.Now(), t.last)
	renew(&t.writeBy, t.opts.WriteTimeout, t.SetWriteDeadline)
	_, err := t.Conn.Write(t.out)
	t.last = t.last || err != nil
	if cap(t.out) > talkRoom {
		t.out = nil // one was large
	}
}

// leave gives a sender that has not sent all the time to see the answer: closing
// the connection at once might take it away.
func (t *talk) leave(answered bool) {
	half, ok := t.Conn.(interface{ CloseWrite() error })
	if !answered || !t.unread() || !ok || half.CloseWrite() != nil {
		return
	}
	_ = t.SetReadDeadline(time.Now().Add(goodbye))
	_, _ = io.Copy(io.Discard, t.Conn)
}

// renew moves a deadline, which is at, to d from now, unless it is nearly there.
func renew(at *time.Time, d time.Duration, set func(time.Time) error) {
	want := time.Now().Add(d)
	if early := want.Sub(*at); early < 0 || early > d/lenience {
		*at = want
		_ = set(want) // of a connection that is closed reading and writing tell
	}
}
