package receive

import (
	"bytes"
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

// runTLS starts a server that speaks HTTPS, and a client of the given version.
func runTLS(t *testing.T, opts Options, http2 bool) (*running, *http.Client) {
	t.Helper()
	donor := httptest.NewUnstartedServer(nil) // for its certificate
	donor.StartTLS()
	t.Cleanup(donor.Close)
	opts.TLS = &tls.Config{Certificates: donor.TLS.Certificates, MinVersion: tls.VersionTLS12}
	pool := x509.NewCertPool()
	pool.AddCert(donor.Certificate())
	transport := &http.Transport{TLSClientConfig: &tls.Config{RootCAs: pool, ServerName: "example.com"}, ForceAttemptHTTP2: http2}
	if !http2 {
		transport.TLSNextProto = map[string]func(string, *tls.Conn) http.RoundTripper{}
	}
	t.Cleanup(transport.CloseIdleConnections)
	return run(t, opts), &http.Client{Transport: transport, Timeout: 30 * time.Second}
}

func TestTLS(t *testing.T) {
	for _, http2 := range []bool{false, true} {
		proto := map[bool]string{false: "HTTP/1.1", true: "HTTP/2.0"}[http2]
		t.Run(proto, func(t *testing.T) {
			r, client := runTLS(t, Options{MaxBody: 1 << 10, Faults: Faults{FailFirst: 1, FailStatus: 500}}, http2)
			url := "https://" + r.addr + "/hook"
			send := func(body io.Reader) string {
				resp, err := client.Post(url, "application/json", body)
				if err != nil {
					return "no answer"
				}
				defer resp.Body.Close()
				return fmt.Sprint(resp.Proto, " ", resp.StatusCode)
			}
			got := []string{
				send(strings.NewReader(payload)), send(strings.NewReader(payload)), // failed, then taken
				send(strings.NewReader(strings.Repeat("x", 1<<10+1))),               // announced
				send(io.MultiReader(strings.NewReader(strings.Repeat("x", 1<<12)))), // as it goes
				send(strings.NewReader(payload)),
			}
			want := []string{proto + " 500", proto + " 204", proto + " 413", proto + " 413", proto + " 204"}
			if d := cmp.Diff(want, got); d != "" {
				t.Error(d)
			}
			client.CloseIdleConnections()
			for _, d := range r.end() {
				if d.Proto != proto || d.Scheme != "https" || d.Refusal == "" && string(d.Body) != payload {
					t.Errorf("saw %+v", d)
				}
			}
		})
	}
}

// A dropped answer takes only its own request down, not those beside it on the
// same connection.
func TestDroppedInHTTP2(t *testing.T) {
	r, client := runTLS(t, Options{Faults: Faults{Seed: 1, DropRate: 0.5}}, true)
	var mu sync.Mutex
	answered := 0
	var senders sync.WaitGroup
	for range 40 {
		senders.Go(func() {
			resp, err := client.Post("https://"+r.addr, "", struct{ io.Reader }{strings.NewReader(payload)}) // which it cannot send twice
			if err != nil {
				return
			}
			resp.Body.Close()
			mu.Lock()
			defer mu.Unlock()
			answered++
		})
	}
	senders.Wait()
	client.CloseIdleConnections()
	want, remotes := 0, map[string]bool{}
	seen := r.end()
	for _, d := range seen {
		if d.Acknowledged() {
			want++
		}
		remotes[d.Remote] = true
	}
	if len(seen) != 40 || answered != want || want == 0 || want == 40 {
		t.Errorf("%d answered, %d of %d acknowledged", answered, want, len(seen))
	}
}

// With whom TLS does not come about is shown, and why.
func TestFailedHandshakes(t *testing.T) {
	recorded := make(chan struct{})
	r, _ := runTLS(t, Options{Sink: func(*Delivery) { recorded <- struct{}{} }}, false)
	if got := r.exchange(post("/")); !strings.HasPrefix(got, "HTTP/1.0 400 ") {
		t.Errorf("answer %q", got)
	}
	<-recorded
	if _, err := (&http.Client{}).Get("https://" + r.addr); err == nil {
		t.Error("a certificate that nobody knows is trusted")
	}
	<-recorded
	conn := r.dial() // a look at the port is not worth a word
	if err := conn.CloseWrite(); err != nil {
		t.Fatal(err)
	}
	_, _ = io.ReadAll(conn)
	var got []string
	for _, d := range r.end() {
		got = append(got, fmt.Sprint(d.Refusal, " ", d.Outcome.Status, " ", d.Reason, " ", d.Remote != ""))
	}
	want := []string{
		"malformed 0 client sent an HTTP request to an HTTPS server true",
		"malformed 0 remote error: tls: bad certificate true",
	}
	if d := cmp.Diff(want, got); d != "" {
		t.Error(d)
	}
}

// Bodies beside each other on one HTTP/2 connection arrive whole.
func TestHTTP2Bodies(t *testing.T) {
	r, client := runTLS(t, Options{MaxBody: 1 << 20}, true)
	var senders sync.WaitGroup
	for i := range 8 {
		senders.Go(func() {
			body := bytes.Repeat([]byte{byte('a' + i)}, 100<<10)
			resp, err := client.Post("https://"+r.addr, "", bytes.NewReader(body))
			if err != nil || resp.StatusCode != 204 {
				t.Error(resp, err)
				return
			}
			resp.Body.Close()
		})
	}
	senders.Wait()
	client.CloseIdleConnections()
	seen := r.end()
	for _, d := range seen {
		if len(d.Body) != 100<<10 || len(bytes.Trim(d.Body, string(d.Body[:1]))) != 0 {
			t.Errorf("a body of %d bytes is not what was sent", len(d.Body))
		}
	}
	if len(seen) != 8 {
		t.Errorf("%d seen", len(seen))
	}
}
