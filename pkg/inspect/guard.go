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
	maxEdited   = 16 << 20 // where a payload is in it
)

// policy allows the page only its own files and its own server. It also disables all
// browser functions that turn text into markup.
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
	limit := int64(maxRequest)
	if r.URL.Path == "/api/send" {
		limit = maxEdited
	}
	r.Body = http.MaxBytesReader(w, r.Body, limit)
	h.mux.ServeHTTP(w, r)
}

// refuse returns why a request is refused; empty: it is not.
func (h *Handler) refuse(r *http.Request) string {
	if !h.isOwnHost(r.Host) {
		return "this is not the address of the inspector"
	}
	for _, name := range []string{"Forwarded", "X-Forwarded-For", "X-Forwarded-Host", "X-Forwarded-Proto", "X-Real-Ip"} {
		if r.Header[name] != nil {
			return "the inspector is not reached through a proxy or a tunnel"
		}
	}
	// Browsers send the origin of a request. Other sites may link to the page, and may
	// use nothing else.
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

// isOwnHost reports whether a Host header is the address of this server. Of names, only
// localhost is accepted: others could be used for DNS rebinding.
func (h *Handler) isOwnHost(host string) bool {
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

// admit checks the key, and keeps it in a cookie. It answers requests without it.
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
