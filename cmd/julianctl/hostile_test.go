package main

import (
	"bytes"
	"context"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/julianctl/julianctl/pkg/cli"
	"github.com/julianctl/julianctl/pkg/cmd/root"
	"github.com/julianctl/julianctl/pkg/export"
	"github.com/julianctl/julianctl/pkg/julian"
	"github.com/julianctl/julianctl/pkg/terminal"
)

// hostile is text that moves cursors, rewrites titles and clipboards, hides or
// reorders what is read, and gives commands to CI systems.
const hostile = "\x1b[2J\x1b]8;;http://evil.example\x07link\x1b]8;;\x07\x1b]52;c;aGFjaw==\x07\r\b\u009b31m\u202ereversed\u2066\u200b\x7f\n::error::hacked\n##[error]hacked\n##vso[task.complete]"

// harmful finds what may not reach a person or a CI log: every control but
// newline (and tab, which only our own layout writes), the invisible, the
// reordering, and commands where CI systems look for them.
var harmful = regexp.MustCompile("[\x00-\x08\x0b-\x1f\x7f\u0080-\u009f\u061c\u200b\u200e\u200f\u2028-\u202e\u2066-\u2069\ufeff]|(?m:^\\s*::[a-z-]+)|##\\[|##vso\\[")

// lab is a set of commands run in one process: their environment, and all that
// they printed.
type lab struct {
	t   *testing.T
	dir string
	env map[string]string
	tty bool // a person looks on, in 80 columns
	mu  sync.Mutex
	all bytes.Buffer
}

func newLab(t *testing.T) *lab {
	dir := t.TempDir()
	return &lab{t: t, dir: dir, env: map[string]string{"HOME": dir}}
}

func (l *lab) file(name string, body []byte) string {
	l.t.Helper()
	path := filepath.Join(l.dir, name)
	if err := os.WriteFile(path, body, 0o600); err != nil {
		l.t.Fatal(err)
	}
	return path
}

// run runs one command and returns its exit code and what it printed, stdout
// and stderr together.
func (l *lab) run(ctx context.Context, stdin io.Reader, args ...string) (int, string) {
	var shown buffer
	out := terminal.NewOutput(&shown)
	if l.tty {
		null, err := os.Open(os.DevNull)
		if err != nil {
			l.t.Fatal(err)
		}
		defer null.Close()
		out = terminal.NewTerminalOutput(&shown, null)
	}
	a := &cli.App{In: stdin, Out: out, Err: out, Now: time.Now, Env: func(name string) string { return l.env[name] }}
	code := root.Run(ctx, a, append(args, "--config", os.DevNull))
	l.mu.Lock()
	defer l.mu.Unlock()
	l.all.WriteString(shown.String())
	return code, shown.String()
}

// serve starts a command that serves and returns its URL; it ends with the
// test.
func (l *lab) serve(args ...string) string {
	l.t.Helper()
	ready := filepath.Join(l.dir, "ready-"+args[0])
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan struct{})
	go func() {
		defer close(done)
		l.run(ctx, strings.NewReader(""), append(args, "--ready-file", ready)...)
	}()
	l.t.Cleanup(func() { cancel(); <-done })
	for range 2000 {
		if data, err := os.ReadFile(ready); err == nil && len(data) > 0 {
			return strings.TrimSpace(string(data))
		}
		select {
		case <-done:
			l.t.Fatalf("%s ended before it was ready:\n%s", args[0], l.printed())
		case <-time.After(5 * time.Millisecond):
		}
	}
	l.t.Fatalf("%s was never ready", args[0])
	return ""
}

func (l *lab) printed() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.all.String()
}

// hostilePayload is the sample with hostile text wherever a string may stand.
func hostilePayload(t *testing.T) []byte {
	t.Helper()
	text := cli.CompactJSON(hostile)
	body := string(julian.Sample())
	for _, old := range []string{`"Inbound Agent"`, `"Victor Wembly"`, `"User: ..."`, `"interested"`, `"call.abc123"`, `"+15551234567"`, `"Victor"`, `"example__summary"`, `"prospect_surname"`, `"Scheduled follow-up meeting"`, `"Goal Completed"`} {
		if !strings.Contains(body, old) {
			t.Fatalf("%s is not in the sample", old)
		}
		body = strings.Replace(body, old, text, 1)
	}
	return []byte(body)
}

// Whatever a stranger writes into a payload, a file name, a header, an answer
// or a server's error, nothing harmful reaches the screen or the CI log, and
// the payload's bytes reach the endpoint unchanged.
func TestHostileText(t *testing.T) {
	for _, format := range []string{"text", "json"} {
		t.Run(format, func(t *testing.T) { testHostileText(t, format) })
	}
}

func testHostileText(t *testing.T, format string) {
	l := newLab(t)
	payload := hostilePayload(t)
	clean := l.file("hostile.json", payload)
	raw := l.file("raw\x1b[31m\u202e.json", []byte("{\"callId\": \"a\x1b[2J\u009b\", \""+hostile+"\": 1"))
	var mu sync.Mutex
	var got [][]byte
	endpoint := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(r.Body)
		if err != nil {
			t.Error(err)
		}
		mu.Lock()
		defer mu.Unlock()
		got = append(got, body)
		w.Header().Set("Location", "/\u202e\u009b31m::error::")
		w.WriteHeader(http.StatusFound)
		_, _ = io.WriteString(w, hostile)
	}))
	defer endpoint.Close()
	api := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if strings.Contains(r.URL.Path, "good") {
			_, _ = w.Write(payload)
			return
		}
		w.WriteHeader(http.StatusNotFound)
		_, _ = io.WriteString(w, `{"error": `+cli.CompactJSON(hostile)+`, "message": `+cli.CompactJSON(hostile)+`}`)
	}))
	defer api.Close()
	l.env["JULIAN_API_KEY"], l.env["JULIAN_BASE_URL"] = "key", api.URL
	listenFormat := map[string]string{"text": "pretty", "json": "json"}[format]
	hook := l.serve("listen", "--addr", "127.0.0.1:0", "--format", listenFormat, "--save", filepath.Join(l.dir, "saved"))

	out := filepath.Join(l.dir, "out\x1b[31m\u202e")
	manifest, arrived := hostileExport(t, l, clean)

	ctx := t.Context()
	// A run that was cut short: what is sent again is named.
	cut := filepath.Join(l.dir, "cut\x1b[31m\u202e")
	l.run(ctx, strings.NewReader(""), "replay", clean, raw, "--to", hook, "--resume", cut)
	run, _ := os.ReadFile(cut)
	l.file(filepath.Base(cut), regexp.MustCompile("(?m)^<.*\n").ReplaceAll(run, nil))
	for _, tt := range []struct {
		code int
		args []string
	}{
		{cli.ExitNo, []string{"validate", clean, "--format", format}},
		{cli.ExitNo, []string{"validate", raw, "--format", format}},
		{cli.ExitFailure, []string{"validate", hostile}},
		{cli.ExitNo, []string{"replay", clean, "--dup", "--to", endpoint.URL, "--format", format}},
		{cli.ExitYes, []string{"replay", clean, "--dup=2", "--to", hook, "--format", format}},
		{cli.ExitYes, []string{"replay", raw, "--to", hook, "--format", format}},
		{cli.ExitYes, []string{"replay", clean, "--to", hook, "--format", format, "-H", "X-Name: \u202e\u00e9 ::error::"}},
		{cli.ExitYes, []string{"replay", clean, raw, "--to", hook, "--format", format, "--resume", cut}},
		{cli.ExitUsage, []string{"replay", clean, clean, "--to", hook, "--resume", cut}},
		{cli.ExitUsage, []string{"replay", clean, "--to", hook, "--resume", raw}},
		{cli.ExitUsage, []string{"replay", clean, "--to", "http://\x1b[31m\u202e/"}},
		{cli.ExitUsage, []string{"replay", clean, "--to", hostile}},
		{cli.ExitUsage, []string{"replay", clean, "--to", hook, "-H", "X: " + hostile}},
		{cli.ExitYes, []string{"export", "vegeta", clean, raw, "--to", hook + "?a=%0A", "-H", "X-Name: \u202e\u00e9 ::error::"}},
		{cli.ExitYes, []string{"export", "k6", clean, raw, "--to", hook, "-H", "X-Name: \u202e::error::", "-o", out, "--format", format}},
		{cli.ExitUsage, []string{"export", "k6", clean, "--to", hook, "-o", out}},
		{cli.ExitFailure, []string{"export", "k6", clean, hostile, "--to", hook, "-o", out + "2"}},
		{cli.ExitFailure, []string{"export", "verify", "--manifest", raw, "--received", raw, "--format", format}},
		{cli.ExitNo, []string{"export", "verify", "--manifest", manifest, "--received", raw, "--received", arrived, "--received", hostile, "--format", format}},
		{cli.ExitNo, []string{"check", "--to", endpoint.URL, "--format", format}},
		{cli.ExitNo, []string{"check", "--to", endpoint.URL, "--format", "junit"}},
		{cli.ExitNo, []string{"check", "--to", endpoint.URL, "--format", "html"}},
		{cli.ExitNo, []string{"replay", clean, "--dup", "--to", endpoint.URL, "--format", "html", "-H", "X-Name: \u202e::error::"}},
		{cli.ExitNo, []string{"validate", clean, raw, "--format", "html"}},
		{cli.ExitUsage, []string{"check", "--to", endpoint.URL, "--only", hostile}},
		{cli.ExitUsage, []string{"check", "--to", endpoint.URL, "--probe", hostile + `"`}},
		{cli.ExitFailure, []string{"check", "--to", hook, "--only", "repeat,sample", "--probe-url", endpoint.URL + "/{callId}", "--format", format}},
		{cli.ExitFailure, []string{"check", "--to", hook, "--only", "repeat", "--probe", "echo '" + hostile + "'", "--format", format}},
		{cli.ExitNo, []string{"check", "--to", endpoint.URL, "--drill", "--down", "go version", "--up", "go version", "--drill-phase", "20ms", "--drill-patience", "100ms", "--format", format}},
		{cli.ExitFailure, []string{"check", "--to", endpoint.URL, "--drill", "--drill-phase", "20ms", "--down", "go '" + hostile + "'"}},
		{cli.ExitNo, []string{"sample", "agent.bad"}},
		{cli.ExitUsage, []string{"listen", "--addr", "127.0.0.1:0", "--filter", hostile}},
		{cli.ExitUsage, []string{"listen", "--addr", "127.0.0.1:0", "--until", hostile}},
		{cli.ExitUsage, []string{"listen", "--addr", "127.0.0.1:0", "--on-failure", hostile}},
		{cli.ExitUsage, []string{"listen", "--addr", "127.0.0.1:0", "--tunnel", hostile}},
		{cli.ExitUsage, []string{"listen", "--addr", "127.0.0.1:0", "--delay", hostile}},
		{cli.ExitUsage, []string{"listen", "--addr", "127.0.0.1:0", "--body", "@" + hostile}},
		{cli.ExitFailure, []string{"listen", "--addr", "127.0.0.1:0", "--tls-cert", hostile, "--tls-key", hostile}},
		{cli.ExitUsage, []string{hostile}},
		{cli.ExitUsage, []string{"validate", "--" + hostile}},
	} {
		if code, shown := l.run(ctx, strings.NewReader(""), tt.args...); code != tt.code {
			t.Errorf("%q: exit %d, want %d\n%s", tt.args, code, tt.code, shown)
		}
	}
	for line := range strings.SplitSeq(l.printed(), "\n") {
		if bad := harmful.FindString(line); bad != "" {
			t.Errorf("%q was printed in %q", bad, line)
		}
	}
	if len(got) == 0 || !bytes.Equal(got[0], payload) {
		t.Errorf("the endpoint got %d deliveries; the first is %q", len(got), got)
	}
}

// hostileExport is the manifest of an export with hostile text in it, and a
// record of a delivery of it with such text.
func hostileExport(t *testing.T, l *lab, payload string) (manifest, arrived string) {
	t.Helper()
	dir := filepath.Join(l.dir, "export")
	if code, shown := l.run(t.Context(), strings.NewReader(""), "export", "vegeta", payload, "--to", "http://127.0.0.1:1/", "-o", dir); code != cli.ExitYes {
		t.Fatalf("exit %d: %s", code, shown)
	}
	manifest = filepath.Join(dir, export.ManifestFile)
	data, err := os.ReadFile(manifest)
	if err != nil {
		t.Fatal(err)
	}
	text := cli.CompactJSON(hostile)
	data = regexp.MustCompile(`"run": "[^"]*"`).ReplaceAllLiteral(data, []byte(`"run": `+text))
	if err := os.WriteFile(manifest, data, 0o600); err != nil {
		t.Fatal(err)
	}
	record := `{"header":{"X-Julianctl-Run":[` + text + `],"X-Julianctl-Seq":[` + text + `],"X-Julianctl-Copy":["1"]},"body":` + text + `}`
	return manifest, l.file("arrived\x1b[31m\u202e.ndjson", []byte(record+"\n"))
}

// The pattern above finds what it is meant to find.
func TestHarmfulFindsHarm(t *testing.T) {
	for _, bad := range []string{"\x1b", "\r", "\x07", "\u009b", "\u202e", "::error::x", "  ::set-output name=x::", "a ##[error]", "##vso[x]"} {
		if !harmful.MatchString(bad) {
			t.Errorf("%q passes", bad)
		}
	}
	for _, good := range []string{"plain é 😀 عربي", "\ttab", "a::b", "# title", "## title"} {
		if bad := harmful.FindString(good); bad != "" {
			t.Errorf("%q is found in %q", bad, good)
		}
	}
}
