package deliver

import (
	"bufio"
	"cmp"
	"context"
	"crypto/tls"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
)

// proxyFromEnvironment reads HTTPS_PROXY and NO_PROXY as net/http does. The error
// does not quote them: they may contain a password.
func proxyFromEnvironment(target *url.URL) (*url.URL, error) {
	proxy, err := http.ProxyFromEnvironment(&http.Request{URL: target})
	if err != nil {
		return nil, errors.New("HTTPS_PROXY is not the URL of a proxy")
	}
	return proxy, nil
}

// proxyFor returns the proxy for target, nil for none. Loopback and plain http never
// go through a proxy, so that no proxy can read a payload.
func proxyFor(target Target, choose func(*url.URL) (*url.URL, error)) (*url.URL, error) {
	if target.scheme != "https" || target.Loopback() {
		return nil, nil
	}
	proxy, err := choose(&url.URL{Scheme: target.scheme, Host: target.header, Path: "/"})
	if err != nil || proxy == nil {
		return nil, err
	}
	if proxy.Path != "" && proxy.Path != "/" { // probably a mistyped URL
		return nil, errors.New("URL of the proxy has a path; want http://host:port")
	}
	if proxy.Scheme != "http" && proxy.Scheme != "https" || proxy.Hostname() == "" {
		return nil, fmt.Errorf("proxy %q is neither http nor https", proxy.Scheme+"://"+proxy.Host)
	}
	return proxy, nil
}

// reach connects to address, through the proxy if there is one.
func (c *Client) reach(ctx context.Context, address string) (net.Conn, error) {
	if c.proxy == nil {
		return c.opts.Dial(ctx, "tcp", address)
	}
	conn, err := c.tunnel(ctx, address)
	if err != nil {
		if cause := plainCause(err); cause != nil {
			err = cause
		} else {
			err = errors.New("connection closed")
		}
		return nil, fmt.Errorf("through proxy %s: %w", c.proxy.Host, err)
	}
	return conn, nil
}

// tunnel connects to address through the proxy (CONNECT, RFC 9110, 9.3.6).
func (c *Client) tunnel(ctx context.Context, address string) (_ net.Conn, err error) {
	port := cmp.Or(c.proxy.Port(), map[string]string{"http": "80", "https": "443"}[c.proxy.Scheme])
	raw, err := c.opts.Dial(ctx, "tcp", net.JoinHostPort(c.proxy.Hostname(), port))
	if err != nil {
		return nil, err
	}
	defer func() {
		if err != nil {
			_ = raw.Close()
		}
	}()
	conn := raw
	if c.proxy.Scheme == "https" {
		over := tls.Client(raw, &tls.Config{
			RootCAs:    c.opts.RootCAs,
			ServerName: c.proxy.Hostname(),
			NextProtos: []string{"http/1.1"},
			MinVersion: tls.VersionTLS12,
		})
		if err := over.HandshakeContext(ctx); err != nil {
			return nil, err
		}
		conn = over
	}
	stop := closeOnDone(ctx, conn)
	err = connectTo(conn, address, c.proxy.User)
	if !stop() {
		return nil, context.Cause(ctx)
	}
	return conn, err
}

// connectTo sends CONNECT and reads its answer.
func connectTo(conn net.Conn, address string, user *url.Userinfo) error {
	head := "CONNECT " + address + " HTTP/1.1\r\nHost: " + address + "\r\n"
	if user != nil {
		password, _ := user.Password()
		head += "Proxy-Authorization: Basic " + base64.StdEncoding.EncodeToString([]byte(user.Username()+":"+password)) + "\r\n"
	}
	if _, err := io.WriteString(conn, head+"\r\n"); err != nil {
		return err
	}
	br := bufio.NewReader(io.LimitReader(conn, maxHeader))
	answer, err := http.ReadResponse(br, &http.Request{Method: http.MethodConnect})
	switch {
	case isNetError(err):
		return err
	case err != nil:
		return errors.New("its answer to CONNECT is not HTTP/1, or too large")
	}
	_ = answer.Body.Close() // after a 2xx there is none; otherwise the connection ends
	switch {
	case answer.StatusCode/100 != 2:
		return fmt.Errorf("it answered CONNECT with %d %s", answer.StatusCode, http.StatusText(answer.StatusCode))
	case br.Buffered() > 0:
		return errors.New("it sent more than an answer to CONNECT")
	}
	return nil
}

// isNetError reports whether err is from the connection, not from its content.
func isNetError(err error) bool {
	var network net.Error
	return errors.As(err, &network) || errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF)
}
