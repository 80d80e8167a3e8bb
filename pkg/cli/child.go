package cli

import (
	"bufio"
	"context"
	"io"
	"os/exec"
	"time"
)

// A child is a program that this one starts: a tunnel, or the command of --on-failure. It
// runs without a shell, in its own process group: only this program gets Ctrl-C, and
// everything that the child starts ends with it.

// childGrace is how long a child has to end after it was interrupted.
const childGrace = 3 * time.Second

// NewChild prepares argv. When ctx ends, the child is interrupted, then killed.
func NewChild(ctx context.Context, argv []string) *exec.Cmd {
	cmd := exec.CommandContext(ctx, argv[0], argv[1:]...) //nolint:gosec // the user's own command
	cmd.WaitDelay = childGrace
	ownGroup(cmd)
	return cmd
}

// EachLine calls do with every line of r, cut to a length that can be shown, and
// reads to the end whatever comes.
func EachLine(r io.Reader, do func(line string)) {
	const longest = 4 << 10
	lines := bufio.NewReaderSize(r, longest)
	for {
		line, cut, err := lines.ReadLine()
		if err != nil {
			return
		}
		do(string(line))
		for cut && err == nil {
			_, cut, err = lines.ReadLine()
		}
	}
}
