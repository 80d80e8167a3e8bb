//go:build unix

package supervise

import (
	"bufio"
	"fmt"
	"io"
	"os"
	"os/exec"
	"os/signal"
	"strings"
	"syscall"
	"time"
)

const supported = true

// ownSession keeps Ctrl-C of a terminal away from the shim and the consumer.
func ownSession(cmd *exec.Cmd) { cmd.SysProcAttr = &syscall.SysProcAttr{Setsid: true} }

// Shim runs argv with this process's streams and environment, and ends all that
// it started when it is told to on descriptor 3, or when that is closed. It
// returns when nothing is left.
func Shim(argv []string) error {
	orders, status := os.NewFile(3, "orders"), os.NewFile(4, "status")
	syscall.CloseOnExec(3)
	syscall.CloseOnExec(4)
	// Signals to stop are for whoever gives the orders. They are caught, not
	// ignored: the consumer would inherit that.
	signals := make(chan os.Signal, 1)
	signal.Notify(signals, syscall.SIGINT, syscall.SIGTERM, syscall.SIGHUP)
	adoptOrphans()
	path, err := exec.LookPath(argv[0])
	if err != nil {
		fmt.Fprintf(status, "%s%v\n", statusExited, err)
		return err
	}
	stdin, err := os.Open(os.DevNull)
	if err != nil {
		return err
	}
	process, err := os.StartProcess(path, argv, &os.ProcAttr{ //nolint:gosec // the user's own command
		Files: []*os.File{stdin, os.NewFile(1, "stdout"), os.NewFile(2, "stderr")},
		Sys:   &syscall.SysProcAttr{Setpgid: true},
	})
	if err != nil {
		fmt.Fprintf(status, "%s%v\n", statusExited, err)
		return err
	}
	_ = stdin.Close()
	all := &family{main: process.Pid, status: status, files: make(chan string, 1)}
	gone := make(chan struct{})
	go func() {
		all.reap(status, func(how string) { fmt.Fprintf(status, "%s%s\n", statusExited, how) })
		close(gone)
	}()
	killed := make(chan struct{})
	go func() {
		defer close(killed)
		lines := bufio.NewScanner(orders)
		for lines.Scan() {
			if order, ok := strings.CutPrefix(lines.Text(), orderFiles); ok {
				all.files <- order
				continue
			}
			switch lines.Text() + "\n" {
			case orderTerm:
				_ = syscall.Kill(process.Pid, syscall.SIGTERM) // an error: it has ended
			case orderKill:
				all.kill()
				return
			}
		}
		all.kill() // nobody is there any more who could say so
	}()
	<-gone
	// Where orphans are not adopted, some may be left.
	select {
	case <-killed:
	default:
		if !adopts {
			<-killed
		}
	}
	return nil
}

// family is the consumer with all that it started.
type family struct {
	main   int
	status io.Writer   // to whoever started it
	files  chan string // orders to follow what it does to files
}

func how(status syscall.WaitStatus) string {
	if status.Signaled() {
		return "signal: " + status.Signal().String()
	}
	return fmt.Sprintf("exit status %d", status.ExitStatus())
}

// kill stops what there is until nothing new comes up, tells how much that is, and
// then kills all of it.
func (f *family) kill() {
	stopped := map[int]bool{}
	for range 50 {
		found := false
		for _, pid := range f.members() {
			if !stopped[pid] {
				stopped[pid], found = true, true
				_ = syscall.Kill(pid, syscall.SIGSTOP)
			}
		}
		if !found {
			break
		}
	}
	fmt.Fprintf(f.status, "%s%d\n", statusKilled, len(stopped))
	_ = syscall.Kill(-f.main, syscall.SIGKILL)
	for pid := range stopped {
		_ = syscall.Kill(pid, syscall.SIGKILL)
	}
	// One that was forked at that instant has no parent but us now.
	for range 100 {
		left := f.members()
		if len(left) == 0 {
			return
		}
		for _, pid := range left {
			_ = syscall.Kill(pid, syscall.SIGKILL)
		}
		time.Sleep(time.Millisecond)
	}
}

// descendants are those processes of parents (pid to parent) that come from
// root, root itself not among them.
func descendants(parents map[int]int, root int) []int {
	var out []int
	for pid := range parents {
		for up, steps := parents[pid], 0; up > 1 && steps < len(parents); up, steps = parents[up], steps+1 {
			if up == root {
				out = append(out, pid)
				break
			}
		}
	}
	return out
}
