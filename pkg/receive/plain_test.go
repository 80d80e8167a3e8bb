package receive

import (
	"bufio"
	"bytes"
	"net/http"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestParsePlain(t *testing.T) {
	head := func(fields ...string) string {
		return "POST / HTTP/1.1\r\n" + strings.Join(fields, "\r\n") + "\r\n\r\n"
	}
	tests := []struct {
		name, request string
		want          *plain // nil: not plain
	}{
		{"wrk", head("Host: 127.0.0.1", "User-Agent: wrk", "Content-Length: 5"), &plain{
			size: 72, target: "/", path: "/", host: "127.0.0.1", length: 5,
			header: http.Header{"User-Agent": {"wrk"}, "Content-Length": {"5"}},
		}},
		{"all that is plain", "POST /a/b?c=d&e HTTP/1.1\r\nhOsT:[::1]:80\r\ncontent-LENGTH: \t007 \t\r\nx_y:\r\nX_y: a  b\r\nConnection: Keep-Alive\r\n\r\nbody", &plain{
			size: 108, target: "/a/b?c=d&e", path: "/a/b", host: "[::1]:80", length: 7,
			header: http.Header{"Content-Length": {"007"}, "X_y": {"", "a  b"}, "Connection": {"Keep-Alive"}},
		}},
		{"closed after it", head("Host: h", "Content-Length: 0", "Connection: close", "Connection: keep-alive"), &plain{
			size: 90, target: "/", path: "/", host: "h", length: 0, last: true,
			header: http.Header{"Content-Length": {"0"}, "Connection": {"close", "keep-alive"}},
		}},

		{"nothing", "", nil},
		{"not whole", "POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 5\r\n", nil},
		{"another method", "PUT / HTTP/1.1\r\nHost: h\r\nContent-Length: 5\r\n\r\n", nil},
		{"another version", "POST / HTTP/1.0\r\nHost: h\r\nContent-Length: 5\r\n\r\n", nil},
		{"a whole URL", "POST http://h/ HTTP/1.1\r\nHost: h\r\nContent-Length: 5\r\n\r\n", nil},
		{"an authority", "POST //h/ HTTP/1.1\r\nHost: h\r\nContent-Length: 5\r\n\r\n", nil},
		{"an escape", "POST /%41 HTTP/1.1\r\nHost: h\r\nContent-Length: 5\r\n\r\n", nil},
		{"a fragment", "POST /#a HTTP/1.1\r\nHost: h\r\nContent-Length: 5\r\n\r\n", nil},
		{"two spaces", "POST  / HTTP/1.1\r\nHost: h\r\nContent-Length: 5\r\n\r\n", nil},
		{"no host", head("Content-Length: 5"), nil},
		{"two hosts", head("Host: h", "Host: h", "Content-Length: 5"), nil},
		{"a strange host", head("Host: h/i", "Content-Length: 5"), nil},
		{"no length", head("Host: h"), nil},
		{"two lengths", head("Host: h", "Content-Length: 5", "Content-Length: 5"), nil},
		{"a list of lengths", head("Host: h", "Content-Length: 5, 5"), nil},
		{"a signed length", head("Host: h", "Content-Length: +5"), nil},
		{"an empty length", head("Host: h", "Content-Length:"), nil},
		{"a long length", head("Host: h", "Content-Length: 9223372036854775808"), nil},
		{"an encoding", head("Host: h", "Content-Length: 5", "Transfer-Encoding: chunked"), nil},
		{"an encoding in lower case", head("Host: h", "Content-Length: 5", "transfer-encoding: identity"), nil},
		{"an expectation", head("Host: h", "Content-Length: 5", "Expect: 100-continue"), nil},
		{"another protocol", head("Host: h", "Content-Length: 5", "Connection: upgrade", "Upgrade: h2c"), nil},
		{"a list", head("Host: h", "Content-Length: 5", "Connection: close, te"), nil},
		{"a folded line", head("Host: h", "X: a", " b", "Content-Length: 5"), nil},
		{"a first line that is folded", "POST / HTTP/1.1\r\n Host: h\r\nContent-Length: 5\r\n\r\n", nil},
		{"no colon", head("Host: h", "X", "Content-Length: 5"), nil},
		{"no name", head("Host: h", ": x", "Content-Length: 5"), nil},
		{"space before a colon", head("Host: h", "X : x", "Content-Length: 5"), nil},
		{"a control", head("Host: h", "X: \x01", "Content-Length: 5"), nil},
		{"a bare line feed", head("Host: h", "X: a\nContent-Length: 1", "Content-Length: 5"), nil},
		{"a bare carriage return", head("Host: h", "X: a\rContent-Length: 1", "Content-Length: 5"), nil},
		{"line feeds only", "POST / HTTP/1.1\nHost: h\nContent-Length: 5\n\n", nil},
		{"past ASCII", head("Host: h", "X: é", "Content-Length: 5"), nil},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			got, ok := parsePlain([]byte(tt.request))
			if ok != (tt.want != nil) {
				t.Fatalf("plain: %v", ok)
			}
			if !ok {
				return
			}
			if d := cmp.Diff(*tt.want, got, cmp.AllowUnexported(plain{})); d != "" {
				t.Error(d)
			}
		})
	}
}

// What is plain is to net/http what it is here.
func FuzzParsePlain(f *testing.F) {
	for target, fields := range map[string]string{
		"/":          "Host: h\r\nContent-Length: 7",
		"/a?b=c&d":   "hOsT:[::1]:80\r\ncontent-length:\t07 \r\nx:\r\nX: y",
		"/*":         "Host: h\r\nContent-Length: 7\r\nConnection: close\r\nCookie: a=b; c=d",
		"/;a=b/:@!$": "Host: h\r\nContent-Length: 7\r\nKeep-Alive: 1\r\nProxy-Connection: close",
	} {
		f.Add(target, fields)
	}
	f.Fuzz(func(t *testing.T, target, fields string) {
		data := []byte("POST " + target + " HTTP/1.1\r\n" + fields + "\r\n\r\n1234567")
		got, ok := parsePlain(data)
		if !ok {
			return
		}
		r, err := http.ReadRequest(bufio.NewReader(bytes.NewReader(data)))
		if err != nil {
			t.Fatal(err)
		}
		want := plain{
			size: bytes.Index(data, []byte("\r\n\r\n")) + 4, target: r.RequestURI, path: r.URL.Path,
			host: r.Host, header: r.Header, length: r.ContentLength, last: r.Close,
		}
		if d := cmp.Diff(want, got, cmp.AllowUnexported(plain{})); d != "" {
			t.Error(d)
		}
		if r.Method != http.MethodPost || r.Proto != "HTTP/1.1" || r.TransferEncoding != nil || r.URL.IsAbs() {
			t.Errorf("not plain: %+v", r)
		}
	})
}
