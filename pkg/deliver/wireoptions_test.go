package deliver

import (
	"bufio"
	"bytes"
	"context"
	"crypto/x509"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

// What each manner puts on the wire, to the byte, and what comes of it.
func TestSendAs(t *testing.T) {
	const head = "POST / HTTP/1.1\r\nHost: H\r\nUser-Agent: julianctl\r\nContent-Type: application/json\r\n"
	heldRequest := make(chan string, 1)
	for _, tt := range []struct {
		name   string
		manner WireOptions
		want   string
		got    outcome
	}{
		{"ordinary", WireOptions{}, head + "X: 1\r\nContent-Length: 10\r\n\r\n0123456789", outcome{Status: 204}},
		{"chunked", WireOptions{Chunked: true}, head + "X: 1\r\nTransfer-Encoding: chunked\r\n\r\na\r\n0123456789\r\n0\r\n\r\n", outcome{Status: 204}},
		{"chunks", WireOptions{Chunked: true, Pieces: 2}, head + "X: 1\r\nTransfer-Encoding: chunked\r\n\r\n5\r\n01234\r\n5\r\n56789\r\n0\r\n\r\n", outcome{Status: 204}},
		{"pieces", WireOptions{Pieces: 4, Interval: time.Millisecond}, head + "X: 1\r\nContent-Length: 10\r\n\r\n0123456789", outcome{Status: 204}},
		{"cut", WireOptions{Cut: 4}, head + "X: 1\r\nContent-Length: 10\r\n\r\n012345", outcome{Status: 204}},
		{"dropped", WireOptions{Hangup: Close}, head + "X: 1\r\nContent-Length: 10\r\n\r\n0123456789", outcome{Class: Unknown}},
		{"without", WireOptions{OmitHeader: "x"}, head + "Content-Length: 10\r\n\r\n0123456789", outcome{Status: 204}},
		{"held", WireOptions{BeforeLastByte: func() { heldRequest <- "held" }}, head + "X: 1\r\nContent-Length: 10\r\n\r\n0123456789", outcome{Status: 204}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			noLeaks(t)
			came := make(chan string, 1)
			s := newRawServer(t, func(_ int, c net.Conn) {
				var got bytes.Buffer
				buf := make([]byte, 1)
				// All that was asked for, or the end of it.
				want := strings.Replace(tt.want, "Host: H", "Host: "+c.LocalAddr().String(), 1)
				for got.Len() < len(want) {
					if _, err := c.Read(buf); err != nil {
						break
					}
					got.Write(buf)
				}
				if tt.manner.Cut > 0 {
					if _, err := c.Read(buf); err != io.EOF {
						t.Errorf("after the cut: %v, want an end", err)
					}
				}
				came <- strings.Replace(got.String(), c.LocalAddr().String(), "H", 1)
				_, _ = io.WriteString(c, ok204)
			})
			c := newClient(t, s.url, Options{Timeout: 10 * time.Second, Header: Header{{"X", "1"}}})
			a := c.SendWith(t.Context(), Request{Body: []byte("0123456789")}, tt.manner)
			if d := cmp.Diff(tt.got, outcomeOf(a)); d != "" {
				t.Errorf("answer (-want +got):\n%s", d)
			}
			if d := cmp.Diff(tt.want, <-came); d != "" {
				t.Errorf("on the wire (-want +got):\n%s", d)
			}
			c.Close()
		})
	}
	if len(heldRequest) != 1 {
		t.Error("Held was not called")
	}
}

// The last byte is not sent before Held returns.
func TestHeldBack(t *testing.T) {
	early := make(chan bool, 1)
	s := newRawServer(t, func(_ int, c net.Conn) {
		r := bufio.NewReader(c)
		for line := ""; line != "\r\n"; {
			var err error
			if line, err = r.ReadString('\n'); err != nil {
				return
			}
		}
		_, _ = io.ReadFull(r, make([]byte, 4))
		_ = c.SetReadDeadline(time.Now().Add(50 * time.Millisecond))
		_, err := r.ReadByte()
		early <- err == nil
		_ = c.SetReadDeadline(time.Time{})
		_, _ = r.ReadByte()
		_, _ = io.WriteString(c, ok204)
	})
	c := newClient(t, s.url, Options{Timeout: 10 * time.Second})
	a := c.SendWith(t.Context(), Request{Body: []byte("hello")}, WireOptions{BeforeLastByte: func() {
		if <-early {
			t.Error("the last byte was there early")
		}
	}})
	if a.Status != 204 || a.Err != nil {
		t.Errorf("%+v", a)
	}
}

// A reset reaches the endpoint as an error, not as an orderly end.
func TestHangupReset(t *testing.T) {
	ended := make(chan error, 1)
	s := newRawServer(t, func(_ int, c net.Conn) {
		_, err := io.Copy(io.Discard, c)
		ended <- err
	})
	c := newClient(t, s.url, Options{Timeout: 10 * time.Second})
	c.SendWith(t.Context(), Request{Body: []byte("{}")}, WireOptions{Hangup: Reset})
	if err := <-ended; err == nil {
		t.Error("the endpoint saw an orderly end")
	}
}

func TestSendAsEndsWithItsContext(t *testing.T) {
	s := newRawServer(t, func(_ int, c net.Conn) { _, _ = io.Copy(io.Discard, c) })
	c := newClient(t, s.url, Options{Timeout: 10 * time.Second})
	ctx, cancel := context.WithCancel(t.Context())
	for _, m := range []WireOptions{{BeforeLastByte: cancel}, {Pieces: 2, Interval: time.Minute}} {
		if a := c.SendWith(ctx, Request{Body: []byte("{}")}, m); a.Err == nil || time.Since(a.Due) > 5*time.Second {
			t.Errorf("%v after %s", a.Err, time.Since(a.Due))
		}
	}
}

// What an https target shows is told whether or not it is trusted.
func TestCertificate(t *testing.T) {
	s := httptest.NewTLSServer(http.NotFoundHandler())
	defer s.Close()
	trusted := x509.NewCertPool()
	trusted.AddCert(s.Certificate())
	for _, tt := range []struct {
		name  string
		opts  Options
		trust bool
	}{
		{"unknown", Options{}, false},
		{"insecure", Options{Insecure: true}, false},
		{"trusted", Options{RootCAs: trusted}, true},
		{"other name", Options{RootCAs: trusted, ServerName: "elsewhere.example"}, false},
	} {
		c := newClient(t, s.URL, tt.opts)
		leaf, distrust, err := c.Certificate(t.Context())
		if err != nil || !leaf.Equal(s.Certificate()) || (distrust == nil) != tt.trust {
			t.Errorf("%s: distrust %v, error %v", tt.name, distrust, err)
		}
	}
	plain, _ := url.Parse(strings.Replace(s.URL, "https:", "http:", 1))
	target, err := Guard{}.Target(plain)
	if err != nil {
		t.Fatal(err)
	}
	c, err := New(target, Options{})
	if err != nil {
		t.Fatal(err)
	}
	if _, _, err := c.Certificate(t.Context()); err == nil {
		t.Error("http has a certificate")
	}
}
