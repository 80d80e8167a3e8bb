//go:build darwin || dragonfly || freebsd || linux || netbsd || openbsd

package deliver

import (
	"os"
	"syscall"
)

// lock keeps other processes from the file for as long as it is open.
func lock(file *os.File) error {
	return syscall.Flock(int(file.Fd()), syscall.LOCK_EX|syscall.LOCK_NB)
}
