package deliver

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestParseField(t *testing.T) {
	tests := []struct {
		in   string
		want Field
		err  string
	}{
		{"X-A: b", Field{"X-A", "b"}, ""},
		{"x:", Field{"x", ""}, ""},
		{"Authorization:\tBearer a:b \t", Field{"Authorization", "Bearer a:b"}, ""},
		{"X-Täg: x", Field{}, "not a header name"},
		{"X-A: ünï", Field{"X-A", "ünï"}, ""},
		{"X-A: a\tb", Field{"X-A", "a\tb"}, ""},
		{"Host: example.com:80", Field{"Host", "example.com:80"}, ""},
		{"no colon", Field{}, "without a colon"},
		{": x", Field{}, "not a header name"},
		{"X A: x", Field{}, "not a header name"},
		{"X-A : x", Field{}, "not a header name"},
		{"X-A: secret\r\nX-B: y", Field{}, "control character"},
		{"X-A: secret\ny", Field{}, "control character"},
		{"X-A: secret\x00", Field{}, "control character"},
		{"X-A: secret\x7f", Field{}, "control character"},
		{"X-A\r\nX-B: y", Field{}, "not a header name"},
		{"content-length: 3", Field{}, "set by julianctl"},
		{"Transfer-Encoding: chunked", Field{}, "set by julianctl"},
		{"connection: close", Field{}, "set by julianctl"},
		{"Host: a b", Field{}, "not a host"},
		{"Host:", Field{}, "not a host"},
	}
	for _, tt := range tests {
		got, err := ParseField(tt.in)
		if tt.err != "" {
			if err == nil || !strings.Contains(err.Error(), tt.err) {
				t.Errorf("ParseField(%q): %v; want %q", tt.in, err, tt.err)
			}
			if err != nil && strings.Contains(err.Error(), "secret") {
				t.Errorf("ParseField(%q) shows the value: %v", tt.in, err)
			}
			continue
		}
		if err != nil || got != tt.want {
			t.Errorf("ParseField(%q) = %q, %v; want %q", tt.in, got, err, tt.want)
		}
	}
}

func TestHead(t *testing.T) {
	base := Header{{"User-Agent", "julianctl/1"}, {"Content-Type", "application/json"}}
	tests := []struct {
		name   string
		fields Header
		want   string
	}{
		{"defaults", nil, "POST /a?b HTTP/1.1\r\nHost: h:1\r\nUser-Agent: julianctl/1\r\nContent-Type: application/json\r\nContent-Length: "},
		{"added, in order, repeated", Header{{"X", "1"}, {"A", ""}, {"X", "2"}}, "POST /a?b HTTP/1.1\r\nHost: h:1\r\nUser-Agent: julianctl/1\r\nContent-Type: application/json\r\nX: 1\r\nA: \r\nX: 2\r\nContent-Length: "},
		{"replaced", Header{{"host", "other"}, {"content-type", "application/json; charset=utf-8"}}, "POST /a?b HTTP/1.1\r\nHost: other\r\nUser-Agent: julianctl/1\r\ncontent-type: application/json; charset=utf-8\r\nContent-Length: "},
		{"taken away", Header{{"Content-Type", ""}, {"user-agent", ""}}, "POST /a?b HTTP/1.1\r\nHost: h:1\r\nContent-Length: "},
	}
	for _, tt := range tests {
		got := string(appendHead(nil, "POST", "/a?b", "h:1", base, tt.fields))
		if d := cmp.Diff(tt.want, got); d != "" {
			t.Errorf("%s (-want +got):\n%s", tt.name, d)
		}
	}
}

func TestOverride(t *testing.T) {
	got := Header{{"A", "1"}, {"B", "2"}, {"a", "3"}}.Override(Header{{"A", "x"}, {"C", "y"}})
	if d := cmp.Diff(Header{{"B", "2"}, {"A", "x"}, {"C", "y"}}, got); d != "" {
		t.Errorf("(-want +got):\n%s", d)
	}
}
