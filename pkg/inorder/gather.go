package inorder

import (
	"iter"
	"sync"
	"time"
)

// gatherTime is how long an item waits for others, at most.
const gatherTime = time.Millisecond

// Gather gives the items of in together: of a fast sequence as many as have about
// so many bytes, by what size says, and of a slow one those that came within a
// millisecond. So what is small can be worked on by [Map], and nothing waits for
// what comes later.
//
// A goroutine goes through in. When the loop ends, so does it.
func Gather[T any](in iter.Seq[T], bytes int, size func(T) int) iter.Seq[[]T] {
	return func(yield func([]T) bool) {
		g := gathered[T]{enough: bytes}
		g.more.L, g.less.L = &g.mu, &g.mu
		g.timer = time.AfterFunc(gatherTime, g.setDue)
		var reader sync.WaitGroup
		defer reader.Wait()
		defer g.leave()
		reader.Go(func() {
			for item := range in {
				if !g.put(item, size(item)) {
					break
				}
			}
			g.end()
		})
		for items := g.take(); len(items) > 0; items = g.take() {
			if !yield(items) {
				return
			}
		}
	}
}

// gathered is what was not given yet.
type gathered[T any] struct {
	mu          sync.Mutex
	more, less  sync.Cond // more: there are items; less: there is room
	timer       *time.Timer
	items       []T
	bytes       int
	enough      int  // bytes
	due         bool // the first item has waited long enough
	ended, left bool
}

// put reports whether anybody wants more.
func (g *gathered[T]) put(item T, size int) bool {
	g.mu.Lock()
	defer g.mu.Unlock()
	for g.bytes >= 2*g.enough && !g.left { // once to work on, and once to be there when that is done
		g.less.Wait()
	}
	if len(g.items) == 0 {
		g.due = false
		g.timer.Reset(gatherTime)
	}
	g.items, g.bytes = append(g.items, item), g.bytes+size
	if g.bytes >= g.enough {
		g.more.Signal()
	}
	return !g.left
}

// take waits for items; there are none at the end.
func (g *gathered[T]) take() []T {
	g.mu.Lock()
	defer g.mu.Unlock()
	for g.bytes < g.enough && !g.ended && (len(g.items) == 0 || !g.due) {
		g.more.Wait()
	}
	items := g.items
	g.items, g.bytes = make([]T, 0, len(items)), 0
	g.less.Signal()
	return items
}

func (g *gathered[T]) setDue() {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.due = true
	g.more.Signal()
}

func (g *gathered[T]) end() {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.ended = true
	g.more.Signal()
}

func (g *gathered[T]) leave() {
	g.timer.Stop()
	g.mu.Lock()
	defer g.mu.Unlock()
	g.left = true
	g.less.Signal()
}
