package segment

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"time"
)

// Temp is a folder in the temporary folder, for this process alone.
type Temp struct {
	Path string
	lock *os.File
}

// MakeTemp makes a folder whose name begins with prefix, and deletes those that
// processes left that were killed: whose lock is free.
func MakeTemp(prefix string) (*Temp, error) {
	sweep(os.TempDir(), prefix)
	path, err := os.MkdirTemp("", prefix) // 0700
	if err != nil {
		return nil, err
	}
	t := &Temp{Path: path}
	if t.lock, err = os.OpenFile(filepath.Join(path, lockName), os.O_RDWR|os.O_CREATE|os.O_EXCL, 0o600); err == nil {
		_, err = lockFile(t.lock)
	}
	if err != nil {
		return nil, errors.Join(err, t.Delete())
	}
	return t, nil
}

// Delete deletes the folder. Of nil it does nothing.
func (t *Temp) Delete() error {
	if t == nil {
		return nil
	}
	_ = t.lock.Close() // before it: what is open cannot be deleted everywhere
	return os.RemoveAll(t.Path)
}

// sweepAfter is how old a folder is at least that is swept: before, its lock may not be
// taken yet.
const sweepAfter = time.Minute

// sweep touches nothing but folders of this user, which nobody else can write to: others
// may have put links and folders there, too.
func sweep(in, prefix string) {
	names, _ := ReadNames(in) // without, nothing is swept
	for _, name := range names {
		path := filepath.Join(in, name)
		info, err := os.Lstat(path)
		if !strings.HasPrefix(name, prefix) || err != nil || !info.IsDir() || !own(info) || time.Since(info.ModTime()) < sweepAfter {
			continue
		}
		lock, err := os.OpenFile(filepath.Join(path, lockName), os.O_RDWR, 0)
		if err != nil {
			continue
		}
		free, err := lockFile(lock)
		_ = lock.Close() // it was not written to
		if free && err == nil {
			_ = os.RemoveAll(path) // or the next does
		}
	}
}
