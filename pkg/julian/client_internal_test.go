package julian

import (
	"context"
	"errors"
	"net"
	"net/http"
	"testing"
	"testing/synctest"
	"time"
)

// A server that is silent before or within its answer holds a call no longer
// than the time-outs.
func TestClientTimeouts(t *testing.T) {
	for _, tt := range []struct {
		name, reply string
		want        time.Duration
	}{
		{"no header", "", 15 * time.Second},
		{"half an answer", "HTTP/1.1 200 OK\r\nContent-Length: 99\r\n\r\n{", 30 * time.Second},
		{"half an error", "HTTP/1.1 500 No\r\nContent-Length: 99\r\n\r\n{", 30 * time.Second},
	} {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				server, conn := net.Pipe()
				go func() {
					server.Read(make([]byte, 4096))
					server.Write([]byte(tt.reply))
				}()
				transport := newTransport()
				transport.DialContext = func(context.Context, string, string) (net.Conn, error) { return conn, nil }
				c, err := NewClient("k", ClientOptions{BaseURL: "http://127.0.0.1", Transport: transport, Retries: -1})
				if err != nil {
					t.Fatal(err)
				}
				start := time.Now()
				_, err = c.CreditsUsage(t.Context())
				if took := time.Since(start); err == nil || took != tt.want {
					t.Errorf("%v after %v, want an error after %v", err, took, tt.want)
				}
				server.Close()
				c.CloseIdleConnections()
			})
		})
	}
}

func TestRetryAfter(t *testing.T) {
	now := time.Date(2025, 1, 20, 14, 0, 0, 0, time.UTC)
	for _, tt := range []struct {
		value, date string
		want        time.Duration
	}{
		{"", "", 0},
		{"0", "", 0},
		{"120", "", 2 * time.Minute},
		{"1.5", "", 0},
		{"-1", "", 0},
		{"+1", "", 0},
		{"9223372036854775807", "", 0},
		{"Mon, 20 Jan 2025 14:00:30 GMT", "", 30 * time.Second},
		{"Mon, 20 Jan 2025 13:59:00 GMT", "", 0},
		{"Monday, 20-Jan-25 14:00:30 GMT", "", 30 * time.Second},
		{"Mon Jan 20 14:00:30 2025", "", 30 * time.Second},
		// Our clock is an hour slow.
		{"Mon, 20 Jan 2025 15:00:30 GMT", "Mon, 20 Jan 2025 15:00:00 GMT", 30 * time.Second},
		{"Mon, 20 Jan 2025 14:00:30 GMT", "yesterday", 30 * time.Second},
	} {
		h := http.Header{}
		h.Set("Retry-After", tt.value)
		h.Set("Date", tt.date)
		if got := retryAfter(h, now); got != tt.want {
			t.Errorf("Retry-After %q at %q: %v, want %v", tt.value, tt.date, got, tt.want)
		}
	}
}

// The bound doubles, up to a limit, and a server's wish is a minimum.
func TestBackoffBounds(t *testing.T) {
	for _, tt := range []struct {
		attempt  int
		err      error
		from, to time.Duration
	}{
		{0, errors.New("x"), 0, 250 * time.Millisecond},
		{1, errors.New("x"), 0, 500 * time.Millisecond},
		{5, errors.New("x"), 0, 8 * time.Second},
		{6, errors.New("x"), 0, 10 * time.Second},
		{1 << 40, errors.New("x"), 0, 10 * time.Second},
		{3, &Error{RetryAfter: time.Minute}, time.Minute, time.Minute + 250*time.Millisecond},
	} {
		low, high := time.Hour, time.Duration(0)
		for range 2000 {
			wait := backoff(tt.attempt, tt.err)
			low, high = min(low, wait), max(high, wait)
		}
		width := tt.to - tt.from
		if low < tt.from || low > tt.from+width/50 || high >= tt.to || high < tt.to-width/50 {
			t.Errorf("attempt %d, %v: %v to %v, want %v to %v", tt.attempt, tt.err, low, high, tt.from, tt.to)
		}
	}
}
