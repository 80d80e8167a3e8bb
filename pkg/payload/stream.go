package payload

import (
	"bytes"
	"compress/gzip"
	"errors"
	"io"
	"iter"

	"github.com/julianctl/julianctl/pkg/jsonscan"
	"github.com/klauspost/compress/zstd"
)

// reader reads the sources of one call.
type reader struct {
	stopped func() error // returns an error when reading must end
	stdin   io.Reader
	limit   int         // largest document in bytes
	free    chan []byte // released buffers; nil if they are not reused
	// visit, if not nil, is called for each file instead of reading it.
	visit func(path string) bool
}

// chunks returns the chunks of paths.
func (r *reader) chunks(paths []string) iter.Seq2[Chunk, error] {
	return func(yield func(Chunk, error) bool) {
		for _, path := range paths {
			if !r.path(path, yield) {
				return
			}
		}
	}
}

// maxFree is how many buffers of released chunks are kept.
const maxFree = 32

// emit receives a chunk or an error. If it returns false, reading ends.
type emit func(Chunk, error) bool

// stream reads one source. size is a hint; 0: not known.
func (r *reader) stream(name string, in io.Reader, size int64, emit emit) bool {
	plain, stop, packed, err := decompress(in)
	if err != nil {
		if stopped := r.stopped(); stopped != nil {
			return emit(Chunk{}, stopped) // not an error of the source
		}
		return emit(Chunk{}, &Error{Source: name, Err: cause(err)})
	}
	defer stop()
	if packed {
		size = 0
	}
	s := &source{reader: r, name: name, in: plain, size: int(min(size, int64(r.limit))), at: jsonscan.Start, emit: emit, first: true}
	return s.read()
}

// maxWindow is the default limit of the zstd command.
const maxWindow = 128 << 20

// decompress detects gzip and zstd by their first bytes.
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

// isSkippable detects a zstd frame without data, which parallel compressors write
// first.
func isSkippable(head []byte) bool {
	return len(head) == 4 && head[0]&0xf0 == 0x50 && string(head[1:]) == "\x2a\x4d\x18"
}

// chunkSize is how much is read at a time.
const chunkSize = 256 << 10

// readSize is how much is asked for in one call. What comes of a file in less
// than 20 µs goes unnoticed by the scheduler, which otherwise takes the thread
// for blocked and wakes another.
const readSize = 32 << 10

// source reads one source and emits its chunks.
type source struct {
	*reader
	name  string
	in    io.Reader
	size  int // hint, in bytes
	emit  emit
	first bool // no chunk was emitted yet

	rest []byte            // read, not yet emitted
	at   jsonscan.Position // of rest[0]
	end  error             // why reading stopped: io.EOF or an error
}

// more reads and reports whether rest grew. It never moves bytes that were emitted.
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
	begin := len(s.rest)
	for empty := 0; empty < 100; empty++ {
		room := s.rest[len(s.rest):cap(s.rest)]
		if s.size > 0 {
			room = room[:min(len(room), readSize)]
		}
		n, err := s.in.Read(room)
		s.rest = s.rest[:len(s.rest)+n]
		s.end = err
		// Of a file, more need not be waited for. Chunks that are to be cut
		// elsewhere are better large; documents are better at once, while they
		// are in the processor's cache.
		if s.size > 0 && s.free != nil && n == readSize && err == nil {
			empty = 0
			continue
		}
		if grown := len(s.rest) > begin; grown || err != nil {
			return grown
		}
	}
	s.end = io.ErrNoProgress
	return false
}

// nextSize returns the next capacity of rest: a chunk, then twice as much each time. If
// that is a large part of a source of known size, it is all of it, so that a large
// document is not copied again and again.
func (s *source) nextSize() int {
	n := len(s.rest)
	if n < chunkSize/2 {
		return chunkSize
	}
	grown := 2*n + chunkSize
	if n < s.size && grown > s.size/4 {
		return s.size + chunkSize/8 // room for the read that finds the end
	}
	return grown
}

// take emits the first n bytes of rest as one document.
func (s *source) take(n int) bool {
	return s.emit(s.chunk(n, true), nil)
}

// takeLines emits the first n bytes of rest, which are lines. If buffers are reused, the
// chunk gets the buffer, and the rest is copied to another one.
func (s *source) takeLines(n int) bool {
	buf, left := s.rest[:0], s.rest[n:]
	c := s.chunk(n, false)
	if s.free != nil && cap(buf) >= chunkSize {
		c.buf, c.free = buf, s.free
		s.rest = append(s.buffer(len(left)), left...)
	}
	return s.emit(c, nil)
}

func (s *source) chunk(n int, whole bool) Chunk {
	c := Chunk{First: s.first, whole: whole, doc: Document{
		Source: s.name, Line: s.at.Line, Column: s.at.Column, Offset: s.at.Offset, Body: s.rest[:n:n],
	}}
	s.first = false
	if whole {
		s.skip(n)
	} else {
		s.at.Offset += int64(n)
		s.rest = s.rest[n:]
	}
	return c
}

// buffer returns an empty buffer with room for more than n bytes.
func (s *source) buffer(n int) []byte {
	if n < chunkSize/2 {
		select {
		case b := <-s.free:
			return b
		default:
		}
	}
	return make([]byte, 0, n+chunkSize)
}

// skip drops the first n bytes of rest, and counts their lines.
func (s *source) skip(n int) {
	s.at = s.at.After(s.rest[:n])
	s.rest = s.rest[n:]
}

// fail emits err with the position of rest[0].
func (s *source) fail(err error) bool {
	first := s.first
	s.first = false
	return s.emit(Chunk{First: first}, &Error{Source: s.name, Line: s.at.Line, Column: s.at.Column, Offset: s.at.Offset, Err: err})
}

// ended emits the error that ended the input, if it is not io.EOF.
func (s *source) ended() bool {
	if s.end == io.EOF {
		return true
	}
	if err := s.stopped(); err != nil {
		s.emit(Chunk{}, err)
		return false
	}
	return s.fail(cause(s.end))
}

// tooLarge reports whether a document of n bytes is.
func (s *source) overLimit(n int) bool { return n > s.limit }
