package main

import (
	"bufio"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/julianctl/julianctl/pkg/cli"
	"github.com/julianctl/julianctl/pkg/needs"
)

// TestRerunConfirmsTheFix does what a person does with a failure: mends the
// endpoint, which keeps its records, and types the command that was printed.
func TestRerunConfirmsTheFix(t *testing.T) {
	t.Parallel()
	python := needs.Program(t, "python3")
	records := filepath.Join(t.TempDir(), "calls.db")
	to, stop := startConsumer(t, python, "python/faulty.py", "0", records)
	var out buffer
	code, stderr := runner(t.Context(), t, &out, "check", "--to", to, "--only", "repeat,together", "--settle", "50ms",
		"--probe-url", strings.TrimSuffix(to, "/webhook")+"/calls/{callId}/count")
	lines := regexp.MustCompile(`rerun: (julianctl check .*)`).FindAllStringSubmatch(out.String(), -1)
	// One command for all that failed.
	if code != cli.ExitNo || len(lines) != 1 || !strings.Contains(lines[0][1], "--only repeat,together") {
		t.Fatalf("the faulty one: exit %d, %d commands to run again\n%s%s", code, len(lines), out.String(), stderr)
	}
	stop()
	u, err := url.Parse(to)
	if err != nil {
		t.Fatal(err)
	}
	startConsumer(t, python, "python/mended.py", u.Port(), records)
	for range 2 { // it may be typed again
		for _, line := range lines {
			words, err := cli.SplitCommand(line[1])
			if err != nil {
				t.Fatal(err)
			}
			var out buffer
			if code, stderr := runner(t.Context(), t, &out, words[1:]...); code != cli.ExitYes || !strings.Contains(out.String(), "PASS") {
				t.Errorf("%s: exit %d\n%s%s", line[1], code, out.String(), stderr)
			}
		}
	}
}

// startConsumer starts a consumer of testdata and returns its URL, and what ends
// it.
func startConsumer(t *testing.T, interpreter, file string, args ...string) (to string, stop func()) {
	t.Helper()
	path := filepath.Join("..", "..", "testdata", "consumers", filepath.FromSlash(file))
	cmd := exec.CommandContext(t.Context(), interpreter, append([]string{path}, args...)...)
	cmd.Stderr = os.Stderr
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	stop = func() {
		_ = cmd.Process.Kill()
		_ = cmd.Wait() // it was killed
	}
	t.Cleanup(stop)
	line, err := bufio.NewReader(out).ReadString('\n')
	if err != nil {
		t.Fatalf("%s printed no URL: %v", file, err)
	}
	return strings.TrimSpace(line), stop
}
