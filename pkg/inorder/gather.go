package inorder

import (
	"iter"
	"sync"
)

// Gather gives the items of in together, all that came while nobody asked: of a
// fast sequence many, until they have about so many bytes by what size says, and
// of a slow one each as it comes. So what is small can be worked on by [Map], and
// nothing waits for what comes later.
//
// A goroutine goes through in. When the loop ends, so does it.
func Gather[T any](in iter.Seq[T], bytes int, size func(T) int) iter.Seq[[]T] {
	return func(yield func([]T) bool) {
		g := gathered[T]{}
		g.more.L, g.less.L = &g.mu, &g.mu
		var reader sync.WaitGroup
		defer reader.Wait()
		defer g.leave()
		reader.Go(func() {
			for item := range in {
				if !g.put(item, size(item), bytes) {
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

// gathered is what nobody has asked for yet.
type gathered[T any] struct {
	mu          sync.Mutex
	more, less  sync.Cond // there are items, or no more will be; there is room, or nobody asks any more
	items       []T
	bytes       int
	ended, left bool
}

// put reports whether anybody wants more.
func (g *gathered[T]) put(item T, size, most int) bool {
	g.mu.Lock()
	defer g.mu.Unlock()
	for g.bytes >= most && !g.left {
		g.less.Wait()
	}
	g.items, g.bytes = append(g.items, item), g.bytes+size
	g.more.Signal()
	return !g.left
}

// take waits for items; there are none at the end.
func (g *gathered[T]) take() []T {
	g.mu.Lock()
	defer g.mu.Unlock()
	for len(g.items) == 0 && !g.ended {
		g.more.Wait()
	}
	items := g.items
	g.items, g.bytes = nil, 0
	g.less.Signal()
	return items
}

func (g *gathered[T]) end() {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.ended = true
	g.more.Signal()
}

func (g *gathered[T]) leave() {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.left = true
	g.less.Signal()
}
