package payload

import (
	"bytes"
	"compress/gzip"
	"errors"
	"io"

	"github.com/klauspost/compress/zstd"
)

// reader reads the sources of one call.
type reader struct {
	stopped func() error // not nil once the reading is to end
	stdin   io.Reader
	limit   int // largest document in bytes
}

// emit takes a chunk or an error; false ends the reading.
type emit func(chunk, error) bool

// stream reads one source. Size is a hint, 0 when it is not known.
func (r *reader) stream(name string, in io.Reader, size int64, emit emit) bool {
	plain, stop, packed, err := decompress(in)
	if err != nil {
		return emit(chunk{}, &Error{Source: name, Err: cause(err)})
	}
	defer stop()
	if packed {
		size = 0
	}
	s := &source{reader: r, name: name, in: plain, size: int(min(size, int64(r.limit))), at: start, emit: emit, first: true}
	return s.read()
}

// maxWindow is what zstd itself takes without being asked for more.
const maxWindow = 128 << 20

// decompress tells gzip and zstd by their first bytes.
func decompress(in io.Reader) (plain io.Reader, stop func(), packed bool, err error) {
	head := make([]byte, 4)
	n, err := io.ReadFull(in, head)
	if err != nil && !errors.Is(err, io.EOF) && !errors.Is(err, io.ErrUnexpectedEOF) {
		return nil, nil, false, err
	}
	head = head[:n]
	in = io.MultiReader(bytes.NewReader(head), in)
	switch {
	case bytes.HasPrefix(head, []byte("\x1f\x8b")):
		z, err := gzip.NewReader(in)
		if err != nil {
			return nil, nil, true, err
		}
		return z, func() {}, true, nil
	case bytes.HasPrefix(head, []byte("\x28\xb5\x2f\xfd")), isSkippable(head):
		z, err := zstd.NewReader(in, zstd.WithDecoderConcurrency(1), zstd.WithDecoderMaxWindow(maxWindow), zstd.WithDecoderLowmem(true))
		if err != nil {
			return nil, nil, true, err
		}
		return z, z.Close, true, nil
	}
	return in, func() {}, false, nil
}

// isSkippable tells a zstd frame without data, which parallel compressors
// write first.
func isSkippable(head []byte) bool {
	return len(head) == 4 && head[0]&0xf0 == 0x50 && string(head[1:]) == "\x2a\x4d\x18"
}

// chunkSize is how much is read at a time.
const chunkSize = 256 << 10

// source is a reader of one source, between what is read and what is handed
// out.
type source struct {
	*reader
	name  string
	in    io.Reader
	size  int // hint, in bytes
	emit  emit
	first bool // no chunk was handed out yet

	rest []byte // read, not handed out
	at   Place  // of rest[0]
	end  error  // why reading stopped: io.EOF, or trouble
}

// more reads on and reports whether rest grew. It never moves bytes that were
// handed out.
func (s *source) more() bool {
	if s.end == nil {
		s.end = s.stopped()
	}
	if s.end != nil {
		return false
	}
	if free := cap(s.rest) - len(s.rest); free < chunkSize/16 {
		grown := make([]byte, len(s.rest), s.nextSize())
		copy(grown, s.rest)
		s.rest = grown
	}
	for range 100 {
		n, err := s.in.Read(s.rest[len(s.rest):cap(s.rest)])
		s.rest = s.rest[:len(s.rest)+n]
		s.end = err
		if n > 0 || err != nil {
			return n > 0
		}
	}
	s.end = io.ErrNoProgress
	return false
}

// nextSize is the capacity that rest grows to: a chunk, then twice as much each
// time, but not past the end of the source.
func (s *source) nextSize() int {
	n := len(s.rest)
	if n < chunkSize/2 {
		return chunkSize
	}
	grown := 2*n + chunkSize
	if n < s.size {
		grown = min(grown, s.size+chunkSize/8) // room for the read that finds the end
	}
	return grown
}

// take hands out the first n bytes of rest. With whole set they are one
// document; otherwise lines.
func (s *source) take(n int, whole bool) bool {
	c := chunk{Document: Document{Source: s.name, Body: s.rest[:n:n]}, whole: whole, first: s.first}
	c.Line, c.Column, c.Offset = s.at.Line, s.at.Column, s.at.Offset
	s.first = false
	s.skip(n)
	return s.emit(c, nil)
}

// skip leaves out the first n bytes of rest.
func (s *source) skip(n int) {
	s.at = s.at.After(s.rest[:n])
	s.rest = s.rest[n:]
}

// fail hands out err, with the place of rest[0].
func (s *source) fail(err error) bool {
	return s.emit(chunk{}, &Error{Source: s.name, Line: s.at.Line, Column: s.at.Column, Offset: s.at.Offset, Err: err})
}

// ended says what the end of the input means; io.EOF is none of its business.
func (s *source) ended() bool {
	if s.end == io.EOF {
		return true
	}
	if err := s.stopped(); err != nil {
		s.emit(chunk{}, err)
		return false
	}
	return s.fail(cause(s.end))
}

// tooLarge reports whether a document of n bytes is.
func (s *source) tooLarge(n int) bool { return n > s.limit }
