package listen

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/sha256"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"errors"
	"fmt"
	"math/big"
	"net"
	"os"
	"strings"
	"time"

	"github.com/julianctl/julianctl/pkg/cli"
	"github.com/julianctl/julianctl/pkg/safetext"
	"github.com/spf13/cobra"
)

// selfMadeDays is how long a generated certificate is valid: long enough for a session,
// too short to stay in a trust store.
const selfMadeDays = 7

// tlsFlags are the flags for HTTPS.
type tlsFlags struct {
	selfMade  bool
	cert, key string // PEM files
	caOut     string // file for the certificate that was made
}

func (f *tlsFlags) declare(cmd *cobra.Command) {
	flags := cmd.Flags()
	flags.BoolVar(&f.selfMade, "tls", false, "serve HTTPS, with a new certificate for this machine")
	flags.StringVar(&f.caOut, "tls-ca-out", "", "file to write that certificate to, so that a sender can trust it")
	flags.StringVar(&f.cert, "tls-cert", "", "PEM file of your own certificate, for HTTPS")
	flags.StringVar(&f.key, "tls-key", "", "PEM file of its key")
}

func (f *tlsFlags) on() bool { return f.selfMade || f.cert != "" }

func (f *tlsFlags) check() error {
	switch {
	case (f.cert == "") != (f.key == ""):
		return cli.UsageError(errors.New("--tls-cert and --tls-key are needed together"), "")
	case f.cert != "" && f.selfMade:
		return cli.UsageError(errors.New("use only one of --tls and --tls-cert"), "--tls makes a certificate itself")
	case f.caOut != "" && !f.selfMade:
		return cli.UsageError(errors.New("--tls-ca-out needs --tls"), "it writes the certificate that --tls makes")
	}
	return nil
}

// config is nil for plain HTTP. It tells the user how to trust a generated
// certificate.
func (f *tlsFlags) config(a *cli.App, addr net.Addr) (*tls.Config, error) {
	if !f.on() {
		return nil, nil
	}
	config := &tls.Config{MinVersion: tls.VersionTLS12}
	if f.cert != "" {
		cert, err := os.ReadFile(f.cert)
		if err != nil {
			return nil, cli.Failure(fmt.Errorf("--tls-cert: %w", err), "")
		}
		key, err := os.ReadFile(f.key)
		if err != nil {
			return nil, cli.Failure(fmt.Errorf("--tls-key: %w", err), "")
		}
		pair, err := tls.X509KeyPair(cert, key)
		if err != nil {
			return nil, cli.UsageError(fmt.Errorf("--tls-cert %q with --tls-key %q: %w", f.cert, f.key, err), "both are PEM files")
		}
		config.Certificates = []tls.Certificate{pair}
		return config, nil
	}
	pair, err := selfMade(addr, a.Now())
	if err != nil {
		return nil, cli.Failure(fmt.Errorf("--tls: %w", err), "")
	}
	config.Certificates = []tls.Certificate{pair}
	der := pair.Certificate[0]
	s := a.ErrStyle
	a.Note("certificate made for this run, good for %d days; its SHA-256 is", selfMadeDays)
	a.Note("  %s", strings.ReplaceAll(fmt.Sprintf("% X", sha256.Sum256(der)), " ", ":")) // as openssl and browsers show it
	if f.caOut == "" {
		a.Note("%s --tls-ca-out FILE writes it, for a sender to trust", s.Faint("hint:"))
		return config, nil
	}
	if err := a.WriteReport(f.caOut, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der})); err != nil {
		return nil, cli.Failure(fmt.Errorf("--tls-ca-out: %w", err), "")
	}
	a.Note("trust it with: curl --cacert %[1]s, julianctl replay --cacert %[1]s, NODE_EXTRA_CA_CERTS=%[1]s, SSL_CERT_FILE=%[1]s", safetext.Shell(f.caOut))
	return config, nil
}

// selfMade generates a certificate for loopback. Its key never leaves memory.
func selfMade(addr net.Addr, now time.Time) (tls.Certificate, error) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return tls.Certificate{}, err
	}
	serial, err := rand.Int(rand.Reader, new(big.Int).Lsh(big.NewInt(1), 127))
	if err != nil {
		return tls.Certificate{}, err
	}
	template := &x509.Certificate{
		SerialNumber: serial,
		Subject:      pkix.Name{CommonName: "julianctl listen"},
		NotBefore:    now.Add(-time.Hour), // a sender's clock may be late
		NotAfter:     now.AddDate(0, 0, selfMadeDays),
		KeyUsage:     x509.KeyUsageDigitalSignature,
		ExtKeyUsage:  []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth},
		DNSNames:     []string{"localhost"},
		IPAddresses:  []net.IP{net.IPv4(127, 0, 0, 1), net.IPv6loopback},
	}
	if tcp, ok := addr.(*net.TCPAddr); ok && !tcp.IP.IsLoopback() && !tcp.IP.IsUnspecified() {
		template.IPAddresses = append(template.IPAddresses, tcp.IP)
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	return tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key}, err
}
