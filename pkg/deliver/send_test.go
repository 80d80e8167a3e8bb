package deliver

import (
	"bufio"
	"bytes"
	"context"
	"crypto/sha256"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
)

// outcome is what a person would say of an answer.
type outcome struct {
	Status int
	Body   string
	Size   int64
	Class  Class
}

func outcomeOf(a Answer) outcome {
	return outcome{a.Status, string(a.Body), a.BodySize, ClassOf(a.Err)}
}

// What an endpoint may do with its answer, and what it is then called.
func TestAnswers(t *testing.T) {
	big := strings.Repeat("x", 5000)
	tests := []struct {
		name   string
		answer string // written once the request is read
		open   bool   // the connection stays open after it
		want   outcome
		again  bool // the connection may be used again
	}{
		{"204", ok204, true, outcome{Status: 204}, true},
		{"200 with length", "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok", true, outcome{200, "ok", 2, ""}, true},
		{"200 empty", "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n", true, outcome{Status: 200}, true},
		{"200 no reason", "HTTP/1.1 200\r\nContent-Length: 0\r\n\r\n", true, outcome{Status: 200}, true},
		{"bare line feeds", "HTTP/1.1 200 OK\nContent-Length: 2\n\nok", true, outcome{Class: Malformed}, false},
		{"excerpt", "HTTP/1.1 500 Oh\r\nContent-Length: 5000\r\n\r\n" + big, true, outcome{500, big[:100], 5000, ""}, true},
		{"chunked", "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2;x=y\r\nok\r\n3\r\nay!\r\n0\r\nX-T: 1\r\n\r\n", true, outcome{200, "okay!", 5, ""}, true},
		{"until close", "HTTP/1.1 200 OK\r\n\r\nok", false, outcome{200, "ok", 2, ""}, false},
		{"HTTP/1.0", "HTTP/1.0 200 OK\r\nContent-Length: 2\r\n\r\nok", true, outcome{200, "ok", 2, ""}, false},
		{"HTTP/1.0 kept alive", "HTTP/1.0 200 OK\r\nConnection: keep-alive\r\nContent-Length: 2\r\n\r\nok", true, outcome{200, "ok", 2, ""}, true},
		{"closing", "HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 2\r\n\r\nok", true, outcome{200, "ok", 2, ""}, false},
		{"100 first", "HTTP/1.1 100 Continue\r\n\r\n" + ok204, true, outcome{Status: 204}, true},
		{"103 and 102 first", "HTTP/1.1 103 Early Hints\r\nLink: x\r\n\r\nHTTP/1.1 102 Processing\r\n\r\n" + ok204, true, outcome{Status: 204}, true},
		{"1xx without end", strings.Repeat("HTTP/1.1 102 Processing\r\n\r\n", 200), true, outcome{Class: Malformed}, false},
		{"101", "HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\nConnection: upgrade\r\n\r\n", true, outcome{Class: Malformed}, false},
		{"204 with a body", "HTTP/1.1 204 No Content\r\nContent-Length: 2\r\n\r\nok", true, outcome{Status: 204}, false},
		{"more than one answer", ok204 + ok204, true, outcome{Status: 204}, false},
		{"304", "HTTP/1.1 304 Not Modified\r\nContent-Length: 99\r\n\r\n", true, outcome{Status: 304}, true},
		{"status 999", "HTTP/1.1 999 Odd\r\nContent-Length: 0\r\n\r\n", true, outcome{Status: 999}, true},

		{"nothing, closed", "", false, outcome{Class: Unknown}, false},
		{"garbage, open", "SSH-2.0-OpenSSH_9.9", true, outcome{Class: Malformed}, false},
		{"garbage line", "hello\r\n\r\n", true, outcome{Class: Malformed}, false},
		{"HTTP/2", "\x00\x00\x12\x04\x00\x00\x00\x00\x00", true, outcome{Class: Malformed}, false},
		{"HTTP/2.0 in words", "HTTP/2.0 200 OK\r\n\r\n", true, outcome{Class: Malformed}, false},
		{"status 000", "HTTP/1.1 000 OK\r\nContent-Length: 0\r\n\r\n", true, outcome{Class: Malformed}, false},
		{"status 20", "HTTP/1.1 20 OK\r\n\r\n", true, outcome{Class: Malformed}, false},
		{"status 2000", "HTTP/1.1 2000 OK\r\n\r\n", true, outcome{Class: Malformed}, false},
		{"malformed header", "HTTP/1.1 200 OK\r\nno colon here\r\n\r\n", true, outcome{Class: Malformed}, false},
		{"negative length", "HTTP/1.1 200 OK\r\nContent-Length: -1\r\n\r\n", true, outcome{Class: Malformed}, false},
		{"two lengths", "HTTP/1.1 200 OK\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nab", true, outcome{Class: Malformed}, false},
		{"cut in the status line", "HTTP/1.1 2", false, outcome{Class: Malformed}, false},
		{"cut in the header", "HTTP/1.1 200 OK\r\nContent-Le", false, outcome{Class: Malformed}, false},
		{"cut in the body", "HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nok", false, outcome{200, "ok", 2, Malformed}, false},
		{"cut in a long body", "HTTP/1.1 200 OK\r\nContent-Length: 50000\r\n\r\n" + big, false, outcome{200, big[:100], 5000, Malformed}, false},
		{"cut in a chunk", "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n9\r\nok", false, outcome{200, "ok", 2, Malformed}, false},
		{"no last chunk", "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nok\r\n", false, outcome{200, "ok", 2, Malformed}, false},
		{"bad chunk", "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\nok\r\n", true, outcome{200, "", 0, Malformed}, false},
		{"large header", "HTTP/1.1 200 OK\r\nX: " + strings.Repeat("y", maxHeader) + "\r\n\r\n", true, outcome{Class: TooLarge}, false},
		{"large body", "HTTP/1.1 200 OK\r\nContent-Length: 500000000\r\n\r\n" + strings.Repeat("x", 11000), true, outcome{200, big[:100], 10001, TooLarge}, false},
		{"large chunk", "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nfffffff\r\n" + strings.Repeat("x", 11000), true, outcome{200, big[:100], 10001, TooLarge}, false},
		{"endless body", "HTTP/1.1 200 OK\r\n\r\n" + strings.Repeat("x", 11000), true, outcome{200, big[:100], 10001, TooLarge}, false},
	}
	for _, tt := range tests {
		for way, dial := range ways {
			t.Run(tt.name+", "+way, func(t *testing.T) {
				noLeaks(t)
				s := newRawServer(t, func(_ int, c net.Conn) {
					r := bufio.NewReader(c)
					for {
						if raw, _ := readRequest(r); raw == nil {
							return
						}
						_, _ = io.WriteString(c, tt.answer)
						if !tt.open {
							return
						}
					}
				})
				c := newClient(t, s.url, Options{Timeout: 10 * time.Second, MaxAnswer: 10_000, MaxExcerpt: 100, Dial: dial})
				start := time.Now()
				a := c.Send(t.Context(), Request{Body: []byte("{}")})
				if d := cmp.Diff(tt.want, outcomeOf(a)); d != "" {
					t.Errorf("(-want +got):\n%s%v", d, a.Err)
				}
				if took := time.Since(start); took > 5*time.Second {
					t.Errorf("took %s", took)
				}
				if second := c.Send(t.Context(), Request{Body: []byte("{}")}); second.Reused != tt.again {
					t.Errorf("connection used again: %v, want %v", second.Reused, tt.again)
				}
			})
		}
	}
}

func TestExactRequest(t *testing.T) {
	requests := make(chan string, 1)
	s := newRawServer(t, func(_ int, c net.Conn) {
		r := bufio.NewReader(c)
		for {
			raw, _ := readRequest(r)
			if raw == nil {
				return
			}
			requests <- string(raw)
			_, _ = io.WriteString(c, ok204)
		}
	})
	host := strings.TrimSuffix(strings.TrimPrefix(s.url, "http://"), "/")
	c := newClient(t, s.url+"in?x=1", Options{UserAgent: "julianctl/9", Header: Header{{"X-Key", "k"}, {"X-B", "b"}}})
	hostile := "\x00\xff{]\r\n\r\nPOST / HTTP/1.1\r\n"
	long := strings.Repeat("long \xfe", 100_000)
	tests := []struct {
		name    string
		request Request
		want    string
	}{
		{"plain", Request{Body: []byte(`{"a":1}`)}, "POST /in?x=1 HTTP/1.1\r\nHost: " + host + "\r\nUser-Agent: julianctl/9\r\nContent-Type: application/json\r\nX-Key: k\r\nX-B: b\r\nContent-Length: 7\r\n\r\n{\"a\":1}"},
		{"empty", Request{}, "POST /in?x=1 HTTP/1.1\r\nHost: " + host + "\r\nUser-Agent: julianctl/9\r\nContent-Type: application/json\r\nX-Key: k\r\nX-B: b\r\nContent-Length: 0\r\n\r\n"},
		{"all of it", Request{Method: "PUT", Path: "/other", Header: Header{{"x-key", "z"}, {"Content-Type", "text/plain"}}, Body: []byte(hostile)}, "PUT /other HTTP/1.1\r\nHost: " + host + "\r\nUser-Agent: julianctl/9\r\nX-B: b\r\nx-key: z\r\nContent-Type: text/plain\r\nContent-Length: 25\r\n\r\n" + hostile},
		{"long", Request{Body: []byte(long)}, "POST /in?x=1 HTTP/1.1\r\nHost: " + host + "\r\nUser-Agent: julianctl/9\r\nContent-Type: application/json\r\nX-Key: k\r\nX-B: b\r\nContent-Length: 600000\r\n\r\n" + long},
	}
	for i, tt := range tests {
		a := c.Send(t.Context(), tt.request)
		if a.Err != nil {
			t.Fatalf("%s: %v", tt.name, a.Err)
		}
		got := <-requests
		if d := cmp.Diff(tt.want, got); d != "" {
			t.Errorf("%s (-want +got):\n%.2000s", tt.name, d)
		}
		if a.BytesSent != int64(len(tt.want)) || a.Reused != (i > 0) {
			t.Errorf("%s: %d bytes sent, want %d; reused %v", tt.name, a.BytesSent, len(tt.want), a.Reused)
		}
		if !(!a.Due.After(a.Sent) && !a.First.Before(a.Due) && !a.First.After(a.Answered)) {
			t.Errorf("%s: due %v, sent %v, first %v, answered %v", tt.name, a.Due, a.Sent, a.First, a.Answered)
		}
	}
}

func TestMalformedRequestsAreNotSent(t *testing.T) {
	s := newRawServer(t, func(int, net.Conn) { t.Error("connected") })
	c := newClient(t, s.url, Options{})
	for _, r := range []Request{
		{Method: "PO ST"}, {Path: "x"}, {Path: "/a b"}, {Path: "/a\r\nX: y"}, {Header: Header{{"A\n", "b"}}}, {Header: Header{{"A", "b\r\nC: d"}}}, {Header: Header{{"Content-Length", "1"}}},
	} {
		if a := c.Send(t.Context(), r); !errors.Is(a.Err, Unreachable) || a.BytesSent != 0 {
			t.Errorf("%+v: %v", r, a.Err)
		}
		answers, _ := c.Together(t.Context(), []Request{r})
		if !errors.Is(answers[0].Err, Unreachable) {
			t.Errorf("together %+v: %v", r, answers[0].Err)
		}
	}
	for _, f := range []Field{{"A", "b\nc"}, {"Transfer-Encoding", "chunked"}} {
		if _, err := New(c.Target(), Options{Header: Header{f}}); err == nil {
			t.Errorf("header %q taken", f)
		}
	}
	if _, err := New(c.Target(), Options{UserAgent: "a\r\nb"}); err == nil {
		t.Error("hostile user agent taken")
	}
}

func TestHeaderOfAnswer(t *testing.T) {
	s := httptest.NewServer(handler(201, http.Header{"X-A": {"1", "2"}, "Date": {"today"}, "Content-Type": nil, "Set-Cookie": {"a=b; c"}}, "hi"))
	defer s.Close()
	a := newClient(t, s.URL, Options{}).Send(t.Context(), Request{})
	want := Header{{"Content-Length", "2"}, {"Set-Cookie", "a=b; c"}, {"Date", "today"}, {"X-A", "1"}, {"X-A", "2"}}
	less := func(a, b Field) bool { return a.Name+a.Value < b.Name+b.Value }
	if d := cmp.Diff(want, a.Header, cmpopts.SortSlices(less)); d != "" {
		t.Errorf("(-want +got):\n%s", d)
	}
	if a.BodyHash != sha256.Sum256([]byte("hi")) {
		t.Errorf("hash %x", a.BodyHash)
	}
}

func TestUnreachable(t *testing.T) {
	noLeaks(t)
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	to := "http://" + l.Addr().String()
	_ = l.Close()
	c := newClient(t, to, Options{})
	a := c.Send(t.Context(), Request{Body: []byte("{}")})
	if !errors.Is(a.Err, Unreachable) || a.BytesSent != 0 || !a.Sent.IsZero() {
		t.Errorf("%+v", a)
	}
	// The system's own words for "refused", without the call and the address.
	var errno syscall.Errno
	if want := "cannot connect to " + l.Addr().String() + ": "; !errors.As(a.Err, &errno) || a.Err.Error() != want+errno.Error() {
		t.Errorf("%q, want %q and an error of the system", a.Err, want)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if a := c.Send(ctx, Request{}); !errors.Is(a.Err, Unreachable) || !errors.Is(a.Err, context.Canceled) {
		t.Errorf("cancelled before: %v", a.Err)
	}
}

// Time is simulated: whatever the endpoint does, the time-out ends it.
func TestTimeouts(t *testing.T) {
	drip := func(text string) func(net.Conn) {
		return func(c net.Conn) {
			go func() { _, _ = io.Copy(io.Discard, c) }()
			for i := range len(text) {
				<-time.After(time.Second)
				if _, err := io.WriteString(c, text[i:i+1]); err != nil {
					return
				}
			}
		}
	}
	silent := func(c net.Conn) { _, _ = io.Copy(io.Discard, c) }
	tests := []struct {
		name  string
		opts  Options
		serve func(net.Conn)
		body  int
		took  time.Duration
		want  outcome
		text  string
	}{
		{"silent", Options{Timeout: 5 * time.Second}, silent, 10, 5 * time.Second, outcome{Class: Timeout}, "no answer within 5s"},
		{"first byte", Options{Timeout: 9 * time.Second, FirstByteTimeout: 2 * time.Second}, silent, 10, 2 * time.Second, outcome{Class: Timeout}, "no answer within 2s"},
		{"first byte, then slow", Options{Timeout: 9500 * time.Millisecond, FirstByteTimeout: 2 * time.Second}, drip(ok204), 10, 9500 * time.Millisecond, outcome{Class: Timeout}, "answer not complete within 9.5s"},
		{"one byte a second", Options{Timeout: 5500 * time.Millisecond}, drip(ok204), 10, 5500 * time.Millisecond, outcome{Class: Timeout}, "answer not complete within 5.5s"},
		{"one byte a second in the body", Options{Timeout: 45500 * time.Millisecond}, drip("HTTP/1.1 200 OK\r\nContent-Length: 99\r\n\r\nabcdefghijkl"), 10, 45500 * time.Millisecond, outcome{200, "abcdef", 6, Timeout}, "answer not complete within 45.5s"},
		{"one byte a second, in time", Options{Timeout: 60 * time.Second}, drip(ok204), 10, 27 * time.Second, outcome{Status: 204}, ""},
		{"does not read", Options{Timeout: 5 * time.Second}, func(net.Conn) { <-time.After(time.Minute) }, 100_000, 5 * time.Second, outcome{Class: Unreachable}, ""},
		{"reads a little", Options{Timeout: 5 * time.Second}, func(c net.Conn) { _, _ = io.ReadFull(c, make([]byte, 40)); <-time.After(time.Minute) }, 100_000, 5 * time.Second, outcome{Class: Timeout}, "no answer within 5s"},
		{"answers early and reads no more", Options{Timeout: 5 * time.Second}, func(c net.Conn) {
			_, _ = io.ReadFull(c, make([]byte, 40))
			_, _ = io.WriteString(c, "HTTP/1.1 413 Too Large\r\nContent-Length: 0\r\n\r\n")
			<-time.After(time.Minute)
		}, 100_000, 0, outcome{Status: 413}, ""},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				c, serving := pipeClient(t, tt.opts, tt.serve)
				start := time.Now()
				a := c.Send(t.Context(), Request{Body: bytes.Repeat([]byte("x"), tt.body)})
				if d := cmp.Diff(tt.want, outcomeOf(a)); d != "" {
					t.Errorf("(-want +got):\n%s%v", d, a.Err)
				}
				if tt.text != "" && a.Err.Error() != tt.text {
					t.Errorf("%q, want %q", a.Err, tt.text)
				}
				if took := time.Since(start); took != tt.took {
					t.Errorf("took %s, want %s", took, tt.took)
				}
				c.Close()
				serving.Wait()
			})
		})
	}
}

func TestConnectTimeout(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := newClient(t, "http://127.0.0.1:1/", Options{ConnectTimeout: 3 * time.Second, Dial: func(ctx context.Context, _, _ string) (net.Conn, error) {
			<-ctx.Done()
			return nil, ctx.Err()
		}})
		start := time.Now()
		a := c.Send(t.Context(), Request{})
		if !errors.Is(a.Err, Unreachable) || !errors.Is(a.Err, context.DeadlineExceeded) || time.Since(start) != 3*time.Second {
			t.Errorf("%v after %s", a.Err, time.Since(start))
		}
	})
}

func TestCancelledWhileWaiting(t *testing.T) {
	noLeaks(t)
	got := make(chan struct{})
	s := newRawServer(t, func(_ int, c net.Conn) {
		readRequest(bufio.NewReader(c))
		close(got)
		_, _ = io.Copy(io.Discard, c)
	})
	ctx, cancel := context.WithCancel(t.Context())
	go func() {
		<-got
		cancel()
	}()
	a := newClient(t, s.url, Options{}).Send(ctx, Request{})
	if !errors.Is(a.Err, Unknown) || !errors.Is(a.Err, context.Canceled) {
		t.Errorf("%v", a.Err)
	}
}

// An endpoint that answers a long body before it has read it, over TCP.
func TestEarlyAnswer(t *testing.T) {
	for _, then := range []string{"stays open", "closes"} {
		t.Run(then, func(t *testing.T) {
			noLeaks(t)
			s := newRawServer(t, func(_ int, c net.Conn) {
				_, _ = io.ReadFull(c, make([]byte, 100))
				_, _ = io.WriteString(c, "HTTP/1.1 413 Too Large\r\nContent-Length: 3\r\n\r\nno!")
				if then == "closes" {
					return
				}
				_, _ = c.Read(make([]byte, 1))
				<-t.Context().Done()
			})
			start := time.Now()
			a := newClient(t, s.url, Options{Timeout: 20 * time.Second}).Send(t.Context(), Request{Body: make([]byte, 50<<20)})
			if d := cmp.Diff(outcome{413, "no!", 3, ""}, outcomeOf(a)); d != "" {
				t.Errorf("(-want +got):\n%s%v", d, a.Err)
			}
			if took := time.Since(start); took > 10*time.Second {
				t.Errorf("took %s", took)
			}
		})
	}
}

func TestRedirectIsNotFollowed(t *testing.T) {
	var followed atomic.Int32
	elsewhere := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { followed.Add(1) }))
	defer elsewhere.Close()
	for _, status := range []int{301, 302, 303, 307, 308} {
		s := httptest.NewServer(handler(status, http.Header{"Location": {elsewhere.URL + "/x"}}, ""))
		a := newClient(t, s.URL, Options{}).Send(t.Context(), Request{Body: []byte("{}")})
		err := Statuses(nil).Evaluate(a)
		var e *Error
		if !errors.Is(err, Redirect) || !errors.As(err, &e) || e.Location != elsewhere.URL+"/x" || !strings.Contains(err.Error(), elsewhere.URL) {
			t.Errorf("%d: %v", status, err)
		}
		s.Close()
	}
	if n := followed.Load(); n != 0 {
		t.Errorf("followed %d times", n)
	}
}

func TestTLS(t *testing.T) {
	noLeaks(t)
	names := make(chan string, 1)
	s := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		names <- r.TLS.ServerName
		handler(200, nil, "ok")(w, r)
	}))
	s.Config.ErrorLog = log.New(io.Discard, "", 0)
	s.StartTLS()
	defer s.Close()
	plain := httptest.NewServer(handler(200, nil, ""))
	defer plain.Close()
	pool := x509.NewCertPool()
	pool.AddCert(s.Certificate())
	local := strings.Replace(s.URL, "127.0.0.1", "localhost", 1)
	tests := []struct {
		name string
		url  string
		opts Options
		sni  string
		want Class
	}{
		{"unknown authority", s.URL, Options{}, "", Unreachable},
		{"own authority", s.URL, Options{RootCAs: pool}, "", ""},
		{"wrong name", local, Options{RootCAs: pool}, "", Unreachable},
		{"server name", local, Options{RootCAs: pool, ServerName: "example.com"}, "example.com", ""},
		{"insecure", local, Options{Insecure: true}, "localhost", ""},
		{"no TLS there", strings.Replace(plain.URL, "http", "https", 1), Options{Insecure: true}, "", Unreachable},
	}
	for _, tt := range tests {
		c := newClient(t, tt.url, tt.opts)
		for i := range 2 {
			a := c.Send(t.Context(), Request{Body: bytes.Repeat([]byte("x"), 100_000)})
			if ClassOf(a.Err) != tt.want {
				t.Errorf("%s: %v, want %q", tt.name, a.Err, tt.want)
				break
			}
			if tt.want != "" {
				continue
			}
			if a.Reused != (i == 1) {
				t.Errorf("%s: delivery %d reused: %v", tt.name, i, a.Reused)
			}
			if sni := <-names; sni != tt.sni {
				t.Errorf("%s: server name %q, want %q", tt.name, sni, tt.sni)
			}
		}
		c.Close()
	}
	var unknown x509.UnknownAuthorityError
	if a := newClient(t, s.URL, Options{}).Send(t.Context(), Request{}); !errors.As(a.Err, &unknown) {
		t.Errorf("cause lost: %v", a.Err)
	}
	// https at a port that speaks http: the endpoint says so itself.
	a := newClient(t, strings.Replace(s.URL, "https", "http", 1), Options{}).Send(t.Context(), Request{})
	if a.Status != 400 {
		t.Errorf("plain request to a TLS port: %d %v", a.Status, a.Err)
	}
}

func TestIPv6(t *testing.T) {
	l, err := net.Listen("tcp", "[::1]:0")
	if err != nil {
		t.Skip("no IPv6 here:", err)
	}
	host := make(chan string, 1)
	s := httptest.NewUnstartedServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) { host <- r.Host }))
	_ = s.Listener.Close()
	s.Listener = l
	s.Start()
	defer s.Close()
	if a := newClient(t, s.URL, Options{}).Send(t.Context(), Request{}); a.Status != 200 || "http://"+<-host != s.URL {
		t.Errorf("%s: %+v", s.URL, a)
	}
	// localhost tries both families.
	local := strings.Replace(s.URL, "[::1]", "localhost", 1)
	if a := newClient(t, local, Options{}).Send(t.Context(), Request{}); a.Status != 200 {
		t.Errorf("%s: %v", local, a.Err)
	}
}

// A peer that closed an idle connection costs a new connection, not a delivery.
func TestStaleConnectionIsNoticed(t *testing.T) {
	for _, tt := range []struct {
		name  string
		close func(*net.TCPConn)
	}{
		{"closed", func(c *net.TCPConn) { _ = c.Close() }},
		{"reset", func(c *net.TCPConn) { _ = c.SetLinger(0); _ = c.Close() }},
		{"half closed", func(c *net.TCPConn) { _ = c.CloseWrite() }},
		{"spoken on", func(c *net.TCPConn) { _, _ = io.WriteString(c, "HTTP/1.1 408 Request Timeout\r\n\r\n") }},
	} {
		t.Run(tt.name, func(t *testing.T) {
			var arrived atomic.Int32
			closing, closed := make(chan struct{}), make(chan struct{})
			s := newRawServer(t, func(n int, c net.Conn) {
				r := bufio.NewReader(c)
				for {
					if raw, _ := readRequest(r); raw == nil {
						return
					}
					arrived.Add(1)
					_, _ = io.WriteString(c, ok204)
					if n == 0 {
						<-closing
						tt.close(c.(*net.TCPConn))
						close(closed)
						<-t.Context().Done()
						return
					}
				}
			})
			c := newClient(t, s.url, Options{Timeout: 10 * time.Second})
			first := c.Send(t.Context(), Request{})
			close(closing)
			<-closed
			second := c.Send(t.Context(), Request{})
			third := c.Send(t.Context(), Request{})
			for i, a := range []Answer{first, second, third} {
				if a.Err != nil || a.Reused != (i == 2) {
					t.Errorf("delivery %d: reused %v, %v", i+1, a.Reused, a.Err)
				}
			}
			if n := arrived.Load(); n != 3 {
				t.Errorf("%d deliveries arrived, want 3", n)
			}
		})
	}
}

// refusing is a connection whose writes are refused before a byte is taken.
type refusing struct {
	net.Conn
	after int // writes that still work
	takes int // bytes that go out nevertheless
}

func (r *refusing) Write(p []byte) (int, error) {
	if r.after--; r.after < 0 {
		n, _ := r.Conn.Write(p[:r.takes])
		_ = r.Conn.Close()
		return n, &net.OpError{Op: "write", Net: "tcp", Err: os.NewSyscallError("write", syscall.EPIPE)}
	}
	return r.Conn.Write(p)
}

func (r *refusing) SyscallConn() (syscall.RawConn, error) {
	return r.Conn.(*net.TCPConn).SyscallConn()
}

// The first write on an idle connection is refused, so nothing was sent: a new
// connection may be used. On a fresh connection it may not.
func TestRefusedFirstWrite(t *testing.T) {
	var arrived atomic.Int32
	s := newRawServer(t, func(_ int, c net.Conn) {
		r := bufio.NewReader(c)
		for {
			if raw, _ := readRequest(r); raw == nil {
				return
			}
			arrived.Add(1)
			_, _ = io.WriteString(c, ok204)
		}
	})
	for _, together := range []bool{false, true} {
		for after, want := range map[int]Class{0: Unreachable, 1: ""} {
			arrived.Store(0)
			dialed := 0
			if together && after == 1 {
				after = 2 // head and last byte are two writes
			}
			c := newClient(t, s.url, Options{Timeout: 2 * time.Second, Dial: func(ctx context.Context, network, address string) (net.Conn, error) {
				dialed++
				c, err := new(net.Dialer).DialContext(ctx, network, address)
				return &refusing{c, after, 0}, err
			}})
			send := func() Answer {
				if together {
					answers, _ := c.Together(t.Context(), []Request{{}})
					return answers[0]
				}
				return c.Send(t.Context(), Request{})
			}
			send()
			second := send()
			if ClassOf(second.Err) != want {
				t.Errorf("together %v, %d writes: %v, want %q", together, after, second.Err, want)
			}
			if want == "" && (dialed != 2 || arrived.Load() != 2 || second.Reused) {
				t.Errorf("together %v: %d connections, %d arrived, reused %v", together, dialed, arrived.Load(), second.Reused)
			}
			if want != "" && arrived.Load() != 0 {
				t.Errorf("together %v: %d arrived", together, arrived.Load())
			}
		}
	}
}

// Some bytes had left when the write failed: the fate is unknown, and nothing is
// sent again.
func TestBrokenWriteIsNotRepeated(t *testing.T) {
	s := newRawServer(t, func(_ int, c net.Conn) {
		r := bufio.NewReader(c)
		for {
			if raw, _ := readRequest(r); raw == nil {
				return
			}
			_, _ = io.WriteString(c, ok204)
		}
	})
	for _, tt := range []struct {
		name  string
		after int // writes of the first delivery
		send  func(*Client) Answer
	}{
		{"alone", 1, func(c *Client) Answer { return c.Send(t.Context(), Request{}) }},
		{"long", 2, func(c *Client) Answer { return c.Send(t.Context(), Request{Body: make([]byte, 100_000)}) }},
		{"together", 2, func(c *Client) Answer {
			answers, _ := c.Together(t.Context(), []Request{{}})
			return answers[0]
		}},
	} {
		dialed := 0
		c := newClient(t, s.url, Options{Timeout: 10 * time.Second, Dial: func(ctx context.Context, network, address string) (net.Conn, error) {
			dialed++
			c, err := new(net.Dialer).DialContext(ctx, network, address)
			return &refusing{c, tt.after, 5}, err
		}})
		if a := tt.send(c); a.Status != 204 {
			t.Fatalf("%s: first delivery: %v", tt.name, a.Err)
		}
		a := tt.send(c)
		if !errors.Is(a.Err, Unknown) || !errors.Is(a.Err, syscall.EPIPE) || a.BytesSent != 5 || !a.Reused || dialed != 1 {
			t.Errorf("%s: %v, %d bytes sent, %d connections", tt.name, a.Err, a.BytesSent, dialed)
		}
	}
}

func ExampleClient_Send() {
	endpoint := httptest.NewServer(handler(500, nil, "out of coffee"))
	defer endpoint.Close()
	u, _ := http.NewRequest("POST", endpoint.URL, nil)
	target, err := Guard{}.Target(u.URL)
	if err != nil {
		fmt.Println(err)
		return
	}
	client, err := New(target, Options{Timeout: time.Second})
	if err != nil {
		fmt.Println(err)
		return
	}
	defer client.Close()
	answer := client.Send(context.Background(), Request{Body: []byte(`{"callId":"call.1"}`)})
	fmt.Println(answer.Status, string(answer.Body))
	fmt.Println(Statuses(nil).Evaluate(answer))
	// Output:
	// 500 out of coffee
	// status 500 Internal Server Error
}
