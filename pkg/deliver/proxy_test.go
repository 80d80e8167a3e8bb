package deliver

import (
	"bufio"
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"io"
	"log"
	"net"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

// proxyServer is a proxy that answers CONNECT with answer, and after a 200
// leads every connection to the endpoint. It remembers what it was asked.
type proxyServer struct {
	*rawServer
	mu    sync.Mutex
	asked []string
}

func newProxyServer(t *testing.T, endpoint, answer string, config *tls.Config) *proxyServer {
	p := &proxyServer{}
	p.rawServer = newRawServer(t, func(_ int, c net.Conn) {
		if config != nil {
			over := tls.Server(c, config)
			defer over.Close()
			c = over
		}
		r := bufio.NewReader(c)
		raw, _ := readRequest(r)
		p.mu.Lock()
		p.asked = append(p.asked, string(raw))
		p.mu.Unlock()
		_, _ = io.WriteString(c, answer)
		if !strings.HasPrefix(answer, "HTTP/1.1 200") {
			if answer == "" {
				_, _ = io.Copy(io.Discard, r) // hangs until the client goes
			}
			return
		}
		far, err := net.Dial("tcp", endpoint)
		if err != nil {
			return
		}
		defer far.Close()
		var there sync.WaitGroup
		there.Go(func() {
			_, _ = io.Copy(far, r)
			_ = far.Close()
		})
		_, _ = io.Copy(c, far)
		_ = c.Close()
		there.Wait()
	})
	return p
}

const connected = "HTTP/1.1 200 Connection established\r\n\r\n"

// Deliveries to another host go through the proxy, which only learns its name.
func TestProxy(t *testing.T) {
	endpoint := httptest.NewUnstartedServer(handler(204, nil, ""))
	endpoint.Config.ErrorLog = log.New(io.Discard, "", 0)
	endpoint.StartTLS()
	defer endpoint.Close()
	roots := x509.NewCertPool()
	roots.AddCert(endpoint.Certificate())
	address := endpoint.Listener.Addr().String()

	tests := []struct {
		name   string
		answer string
		tls    bool // the proxy itself
		user   *url.Userinfo
		class  Class
		says   string
		asked  []string // by two deliveries
	}{
		{"tunnel", connected, false, nil, "", "", []string{"CONNECT example.com:443 HTTP/1.1\r\nHost: example.com:443\r\n\r\n"}},
		{"tunnel with a password", connected, false, url.UserPassword("me", "Cr3t"), "", "", []string{
			"CONNECT example.com:443 HTTP/1.1\r\nHost: example.com:443\r\nProxy-Authorization: Basic bWU6Q3IzdA==\r\n\r\n",
		}},
		// Such a connection cannot be asked whether it is alive, so is not kept.
		{"tunnel in TLS", connected, true, nil, "", "", []string{
			"CONNECT example.com:443 HTTP/1.1\r\nHost: example.com:443\r\n\r\n",
			"CONNECT example.com:443 HTTP/1.1\r\nHost: example.com:443\r\n\r\n",
		}},
		{"password wanted", "HTTP/1.1 407 \x1b[31mno\r\nContent-Length: 2\r\n\r\nno", false, nil, Unreachable, "it answered CONNECT with 407 Proxy Authentication Required", nil},
		{"redirect", "HTTP/1.1 302 Found\r\nLocation: http://elsewhere/\r\n\r\n", false, nil, Unreachable, "it answered CONNECT with 302 Found", nil},
		{"no HTTP", "SSH-2.0-OpenSSH\r\n", false, nil, Unreachable, "its answer to CONNECT is not HTTP/1", nil},
		{"more than an answer", connected + "220 hello\r\n", false, nil, Unreachable, "more than an answer", nil},
		{"closes", "HTTP/1.1 302 Found\r\nA: b\r\n", false, nil, Unreachable, "connection closed", nil},
		{"says nothing", "", false, nil, Unreachable, "no connection to example.com", nil},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			noLeaks(t)
			var config *tls.Config
			scheme := "http"
			if tt.tls {
				config, scheme = endpoint.TLS, "https"
			}
			proxy := newProxyServer(t, address, tt.answer, config)
			through := &url.URL{Scheme: scheme, Host: proxy.listener.Addr().String(), User: tt.user}
			opts := Options{RootCAs: roots, ConnectTimeout: 5 * time.Second, Proxy: func(to *url.URL) (*url.URL, error) {
				if to.String() != "https://example.com/" {
					t.Errorf("asked for the proxy to %s", to)
				}
				return through, nil
			}}
			if tt.answer == "" {
				opts.ConnectTimeout = 50 * time.Millisecond
			}
			c, err := New(allowed(t, "https://example.com/"), opts)
			if err != nil {
				t.Fatal(err)
			}
			defer c.Close()
			for range 2 {
				a := c.Send(t.Context(), Request{Body: []byte(`{}`)})
				if ClassOf(a.Err) != tt.class || tt.class != "" && (a.BytesSent > 0 || !strings.Contains(a.Err.Error(), tt.says) || strings.Contains(a.Err.Error(), "Cr3t")) {
					t.Errorf("%v, %d bytes sent; want %s %q", a.Err, a.BytesSent, tt.class, tt.says)
				}
			}
			c.Close()
			proxy.mu.Lock()
			defer proxy.mu.Unlock()
			if d := cmp.Diff(tt.asked, proxy.asked); tt.asked != nil && d != "" {
				t.Errorf("asked (-want +got):\n%s", d)
			}
		})
	}
}

func allowed(t *testing.T, to string) Target {
	t.Helper()
	u, err := url.Parse(to)
	if err != nil {
		t.Fatal(err)
	}
	target, err := Guard{Allow: []string{"example.com"}}.Target(u)
	if err != nil {
		t.Fatal(err)
	}
	return target
}

// Which connections are opened, with a proxy in the environment.
func TestProxyChoice(t *testing.T) {
	proxy := &url.URL{Scheme: "http", Host: "proxy.example", User: url.UserPassword("me", "Cr3t")}
	tests := []struct {
		to    string
		proxy *url.URL
		err   error
		want  string // dialed, or !error of New
	}{
		{"https://example.com/", proxy, nil, "proxy.example:80"},
		{"https://example.com/", &url.URL{Scheme: "https", Host: "proxy.example"}, nil, "proxy.example:443"},
		{"https://example.com:8443/", &url.URL{Scheme: "http", Host: "[::1]:3128"}, nil, "[::1]:3128"},
		{"https://example.com/", nil, nil, "example.com:443"},
		{"http://example.com/", proxy, nil, "example.com:80"},
		{"https://127.0.0.1/", proxy, nil, "127.0.0.1:443"},
		{"https://localhost/", proxy, nil, "127.0.0.1:443 [::1]:443"},
		{"https://example.com/", &url.URL{Scheme: "socks5", Host: "proxy.example", User: proxy.User}, nil, `!proxy "socks5://proxy.example" is neither http nor https`},
		{"https://example.com/", &url.URL{Scheme: "http"}, nil, `!is neither http nor https`},
		{"https://example.com/", &url.URL{Scheme: "http", Host: "http:", Path: "//me:Cr3t@[bad"}, nil, `!URL of the proxy has a path`},
		{"https://example.com/", nil, errors.New("no proxy"), "!no proxy"},
	}
	for _, tt := range tests {
		var dialed []string
		c, err := New(allowed(t, tt.to), Options{
			Proxy: func(*url.URL) (*url.URL, error) { return tt.proxy, tt.err },
			Dial: func(_ context.Context, _, address string) (net.Conn, error) {
				dialed = append(dialed, address)
				return nil, errors.New("refused")
			},
		})
		if part, bad := strings.CutPrefix(tt.want, "!"); bad {
			if err == nil || !strings.Contains(err.Error(), part) || strings.Contains(err.Error(), "Cr3t") {
				t.Errorf("%s through %s: %v, want %q", tt.to, tt.proxy, err, part)
			}
			continue
		}
		if err != nil {
			t.Error(err)
			continue
		}
		a := c.Send(t.Context(), Request{})
		if got := strings.Join(dialed, " "); got != tt.want || !errors.Is(a.Err, Unreachable) || strings.Contains(a.Err.Error(), "Cr3t") {
			t.Errorf("%s through %s: dialed %s, want %s: %v", tt.to, tt.proxy, got, tt.want, a.Err)
		}
	}
}

// An end of the run ends the wait for the proxy.
func TestProxyInterrupted(t *testing.T) {
	noLeaks(t)
	ctx, cancel := context.WithCancel(t.Context())
	asked := make(chan struct{})
	s := newRawServer(t, func(_ int, c net.Conn) {
		_, _ = readRequest(bufio.NewReader(c))
		close(asked)
		_, _ = io.Copy(io.Discard, c)
	})
	go func() {
		<-asked
		cancel()
	}()
	c, err := New(allowed(t, "https://example.com/"), Options{Proxy: func(*url.URL) (*url.URL, error) {
		return &url.URL{Scheme: "http", Host: s.listener.Addr().String()}, nil
	}})
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	if a := c.Send(ctx, Request{}); !errors.Is(a.Err, Unreachable) || !strings.Contains(a.Err.Error(), "given up before a connection") {
		t.Error(a.Err)
	}
}
