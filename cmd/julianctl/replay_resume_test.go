package main

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/julianctl/julianctl/pkg/cli"
)

// killer is an endpoint that counts deliveries by callId and kills the sender
// when so many have come.
type killer struct {
	mu     sync.Mutex
	counts map[string]int
	left   int          // deliveries until the kill; 0: none is to come
	late   bool         // kill while the answer is on its way
	kill   func() error // of the process that runs
}

func (k *killer) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(r.Body)
	var payload struct{ CallID string }
	if err != nil || json.Unmarshal(body, &payload) != nil {
		return // cut off by the kill: it was not seen
	}
	k.mu.Lock()
	k.counts[payload.CallID]++
	now := k.left == 1
	k.left = max(k.left-1, 0)
	kill, late := k.kill, k.late
	k.mu.Unlock()
	if now && !late {
		_ = kill()
	}
	w.WriteHeader(http.StatusNoContent)
	if now && late {
		_ = kill()
	}
}

// Killed again and again at random points, the same command continues: every
// payload arrives, and each that arrived more often than asked for is named.
func TestReplayResumesAfterKill(t *testing.T) {
	kills := 5
	if os.Getenv("JULIANCTL_LONG") != "" {
		kills = 50
	}
	program, err := exec.LookPath("julianctl")
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	const payloads = 300
	var calls bytes.Buffer
	for n := range payloads {
		fmt.Fprintf(&calls, "{\"callId\":\"call.%d\",\"pad\":%q}\n", n, strings.Repeat("x", n))
	}
	if err := os.WriteFile(filepath.Join(dir, "calls.ndjson"), calls.Bytes(), 0o600); err != nil {
		t.Fatal(err)
	}
	scenarios := []struct {
		copies int
		args   []string
	}{
		{1, []string{"-c", "8"}},
		{3, []string{"--dup=2", "-c", "4"}},
		{3, []string{"--dup=2", "--dup-mode", "together", "-c", "3"}},
		{2, []string{"--dup", "--dup-mode", "shuffled", "-c", "8"}},
		{1, []string{"--shuffle", "--rate", "4000"}},
	}
	random := rand.New(rand.NewPCG(uint64(time.Now().UnixNano()), 0))
	for i, s := range scenarios {
		k := &killer{counts: map[string]int{}}
		endpoint := httptest.NewServer(k)
		args := append([]string{"replay", "calls.ndjson", "--to", endpoint.URL, "--format", "json", "--resume", fmt.Sprint("run", i)}, s.args...)
		run := func(left int) (code int, stdout []byte) {
			cmd := exec.Command(program, args...)
			cmd.Dir, cmd.Stderr = dir, os.Stderr
			var out bytes.Buffer
			cmd.Stdout = &out
			k.mu.Lock()
			k.left, k.late, k.kill = left, random.IntN(2) == 0, func() error { return cmd.Process.Kill() }
			if err := cmd.Start(); err != nil {
				t.Fatal(err)
			}
			k.mu.Unlock()
			_ = cmd.Wait() // its exit code is what counts
			return cmd.ProcessState.ExitCode(), out.Bytes()
		}
		killed := 0
		for range kills / len(scenarios) {
			// Not at the last deliveries: the kill might come too late.
			if code, _ := run(1 + random.IntN(payloads*s.copies/(kills/len(scenarios))-20)); code == -1 {
				killed++
			}
		}
		code, stdout := run(0)
		endpoint.Close() // waits for what was on its way
		if code != cli.ExitYes || killed == 0 {
			t.Fatalf("%q: exit %d after %d kills\n%.2000s", args, code, killed, stdout)
		}
		more := map[string]int{} // than its copies an id may have arrived
		answered := 0
		for lines := bufio.NewScanner(bytes.NewReader(stdout)); lines.Scan(); {
			var record struct {
				Kind, File, CallID         string
				Line, Number, Before, Copy int
				Again                      bool
				Answered                   any // of the summary: a number
				Resume                     struct{ Answered, Doubtful int }
			}
			if err := json.Unmarshal(lines.Bytes(), &record); err != nil {
				t.Fatal(err)
			}
			switch record.Kind {
			case "again":
				more[record.CallID] += record.Before - 1
				if record.Again {
					more[record.CallID]++
				}
				if record.File != "calls.ndjson" || fmt.Sprintf("call.%d", record.Line-1) != record.CallID || record.Number != record.Line || record.Copy < 1 {
					t.Errorf("names %+v", record)
				}
			case "summary":
				now, _ := record.Answered.(float64)
				answered = record.Resume.Answered + int(now)
			}
		}
		if answered != payloads*s.copies {
			t.Errorf("%q: %d answered in all", args, answered)
		}
		twice := 0
		for n := range payloads {
			id := fmt.Sprintf("call.%d", n)
			got := k.counts[id]
			if got < s.copies || got > s.copies+more[id] {
				t.Errorf("%q: %s arrived %d times, of %d copies; %d more may have", args, id, got, s.copies, more[id])
			}
			twice += got - s.copies
		}
		t.Logf("%q: killed %d times; %d arrived again, %d ids were named", s.args, killed, twice, len(more))
	}
}

// Interrupted, a run that is recorded says how it goes on.
func TestReplayResumeInterrupted(t *testing.T) {
	ctx, interrupt := context.WithCancel(t.Context())
	endpoint := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		_, _ = io.Copy(io.Discard, r.Body)
		interrupt()
	}))
	defer endpoint.Close()
	code, stdout, stderr := replayRun(ctx, t, nil, "--loop", "--to", endpoint.URL, "--resume", "run")
	if code != cli.ExitInterrupted || !strings.HasSuffix(stderr, "julianctl: interrupted\nhint: the same command goes on with the run in \"run\"\n") {
		t.Errorf("exit %d\n%s%s", code, stdout, stderr)
	}
}
