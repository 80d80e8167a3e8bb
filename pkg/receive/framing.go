package receive

import (
	"bytes"
	"context"
	"net/http"
	"strings"
	"sync"
)

// framing remembers the header of the request at hand as it came. net/http
// takes a Content-Length beside a Transfer-Encoding away, and a
// Transfer-Encoding in HTTP/1.0, before a handler sees it; but such a request
// has two ends, and whoever sent it may have meant the other (RFC 9112 section
// 6.1: request smuggling).
type framing struct {
	mu    sync.Mutex // reads and writes are in different goroutines
	head  []byte
	whole bool // head ends with the empty line
}

// longestHead is how much is remembered. Of a longer header nothing is known.
const longestHead = 8 << 10

// read is called with all that is read.
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

// written is called with all that is written. What is read after an answer is
// the next request, unless its sender did not wait for the answer; then its
// beginning is missing, and it is not whole or not itself.
func (f *framing) written(p []byte) {
	if !bytes.HasPrefix(p, []byte("HTTP/1.")) || bytes.HasPrefix(p, []byte("HTTP/1.1 1")) {
		return
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	f.head, f.whole = f.head[:0], false
}

// ends looks for a second end of r: why says what is wrong with it, and sure is
// false when nobody knows.
func (f *framing) ends(r *http.Request) (why string, sure bool) {
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

// ambiguous says why nobody can tell where the body of r ends; empty when it is
// clear. When it cannot be found out, as behind TLS, the connection must not be
// used again: then nothing that follows is taken for a request.
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
