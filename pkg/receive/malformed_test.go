package receive

import (
	"bufio"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

// Requests in the manner of uNetworking/h1spec and of the lists of request
// smuggling: what each is answered with, and whether it became a delivery.
func TestRequestsOnTheWire(t *testing.T) { bothWays(t, testRequestsOnTheWire) }

func testRequestsOnTheWire(t *testing.T, netHTTP bool) {
	const host = "Host: example.com\r\n"
	head := func(lines ...string) string {
		return "POST / HTTP/1.1\r\n" + host + strings.Join(lines, "\r\n") + "\r\n\r\n"
	}
	tests := []struct {
		name, request string
		status        int    // of the first answer; 0: the connection is left open, and waits
		why           string // of Malformed, or the refusal; "ok": a delivery
	}{
		{"method begun", "G", 0, ""},
		{"method", "GET ", 0, ""},
		{"target begun", "GET /hello", 0, ""},
		{"target", "GET /hello ", 0, ""},
		{"version begun", "GET /hello HTTP", 0, ""},
		{"version", "GET /hello HTTP/1.1", 0, ""},
		{"half a line end", "GET /hello HTTP/1.1\r", 0, ""},
		{"request line", "GET /hello HTTP/1.1\r\n", 0, ""},
		{"field name", "GET /hello HTTP/1.1\r\nHos", 0, ""},
		{"colon", "GET /hello HTTP/1.1\r\nHost:", 0, ""},
		{"field value", "GET /hello HTTP/1.1\r\nHost: localhost", 0, ""},
		{"field", "GET /hello HTTP/1.1\r\nHost: localhost\r\n", 0, ""},
		{"half the last line end", "GET /hello HTTP/1.1\r\nHost: localhost\r\n\r", 0, ""},

		{"no version", "GET / \r\n\r\n", 400, "Bad Request"},
		{"HTTP/0.9", "GET /\r\n\r\n", 400, "Bad Request"},
		{"version 9.9", "GET / HTTP/9.9\r\n" + host + "\r\n", 505, "unsupported protocol version"},
		{"version 1.2", "POST / HTTP/1.2\r\n" + host + "Content-Length: 0\r\n\r\n", 204, "ok"},
		{"lower-case version", "GET / http/1.1\r\n" + host + "\r\n", 400, "Bad Request"},
		{"text before the method", "Extra lineGET / HTTP/1.1\r\n" + host + "\r\n", 400, "Bad Request"},
		{"bad character in the method", "PO\"ST / HTTP/1.1\r\n" + host + "\r\n", 400, "Bad Request"},
		{"two spaces", "POST  / HTTP/1.1\r\n" + host + "\r\n", 400, "Bad Request"},
		{"tab for a space", "POST\t/ HTTP/1.1\r\n" + host + "\r\n", 400, "Bad Request"},
		{"control in the target", "POST /a\x01b HTTP/1.1\r\n" + host + "\r\n", 400, "Bad Request"},
		{"bad escape in the target", "POST /%zz HTTP/1.1\r\n" + host + "\r\n", 400, "Bad Request"},
		{"garbage", "\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03\r\n\r\n", 400, "Bad Request"},

		{"GET", "GET / HTTP/1.1\r\n" + host + "\r\n", 405, "method"},
		{"edges of the grammar", "POST / HTTP/1.1\r\nhoSt:\texample.com\r\nempty:\r\ncontent-length: 0\r\n\r\n", 204, "ok"},
		{"empty value", head("X-Empty-Header: ", "Content-Length: 0"), 204, "ok"},
		{"body", head("Content-Length: 5") + "hello", 204, "ok"},
		{"leading empty line", "\r\n" + head("Content-Length: 0"), 400, "Bad Request"},

		{"bad character in a name", head("X-Invalid[]: test"), 400, "Bad Request"},
		{"control in a value", head("X-Bad: test\x07"), 400, "Bad Request"},
		{"NUL in a value", head("X-Bad: te\x00st"), 400, "Bad Request"},
		{"CR in a value", head("X-Bad: te\rst"), 400, "Bad Request"},
		{"space before the colon", head("Content-Length : 5") + "hello", 400, "invalid header name"},
		{"space before the name", "POST / HTTP/1.1\r\n X: y\r\n" + host + "\r\n", 400, "Bad Request"},
		{"no colon", head("X-Nothing"), 400, "Bad Request"},
		{"no name", head(": x"), 400, "Bad Request"},
		{"bad line end", "POST / HTTP/1.1\r\n" + host + "\rSome-Header: Test\r\n\r\n", 400, "Bad Request"},
		{"no host", "POST / HTTP/1.1\r\nContent-Length: 5\r\n\r\nhello", 400, "missing required Host header"},
		{"two hosts", "POST / HTTP/1.1\r\n" + host + "Host: example.org\r\nContent-Length: 0\r\n\r\n", 400, "Bad Request"},
		{"bad host", "POST / HTTP/1.1\r\nHost: exa mple\r\nContent-Length: 0\r\n\r\n", 400, "malformed Host header"},
		{"unknown expectation", head("Expect: miracles", "Content-Length: 0"), 417, "Expectation Failed"},

		{"negative length", head("Content-Length: -1234"), 400, "Bad Request"},
		{"length past all integers", head("Content-Length: -123456789123456789123456789"), 400, "Bad Request"},
		{"huge length", head("Content-Length: 99999999999999999999"), 400, "Bad Request"},
		{"length in words", head("Content-Length: abc"), 400, "Bad Request"},
		{"length with a sign", head("Content-Length: +5") + "hello", 400, "Bad Request"},
		{"length in hex", head("Content-Length: 0x5") + "hello", 400, "Bad Request"},
		{"empty length", head("Content-Length: ") + "hello", 400, "Bad Request"},
		{"two lengths that differ", head("Content-Length: 5", "Content-Length: 6") + "hello!", 400, "Bad Request"},
		{"list of lengths", head("Content-Length: 5, 5") + "hello", 400, "Bad Request"},
		{"the same length twice", head("Content-Length: 5", "Content-Length: 5") + "hello", 204, "ok"},

		{"chunked and a length", head("Transfer-Encoding: chunked", "Content-Length: 5") + "0\r\n\r\n", 400, "both Transfer-Encoding and Content-Length"},
		{"a length and chunked", head("Content-Length: 5", "Transfer-Encoding: chunked") + "0\r\n\r\n", 400, "both Transfer-Encoding and Content-Length"},
		{"chunked twice", head("Transfer-Encoding: chunked", "Transfer-Encoding: chunked") + "0\r\n\r\n", 501, "Unsupported transfer encoding"},
		{"chunked, identity", head("Transfer-Encoding: chunked, identity") + "0\r\n\r\n", 501, "Unsupported transfer encoding"},
		{"gzip, chunked", head("Transfer-Encoding: gzip, chunked") + "0\r\n\r\n", 501, "Unsupported transfer encoding"},
		{"xchunked", head("Transfer-Encoding: xchunked") + "0\r\n\r\n", 501, "Unsupported transfer encoding"},
		{"vertical tab before chunked", head("Transfer-Encoding: \x0bchunked") + "0\r\n\r\n", 400, "Bad Request"},
		{"CHUNKED", head("Transfer-Encoding: CHUNKED") + "2\r\nab\r\n0\r\n\r\n", 204, "ok"},
		{"chunked in HTTP/1.0", "POST / HTTP/1.0\r\n" + host + "Transfer-Encoding: chunked\r\n\r\n0\r\n\r\n", 400, "Transfer-Encoding in HTTP/1.0"},
		{"chunk size in words", head("Transfer-Encoding: chunked") + "zz\r\nab\r\n0\r\n\r\n", 400, "incomplete"},
		{"chunk size with a sign", head("Transfer-Encoding: chunked") + "+2\r\nab\r\n0\r\n\r\n", 400, "incomplete"},
		{"chunk size with 0x", head("Transfer-Encoding: chunked") + "0x2\r\nab\r\n0\r\n\r\n", 400, "incomplete"},
		{"chunk size past all integers", head("Transfer-Encoding: chunked") + "fffffffffffffffff\r\nab\r\n", 400, "incomplete"},
		{"chunk longer than its size", head("Transfer-Encoding: chunked") + "2\r\nabc\r\n0\r\n\r\n", 400, "incomplete"},
		{"chunk size with a bare LF", head("Transfer-Encoding: chunked") + "2\nab\r\n0\r\n\r\n", 400, "incomplete"},
		{"chunk extension", head("Transfer-Encoding: chunked") + "2;a=b\r\nab\r\n0\r\n\r\n", 204, "ok"},
		{"chunk extension with a bare LF", head("Transfer-Encoding: chunked") + "2;a\nab\r\n0\r\n\r\n", 400, "incomplete"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			r := run(t, Options{netHTTP: netHTTP, DrainTimeout: 50 * time.Millisecond})
			conn := r.dial()
			if _, err := io.WriteString(conn, tt.request); err != nil {
				t.Fatal(err)
			}
			if tt.status == 0 {
				if err := conn.SetReadDeadline(time.Now().Add(30 * time.Millisecond)); err != nil {
					t.Fatal(err)
				}
				if n, err := conn.Read(make([]byte, 1)); n > 0 || err == io.EOF {
					t.Errorf("%d bytes, %v", n, err)
				}
				return
			}
			if err := conn.CloseWrite(); err != nil {
				t.Fatal(err)
			}
			answer, _ := io.ReadAll(conn) // it may end with a reset
			seen := r.end()
			if len(seen) != 1 {
				t.Fatalf("%d deliveries seen; answer %q", len(seen), answer)
			}
			got := fmt.Sprint(status(string(answer)), " ", outcome(seen[0]))
			if d := cmp.Diff(fmt.Sprint(tt.status, " ", tt.why), got); d != "" {
				t.Error(d)
			}
			if seen[0].Outcome.Status != tt.status {
				t.Errorf("recorded status %d", seen[0].Outcome.Status)
			}
		})
	}
}

func outcome(d *Delivery) string {
	switch {
	case d.Refusal == "":
		return "ok"
	case d.Refusal == Malformed:
		return d.Reason
	}
	return string(d.Refusal)
}

func status(answer string) (code int) {
	_, _ = fmt.Sscanf(statusLine(answer), "HTTP/1.%d %d", new(int), &code)
	return code
}

// Where nobody can tell whether a request has two ends, nothing after it is
// taken for a request.
func TestUnclearConnectionIsNotUsedAgain(t *testing.T) {
	chunked := "POST /%s HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n%s\r\n0\r\n\r\n"
	tests := map[string]struct {
		sent string
		uris []string
	}{
		"one after the other":     {fmt.Sprintf(chunked, "a", ""), []string{"/a"}},
		"sent ahead":              {fmt.Sprintf(chunked, "a", "") + fmt.Sprintf(chunked, "b", "") + fmt.Sprintf(chunked, "c", ""), []string{"/a", "/b"}},
		"sent ahead with lengths": {fmt.Sprintf(chunked, "a", "") + fmt.Sprintf(chunked, "b", "Content-Length: 3\r\n") + fmt.Sprintf(chunked, "c", ""), []string{"/a", "/b"}},
		"a long header":           {fmt.Sprintf(chunked, "a", "X: "+strings.Repeat("x", longestHead)+"\r\n") + fmt.Sprintf(chunked, "b", ""), []string{"/a"}},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			r := run(t, Options{})
			conn := r.hang(tt.sent).(*net.TCPConn)
			if err := conn.CloseWrite(); err != nil {
				t.Fatal(err)
			}
			_, _ = io.ReadAll(conn) // it may end with a reset
			var uris []string
			for _, d := range r.end() {
				uris = append(uris, d.URI)
			}
			if d := cmp.Diff(tt.uris, uris); d != "" {
				t.Error(d)
			}
		})
	}
}

// A sender that waits for its answers keeps its connection, chunked or not.
func TestChunkedConnectionIsKept(t *testing.T) {
	r := run(t, Options{})
	conn := r.dial()
	answers := bufio.NewReader(conn)
	for range 50 {
		if _, err := io.WriteString(conn, "POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n2\r\n{}\r\n0\r\n\r\n"); err != nil {
			t.Fatal(err)
		}
		answer, err := http.ReadResponse(answers, nil)
		if err != nil || answer.StatusCode != 204 || answer.Close {
			t.Fatalf("%+v, %v", answer, err)
		}
	}
	if seen := r.end(); len(seen) != 50 {
		t.Errorf("%d seen", len(seen))
	}
}
