// Package payload reads documents: files, folders, globs and standard input,
// holding one JSON document, several, one on each line (NDJSON) or a JSON
// array of them, plain or compressed with gzip or zstd.
//
// It owns finding documents and cutting them apart, with the exact bytes and
// the place of each. It does not judge them: what is not JSON is handed on as
// it is, for package validate to refuse or package deliver to send.
package payload

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"iter"

	"github.com/julianctl/julianctl/pkg/jsonscan"
)

// Stdin is the Source of documents that came by standard input.
const Stdin = "<stdin>"

// MaxDocument is the size in bytes, after decompression, up to which a
// document is read. A larger one is [ErrTooLarge].
const MaxDocument = 256 << 20

// Document is one document of a source, and where it stood there.
//
// Line, Column and Offset are those of Body[0] in the decompressed source.
type Document struct {
	Source string // path as given or found, or [Stdin]
	Line   int    // 1-based
	Column int    // 1-based, in characters (code points; an invalid byte is one)
	Offset int64  // 0-based, in bytes
	Index  int    // 0-based number of the document in its source
	// Body is the exact bytes. A source that is one document is that document
	// whole, white space around it included; of several, each comes without
	// the white space around it. Body is the caller's: it is never reused.
	Body []byte
}

// Why a source, or a part of it, gave no document. A file that cannot be
// opened gives the error of the file system, such as [fs.ErrNotExist] or
// [fs.ErrPermission].
var (
	// ErrEmpty: the source holds white space or nothing.
	ErrEmpty = errors.New("holds no payload")
	// ErrNoFiles: the folder holds no file with a known ending.
	ErrNoFiles = errors.New("folder holds no *.json, *.jsonl or *.ndjson file")
	// ErrNoMatch: the glob pattern matches nothing.
	ErrNoMatch = errors.New("pattern matches no file")
	// ErrTooLarge: a document is larger than [MaxDocument].
	ErrTooLarge = errors.New("document is too large")
	// ErrArray: the brackets and commas of an array of payloads are wrong.
	ErrArray = errors.New("malformed array of payloads")
)

// Error is a source, or a place in it, that gave no document. Err is one of
// the errors above, one of the file system, or one of decompression; what it
// is, errors.Is tells.
type Error struct {
	Source string
	// Line, Column and Offset are as in [Document]; Line is 0 where the
	// trouble is with the source as a whole.
	Line   int
	Column int
	Offset int64
	Err    error
}

func (e *Error) Error() string {
	if e.Line == 0 {
		return fmt.Sprintf("reading %q: %v", e.Source, e.Err)
	}
	return fmt.Sprintf("reading %q at line %d: %v", e.Source, e.Line, e.Err)
}

func (e *Error) Unwrap() error { return e.Err }

// Below is err so many lines further down, if it is an [Error] in a line.
func Below(err error, lines int) error {
	e, ok := errors.AsType[*Error](err)
	if !ok || e.Line == 0 {
		return err
	}
	moved := *e
	moved.Line += lines
	return &moved
}

// Read gives the documents of paths, in order. A path is a file, a folder
// (every *.json, *.jsonl and *.ndjson file below it, also with .gz or .zst
// added, sorted), a glob pattern (with ** for any number of folders) or "-"
// for stdin. What a file holds is told from its content.
//
// A step has either a Document or an error. Every error is an *[Error] except
// that of ctx, which ends the sequence; after any other the rest is read
// nevertheless. Documents of a source come as it is read: memory follows the
// largest document, not the source.
//
// A document is found so: a source that begins with [ is an array of payloads.
// One whose first line is a whole object, with more lines after it, is NDJSON:
// a document is a line, blank ones are skipped. Otherwise a document ends
// before a line that begins with { while no bracket is open, as in the output
// of jq, or with the source.
func Read(ctx context.Context, paths []string, stdin io.Reader) iter.Seq2[Document, error] {
	return func(yield func(Document, error) bool) {
		// Without free: memory is not taken back, bodies are the caller's.
		documents((&reader{stopped: ctx.Err, stdin: stdin, limit: MaxDocument}).chunks(paths), yield)
	}
}

// documents cuts chunks apart.
func documents(chunks iter.Seq2[Chunk, error], yield func(Document, error) bool) {
	index, before := 0, 0
	for chunk, err := range chunks {
		if chunk.First {
			index, before = 0, 0
		}
		if err != nil {
			if !yield(Document{}, Below(err, before)) {
				return
			}
			continue
		}
		for {
			doc, rest, ok := chunk.Next()
			if !ok {
				before += rest.Ends()
				break
			}
			chunk = rest
			doc.Index = index
			doc.Line += before
			index++
			if !yield(doc, nil) {
				return
			}
		}
	}
}

// Chunk is what [Read] cuts documents from: one document, or lines with a
// document on each. Chunks can be cut by several goroutines, one each.
//
// Lines are counted without those of the chunks of lines before, in an [Error]
// as well: who goes through a chunk knows how many it has, see [Chunk.Ends], and
// need not look for them twice.
type Chunk struct {
	First bool // of its source
	whole bool // doc.Body is one document
	ends  int  // line ends that were passed, of lines
	doc   Document
	buf   []byte        // the memory that doc.Body is in
	free  chan<- []byte // where buf goes; nil if it is not given back
}

// Chunks is Read for those who cut documents apart themselves.
func Chunks(ctx context.Context, paths []string, stdin io.Reader) iter.Seq2[Chunk, error] {
	return (&reader{stopped: ctx.Err, stdin: stdin, limit: MaxDocument, free: make(chan []byte, maxFree)}).chunks(paths)
}

// Size is the number of bytes in the chunk.
func (c Chunk) Size() int { return len(c.doc.Body) }

// Source is that of the documents in the chunk.
func (c Chunk) Source() string { return c.doc.Source }

// Text is the bytes of the chunk. If lines, each line that is not blank is a
// document; if not, all of it is one.
func (c Chunk) Text() (text []byte, lines bool) { return c.doc.Body, !c.whole }

// Skip is the chunk without its first n bytes, which end with a document or
// behind its line, and have so many line ends.
func (c Chunk) Skip(n, ends int) Chunk {
	if !c.whole {
		c.ends += ends
	}
	c.doc.Line, c.doc.Offset = c.doc.Line+ends, c.doc.Offset+int64(n)
	c.doc.Body = c.doc.Body[n:]
	return c
}

// Ends is how many lines of the chunk end before what is left of it. A document
// that stands alone has none that count: those behind it know.
func (c Chunk) Ends() int { return c.ends }

// Release gives the memory of the chunk back: nothing that Documents gave may
// be used afterwards. It need not be called.
func (c Chunk) Release() {
	if c.free == nil {
		return
	}
	select {
	case c.free <- c.buf:
	default: // enough is free
	}
}

// Position is where the document begins.
func (d Document) Position() jsonscan.Position {
	return jsonscan.Position{Line: d.Line, Column: d.Column, Offset: d.Offset}
}

// cause is err without what the file system says around it: operation and path.
func cause(err error) error {
	if pathError, ok := errors.AsType[*fs.PathError](err); ok {
		return pathError.Err
	}
	return err
}
