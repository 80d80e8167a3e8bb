package deliver

import (
	"bufio"
	"context"
	"io"
	"maps"
	"net"
	"net/http"
	"net/url"
	"runtime"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"
)

// rawServer accepts connections and hands each to serve, with its number from
// 0. It ends, and waits for every serve, when the test does.
type rawServer struct {
	listener net.Listener
	url      string
}

func newRawServer(t *testing.T, serve func(n int, c net.Conn)) *rawServer {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	s := &rawServer{listener: l, url: "http://" + l.Addr().String() + "/"}
	var serving sync.WaitGroup
	var mu sync.Mutex
	var open []net.Conn
	serving.Go(func() {
		for n := 0; ; n++ {
			c, err := l.Accept()
			if err != nil {
				return
			}
			mu.Lock()
			open = append(open, c)
			mu.Unlock()
			serving.Go(func() {
				defer c.Close()
				serve(n, c)
			})
		}
	})
	t.Cleanup(func() {
		_ = l.Close()
		mu.Lock()
		for _, c := range open {
			_ = c.Close()
		}
		mu.Unlock()
		serving.Wait()
	})
	return s
}

// readRequest reads one request and returns its exact bytes; nil at the end.
func readRequest(r *bufio.Reader) (raw, body []byte) {
	length := 0
	for {
		line, err := r.ReadString('\n')
		if err != nil {
			return nil, nil
		}
		raw = append(raw, line...)
		if n, ok := strings.CutPrefix(line, "Content-Length: "); ok {
			length, _ = strconv.Atoi(strings.TrimSpace(n))
		}
		if line == "\r\n" {
			break
		}
	}
	body = make([]byte, length)
	if _, err := io.ReadFull(r, body); err != nil {
		return nil, nil
	}
	return append(raw, body...), body
}

func newClient(t testing.TB, to string, opts Options) *Client {
	t.Helper()
	u, err := url.Parse(to)
	if err != nil {
		t.Fatal(err)
	}
	target, err := Guard{}.Target(u)
	if err != nil {
		t.Fatal(err)
	}
	c, err := New(target, opts)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(c.Close)
	return c
}

// ways are those on which a request and its answer go over a socket: the short
// one of some systems, and the one of all others, which TLS takes too.
var ways = map[string]func(ctx context.Context, network, address string) (net.Conn, error){
	"short way": new(net.Dialer).DialContext,
	"long way":  dialLong,
}

// dialLong returns a connection that is not known as a plain socket.
func dialLong(ctx context.Context, network, address string) (net.Conn, error) {
	c, err := new(net.Dialer).DialContext(ctx, network, address)
	if err != nil {
		return nil, err
	}
	return struct{ *net.TCPConn }{c.(*net.TCPConn)}, nil
}

// pipeClient sends over in-memory connections, each served by serve, for tests
// in which time is simulated.
func pipeClient(t *testing.T, opts Options, serve func(c net.Conn)) (*Client, *sync.WaitGroup) {
	t.Helper()
	serving := new(sync.WaitGroup)
	opts.Dial = func(context.Context, string, string) (net.Conn, error) {
		near, far := net.Pipe()
		serving.Go(func() {
			defer far.Close()
			serve(far)
		})
		return near, nil
	}
	return newClient(t, "http://127.0.0.1:1/", opts), serving
}

// noLeaks fails the test if goroutines are left that were not there before.
func noLeaks(t *testing.T) {
	t.Helper()
	before := runtime.NumGoroutine()
	t.Cleanup(func() {
		deadline := time.Now().Add(5 * time.Second)
		for runtime.NumGoroutine() > before {
			if time.Now().After(deadline) {
				buf := make([]byte, 64<<10)
				t.Errorf("%d goroutines, %d before:\n%s", runtime.NumGoroutine(), before, buf[:runtime.Stack(buf, true)])
				return
			}
			runtime.Gosched()
		}
	})
}

const ok204 = "HTTP/1.1 204 No Content\r\n\r\n"

// handler is an endpoint that answers every request in the same way.
func handler(status int, header http.Header, body string) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		_, _ = io.Copy(io.Discard, r.Body)
		maps.Copy(w.Header(), header)
		w.WriteHeader(status)
		_, _ = io.WriteString(w, body)
	}
}
