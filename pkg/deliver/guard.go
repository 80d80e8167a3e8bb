package deliver

import (
	"errors"
	"fmt"
	"net"
	"net/netip"
	"net/url"
	"slices"
	"strconv"
	"strings"

	"github.com/julianctl/julianctl/pkg/safetext"
)

// ErrTarget matches every [TargetError], by errors.Is.
var ErrTarget = errors.New("target refused")

// TargetError is returned for a URL that deliveries may not go to.
type TargetError struct {
	Host string // normalized; may be empty
	Why  string // follows the host in the message
	Hint string // what to do instead; may be empty
}

func (e *TargetError) Error() string {
	if e.Host == "" {
		return "endpoint " + e.Why
	}
	return fmt.Sprintf("endpoint host %q %s", e.Host, e.Why)
}

// Is makes errors.Is(err, ErrTarget) work.
func (e *TargetError) Is(target error) bool { return target == ErrTarget }

// provider is the host that no delivery may go to: it sends the real webhooks.
const provider = "julian.11x.ai"

// Guard decides which hosts deliveries may reach: loopback always, other hosts if
// allowed, the provider never.
type Guard struct {
	Allow []string // host names or addresses, without a port
}

// Target is a URL that a guard has accepted. Addresses are dialed as they were
// checked: names of loopback are never looked up.
type Target struct {
	scheme string
	host   string   // lower case, no port, no brackets
	port   string   // decimal
	header string   // the Host header
	path   string   // path and query, as sent
	dial   []string // host:port, tried in order
}

// String is the target as a URL.
func (t Target) String() string { return t.scheme + "://" + t.header + t.path }

// Path is where the target is on its host, without the query.
func (t Target) Path() string {
	path, _, _ := strings.Cut(t.path, "?")
	return path
}

// Loopback reports whether the target is on this machine.
func (t Target) Loopback() bool { return len(loopback(t.host)) > 0 }

// Target checks u. The error is a [TargetError].
func (g Guard) Target(u *url.URL) (Target, error) {
	t := Target{scheme: strings.ToLower(u.Scheme), port: u.Port()}
	switch {
	case t.scheme != "http" && t.scheme != "https":
		return Target{}, &TargetError{Why: fmt.Sprintf("scheme %q is neither http nor https", u.Scheme)}
	case u.User != nil:
		// It also hides the host, as in http://127.0.0.1@elsewhere/.
		return Target{}, &TargetError{Host: u.Hostname(), Why: "has a user name before it", Hint: "send credentials in a header: -H 'Authorization: …'"}
	case u.Opaque != "":
		return Target{}, &TargetError{Why: "URL has no host"}
	}
	host, refused := normalHost(u.Hostname())
	if refused != nil {
		return Target{}, refused
	}
	t.host = host
	if t.port == "" {
		t.port = map[string]string{"http": "80", "https": "443"}[t.scheme]
	} else if n, err := strconv.Atoi(t.port); err != nil || n < 1 || n > 65535 {
		return Target{}, &TargetError{Host: host, Why: fmt.Sprintf("port %q is not between 1 and 65535", t.port)}
	}
	if host == provider || strings.HasSuffix(host, "."+provider) {
		return Target{}, &TargetError{Host: host, Why: "is the provider's own and is never a target", Hint: "deliver to your own endpoint"}
	}
	addresses := loopback(host)
	if addresses == nil {
		allowed, err := g.allows(host)
		if err != nil {
			return Target{}, err
		}
		if !allowed {
			return Target{}, &TargetError{Host: host, Why: "is not this machine and is not allowed", Hint: fmt.Sprintf("allow it with --allow-host %s, or name the endpoint in the configuration", safetext.Shell(host))}
		}
		addresses = []string{host}
	}
	for _, a := range addresses {
		t.dial = append(t.dial, net.JoinHostPort(a, t.port))
	}
	t.header = hostHeader(host, u.Port())
	t.path = u.RequestURI()
	if !validPath(t.path) {
		return Target{}, &TargetError{Host: host, Why: fmt.Sprintf("has a path that cannot be sent: %q", t.path)}
	}
	return t, nil
}

func (g Guard) allows(host string) (bool, error) {
	hosts := make([]string, 0, len(g.Allow))
	for _, a := range g.Allow {
		h, err := normalHost(strings.TrimSuffix(strings.TrimPrefix(a, "["), "]"))
		if err != nil {
			err.Why = "cannot be allowed: it " + err.Why
			return false, err
		}
		hosts = append(hosts, h)
	}
	return slices.Contains(hosts, host), nil
}

// normalHost returns host in the form in which hosts are compared and dialed: an
// address as netip writes it, a name in lower case without a final dot. Ambiguous
// forms are refused.
func normalHost(host string) (string, *TargetError) {
	if addr, err := netip.ParseAddr(host); err == nil {
		addr = addr.Unmap()
		if addr.IsUnspecified() {
			return "", &TargetError{Host: host, Why: "is not an address to deliver to", Hint: "write 127.0.0.1 for this machine"}
		}
		if addr.Zone() != "" && !validName(addr.Zone()) {
			return "", &TargetError{Host: host, Why: "has a malformed zone"}
		}
		return addr.String(), nil
	}
	name := strings.ToLower(strings.TrimSuffix(host, "."))
	for _, r := range name {
		if r > 0x7e {
			return "", &TargetError{Host: host, Why: "is not ASCII", Hint: "write the host in its xn-- form"}
		}
	}
	if !validName(name) {
		return "", &TargetError{Host: host, Why: "is not a host name"}
	}
	// Some resolvers read 127.1, 0x7f.1 and 2130706433 as addresses.
	last := name[strings.LastIndexByte(name, '.')+1:]
	if last[0] >= '0' && last[0] <= '9' && strings.Trim(last, "0123456789abcdefx") == "" {
		return "", &TargetError{Host: host, Why: "is an address in an unusual form", Hint: "write it like 127.0.0.1"}
	}
	return name, nil
}

// validName reports whether name is labels of letters, digits, hyphens and
// underscores with single dots between them.
func validName(name string) bool {
	if name == "" || len(name) > 253 {
		return false
	}
	for label := range strings.SplitSeq(name, ".") {
		if label == "" || len(label) > 63 || strings.Trim(label, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_") != "" {
			return false
		}
	}
	return true
}

// loopback returns the addresses of host if it is a loopback address or localhost
// (RFC 6761), which is not looked up; otherwise nil.
func loopback(host string) []string {
	if addr, err := netip.ParseAddr(host); err == nil {
		if addr.IsLoopback() && addr.Zone() == "" {
			return []string{host}
		}
		return nil
	}
	if host == "localhost" || strings.HasSuffix(host, ".localhost") {
		return []string{"127.0.0.1", "::1"}
	}
	return nil
}

func hostHeader(host, port string) string {
	// A zone has a meaning on this machine only and is not sent (RFC 6874).
	if h, _, zoned := strings.Cut(host, "%"); zoned {
		host = h
	}
	if strings.Contains(host, ":") {
		host = "[" + host + "]"
	}
	if port != "" {
		host += ":" + port
	}
	return host
}

// validPath reports whether path can stand in a request line.
func validPath(path string) bool {
	if path == "" || path[0] != '/' {
		return false
	}
	for i := range len(path) {
		if c := path[i]; c <= ' ' || c >= 0x7f {
			return false
		}
	}
	return true
}
