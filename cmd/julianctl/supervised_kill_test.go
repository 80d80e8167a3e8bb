package main

import (
	"bytes"
	"context"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// However check ends, nothing of what it started goes on: it is killed at random
// moments, and within seconds no process carries its mark. The run after that is
// as right as ever.
func TestKilledCheckLeavesNothing(t *testing.T) {
	if _, err := os.Stat("/proc/self/environ"); err != nil {
		t.Skip("needs /proc to look for processes")
	}
	t.Parallel()
	rounds := 5
	if os.Getenv("JULIANCTL_LONG") != "" {
		rounds = 50
	}
	mark := fmt.Sprintf("JULIANCTL_MARK=%d-%d", os.Getpid(), rand.Uint64())
	check := func(ctx context.Context, more ...string) *exec.Cmd {
		// Two processes, one of them in a session of its own, which serves.
		args := append([]string{
			"check", "--config", os.DevNull, "--exec", "sh -c 'setsid consumer --port {port} & sleep 1000'", "--to", "/hook", "--env", mark,
			"--probe-url", "http://127.0.0.1:{port}/hook/count/{callId}", "--settle", "100ms",
		}, more...)
		return exec.CommandContext(ctx, "julianctl", args...)
	}
	ran := 0
	for round := range rounds {
		cmd := check(t.Context(), "--only", "crashes")
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		after := time.Duration(rand.IntN(3000)) * time.Millisecond
		ended := make(chan error, 1)
		go func() { ended <- cmd.Wait() }()
		select {
		case <-time.After(after):
			ran += len(marked(mark))
			if err := cmd.Process.Kill(); err != nil {
				t.Fatal(err)
			}
			<-ended
		case <-ended:
		}
		var left []string
		for end := time.Now().Add(10 * time.Second); ; <-time.After(5 * time.Millisecond) {
			if left = marked(mark); len(left) == 0 {
				break
			}
			if time.Now().After(end) {
				t.Fatalf("round %d, killed after %s: still running: %q", round+1, after, left)
			}
		}
	}
	if ran == 0 {
		t.Error("nothing ran at any of the moments")
	}
	// A consumer that forgets: that is found.
	out, err := check(t.Context(), "--only", "restart").CombinedOutput()
	if exitCode(err) != "1" || !bytes.Contains(out, []byte("gone after the restart")) {
		t.Errorf("%v: %s", err, out)
	}
	if left := marked(mark); len(left) > 0 {
		t.Errorf("still running after a whole run: %q", left)
	}
}

// marked are the command lines of the processes that have mark in their
// environment.
func marked(mark string) []string {
	paths, _ := filepath.Glob("/proc/[0-9]*/environ")
	var found []string
	for _, path := range paths {
		environ, err := os.ReadFile(path) // an error: it has ended, or is another's
		if err != nil || !strings.Contains("\x00"+string(environ), "\x00"+mark+"\x00") {
			continue
		}
		line, _ := os.ReadFile(filepath.Join(filepath.Dir(path), "cmdline"))
		found = append(found, strings.ReplaceAll(string(line), "\x00", " "))
	}
	return found
}
