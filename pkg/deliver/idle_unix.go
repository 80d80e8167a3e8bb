//go:build darwin || dragonfly || freebsd || linux || netbsd || openbsd

package deliver

import (
	"errors"
	"syscall"
)

// idleCheck returns a function that reports, without blocking, whether the
// connection is open and nothing has arrived on it.
func idleCheck(raw syscall.RawConn) func() bool {
	var stillIdle bool
	var b [1]byte
	peek := func(fd uintptr) {
		for {
			_, _, err := syscall.Recvfrom(int(fd), b[:], syscall.MSG_PEEK|syscall.MSG_DONTWAIT)
			if !errors.Is(err, syscall.EINTR) {
				stillIdle = errors.Is(err, syscall.EAGAIN) || errors.Is(err, syscall.EWOULDBLOCK)
				return
			}
		}
	}
	return func() bool {
		stillIdle = false
		// Control, not Read, which would fail if an earlier deadline has passed.
		return raw.Control(peek) == nil && stillIdle
	}
}
