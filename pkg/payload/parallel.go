package payload

import (
	"bytes"
	"context"
	"io"
	"iter"

	"github.com/julianctl/julianctl/pkg/inorder"
)

// Map gives what workers make of the [Chunks] of paths, in their order. Each of
// the jobs goroutines calls worker once, and then what it returned for every
// chunk, or the error in place of one. Lines are those of the source. The memory
// of the chunk is given back then. Memory follows the largest document.
//
// Who leaves the loop over the results has to end a read of stdin that waits, or
// the loop waits for it.
func Map[Out any](ctx context.Context, paths []string, stdin io.Reader, jobs int, worker func() func(Chunk, error) Out) iter.Seq[Out] {
	type item struct {
		chunk Chunk
		err   error
	}
	return func(yield func(Out) bool) {
		inner, cancel := context.WithCancel(ctx)
		defer cancel()
		items := func(yield func(item) bool) {
			before := 0 // lines, in the source
			for chunk, err := range Chunks(inner, paths, stdin) {
				if chunk.First {
					before = 0
				}
				err = Below(err, before)
				chunk.doc.Line += before
				if !chunk.whole {
					before += bytes.Count(chunk.doc.Body, []byte{'\n'})
				}
				if !yield(item{chunk, err}) {
					return
				}
			}
		}
		results := inorder.Map(items, jobs, func(i item) int { return i.chunk.Size() }, func() func(item) Out {
			work := worker()
			return func(i item) Out {
				defer i.chunk.Release()
				return work(i.chunk, i.err)
			}
		})
		for out := range results {
			if !yield(out) {
				cancel()
				return
			}
		}
	}
}
