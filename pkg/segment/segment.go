package segment

import (
	"bytes"
	"encoding/binary"
	"errors"
	"hash/crc32"
	"io"
	"os"
)

// A frame is a record in a segment. Its head has, in little endian: the low half
// of the salt (4 bytes), the length of what follows the head (4), the number of
// the batch that it was written in (8), the check sum of what follows the head (4),
// and that of the head so far (4). After it come the kind of the record, its
// fields, and a byte that is not zero: what a write that was cut off has left ends
// in zeros before it.
//
// A frame whose bytes were deleted begins with the complement of the salt. Its
// length stays, and nothing else in it matters.
const (
	frameHead = 24
	frameEnd  = '\n'
	// fillStep is how much is written in advance, so that writing a frame
	// changes no size of a file: flushing that would cost as much again.
	FillStep = 1 << 20
	// readStep is how much is read at a time.
	readStep = 256 << 10
)

// zeros is never written to.
var zeros [FillStep]byte

// ErrVoid says that a delivery was deleted.
var ErrVoid = errors.New("its bytes were deleted")

// Frame is one record in a segment, not decoded yet.
type Frame struct {
	Place  int64 // in the segment
	Length int64 // of all of it
	Seq    int64 // of the batch
	Kind   byte  // 0: it was deleted
	Fields []byte
	Bad    bool // these bytes cannot be read; what follows can
}

func (s *Segment) magic() uint32 { return uint32(s.salt) }

func (s *Segment) sum(b []byte) uint32 { return crc32.Update(uint32(s.salt>>32), Castagnoli(), b) }

// AppendFrame appends a frame whose fields body appends.
func (s *Segment) AppendFrame(b []byte, seq int64, kind byte, body func([]byte) []byte) []byte {
	at := len(b)
	b = append(b, make([]byte, frameHead)...)
	b = append(body(append(b, kind)), frameEnd)
	s.seal(b[at:], s.magic(), len(b)-at-frameHead, seq, s.sum(b[at+frameHead:]))
	return b
}

// seal writes a head.
func (s *Segment) seal(b []byte, magic uint32, length int, seq int64, sum uint32) {
	binary.LittleEndian.PutUint32(b, magic)
	binary.LittleEndian.PutUint32(b[4:], uint32(length))
	binary.LittleEndian.PutUint64(b[8:], uint64(seq))
	binary.LittleEndian.PutUint32(b[16:], sum)
	binary.LittleEndian.PutUint32(b[20:], s.sum(b[:20]))
}

// Head reads a head; false when there is none.
func (s *Segment) Head(b []byte) (f Frame, ok bool) {
	if len(b) < frameHead {
		return f, false
	}
	magic := binary.LittleEndian.Uint32(b)
	if magic != s.magic() && magic != ^s.magic() || s.sum(b[:20]) != binary.LittleEndian.Uint32(b[20:]) {
		return f, false
	}
	f.Length = frameHead + int64(binary.LittleEndian.Uint32(b[4:]))
	f.Seq = int64(binary.LittleEndian.Uint64(b[8:]))
	if magic == s.magic() {
		f.Kind = 1 // of which kind is not looked at yet
	}
	return f, true
}

// decode reads a whole frame; its fields share the memory of b.
func (s *Segment) decode(b []byte) (f Frame, err error) {
	f, ok := s.Head(b)
	switch {
	case !ok || f.Length != int64(len(b)) || f.Kind != 0 && (f.Length < frameHead+2 || s.sum(b[frameHead:]) != binary.LittleEndian.Uint32(b[16:])):
		return f, ErrRecord
	case f.Kind == 0:
		return f, ErrVoid
	}
	f.Kind, f.Fields = b[frameHead], b[frameHead+1:len(b)-1]
	return f, nil
}

// Read reads the frame at a place. Its fields are in the memory of buf, if there
// is room.
func (s *Segment) Read(file io.ReaderAt, place, length int64, buf []byte) (Frame, error) {
	if place < 0 || length < frameHead || length > frameHead+1<<32 {
		return Frame{}, ErrRecord
	}
	if int64(cap(buf)) < length {
		buf = make([]byte, length)
	}
	buf = buf[:length]
	for again := true; ; again = false {
		if _, err := file.ReadAt(buf, place); err != nil && err != io.EOF {
			return Frame{}, OSFault(err)
		}
		f, err := s.decode(buf)
		if f.Place = place; !errors.Is(err, ErrRecord) || !again {
			return f, err
		} // it may be in the middle of being deleted
	}
}

// Cursor goes from frame to frame.
type Cursor struct {
	Segment
	file *os.File
	At   int64
	Buf  []byte // what is in the file at from
	from int64
	err  error
}

// Open reads a segment from a place on; the caller closes the Cursor.
func (f *Folder) Open(s Segment, at int64) (*Cursor, error) {
	file, err := os.Open(f.At(s.Name))
	if err != nil {
		return nil, err
	}
	return &Cursor{Segment: s, file: file, At: at}, nil
}

// Close closes the file.
func (c *Cursor) Close() { _ = c.file.Close() } // it was only read

// bytes returns n bytes at a place, fewer at the end of the file.
func (c *Cursor) bytes(at, n int64) []byte {
	if at < c.from || at+n > c.from+int64(len(c.Buf)) {
		size := max(n, readStep)
		if int64(cap(c.Buf)) < size {
			c.Buf = make([]byte, size)
		}
		got, err := c.file.ReadAt(c.Buf[:size], at)
		if err != nil && err != io.EOF {
			c.err = OSFault(err)
		}
		c.Buf, c.from = c.Buf[:got], at
	}
	return c.Buf[at-c.from : min(at-c.from+n, int64(len(c.Buf)))]
}

// here reads the frame at a place; false when no whole one is there. Its fields
// are valid until the next is read.
func (c *Cursor) here(at int64) (f Frame, ok bool) {
	if f, ok = c.Head(c.bytes(at, frameHead)); !ok {
		return f, false
	}
	if f.Kind == 0 && f.Length > readStep {
		f.Place = at // its bytes do not matter
		return f, true
	}
	f, err := c.decode(c.bytes(at, f.Length))
	f.Place = at
	return f, err == nil || errors.Is(err, ErrVoid)
}

// Next returns the next frame; false at the end. Bytes that cannot be read are
// passed over when whole frames come after them.
func (c *Cursor) Next() (f Frame, ok bool, err error) {
	f, ok = c.here(c.At)
	if !ok && c.err == nil {
		if found, there := c.resync(c.At); there {
			f, ok = Frame{Place: c.At, Length: found.Place - c.At, Seq: found.Seq, Bad: true}, true
		}
	}
	if c.err != nil {
		return f, false, c.err
	}
	if ok {
		c.At += f.Length
	}
	return f, ok, nil
}

// resync looks for the next whole frame after a place.
func (c *Cursor) resync(at int64) (found Frame, ok bool) {
	magic := binary.LittleEndian.AppendUint32(nil, c.magic())
	void := binary.LittleEndian.AppendUint32(nil, ^c.magic())
	for at++; c.err == nil; {
		b := c.bytes(at, readStep)
		if len(b) < frameHead {
			return found, false
		}
		i := bytes.Index(b, magic)
		if j := bytes.Index(b, void); i < 0 || j >= 0 && j < i {
			i = j
		}
		if i < 0 {
			at += int64(len(b) - len(magic) + 1)
			continue
		}
		if found, ok = c.here(at + int64(i)); ok {
			return found, true
		}
		at += int64(i) + 1
	}
	return found, false
}

// Tail says what is behind the last frame, of which the cursor has gone past: how
// far there is anything but zeros, and whether that is what a write that was cut
// off has left, and no more.
func (c *Cursor) Tail() (end int64, torn bool, err error) {
	end = c.At
	for at := c.At; ; {
		b := c.bytes(at, readStep)
		if c.err != nil {
			return 0, false, c.err
		}
		if len(b) == 0 {
			break
		}
		if last := bytes.TrimRight(b, "\x00"); len(last) > 0 {
			end = at + int64(len(last))
		}
		at += int64(len(b))
	}
	f, whole := c.Head(c.bytes(c.At, frameHead))
	return end, end-c.At < frameHead || whole && end < c.At+f.Length, c.err
}

// Void deletes the bytes of a frame. What is left is passed over, wherever this
// is cut off.
func (s *Segment) Void(file *os.File, place, length int64) error {
	head := make([]byte, frameHead)
	if _, err := file.ReadAt(head, place); err != nil {
		return OSFault(err)
	}
	f, ok := s.Head(head)
	if !ok || f.Length != length {
		return nil // it was damaged, and nobody knows what this would overwrite
	}
	s.seal(head, ^s.magic(), int(length-frameHead), f.Seq, 0)
	if _, err := file.WriteAt(head, place); err != nil {
		return OSFault(err)
	}
	for at := place + frameHead; at < place+length; at += FillStep {
		if _, err := file.WriteAt(zeros[:min(FillStep, place+length-at)], at); err != nil {
			return OSFault(err)
		}
	}
	const block = 4096
	if from, to := (place+frameHead+block-1)/block*block, (place+length)/block*block; from < to {
		giveBack(file, from, to-from)
	}
	return nil
}

// Tail is the segment that this process appends to.
type Tail struct {
	Segment
	File   *os.File
	At     int64 // where the next frame goes
	filled int64 // up to where there are zeros
	Count  int   // of frames of the kind that is counted
}

// Create makes a new segment, which belongs to this process until it is closed.
func (f *Folder) Create(seq int64) (*Tail, error) {
	s := newSegment(seq)
	file, err := os.OpenFile(f.At(s.Name), os.O_RDWR|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return nil, OSFault(err)
	}
	t := &Tail{Segment: s, File: file}
	if _, err = lockFile(file); err == nil {
		err = SyncFolder(f.Path)
	}
	if err != nil {
		return nil, errors.Join(OSFault(err), file.Close(), os.Remove(f.At(s.Name)))
	}
	return t, nil
}

// seize opens a segment of a process that has ended; nil when it is in use.
func (f *Folder) seize(s Segment) *os.File {
	file, err := os.OpenFile(f.At(s.Name), os.O_RDWR, 0)
	if err != nil {
		return nil
	}
	if free, err := lockFile(file); err == nil && free && IsAt(file, f.At(s.Name)) {
		return file
	}
	_ = file.Close() // nothing was written
	return nil
}

// Own opens a segment of a process that has ended to append to it, and cuts off what
// that has left behind the last frame; nil when it is in use or damaged. Frames of one kind
// are counted.
func (f *Folder) Own(s Segment, counted byte) *Tail {
	file := f.seize(s)
	if file == nil {
		return nil
	}
	c, count := &Cursor{Segment: s, file: file}, 0
	for {
		fr, ok, err := c.Next()
		if err != nil || fr.Bad {
			break
		}
		if fr.Kind == counted {
			count++
		}
		if ok {
			continue
		}
		if _, torn, err := c.Tail(); err == nil && torn && file.Truncate(c.At) == nil {
			return &Tail{Segment: s, File: file, At: c.At, filled: c.At, Count: count}
		}
		break
	}
	_ = file.Close() // nothing was written
	return nil
}

// Drop deletes a segment as a whole, unless a process appends to it or there is more
// in it than was listed.
func (f *Folder) Drop(name string, done int64) bool {
	s, _ := ParseName(name)
	file := f.seize(s)
	if file == nil {
		return false
	}
	defer file.Close()
	c := &Cursor{Segment: s, file: file, At: done}
	if _, more, err := c.Next(); err != nil || more {
		return false
	}
	if os.Remove(f.At(s.Name)) == nil {
		return true
	}
	_ = file.Close() // where what is open cannot be deleted
	return os.Remove(f.At(s.Name)) == nil
}

// Write appends frames; they are not on the disk yet.
func (t *Tail) Write(b []byte, step int64) error {
	end := t.At + int64(len(b))
	if end > t.filled {
		if err := t.fill(end, step); err != nil {
			return OSFault(err)
		}
	}
	if _, err := t.File.WriteAt(b, t.At); err != nil {
		// Nobody is to find a part of it.
		t.filled = t.At
		return errors.Join(OSFault(err), t.File.Truncate(t.At))
	}
	t.At = end
	return nil
}

// fill makes the file at least so long, with zeros that get to the disk together
// with what is written next.
func (t *Tail) fill(end, step int64) (err error) {
	whole := t.filled + (end-t.filled+step-1)/step*step
	for at := t.filled; at < whole && err == nil; at += FillStep {
		_, err = t.File.WriteAt(zeros[:min(FillStep, whole-at)], at)
	}
	if err != nil {
		// On a disk that is full, what is left is for others.
		return errors.Join(err, t.File.Truncate(t.filled))
	}
	t.filled = whole
	return nil
}

// Close cuts off what was not used, and lets others have the segment.
func (t *Tail) Close() error {
	return OSFault(errors.Join(t.File.Truncate(t.At), t.File.Close()))
}
