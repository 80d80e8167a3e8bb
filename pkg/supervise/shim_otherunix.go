//go:build unix && !linux

package supervise

import (
	"context"
	"fmt"
	"io"
	"os"
	"os/exec"
	"strings"
	"syscall"
	"time"
)

// adopts: an orphan belongs to the system's first process here. Those that left
// the consumer's process group as well are not found.
const adopts = false

func adoptOrphans() {}

// members are the processes that come from this one, and those of the
// consumer's group.
func (f *family) members() []int {
	ctx, cancel := context.WithTimeout(context.Background(), 2*time.Second)
	defer cancel()
	out, err := exec.CommandContext(ctx, "ps", "-A", "-o", "pid=,ppid=,pgid=,stat=").Output()
	if err != nil {
		return []int{f.main}
	}
	parents := map[int]int{}
	var group []int
	for line := range strings.Lines(string(out)) {
		var pid, parent, pgid int
		var stat string
		if n, _ := fmt.Sscan(line, &pid, &parent, &pgid, &stat); n < 4 || strings.HasPrefix(stat, "Z") {
			continue
		}
		parents[pid] = parent
		if pgid == f.main {
			group = append(group, pid)
		}
	}
	return append(descendants(parents, os.Getpid()), group...)
}

// reap waits for every child, adopted ones too, and tells how the main one
// ended.
func (f *family) reap(status io.Writer, ended func(how string)) {
	go func() {
		for range f.files {
			fmt.Fprintf(status, "%sfollowing files is not supported on this system; it is on Linux\n", statusUntraced)
		}
	}()
	for {
		var status syscall.WaitStatus
		pid, err := syscall.Wait4(-1, &status, 0, nil)
		switch {
		case err == syscall.EINTR: //nolint:errorlint // a number
			continue
		case err != nil:
			return // no child is left
		case pid == f.main:
			ended(how(status))
		}
	}
}
