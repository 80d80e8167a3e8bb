package validate

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/julianctl/julianctl/pkg/cli"
	"github.com/julianctl/julianctl/pkg/cli/clitest"
	"github.com/julianctl/julianctl/pkg/terminal"
)

// watched runs watch over a folder in a bubble, where time passes at once:
// script stands for the world, told of each run, and ends it.
func watched(t *testing.T, run func(n int) error, script func(dir string, runs <-chan int, end func())) (stderr string, err error) {
	t.Helper()
	dir := t.TempDir()
	synctest.Test(t, func(t *testing.T) {
		a := clitest.App(t)
		var out bytes.Buffer
		a.Err = terminal.NewOutput(&out)
		a.Now = time.Now
		a.Style, a.ErrStyle = a.Styles("never")
		ctx, cancel := context.WithCancel(t.Context())
		runs := make(chan int)
		done := make(chan struct{})
		go func() {
			defer close(done)
			n := 0
			err = watch(ctx, a, func() []string { return []string{dir} }, func(context.Context) error {
				n++
				select {
				case runs <- n:
				case <-ctx.Done():
				}
				return run(n)
			})
		}()
		script(dir, runs, cancel)
		cancel()
		<-done
		stderr = strings.ReplaceAll(out.String(), dir+string(filepath.Separator), "")
	})
	return stderr, err
}

func put(t *testing.T, path, text string) {
	t.Helper()
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
}

func TestWatch(t *testing.T) {
	stderr, err := watched(t, func(int) error { return cli.Verdict(cli.ExitNo) }, func(dir string, runs <-chan int, end func()) {
		a, b := filepath.Join(dir, "a.json"), filepath.Join(dir, "b.json")
		<-runs
		synctest.Wait()
		put(t, a, "1") // comes to be
		<-runs
		synctest.Wait()
		put(t, a, "22") // grows
		put(t, b, "1")
		<-runs
		synctest.Wait()
		if err := os.Remove(b); err != nil {
			t.Fatal(err)
		}
		<-runs
		synctest.Wait()
		put(t, filepath.Join(dir, "notes.txt"), "no payload")
		<-time.After(time.Minute) // of the bubble
		select {
		case n := <-runs:
			t.Errorf("run %d without a change", n)
		default:
		}
		// Another file in its place, of the same size and time.
		info, err := os.Stat(a)
		if err != nil {
			t.Fatal(err)
		}
		put(t, a+".new", "33")
		if err := errors.Join(os.Chtimes(a+".new", info.ModTime(), info.ModTime()), os.Rename(a+".new", a)); err != nil {
			t.Fatal(err)
		}
		<-runs
		synctest.Wait()
		end()
	})
	// The bubble's clock begins at midnight.
	want := `watching 0 files; Ctrl-C ends
── 00:00:00 ── a.json changed
── 00:00:01 ── a.json and 1 more changed
── 00:00:01 ── b.json changed
── 00:01:02 ── a.json changed
`
	if d := cmp.Diff(want, stderr); d != "" {
		t.Errorf("stderr (-want +got):\n%s", d)
	}
	var f *cli.ExitError
	if !errors.As(err, &f) || f.Code != cli.ExitNo {
		t.Errorf("%v, want the verdict of the last run", err)
	}
}

// A file that is being written is waited for, but not for ever.
func TestWatchWaitsForRest(t *testing.T) {
	_, _ = watched(t, func(int) error { return nil }, func(dir string, runs <-chan int, end func()) {
		path := filepath.Join(dir, "a.ndjson")
		<-runs
		synctest.Wait()
		from := time.Now()
		<-time.After(watchEvery / 2) // from here on, writes and looks take turns
		for n := range 5 {
			put(t, path, strings.Repeat("x", n+1))
			select {
			case <-runs:
				t.Errorf("run after %s, while the file grows", time.Since(from))
			case <-time.After(watchEvery):
			}
		}
		<-runs
		synctest.Wait()
		from = time.Now()
		for n := range 100 {
			put(t, path, strings.Repeat("y", n+1))
			select {
			case <-runs:
				if after := time.Since(from); after != watchPatience*watchEvery {
					t.Errorf("run after %s", after)
				}
				return
			case <-time.After(watchEvery - 1):
			}
		}
		t.Error("no run while the file grows")
	})
}

// Ctrl-C in the first run interrupts; in a later one the answer before stands.
// A failure is the end.
func TestWatchEnds(t *testing.T) {
	change := func(dir string, runs <-chan int) {
		<-runs
		synctest.Wait()
		put(t, filepath.Join(dir, "a.json"), "1")
	}
	interrupted := fmt.Errorf("reading: %w", context.Canceled)
	_, err := watched(t, func(int) error { return interrupted }, func(_ string, _ <-chan int, end func()) { end() })
	if !errors.Is(err, interrupted) {
		t.Errorf("interrupted in the first run: %v", err)
	}
	_, err = watched(t, func(n int) error {
		if n == 1 {
			return cli.Verdict(cli.ExitFailure)
		}
		return interrupted
	}, func(dir string, runs <-chan int, end func()) {
		change(dir, runs)
		<-time.After(time.Second) // of the bubble: the second run waits
		end()
	})
	var f *cli.ExitError
	if !errors.As(err, &f) || f.Code != cli.ExitFailure || f.Err != nil {
		t.Errorf("interrupted in the second run: %v", err)
	}
	full := errors.New("no space left")
	_, err = watched(t, func(n int) error {
		if n == 2 {
			return full
		}
		return nil
	}, func(dir string, runs <-chan int, _ func()) {
		change(dir, runs)
		<-runs
		synctest.Wait()
	})
	if !errors.Is(err, full) {
		t.Errorf("a failure: %v", err)
	}
}
