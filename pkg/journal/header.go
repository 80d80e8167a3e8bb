package journal

import (
	"net/http"
	"strings"

	"github.com/julianctl/julianctl/pkg/record"
	"github.com/julianctl/julianctl/pkg/safetext"
)

// storedHeader is header as on the wire, without the empty line at its end,
// secrets masked.
func (o *Options) storedHeader(header http.Header) string {
	size, secret := 0, false
	for name, values := range header {
		secret = secret || !o.KeepSecrets && safetext.SecretHeader(name, o.Secrets...)
		for _, value := range values {
			size += len(name) + len(value) + len(": \r\n")
		}
	}
	if secret {
		header = safetext.MaskHeader(header, o.Secrets...)
	}
	var b strings.Builder
	b.Grow(size)
	_ = header.Write(&b) // a Builder takes everything
	return b.String()
}

// kept is a as it is stored; nil stays nil.
func (o *Options) kept(a *record.Answer) *record.Answer {
	if a == nil {
		return nil
	}
	return a.Kept(o.storedHeader(a.Header))
}
