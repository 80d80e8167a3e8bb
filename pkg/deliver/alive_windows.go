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

// quietCheck returns a function that reports, without waiting, whether the
// peer has neither closed the idle connection nor sent anything on it.
func quietCheck(raw syscall.RawConn) func() bool {
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
