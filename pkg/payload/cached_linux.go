//go:build linux && (amd64 || arm64)

package payload

import (
	"io"
	"os"
	"runtime"
	"syscall"
	"unsafe"
)

// cached reads of a file what the system has in memory, as long as it has. That
// cannot wait, so the scheduler is not told of it: it would wake a thread to
// look after the call, which costs more than the call.
type cached struct {
	file *os.File
	raw  syscall.RawConn
}

func fromCache(f *os.File) io.Reader {
	raw, err := f.SyscallConn()
	if err != nil {
		return f
	}
	return &cached{f, raw}
}

const rwfNowait = 8 // RWF_NOWAIT: fail with EAGAIN rather than wait for the disk

func (c *cached) Read(p []byte) (n int, err error) {
	if len(p) > 0 {
		// An error is of no interest: the ordinary read has it too, or does not.
		_ = c.raw.Control(func(fd uintptr) { n = readCached(fd, p) })
	}
	if n > 0 {
		return n, nil
	}
	return c.file.Read(p)
}

// readCached reads at the file's own position.
func readCached(fd uintptr, p []byte) int {
	preadv2 := uintptr(286) // package syscall is older than this call
	if runtime.GOARCH == "amd64" {
		preadv2 = 327
	}
	to := syscall.Iovec{Base: unsafe.SliceData(p)} //nolint:gosec // as package syscall does it
	to.SetLen(len(p))
	const own = ^uintptr(0)
	n, _, errno := syscall.RawSyscall6(preadv2, fd, uintptr(unsafe.Pointer(&to)), 1, own, own, rwfNowait) //nolint:gosec // as package syscall does it
	if errno != 0 {
		return 0
	}
	return int(n)
}
