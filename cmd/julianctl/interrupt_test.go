package main

import (
	"context"
	"io"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/julianctl/julianctl/pkg/cli"
	"github.com/julianctl/julianctl/pkg/cmd/root"
	"github.com/julianctl/julianctl/pkg/terminal"
)

// silent is a standard input that nobody writes to.
type silent struct {
	once  sync.Once
	asked chan struct{} // closed by the first read
}

func (s *silent) Read([]byte) (int, error) {
	s.once.Do(func() { close(s.asked) })
	select {} // as a terminal or a pipe whose writer does nothing
}

// interrupted runs a command line, ends its context once begun is closed, and
// returns its exit code and what it wrote.
func interrupted(t *testing.T, in io.Reader, begun <-chan struct{}, out io.Writer, args ...string) (code int, stderr string) {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	var errs buffer
	a := &cli.App{
		In: in, Out: terminal.NewOutput(out), Err: terminal.NewOutput(&errs), Now: time.Now,
		Env: func(name string) string { return map[string]string{"HOME": t.TempDir()}[name] },
	}
	ended := make(chan int, 1)
	go func() { ended <- root.Run(ctx, a, args) }()
	select {
	case <-begun:
	case code := <-ended:
		t.Fatalf("ended with exit code %d before it was interrupted: %s", code, errs.String())
	}
	cancel()
	select {
	case code := <-ended:
		return code, errs.String()
	case <-time.After(20 * time.Second):
		t.Fatalf("goes on after it was interrupted: %s", errs.String())
	}
	return 0, ""
}

// Every command that reads stdin ends at the first Ctrl-C, though nobody writes
// to it, with exit code 130 and without another complaint.
func TestInterruptedReadingStdin(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	empty := filepath.Join(dir, "empty.db")
	var out buffer
	if code, stderr := runner(t.Context(), t, &out, "listen", "--addr", "127.0.0.1:0", "--log", empty, "--timeout", "1ms", "--exit-after", "1"); code != cli.ExitNo {
		t.Fatalf("making a log: exit %d: %s", code, stderr)
	}
	payloads := filepath.Join(dir, "payloads.json")
	if err := os.WriteFile(payloads, []byte(`{"callId":"call.1"}`), 0o600); err != nil {
		t.Fatal(err)
	}
	schema := filepath.Join(dir, "schema.json")
	if err := os.WriteFile(schema, []byte(`{"type":"object"}`), 0o600); err != nil {
		t.Fatal(err)
	}
	if code, stderr := runner(t.Context(), t, &out, "export", "vegeta", payloads, "--to", "http://127.0.0.1:1/", "-o", filepath.Join(dir, "vegeta")); code != cli.ExitYes {
		t.Fatalf("making a manifest: exit %d: %s", code, stderr)
	}
	for _, line := range []string{
		"validate -",
		"validate",
		"validate - --format json",
		"validate - --report junit=" + filepath.Join(dir, "x.xml"),
		"validate - --schema " + schema,
		"redact -",
		"schema infer -",
		"schema diff -",
		"schema diff " + payloads + " --against -",
		"replay - --to http://127.0.0.1:1/",
		"replay - --to http://127.0.0.1:1/ --dry-run",
		"replay - --to http://127.0.0.1:1/ --rate 5",
		"export vegeta - --to http://127.0.0.1:1/",
		"export k6 - --to http://127.0.0.1:1/ -o " + filepath.Join(dir, "k6"),
		"export verify --received - --manifest " + filepath.Join(dir, "vegeta", "manifest.json"),
		"log reconcile --against - --log " + empty,
		"auth login",
		"auth status --api-key-file -",
		"sample agent.abc123 --api-key-file -",
		"check --to http://127.0.0.1:1/ --drill --drill-phase 1ms",
	} {
		t.Run(line, func(t *testing.T) {
			t.Parallel()
			in := &silent{asked: make(chan struct{})}
			code, stderr := interrupted(t, in, in.asked, io.Discard, append(strings.Fields(line), "--config", os.DevNull)...)
			if code != cli.ExitInterrupted || !strings.HasSuffix(stderr, "julianctl: interrupted\n") || strings.Contains(stderr, "context canceled") {
				t.Errorf("exit %d, want %d: %s", code, cli.ExitInterrupted, stderr)
			}
		})
	}
}

// watchedOutput closes begun when text was written.
type watchedOutput struct {
	buffer
	text  string
	once  sync.Once
	begun chan struct{}
}

func (u *watchedOutput) Write(p []byte) (int, error) {
	n, err := u.buffer.Write(p)
	if strings.Contains(u.String(), u.text) {
		u.once.Do(func() { close(u.begun) })
	}
	return n, err
}

// An interrupted demo has not failed, wherever it was.
func TestInterruptedDemo(t *testing.T) {
	t.Parallel()
	for _, at := range []string{"# Fetch", "$ julianctl sample", "$ julianctl validate broken.json", "$ julianctl replay", "$ julianctl check"} {
		t.Run(at, func(t *testing.T) {
			t.Parallel()
			out := &watchedOutput{text: at, begun: make(chan struct{})}
			code, stderr := interrupted(t, strings.NewReader(""), out.begun, out, "demo")
			if code != cli.ExitInterrupted || stderr != "julianctl: interrupted\n" || strings.Contains(out.String(), "demo failed") {
				t.Errorf("exit %d, want %d: %s\n%s", code, cli.ExitInterrupted, stderr, out.String())
			}
		})
	}
}
