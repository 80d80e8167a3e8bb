//go:build darwin || dragonfly || freebsd || linux || netbsd || openbsd

package deliver

import (
	"errors"
	"syscall"
)

// quietCheck returns a function that reports, without waiting, whether the
// peer has neither closed the idle connection nor sent anything on it.
func quietCheck(raw syscall.RawConn) func() bool {
	var quiet bool
	var b [1]byte
	peek := func(fd uintptr) {
		for {
			_, _, err := syscall.Recvfrom(int(fd), b[:], syscall.MSG_PEEK|syscall.MSG_DONTWAIT)
			if !errors.Is(err, syscall.EINTR) {
				quiet = errors.Is(err, syscall.EAGAIN) || errors.Is(err, syscall.EWOULDBLOCK)
				return
			}
		}
	}
	return func() bool {
		quiet = false
		// Control, not Read: a deadline left over from the last delivery must
		// not count.
		return raw.Control(peek) == nil && quiet
	}
}
