package segment

import (
	"os"
	"syscall"

	"golang.org/x/sys/unix"
)

// SyncData flushes what was written to f. What fsync would write beyond are
// times of the file.
func SyncData(f *os.File) error {
	return ignoringEINTR(func() error { return syscall.Fdatasync(int(f.Fd())) })
}

// IsAt reports whether f is what is found at path. It asks for inodes alone:
// Linux notes exactly when a file was written after somebody has asked for its
// times, and that inode goes to the disk, too, with each flush.
func IsAt(f *os.File, path string) bool {
	var open, named unix.Statx_t
	if unix.Statx(int(f.Fd()), "", unix.AT_EMPTY_PATH, unix.STATX_INO, &open) != nil {
		return statIsAt(f, path) // an old kernel, or a sandbox that does not know statx
	}
	return unix.Statx(unix.AT_FDCWD, path, 0, unix.STATX_INO, &named) == nil &&
		named.Ino == open.Ino && named.Dev_major == open.Dev_major && named.Dev_minor == open.Dev_minor
}

// sizeAt is the size of the file at path, of which it asks nothing else: see isAt.
func sizeAt(path string) (int64, error) {
	var named unix.Statx_t
	switch err := unix.Statx(unix.AT_FDCWD, path, 0, unix.STATX_SIZE, &named); err {
	case nil:
		return int64(named.Size), nil
	case unix.ENOSYS, unix.EPERM:
		return statSizeAt(path)
	default:
		return 0, err
	}
}

// giveBack returns the room of whole blocks in a part of f that is never read
// again. It reads as zeros then. Not every file system can.
func giveBack(f *os.File, at, length int64) {
	_ = unix.Fallocate(int(f.Fd()), unix.FALLOC_FL_PUNCH_HOLE|unix.FALLOC_FL_KEEP_SIZE, at, length)
}
