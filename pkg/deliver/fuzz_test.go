package deliver

import (
	"bufio"
	"bytes"
	"errors"
	"io"
	"net"
	"net/http"
	"testing"
	"time"

	"github.com/julianctl/julianctl/pkg/julian"
)

// script is a connection that takes everything and plays back fixed bytes.
type script struct {
	net.Conn
	in *bytes.Reader
}

func (s *script) Write(p []byte) (int, error)      { return len(p), nil }
func (s *script) Read(p []byte) (int, error)       { return s.in.Read(p) }
func (s *script) Close() error                     { return nil }
func (s *script) SetReadDeadline(time.Time) error  { return nil }
func (s *script) SetWriteDeadline(time.Time) error { return nil }

// Whatever an endpoint answers: no panic, limits are kept, every fault has a
// class, and what is accepted reads the same with Go's own parser.
func FuzzAnswer(f *testing.F) {
	for _, seed := range []string{
		ok204,
		"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok",
		"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 500 Oh\r\nContent-Length: 0\r\n\r\n",
		"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nok\r\n0\r\n\r\n",
		"HTTP/1.0 200 OK\r\n\r\nuntil the end",
		"HTTP/1.1 302 Found\r\nLocation: http://x/\r\nConnection: close\r\n\r\n",
		"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
		"HTTP/1.1 200 OK\r\nContent-Length: 99999999999999999999\r\n\r\n",
		"HTTP/1.1 000 OK\r\n\r\n", "SSH-2.0-x\r\n", "\r\n\r\n", "HTTP/1.1 200 OK\n\n",
	} {
		f.Add([]byte(seed))
	}
	l := limits{body: 1000, excerpt: 100, first: time.Second, total: time.Second}
	f.Fuzz(func(t *testing.T, answer []byte) {
		w := &wire{Conn: &script{in: bytes.NewReader(answer)}}
		c := newConn(w, w)
		c.out = []byte("POST / HTTP/1.1\r\n\r\n")
		var a Answer
		again := c.exchange(&a, nil, l)
		var known *Error
		switch {
		case a.Err != nil && (!errors.As(a.Err, &known) || known.Class == "" || len(known.Error()) > 500):
			t.Fatalf("fault without a class, or too long: %v", a.Err)
		case a.Err != nil && again:
			t.Fatalf("connection used again after %v", a.Err)
		case a.Err == nil && (a.Status < 200 || a.Status > 999):
			t.Fatalf("status %d taken", a.Status)
		case len(a.Body) > l.excerpt || a.BodySize > int64(l.body)+1 || int64(len(a.Body)) > a.BodySize:
			t.Fatalf("kept %d of %d bytes", len(a.Body), a.BodySize)
		case (a.BodySize == 0) != (a.BodyHash == [32]byte{}):
			t.Fatalf("%d bytes, hash %x", a.BodySize, a.BodyHash)
		}
		if a.Err != nil || bytes.HasPrefix(answer, []byte("HTTP/1.1 1")) || bytes.HasPrefix(answer, []byte("HTTP/1.0 1")) {
			return
		}
		resp, err := http.ReadResponse(bufio.NewReader(bytes.NewReader(answer)), &http.Request{Method: "POST"})
		if err != nil {
			return // stricter in places that do no harm
		}
		defer resp.Body.Close()
		body, err := io.ReadAll(resp.Body)
		if resp.StatusCode != a.Status {
			t.Fatalf("status %d, Go's own parser says %d", a.Status, resp.StatusCode)
		}
		if err == nil && !bytes.HasPrefix(body, a.Body) || err == nil && int64(len(body)) != a.BodySize {
			t.Fatalf("body of %d bytes %q, Go's own parser says %d bytes %q", a.BodySize, a.Body, len(body), body)
		}
	})
}

// What is read quickly is what is read slowly.
func FuzzCallID(f *testing.F) {
	f.Add(julian.Sample())
	for _, seed := range []string{
		`{"callId":"a","callId":"b"}`, `{"call\u0049d":"\u0031"}`, `{"callId":"\ud83d"}`, "{\"callId\":\"\xff\"}", `{"callId":[{"callId":"a"}]}`,
		`["callId","a"]`, `{"callId":"a"}x`, ` {"a":{} , "callId" : "b" } `, `{"callId":"a","b":1e5,"c":-0.5}`, `{"callId":"a",}`,
	} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, body []byte) {
		if got, want := CallID(body), slowCallID(body); got != want {
			t.Errorf("%q has callId %q, want %q", body, got, want)
		}
	})
}
