package main

import (
	"bytes"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"strings"
	"testing"

	"github.com/julianctl/julianctl/pkg/cli"
	"github.com/julianctl/julianctl/pkg/cli/clitest"
	"github.com/julianctl/julianctl/pkg/cmd/root"
	"github.com/julianctl/julianctl/pkg/terminal"
)

// On a terminal a sample is laid out, coloured and harmless; its values stay.
func TestSampleOnTerminal(t *testing.T) {
	var out bytes.Buffer
	tty, err := os.Open(os.DevNull)
	if err != nil {
		t.Fatal(err)
	}
	defer tty.Close()
	a := clitest.App(t)
	a.Out = terminal.NewTerminalOutput(&out, tty)
	if code := root.Run(t.Context(), a, []string{"sample", "--offline", "--set", "name=\x1b[2J\u202e\u009b", "--set", `agentName="a\"b"`, "--set", "duration=-4.5e1"}); code != cli.ExitYes {
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
		if code, stdout, stderr := run(t, env, "", tt.args...); code != cli.ExitYes || stdout != tt.want || stderr != "" {
			t.Errorf("%v: exit %d, stdout %q, stderr %q; want %q", tt.args, code, stdout, stderr, tt.want)
		}
	}
}
