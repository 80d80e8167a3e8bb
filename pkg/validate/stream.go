package validate

import (
	"context"
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
	Bytes     int // that were judged, decompressed
	Issues    []Issue
	// Err is what could not be read: a [payload.Error] of which [FromError]
	// makes no issue, or the error of the context. The rest is 0 then.
	Err error
}

// maxWaiting is how many bytes of documents wait to be judged, but for one
// document, which may be larger.
const maxWaiting = 16 << 20

// Stream judges the documents of paths, as [payload.Read] finds them, on jobs
// goroutines. Results come in the order of the documents. Memory follows the
// largest document. The error of ctx, if there is one, is the last result.
func (v *Validator) Stream(ctx context.Context, paths []string, stdin io.Reader, jobs int) iter.Seq[Result] {
	return func(yield func(Result) bool) {
		inner, cancel := context.WithCancel(ctx)
		p := pool{v: v, work: make(chan task, jobs), order: make(chan (<-chan Result), 4*jobs), room: semaphore.NewWeighted(maxWaiting)}
		var group sync.WaitGroup
		defer group.Wait()
		defer cancel()
		group.Go(func() { p.read(inner, payload.Chunks(inner, paths, stdin)) })
		for range jobs {
			group.Go(func() { p.judge(inner) })
		}
		for results := range p.order {
			for result := range results {
				if !yield(result) {
					return
				}
			}
		}
		if err := ctx.Err(); err != nil {
			yield(Result{Err: err})
		}
	}
}

// pool hands chunks from one reader to several judges, and keeps their order.
type pool struct {
	v     *Validator
	work  chan task
	order chan (<-chan Result)
	room  *semaphore.Weighted // for bytes that wait
}

// task is a chunk, and where its results are awaited: closed after the last.
type task struct {
	chunk   payload.Chunk
	weight  int64
	results chan<- Result
}

func (p *pool) read(ctx context.Context, chunks iter.Seq2[payload.Chunk, error]) {
	defer close(p.order)
	defer close(p.work)
	for chunk, err := range chunks {
		results := make(chan Result, 1)
		weight := min(int64(chunk.Size()), maxWaiting)
		if p.room.Acquire(ctx, weight) != nil {
			return
		}
		select {
		case p.order <- results:
		case <-ctx.Done():
			return
		}
		if err != nil {
			results <- failed(err)
			close(results)
			continue
		}
		p.work <- task{chunk, weight, results}
	}
}

// failed is the result of a source that gave an error.
func failed(err error) Result {
	if issue, ok := FromError(err); ok {
		return Result{Issues: []Issue{issue}}
	}
	return Result{Err: err}
}

// judge takes chunks until there are none. Once ctx ends nobody awaits results.
func (p *pool) judge(ctx context.Context) {
	s := &sprint{v: p.v}
	for t := range p.work {
		s.chunk(t.chunk, func(r Result) bool {
			select {
			case t.results <- r:
				return true
			case <-ctx.Done():
				return false
			}
		})
		close(t.results)
		s.b = nil
		t.chunk.Release()
		p.room.Release(t.weight)
	}
}

// maxIssues is how many issues a result holds, but for those of one document
// more: a chunk of tiny documents may have a hundred times its size in issues.
const maxIssues = 1000

// chunk sends the results of a chunk, in order, until send reports false.
func (s *sprint) chunk(c payload.Chunk, send func(Result) bool) {
	var r Result
	for doc := range c.Documents() {
		r.Documents++
		if s.passes(doc.Body) {
			continue
		}
		issues := s.v.look(doc)
		r.Issues = append(r.Issues, issues...)
		if slices.ContainsFunc(issues, func(i Issue) bool { return i.Severity == Error }) {
			r.Incorrect++
		}
		if len(r.Issues) >= maxIssues {
			if !send(r) {
				return
			}
			r = Result{}
		}
	}
	r.Bytes = c.Size()
	send(r)
}
