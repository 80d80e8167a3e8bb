// Package segment keeps records in files that are only appended to, in a folder that
// several processes write to and read from at a time.
//
// It owns the format of frames, the files that they are in, and the lock between
// processes. What is in a record is its user's. Each process appends to a file of its
// own; batches have numbers that say in which order they were written.
package segment

import (
	"bytes"
	"cmp"
	"context"
	"crypto/rand"
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"time"
)

// Folder is where a log is. The file "lock" in it marks it as a log, and is held
// while something is appended: for as long as it takes to give out ids and to
// copy bytes, not while the disk flushes them. It also says how far that has got,
// so that a process need not look for what others have written.
type Folder struct {
	Path string
	Lock *os.File
	mine sync.Mutex // held with the lock: the system does not tell this process from itself
	ID   int64      // random: tells this log from others
}

const (
	lockName   = "lock"
	lockMagic  = "julianctl delivery log "
	logVersion = "1\n"
	headSize   = 48  // magic and version, id at 32, check sum at 40
	turnAt     = 512 // where a turn is in it
	turnSize   = 20
)

// Turn says what was appended to all segments together. After a power cut it may
// be behind: the segments count.
type Turn struct {
	Seq  int64 // of the last batch
	Last int64 // id of the last delivery
}

// OpenFolder opens the log at path. With create, it is made if it is not there.
func OpenFolder(ctx context.Context, path string, create bool) (*Folder, error) {
	info, err := os.Stat(path)
	switch {
	case err != nil && create:
		if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
			return nil, fmt.Errorf("%w: %w", ErrFolder, err)
		}
		if err := os.Mkdir(path, 0o700); err != nil && !errors.Is(err, fs.ErrExist) {
			if errors.Is(err, fs.ErrPermission) {
				return nil, fmt.Errorf("%w (%w)", ErrReadOnly, err)
			}
			return nil, err
		}
	case err != nil:
		return nil, err
	case !info.IsDir():
		return nil, ErrForeign
	}
	f := &Folder{Path: path}
	entries, err := os.ReadDir(path)
	if err != nil {
		return nil, err
	}
	has := func(is func(name string) bool) bool {
		return slices.ContainsFunc(entries, func(e fs.DirEntry) bool { return is(e.Name()) })
	}
	marked := has(func(name string) bool { return name == lockName })
	segments := has(func(name string) bool { _, ok := ParseName(name); return ok })
	switch {
	case marked || segments:
	case len(entries) > 0:
		return nil, ErrForeign
	case !create:
		return nil, fmt.Errorf("%w: %s", fs.ErrNotExist, path)
	}
	if f.Lock, err = os.OpenFile(filepath.Join(path, lockName), os.O_RDWR|os.O_CREATE, 0o600); err != nil {
		// To look at it, reading is enough.
		if f.Lock, err = os.Open(filepath.Join(path, lockName)); err != nil {
			return nil, OSFault(err)
		}
	}
	if err := f.identify(ctx, segments); err != nil {
		return nil, errors.Join(err, f.Lock.Close())
	}
	return f, nil
}

// identify reads the head of the lock, and writes it into one that has none.
func (f *Folder) identify(ctx context.Context, segments bool) error {
	if done, err := f.head(segments); done || err != nil {
		return err
	}
	if err := f.Take(ctx, 5*time.Second); err != nil {
		return err
	}
	defer f.Release()
	if done, err := f.head(segments); done || err != nil {
		return err
	}
	head := make([]byte, headSize)
	copy(head, lockMagic+logVersion)
	_, _ = rand.Read(head[32:40]) // it never fails
	binary.LittleEndian.PutUint32(head[40:], crc32.Checksum(head[:40], Castagnoli()))
	f.ID = int64(binary.LittleEndian.Uint64(head[32:]))
	if _, err := f.Lock.WriteAt(head, 0); err != nil {
		if segments {
			return nil // it is there to be looked at
		}
		return OSFault(err)
	}
	return OSFault(errors.Join(f.Lock.Sync(), SyncFolder(f.Path), SyncFolder(filepath.Dir(f.Path))))
}

func (f *Folder) head(segments bool) (done bool, err error) {
	head := make([]byte, headSize)
	if _, err := f.Lock.ReadAt(head, 0); err != nil && len(bytes.Trim(head, "\x00")) == 0 {
		return false, nil
	}
	whole := crc32.Checksum(head[:40], Castagnoli()) == binary.LittleEndian.Uint32(head[40:])
	version, is := bytes.CutPrefix(head, []byte(lockMagic))
	switch {
	case is && whole && !bytes.HasPrefix(version, []byte(logVersion)):
		return true, fmt.Errorf("%w (version %s)", ErrNewer, bytes.TrimRight(version[:min(4, len(version))], "\x00\n"))
	case is && whole:
		f.ID = int64(binary.LittleEndian.Uint64(head[32:]))
		return true, nil
	case !is && !segments:
		return true, ErrForeign
	}
	return false, nil // it was damaged: the segments count
}

// Take waits so long for the lock.
func (f *Folder) Take(ctx context.Context, wait time.Duration) error {
	const pause = 200 * time.Microsecond
	for end := time.Now().Add(wait); ; {
		if f.mine.TryLock() {
			free, err := lockFile(f.Lock)
			if free {
				return nil
			}
			if f.mine.Unlock(); err != nil {
				return OSFault(err)
			}
		}
		if time.Now().After(end) {
			return ErrLocked
		}
		select {
		case <-time.After(pause):
		case <-ctx.Done():
			return context.Cause(ctx)
		}
	}
}

// Release gives back the lock of Take.
func (f *Folder) Release() {
	_ = unlockFile(f.Lock) // of a file that is open that does not fail
	f.mine.Unlock()
}

// Present reports an error when the folder was moved away or deleted: what is
// written to a file that nobody finds is lost.
func (f *Folder) Present() error {
	if !IsAt(f.Lock, filepath.Join(f.Path, lockName)) {
		return ErrGone
	}
	return nil
}

// Turn reads how far others have got; the zero value when that is not known.
func (f *Folder) Turn() (t Turn) {
	b := make([]byte, turnSize)
	for range 100 { // it may be written meanwhile
		if _, err := f.Lock.ReadAt(b, turnAt); err != nil {
			return Turn{}
		}
		if crc32.Checksum(b[:16], Castagnoli()) == binary.LittleEndian.Uint32(b[16:]) {
			return Turn{int64(binary.LittleEndian.Uint64(b)), int64(binary.LittleEndian.Uint64(b[8:]))}
		}
	}
	return Turn{}
}

// SetTurn is for who holds the lock.
func (f *Folder) SetTurn(t Turn) error {
	b := binary.LittleEndian.AppendUint64(nil, uint64(t.Seq))
	b = binary.LittleEndian.AppendUint64(b, uint64(t.Last))
	b = binary.LittleEndian.AppendUint32(b, crc32.Checksum(b, Castagnoli()))
	_, err := f.Lock.WriteAt(b, turnAt)
	return OSFault(err)
}

// Segment is a file of frames. Its name says when it was begun, and its salt:
// that opens and seeds each frame, so that no body holds what looks like one.
type Segment struct {
	Name string
	seq  int64
	salt uint64
	Size int64 // when it was listed
}

const Suffix = ".segment"

func newSegment(seq int64) Segment {
	var salt [8]byte
	_, _ = rand.Read(salt[:]) // it never fails
	salt[0] |= 1              // no frame begins with zeros
	s := Segment{seq: seq, salt: binary.LittleEndian.Uint64(salt[:])}
	s.Name = fmt.Sprintf("%016x-%016x%s", seq, s.salt, Suffix)
	return s
}

// ParseName reads the name of a segment; ok is false where it is another file's.
func ParseName(name string) (s Segment, ok bool) {
	stem, is := strings.CutSuffix(name, Suffix)
	if !is || len(stem) != 33 {
		return s, false
	}
	n, err := fmt.Sscanf(stem, "%016x-%016x", &s.seq, &s.salt)
	s.Name = name
	return s, err == nil && n == 2
}

// Segments are those that are there, in the order in which they were begun.
func (f *Folder) Segments() (all []Segment, err error) {
	names, err := ReadNames(f.Path)
	if err != nil {
		return nil, OSFault(err)
	}
	for _, name := range names {
		s, ok := ParseName(name)
		if !ok {
			continue
		}
		if s.Size, err = sizeAt(f.At(name)); errors.Is(err, fs.ErrNotExist) {
			continue // deleted in the meantime
		}
		if err != nil {
			return nil, OSFault(err)
		}
		all = append(all, s)
	}
	slices.SortFunc(all, func(a, b Segment) int { return cmp.Or(cmp.Compare(a.seq, b.seq), strings.Compare(a.Name, b.Name)) })
	return all, nil
}

// ReadNames returns the names of what is in a folder, in no order.
func ReadNames(path string) ([]string, error) {
	dir, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer dir.Close()
	return dir.Readdirnames(-1)
}

// At is the path of a file in the folder.
func (f *Folder) At(name string) string { return filepath.Join(f.Path, name) }

func statIsAt(f *os.File, path string) bool {
	open, err := f.Stat()
	if err != nil {
		return false
	}
	named, err := os.Stat(path)
	return err == nil && os.SameFile(open, named)
}

func statSizeAt(path string) (int64, error) {
	info, err := os.Stat(path)
	if err != nil {
		return 0, err
	}
	return info.Size(), nil
}

// Castagnoli is the table of the checksums in a log.
func Castagnoli() *crc32.Table { return crc32.MakeTable(crc32.Castagnoli) }

// ErrRecord says that a record is whole, and its content makes no sense.
var ErrRecord = fmt.Errorf("%w: a record cannot be read", ErrCorrupt)

// OSFault joins what the operating system said of a segment with what it means.
func OSFault(err error) error {
	if err == nil {
		return nil
	}
	kind := ErrReadOnly
	if slices.ContainsFunc(fullErrors, func(full error) bool { return errors.Is(err, full) }) {
		kind = ErrFull
	}
	return fmt.Errorf("%w (%w)", kind, err)
}
