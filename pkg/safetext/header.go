package safetext

import (
	"slices"
	"strings"
)

// Masked replaces a secret.
const Masked = "[masked]"

// SecretHeader reports whether the values of the header called name are
// secrets: those that carry credentials, and the names in extra. Case does not
// matter.
func SecretHeader(name string, extra ...string) bool {
	is := func(secret string) bool { return strings.EqualFold(name, strings.TrimSpace(secret)) }
	return is("x-api-key") || is("authorization") || is("proxy-authorization") ||
		is("cookie") || is("set-cookie") || slices.ContainsFunc(extra, is)
}

// MaskHeader returns a copy of a header (an http.Header) in which each value of
// a [SecretHeader] is [Masked]. An empty value stays empty, to show that nothing was
// sent. The copy shares no memory with header.
func MaskHeader(header map[string][]string, extra ...string) map[string][]string {
	if header == nil {
		return nil
	}
	out := make(map[string][]string, len(header))
	for name, values := range header {
		values = slices.Clone(values)
		if SecretHeader(name, extra...) {
			for i, value := range values {
				if value != "" {
					values[i] = Masked
				}
			}
		}
		out[name] = values
	}
	return out
}
