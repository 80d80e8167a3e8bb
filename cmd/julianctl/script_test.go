package main

import (
	"flag"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/rogpeppe/go-internal/testscript"
)

// The same flag rewrites every file that a test holds current: scripts'
// expected output, completions.
var update = flag.Bool("update", false, "rewrite the files that tests hold current")

// TestMain lets more tests run at once than there are processors, unless it was
// said how many: they wait more than they work.
func TestMain(m *testing.M) {
	_ = flag.Set("test.parallel", "8") // a number is never refused
	testscript.Main(m, map[string]func(){"julianctl": main, "consumer": consumerMain})
}

// TestScript runs the scripts under testdata/script: the program as it is
// used, offline, with an empty home and none of the caller's settings.
func TestScript(t *testing.T) {
	dir := filepath.Join("..", "..", "testdata", "script")
	files, err := filepath.Glob(filepath.Join(dir, "*.txtar"))
	if err != nil || len(files) == 0 {
		t.Fatalf("no scripts in %s (%v)", dir, err)
	}
	testscript.Run(t, testscript.Params{
		Dir:           dir,
		UpdateScripts: *update,
		Setup: func(e *testscript.Env) error {
			e.Setenv("HOME", e.WorkDir+"/home")
			e.Setenv("XDG_CONFIG_HOME", "")
			e.Setenv("XDG_STATE_HOME", "")
			e.Setenv("JULIANCTL_LOG", "off")        // but where a script is about it
			e.Setenv("JULIANCTL_KEY_STORE", "file") // never the caller's keyring
			// With the race detector a program would sleep for a second at its end.
			e.Setenv("GORACE", "atexit_sleep_ms=20")
			return os.Mkdir(e.WorkDir+"/home", 0o700)
		},
		Cmds: map[string]func(*testscript.TestScript, bool, []string){
			"envfile": envFile,
			"exits":   exits,
		},
	})
}

// envFile is the script command "envfile NAME FILE": it waits for FILE, such as
// a ready file, and sets NAME to what it holds.
func envFile(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 2 {
		ts.Fatalf("usage: envfile NAME FILE")
	}
	path := ts.MkAbs(args[1])
	deadline := time.Now().Add(20 * time.Second)
	for {
		data, err := os.ReadFile(path)
		if err == nil && len(data) > 0 {
			ts.Setenv(args[0], strings.TrimSpace(string(data)))
			return
		}
		if time.Now().After(deadline) {
			ts.Fatalf("%s did not appear: %v", args[1], err)
		}
		<-time.After(5 * time.Millisecond)
	}
}

// exits is the script command "exits CODE program args…": the program must end
// with exactly CODE. Its output is there for stdout and stderr.
func exits(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) < 2 {
		ts.Fatalf("usage: exits CODE program args...")
	}
	err := ts.Exec(args[1], args[2:]...)
	if got := exitCode(err); got != args[0] {
		ts.Fatalf("exit code %s, want %s", got, args[0])
	}
}

func exitCode(err error) string {
	if err == nil {
		return "0"
	}
	// *exec.ExitError prints as "exit status N".
	if code, ok := strings.CutPrefix(err.Error(), "exit status "); ok {
		return code
	}
	return err.Error()
}
