//go:build unix && !linux

package supervise

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"strings"
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
