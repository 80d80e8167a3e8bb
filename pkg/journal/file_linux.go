package journal

import (
	"os"
	"syscall"

	"golang.org/x/sys/unix"
)

// syncData flushes what was written to f. What fsync would write beyond are
// times of the file.
func syncData(f *os.File) error {
	return ignoringEINTR(func() error { return syscall.Fdatasync(int(f.Fd())) })
}

// isAt reports whether f is what is found at path. It asks for inodes alone:
// Linux notes exactly when a file was written after somebody has asked for its
// times, and that inode goes to the disk, too, with each flush.
func isAt(f *os.File, path string) bool {
	var open, named unix.Statx_t
	if unix.Statx(int(f.Fd()), "", unix.AT_EMPTY_PATH, unix.STATX_INO, &open) != nil {
		return statIsAt(f, path) // an old kernel, or a sandbox that does not know statx
	}
	return unix.Statx(unix.AT_FDCWD, path, 0, unix.STATX_INO, &named) == nil &&
		named.Ino == open.Ino && named.Dev_major == open.Dev_major && named.Dev_minor == open.Dev_minor
}
