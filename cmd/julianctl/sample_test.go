package main

import (
	"bytes"
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"strings"
	"testing"

	"github.com/julianctl/julianctl/pkg/julian"
)

// On a terminal a sample is laid out, coloured and harmless; its values stay.
func TestSampleOnTerminal(t *testing.T) {
	var out bytes.Buffer
	tty, err := os.Open(os.DevNull)
	if err != nil {
		t.Fatal(err)
	}
	defer tty.Close()
	a := testApp(t)
	a.out = newTerminalOutput(&out, tty)
	if code := a.main(t.Context(), []string{"sample", "--offline", "--set", "name=\x1b[2J\u202e\u009b", "--set", `agentName="a\"b"`, "--set", "duration=-4.5e1"}); code != exitYes {
		t.Fatalf("exit %d", code)
	}
	for _, want := range []string{
		"\x1b[36m\"name\"\x1b[0m", // keys and strings have their own colours
		`\u001b[2J\u202e\u009b`,
		"\x1b[32m\"a\\\"b\"\x1b[0m",
		"\x1b[33m-4.5e1\x1b[0m",
		"\x1b[33mnull\x1b[0m",
	} {
		if !strings.Contains(out.String(), want) {
			t.Errorf("no %q in\n%q", want, out.String())
		}
	}
	for _, bad := range []string{"\x1b[2J", "\u202e", "\u009b"} {
		if strings.Contains(out.String(), bad) {
			t.Errorf("%q reached the terminal", bad)
		}
	}
}

// One sample in a pipe has not a byte more than came; several are kept apart.
func TestSampleInPipe(t *testing.T) {
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { io.WriteString(w, `{"a" :1}`) }))
	defer srv.Close()
	env := map[string]string{"JULIAN_API_KEY": "k", "JULIAN_BASE_URL": srv.URL}
	for _, tt := range []struct {
		args []string
		want string
	}{
		{[]string{"sample", "a"}, `{"a" :1}`},
		{[]string{"sample", "a", "b"}, "{\"a\" :1}\n{\"a\" :1}\n"},
	} {
		if code, stdout, stderr := run(t, env, "", tt.args...); code != exitYes || stdout != tt.want || stderr != "" {
			t.Errorf("%v: exit %d, stdout %q, stderr %q; want %q", tt.args, code, stdout, stderr, tt.want)
		}
	}
}

// Without colour, the layout is that of the documented sample, which is laid
// out the same way.
func TestPrettyJSON(t *testing.T) {
	plain := newStyle(nil, false)
	var compact bytes.Buffer
	if err := json.Compact(&compact, julian.Sample()); err != nil {
		t.Fatal(err)
	}
	for _, tt := range []struct{ in, want string }{
		{compact.String(), string(julian.Sample())},
		{`"a"`, "\"a\"\n"},
		{` [ ] `, "[]\n"},
		{`{"a":{},"b":[true,false,null,1]}`, "{\n  \"a\": {},\n  \"b\": [\n    true,\n    false,\n    null,\n    1\n  ]\n}\n"},
		{"[[[]]]", "[\n  [\n    []\n  ]\n]\n"},
		{strings.Repeat("[", 42) + "1" + strings.Repeat("]", 42), nested(42)},
	} {
		got, err := prettyJSON([]byte(tt.in), plain)
		if err != nil || got != tt.want {
			t.Errorf("%s: %v\n%s\nwant\n%s", tt.in, err, got, tt.want)
		}
	}
}

// nested is 1 in so many arrays; the last level is not indented any more.
func nested(levels int) string {
	var open, shut string
	for i := range levels {
		margin := strings.Repeat("  ", min(i, maxIndent))
		open += margin + "[\n"
		shut = margin + "]\n" + shut
	}
	return open + strings.Repeat("  ", min(levels, maxIndent)) + "1\n" + shut
}

func FuzzPrettyJSON(f *testing.F) {
	for _, seed := range []string{string(julian.Sample()), `{"\\":"\"","":[-1e5,{}]}`, "\"\u202e\"", `[[],""]`} {
		f.Add([]byte(seed))
	}
	plain := newStyle(nil, false)
	f.Fuzz(func(t *testing.T, text []byte) {
		if !json.Valid(text) {
			return
		}
		pretty, err := prettyJSON(text, plain)
		if err != nil {
			t.Fatal(err)
		}
		var before, after bytes.Buffer
		if json.Compact(&before, text) != nil || json.Compact(&after, []byte(pretty)) != nil {
			t.Fatalf("%q is no JSON", pretty)
		}
		var a, b any
		if json.Unmarshal(before.Bytes(), &a) != nil {
			return // a number that no float holds
		}
		if err := json.Unmarshal(after.Bytes(), &b); err != nil {
			t.Fatal(err)
		}
		x, _ := json.Marshal(a)
		if y, _ := json.Marshal(b); !bytes.Equal(x, y) {
			t.Errorf("%s became %s", x, y)
		}
	})
}
