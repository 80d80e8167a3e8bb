package main

import (
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/julianctl/julianctl/pkg/receive"
)

func TestSplitCommand(t *testing.T) {
	tests := []struct {
		line string
		want []string
		err  string
	}{
		{"a", []string{"a"}, ""},
		{" a  b\tc\n", []string{"a", "b", "c"}, ""},
		{`a 'b "c" \d' e`, []string{"a", `b "c" \d`, "e"}, ""},
		{`a "b 'c' \"d\" \\ \n $HOME"`, []string{"a", `b 'c' "d" \ \n $HOME`}, ""},
		{`a\ b \'c\\`, []string{"a b", `'c\`}, ""},
		{`a''b"c"d '' ""`, []string{"abcd", "", ""}, ""},
		{`a; rm -rf $(b) | c > d & *`, []string{"a;", "rm", "-rf", "$(b)", "|", "c", ">", "d", "&", "*"}, ""},
		{"日本 é", []string{"日本", "é"}, ""},
		{"", nil, "names no program"}, {"  ", nil, "names no program"},
		{"a 'b", nil, "has a ' that is not closed"}, {`a "b\"`, nil, `has a " that is not closed`}, {`a "b\`, nil, `has a " that is not closed`},
		{`a\`, nil, "ends with a backslash"},
	}
	for _, tt := range tests {
		got, err := splitCommand(tt.line)
		if d := cmp.Diff(tt.want, got); d != "" || err == nil && tt.err != "" || err != nil && err.Error() != tt.err {
			t.Errorf("%q: %v %s", tt.line, err, d)
		}
	}
}

func TestEachLine(t *testing.T) {
	long := strings.Repeat("x", 10<<10)
	var got []string
	eachLine(strings.NewReader("a\r\n\n"+long+"\nb"), func(line string) { got = append(got, fmt.Sprintf("%.3s%d", line, len(line))) })
	if d := cmp.Diff([]string{"a1", "0", "xxx4096", "b1"}, got); d != "" {
		t.Error(d)
	}
}

func TestTunnelURLs(t *testing.T) {
	tests := []struct{ program, line, want string }{
		{"cloudflared", "2023-04-18T14:06:49Z INF |  https://buffalo-marco.trycloudflare.com           |", "https://buffalo-marco.trycloudflare.com"},
		{"cloudflared", "2022-11-11T19:57:55Z INF Requesting new quick Tunnel on trycloudflare.com...", ""},
		{"cloudflared", `failed: Post "https://api.trycloudflare.com/tunnel": dial tcp`, ""},
		{"cloudflared", "retry https://api.trycloudflare.com/tunnel", ""},
		{"cloudflared", "see https://evil.example/x.trycloudflare.com", ""},
		{"ngrok", `{"addr":"http://localhost:1","lvl":"info","msg":"started tunnel","url":"https://ab.ngrok-free.app"}`, "https://ab.ngrok-free.app"},
		{"ngrok", `{"msg":"client session established","url":"https://x.example"}`, ""},
		{"ngrok", `{"msg":"started tunnel","url":"tcp://0.tcp.ngrok.io:17585"}`, ""},
		{"ngrok", "not json", ""},
		{"tailscale", "https://host.tail1.ts.net/", "https://host.tail1.ts.net"},
		{"tailscale", "https://host.tail1.ts.net:8443/ (Funnel on)", "https://host.tail1.ts.net:8443"},
		{"tailscale", "visit: https://login.tailscale.com/f/funnel?node=x", ""},
	}
	for _, tt := range tests {
		for _, p := range tunnelPrograms() {
			if got := p.url(tt.line); p.name == tt.program && got != tt.want {
				t.Errorf("%s %q: %q", tt.program, tt.line, got)
			}
		}
	}
}

func TestDelayRange(t *testing.T) {
	for in, want := range map[string]string{"2s": "2s", "200ms..2s": "200ms..2s", "0s..1s": "0s..1s", "1s..1s": "1s", "2s..1s": "", "x": "", "1s..": "", "-1s": "", "": ""} {
		var d delayRange
		err := d.Set(in)
		if got := d.String(); err == nil && got != want || (err != nil) != (want == "") {
			t.Errorf("%q: %q, %v", in, got, err)
		}
	}
}

func TestTally(t *testing.T) {
	expect := expectFlags{exitAfter: 0, unique: -1, until: []string{"a=1"}}
	if err := expect.check(); err != nil {
		t.Fatal(err)
	}
	both := expect
	both.exitAfter = 2
	type step struct {
		body   string
		failed bool
		done   bool
	}
	tests := map[string]struct {
		want  expectFlags
		steps []step
	}{
		"until":                {expect, []step{{`{"a":2}`, false, false}, {`{"a":1}`, true, false}, {`{"a":1}`, false, true}}},
		"until and exit-after": {both, []step{{`{"a":1}`, false, false}, {`{"a":2}`, true, false}, {`{"a":2}`, false, true}}},
		"exit-after":           {expectFlags{exitAfter: 1, unique: -1}, []step{{"x", true, false}, {"x", false, true}}},
		"nothing":              {expectFlags{unique: -1}, []step{{"x", false, false}}},
	}
	for name, tt := range tests {
		tally := newTally(tt.want)
		for i, s := range tt.steps {
			shown := &shownDelivery{Delivery: answeredDelivery(s.failed), payload: []byte(s.body)}
			if tally.add(shown, false); tally.complete() != s.done || (tally.missed() == "") != (s.done || name == "nothing") {
				t.Errorf("%s, step %d: complete %v, missed %q", name, i, tally.complete(), tally.missed())
			}
		}
	}
}

func answeredDelivery(failed bool) *receive.Delivery {
	if failed {
		return &receive.Delivery{Status: 503, Fault: receive.Fault{Failed: true}}
	}
	return &receive.Delivery{Status: 204}
}
