package deliver

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"net"
	"runtime"
	"syscall"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

// The systems that most deliveries are sent from have the short way.
func TestRawSocketIsUsed(t *testing.T) {
	s := newRawServer(t, func(_ int, c net.Conn) { _, _ = io.Copy(io.Discard, c) })
	c := newClient(t, s.url, Options{})
	for way, dial := range ways {
		c.opts.Dial = dial
		conn, err := c.connect(t.Context(), time.Now().Add(time.Minute), true)
		if err != nil {
			t.Fatal(err)
		}
		want := way == "short way" && runtime.GOOS == "linux" && (runtime.GOARCH == "amd64" || runtime.GOARCH == "arm64")
		if got := conn.wire.rawSocket != nil; got != want {
			t.Errorf("%s: %v, want %v", way, got, want)
		}
		_ = conn.Close()
	}
}

// A socket that has no room for all of a request takes the rest of it later.
func TestRequestInPieces(t *testing.T) {
	read := make(chan []byte, 1)
	s := newRawServer(t, func(_ int, c net.Conn) {
		_, body := readRequest(bufio.NewReader(c))
		read <- body
		_, _ = io.WriteString(c, ok204)
	})
	body := make([]byte, 16<<20) // more than any socket holds
	for i := range body {
		body[i] = byte(i / 7)
	}
	for way, dial := range ways {
		c := newClient(t, s.url, Options{Timeout: 10 * time.Second, Dial: dial})
		conn, err := c.connect(t.Context(), time.Now().Add(time.Minute), true)
		if err != nil {
			t.Fatal(err)
		}
		conn.out = appendBodyLength(bytes.Clone(c.head), len(body))
		conn.out = append(conn.out, body...)
		conn.endBy(time.Now().Add(10*time.Second), 0)
		a := Answer{}
		again := conn.exchange(&a, nil, c.limits(Request{}))
		if a.Err != nil || a.Status != 204 || !again || a.BytesSent != int64(len(conn.out)) {
			t.Errorf("%s: %+v", way, a)
		}
		if got := <-read; !bytes.Equal(got, body) {
			t.Errorf("%s: another body arrived", way)
		}
		_ = conn.Close()
	}
}

// What the system says of a connection that broke is told, also where it says
// so once only.
func TestReasonOfBrokenConnection(t *testing.T) {
	s := newRawServer(t, func(_ int, c net.Conn) {
		readRequest(bufio.NewReader(c))
		_ = c.(*net.TCPConn).SetLinger(0)
	})
	for way, dial := range ways {
		a := newClient(t, s.url, Options{Timeout: 10 * time.Second, Dial: dial}).Send(t.Context(), Request{})
		if !errors.Is(a.Err, Unknown) || !errors.Is(a.Err, syscall.ECONNRESET) {
			t.Errorf("%s: %v", way, a.Err)
		}
	}
}

// Time-outs on a connection that is used again, over a socket.
func TestTimeoutOnUsedConnection(t *testing.T) {
	noLeaks(t)
	s := newRawServer(t, func(_ int, c net.Conn) {
		r := bufio.NewReader(c)
		for n := 0; ; n++ {
			_, body := readRequest(r)
			switch {
			case body == nil:
				return
			case n == 0:
				_, _ = io.WriteString(c, ok204)
			default:
				_, _ = c.Write(body)
			}
		}
	})
	for way, dial := range ways {
		for _, tt := range []struct {
			checkStart string
			opts       Options
			want       string
		}{
			{"", Options{Timeout: 300 * time.Millisecond}, "no answer within 300ms"},
			{"", Options{Timeout: time.Minute, FirstByteTimeout: 200 * time.Millisecond}, "no answer within 200ms"},
			{"HTTP/1.1 2", Options{Timeout: 300 * time.Millisecond}, "answer not complete within 300ms"},
			{"HTTP/1.1 2", Options{Timeout: 400 * time.Millisecond, FirstByteTimeout: 200 * time.Millisecond}, "answer not complete within 400ms"},
		} {
			tt.opts.Dial = dial
			c := newClient(t, s.url, tt.opts)
			if a := c.Send(t.Context(), Request{}); a.Status != 204 {
				t.Fatalf("%s: %v", way, a.Err)
			}
			start := time.Now()
			a := c.Send(t.Context(), Request{Body: []byte(tt.checkStart)})
			if !a.Reused || !errors.Is(a.Err, Timeout) || a.Err.Error() != tt.want {
				t.Errorf("%s, %q: %v, want %q", way, tt.checkStart, a.Err, tt.want)
			}
			atLeast := min(tt.opts.Timeout, c.opts.FirstByteTimeout)
			if tt.checkStart != "" {
				atLeast = tt.opts.Timeout
			}
			if took := time.Since(start); took < atLeast || took > 30*time.Second || a.Answered.Sub(a.Due) < atLeast {
				t.Errorf("%s, %q: took %s, answered after %s", way, tt.checkStart, took, a.Answered.Sub(a.Due))
			}
		}
	}
}

// deadlines notes those that are set.
type deadlines struct {
	net.Conn
	set []string
}

func (d *deadlines) SetDeadline(t time.Time) error {
	d.set = append(d.set, fmt.Sprint("all ", t.Unix()))
	return nil
}

func (d *deadlines) SetReadDeadline(t time.Time) error {
	d.set = append(d.set, fmt.Sprint("read ", t.Unix()))
	return nil
}

// A time-out is exact on a fresh connection. On another it is not early, and
// late by no more than it may be.
func TestDeadlines(t *testing.T) {
	at := func(second int64) time.Time { return time.Unix(second, 0) }
	d := new(deadlines)
	c := &conn{Conn: d}
	c.endBy(at(100), 10*time.Second) // fresh
	c.used = true
	c.endBy(at(101), 10*time.Second)
	c.endBy(at(105), 10*time.Second)
	c.endBy(at(111), 10*time.Second) // what is set is enough
	c.endBy(at(112), 10*time.Second)
	c.endFirstBy(at(50))
	c.endBy(at(113), 10*time.Second) // the one for reading is still there
	if diff := cmp.Diff([]string{"all 100", "all 111", "all 122", "read 50", "all 123"}, d.set); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}
