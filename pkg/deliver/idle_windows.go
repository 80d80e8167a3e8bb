package deliver

import (
	"syscall"
	"unsafe"
)

// wsaPoll is resolved at its first use.
var wsaPoll = syscall.NewLazyDLL("ws2_32.dll").NewProc("WSAPoll")

// pollFD is WSAPOLLFD.
type pollFD struct {
	fd      syscall.Handle
	events  int16
	revents int16
}

const pollRead = 0x0100 | 0x0200 // POLLRDNORM | POLLRDBAND

// idleCheck returns a function that reports, without blocking, whether the
// connection is open and nothing has arrived on it.
func idleCheck(raw syscall.RawConn) func() bool {
	return func() bool {
		quiet := false
		err := raw.Control(func(fd uintptr) {
			p := pollFD{fd: syscall.Handle(fd), events: pollRead}
			n, _, _ := wsaPoll.Call(uintptr(unsafe.Pointer(&p)), 1, 0)
			quiet = n == 0
		})
		return err == nil && quiet
	}
}
