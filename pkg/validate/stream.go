package validate

import (
	"context"
	"errors"
	"io"
	"iter"
	"slices"
	"sync"

	"github.com/julianctl/julianctl/pkg/payload"
	"golang.org/x/sync/semaphore"
)

// Result is what came of some documents that stood together, or of a source
// that gave none.
type Result struct {
	Documents int
	Incorrect int // documents with an Error among their issues
	Bytes     int // that were checked, decompressed
	Issues    []Issue
	// Each is the documents one by one, if [Validator.Each] was asked, and a
	// source that gave an issue in place of one.
	Each []Outcome
	// Err is what could not be read: a [payload.Error] of which [FromError]
	// makes no issue, or the error of the context. The rest is 0 then.
	Err error
}

// part is what came of a chunk, or of a part of it that follows another.
type part struct {
	Result
	first bool // of a source
	ends  int  // lines that end in the chunk; what comes behind is that much further down
}

// Outcome is what came of one document, or of a source that gave none.
type Outcome struct {
	Source       string
	Line, Column int // where the document begins, as in [payload.Document]; 0: there is none
	Issues       []Issue
}

// maxWaiting is how many bytes of documents are checked at a time, but for one
// document, which may be larger.
const maxWaiting = 16 << 20

// Stream checks the documents of paths, as [payload.Read] finds them, on jobs
// goroutines. Results come in the order of the documents. Memory follows the
// largest document. The error of ctx, if there is one, is the last result.
func (v *Validator) Stream(ctx context.Context, paths []string, stdin io.Reader, jobs int) iter.Seq[Result] {
	return v.stream(ctx, paths, stdin, jobs, false)
}

// Each is Stream that also gives the documents one by one, at some cost.
func (v *Validator) Each(ctx context.Context, paths []string, stdin io.Reader, jobs int) iter.Seq[Result] {
	return v.stream(ctx, paths, stdin, jobs, true)
}

func (v *Validator) stream(ctx context.Context, paths []string, stdin io.Reader, jobs int, each bool) iter.Seq[Result] {
	return func(yield func(Result) bool) {
		inner, cancel := context.WithCancel(ctx)
		next, stop := iter.Pull2(payload.Chunks(inner, paths, stdin))
		p := pool{each: each, next: next, order: make(chan (<-chan part), 4*jobs), room: semaphore.NewWeighted(maxWaiting)}
		var group sync.WaitGroup
		defer stop()
		defer group.Wait()
		defer cancel()
		for range jobs {
			group.Go(func() { p.work(inner, v, newFastPath(v.rules)) })
		}
		before := 0 // lines, in the source
		for parts := range p.order {
			for part := range parts {
				if part.first {
					before = 0
				}
				part.below(before)
				before += part.ends
				if !yield(part.Result) {
					return
				}
			}
		}
		if err := ctx.Err(); err != nil {
			yield(Result{Err: err})
		}
	}
}

// pool keeps the order of chunks that several goroutines check. Each reads by
// itself, when it is its turn: what a core has read is in its cache.
type pool struct {
	each  bool
	mu    sync.Mutex // held to read
	next  func() (payload.Chunk, error, bool)
	ended bool
	order chan (<-chan part)
	room  *semaphore.Weighted // for bytes that are checked
}

// task is a chunk, and where what came of it is awaited: closed after the last
// part.
type task struct {
	chunk  payload.Chunk
	weight int64
	parts  chan part
}

// read reads the next chunk. It reports false when there is none, and when ctx
// has ended: results are not awaited then.
func (p *pool) read(ctx context.Context) (task, bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for !p.ended {
		chunk, err, ok := p.next()
		t := task{chunk, min(int64(chunk.Size()), maxWaiting), make(chan part, 1)}
		if !ok || p.room.Acquire(ctx, t.weight) != nil {
			break
		}
		select {
		case p.order <- t.parts:
		case <-ctx.Done():
			p.end()
			return task{}, false
		}
		if err == nil {
			return t, true
		}
		t.parts <- failed(err, chunk.First)
		close(t.parts)
	}
	p.end()
	return task{}, false
}

// end says that nothing more comes. The caller holds mu.
func (p *pool) end() {
	if !p.ended {
		close(p.order)
	}
	p.ended = true
}

// failed is what came of a source that gave an error, in place of its first
// chunk or of another.
func failed(err error, first bool) part {
	if e, ok := errors.AsType[*payload.Error](err); ok && e.Line == 0 {
		first = true // it is about the source as a whole
	}
	if issue, ok := FromError(err); ok {
		each := Outcome{Source: issue.File, Issues: []Issue{issue}}
		return part{Result: Result{Issues: []Issue{issue}, Each: []Outcome{each}}, first: first}
	}
	return part{Result: Result{Err: err}, first: first}
}

// work checks chunks until there are none.
func (p *pool) work(ctx context.Context, v *Validator, f *fastPath) {
	for {
		t, ok := p.read(ctx)
		if !ok {
			return
		}
		v.chunk(f, t.chunk, p.each, func(done part) bool {
			select {
			case t.parts <- done:
				return true
			case <-ctx.Done():
				return false
			}
		})
		close(t.parts)
		t.chunk.Release()
		p.room.Release(t.weight)
	}
}

// A result has at most so many issues, but for those of one document more, and
// so many documents one by one: a chunk of tiny documents may have a hundred
// times its size in issues.
const (
	maxIssues = 1000
	maxEach   = 1000
)

// chunk sends the parts of a chunk, in order, until send reports false.
func (v *Validator) chunk(f *fastPath, c payload.Chunk, each bool, send func(part) bool) {
	r := part{Result: Result{Bytes: c.Size()}, first: c.First}
	text, lines := c.Text()
	f.reset(text, lines)
	defer f.reset(nil, false) // the text is the reader's
	for {
		if !each {
			begin := len(text) - c.Size()
			end, documents, ends := f.acceptAll(begin)
			r.Documents += documents
			c = c.Skip(end-begin, ends)
		}
		doc, rest, ok := c.Next()
		c = rest
		if !ok {
			break
		}
		var issues []Issue
		if !each || !f.accepts(doc.Body) {
			issues = v.slowIssues(doc)
		}
		r.add(issues)
		if each {
			r.Each = append(r.Each, Outcome{doc.Source, doc.Line, doc.Column, issues})
		}
		if len(r.Issues) >= maxIssues || len(r.Each) >= maxEach {
			if !send(r) {
				return
			}
			r = part{}
		}
	}
	r.ends = c.Ends()
	send(r)
}

// below moves all places of r so many lines down.
func (r *Result) below(lines int) {
	move := func(issues []Issue) {
		for i := range issues {
			if issues[i].Line > 0 {
				issues[i].Line += lines
			}
		}
	}
	move(r.Issues)
	for i := range r.Each {
		if each := &r.Each[i]; each.Line > 0 {
			each.Line += lines
			move(each.Issues)
		}
	}
	r.Err = payload.Below(r.Err, lines)
}

// add counts a document.
func (r *Result) add(issues []Issue) {
	r.Documents++
	r.Issues = append(r.Issues, issues...)
	if slices.ContainsFunc(issues, func(i Issue) bool { return i.Severity == Error }) {
		r.Incorrect++
	}
}
