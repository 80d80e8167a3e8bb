package main

import (
	"bytes"
	"context"
	"encoding/pem"
	"fmt"
	"io"
	"log"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/julianctl/julianctl/pkg/cli"
	"github.com/julianctl/julianctl/pkg/cli/clitest"
	"github.com/julianctl/julianctl/pkg/cmd/root"
	"github.com/julianctl/julianctl/pkg/terminal"
)

// replayRun runs "julianctl replay" in this process.
func replayRun(ctx context.Context, t *testing.T, in io.Reader, args ...string) (code int, stdout, stderr string) {
	t.Helper()
	t.Chdir(t.TempDir())
	a := clitest.App(t)
	var out, errs bytes.Buffer
	a.In, a.Out, a.Err = in, terminal.NewOutput(&out), terminal.NewOutput(&errs)
	code = root.Run(ctx, a, append([]string{"replay"}, args...))
	return code, out.String(), errs.String()
}

// A dry run that several goroutines make has every delivery in its place.
func TestReplayDryRunInOrder(t *testing.T) {
	var in, text, records strings.Builder
	for i := range 5000 {
		body := fmt.Sprintf(`{"callId":"call.%d","pad":"%s"}`, i, strings.Repeat("x", i%300))
		in.WriteString(body + "\n")
		for copy := 1; copy <= 2; copy++ {
			fmt.Fprintf(&text, "%4d  <stdin>:%d  call.%d  copy %d/2  %dB\n", 2*i+copy, i+1, i, copy, len(body))
			fmt.Fprintf(&records, `{"schema":"julianctl.replay/v1","kind":"planned","file":"<stdin>","line":%d,"number":%d,"copy":%d,"callId":"call.%d","size":%d}`+"\n",
				i+1, i+1, copy, i, len(body))
		}
	}
	for format, want := range map[string]string{"text": text.String(), "json": records.String()} {
		code, stdout, stderr := replayRun(t.Context(), t, strings.NewReader(in.String()), "-", "--dry-run", "--dup", "--format", format, "--to", "http://127.0.0.1:1/")
		if got, _, _ := strings.Cut(stdout, "\ntarget "); code != cli.ExitYes || !strings.HasPrefix(stdout, want) || strings.Count(got, "\n") < 10_000 {
			t.Errorf("%s: exit %d, %d bytes, %s", format, code, len(stdout), stderr)
		}
	}
}

// The first Ctrl-C: nothing more is begun, answers on the way are waited for
// and reported, exit 130.
func TestReplayInterrupted(t *testing.T) {
	ctx, interrupt := context.WithCancel(t.Context())
	var arrived atomic.Int32
	both, answer := make(chan struct{}), make(chan struct{})
	endpoint := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		_, _ = io.Copy(io.Discard, r.Body)
		if arrived.Add(1) == 2 {
			close(both)
		}
		<-answer
	}))
	defer endpoint.Close()
	go func() {
		<-both
		interrupt()
		close(answer)
	}()
	payloads := strings.Repeat("{\"callId\":\"call.1\"}\n", 50)
	code, stdout, stderr := replayRun(ctx, t, strings.NewReader(payloads), "-", "-c", "2", "--to", endpoint.URL)
	if code != cli.ExitInterrupted || arrived.Load() != 2 {
		t.Errorf("exit %d, %d deliveries arrived", code, arrived.Load())
	}
	for _, want := range []string{`deliveries  2 planned, 2 sent, 2 answered`, `answers     2 × 200`, `interrupted after 2 deliveries, all answered 2xx\n$`} {
		if !regexp.MustCompile(want).MatchString(stdout) {
			t.Errorf("stdout has no %q:\n%s", want, stdout)
		}
	}
	if !strings.HasSuffix(stderr, "julianctl: interrupted\n") {
		t.Errorf("stderr: %s", stderr)
	}
}

// A reader that gives nothing and does not end does not hold the program.
func TestReplayInterruptedAtStdin(t *testing.T) {
	ctx, interrupt := context.WithCancel(t.Context())
	endpoint := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { interrupt() }))
	defer endpoint.Close()
	if code := replayOpenStdin(ctx, t, endpoint.URL); code != cli.ExitInterrupted {
		t.Errorf("exit %d", code)
	}
}

// replayOpenStdin replays two payloads from a stdin that stays open within a third,
// and returns the exit code.
func replayOpenStdin(ctx context.Context, t *testing.T, to string, flags ...string) (code int) {
	t.Helper()
	in, w := io.Pipe()
	defer w.Close()
	go func() { _, _ = io.WriteString(w, "{\"callId\":\"call.1\"}\n{\"callId\":\"call.2\"}\n{") }()
	done := make(chan int, 1)
	go func() {
		code, _, _ := replayRun(ctx, t, in, append(flags, "-", "--to", to)...)
		done <- code
	}()
	select {
	case code = <-done:
	case <-time.After(20 * time.Second):
		t.Fatal("still reading stdin")
	}
	return code
}

// blockingReader tells of its first read and then gives nothing.
type blockingReader struct{ reading, end chan struct{} }

func (r blockingReader) Read([]byte) (int, error) {
	close(r.reading)
	<-r.end
	return 0, io.EOF
}

func TestReplayInterruptedBeforeAnything(t *testing.T) {
	ctx, interrupt := context.WithCancel(t.Context())
	in := blockingReader{make(chan struct{}), make(chan struct{})}
	defer close(in.end)
	go func() {
		<-in.reading
		interrupt()
	}()
	code, stdout, _ := replayRun(ctx, t, in, "-", "--to", "http://127.0.0.1:1/")
	if code != cli.ExitInterrupted || !strings.HasSuffix(stdout, "\ninterrupted before anything was delivered\n") {
		t.Errorf("exit %d: %s", code, stdout)
	}
}

// The same with --fail-fast, which ends a run from inside.
func TestReplayFailFastAtStdin(t *testing.T) {
	var arrived atomic.Int32
	endpoint := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if arrived.Add(1) == 2 { // the third is being read by now
			w.WriteHeader(http.StatusNotFound)
		}
	}))
	defer endpoint.Close()
	if code := replayOpenStdin(t.Context(), t, endpoint.URL, "--fail-fast"); code != cli.ExitNo {
		t.Errorf("exit %d", code)
	}
}

// What an endpoint can do wrong, as a person sees it.
func TestReplayTells(t *testing.T) {
	hang := make(chan struct{})
	defer close(hang)
	tests := []struct {
		name    string
		handler http.HandlerFunc
		args    []string
		code    int
		want    string // regular expression on stdout
	}{
		{"redirect", func(w http.ResponseWriter, r *http.Request) { http.Redirect(w, r, "/elsewhere", http.StatusFound) }, nil, cli.ExitNo,
			`FAIL  <sample>:1  call\.abc123  redirect \(302\) to "/elsewhere", not followed\n      hint: redirects are never followed`},
		{"time-out", func(http.ResponseWriter, *http.Request) { <-hang }, []string{"--timeout", "100ms"}, cli.ExitNo,
			`no answer within 100ms\n      hint: an endpoint should acknowledge first`},
		{"no answer", func(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) }, []string{"--dup"}, cli.ExitNo,
			`copy 1/2  connection closed without an answer; whether it was processed is unknown\n      hint: .* does not send it again\nFAIL .*\n\n[^$]*answers     2 × unknown\nduplicates  1 group of 2 copies \(one after the other\), 0 acknowledged, 1 not answered to the last copy, answers alike\n\n2 of 2 deliveries failed\n$`},
		{"hostile answer", func(w http.ResponseWriter, _ *http.Request) {
			w.WriteHeader(422)
			_, _ = io.WriteString(w, "\n\x1b[2Jbad \u202e::error::x\nsecond line")
		}, nil, cli.ExitNo, `status 422 Unprocessable Entity\n      answer: \\x1b\[2Jbad \\u202e`},
		{"wants a secret", func(w http.ResponseWriter, r *http.Request) {
			if r.Header.Get("X-Webhook-Secret") != "Cr3t" {
				w.WriteHeader(401)
			}
		}, nil, cli.ExitNo, `status 401 Unauthorized\n      hint: does the endpoint want a secret\?`},
		{"gets its secret", func(w http.ResponseWriter, r *http.Request) {
			if r.Header.Get("X-Webhook-Secret") != "Cr3t" || r.Header.Get("User-Agent") != "julianctl/"+cli.Version() || r.Header.Get("Content-Type") != "application/json" {
				w.WriteHeader(401)
			}
		}, []string{"-H", "X-Webhook-Secret: Cr3t"}, cli.ExitYes, `1 delivery answered 2xx`},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			endpoint := httptest.NewUnstartedServer(tt.handler)
			endpoint.Config.ErrorLog = log.New(io.Discard, "", 0)
			endpoint.Start()
			t.Cleanup(endpoint.CloseClientConnections)
			code, stdout, stderr := replayRun(t.Context(), t, strings.NewReader(""), append(tt.args, "--to", endpoint.URL)...)
			if code != tt.code || !regexp.MustCompile(tt.want).MatchString(stdout) {
				t.Errorf("exit %d, want %d\n%s%s", code, tt.code, stdout, stderr)
			}
			if strings.Contains(stdout+stderr, "Cr3t") {
				t.Errorf("the secret is shown:\n%s%s", stdout, stderr)
			}
		})
	}
}

func TestReplayTLS(t *testing.T) {
	endpoint := httptest.NewUnstartedServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {}))
	endpoint.Config.ErrorLog = log.New(io.Discard, "", 0)
	endpoint.StartTLS()
	defer endpoint.Close()
	ca := filepath.Join(t.TempDir(), "ca.pem")
	if err := os.WriteFile(ca, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: endpoint.Certificate().Raw}), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, tt := range []struct {
		args []string
		code int
		want string
	}{
		{nil, cli.ExitFailure, "hint: --cacert FILE trusts"},
		{[]string{"--cacert", ca}, cli.ExitYes, ""},
		{[]string{"--insecure"}, cli.ExitYes, ""},
		{[]string{"--cacert", os.DevNull}, cli.ExitUsage, "holds no PEM certificate"},
	} {
		code, _, stderr := replayRun(t.Context(), t, strings.NewReader(""), append(tt.args, "--to", endpoint.URL)...)
		if code != tt.code || !strings.Contains(stderr, tt.want) {
			t.Errorf("%v: exit %d, want %d: %s", tt.args, code, tt.code, stderr)
		}
	}
}
