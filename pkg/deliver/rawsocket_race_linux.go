//go:build linux && !386 && !s390x && race

package deliver

import (
	"errors"
	"syscall"
)

// These two tell the race detector that a read comes after the write, in tests
// where one process is both ends.

func sendNow(fd uintptr, p []byte) (n int, errno syscall.Errno) {
	return result(syscall.Write(int(fd), p))
}

func receiveNow(fd uintptr, p []byte) (n int, errno syscall.Errno) {
	return result(syscall.Read(int(fd), p))
}

func result(n int, err error) (int, syscall.Errno) {
	errno, _ := errors.AsType[syscall.Errno](err)
	return max(n, 0), errno
}
