// Package inorder lets several goroutines work on the items of a sequence, and
// gives what they made in the order of the items.
package inorder

import (
	"iter"
	"sync"
)

// Map gives what workers make of the items of in, in their order. Each of the
// jobs goroutines calls worker once, and then what it returned for every item it
// takes: so it can keep memory from one item to the next.
//
// Items are taken from in by one goroutine at a time, and no more than 3*jobs
// before their results are taken. When the loop over the results ends, so do in
// and all goroutines.
func Map[In, Out any](in iter.Seq[In], jobs int, worker func() func(In) Out) iter.Seq[Out] {
	return func(yield func(Out) bool) {
		next, stop := iter.Pull(in)
		q := queue[In, Out]{turn: make(chan struct{}, 1), next: next, order: make(chan chan Out, 2*jobs), left: make(chan struct{})}
		var workers sync.WaitGroup
		defer stop()
		defer workers.Wait()
		defer close(q.left)
		for range jobs {
			workers.Go(func() {
				work := worker()
				for item, result, ok := q.take(); ok; item, result, ok = q.take() {
					result <- work(item)
				}
			})
		}
		for result := range q.order {
			if !yield(<-result) {
				return
			}
		}
	}
}

// queue hands out items, and keeps their order.
type queue[In, Out any] struct {
	turn  chan struct{} // full while somebody takes an item; no mutex, which tests of a synctest bubble cannot wait in
	next  func() (In, bool)
	ended bool
	order chan chan Out // of the items that were taken; closed after the last
	left  chan struct{} // closed when nobody takes results any more
}

// take is the next item, and where its result goes, which never blocks. It
// reports false when there is none, or nobody waits for it.
func (q *queue[In, Out]) take() (item In, result chan Out, ok bool) {
	q.turn <- struct{}{}
	defer func() { <-q.turn }()
	if q.ended {
		return item, nil, false
	}
	result = make(chan Out, 1)
	if item, ok = q.next(); ok {
		select {
		case q.order <- result:
			return item, result, true
		case <-q.left:
		}
	}
	q.ended = true
	close(q.order)
	return item, nil, false
}
