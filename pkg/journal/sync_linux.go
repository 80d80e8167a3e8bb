package journal

import (
	"os"
	"syscall"
)

// syncData flushes what was written to f. What fsync would write beyond are
// times of the file.
func syncData(f *os.File) error {
	return ignoringEINTR(func() error { return syscall.Fdatasync(int(f.Fd())) })
}
