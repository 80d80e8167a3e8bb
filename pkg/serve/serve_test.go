package serve_test

import (
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"testing"

	"github.com/julianctl/julianctl/pkg/serve"
)

// What is under way when the context ends is answered, and nothing else.
func TestHTTPEndsWithItsContext(t *testing.T) {
	ln, err := (&net.ListenConfig{}).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	answer := make(chan bool)
	h := http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		cancel()
		<-answer
		_, _ = io.WriteString(w, "late")
	})
	ended := make(chan error, 1)
	go func() { ended <- serve.HTTP(ctx, ln, h, serve.Options{}) }()
	go func() {
		<-ctx.Done()
		for { // until the listener is closed
			conn, err := (&net.Dialer{}).DialContext(t.Context(), "tcp", ln.Addr().String())
			if err != nil {
				break
			}
			_ = conn.Close()
		}
		answer <- true
	}()
	resp, err := http.Get("http://" + ln.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	if body, err := io.ReadAll(resp.Body); string(body) != "late" || err != nil {
		t.Errorf("%q, %v", body, err)
	}
	if err := <-ended; err != nil {
		t.Error(err)
	}
}

func TestHTTPSaysWhatFailed(t *testing.T) {
	ln, err := (&net.ListenConfig{}).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	_ = ln.Close()
	if err := serve.HTTP(t.Context(), ln, http.NotFoundHandler(), serve.Options{}); !errors.Is(err, net.ErrClosed) {
		t.Error(err)
	}
}
