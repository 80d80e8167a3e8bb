// Package inorder processes the items of a sequence on several goroutines and yields the
// results in the order of the items.
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
	turn  chan struct{} // full while an item is being taken; a mutex does not work in tests with synctest
	next  func() (In, bool)
	size  func(In) int
	ended bool
	order chan task[Out] // of the items that were taken; closed after the last
	left  chan struct{}  // closed when results are no longer read

	mu    sync.Mutex
	room  int           // bytes
	freed chan struct{} // full when there is more than there was
}

// task is an item that was taken, and where its result goes, which never blocks.
type task[Out any] struct {
	result chan Out
	size   int
}

// take returns the next item; false if there is none, or results are no longer read.
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
