package cli

import (
	"bufio"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"time"
)

// Who may read a file that this program writes.
const (
	// ownerOnly is for payloads and keys, even if others could read the old file.
	ownerOnly fs.FileMode = 0o600
	// asUsual is for reports, which the next job or the web server reads: less
	// the umask, and a file that is replaced hands its mode on.
	asUsual fs.FileMode = 0o666
)

// TempFolder makes a folder for files that are named to the user, so that they are kept
// after the run. It deletes those of earlier runs that nothing was put into for a day.
func (a *App) TempFolder(prefix string) (string, error) {
	earlier, _ := filepath.Glob(filepath.Join(os.TempDir(), prefix+"*")) // without one, nothing is deleted
	for _, dir := range earlier {
		info, err := os.Lstat(dir)
		if err == nil && info.IsDir() && a.Now().Sub(info.ModTime()) > 24*time.Hour {
			_ = os.RemoveAll(dir) // another user's stays
		}
	}
	return os.MkdirTemp("", prefix) // 0700
}

// WriteFile writes payloads or keys to path, completely or not at all. Only the owner can
// read the file.
func WriteFile(path string, data []byte) error {
	d, err := fileAt(path, ownerOnly)
	return writeAll(d, data, err)
}

// WritePayload is WriteFile for a path that the user gave.
func (a *App) WritePayload(path string, data []byte) error {
	d, err := a.DestinationAt(path)
	return writeAll(d, data, err)
}

// WriteReport writes a file that others may read, completely or not at all, to a path
// that the user gave.
func (a *App) WriteReport(path string, data []byte) error {
	d, err := a.ReportAt(path)
	return writeAll(d, data, err)
}

func writeAll(d *Destination, data []byte, err error) error {
	if err != nil {
		return err
	}
	defer d.Abort()
	_, _ = d.Write(data) // Close has the error
	return d.Close()
}

// Destination is where a stream of results goes: one of the process's streams,
// or a file that is there whole once Close says so, and not at all otherwise.
type Destination struct {
	*bufio.Writer
	named string   // as the user typed it
	path  string   // of the file; empty when nothing takes its place
	tmp   *os.File // nil: what is at path is written to directly, or it is done
	file  io.Closer
}

// DestinationAt is the file at path, which only its owner can read; stdout when
// path is empty or "-".
func (a *App) DestinationAt(path string) (*Destination, error) { return a.openAt(path, ownerOnly) }

// ReportAt is the same for what others may read.
func (a *App) ReportAt(path string) (*Destination, error) { return a.openAt(path, asUsual) }

func (a *App) openAt(path string, mode fs.FileMode) (*Destination, error) {
	switch path {
	case "", "-", "/dev/stdout", "/dev/fd/1", "/proc/self/fd/1":
		// The stream itself: opened by its name, a file that it leads to would
		// be written to from its beginning.
		return &Destination{Writer: bufio.NewWriter(a.Out)}, nil
	case "/dev/stderr", "/dev/fd/2", "/proc/self/fd/2":
		return &Destination{Writer: bufio.NewWriter(a.Err)}, nil
	}
	return fileAt(path, mode)
}

// fileAt follows symbolic links: the file that they lead to is replaced, and
// the link stays. What is not a regular file, such as a pipe, is written to
// directly.
func fileAt(path string, mode fs.FileMode) (d *Destination, err error) {
	defer func() {
		if p, ok := errors.AsType[*fs.PathError](err); ok {
			p.Op, p.Path = "open", path // the name that the user typed
		}
	}()
	final, err := finalPath(path)
	if err != nil {
		return nil, err
	}
	info, err := os.Lstat(final)
	if err == nil && !info.Mode().IsRegular() {
		// With O_APPEND what is behind a descriptor keeps what it holds.
		f, err := os.OpenFile(path, os.O_WRONLY|os.O_APPEND, 0)
		if err != nil {
			return nil, err
		}
		return &Destination{Writer: bufio.NewWriter(f), named: path, file: f}, nil
	}
	first := mode
	if err == nil {
		first = ownerOnly // until it has the mode of what it replaces
	}
	tmp, createErr := os.OpenFile(filepath.Join(filepath.Dir(final), ".julianctl-"+rand.Text()), os.O_RDWR|os.O_CREATE|os.O_EXCL, first)
	if createErr != nil {
		return nil, createErr
	}
	if err == nil && mode == asUsual {
		if err := tmp.Chmod(info.Mode().Perm()); err != nil {
			return nil, errors.Join(err, tmp.Close(), os.Remove(tmp.Name()))
		}
	}
	return &Destination{Writer: bufio.NewWriter(tmp), named: path, path: final, tmp: tmp, file: tmp}, nil
}

// finalPath is where path leads through symbolic links, whether or not
// something is there. A link below /proc, as those of descriptors are, stays:
// what it says need not be the name of a file.
func finalPath(path string) (string, error) {
	const most = 40 // as on Linux
	at := path
	for range most {
		dir, name := filepath.Split(at) // undoes no "..", which may follow a link
		if dir == "" {
			dir = "."
		}
		dir, err := filepath.EvalSymlinks(dir)
		if err != nil {
			return "", err
		}
		at = filepath.Join(dir, name)
		if strings.HasPrefix(at, "/proc/") {
			return at, nil
		}
		link, err := os.Readlink(at)
		switch {
		case err != nil:
			return at, nil //nolint:nilerr // it is no link, or not there
		case filepath.IsAbs(link):
			at = link
		default:
			at = dir + string(filepath.Separator) + link
		}
	}
	return "", &fs.PathError{Op: "open", Path: path, Err: errors.New("too many symbolic links")}
}

// Close makes the result whole.
func (d *Destination) Close() error {
	err := d.Flush()
	switch {
	case d.tmp != nil:
		if err == nil {
			err = d.tmp.Sync()
		}
		if err = errors.Join(err, d.tmp.Close()); err == nil {
			err = os.Rename(d.tmp.Name(), d.path)
			if l, ok := errors.AsType[*os.LinkError](err); ok {
				err = &fs.PathError{Op: "replace", Path: d.named, Err: l.Err}
			}
		}
		if err == nil {
			d.tmp = nil
		}
	case d.file != nil:
		err = errors.Join(err, d.file.Close())
		d.file = nil
	}
	if p, ok := errors.AsType[*fs.PathError](err); ok {
		p.Path = d.named
	}
	return err
}

// Abort leaves nothing behind, unless Close was there before.
func (d *Destination) Abort() {
	switch {
	case d.tmp != nil:
		_ = d.tmp.Close() // what is wrong with it does not matter any more
		_ = os.Remove(d.tmp.Name())
	case d.file != nil:
		_ = d.file.Close()
	}
}

// FileUse is a file that a flag says to write.
type FileUse struct{ Flag, Path string }

// ReportUses are the files of --report.
func ReportUses(values []string) []FileUse {
	var uses []FileUse
	for _, value := range values {
		format, path, _ := strings.Cut(value, "=")
		uses = append(uses, FileUse{"--report " + format, path})
	}
	return uses
}

// WriteApart refuses two flags that write the same file, and one that writes
// over an input: the later would destroy what the earlier needs.
func WriteApart(uses []FileUse, inputs ...string) error {
	taken := map[string]string{}
	for _, path := range inputs {
		if info, err := os.Stat(path); err == nil && info.Mode().IsRegular() {
			taken[identity(path)] = "is an input, too"
		}
	}
	for _, use := range uses {
		if info, err := os.Stat(use.Path); use.Path == "" || use.Path == "-" || err == nil && !info.Mode().IsRegular() {
			continue
		}
		id := identity(use.Path)
		if why, found := taken[id]; found {
			return UsageError(fmt.Errorf("%s %q %s", use.Flag, use.Path, why), "use a different file")
		}
		taken[id] = "is the file of " + use.Flag + ", too"
	}
	return nil
}

// identity is one name for the file that path leads to.
func identity(path string) string {
	if final, err := finalPath(path); err == nil {
		path = final
	}
	if abs, err := filepath.Abs(path); err == nil {
		path = abs
	}
	return path
}
