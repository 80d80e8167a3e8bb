package receive

import (
	"bytes"
	"net/http"
	"net/textproto"
	"strconv"
	"strings"
)

// plain is an ordinary HTTP/1.1 POST: the complete header was read at once, it has one
// Host and one Content-Length, no transfer encoding, expectation or upgrade, and
// nothing that needs decoding.
type plain struct {
	size   int    // of the header, with the empty line
	target string // as in the request line
	path   string // of target
	host   string
	header http.Header // without Host, as in net/http
	length int64       // of the body
	last   bool        // the sender closes the connection after it
}

// parsePlain parses the header at the beginning of b. It returns false if the request
// is not plain; it may still be valid.
func parsePlain(b []byte) (r plain, ok bool) {
	const method, version, lineEnd = "POST ", " HTTP/1.1", "\r\n"
	end := bytes.Index(b, []byte(lineEnd+lineEnd))
	if end < 0 || !bytes.HasPrefix(b, []byte(method)) {
		return r, false
	}
	r.size = end + 2*len(lineEnd)
	line, fields, _ := strings.Cut(string(b[len(method):end+len(lineEnd)]), lineEnd)
	if r.target, ok = strings.CutSuffix(line, version); !ok || !isPlainTarget(r.target) {
		return r, false
	}
	r.path, _, _ = strings.Cut(r.target, "?")
	count := strings.Count(fields, lineEnd)
	r.header, r.length = make(http.Header, count), -1
	values := make([]string, count) // one allocation for all
	for i := 0; fields != ""; i++ {
		line, fields, _ = strings.Cut(fields, lineEnd)
		name, value, _ := strings.Cut(line, ":")
		value = strings.Trim(value, " \t")
		if name == "" || len(name) == len(line) || !each(name, isPlainName) || !each(value, isPrintable) {
			return r, false
		}
		key := textproto.CanonicalMIMEHeaderKey(name)
		if !r.frame(key, value) {
			return r, false
		}
		switch values[i] = value; {
		case key == "Host":
		case r.header[key] == nil:
			r.header[key] = values[i : i+1 : i+1]
		default:
			r.header[key] = append(r.header[key], value)
		}
	}
	return r, r.host != "" && r.length >= 0
}

// frame checks a field that affects host or framing. It returns false if the request
// is not plain.
func (r *plain) frame(key, value string) bool {
	switch key {
	case "Host":
		if r.host != "" || !each(value, isPlainHost) {
			return false
		}
		r.host = value
	case "Content-Length":
		n, err := strconv.ParseUint(value, 10, 63)
		if err != nil || r.length >= 0 {
			return false
		}
		r.length = int64(n)
	case "Connection":
		last := strings.EqualFold(value, "close")
		r.last = r.last || last
		return last || strings.EqualFold(value, "keep-alive")
	case "Transfer-Encoding", "Te", "Trailer", "Expect", "Upgrade", "Pragma":
		return false
	}
	return true
}

// isPlainTarget returns false for "*", for a full URL, and if decoding is needed.
func isPlainTarget(target string) bool {
	return strings.HasPrefix(target, "/") && !strings.HasPrefix(target, "//") && each(target, func(c byte) bool {
		return isAlphanumeric(c) || strings.IndexByte("/?.-_~=&+,:;@!$'()*", c) >= 0
	})
}

func each(s string, is func(byte) bool) bool {
	for i := range len(s) {
		if !is(s[i]) {
			return false
		}
	}
	return true
}

func isPlainName(c byte) bool { return isAlphanumeric(c) || c == '-' || c == '_' }
func isPlainHost(c byte) bool { return isAlphanumeric(c) || strings.IndexByte(".-:[]", c) >= 0 }
func isPrintable(c byte) bool { return ' ' <= c && c <= '~' }

func isAlphanumeric(c byte) bool {
	return '0' <= c && c <= '9' || 'a' <= c|0x20 && c|0x20 <= 'z'
}
