package receive

import (
	"bytes"
	"compress/gzip"
	"fmt"
	"io"
	"net/http"
	"os"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/julianctl/julianctl/pkg/units"
)

// A thousand connections that say nothing, or half of something, and slow
// bodies beside them delay no delivery.
func TestManyHalfOpenConnections(t *testing.T) {
	r := run(t, Options{DrainTimeout: 10 * time.Millisecond})
	testManyClients(t, r, 1000)
}

// Nor do they where they are more than may be open.
func TestManyClientsPastTheBound(t *testing.T) {
	r := run(t, Options{DrainTimeout: 10 * time.Millisecond, MaxConns: 300})
	testManyClients(t, r, 1000)
}

func testManyClients(t *testing.T, r *running, clients int) {
	parts := []string{"", "P", "POST / HTTP/1.1\r\nHo", post("/")[:len(post("/"))-10]}
	for i := range clients {
		part := parts[i%3]
		if i%10 == 9 {
			part = parts[3] // a slow body
		}
		r.hang(part)
		if i%100 == 99 {
			start := time.Now()
			if got := statusLine(r.exchange(post("/"))); got != "HTTP/1.1 204 No Content" {
				t.Fatalf("answer %q among %d", got, i)
			}
			if took := time.Since(start); took > time.Second {
				t.Errorf("a delivery took %s among %d", took, i)
			}
		}
	}
	taken := 0
	for _, d := range r.end() {
		if d.Refusal == "" && string(d.Body) == payload {
			taken++
		}
	}
	if taken != clients/100 {
		t.Errorf("%d deliveries taken", taken)
	}
}

// bomb is a gzip stream that becomes size bytes.
func bomb(t *testing.T, size int64) []byte {
	t.Helper()
	var b bytes.Buffer
	z, err := gzip.NewWriterLevel(&b, gzip.BestSpeed)
	if err != nil {
		t.Fatal(err)
	}
	zeros := make([]byte, 1<<20)
	for range size / int64(len(zeros)) {
		if _, err := z.Write(zeros); err != nil {
			t.Fatal(err)
		}
	}
	if err := z.Close(); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

// A gzip bomb is kept as it came, and inflated no further than the limit.
func TestGzipBomb(t *testing.T) {
	size, limit := int64(8<<20), int64(1<<20)
	if os.Getenv("JULIANCTL_LONG") != "" {
		size, limit = 1<<30, 8<<20 // the bomb itself is some mebibytes
	}
	body := bomb(t, size)
	var grown uint64
	r := run(t, Options{MaxBody: limit, Sink: func(d *Delivery) {
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		d.Forget()
		inflated, err := d.Payload()
		runtime.ReadMemStats(&after)
		grown = after.TotalAlloc - before.TotalAlloc
		if inflated != nil || fmt.Sprint(err) != "gzip body inflates to more than "+units.Size(limit) {
			t.Errorf("%d bytes, %v", len(inflated), err)
		}
	}})
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
	seen := r.end()
	// ReadAll grows by a quarter at a time.
	if !bytes.Equal(seen[0].Body, body) || grown > 8*uint64(limit) {
		t.Errorf("%d bytes received, %d allocated to look at them", len(seen[0].Body), grown)
	}
}

// A gigabyte that is sent all the same, because its sender does not listen,
// leaves memory flat.
func TestGigabyteLeavesMemoryFlat(t *testing.T) {
	if os.Getenv("JULIANCTL_LONG") == "" {
		t.Skip("JULIANCTL_LONG is not set: a GiB takes its time")
	}
	r := run(t, Options{MaxBody: 10 << 20})
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	body := io.LimitReader(zeros{}, 1<<30)
	resp, err := http.Post(r.url(), "application/json", struct{ io.Reader }{body})
	if err == nil {
		resp.Body.Close()
		if resp.StatusCode != 413 {
			t.Errorf("status %d", resp.StatusCode)
		}
	}
	r.end()
	runtime.ReadMemStats(&after)
	if grown := after.TotalAlloc - before.TotalAlloc; grown > 64<<20 {
		t.Errorf("%d bytes allocated", grown)
	}
}

type zeros struct{}

func (zeros) Read(p []byte) (int, error) { clear(p); return len(p), nil }

// A slow sender is waited for, as long as its request is on the way.
func TestSlowSender(t *testing.T) {
	r := run(t, Options{})
	conn := r.dial()
	request := strings.Replace(post("/"), "Connection: close\r\n", "", 1)
	for range 3 { // on one connection
		for i := 0; i < len(request); i += 7 {
			if _, err := io.WriteString(conn, request[i:min(i+7, len(request))]); err != nil {
				t.Fatal(err)
			}
			runtime.Gosched()
		}
		if got := statusLine(readHead(t, conn)); got != "HTTP/1.1 204 No Content" {
			t.Errorf("answer %q", got)
		}
	}
	for _, d := range r.end() {
		if string(d.Body) != payload {
			t.Errorf("saw %q", d.Body)
		}
	}
}

// readHead reads an answer without a body.
func readHead(t *testing.T, r io.Reader) string {
	t.Helper()
	var head []byte
	for b := make([]byte, 1); !bytes.HasSuffix(head, []byte("\r\n\r\n")); {
		if _, err := r.Read(b); err != nil {
			t.Fatalf("after %q: %v", head, err)
		}
		head = append(head, b[0])
	}
	return string(head)
}
