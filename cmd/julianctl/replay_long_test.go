package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/julianctl/julianctl/pkg/cli"
)

// replayed runs the program and returns its last record and its largest memory
// in bytes, 0 where nobody knows.
func replayed(t *testing.T, stdin io.Reader, args ...string) (s replayResult, memory int64) {
	t.Helper()
	program, err := exec.LookPath("julianctl")
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(program, append([]string{"replay"}, args...)...)
	cmd.Stdin = stdin
	last := &lastLine{}
	var errs bytes.Buffer
	cmd.Stdout, cmd.Stderr = last, &errs
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	done := make(chan struct{})
	peak := make(chan int64)
	go func() { peak <- memoryOf(cmd.Process.Pid, done) }()
	err = cmd.Wait()
	close(done)
	memory = <-peak
	if cmd.ProcessState.ExitCode() > cli.ExitNo {
		t.Fatalf("%q: %v\n%s", args, err, errs.String())
	}
	if err := json.Unmarshal(last.line, &s); err != nil {
		t.Fatalf("%q: %v in %q", args, err, last.line)
	}
	return s, memory
}

// memoryOf watches the largest memory of a process until it is done; 0 where
// the system does not tell. What wait tells of it begins with that of this one.
func memoryOf(pid int, done <-chan struct{}) (most int64) {
	for {
		status, _ := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid))
		if _, after, ok := bytes.Cut(status, []byte("VmHWM:")); ok {
			var kib int64
			_, _ = fmt.Sscan(string(after), &kib)
			most = max(most, kib<<10)
		}
		select {
		case <-done:
			return most
		case <-time.After(20 * time.Millisecond):
		}
	}
}

// lastLine keeps the last whole line of what is written to it.
type lastLine struct{ line, rest []byte }

func (l *lastLine) Write(p []byte) (int, error) {
	l.rest = append(l.rest, p...)
	if end := bytes.LastIndexByte(l.rest, '\n'); end >= 0 {
		begin := bytes.LastIndexByte(l.rest[:end], '\n') + 1
		l.line = append(l.line[:0], l.rest[begin:end]...)
		l.rest = append(l.rest[:0], l.rest[end+1:]...)
	}
	return len(p), nil
}

// lines is a reader of the same line again and again.
type lines struct {
	line []byte
	left int64 // bytes
	at   int
}

func (r *lines) Read(p []byte) (n int, err error) {
	if r.left == 0 {
		return 0, io.EOF
	}
	for n < len(p) && r.left > 0 {
		c := copy(p[n:min(len(p), n+int(min(r.left, 1<<20)))], r.line[r.at:])
		n, r.at, r.left = n+c, (r.at+c)%len(r.line), r.left-int64(c)
	}
	return n, nil
}

// sink is an endpoint that counts bytes.
func sink(t *testing.T) (url string, got *atomic.Int64) {
	got = new(atomic.Int64)
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		n, _ := io.Copy(io.Discard, r.Body)
		got.Add(n)
		w.WriteHeader(http.StatusNoContent)
	}))
	t.Cleanup(s.Close)
	return s.URL, got
}

const mib = 1 << 20

// Whatever its size, a source is delivered in the same memory: from a pipe and
// from a file.
func TestReplayStreams(t *testing.T) {
	piped, filed := int64(32*mib), int64(16*mib)
	if os.Getenv("JULIANCTL_LONG") != "" {
		piped, filed = 10<<30, 2<<30+100*mib // past what 31 bits count
	}
	url, got := sink(t)
	line := fmt.Appendf(nil, "{\"callId\":\"call.1\",\"pad\":%q}\n", strings.Repeat("x", 32<<10))
	path := filepath.Join(t.TempDir(), "calls.ndjson")
	file, err := os.Create(path)
	if err != nil {
		t.Fatal(err)
	}
	whole := func(size int64) int64 { return size - size%int64(len(line)) }
	if _, err := io.Copy(file, &lines{line: line, left: whole(filed)}); err != nil {
		t.Fatal(err)
	}
	if err := file.Close(); err != nil {
		t.Fatal(err)
	}
	for _, tt := range []struct {
		size  int64
		stdin io.Reader
		args  []string
	}{
		{whole(piped), &lines{line: line, left: whole(piped)}, []string{"-", "-c", "8"}},
		{whole(filed), nil, []string{path, "-c", "8"}},
		{whole(filed), nil, []string{path, "-c", "8", "--resume", filepath.Join(t.TempDir(), "run")}},
		{whole(filed), nil, []string{path, "-c", "2", "--shuffle"}},
		{0, nil, []string{path, "--dry-run"}},
	} {
		got.Store(0)
		s, memory := replayed(t, tt.stdin, append(tt.args, "--to", url, "--format", "json")...)
		n := int(tt.size) / len(line)
		if body := int64(n) * int64(len(line)-1); tt.size > 0 && (s.OK != n || got.Load() != body) || s.Planned == 0 {
			t.Errorf("%q: %d of %d deliveries, %d of %d bytes", tt.args, s.OK, n, got.Load(), body)
		}
		limit := int64(80 * mib)
		if tt.args[len(tt.args)-1] == "--shuffle" {
			limit = 160 * mib // its window, and garbage
		}
		if memory > limit && !raced {
			t.Errorf("%q: %d MiB of memory", tt.args, memory/mib)
		}
		t.Logf("%q: %d MiB in %.0f ms, %d MiB of memory", tt.args, tt.size/mib, s.ElapsedMS, memory/mib)
	}
}

// Many files, one that is large, and none at all.
func TestReplaySizes(t *testing.T) {
	url, got := sink(t)
	dir := t.TempDir()
	files := 300
	if os.Getenv("JULIANCTL_LONG") != "" {
		files = 10_000
	}
	for n := range files {
		if err := os.WriteFile(filepath.Join(dir, fmt.Sprintf("%05d.json", n)), fmt.Appendf(nil, `{"callId":"call.%d"}`, n), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	if s, memory := replayed(t, nil, dir, "-c", "8", "--to", url, "--format", "json"); s.OK != files || memory > 80*mib {
		t.Errorf("%d of %d files, %d MiB", s.OK, files, memory/mib)
	}
	large := filepath.Join(t.TempDir(), "large.json")
	body := fmt.Appendf(nil, `{"callId":"call.1","pad":%q}`, strings.Repeat("y", 50*mib))
	if err := os.WriteFile(large, body, 0o600); err != nil {
		t.Fatal(err)
	}
	got.Store(0)
	s, memory := replayed(t, nil, large, "--dup", "--dup-mode", "together", "--to", url, "--format", "json")
	if s.OK != 2 || got.Load() != int64(2*len(body)) || memory > 300*mib {
		t.Errorf("%d deliveries, %d bytes, %d MiB", s.OK, got.Load(), memory/mib)
	}
	t.Logf("50 MiB in %d MiB of memory", memory/mib)
	// Half a gigabyte of an answer is not read, on any connection.
	flood := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		piece := make([]byte, mib)
		for range 500 {
			if _, err := w.Write(piece); err != nil {
				return
			}
		}
	}))
	defer flood.Close()
	if s, memory := replayed(t, nil, "--loop", "--count", "64", "-c", "16", "--to", flood.URL, "--format", "json"); s.Errors["too-large"] != 64 || memory > 80*mib {
		t.Errorf("%v, %d MiB", s.Errors, memory/mib)
	}
	empty := filepath.Join(t.TempDir(), "empty.json")
	if err := os.WriteFile(empty, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	code, _, stderr := replayRun(t.Context(), t, strings.NewReader(""), empty, "--to", url)
	if code != cli.ExitFailure || !strings.Contains(stderr, "empty.json\": holds no payload") {
		t.Errorf("exit %d: %s", code, stderr)
	}
}

// An endpoint that stands still for a second shows it, at a rate; and without
// one deliveries go out when they are due.
func TestReplayShowsStall(t *testing.T) {
	if os.Getenv("JULIANCTL_LONG") == "" {
		t.Skip("JULIANCTL_LONG is not set: a busy machine would fail it")
	}
	var began atomic.Int64
	stall := false
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		_, _ = io.Copy(io.Discard, r.Body)
		began.CompareAndSwap(0, time.Now().UnixNano())
		if since := time.Since(time.Unix(0, began.Load())); stall && since > 2*time.Second && since < 3*time.Second {
			<-time.After(3*time.Second - since)
		}
		w.WriteHeader(http.StatusNoContent)
	}))
	defer s.Close()
	args := []string{"--loop", "--rate", "2000", "--duration", "5s", "-c", "4096", "--to", s.URL, "--format", "json"}
	calm, _ := replayed(t, nil, args...)
	if calm.Pace.Lateness.P50 > 1 || calm.Pace.Reached < 1990 {
		t.Errorf("lateness %+v ms, %.0f a second", *calm.Pace.Lateness, calm.Pace.Reached)
	}
	began.Store(0)
	stall = true
	stalled, _ := replayed(t, nil, args...)
	if stalled.Latency.P99 < 800 || stalled.Latency.P50 > 100 {
		t.Errorf("latency %+v ms", *stalled.Latency)
	}
	t.Logf("lateness %+v ms; with a stall: latency %+v ms", *calm.Pace.Lateness, *stalled.Latency)
}
