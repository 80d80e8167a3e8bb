package deliver

import (
	"crypto/sha256"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"iter"
	"os"
	"slices"
	"strconv"

	"github.com/julianctl/julianctl/pkg/payload"
)

// RunFile records a run as it goes and continues one that was cut short, also
// by kill -9: what was answered is never sent again.
//
// It is a text file that only grows. The first line is JSON and says which run
// it is. Every other line is about one delivery, by the number of its document
// and of its copy:
//
//	> 12.1 9f86d081    is about to be sent; a payload of this hash
//	< 12.1 200         was answered
//	< 12.1 200 class   was answered, and the answer was wrong in itself
//	? 12.1             ended without an answer
//	- 12.1             ended, and nothing was sent
//
// The first kind is in the file before a byte of the delivery leaves, the others
// within some milliseconds. "In the file" is handed to the operating system, so
// that it outlasts the process, though not a power failure.
type RunFile struct {
	Seed uint64 // of the run: that of its beginning
	Past Past

	path string
	info runInfo
	past []byte   // by document and copy, as it was when the file was opened
	hash []uint32 // by document
	out  *appender
}

// Past is what earlier processes did of a run.
type Past struct {
	Answered int           // deliveries
	Statuses map[int]int   // of them, by status
	Broken   map[Class]int // of them, by what was wrong with the answer itself
	// Open were sent, or perhaps sent, and not answered; they are sent again.
	Open int
}

// Failed is how many of the answers were not as expected.
func (p Past) Failed(expect Statuses) int {
	n := 0
	for _, broken := range p.Broken {
		n += broken
	}
	for status, count := range p.Statuses {
		if !expect.Has(status) {
			n += count
		}
	}
	return n
}

// Setting is one thing that a run follows from, such as its target. Name is
// what the user calls it.
type Setting struct {
	Name  string `json:"name"`
	Value string `json:"value"`
}

// runInfo is the first line of a run file.
type runInfo struct {
	Schema   string    `json:"schema"`
	Copies   int       `json:"copies"` // of each document
	Seed     uint64    `json:"seed"`
	Settings []Setting `json:"settings"`
}

const runSchema = "julianctl.run/v1"

// ErrRunFile is what every refusal to continue a run is, by errors.Is.
var ErrRunFile = errors.New("run file refused")

// RunFileError is a run file that does not fit what is to be sent.
type RunFileError struct {
	Path string
	Why  string // reads on from the path
	Hint string // what to do instead
}

func (e *RunFileError) Error() string { return fmt.Sprintf("run file %q %s", e.Path, e.Why) }

// Is makes errors.Is(err, ErrRunFile) work.
func (e *RunFileError) Is(target error) bool { return target == ErrRunFile }

const (
	otherRun     = "give another run a file of its own"
	otherPayload = "put the payloads back as they were, or begin anew with another run file"
)

// OpenRunFile continues the run in the file at path, or begins it there if there
// is none. Copies is how many of each document are sent; settings are what else
// the run follows from, seed aside: they must be those of its beginning. The
// error is a [RunFileError] or one of the file system. Close it.
func OpenRunFile(path string, copies int, seed uint64, settings []Setting) (*RunFile, error) {
	file, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return nil, err
	}
	f, err := openRun(path, file, runInfo{runSchema, copies, seed, settings})
	if err != nil {
		return nil, errors.Join(err, file.Close())
	}
	return f, nil
}

// ReadRunFile is OpenRunFile for those who send nothing: it neither makes nor
// changes a file.
func ReadRunFile(path string, copies int, seed uint64, settings []Setting) (*RunFile, error) {
	f := &RunFile{Seed: seed, path: path, info: runInfo{runSchema, copies, seed, settings}}
	file, err := os.Open(path)
	if errors.Is(err, fs.ErrNotExist) {
		return f, nil
	}
	if err != nil {
		return nil, err
	}
	defer file.Close()
	_, err = f.load(file)
	return f, err
}

func openRun(path string, file *os.File, info runInfo) (*RunFile, error) {
	f := &RunFile{Seed: info.Seed, path: path, info: info}
	if stat, err := file.Stat(); err != nil || !stat.Mode().IsRegular() {
		return nil, errors.Join(err, f.refuse("is no regular file", otherRun))
	}
	if err := lock(file); err != nil {
		return nil, f.refuse("is in use by another process", "wait for it to end")
	}
	size, err := f.load(file)
	if err != nil {
		return nil, err
	}
	// The end of a line that was being written when its process ended.
	if err := file.Truncate(size); err != nil {
		return nil, err
	}
	if _, err := file.Seek(size, io.SeekStart); err != nil {
		return nil, err
	}
	if size == 0 {
		line, err := json.Marshal(info)
		if err == nil {
			_, err = file.Write(append(line, '\n'))
		}
		if err != nil {
			return nil, err
		}
	}
	f.out = newAppender(file)
	return f, nil
}

// Close writes what is not yet written.
func (f *RunFile) Close() error {
	if f.out == nil { // read only
		return nil
	}
	return f.out.close()
}

func (f *RunFile) refuse(why, hint string) error { return &RunFileError{f.path, why, hint} }

// Doubt is a delivery of which the endpoint may have seen more than one: it was
// sent, or perhaps sent, and no answer was recorded.
type Doubt struct {
	Source string // and line: where the document stands
	Line   int
	CallID string // may be empty
	Number int    // of the document in the run, from 1
	Copy   int
	Sends  int  // so far
	Again  bool // it is sent again now; otherwise that was done before
}

// Left gives what of a run's steps is still to be sent, and tells of every
// doubt before its delivery is sent again. An error that is [ErrRunFile] ends
// it: the documents are not those of the beginning. A nil RunFile leaves all.
func (f *RunFile) Left(steps iter.Seq2[Step, error], tell func(Doubt)) iter.Seq2[Step, error] {
	if f == nil {
		return steps
	}
	return func(yield func(Step, error) bool) {
		seen := 0
		for step, err := range steps {
			if err == nil {
				seen = max(seen, step.Number)
				if err := f.check(step); err != nil {
					yield(Step{}, err)
					return
				}
				step = f.left(step, tell)
				if step.Deliveries() == 0 {
					continue
				}
			}
			if !yield(step, err) {
				return
			}
		}
	}
}

// known is the state of a step's copies when the file was opened; nil where
// there is none.
func (f *RunFile) known(number int) []byte {
	if f == nil || number > len(f.hash) {
		return nil
	}
	return f.past[(number-1)*f.info.Copies:][:f.info.Copies]
}

// answered reports whether a copy had its answer when the file was opened.
func (f *RunFile) answered(number, copy int) bool {
	past := f.known(number)
	return copy <= len(past) && past[copy-1]&pastAnswered != 0
}

// check compares a document with what the file says of it.
func (f *RunFile) check(step Step) error {
	if !slices.ContainsFunc(f.known(step.Number), func(past byte) bool { return past != 0 }) {
		return nil
	}
	if f.hash[step.Number-1] == hashOf(step.Document) {
		return nil
	}
	return f.refuse(fmt.Sprintf("has another payload %d than %s:%d", step.Number, step.Document.Source, step.Document.Line), otherPayload)
}

func hashOf(doc payload.Document) uint32 {
	sum := sha256.Sum256(doc.Body)
	return binary.BigEndian.Uint32(sum[:4])
}

// left takes out of a step what was answered.
func (f *RunFile) left(step Step, tell func(Doubt)) Step {
	known := f.known(step.Number)
	if known == nil {
		return step
	}
	for n := step.First; n <= step.Last; n++ {
		past := known[n-1]
		answered, sends := past&pastAnswered != 0, int(past&pastSends)
		if answered {
			step.skip = append(step.skip, n)
		}
		if tell != nil && (sends > 1 || sends == 1 && !answered) {
			doc := step.Document
			tell(Doubt{doc.Source, doc.Line, CallID(doc.Body), step.Number, n, sends, !answered})
		}
	}
	return step
}

// copiesLeft is how many copies of a document this process is to send.
func (f *RunFile) copiesLeft(number, copies int) int {
	for _, past := range f.known(number) {
		if past&pastAnswered != 0 {
			copies--
		}
	}
	return copies
}

// Verify goes through the documents that a plan's run file knows of, before
// anything is sent: they must be those of its beginning.
func (p Plan) Verify(docs iter.Seq2[payload.Document, error]) error {
	f := p.File
	if f == nil || len(f.hash) == 0 {
		return nil
	}
	p.Shuffle, p.Mode = false, After // the order of the documents
	number := 0
	for step, err := range p.Steps(docs) {
		if ended(err) {
			return err
		}
		if err != nil { // is told when it comes up in the run
			continue
		}
		if err := f.check(step); err != nil {
			return err
		}
		if number = step.Number; number == len(f.hash) {
			return nil
		}
	}
	return f.refuse(fmt.Sprintf("has %d payloads, and there are %d", len(f.hash), number), otherPayload)
}

// begin records deliveries that are about to be sent. Without an error they are
// in the file.
func (f *RunFile) begin(step Step, copies ...int) error {
	if f == nil {
		return nil
	}
	hash := hashOf(step.Document)
	err := f.out.write(true, func(b []byte) []byte {
		for _, n := range copies {
			b = appendName(b, '>', step.Number, n)
			b = fmt.Appendf(b, " %08x\n", hash)
		}
		return b
	})
	if err != nil {
		return fmt.Errorf("run file: %w", err)
	}
	return nil
}

// end records what came of a delivery. That it cannot be written, the next begin
// says.
func (f *RunFile) end(r Result) {
	if f == nil {
		return
	}
	_ = f.out.write(false, func(b []byte) []byte {
		kind := byte('?')
		switch {
		case r.Answer.Status != 0:
			kind = '<'
		case errors.Is(r.Err, Unreachable) && r.Answer.BytesSent == 0:
			kind = '-'
		}
		b = appendName(b, kind, r.Number, r.Copy)
		if kind == '<' {
			b = strconv.AppendInt(append(b, ' '), int64(r.Answer.Status), 10)
			if r.Answer.Err != nil {
				b = append(append(b, ' '), ClassOf(r.Answer.Err)...)
			}
		}
		return append(b, '\n')
	})
}

func appendName(b []byte, kind byte, number, which int) []byte {
	b = append(b, kind, ' ')
	b = strconv.AppendInt(b, int64(number), 10)
	return strconv.AppendInt(append(b, '.'), int64(which), 10)
}
