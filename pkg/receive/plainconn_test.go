package receive

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"strings"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"github.com/julianctl/julianctl/pkg/record"
)

// kept is a request in full, on a connection that goes on.
func kept(fields ...string) string {
	return strings.Replace(post("/", fields...), "Connection: close\r\n", "", 1)
}

// next reads one answer, without its date, and its body.
func next(t *testing.T, from *bufio.Reader) (*http.Response, string) {
	t.Helper()
	answer, err := http.ReadResponse(from, nil)
	if err != nil {
		t.Fatal(err)
	}
	body, err := io.ReadAll(answer.Body)
	if err != nil {
		t.Fatal(err)
	}
	// net/http's own refusals have none.
	if date, err := http.ParseTime(answer.Header.Get("Date")); answer.StatusCode != 431 && (err != nil || time.Since(date).Abs() > time.Hour) {
		t.Errorf("date %s: %v", date, err)
	}
	answer.Header.Del("Date")
	return answer, string(body)
}

// Plain requests never reach net/http, however many come by one connection.
func TestPlainRequestsStayHere(t *testing.T) {
	r := run(t, Options{})
	conn := r.dial()
	from := bufio.NewReader(conn)
	for i := range 100 {
		if _, err := io.WriteString(conn, kept(fmt.Sprint("X-Number: ", i))); err != nil {
			t.Fatal(err)
		}
		if answer, _ := next(t, from); answer.StatusCode != 204 {
			t.Fatalf("answer %s", answer.Status)
		}
	}
	c := r.server.conns
	c.mu.Lock()
	for n := range c.open {
		if n.state != http.StateNew {
			t.Errorf("net/http has a connection, state %s", n.state)
		}
	}
	c.mu.Unlock()
}

// What comes by one connection is taken in its order, where one request ends and
// the next begins wherever a read ends, and whoever speaks HTTP.
func TestRequestsOnOneConnection(t *testing.T) {
	long := strings.Repeat("x", 3*plainHeaderRoom)
	requests := []string{
		kept("X: 1"), kept("X: 2", "Y: "+long[:plainHeaderRoom-300]), kept("X: 3"),
		"POST / HTTP/1.1\r\nHost: h\r\nX: 4\r\nContent-Length: 24576\r\n\r\n" + long,
		kept("X: 5", "Y: "+long[:plainHeaderRoom]), // too long a header to be plain
		kept("X: 6", "Te: trailers"),
		kept("X: 7"), post("/", "X: 8"), kept("X: never"),
	}
	sizes := []int{len(payload), len(payload), len(payload), len(long), len(payload), len(payload), len(payload), len(payload)}
	wire := strings.Join(requests, "")
	for _, step := range []int{len(wire), 100, 1021, plainHeaderRoom, plainHeaderRoom + 1} {
		t.Run(fmt.Sprint(step), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				ln := newPipes()
				r := serve(t, Options{}, ln)
				client := ln.sendBy(t, wire, step)
				from := bufio.NewReader(client)
				for i := range sizes {
					answer, _ := next(t, from)
					if last := i == len(sizes)-1; answer.StatusCode != 204 || answer.Close != last {
						t.Errorf("answer %d: %s, close %v", i, answer.Status, answer.Close)
					}
				}
				if rest, err := io.ReadAll(from); len(rest) > 0 || err != nil {
					t.Errorf("then %q, %v", rest, err)
				}
				var got, want []string
				for i, d := range r.end() {
					got = append(got, fmt.Sprintf("%s: %s %d %d", d.Header.Get("X"), d.Refusal, d.Size, len(d.Body)))
					want = append(want, fmt.Sprintf("%d:  %d %d", i+1, sizes[i], sizes[i]))
				}
				if d := cmp.Diff(want, got); d != "" || len(got) != len(sizes) {
					t.Errorf("%d deliveries: %s", len(got), d)
				}
			})
		})
	}
}

// A request is the same delivery, and has the same answer, whoever speaks HTTP.
func TestAnswersAlike(t *testing.T) {
	forward := func(a ForwardAnswer) Options {
		return Options{Forward: func(context.Context, *Delivery) (ForwardAnswer, error) { return a, nil }}
	}
	tests := map[string]struct {
		opts    Options
		request string
	}{
		"acknowledged":   {Options{}, kept("Cookie: a=b", "X: 1", "X: 2")},
		"closed":         {Options{}, post("/a?b=c")},
		"empty body":     {Options{}, "POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 0\r\n\r\n"},
		"with a body":    {Options{Status: 200, Body: []byte(`{"ok":true}`), ContentType: "application/json"}, kept()},
		"without a type": {Options{Status: 299, Body: []byte("ok")}, kept()},
		"no body at all": {Options{Status: 200}, kept()},
		"wrong path":     {Options{Path: "/hook"}, kept()},
		"wrong header":   {Options{Require: http.Header{"X-Token": {"s3cret"}}}, kept("X-Token: secret")},
		"required":       {Options{Require: http.Header{"X-Token": {"s3cret"}}}, kept("X-Token: s3cret")},
		"not stored":     {Options{Store: func(context.Context, *Delivery) error { return errors.New("no") }}, kept()},
		"failed":         {Options{Faults: Faults{FailRate: 1}}, kept()},
		"long header":    {Options{MaxHeaderBytes: 100}, kept("X: " + strings.Repeat("x", 5000))},
		"too large":      {Options{MaxBody: 10}, kept()},
		"broke off":      {Options{}, kept()[:len(kept())-1]},
		"forwarded":      {forward(ForwardAnswer{Status: 201, Body: []byte("made"), Header: http.Header{"Location": {"/1"}, "Set-Cookie": {"a=b", "c=d"}, "Bad Name": {"x"}, "X": {"a\r\nb"}}}), kept()},
		"not modified":   {forward(ForwardAnswer{Status: 304, Body: []byte("none"), Header: http.Header{"Etag": {"x"}}}), kept()},
		"no content":     {forward(ForwardAnswer{Status: 204, Body: []byte("none")}), kept()},
		"hop by hop":     {forward(ForwardAnswer{Status: 200, Header: http.Header{"Connection": {"X-Hop"}, "X-Hop": {"1"}, "Content-Length": {"99"}, "Transfer-Encoding": {"chunked"}}}), kept()},
	}
	type result struct {
		Status, Body string
		Header       http.Header
		Close        bool
		Seen         []*Delivery
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			ask := func(netHTTP bool) result {
				opts := tt.opts
				opts.netHTTP = netHTTP
				opts.Now = func() time.Time { return time.Unix(0, 0) }
				r := run(t, opts)
				conn := r.hang(tt.request)
				if err := conn.(*net.TCPConn).CloseWrite(); err != nil {
					t.Fatal(err)
				}
				answer, body := next(t, bufio.NewReader(conn))
				return result{answer.Status, body, answer.Header, answer.Close, r.end()}
			}
			if d := cmp.Diff(ask(true), ask(false), cmpopts.IgnoreUnexported(Delivery{}, record.Delivery{}, record.Answer{}), cmpopts.IgnoreFields(record.Delivery{}, "Remote")); d != "" {
				t.Errorf("net/http and this differ: %s", d)
			}
		})
	}
}

// A sender that is turned away before it has sent all still sees the answer.
func TestTurnedAwayWhileSending(t *testing.T) {
	stored, release := make(chan struct{}), make(chan struct{})
	r := run(t, Options{
		MaxBody: 1 << 20, MaxHeld: 1, HoldTimeout: time.Millisecond, // room for less than two
		Store: func(_ context.Context, d *Delivery) error {
			if d.Refusal == "" {
				close(stored)
				<-release
			}
			return nil
		},
	})
	request := "POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 1048000\r\n\r\n" + strings.Repeat("x", 1048000)
	r.hang(request)
	<-stored
	conn := r.hang(request)
	from := bufio.NewReader(conn)
	if answer, _ := next(t, from); answer.StatusCode != http.StatusServiceUnavailable || !answer.Close {
		t.Errorf("answer %s, close %v", answer.Status, answer.Close)
	}
	if rest, err := io.ReadAll(from); len(rest) > 0 || err != nil {
		t.Errorf("then %q, %v", rest, err)
	}
	close(release)
}

// A request that is under way when the server ends is answered, the sender is
// told to send no more, and nothing waits for what it may send.
func TestEndWhileAnswering(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		begun, release := make(chan struct{}), make(chan struct{})
		ln := newPipes()
		r := serve(t, Options{DrainTimeout: time.Hour, Store: func(context.Context, *Delivery) error {
			close(begun)
			<-release
			return nil
		}}, ln)
		client := ln.send(t, kept())
		<-begun
		start := time.Now()
		r.stop()
		synctest.Wait()
		close(release)
		if answer, _ := next(t, bufio.NewReader(client)); answer.StatusCode != 204 || !answer.Close {
			t.Errorf("answer %s, close %v", answer.Status, answer.Close)
		}
		if r.end(); time.Since(start) > time.Second {
			t.Errorf("it took %s to end", time.Since(start))
		}
	})
}

// A store that does not return holds nothing up past the drain time.
func TestEndWithoutAnswer(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ln := newPipes()
		begun := make(chan struct{})
		r := serve(t, Options{DrainTimeout: time.Minute, Store: func(ctx context.Context, _ *Delivery) error {
			close(begun)
			<-ctx.Done()
			return ctx.Err()
		}}, ln)
		client := ln.send(t, kept())
		<-begun
		start := time.Now()
		if seen := r.end(); len(seen) != 1 || seen[0].Refusal != NotStored {
			t.Errorf("saw %+v", seen)
		}
		if took := time.Since(start); took != time.Minute {
			t.Errorf("it took %s to end", took)
		}
		if data, err := io.ReadAll(client); len(data) > 0 || err != nil {
			t.Errorf("answer %q, %v", data, err)
		}
	})
}

// What comes when no more requests are wanted is closed.
func TestConnectionsAtTheEnd(t *testing.T) {
	open := func() (*conns, *conn, net.Conn) {
		ln, opts := newPipes(), Options{}.withDefaults()
		c := newConns(&opts, nil)
		c.listener = ln
		client, server := net.Pipe()
		go func() { ln.conns <- server }()
		n, err := c.next()
		if err != nil {
			t.Fatal(err)
		}
		return c, n, client
	}
	tests := map[string]func(c *conns, n *conn){
		"waits":        func(c *conns, _ *conn) { c.drain() },
		"was answered": func(c *conns, n *conn) { c.markBusy(n); c.drain(); c.markIdle(n) },
		"is handed over": func(c *conns, n *conn) {
			if err := c.Close(); err != nil {
				t.Error(err)
			}
			c.handOver(n, nil)
		},
		"is under way": func(c *conns, n *conn) { c.markBusy(n); c.drain(); c.cut() },
	}
	for name, end := range tests {
		t.Run(name, func(t *testing.T) {
			c, n, client := open()
			end(c, n)
			if len(c.open) > 0 || c.idle.Len() > 0 {
				t.Errorf("%d open, %d idle", len(c.open), c.idle.Len())
			}
			if _, err := client.Write([]byte("x")); !errors.Is(err, io.ErrClosedPipe) {
				t.Errorf("error %v", err)
			}
		})
	}
}

// A connection that is accepted too late is closed.
func TestAcceptedAtTheEnd(t *testing.T) {
	ln, opts := newPipes(), Options{}.withDefaults()
	c := newConns(&opts, nil)
	c.listener = ln
	c.drain()
	client, server := net.Pipe()
	go func() { ln.conns <- server }()
	if n, err := c.next(); err != nil || !n.gone {
		t.Errorf("%v, %v", n, err)
	}
	if _, err := client.Write([]byte("x")); !errors.Is(err, io.ErrClosedPipe) {
		t.Errorf("error %v", err)
	}
}

// A sender whose answer is dropped does not wait for it.
func TestDroppedAtOnce(t *testing.T) {
	r := run(t, Options{Faults: Faults{DropRate: 1}})
	if got := r.exchange(kept()); got != "" {
		t.Errorf("answer %q", got)
	}
}

// crowded is a listener that cannot accept at first.
type crowded struct {
	*pipes
	failures []error
}

func (c *crowded) Accept() (net.Conn, error) {
	if len(c.failures) > 0 {
		err := c.failures[0]
		c.failures = c.failures[1:]
		return nil, &net.OpError{Op: "accept", Err: os.NewSyscallError("accept", err)}
	}
	return c.pipes.Accept()
}

// Too many open files at a time pass.
func TestAcceptGoesOn(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ln := &crowded{newPipes(), []error{syscall.EMFILE, syscall.EMFILE, syscall.EMFILE, syscall.ENFILE}}
		start := time.Now()
		r := serve(t, Options{}, ln)
		if got := statusLine(answer(ln.send(t, post("/")))); got != "HTTP/1.1 204 No Content after 0s" {
			t.Errorf("answer %q", got)
		}
		if waited := time.Since(start); waited != 75*time.Millisecond {
			t.Errorf("it took %s", waited)
		}
		r.end()
	})
}

func TestAcceptFails(t *testing.T) {
	ln := &crowded{newPipes(), []error{syscall.EMFILE, syscall.EBADF}}
	if err := New(Options{}).Serve(t.Context(), ln); !errors.Is(err, syscall.EBADF) {
		t.Errorf("error %v", err)
	}
}
