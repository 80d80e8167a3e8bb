package receive

import (
	"bytes"
	"context"
	"net/http"
	"strings"
	"sync"
)

// framing keeps the header of the current request as received. net/http removes a
// Content-Length next to a Transfer-Encoding, and a Transfer-Encoding in HTTP/1.0,
// before the handler runs. But the end of such a request is ambiguous (RFC 9112
// section 6.1: request smuggling).
type framing struct {
	mu    sync.Mutex // reads and writes are in different goroutines
	head  []byte
	whole bool // head ends with the empty line
}

// longestHead is the most bytes kept. Longer headers are not checked.
const longestHead = 8 << 10

// read is called with all data that is read.
func (f *framing) read(p []byte) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.whole || len(f.head) == longestHead {
		return
	}
	from := max(0, len(f.head)-3)
	f.head = append(f.head, p[:min(len(p), longestHead-len(f.head))]...)
	if end := bytes.Index(f.head[from:], []byte("\r\n\r\n")); end >= 0 {
		f.head, f.whole = f.head[:from+end], true
	}
}

// written is called with all data that is written. After an answer the next request
// begins. If its sender did not wait for the answer, its beginning is missing; then
// the header is incomplete or does not match the request.
func (f *framing) written(p []byte) {
	if !bytes.HasPrefix(p, []byte("HTTP/1.")) || bytes.HasPrefix(p, []byte("HTTP/1.1 1")) {
		return
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	f.head, f.whole = f.head[:0], false
}

// ends reports why the end of r is ambiguous; empty if it is clear. known is false if
// the header is not available.
func (f *framing) ends(r *http.Request) (why string, known bool) {
	f.mu.Lock()
	defer f.mu.Unlock()
	line, fields, _ := bytes.Cut(f.head, []byte("\r\n"))
	if !f.whole || string(line) != r.Method+" "+r.RequestURI+" "+r.Proto {
		return "", false
	}
	var length, encoding bool
	for field := range strings.SplitSeq(string(fields), "\r\n") {
		name, _, _ := strings.Cut(field, ":")
		length = length || strings.EqualFold(name, "Content-Length")
		encoding = encoding || strings.EqualFold(name, "Transfer-Encoding")
	}
	switch {
	case encoding && !r.ProtoAtLeast(1, 1):
		return "Transfer-Encoding in HTTP/1.0", true
	case encoding && length:
		return "both Transfer-Encoding and Content-Length", true
	}
	return "", true
}

// ambiguous reports why the end of r's body is ambiguous; empty if it is clear. If
// that is not known, as with TLS, the connection must not be reused, so that nothing
// that follows is read as a request.
func ambiguous(ctx context.Context, r *http.Request) (why string, reuse bool) {
	if r.ProtoMajor != 1 || r.ProtoMinor > 0 && len(r.TransferEncoding) == 0 {
		return "", true
	}
	n := connOf(ctx)
	if n == nil {
		return "", false
	}
	return n.framing.ends(r)
}
