package inspect

import (
	"crypto/subtle"
	"net"
	"net/http"
	"net/netip"
	"strings"
)

const (
	tokenHeader = "X-Julianctl-Token" //nolint:gosec // a name
	keyCookie   = "julianctl-key"
	maxRequest  = 64 << 10 // bytes of a request's body
)

// policy lets the page use its own files and its own server, and nothing else.
// What would make markup of text is switched off in the browser itself.
const policy = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; " +
	"base-uri 'none'; form-action 'none'; frame-ancestors 'none'; require-trusted-types-for 'script'; trusted-types 'none'"

// ServeHTTP implements http.Handler.
func (h *Handler) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	for name, value := range map[string]string{
		"Content-Security-Policy":      policy,
		"X-Content-Type-Options":       "nosniff",
		"X-Frame-Options":              "DENY",
		"Referrer-Policy":              "no-referrer",
		"Cross-Origin-Opener-Policy":   "same-origin",
		"Cross-Origin-Resource-Policy": "same-origin",
		"Cache-Control":                "no-store",
	} {
		w.Header().Set(name, value)
	}
	if why := h.refuse(r); why != "" {
		http.Error(w, why, http.StatusForbidden)
		return
	}
	if h.opts.Key != "" && !h.admit(w, r) {
		return
	}
	r.Body = http.MaxBytesReader(w, r.Body, maxRequest)
	h.mux.ServeHTTP(w, r)
}

// refuse says why a request is not answered; empty when it is.
func (h *Handler) refuse(r *http.Request) string {
	if !h.named(r.Host) {
		return "this is not the address of the inspector"
	}
	for _, name := range []string{"Forwarded", "X-Forwarded-For", "X-Forwarded-Host", "X-Forwarded-Proto", "X-Real-Ip"} {
		if r.Header[name] != nil {
			return "the inspector is not reached through a proxy or a tunnel"
		}
	}
	// Browsers say where a request comes from. A link may lead to the page from
	// anywhere; nothing else here is for other pages.
	if site := r.Header.Get("Sec-Fetch-Site"); site != "" && site != "same-origin" && site != "none" && (r.URL.Path != "/" || r.Header.Get("Sec-Fetch-Mode") != "navigate") {
		return "this is for the inspector's own page"
	}
	if err := h.origins.Check(r); err != nil {
		return "this is for the inspector's own page"
	}
	if r.Method != http.MethodGet && r.Method != http.MethodHead && !same(r.Header.Get(tokenHeader), h.token) {
		return "the token of this run is missing: load the page again"
	}
	return ""
}

// named reports whether a Host header is this server's address. Names that a
// stranger can make point here are no address: only localhost is one.
func (h *Handler) named(host string) bool {
	name, port, err := net.SplitHostPort(host)
	if err != nil {
		name, port = strings.Trim(host, "[]"), "80"
	}
	_, own, err := net.SplitHostPort(h.opts.Addr.String())
	if err != nil || port != own {
		return false
	}
	if strings.EqualFold(name, "localhost") {
		return true
	}
	ip, err := netip.ParseAddr(name)
	return err == nil && (ip.IsLoopback() || h.opts.Key != "")
}

// admit lets who came with the key in, and remembers it by a cookie. It answers
// all others.
func (h *Handler) admit(w http.ResponseWriter, r *http.Request) bool {
	if key := r.URL.Query().Get("key"); key != "" && same(key, h.opts.Key) {
		http.SetCookie(w, &http.Cookie{Name: keyCookie, Value: key, Path: "/", HttpOnly: true, SameSite: http.SameSiteStrictMode}) //nolint:gosec // there is no TLS here
		http.Redirect(w, r, "/", http.StatusSeeOther)
		return false
	}
	if c, err := r.Cookie(keyCookie); err == nil && same(c.Value, h.opts.Key) {
		return true
	}
	http.Error(w, "open the link that was printed when the inspector began: it has the key", http.StatusUnauthorized)
	return false
}

func same(a, b string) bool { return subtle.ConstantTimeCompare([]byte(a), []byte(b)) == 1 }
