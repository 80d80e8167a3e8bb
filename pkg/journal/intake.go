package journal

import (
	"bytes"
	"context"
	"crypto/rand"
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"io"
	"io/fs"
	"iter"
	"os"
	"path/filepath"
	"time"
)

// intake is the file beside the log that deliveries are written to before they
// are answered: one write to a place that is there already and one flush, a
// fraction of what a transaction costs. What it holds goes into the table of
// segments soon after, and its room is used again.
//
// A head says whose it is. After it comes a ring of frames. Positions count
// bytes since the log was made and never go back; a position's place in the
// ring is its remainder. The log says up to which position it has taken frames
// (state.intake), in the transaction that takes them: so that happens once,
// whoever does it and however often. From there on, frames follow one another
// up to the end: the first place that holds no frame of its own position. A
// frame that is half written is no frame, and was not answered.
//
// Only who holds the lock of the file writes to it. Whoever reads needs none.
type intake struct {
	file   *os.File
	path   string
	salt   uint64 // opens each frame; secret, so that no body holds what looks like one; 0: no head yet
	room   int64  // bytes of the ring
	filled int64  // size of the file, as far as is known
	sound  bool   // nothing was found behind the end when it was opened
}

const (
	intakeSuffix = "-intake"
	intakeMagic  = "julianctl intake 1\n"
	// headSize keeps the ring apart from what is never written again.
	headSize  = 4096
	headUsed  = 56
	frameHead = 32
	// skipLength marks a frame after which the rest of the lap is empty.
	skipLength = 1<<32 - 1
	// fillStep is how much is written in advance, so that writing a frame
	// changes no size of a file: flushing that would cost as much again.
	fillStep = 1 << 20
	// minRoom and maxRoom bound the ring, a quarter of the log.
	minRoom = 64 << 10
	maxRoom = 256 << 20
)

// zeros is never written to.
var zeros [fillStep]byte

// errStranger says that an intake is that of another log.
var errStranger = errors.New("the intake of another log")

func roomFor(maxBytes int64) int64 {
	if maxBytes < 0 {
		return maxRoom
	}
	return min(max(maxBytes/4, minRoom), maxRoom)
}

// openIntake opens the file at path. Its head is read by [intake.begin] or
// [intake.look].
func openIntake(path string, flag int, mode fs.FileMode) (*intake, error) {
	file, err := os.OpenFile(path, flag, mode)
	if err != nil {
		return nil, err
	}
	return &intake{file: file, path: path}, nil
}

// lookIntake opens the intake of a log to read it; nil when there is none, or
// nothing of this log in it.
func lookIntake(path string, log int64) (*intake, error) {
	in, err := openIntake(path, os.O_RDONLY, 0)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, osFault(err)
	}
	if err = in.look(log); err != nil || in.salt == 0 {
		_ = in.file.Close() // it was only read
		if errors.Is(err, errStranger) {
			err = nil
		}
		return nil, err
	}
	return in, nil
}

// look reads the head. The salt stays 0 when it was never written.
func (in *intake) look(log int64) error {
	head := make([]byte, headUsed)
	if _, err := in.file.ReadAt(head, 0); err != nil && err != io.EOF {
		return osFault(err)
	}
	if len(bytes.Trim(head, "\x00")) == 0 {
		return nil
	}
	fields := head[24:]
	crc := binary.LittleEndian.Uint32(fields[24:])
	if !bytes.HasPrefix(head, []byte(intakeMagic)) || crc != crc32.Checksum(head[:48], castagnoli()) || int64(binary.LittleEndian.Uint64(fields)) != log {
		return errStranger
	}
	in.salt, in.room = binary.LittleEndian.Uint64(fields[8:]), int64(binary.LittleEndian.Uint64(fields[16:]))
	return nil
}

// begin reads the head, and writes it into a file that is new. The caller holds
// the lock.
func (in *intake) begin(log, room int64) error {
	if err := in.look(log); err != nil || in.salt != 0 {
		return err
	}
	head := make([]byte, headSize)
	copy(head, intakeMagic)
	binary.LittleEndian.PutUint64(head[24:], uint64(log))
	_, _ = rand.Read(head[32:40]) // it never fails
	head[32] |= 1                 // not 0
	binary.LittleEndian.PutUint64(head[40:], uint64(room))
	binary.LittleEndian.PutUint32(head[48:], crc32.Checksum(head[:48], castagnoli()))
	if _, err := in.file.WriteAt(head, 0); err != nil {
		return osFault(err)
	}
	if err := errors.Join(in.file.Sync(), syncFolder(filepath.Dir(in.path))); err != nil {
		return osFault(err)
	}
	return in.look(log)
}

// claim takes the lock, and waits for it so long.
func (in *intake) claim(ctx context.Context, wait time.Duration) error {
	const pause = 200 * time.Microsecond
	for end := time.Now().Add(wait); ; {
		free, err := lockFile(in.file)
		switch {
		case err != nil:
			return osFault(err)
		case free:
			return nil
		case time.Now().After(end):
			return ErrLocked
		}
		select {
		case <-time.After(pause):
		case <-ctx.Done():
			return context.Cause(ctx)
		}
	}
}

// there reports whether the file is still the one that is found by its name.
func (in *intake) there() bool { return isAt(in.file, in.path) }

func statIsAt(f *os.File, path string) bool {
	open, err := f.Stat()
	if err != nil {
		return false
	}
	named, err := os.Stat(path)
	return err == nil && os.SameFile(open, named)
}

// frame is what is written at a time: records, as in a segment.
type frame struct {
	pos, next int64
	last      int64  // id of the last delivery up to here
	data      []byte // records; empty when it says only that ids up to last were given out, or skips
}

// seal completes a frame that has room for its head in front.
func (in *intake) seal(b []byte, pos, last int64, length uint32) {
	binary.LittleEndian.PutUint64(b, in.salt)
	binary.LittleEndian.PutUint64(b[8:], uint64(pos))
	binary.LittleEndian.PutUint64(b[16:], uint64(last))
	binary.LittleEndian.PutUint32(b[24:], length)
	binary.LittleEndian.PutUint32(b[28:], frameSum(b))
}

func frameSum(b []byte) uint32 {
	return crc32.Update(crc32.Checksum(b[:28], castagnoli()), castagnoli(), b[frameHead:])
}

// fits reports whether a frame of so many bytes has room in the lap of pos, and
// a skip after it.
func (in *intake) fits(pos, size int64) bool { return pos%in.room+size+frameHead <= in.room }

// lap is the position at which the lap after that of pos begins.
func (in *intake) lap(pos int64) int64 { return (pos/in.room + 1) * in.room }

// grows reports whether a frame of so many bytes needs more of the ring than
// there is yet.
func (in *intake) grows(pos, size int64) bool { return headSize+pos%in.room+size > in.filled }

// head reads what is at pos; false when no frame begins there.
func (in *intake) head(pos int64) (head [frameHead]byte, length int64, ok bool, err error) {
	if _, err := in.file.ReadAt(head[:], headSize+pos%in.room); err != nil {
		if err == io.EOF {
			return head, 0, false, nil // not filled yet
		}
		return head, 0, false, osFault(err)
	}
	length = int64(binary.LittleEndian.Uint32(head[24:]))
	ok = binary.LittleEndian.Uint64(head[:]) == in.salt && binary.LittleEndian.Uint64(head[8:]) == uint64(pos) &&
		(length == skipLength || in.fits(pos, frameHead+length))
	return head, length, ok, nil
}

// read reads the frame at pos into the memory of buf; nil when that is the end.
func (in *intake) read(pos int64, buf []byte) (*frame, error) {
	head, length, ok, err := in.head(pos)
	if err != nil || !ok {
		return nil, err
	}
	f := &frame{pos: pos, next: pos + frameHead + length, last: int64(binary.LittleEndian.Uint64(head[16:]))}
	if length == skipLength {
		f.next, length = in.lap(pos), 0
	}
	whole := append(append(buf[:0], head[:]...), make([]byte, length)...)
	if _, err := in.file.ReadAt(whole[frameHead:], headSize+pos%in.room+frameHead); err != nil {
		if err == io.EOF {
			return nil, nil
		}
		return nil, osFault(err)
	}
	if frameSum(whole) != binary.LittleEndian.Uint32(head[28:]) {
		return nil, nil
	}
	f.data = whole[frameHead:]
	return f, nil
}

// put writes a sealed frame and returns once it is on the disk.
func (in *intake) put(pos int64, b []byte) error {
	if in.grows(pos, int64(len(b))) {
		if err := in.fill(headSize + pos%in.room + int64(len(b))); err != nil {
			return osFault(err)
		}
	}
	if _, err := in.file.WriteAt(b, headSize+pos%in.room); err != nil {
		return osFault(err)
	}
	return osFault(syncData(in.file))
}

// fill makes the file at least so long, with zeros that get to the disk together
// with what is written next.
func (in *intake) fill(end int64) error {
	info, err := in.file.Stat() // another process may have done so
	if err != nil {
		return err
	}
	if in.filled = info.Size(); in.filled >= end {
		return nil
	}
	whole := min(headSize+in.room, in.filled+(end-in.filled+fillStep-1)/fillStep*fillStep)
	for at := in.filled; at < whole && err == nil; at += int64(len(zeros)) {
		_, err = in.file.WriteAt(zeros[:min(int64(len(zeros)), whole-at)], at)
	}
	if err != nil {
		// On a disk that is full, what is left is for others.
		return errors.Join(err, in.file.Truncate(in.filled))
	}
	in.filled = whole
	return nil
}

// frames are those from pos on. The sequence ends after an error. Each is valid
// until the next.
func (in *intake) frames(pos int64) iter.Seq2[*frame, error] {
	return func(yield func(*frame, error) bool) {
		var buf []byte
		for {
			f, err := in.read(pos, buf)
			if f == nil && err == nil || !yield(f, err) || err != nil {
				return
			}
			buf, pos = f.data[:0], f.next
		}
	}
}

// end is the position behind the last frame from pos on.
func (in *intake) end(pos int64) (int64, error) {
	for f, err := range in.frames(pos) {
		if err != nil {
			return 0, err
		}
		pos = f.next
	}
	return pos, nil
}

// stray looks for a whole frame behind the end, where there cannot be one
// unless the one at the end was damaged: each is on the disk before the next is
// written. It returns -1 when there is none.
func (in *intake) stray(moved, end int64) (int64, error) {
	info, err := in.file.Stat()
	if err != nil {
		return -1, osFault(err)
	}
	var salt [8]byte
	binary.LittleEndian.PutUint64(salt[:], in.salt)
	chunk := make([]byte, 1<<20)
	for from := int64(headSize); from < info.Size(); from += int64(len(chunk) - len(salt) + 1) {
		n, err := in.file.ReadAt(chunk, from)
		if err != nil && err != io.EOF {
			return -1, osFault(err)
		}
		for at := 0; ; at++ {
			found := bytes.Index(chunk[at:n], salt[:])
			if found < 0 {
				break
			}
			at += found
			place := from + int64(at) - headSize
			// The position behind the end that has this place.
			pos := end + 1 + ((place-end-1)%in.room+in.room)%in.room
			if f, err := in.read(pos, nil); err != nil {
				return -1, err
			} else if f != nil && pos < moved+in.room {
				return pos, nil
			}
		}
	}
	return -1, nil
}

// aside renames an intake that is of another log: somebody may miss what is in
// it.
func (in *intake) aside() error {
	info, err := in.file.Stat()
	if err != nil {
		return osFault(err)
	}
	return osFault(os.Rename(in.path, fmt.Sprintf("%s-%d", in.path, info.ModTime().UnixNano())))
}

func castagnoli() *crc32.Table { return crc32.MakeTable(crc32.Castagnoli) }
