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

// RunFile records a run and lets an interrupted one continue, even after kill -9:
// what was answered is never sent again.
//
// It is a text file that only grows. The first line is JSON and describes the run.
// Every other line is about one delivery, named by the numbers of its document and
// its copy:
//
//	> 12.1 9f86d081    is about to be sent; hash of the payload
//	< 12.1 200         was answered
//	< 12.1 200 class   was answered, and the answer was not valid
//	? 12.1             ended without an answer
//	- 12.1             ended, nothing was sent
//
// A ">" line is written before the first byte of the delivery is sent, the others
// within a few milliseconds after its end. "Written" means passed to the operating
// system: it survives the end of the process, but not a power failure.
type RunFile struct {
	Seed uint64 // of the run, as it was started
	Past Past

	path string
	info runInfo
	past []byte   // by document and copy, when the file was opened
	hash []uint32 // by document
	out  *appender
}

// Past is what earlier processes did in a run.
type Past struct {
	Answered int           // deliveries
	Statuses map[int]int   // of them, by status
	Broken   map[Class]int // of them, by why the answer was not valid
	// Open counts deliveries that were possibly sent and not answered. They are
	// sent again.
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

// Setting is one setting of a run, such as its target. Name is what the user
// typed.
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

// ErrRunFile matches every [RunFileError], by errors.Is.
var ErrRunFile = errors.New("run file refused")

// RunFileError is returned for a run file that cannot be used.
type RunFileError struct {
	Path string
	Why  string // follows the path in the message
	Hint string // what to do instead
}

func (e *RunFileError) Error() string { return fmt.Sprintf("run file %q %s", e.Path, e.Why) }

// Is makes errors.Is(err, ErrRunFile) work.
func (e *RunFileError) Is(target error) bool { return target == ErrRunFile }

const (
	hintOtherFile    = "use a different run file for this run"
	hintSamePayloads = "restore the payloads as they were, or start a new run with another run file"
)

// OpenRunFile opens the run file at path, or creates it. copies is how many copies
// of each document are sent. copies and settings must be the same as when the run
// was started. The error is a [RunFileError] or from the file system. The caller
// closes the file.
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

// ReadRunFile is OpenRunFile for dry runs: it neither creates nor changes a file.
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
		return nil, errors.Join(err, f.refuse("is not a regular file", hintOtherFile))
	}
	if err := lock(file); err != nil {
		return nil, f.refuse("is in use by another process", "wait for it to end")
	}
	size, err := f.load(file)
	if err != nil {
		return nil, err
	}
	// Drop an incomplete line, which was being written when the process ended.
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

// Close writes pending lines and closes the file.
func (f *RunFile) Close() error {
	if f.out == nil { // read only
		return nil
	}
	return f.out.close()
}

func (f *RunFile) refuse(why, hint string) error { return &RunFileError{f.path, why, hint} }

// Unconfirmed is a delivery that was possibly sent and has no recorded answer. The
// endpoint may get it more than once.
type Unconfirmed struct {
	Source string // with Line: where the document was read
	Line   int
	CallID string // may be empty
	Number int    // of the document in the run, from 1
	Copy   int
	Sends  int  // so far
	Again  bool // it is sent again now; false: an earlier process did
}

// Remaining returns the steps that are still to be sent. It calls report for every
// unconfirmed delivery before that is sent again. An [ErrRunFile] ends it: the
// documents are not those that the run was started with. For a nil RunFile it
// returns all steps.
func (f *RunFile) Remaining(steps iter.Seq2[Step, error], report func(Unconfirmed)) iter.Seq2[Step, error] {
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
				step = f.left(step, report)
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

// known returns the state of a document's copies when the file was opened; nil if
// there is none.
func (f *RunFile) known(number int) []byte {
	if f == nil || number > len(f.hash) {
		return nil
	}
	return f.past[(number-1)*f.info.Copies:][:f.info.Copies]
}

// answered reports whether a copy was answered when the file was opened.
func (f *RunFile) answered(number, copy int) bool {
	past := f.known(number)
	return copy <= len(past) && past[copy-1]&pastAnswered != 0
}

// check compares a document with its hash in the file.
func (f *RunFile) check(step Step) error {
	if !slices.ContainsFunc(f.known(step.Number), func(past byte) bool { return past != 0 }) {
		return nil
	}
	if f.hash[step.Number-1] == hashOf(step.Document) {
		return nil
	}
	return f.refuse(fmt.Sprintf("has another payload %d than %s:%d", step.Number, step.Document.Source, step.Document.Line), hintSamePayloads)
}

func hashOf(doc payload.Document) uint32 {
	sum := sha256.Sum256(doc.Body)
	return binary.BigEndian.Uint32(sum[:4])
}

// left removes the answered copies from a step.
func (f *RunFile) left(step Step, report func(Unconfirmed)) Step {
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
		if report != nil && (sends > 1 || sends == 1 && !answered) {
			doc := step.Document
			report(Unconfirmed{doc.Source, doc.Line, CallID(doc.Body), step.Number, n, sends, !answered})
		}
	}
	return step
}

// copiesLeft returns how many copies of a document are still to be sent.
func (f *RunFile) copiesLeft(number, copies int) int {
	for _, past := range f.known(number) {
		if past&pastAnswered != 0 {
			copies--
		}
	}
	return copies
}

// Verify checks, before anything is sent, that the documents in the plan's run
// file are still the same.
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
		if err != nil { // reported during the run
			continue
		}
		if err := f.check(step); err != nil {
			return err
		}
		if number = step.Number; number == len(f.hash) {
			return nil
		}
	}
	return f.refuse(fmt.Sprintf("has %d payloads, and there are %d", len(f.hash), number), hintSamePayloads)
}

// begin records deliveries before they are sent. If it returns nil, they are in the
// file.
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

// end records the result of a delivery. The next begin returns its write error.
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
