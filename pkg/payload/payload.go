// Package payload reads JSON documents from files, folders, globs and standard input.
// A source has one document, several, one per line (NDJSON), or an array of them,
// plain or compressed with gzip or zstd.
//
// It finds the documents and their exact bytes and positions. It does not validate
// them: what is not JSON is passed on unchanged.
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

// Stdin is the Source of documents from standard input.
const Stdin = "<stdin>"

// MaxDocument is the largest size of a document in bytes, after decompression. A
// larger one is [ErrTooLarge].
const MaxDocument = 256 << 20

// Document is one document of a source, with its position.
//
// Line, Column and Offset are those of Body[0] in the decompressed source.
type Document struct {
	Source string // path as given or found, or [Stdin]
	Line   int    // 1-based
	Column int    // 1-based, in characters (code points; an invalid byte is one)
	Offset int64  // 0-based, in bytes
	// Body is the exact bytes. If the source has several documents, they are without
	// the white space around them. Body is never reused; the caller may keep it.
	Body []byte
}

// Errors of a source or a part of it. If a file cannot be opened, the error is from
// the file system, such as [fs.ErrNotExist] or [fs.ErrPermission].
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

// Error is returned for a source, or a position in it, without a document. Err is one
// of the errors above, or from the file system or decompression; use errors.Is.
type Error struct {
	Source string
	// Line, Column and Offset are as in [Document]; Line is 0 if the error
	// is about the whole source.
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

// Below returns err with its line moved down by lines, if it is an [Error] with one.
func Below(err error, lines int) error {
	e, ok := errors.AsType[*Error](err)
	if !ok || e.Line == 0 {
		return err
	}
	moved := *e
	moved.Line += lines
	return &moved
}

// Read returns the documents of paths, in order. A path is a file, a folder
// (every *.json, *.jsonl and *.ndjson file below it, also with .gz or .zst
// added, sorted), a glob pattern (with ** for any number of folders) or "-"
// for stdin. The format is detected from the content.
//
// Each step has a Document or an error. Every error is an *[Error], except that of
// ctx, which ends the sequence; after others, reading continues. Sources are read as
// streams: memory depends on the largest document, not on the source.
//
// A source that begins with [ is an array of payloads. If its first line is a complete
// object and more lines follow, it is NDJSON: every line is a document, blank lines are
// skipped. Otherwise a document ends before a line that begins with { while no bracket
// is open, as in the output of jq, or at the end of the source.
func Read(ctx context.Context, paths []string, stdin io.Reader) iter.Seq2[Document, error] {
	return func(yield func(Document, error) bool) {
		// Without free: bodies are never reused.
		documents((&reader{stopped: ctx.Err, stdin: stdin, limit: MaxDocument}).chunks(paths), yield)
	}
}

// documents splits chunks into documents.
func documents(chunks iter.Seq2[Chunk, error], yield func(Document, error) bool) {
	before := 0
	for chunk, err := range chunks {
		if chunk.First {
			before = 0
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
			doc.Line += before
			if !yield(doc, nil) {
				return
			}
		}
	}
}

// Chunk is a part of a source: one document, or lines with one document each. Chunks
// can be split by several goroutines.
//
// Line numbers do not count the lines of earlier chunks, in an [Error] as well: the
// reader of those chunks adds them, see [Chunk.Ends]. So no line is counted twice.
type Chunk struct {
	First bool // of its source
	whole bool // doc.Body is one document
	ends  int  // line ends skipped so far, if lines
	doc   Document
	buf   []byte        // the memory that doc.Body is in
	free  chan<- []byte // where buf goes; nil if it is not given back
}

// Chunks is Read for callers that split chunks themselves.
func Chunks(ctx context.Context, paths []string, stdin io.Reader) iter.Seq2[Chunk, error] {
	return (&reader{stopped: ctx.Err, stdin: stdin, limit: MaxDocument, free: make(chan []byte, maxFree)}).chunks(paths)
}

// Size is the number of bytes in the chunk.
func (c Chunk) Size() int { return len(c.doc.Body) }

// Source is the source of the chunk.
func (c Chunk) Source() string { return c.doc.Source }

// Text returns the bytes of the chunk. With lines, each line that is not blank is a
// document; otherwise all of it is one.
func (c Chunk) Text() (text []byte, lines bool) { return c.doc.Body, !c.whole }

// Skip returns the chunk without its first n bytes, which end after a document or its
// line and contain ends line ends.
func (c Chunk) Skip(n, ends int) Chunk {
	if !c.whole {
		c.ends += ends
	}
	c.doc.Line, c.doc.Offset = c.doc.Line+ends, c.doc.Offset+int64(n)
	c.doc.Body = c.doc.Body[n:]
	return c
}

// Ends returns how many line ends of the chunk were skipped; 0 if it is a single
// document, as later chunks count these.
func (c Chunk) Ends() int { return c.ends }

// Release lets the memory of the chunk be reused: its documents must not be used
// afterwards. Calling it is optional.
func (c Chunk) Release() {
	if c.free == nil {
		return
	}
	select {
	case c.free <- c.buf:
	default: // enough is free
	}
}

// Position returns where the document begins.
func (d Document) Position() jsonscan.Position {
	return jsonscan.Position{Line: d.Line, Column: d.Column, Offset: d.Offset}
}

// cause returns err without the operation and path of the file system.
func cause(err error) error {
	if pathError, ok := errors.AsType[*fs.PathError](err); ok {
		return pathError.Err
	}
	return err
}
