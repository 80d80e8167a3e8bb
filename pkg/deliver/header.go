package deliver

import (
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"strings"
)

// Field is one header field.
type Field struct{ Name, Value string }

// Header is a list of fields, in the order sent or received.
type Header []Field

// Get returns the first value of name, in any case, or "".
func (h Header) Get(name string) string {
	for _, f := range h {
		if strings.EqualFold(f.Name, name) {
			return f.Value
		}
	}
	return ""
}

// Has reports whether a field is called name, in any case.
func (h Header) Has(name string) bool {
	return slices.ContainsFunc(h, func(f Field) bool { return strings.EqualFold(f.Name, name) })
}

// HTTP is h as net/http has it.
func (h Header) HTTP() http.Header {
	all := http.Header{}
	for _, field := range h {
		all.Add(field.Name, field.Value)
	}
	return all
}

// Override returns the fields of h that top does not name, then those of top.
func (h Header) Override(top Header) Header {
	out := make(Header, 0, len(h)+len(top))
	for _, f := range h {
		if !top.Has(f.Name) {
			out = append(out, f)
		}
	}
	return append(out, top...)
}

// engineFields define the framing of a request. Only this package can set them
// correctly.
var engineFields = []string{"Connection", "Content-Length", "Keep-Alive", "Proxy-Connection", "TE", "Trailer", "Transfer-Encoding", "Upgrade"}

// ParseField reads "Name: value" as the user types it. It refuses control characters
// and the fields that this package sets itself. Errors never quote the value, which
// may be a secret.
func ParseField(s string) (Field, error) {
	name, value, found := strings.Cut(s, ":")
	if !found {
		return Field{}, errors.New("a header without a colon")
	}
	f := Field{name, strings.Trim(value, " \t")}
	return f, f.check()
}

func (f Field) check() error {
	if f.Name == "" || strings.ContainsFunc(f.Name, notToken) {
		return fmt.Errorf("%q is not a header name", f.Name)
	}
	for i := range len(f.Value) {
		if c := f.Value[i]; c < ' ' && c != '\t' || c == 0x7f {
			return fmt.Errorf("value of header %s has a control character", f.Name)
		}
	}
	for _, name := range engineFields {
		if strings.EqualFold(name, f.Name) {
			return fmt.Errorf("header %s is set by julianctl itself", f.Name)
		}
	}
	if strings.EqualFold(f.Name, "Host") && (f.Value == "" || strings.ContainsAny(f.Value, " \t/\\@?#,")) {
		return errors.New("value of header Host is not a host")
	}
	return nil
}

// notToken reports whether r cannot stand in a token (RFC 9110, 5.6.2).
func notToken(r rune) bool {
	switch {
	case 'a' <= r && r <= 'z', 'A' <= r && r <= 'Z', '0' <= r && r <= '9':
		return false
	}
	return !strings.ContainsRune("!#$%&'*+-.^_`|~", r)
}

// effective returns the fields that are sent, without Host. An empty field removes
// its default.
func effective(defaults, fields Header) Header {
	return slices.DeleteFunc(defaults.Override(fields), func(f Field) bool {
		return strings.EqualFold(f.Name, "Host") || f.Value == "" && defaults.Has(f.Name)
	})
}

// appendHead appends a request's head up to and including "Content-Length: ".
func appendHead(dst []byte, method, path, host string, defaults, fields Header) []byte {
	if h := fields.Get("Host"); h != "" {
		host = h
	}
	dst = append(dst, method+" "+path+" HTTP/1.1\r\nHost: "+host+"\r\n"...)
	for _, f := range effective(defaults, fields) {
		dst = append(dst, f.Name+": "+f.Value+"\r\n"...)
	}
	return append(dst, "Content-Length: "...)
}

// appendBodyLength completes a head from appendHead.
func appendBodyLength(dst []byte, n int) []byte {
	dst = strconv.AppendInt(dst, int64(n), 10)
	return append(dst, "\r\n\r\n"...)
}
