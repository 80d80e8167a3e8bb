package checklist_test

import (
	"bufio"
	"fmt"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	gocmp "github.com/google/go-cmp/cmp"
	"github.com/julianctl/julianctl/pkg/checklist"
	"github.com/julianctl/julianctl/pkg/effects"
	"github.com/julianctl/julianctl/pkg/needs"
)

// The consumers of testdata, as people write them, each with its fault and
// mended: over HTTP, in processes of their own, and the report is right.
func TestConsumersOfOtherMakes(t *testing.T) {
	t.Parallel()
	repeated := repeats(fail)
	repeated["slow-sender"], repeated["final-count"] = fail, fail
	program := programs(t, "go/mended", "go/faulty")
	for _, tt := range []struct {
		name string
		argv func(t *testing.T) []string
		but  verdicts
	}{
		{"node/mended", script("node", "node/mended.mjs"), nil},
		{"node/faulty", script("node", "node/faulty.mjs"), verdicts{"together": fail, "final-count": fail}},
		{"python/mended", script("python3", "python/mended.py"), nil},
		{"python/faulty", script("python3", "python/faulty.py"), repeated},
		{"go/mended", program("go/mended"), nil},
		{"go/faulty", program("go/faulty"), verdicts{"other-bytes": fail, "later-content": fail, "changed-field": fail, "final-count": fail}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			to := started(t, tt.argv(t))
			o := options(t, to, "")
			o.Secrets = nil
			o.Settle = 100 * time.Millisecond
			o.Probe = effects.URLProbe(o.Client, "/calls/"+effects.Placeholder+"/count", "", nil)
			if !long() {
				o.Skip = []string{"speed"} // 500 threads of Python take their time
			}
			got := checked(t.Context(), o)
			want := expected{}.want(true)
			want["secret"] = skip
			for _, c := range checklist.Checks {
				if slices.Contains(o.Skip, c.Group) {
					delete(want, c.ID)
				}
			}
			maps.Copy(want, tt.but)
			if d := gocmp.Diff(want, got.verdicts()); d != "" || got.err != nil {
				t.Errorf("%v, verdicts (-want +got):\n%s\n%s%s%s", got.err, d, got.said(fail), got.said(undecided), got.said(warn))
			}
		})
	}
}

func consumerFile(name string) string {
	return filepath.Join("..", "..", "testdata", "consumers", filepath.FromSlash(name))
}

// script is run by an interpreter.
func script(interpreter, file string) func(*testing.T) []string {
	return func(t *testing.T) []string { return []string{needs.Program(t, interpreter), consumerFile(file), "0"} }
}

// programs are built when the first is asked for, all at once, and without what
// a debugger needs: most of the time is the linker's.
func programs(t *testing.T, folders ...string) func(folder string) func(*testing.T) []string {
	t.Helper()
	dir := t.TempDir()
	built := sync.OnceValue(func() error {
		args := []string{"build", "-ldflags=-s -w", "-o", dir + string(filepath.Separator)}
		for _, folder := range folders {
			args = append(args, "./"+filepath.ToSlash(consumerFile(folder)))
		}
		if out, err := exec.Command("go", args...).CombinedOutput(); err != nil {
			return fmt.Errorf("%w\n%s", err, out)
		}
		return nil
	})
	return func(folder string) func(*testing.T) []string {
		return func(t *testing.T) []string {
			t.Helper()
			needs.Program(t, "go")
			if err := built(); err != nil {
				t.Fatal(err)
			}
			program, err := exec.LookPath(filepath.Join(dir, filepath.Base(folder))) // with .exe, where it is called so
			if err != nil {
				t.Fatal(err)
			}
			return []string{program, "0"}
		}
	}
}

// started starts a consumer and returns the URL that it tells.
func started(t *testing.T, argv []string) string {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), argv[0], argv[1:]...)
	cmd.Stderr = os.Stderr
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		cmd.Process.Kill()
		cmd.Wait()
	})
	line, err := bufio.NewReader(out).ReadString('\n')
	if err != nil {
		t.Fatalf("%s told no URL: %v", argv[0], err)
	}
	return strings.TrimSpace(line)
}
