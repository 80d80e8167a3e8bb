package supervise

import (
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"
)

// writer waits for a file called go, and then makes and writes two files, renames
// one, and links the other.
const writer = `cd DIR; until [ -e go ]; do sleep 0.01; done; echo a >one; echo b >two; mv one three; ln two four; ln two four || mkdir . || echo >>two; : >two; touch done; sleep 1000`

// writes starts the writer, follows its files, and lets it write.
func writes(t *testing.T, at int, after bool) (i *Instance, dir string) {
	t.Helper()
	dir = t.TempDir()
	i, err := Start(Command{Argv: []string{"sh", "-c", "cd " + dir + writer[len("cd DIR"):]}, Shim: []string{os.Args[0], ShimArg}})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { i.Kill() })
	if err := i.WatchFiles(at, after, time.Millisecond); err != nil {
		t.Skip(err)
	}
	if err := os.WriteFile(filepath.Join(dir, "go"), nil, 0o600); err != nil {
		t.Fatal(err)
	}
	return i, dir
}

func TestFileSteps(t *testing.T) {
	t.Parallel()
	i, dir := writes(t, 0, false)
	for end := time.Now().Add(10 * time.Second); time.Now().Before(end); <-time.After(5 * time.Millisecond) {
		if _, err := os.Stat(filepath.Join(dir, "done")); err == nil {
			break
		}
	}
	var got []string
	for _, s := range i.FileSteps() {
		got = append(got, fmt.Sprintf("%s %s %t", s.Call, filepath.Base(s.Path), s.Changes))
	}
	if want := []string{
		"open one true", "write one true", "open two true", "write two true", "rename three true", "link four true",
		"write two true", "open two true", "open done true",
	}; !slices.Equal(got, want) {
		t.Errorf("%q, want %q", got, want)
	}
	if err := i.Kill(); err != nil {
		t.Error(err)
	}
}

// The consumer is killed before or after the call that was named, and what comes
// after that has not happened.
func TestKillAtFileStep(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		at    int
		after bool
		want  string // what is in the files
	}{
		{1, false, ""},
		{2, false, "one:"},
		{2, true, "one: a"},
		{4, false, "one: a two:"},
		{5, false, "one: a two: b"},
		{5, true, "two: b three: a"},
		{6, true, "two: b three: a four: b"},
		{8, true, "two: three: a four:"},
	} {
		i, dir := writes(t, tt.at, tt.after)
		select {
		case <-i.FileHit():
		case <-time.After(10 * time.Second):
			t.Fatalf("%d: not reached; %v", tt.at, i.FileSteps())
		}
		select {
		case <-i.Gone():
		case <-time.After(10 * time.Second):
			t.Fatalf("%d: still there", tt.at)
		}
		got := ""
		for _, name := range []string{"one", "two", "three", "four"} {
			if data, err := os.ReadFile(filepath.Join(dir, name)); err == nil {
				got += fmt.Sprintf(" %s: %s", name, data)
			}
		}
		if got = strings.Join(strings.Fields(got), " "); got != tt.want {
			t.Errorf("%d, after %t: %q, want %q", tt.at, tt.after, got, tt.want)
		}
	}
}

// What the consumer asks over TCP is told: its files are not all there is.
func TestPeers(t *testing.T) {
	t.Parallel()
	if _, err := exec.LookPath("bash"); err != nil {
		t.Skip(err)
	}
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer listener.Close()
	addr := listener.Addr().(*net.TCPAddr)
	go func() {
		for {
			conn, err := listener.Accept()
			if err != nil {
				return
			}
			defer conn.Close()
		}
	}()
	dir := t.TempDir()
	script := fmt.Sprintf("until [ -e %s/go ]; do sleep 0.01; done; exec 7<>/dev/tcp/127.0.0.1/%d; echo hello >&7; touch %s/done; sleep 1000", dir, addr.Port, dir)
	i, err := Start(Command{Argv: []string{"bash", "-c", script}, Shim: []string{os.Args[0], ShimArg}})
	if err != nil {
		t.Fatal(err)
	}
	defer i.Kill()
	if err := i.WatchFiles(0, false, 0); err != nil {
		t.Skip(err)
	}
	if err := os.WriteFile(filepath.Join(dir, "go"), nil, 0o600); err != nil {
		t.Fatal(err)
	}
	for end := time.Now().Add(10 * time.Second); len(i.Peers()) == 0 && time.Now().Before(end); <-time.After(5 * time.Millisecond) {
	}
	if got := i.Peers(); !slices.Equal(got, []string{addr.String()}) || len(i.FileSteps()) > 0 {
		t.Errorf("%q, %v; want %s", got, i.FileSteps(), addr)
	}
}
