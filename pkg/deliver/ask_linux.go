//go:build linux && !386 && !s390x

package deliver

import (
	"io"
	"net"
	"os"
	"syscall"
	"time"
	"unsafe"
)

// asker is a shorter way from a request to the beginning of its answer. It
// leaves out what costs a small delivery most beside sending and receiving: to
// try to read before anything can be there, and to tell Go's scheduler of calls
// as of some that could wait, upon which it wakes threads to look after them.
type asker struct {
	raw  syscall.RawConn
	turn func(fd uintptr) (done bool)
	peek func(fd uintptr)

	out   []byte // what is left to be written
	tried bool   // to write it
	sent  time.Time
	err   error // of writing

	buf []byte
	in  []byte // of buf: what was read and not yet taken
	end error  // of reading; nil: none yet

	silent bool // as peek found it
}

// newAsker returns nil where conn is more than a socket.
func newAsker(conn net.Conn) *asker {
	socket, ok := conn.(*net.TCPConn)
	if !ok {
		return nil
	}
	raw, err := socket.SyscallConn()
	if err != nil {
		return nil
	}
	a := &asker{raw: raw, buf: make([]byte, 1<<10)}
	a.turn = func(fd uintptr) bool {
		if !a.tried {
			return !a.write(fd)
		}
		return a.read(fd)
	}
	a.peek = func(fd uintptr) {
		_, errno := direct(syscall.SYS_RECVFROM, fd, a.buf[:1], syscall.MSG_PEEK)
		a.silent = errno == syscall.EAGAIN
	}
	return a
}

// ask writes out. If the socket takes all of it, ask then waits for an answer
// to begin, and reads what is there of it; see take.
func (a *asker) ask(out []byte) (wrote int, sent time.Time, err error) {
	a.out, a.tried, a.err, a.in, a.end = out, false, nil, nil, nil
	// The write is a turn of the Read. So whatever comes back after it ends the
	// wait for the next turn, and need not be looked for before.
	err = a.raw.Read(a.turn)
	switch {
	case !a.tried:
		a.sent, a.err = time.Now(), err
	case err != nil:
		a.end = err
	}
	return len(out) - len(a.out), a.sent, a.err
}

// write reports whether all is written.
func (a *asker) write(fd uintptr) bool {
	n, errno := sendNow(fd, a.out)
	a.tried, a.sent, a.out = true, time.Now(), a.out[n:]
	if errno != 0 && errno != syscall.EAGAIN {
		a.err = os.NewSyscallError("write", errno)
	}
	return len(a.out) == 0
}

// read reports whether there was something, if only an end.
func (a *asker) read(fd uintptr) bool {
	n, errno := receiveNow(fd, a.buf)
	switch {
	case errno == syscall.EAGAIN:
		return false
	case errno != 0:
		a.end = os.NewSyscallError("read", errno)
	case n == 0:
		a.end = io.EOF
	}
	a.in = a.buf[:n]
	return true
}

// take gives what ask has read, then what ended that. It reports false when
// there is neither.
func (a *asker) take(p []byte) (n int, ok bool, err error) {
	if len(a.in) > 0 {
		n = copy(p, a.in)
		a.in = a.in[n:]
		return n, true, nil
	}
	return 0, a.end != nil, a.end
}

// send writes what of p goes at once. It may be called while another goroutine
// reads.
func (a *asker) send(p []byte) (wrote int, err error) {
	var errno syscall.Errno
	err = a.raw.Control(func(fd uintptr) { wrote, errno = sendNow(fd, p) })
	if err == nil && errno != 0 && errno != syscall.EAGAIN {
		err = os.NewSyscallError("write", errno)
	}
	return wrote, err
}

// quiet is that of quietCheck.
func (a *asker) quiet() bool {
	a.silent = false
	return a.raw.Control(a.peek) == nil && a.silent
}

// direct sends or receives without waiting, and so without telling the
// scheduler.
func direct(call, fd uintptr, p []byte, flags uintptr) (n int, errno syscall.Errno) {
	for {
		//nolint:gosec // as package syscall does it
		r, _, errno := syscall.RawSyscall6(call, fd, uintptr(unsafe.Pointer(unsafe.SliceData(p))), uintptr(len(p)), flags|syscall.MSG_DONTWAIT, 0, 0)
		switch errno {
		case 0:
			return int(r), 0
		case syscall.EINTR:
		default:
			return 0, errno
		}
	}
}
