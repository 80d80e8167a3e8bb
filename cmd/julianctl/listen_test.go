package main

import (
	"bytes"
	"net"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

func TestListenPortTaken(t *testing.T) {
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer ln.Close()
	var out, errs bytes.Buffer
	a := &app{in: strings.NewReader(""), out: newOutput(&out), err: newOutput(&errs), now: time.Now, env: func(string) string { return "" }}
	code := a.main(t.Context(), []string{"listen", "--addr", ln.Addr().String()})
	if code != exitUnable || !strings.Contains(errs.String(), "is taken by another program\nhint: ") || out.Len() > 0 {
		t.Errorf("exit %d\n%s%s", code, errs.String(), out.String())
	}
}

func TestTurns(t *testing.T) {
	tests := map[string][]turn{
		"": nil,
		"User: hi\r\nAgent: hello\nthere: you\n\n  go on\nVictor W.: x": {
			{"User", []string{"hi"}}, {"Agent", []string{"hello", "there: you", "go on", "Victor W.: x"}},
		},
		"no speaker\nUser 2: a: b":   {{"", []string{"no speaker"}}, {"User 2", []string{"a: b"}}},
		"I said: no":                 {{"I said", []string{"no"}}},
		"山田: はい":                     {{"山田", []string{"はい"}}},
		"https://x.example/: a link": {{"", []string{"https://x.example/: a link"}}},
	}
	for transcript, want := range tests {
		if d := cmp.Diff(want, turns(transcript), cmp.AllowUnexported(turn{})); d != "" {
			t.Errorf("%q: %s", transcript, d)
		}
	}
}

func TestLayout(t *testing.T) {
	tests := []struct{ got, want string }{
		{bytesText(999), "999B"}, {bytesText(1331), "1.3kB"}, {bytesText(10 << 20), "10.5MB"}, {bytesText(999_949_999), "999.9MB"}, {bytesText(999_950_000), "1.0GB"},
		{shortTime(87 * time.Microsecond), "87µs"}, {shortTime(3210 * time.Microsecond), "3.2ms"}, {shortTime(45 * time.Millisecond), "45ms"}, {shortTime(1500 * time.Millisecond), "1.5s"},
		{callTime(46.9), "46s"}, {callTime(725), "12m05s"}, {callTime(3725), "1h02m"}, {callTime(-1), "?"}, {callTime(1e99), "?"},
	}
	for i, tt := range tests {
		if tt.got != tt.want {
			t.Errorf("%d: %q, want %q", i, tt.got, tt.want)
		}
	}
}
