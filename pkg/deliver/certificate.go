package deliver

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"time"
)

// Certificate returns the certificate of an https target, and why it is not
// trusted, nil if it is. err means that there is no certificate: the target is
// not https, or cannot be reached.
func (c *Client) Certificate(ctx context.Context) (leaf *x509.Certificate, untrusted, err error) {
	if c.tls == nil {
		return nil, nil, errors.New("the target is not https")
	}
	probe := &Client{target: c.target, opts: c.opts, proxy: c.proxy, tls: c.tls.Clone()}
	probe.tls.InsecureSkipVerify = true // verified below
	conn, err := probe.connect(ctx, time.Now().Add(c.opts.Timeout), true)
	if err != nil {
		return nil, nil, err
	}
	defer conn.Close()
	tlsConn, ok := conn.Conn.(*tls.Conn)
	if !ok || len(tlsConn.ConnectionState().PeerCertificates) == 0 {
		return nil, nil, errors.New("the target showed no certificate")
	}
	chain := tlsConn.ConnectionState().PeerCertificates
	intermediates := x509.NewCertPool()
	for _, cert := range chain[1:] {
		intermediates.AddCert(cert)
	}
	_, untrusted = chain[0].Verify(x509.VerifyOptions{DNSName: c.tls.ServerName, Roots: c.tls.RootCAs, Intermediates: intermediates})
	return chain[0], untrusted, nil
}
