// Package inorder lets several goroutines work on the items of a sequence, and
// gives what they made in the order of the items.
package inorder

import (
	"iter"
	"sync"
)

// Room is how many bytes of items are worked on at a time, but for one item,
// which may be larger.
const Room = 16 << 20

// Map gives what workers make of the items of in, in their order. Each of the
// jobs goroutines calls worker once, and then what it returned for every item it
// takes: so it can keep memory from one item to the next.
//
// Items are taken from in by one goroutine at a time, and no more than 3*jobs
// before their results are taken; nor is more than [Room] of them, by what size
// says, until the loop is done with their results. When the loop over the
// results ends, so do in and all goroutines.
func Map[In, Out any](in iter.Seq[In], jobs int, size func(In) int, worker func() func(In) Out) iter.Seq[Out] {
	return func(yield func(Out) bool) {
		next, stop := iter.Pull(in)
		q := queue[In, Out]{
			turn: make(chan struct{}, 1), next: next, size: size,
			order: make(chan task[Out], 2*jobs), left: make(chan struct{}),
			room: Room, freed: make(chan struct{}, 1),
		}
		var workers sync.WaitGroup
		defer stop()
		defer workers.Wait()
		defer close(q.left)
		for range jobs {
			workers.Go(func() {
				work := worker()
				for item, task, ok := q.take(); ok; item, task, ok = q.take() {
					task.result <- work(item)
				}
			})
		}
		for task := range q.order {
			if !yield(<-task.result) {
				return
			}
			q.release(task.size)
		}
	}
}

// queue hands out items, and keeps their order.
type queue[In, Out any] struct {
	turn  chan struct{} // full while somebody takes an item; no mutex, which tests of a synctest bubble cannot wait in
	next  func() (In, bool)
	size  func(In) int
	ended bool
	order chan task[Out] // of the items that were taken; closed after the last
	left  chan struct{}  // closed when nobody takes results any more

	mu    sync.Mutex
	room  int           // bytes
	freed chan struct{} // full when there is more than there was
}

// task is an item that was taken, and where its result goes, which never blocks.
type task[Out any] struct {
	result chan Out
	size   int
}

// take is the next item. It reports false when there is none, or nobody waits
// for its result.
func (q *queue[In, Out]) take() (item In, t task[Out], ok bool) {
	q.turn <- struct{}{}
	defer func() { <-q.turn }()
	if q.ended {
		return item, t, false
	}
	if item, ok = q.next(); ok {
		t = task[Out]{make(chan Out, 1), min(q.size(item), Room)}
		if q.acquire(t.size) {
			select {
			case q.order <- t:
				return item, t, true
			case <-q.left:
			}
		}
	}
	q.ended = true
	close(q.order)
	return item, t, false
}

// acquire waits for room, and reports whether there is any. One goroutine calls
// it at a time.
func (q *queue[In, Out]) acquire(size int) bool {
	for {
		q.mu.Lock()
		enough := q.room >= size
		if enough {
			q.room -= size
		}
		q.mu.Unlock()
		if enough {
			return true
		}
		select {
		case <-q.freed:
		case <-q.left:
			return false
		}
	}
}

func (q *queue[In, Out]) release(size int) {
	q.mu.Lock()
	q.room += size
	q.mu.Unlock()
	select {
	case q.freed <- struct{}{}:
	default:
	}
}
