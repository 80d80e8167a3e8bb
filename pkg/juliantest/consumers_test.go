package juliantest_test

import (
	"cmp"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	gocmp "github.com/google/go-cmp/cmp"
	"github.com/julianctl/julianctl/pkg/needs"
	"github.com/julianctl/julianctl/testdata/consumers/gotest"
)

// The consumer of testdata is right, and with each of its faults exactly those
// subtests of its own test fail that are about it.
func TestConsumers(t *testing.T) {
	t.Parallel()
	needs.Program(t, "go")
	program := filepath.Join(t.TempDir(), "gotest.exe")
	folder := filepath.Join("..", "..", "testdata", "consumers", "gotest")
	build := exec.Command("go", "test", "-c", "-ldflags=-s -w", "-o", program, "./"+filepath.ToSlash(folder))
	if out, err := build.CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	tests := map[string]string{
		"":                           "",
		"no dedupe":                  "repeat together other-bytes later-content changed-field after-others after-pause lost-ack in-flight late-repeat final-count",
		"looks, then inserts":        "together final-count",
		"key holds the result":       "later-content changed-field final-count",
		"trims the id":               "near-ids",
		"summary is a template":      "meta-characters",
		"part of the secret":         "secret",
		"acknowledges, then fails":   "result-types final-count",
		"slow with long transcripts": "size-slope",
	}
	if len(tests) != len(gotest.Faults)+1 {
		t.Errorf("%d faults, and %d tests", len(gotest.Faults), len(tests)-1)
	}
	for fault, want := range tests {
		t.Run(cmp.Or(fault, "right"), func(t *testing.T) {
			t.Parallel()
			got := ran(t, exec.Command(program, "-test.v"), "FAULT="+fault)
			if d := gocmp.Diff(want, strings.Join(got.verdicts["FAIL"], " ")); d != "" || got.failed != (want != "") {
				t.Errorf("failed: %v; subtests that failed (-want +got):\n%s\n%s", got.failed, d, got.text)
			}
			if skipped := got.verdicts["SKIP"]; !slices.Equal(skipped, []string{"https"}) || len(got.verdicts["PASS"]) < 30 {
				t.Errorf("skipped %v, passed %v", skipped, got.verdicts["PASS"])
			}
			// It waits for about 2s: on an idle machine the rest is its CPU time.
			if fault == "" && (got.cpu > 7*time.Second || got.took > time.Minute) {
				t.Errorf("took %s, %s of CPU", got.took, got.cpu)
			}
		})
	}
}

// output is what a test program printed.
type output struct {
	text     string
	verdicts map[string][]string // PASS, FAIL and SKIP: checks
	failed   bool                // it exited with 1
	took     time.Duration
	cpu      time.Duration // of it
}

var subtest = regexp.MustCompile(`(?m)^    --- (PASS|FAIL|SKIP): \w+/(\S+) `)

func ran(t *testing.T, cmd *exec.Cmd, env ...string) output {
	t.Helper()
	cmd.Env = append(os.Environ(), env...)
	began := time.Now()
	text, err := cmd.CombinedOutput()
	got := output{text: string(text), verdicts: map[string][]string{}, took: time.Since(began)}
	if code := cmd.ProcessState.ExitCode(); code != 0 && code != 1 {
		t.Fatalf("%v\n%s", err, text)
	}
	got.failed = err != nil
	got.cpu = cmd.ProcessState.UserTime() + cmd.ProcessState.SystemTime()
	for _, m := range subtest.FindAllStringSubmatch(got.text, -1) {
		got.verdicts[m[1]] = append(got.verdicts[m[1]], m[2])
	}
	return got
}
