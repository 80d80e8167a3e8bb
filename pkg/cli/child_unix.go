//go:build unix

package cli

import (
	"os/exec"
	"syscall"
)

// ownGroup makes cmd the head of a process group, which is interrupted when its
// context ends.
func ownGroup(cmd *exec.Cmd) {
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	cmd.Cancel = func() error { return syscall.Kill(-cmd.Process.Pid, syscall.SIGTERM) }
}

// EndGroup ends what a child has left running. The child has ended.
func EndGroup(cmd *exec.Cmd) {
	// Most often there is nothing left, which is an error.
	_ = syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL)
}
