//go:build unix

package supervise

import (
	"bytes"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"
)

// The test program is the shim, the consumer, and what kills its parent.
func TestMain(m *testing.M) {
	if len(os.Args) > 1 {
		switch os.Args[1] {
		case ShimArg:
			if err := Shim(os.Args[2:]); err != nil {
				os.Exit(1)
			}
			os.Exit(0)
		case "julianctl":
			startAndHang(os.Args[2])
		}
	}
	os.Exit(m.Run())
}

// consumer is a shell script that starts others in every way that hides them:
// in the background, in another session, and orphaned in another session.
const consumer = `
echo $$ >>PIDS
sleep 1000 & echo $! >>PIDS
setsid sh -c 'echo $$ >>PIDS; exec sleep 1001' &
setsid sh -c 'env -i sh -c "sleep 1002 & echo \$! >>PIDS"' &
wait
`

func command(t *testing.T, script string) (Command, string) {
	pids := filepath.Join(t.TempDir(), "pids")
	return Command{Argv: []string{"sh", "-c", strings.ReplaceAll(script, "PIDS", pids)}, Shim: []string{os.Args[0], ShimArg}}, pids
}

// started waits until n process ids are in the file.
func started(t *testing.T, file string, n int) []int {
	t.Helper()
	for end := time.Now().Add(10 * time.Second); time.Now().Before(end); <-time.After(5 * time.Millisecond) {
		data, _ := os.ReadFile(file)
		var pids []int
		for word := range strings.FieldsSeq(string(data)) {
			if pid, err := strconv.Atoi(word); err == nil {
				pids = append(pids, pid)
			}
		}
		if len(pids) >= n {
			return pids
		}
	}
	t.Fatalf("%d processes did not start", n)
	return nil
}

// alive reports whether a process runs; a zombie does not.
func alive(pid int) bool {
	if syscall.Kill(pid, 0) != nil {
		return false
	}
	out, err := exec.Command("ps", "-o", "stat=", "-p", strconv.Itoa(pid)).Output()
	return err == nil && !bytes.HasPrefix(bytes.TrimSpace(out), []byte("Z")) && len(bytes.TrimSpace(out)) > 0
}

func TestKillEndsAll(t *testing.T) {
	if !adopts {
		t.Skip("orphans that left the group are not found on this system")
	}
	c, file := command(t, consumer)
	i, err := Start(c)
	if err != nil {
		t.Fatal(err)
	}
	pids := started(t, file, 4)
	if err := i.Kill(); err != nil {
		t.Error(err)
	}
	for _, pid := range pids {
		if alive(pid) {
			t.Errorf("process %d is left", pid)
		}
	}
	if i.Exit() != "signal: killed" {
		t.Errorf("ended by %q", i.Exit())
	}
}

// startAndHang is a program that starts a consumer and is then killed.
func startAndHang(script string) {
	i, err := Start(Command{Argv: []string{"sh", "-c", script}, Shim: []string{os.Args[0], ShimArg}})
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	<-i.Exited()
}

// Killed with kill -9 this program leaves nothing behind.
func TestKilledProgramLeavesNothing(t *testing.T) {
	if !adopts {
		t.Skip("orphans that left the group are not found on this system")
	}
	c, file := command(t, consumer)
	program := exec.Command(os.Args[0], "julianctl", c.Argv[2])
	if err := program.Start(); err != nil {
		t.Fatal(err)
	}
	pids := started(t, file, 4)
	if err := program.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	_ = program.Wait()
	for end := time.Now().Add(10 * time.Second); ; <-time.After(5 * time.Millisecond) {
		left := 0
		for _, pid := range pids {
			if alive(pid) {
				left++
			}
		}
		if left == 0 {
			return
		}
		if time.Now().After(end) {
			t.Fatalf("%d of %d processes are left", left, len(pids))
		}
	}
}

func TestConsumerThatEnds(t *testing.T) {
	c, _ := command(t, "echo no database here; exit 7")
	i, err := Start(c)
	if err != nil {
		t.Fatal(err)
	}
	err = i.Ready(t.Context(), i.URL("/"), 10*time.Second)
	if err == nil || !errors.Is(err, ErrEnded) || !strings.Contains(err.Error(), "exit status 7") {
		t.Errorf("%v", err)
	}
	if got := i.Output(); got != "no database here\n" {
		t.Errorf("printed %q", got)
	}
	if err := i.Kill(); err != nil {
		t.Error(err)
	}
}

func TestPortStaysTaken(t *testing.T) {
	c, file := command(t, "echo $$ >>PIDS; sleep 1000")
	i, err := Start(c)
	if err != nil {
		t.Fatal(err)
	}
	started(t, file, 1)
	other, err := net.Listen("tcp", fmt.Sprintf("127.0.0.1:%d", i.Port))
	if err != nil {
		t.Fatal(err)
	}
	defer other.Close()
	if err := i.Kill(); err == nil || !strings.Contains(err.Error(), "still answers") {
		t.Errorf("%v", err)
	}
}

func TestNoSuchProgram(t *testing.T) {
	i, err := Start(Command{Argv: []string{"no-such-program-here"}, Shim: []string{os.Args[0], ShimArg}})
	if err != nil {
		t.Fatal(err)
	}
	if err := i.Ready(t.Context(), i.URL("/"), 5*time.Second); err == nil || !strings.Contains(err.Error(), "not found") {
		t.Errorf("%v", err)
	}
}

// Two that choose at the same time must not choose the same: neither has it yet,
// and it would wait for the consumer of the other.
func TestPortsDiffer(t *testing.T) {
	seen := map[int]bool{}
	for range 200 {
		port, claim, err := freePort()
		if err != nil {
			t.Fatal(err)
		}
		defer claim.Close()
		if port < firstPort || port >= firstPort+ports {
			t.Fatalf("port %d is one that connections get", port)
		}
		if seen[port] {
			t.Errorf("port %d is given twice", port)
		}
		seen[port] = true
	}
}

// The port of a consumer is claimed until nothing of it is left.
func TestPortIsClaimed(t *testing.T) {
	t.Parallel()
	i, err := Start(Command{Argv: []string{"sleep", "1000"}, Shim: []string{os.Args[0], ShimArg}})
	if err != nil {
		t.Fatal(err)
	}
	if second, err := claimPort(i.Port); err == nil {
		second.Close()
		t.Errorf("port %d is given twice", i.Port)
	}
	if err := i.Kill(); err != nil {
		t.Fatal(err)
	}
	third, err := claimPort(i.Port)
	if err != nil {
		t.Fatalf("port %d is not given back: %v", i.Port, err)
	}
	third.Close()
}

// An answer on the port of a consumer that has ended is somebody else's.
func TestReadyIsItsOwnAnswer(t *testing.T) {
	t.Parallel()
	other := httptest.NewServer(http.NotFoundHandler())
	defer other.Close()
	gone := make(chan struct{})
	close(gone)
	if err := WaitReady(t.Context(), other.URL, 10*time.Second, gone); !errors.Is(err, ErrEnded) {
		t.Errorf("%v, want %v", err, ErrEnded)
	}
}
