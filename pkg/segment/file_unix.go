//go:build unix

package segment

import (
	"errors"
	"os"
	"syscall"
)

// lockFile takes the lock of a file unless another open file has it. It is
// given back by unlockFile, by closing the file, and when the process ends in
// whatever way.
func lockFile(f *os.File) (free bool, err error) {
	err = ignoringEINTR(func() error { return syscall.Flock(int(f.Fd()), syscall.LOCK_EX|syscall.LOCK_NB) })
	if errors.Is(err, syscall.EWOULDBLOCK) {
		return false, nil
	}
	return err == nil, err
}

func unlockFile(f *os.File) error {
	return ignoringEINTR(func() error { return syscall.Flock(int(f.Fd()), syscall.LOCK_UN) })
}

func ignoringEINTR(do func() error) error {
	for {
		if err := do(); !errors.Is(err, syscall.EINTR) {
			return err
		}
	}
}

// Writable reports whether the file at path may be written to, by its
// permissions and attributes.
func Writable(path string) bool {
	const write = 2
	return syscall.Access(path, write) == nil
}

// own reports whether a file is this user's.
func own(info os.FileInfo) bool {
	is, ok := info.Sys().(*syscall.Stat_t)
	return ok && int(is.Uid) == os.Geteuid()
}

// SyncFolder makes durable which files are in a folder.
func SyncFolder(path string) error {
	f, err := os.Open(path)
	if err != nil {
		return err
	}
	return errors.Join(f.Sync(), f.Close())
}

var fullErrors = []error{syscall.ENOSPC, syscall.EDQUOT, syscall.EFBIG}
