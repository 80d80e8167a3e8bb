package receive

import (
	"bufio"
	"bytes"
	"compress/gzip"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"runtime"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"github.com/julianctl/julianctl/pkg/copies"
	"github.com/julianctl/julianctl/pkg/record"
)

const payload = `{"callId":"call.1","callResult":{"resultType":"Busy"}}`

// running is a server under test.
type running struct {
	t      *testing.T
	addr   string
	server *Server
	stop   context.CancelFunc
	ended  chan error
	seen   []*Delivery // by the sink; read it from end
}

// run starts a server on a loopback port; at the end of the test it must end
// without an error.
func run(t *testing.T, opts Options) *running {
	t.Helper()
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	r := serve(t, opts, ln)
	t.Cleanup(func() { r.end() })
	return r
}

// bothWays runs a test of what holds whoever speaks HTTP.
func bothWays(t *testing.T, test func(t *testing.T, netHTTP bool)) {
	t.Run("plain", func(t *testing.T) { test(t, false) })
	t.Run("net/http", func(t *testing.T) { test(t, true) })
}

func serve(t *testing.T, opts Options, ln net.Listener) *running {
	r := &running{t: t, addr: ln.Addr().String(), ended: make(chan error, 1)}
	sink := opts.Sink
	opts.Sink = func(d *Delivery) {
		if sink != nil {
			sink(d)
		}
		r.seen = append(r.seen, d)
	}
	r.server = New(opts)
	ctx, stop := context.WithCancel(context.WithoutCancel(t.Context()))
	r.stop = stop
	go func() { r.ended <- r.server.Serve(ctx, ln) }()
	return r
}

// end stops the server and returns all that its sink saw.
func (r *running) end() []*Delivery {
	r.stop()
	if err := <-r.ended; err != nil {
		r.t.Errorf("Serve: %v", err)
	}
	r.ended <- nil // a second call finds it ended
	if size := r.server.opts.MaxHeld; !r.server.budget.TryAcquire(size) {
		r.t.Error("memory was not given back")
	} else {
		r.server.budget.Release(size)
	}
	return r.seen
}

func (r *running) url() string { return "http://" + r.addr + "/" }

// exchange writes a request as it stands and returns all that comes back.
func (r *running) exchange(request string) string {
	r.t.Helper()
	conn := r.dial()
	defer conn.Close()
	if _, err := io.WriteString(conn, request); err != nil {
		r.t.Fatal(err)
	}
	return readAll(r.t, conn)
}

func (r *running) dial() *net.TCPConn {
	r.t.Helper()
	conn, err := net.Dial("tcp", r.addr)
	if err != nil {
		r.t.Fatal(err)
	}
	r.t.Cleanup(func() { conn.Close() })
	if err := conn.SetDeadline(time.Now().Add(30 * time.Second)); err != nil {
		r.t.Fatal(err)
	}
	return conn.(*net.TCPConn)
}

func readAll(t *testing.T, conn net.Conn) string {
	t.Helper()
	data, err := io.ReadAll(conn)
	if err != nil {
		t.Fatalf("after %q: %v", data, err)
	}
	return string(data)
}

// post is a request in full, on a connection that ends after it.
func post(target string, fields ...string) string {
	head := "POST " + target + " HTTP/1.1\r\nHost: h\r\nConnection: close\r\n"
	for _, f := range fields {
		head += f + "\r\n"
	}
	return head + fmt.Sprintf("Content-Length: %d\r\n\r\n%s", len(payload), payload)
}

func statusLine(answer string) string {
	line, _, _ := strings.Cut(answer, "\r\n")
	return line
}

func TestAnswers(t *testing.T) { bothWays(t, testAnswers) }

func testAnswers(t *testing.T, netHTTP bool) {
	long := strings.Repeat("x", 200)
	type want struct {
		Answer  string // status line, and further lines that must be in it
		Lines   []string
		Refusal Refusal
		Body    string
		CallID  string
		Copy    int
	}
	tests := map[string]struct {
		request string
		want    want
	}{
		"delivery":    {post("/hook", "X-Token: s3cret"), want{Answer: "HTTP/1.1 204 No Content", Body: payload, CallID: "call.1", Copy: 1}},
		"beneath":     {post("/hook/a?b=c", "X-Token: s3cret"), want{Answer: "HTTP/1.1 404 Not Found", Refusal: WrongPath, Body: payload, CallID: "call.1"}},
		"wrong path":  {post("/", "X-Token: s3cret"), want{Answer: "HTTP/1.1 404 Not Found", Refusal: WrongPath, Body: payload, CallID: "call.1"}},
		"no token":    {post("/hook"), want{Answer: "HTTP/1.1 401 Unauthorized", Refusal: WrongHeader, Body: payload, CallID: "call.1"}},
		"wrong token": {post("/hook", "X-Token: s3cre"), want{Answer: "HTTP/1.1 401 Unauthorized", Refusal: WrongHeader, Body: payload, CallID: "call.1"}},
		"get":         {"GET /hook HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n", want{Answer: "HTTP/1.1 405 Method Not Allowed", Lines: []string{"Allow: POST"}, Refusal: WrongMethod}},
		"put":         {strings.Replace(post("/hook"), "POST", "PUT", 1), want{Answer: "HTTP/1.1 405 Method Not Allowed", Lines: []string{"Allow: POST"}, Refusal: WrongMethod, Body: payload, CallID: "call.1"}},
		"options":     {"OPTIONS * HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n", want{Answer: "HTTP/1.1 404 Not Found", Refusal: WrongPath}},
		"HTTP/1.0": {fmt.Sprintf("POST /hook HTTP/1.0\r\nx-token: s3cret\r\nContent-Length: %d\r\n\r\n%s", len(payload), payload),
			want{Answer: "HTTP/1.0 204 No Content", Body: payload, CallID: "call.1", Copy: 1}},
		"chunked": {"POST /hook HTTP/1.1\r\nHost: h\r\nX-Token: s3cret\r\nConnection: close\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n4;x=y\r\ndefg\r\n0\r\nTrailer: t\r\n\r\n",
			want{Answer: "HTTP/1.1 204 No Content", Body: "abcdefg"}},
		"empty":                {"POST /hook HTTP/1.1\r\nHost: h\r\nX-Token: s3cret\r\nConnection: close\r\nContent-Length: 0\r\n\r\n", want{Answer: "HTTP/1.1 204 No Content"}},
		"just fits":            {"POST /hook HTTP/1.1\r\nHost: h\r\nX-Token: s3cret\r\nConnection: close\r\nContent-Length: 100\r\n\r\n" + long[:100], want{Answer: "HTTP/1.1 204 No Content", Body: long[:100]}},
		"announced":            {"POST /hook HTTP/1.1\r\nHost: h\r\nX-Token: s3cret\r\nContent-Length: 101\r\n\r\n" + long[:101], want{Answer: "HTTP/1.1 413 Request Entity Too Large", Lines: []string{"Connection: close"}, Refusal: TooLarge}},
		"as it goes":           {"POST /hook HTTP/1.1\r\nHost: h\r\nX-Token: s3cret\r\nTransfer-Encoding: chunked\r\n\r\n65\r\n" + long[:101] + "\r\n0\r\n\r\n", want{Answer: "HTTP/1.1 413 Request Entity Too Large", Refusal: TooLarge}},
		"bad chunks":           {"POST /hook HTTP/1.1\r\nHost: h\r\nX-Token: s3cret\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n", want{Answer: "HTTP/1.1 400 Bad Request", Refusal: Incomplete}},
		"expects":              {strings.Replace(post("/hook", "X-Token: s3cret"), "Connection", "Expect: 100-continue\r\nConnection", 1), want{Answer: "HTTP/1.1 100 Continue", Lines: []string{"HTTP/1.1 204 No Content"}, Body: payload, CallID: "call.1", Copy: 1}},
		"expects to be let in": {"POST /hook HTTP/1.1\r\nHost: h\r\nX-Token: s3cret\r\nExpect: 100-continue\r\nContent-Length: 400000\r\n\r\n", want{Answer: "HTTP/1.1 413 Request Entity Too Large", Refusal: TooLarge}},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := run(t, Options{netHTTP: netHTTP, Path: "/hook", MaxBody: 100, Require: http.Header{"X-Token": {"s3cret"}}})
			answer := r.exchange(tt.request)
			seen := r.end()
			if len(seen) != 1 {
				t.Fatalf("%d deliveries seen", len(seen))
			}
			got := want{statusLine(answer), nil, seen[0].Refusal, string(seen[0].Body), seen[0].CallID, seen[0].Copy}
			for _, line := range tt.want.Lines {
				if strings.Contains(answer, line+"\r\n") {
					got.Lines = append(got.Lines, line)
				}
			}
			if d := cmp.Diff(tt.want, got); d != "" {
				t.Errorf("%s\nanswer: %s", d, answer)
			}
			if final := answer[strings.LastIndex(answer, "HTTP/1."):]; !strings.Contains(final, fmt.Sprintf(" %d ", seen[0].Outcome.Status)) {
				t.Errorf("recorded status %d, answered %s", seen[0].Outcome.Status, statusLine(final))
			}
		})
	}
}

func TestDeliveryIsWhole(t *testing.T) { bothWays(t, testDeliveryIsWhole) }

func testDeliveryIsWhole(t *testing.T, netHTTP bool) {
	now := time.Date(2026, 11, 1, 12, 0, 0, 0, time.UTC)
	var mu sync.Mutex
	r := run(t, Options{netHTTP: netHTTP, Now: func() time.Time {
		mu.Lock()
		defer mu.Unlock()
		now = now.Add(time.Second)
		return now
	}})
	conn := r.dial()
	if _, err := io.WriteString(conn, post("/a%20b?c=d", "Content-Type: application/json", "x-api-key: k", "X-Multi: 1", "X-Multi: 2")); err != nil {
		t.Fatal(err)
	}
	readAll(t, conn)
	d := received(record.Delivery{
		Received: time.Date(2026, 11, 1, 12, 0, 1, 0, time.UTC), MaxPayload: DefaultMaxBody,
		Method: "POST", URI: "/a%20b?c=d", Proto: "HTTP/1.1", Scheme: "http", Host: "h", Remote: conn.LocalAddr().String(),
		Header: http.Header{
			"Connection": {"close"}, "Content-Length": {fmt.Sprint(len(payload))}, "Content-Type": {"application/json"},
			"X-Api-Key": {"k"}, "X-Multi": {"1", "2"},
		},
		Body: []byte(payload), Size: int64(len(payload)), CallID: "call.1", ResultType: "Busy", Copy: 1,
	})
	d.Seq, d.Nth, d.Outcome.Status, d.Outcome.Took = 1, 1, 204, time.Second
	if d := cmp.Diff([]*Delivery{d}, r.end(), cmpopts.IgnoreUnexported(Delivery{}, record.Delivery{})); d != "" {
		t.Error(d)
	}
}

func TestPaths(t *testing.T) {
	tests := []struct {
		path, request string
		want          bool
	}{
		{"/", "/", true}, {"/", "/a/b", true}, {"/", "*", false}, {"/", "", false},
		{"/a", "/a", true}, {"/a", "/a/", false}, {"/a", "/ab", false}, {"/a", "/A", false},
		{"/a/", "/a/", true}, {"/a/", "/a/b", true}, {"/a/", "/a", false},
	}
	for _, tt := range tests {
		if got := (&Options{Path: tt.path}).accepts(tt.request); got != tt.want {
			t.Errorf("path %q takes %q: %v", tt.path, tt.request, got)
		}
	}
}

func TestOneByteAtATime(t *testing.T) {
	r := run(t, Options{})
	conn := r.dial()
	if err := conn.SetNoDelay(true); err != nil {
		t.Fatal(err)
	}
	for _, c := range []byte(post("/")) {
		if _, err := conn.Write([]byte{c}); err != nil {
			t.Fatal(err)
		}
	}
	if got := statusLine(readAll(t, conn)); got != "HTTP/1.1 204 No Content" {
		t.Errorf("answer %q", got)
	}
	if seen := r.end(); len(seen) != 1 || string(seen[0].Body) != payload {
		t.Errorf("saw %d deliveries", len(seen))
	}
}

// A sender that closes its half of the connection after the request still gets
// the answer, also when the delivery is forwarded.
func TestSenderClosesItsHalf(t *testing.T) {
	r := run(t, Options{Forward: func(ctx context.Context, d *Delivery) (ForwardAnswer, error) {
		// net/http notices the close meanwhile.
		for range 50 {
			runtime.Gosched()
		}
		return ForwardAnswer{Status: 201}, ctx.Err()
	}})
	conn := r.dial()
	if _, err := io.WriteString(conn, post("/")); err != nil {
		t.Fatal(err)
	}
	if err := conn.CloseWrite(); err != nil {
		t.Fatal(err)
	}
	if got := statusLine(readAll(t, conn)); got != "HTTP/1.1 201 Created" {
		t.Errorf("answer %q", got)
	}
}

func TestOversizedChunkedBodyLeavesMemoryFlat(t *testing.T) {
	r := run(t, Options{MaxBody: 1 << 20})
	conn := r.dial()
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	chunk := []byte("10000\r\n" + strings.Repeat("x", 1<<16) + "\r\n")
	sent := 0
	_, err := io.WriteString(conn, "POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n")
	for err == nil && sent < 1<<30 {
		_, err = conn.Write(chunk)
		sent += len(chunk)
	}
	if err == nil {
		t.Errorf("the server read %d bytes", sent)
	}
	seen := r.end()
	runtime.ReadMemStats(&after)
	if grown := after.TotalAlloc - before.TotalAlloc; grown > 6<<20 {
		t.Errorf("%d bytes allocated for a body past 1 MiB", grown)
	}
	if len(seen) != 1 || seen[0].Refusal != TooLarge || seen[0].Body != nil || seen[0].Outcome.Status != 413 {
		t.Errorf("saw %+v", seen)
	}
}

func TestHugeHeader(t *testing.T) {
	r := run(t, Options{MaxHeaderBytes: 4 << 10})
	conn := r.dial()
	if _, err := io.WriteString(conn, post("/", "X: "+strings.Repeat("x", 20<<10))); err != nil {
		t.Fatal(err)
	}
	// The connection may be reset after the answer: net/http did not read all.
	answer, _ := io.ReadAll(conn)
	if got := statusLine(string(answer)); got != "HTTP/1.1 431 Request Header Fields Too Large" {
		t.Errorf("answer %q", got)
	}
	if got := statusLine(r.exchange(post("/"))); got != "HTTP/1.1 204 No Content" {
		t.Errorf("answer after it %q", got)
	}
}

func TestHalfOpenConnectionsAreInNobodysWay(t *testing.T) {
	r := run(t, Options{DrainTimeout: 10 * time.Millisecond})
	for i := range 300 {
		conn := r.dial()
		var err error
		switch i % 3 {
		case 1:
			_, err = io.WriteString(conn, "POST / HTTP/1.1\r\nHo")
		case 2:
			_, err = io.WriteString(conn, post("/")[:100])
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	if got := statusLine(r.exchange(post("/"))); got != "HTTP/1.1 204 No Content" {
		t.Errorf("answer %q", got)
	}
	for _, d := range r.end() {
		if d.Refusal == "" && string(d.Body) != payload {
			t.Errorf("saw %+v", d)
		}
	}
}

// hang sends what is not a whole request.
func (r *running) hang(part string) net.Conn {
	r.t.Helper()
	conn := r.dial()
	if _, err := io.WriteString(conn, part); err != nil {
		r.t.Fatal(err)
	}
	return conn
}

// At the bound, a connection that waits for nothing makes room: the one that
// was opened, or kept alive, longest ago.
func TestConnectionsMakeRoom(t *testing.T) { bothWays(t, testConnectionsMakeRoom) }

func testConnectionsMakeRoom(t *testing.T, netHTTP bool) {
	keep := strings.Replace(post("/"), "Connection: close\r\n", "", 1)
	kept := func(r *running) net.Conn {
		conn := r.hang(keep)
		if _, err := http.ReadResponse(bufio.NewReader(conn), nil); err != nil {
			t.Fatal(err)
		}
		return conn
	}
	tests := map[string]func(*running) net.Conn{
		"silent":      func(r *running) net.Conn { return r.hang("") },
		"half header": func(r *running) net.Conn { return r.hang("POST / HTTP/1.1\r\nHo") },
		"kept alive":  kept,
	}
	for name, open := range tests {
		t.Run(name, func(t *testing.T) {
			r := run(t, Options{netHTTP: netHTTP, MaxConns: 3})
			busy := r.hang(post("/")[:len(post("/"))-1])
			r.settle(1, 0)
			oldest := open(r)
			r.settle(1, 1)
			younger := kept(r)
			r.settle(1, 2)
			if got := statusLine(r.exchange(post("/"))); got != "HTTP/1.1 204 No Content" {
				t.Errorf("answer %q", got)
			}
			if _, err := io.ReadAll(oldest); errors.Is(err, os.ErrDeadlineExceeded) {
				t.Error("the oldest is still open")
			}
			if _, err := io.WriteString(younger, post("/")); err != nil {
				t.Error(err)
			}
			if got := statusLine(readAll(t, younger)); got != "HTTP/1.1 204 No Content" {
				t.Errorf("the younger got %q", got)
			}
			if _, err := io.WriteString(busy, "}"); err != nil {
				t.Error(err)
			}
			if got := statusLine(readAll(t, busy)); got != "HTTP/1.1 204 No Content" {
				t.Errorf("the busy one got %q", got)
			}
		})
	}
}

// Connections with a request under way are never closed for another.
func TestConnectionCap(t *testing.T) {
	r := run(t, Options{MaxConns: 2})
	first, second := r.hang(post("/")[:100]), r.hang(post("/")[:100])
	r.settle(2, 0)
	third := r.dial()
	if _, err := io.WriteString(third, post("/")); err != nil {
		t.Fatal(err)
	}
	if err := third.SetReadDeadline(time.Now().Add(50 * time.Millisecond)); err != nil {
		t.Fatal(err)
	}
	if n, err := third.Read(make([]byte, 1)); err == nil {
		t.Fatalf("a third connection was served: %d bytes", n)
	}
	if err := first.Close(); err != nil {
		t.Fatal(err)
	}
	if err := third.SetReadDeadline(time.Time{}); err != nil {
		t.Fatal(err)
	}
	if got := statusLine(readAll(t, third)); got != "HTTP/1.1 204 No Content" {
		t.Errorf("answer %q", got)
	}
	if _, err := io.WriteString(second, post("/")[100:]); err != nil {
		t.Fatal(err)
	}
	if got := statusLine(readAll(t, second)); got != "HTTP/1.1 204 No Content" {
		t.Errorf("answer %q", got)
	}
}

// settle waits until so many connections have a request under way, and so many
// have none.
func (r *running) settle(busy, idle int) {
	c := r.server.conns
	for {
		c.mu.Lock()
		done := c.idle.Len() == idle && len(c.open)-idle == busy
		c.mu.Unlock()
		if done {
			return
		}
		runtime.Gosched()
	}
}

func TestSimultaneousCopiesAreNumbered(t *testing.T) { bothWays(t, testSimultaneousCopiesAreNumbered) }

func testSimultaneousCopiesAreNumbered(t *testing.T, netHTTP bool) {
	const total = 64
	r := run(t, Options{netHTTP: netHTTP})
	var senders sync.WaitGroup
	start := make(chan struct{})
	for i := range total {
		conn := r.dial()
		body := payload
		if i == 7 {
			body = strings.Replace(payload, "Busy", "Failed", 1)
		}
		request := strings.Replace(strings.Replace(post("/"), payload, body, 1), fmt.Sprint(len(payload)), fmt.Sprint(len(body)), 1)
		senders.Go(func() {
			<-start
			if _, err := io.WriteString(conn, request); err != nil {
				t.Error(err)
			}
			readAll(t, conn)
		})
	}
	close(start)
	senders.Wait()
	seen := r.end()
	var numbers, seqs, want []int
	kinds := map[copies.Kind]int{}
	for i, d := range seen {
		numbers, seqs, want = append(numbers, d.Copy), append(seqs, int(d.Seq)), append(want, i+1)
		kinds[d.Change.Kind]++
		if int(d.Seq) != d.Copy {
			t.Errorf("delivery %d is copy %d", d.Seq, d.Copy)
		}
	}
	slices.Sort(numbers)
	slices.Sort(seqs)
	if d := cmp.Diff(want, numbers); d != "" || len(seen) != total {
		t.Errorf("%d seen: %s", len(seen), d)
	}
	if d := cmp.Diff(want, seqs); d != "" {
		t.Error(d)
	}
	odd := map[copies.Kind]int{copies.NoCopy: 1, copies.Same: total - 2, copies.Values: 1}
	if seen[slices.IndexFunc(seen, func(d *Delivery) bool { return d.Copy == 1 })].ResultType == "Failed" {
		odd = map[copies.Kind]int{copies.NoCopy: 1, copies.Values: total - 1}
	}
	if d := cmp.Diff(odd, kinds); d != "" {
		t.Error(d)
	}
}

// A sink that stands still delays no answer, and sees everything in the end.
func TestSlowSink(t *testing.T) { bothWays(t, testSlowSink) }

func testSlowSink(t *testing.T, netHTTP bool) {
	const n = 200
	release := make(chan struct{})
	r := run(t, Options{netHTTP: netHTTP, Sink: func(*Delivery) { <-release }})
	for range n {
		resp, err := http.Post(r.url(), "application/json", strings.NewReader(payload))
		if err != nil || resp.StatusCode != 204 {
			t.Fatal(resp, err)
		}
		resp.Body.Close()
	}
	r.stop()
	select {
	case err := <-r.ended:
		t.Fatalf("Serve returned before the sink was done: %v", err)
	case <-time.After(20 * time.Millisecond):
	}
	close(release)
	seen := r.end()
	if len(seen) != n {
		t.Errorf("%d of %d seen", len(seen), n)
	}
	for i, d := range seen {
		if d.Copy != i+1 {
			t.Fatalf("delivery %d is copy %d", i+1, d.Copy)
		}
	}
}

func TestStore(t *testing.T) { bothWays(t, testStore) }

func testStore(t *testing.T, netHTTP bool) {
	var stored []string
	fail := errors.New("disk full")
	r := run(t, Options{netHTTP: netHTTP, Store: func(_ context.Context, d *Delivery) error {
		stored = append(stored, fmt.Sprintf("%d %d %d %s", d.Seq, d.Copy, d.Outcome.Status, d.Refusal))
		if d.Seq == 2 {
			return fail
		}
		return nil
	}})
	first, second := r.exchange(post("/")), r.exchange(post("/"))
	r.exchange("GET / HTTP/1.0\r\n\r\n")
	if got := statusLine(first); got != "HTTP/1.1 204 No Content" {
		t.Errorf("answer %q", got)
	}
	if got := statusLine(second); got != "HTTP/1.1 503 Service Unavailable" || !strings.Contains(second, "Retry-After: 1\r\n") {
		t.Errorf("answer %q", second)
	}
	seen := r.end()
	// No status yet: the answer comes after the store.
	if d := cmp.Diff([]string{"1 1 204 ", "2 2 204 ", "3 0 405 method"}, stored); d != "" {
		t.Error(d)
	}
	if seen[1].Refusal != NotStored || seen[1].Acknowledged() || !seen[0].Acknowledged() {
		t.Errorf("saw %+v", seen[1])
	}
}

func TestForward(t *testing.T) { bothWays(t, testForward) }

func testForward(t *testing.T, netHTTP bool) {
	dead := errors.New("connection refused")
	tests := map[string]struct {
		answer  ForwardAnswer
		err     error
		status  string
		lines   []string
		without []string
		body    string
		want    record.Forward
	}{
		"answer": {
			answer: ForwardAnswer{Status: 202, Header: http.Header{
				"X-Id": {"1", "2"}, "Content-Type": {"text/x"}, "Connection": {"X-Hop, keep-alive"}, "X-Hop": {"h"},
				"Transfer-Encoding": {"chunked"}, "Content-Length": {"999"}, "Keep-Alive": {"timeout=5"}, "Proxy-Authenticate": {"x"},
			}, Body: []byte("taken\x00")},
			status: "HTTP/1.1 202 Accepted", lines: []string{"X-Id: 1", "X-Id: 2", "Content-Type: text/x", "Content-Length: 6"},
			without: []string{"X-Hop", "Keep-Alive", "Proxy-Authenticate", "Transfer-Encoding", "999"},
			body:    "taken\x00", want: record.Forward{Attempts: 1, Status: 202},
		},
		"no content": {answer: ForwardAnswer{Status: 204, Body: []byte("x")}, status: "HTTP/1.1 204 No Content", without: []string{"Content-Type"}, want: record.Forward{Attempts: 1, Status: 204}},
		"redirect":   {answer: ForwardAnswer{Status: 302, Header: http.Header{"Location": {"http://x/"}}}, status: "HTTP/1.1 302 Found", lines: []string{"Location: http://x/"}, want: record.Forward{Attempts: 1, Status: 302}},
		"failing":    {answer: ForwardAnswer{Status: 500, Body: []byte("oops")}, status: "HTTP/1.1 500 Internal Server Error", body: "oops", want: record.Forward{Attempts: 1, Status: 500}},
		"dead":       {err: dead, status: "HTTP/1.1 502 Bad Gateway", body: "the endpoint behind this one gave no answer\n", want: record.Forward{Attempts: 1, Err: dead.Error()}},
		"no status":  {answer: ForwardAnswer{Status: 101}, status: "HTTP/1.1 502 Bad Gateway", body: "the endpoint behind this one gave no answer\n", want: record.Forward{Attempts: 1, Err: "status 101 is not a final status"}},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			var got []byte
			r := run(t, Options{netHTTP: netHTTP, Forward: func(_ context.Context, d *Delivery) (ForwardAnswer, error) {
				got = d.Body
				return tt.answer, tt.err
			}})
			answer := r.exchange(post("/"))
			head, body, _ := strings.Cut(answer, "\r\n\r\n")
			if statusLine(answer) != tt.status || body != tt.body {
				t.Errorf("answer %q", answer)
			}
			for _, line := range tt.lines {
				if !strings.Contains(head+"\r\n", "\r\n"+line+"\r\n") {
					t.Errorf("no %q in %q", line, head)
				}
			}
			for _, text := range tt.without {
				if strings.Contains(head, text) {
					t.Errorf("%q in %q", text, head)
				}
			}
			if string(got) != payload {
				t.Errorf("forwarded %q", got)
			}
			seen := r.end()
			if d := cmp.Diff(&tt.want, seen[0].Outcome.Forward, cmpopts.IgnoreFields(record.Forward{}, "Took", "Answer")); d != "" {
				t.Error(d)
			}
			if f := seen[0].Outcome.Forward; f.Err == "" && (string(f.Answer.Body) != string(tt.answer.Body) || f.Answer.Size != int64(len(tt.answer.Body)) || !cmp.Equal(f.Answer.Header, tt.answer.Header)) {
				t.Errorf("kept %+v", f.Answer)
			}
			if want := tt.want.Status == 202 || tt.want.Status == 204; seen[0].Acknowledged() != want {
				t.Errorf("acknowledged: %v", seen[0].Acknowledged())
			}
		})
	}
}

func TestRefusedIsNotForwarded(t *testing.T) { bothWays(t, testRefusedIsNotForwarded) }

func testRefusedIsNotForwarded(t *testing.T, netHTTP bool) {
	r := run(t, Options{netHTTP: netHTTP, Path: "/hook", Forward: func(context.Context, *Delivery) (ForwardAnswer, error) {
		t.Error("forwarded")
		return ForwardAnswer{}, nil
	}})
	if got := statusLine(r.exchange(post("/"))); got != "HTTP/1.1 404 Not Found" {
		t.Errorf("answer %q", got)
	}
}

func gzipped(t *testing.T, s string) []byte {
	t.Helper()
	var b bytes.Buffer
	z := gzip.NewWriter(&b)
	if _, err := io.WriteString(z, s); err != nil {
		t.Fatal(err)
	}
	if err := z.Close(); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

func TestGzip(t *testing.T) { bothWays(t, testGzip) }

func testGzip(t *testing.T, netHTTP bool) {
	stored := map[int64][]byte{}
	r := run(t, Options{netHTTP: netHTTP, MaxBody: 1 << 20, Store: func(_ context.Context, d *Delivery) error {
		stored[d.Seq], _ = d.Payload()
		return nil
	}})
	bodies := [][]byte{gzipped(t, payload), gzipped(t, payload+" "), gzipped(t, `{"callId":"`+strings.Repeat("x", 2<<20)+`"}`), []byte("no gzip")}
	for _, body := range bodies {
		req, err := http.NewRequest("POST", r.url(), bytes.NewReader(body))
		if err != nil {
			t.Fatal(err)
		}
		req.Header.Set("Content-Encoding", "gzip")
		resp, err := http.DefaultClient.Do(req)
		if err != nil || resp.StatusCode != 204 {
			t.Fatal(resp, err)
		}
		resp.Body.Close()
	}
	var got []string
	for i, d := range r.end() {
		if !bytes.Equal(d.Body, bodies[i]) {
			t.Errorf("body %d changed", i)
		}
		payload, err := d.Payload()
		if before := stored[d.Seq]; err == nil && &payload[0] != &before[0] {
			t.Errorf("body %d was inflated again", i)
		}
		got = append(got, fmt.Sprint(d.CallID, " ", d.Copy, " ", d.Change.Kind, " ", err))
	}
	want := []string{
		"call.1 1  <nil>",
		"call.1 2 layout <nil>",
		" 0  gzip body inflates to more than 1MiB",
		" 0  gzip body: unexpected EOF",
	}
	if d := cmp.Diff(want, got); d != "" {
		t.Error(d)
	}
}

func TestListenerFails(t *testing.T) {
	ln := httptest.NewUnstartedServer(nil).Listener
	ln.Close()
	if err := New(Options{}).Serve(t.Context(), ln); err == nil {
		t.Error("a closed listener is no error")
	}
}

// pipes is a listener within the process, for tests whose clock is not real.
type pipes struct {
	conns chan net.Conn
	done  chan struct{}
	once  sync.Once
}

func newPipes() *pipes { return &pipes{conns: make(chan net.Conn), done: make(chan struct{})} }

func (p *pipes) Accept() (net.Conn, error) {
	select {
	case c := <-p.conns:
		return c, nil
	case <-p.done:
		return nil, net.ErrClosed
	}
}

func (p *pipes) Close() error   { p.once.Do(func() { close(p.done) }); return nil }
func (p *pipes) Addr() net.Addr { return &net.UnixAddr{Name: "pipe", Net: "unix"} }

// send connects, writes what may be a part of a request, and returns the
// connection.
func (p *pipes) send(t *testing.T, request string) net.Conn {
	t.Helper()
	return p.sendBy(t, request, max(1, len(request)))
}

// sendBy does so in pieces of step bytes.
func (p *pipes) sendBy(t *testing.T, wire string, step int) net.Conn {
	t.Helper()
	client, server := net.Pipe()
	p.conns <- server
	go func() {
		for rest := []byte(wire); len(rest) > 0; rest = rest[min(step, len(rest)):] {
			if _, err := client.Write(rest[:min(step, len(rest))]); err != nil {
				return
			}
		}
	}()
	return client
}

// answer is what the server says until it closes the connection, and when.
func answer(conn net.Conn) string {
	start := time.Now()
	data, _ := io.ReadAll(conn)
	return fmt.Sprintf("%s after %v", statusLine(string(data)), time.Since(start))
}

func TestTimeouts(t *testing.T) { bothWays(t, testTimeouts) }

func testTimeouts(t *testing.T, netHTTP bool) {
	tests := map[string]struct{ request, want string }{
		"nothing":      {"", " after 10s"},
		"slow header":  {"POST / HT", "HTTP/1.1 400 Bad Request after 10s"},
		"slow body":    {post("/")[:len(post("/"))-1], "HTTP/1.1 408 Request Timeout after 30s"},
		"idle":         {strings.Replace(post("/"), "Connection: close\r\n", "", 1), "HTTP/1.1 204 No Content after 1m0s"},
		"slow refused": {strings.Replace(post("/")[:len(post("/"))-1], "POST", "PUT", 1), "HTTP/1.1 405 Method Not Allowed after 30s"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				ln := newPipes()
				r := serve(t, Options{netHTTP: netHTTP}, ln)
				conn := ln.send(t, tt.request)
				if got := answer(conn); got != tt.want {
					t.Errorf("got %q, want %q", got, tt.want)
				}
				for _, d := range r.end() {
					if d.Outcome.Status == 408 && (d.Refusal != TooSlow || d.Size != int64(len(payload)-1) || d.Outcome.Took != 30*time.Second) {
						t.Errorf("saw %+v", d)
					}
				}
			})
		})
	}
}

func TestAnswerThatNobodyReads(t *testing.T) { bothWays(t, testAnswerThatNobodyReads) }

func testAnswerThatNobodyReads(t *testing.T, netHTTP bool) {
	synctest.Test(t, func(t *testing.T) {
		ln := newPipes()
		r := serve(t, Options{netHTTP: netHTTP, DrainTimeout: time.Hour}, ln)
		ln.send(t, post("/")) // and never reads
		start := time.Now()
		synctest.Wait()
		r.end()
		if took := time.Since(start); took > DefaultWriteTimeout+time.Second {
			t.Errorf("ended after %v", took)
		}
	})
}

func TestMemoryOfWaitingDeliveries(t *testing.T) { bothWays(t, testMemoryOfWaitingDeliveries) }

func testMemoryOfWaitingDeliveries(t *testing.T, netHTTP bool) {
	synctest.Test(t, func(t *testing.T) {
		ln := newPipes()
		release := make(chan struct{})
		const limit = 100 << 10
		r := serve(t, Options{netHTTP: netHTTP, MaxHeld: limit, MaxBody: 10 << 10, Sink: func(*Delivery) { <-release }}, ln)
		const taken = "HTTP/1.1 204 No Content after 0s"
		n := 0
		got := taken
		for got == taken {
			n++
			got = answer(ln.send(t, post("/")))
		}
		if got != "HTTP/1.1 503 Service Unavailable after 5s" || n < 20 || n > limit/int(overhead) {
			t.Errorf("delivery %d: %s", n, got)
		}
		late := ln.send(t, post("/"))
		synctest.Wait()
		close(release)
		if got := answer(late); got != taken {
			t.Errorf("with room again: %s", got)
		}
		seen := r.end()
		var acknowledged int
		for _, d := range seen {
			if d.Acknowledged() {
				acknowledged++
			}
		}
		if busy := r.server.Shed() + int64(len(seen)-acknowledged); acknowledged != n || busy != 1 {
			t.Errorf("%d of %d acknowledged deliveries seen, %d refused", acknowledged, n, busy)
		}
	})
}

func TestDrain(t *testing.T) { bothWays(t, testDrain) }

func testDrain(t *testing.T, netHTTP bool) {
	synctest.Test(t, func(t *testing.T) {
		ln := newPipes()
		r := serve(t, Options{netHTTP: netHTTP, Forward: func(ctx context.Context, d *Delivery) (ForwardAnswer, error) {
			select {
			case <-time.After(map[string]time.Duration{"/soon": 3 * time.Second, "/late": time.Hour}[d.URI]):
				return ForwardAnswer{Status: 200}, nil
			case <-ctx.Done():
				return ForwardAnswer{}, ctx.Err()
			}
		}}, ln)
		soon, late := ln.send(t, post("/soon")), ln.send(t, post("/late"))
		stuck, silent := ln.send(t, post("/")[:120]), ln.send(t, "")
		synctest.Wait()
		start := time.Now()
		answers := make(chan string)
		for name, conn := range map[string]net.Conn{"soon": soon, "late": late, "stuck": stuck, "silent": silent} {
			go func() { answers <- name + ": " + answer(conn) }()
		}
		seen := r.end()
		if took := time.Since(start); took != DefaultDrainTimeout {
			t.Errorf("ended after %v", took)
		}
		got := []string{<-answers, <-answers, <-answers, <-answers}
		slices.Sort(got)
		want := []string{
			"late:  after 5s", "silent:  after 0s", "soon: HTTP/1.1 200 OK after 3s", "stuck:  after 5s",
		}
		if d := cmp.Diff(want, got); d != "" {
			t.Error(d)
		}
		shown := map[string]int{}
		for _, d := range seen {
			shown[d.URI] = d.Outcome.Status
		}
		if d := cmp.Diff(map[string]int{"/soon": 200, "/late": 502, "/": 400}, shown); d != "" {
			t.Error(d)
		}
	})
}

func TestDrainOfNothingIsQuick(t *testing.T) { bothWays(t, testDrainOfNothingIsQuick) }

func testDrainOfNothingIsQuick(t *testing.T, netHTTP bool) {
	synctest.Test(t, func(t *testing.T) {
		ln := newPipes()
		r := serve(t, Options{netHTTP: netHTTP}, ln)
		for range 10 {
			ln.send(t, "")
		}
		idle := ln.send(t, strings.Replace(post("/"), "Connection: close\r\n", "", 1))
		if _, err := http.ReadResponse(bufio.NewReader(idle), nil); err != nil {
			t.Fatal(err)
		}
		synctest.Wait()
		start := time.Now()
		r.end()
		if took := time.Since(start); took > 100*time.Millisecond {
			t.Errorf("ended after %v", took)
		}
	})
}
