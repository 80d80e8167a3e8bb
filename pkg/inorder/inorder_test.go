package inorder_test

import (
	"fmt"
	"iter"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/julianctl/julianctl/pkg/inorder"
)

func numbers(n int) iter.Seq[int] {
	return func(yield func(int) bool) {
		for i := range n {
			if !yield(i) {
				return
			}
		}
	}
}

func ExampleMap() {
	square := func() func(int) int { return func(n int) int { return n * n } }
	for n := range inorder.Map(slices.Values([]int{1, 2, 3}), 2, square) {
		fmt.Println(n)
	}
	// Output:
	// 1
	// 4
	// 9
}

// However long each takes, results have the order of the items, and every worker
// has a function of its own.
func TestOrder(t *testing.T) {
	for _, jobs := range []int{1, 2, 7} {
		synctest.Test(t, func(t *testing.T) {
			var mu sync.Mutex
			workers := 0
			worker := func() func(int) int {
				mu.Lock()
				workers++
				mu.Unlock()
				busy := false
				return func(n int) int {
					if busy {
						t.Error("one function has two items")
					}
					busy = true
					time.Sleep(time.Duration(n*7919%11) * time.Second) // the clock is the test's
					busy = false
					return -n
				}
			}
			n := 0
			start := time.Now()
			for got := range inorder.Map(numbers(100), jobs, worker) {
				if got != -n {
					t.Fatalf("result %d is %d", n, got)
				}
				n++
			}
			if n != 100 || workers != jobs {
				t.Errorf("%d results of %d workers", n, workers)
			}
			if took := time.Since(start); jobs == 7 && took > 120*time.Second { // 495 s of work
				t.Errorf("took %v", took)
			}
		})
	}
}

// What is taken ahead is bounded, and a loop that is left leaves nothing behind:
// synctest.Test fails if a goroutine is.
func TestLeave(t *testing.T) {
	for _, after := range []int{1, 5, 49, 50} {
		synctest.Test(t, func(t *testing.T) {
			taken, ended := 0, false
			in := func(yield func(int) bool) {
				defer func() { ended = true }()
				for i := range numbers(50) {
					if taken++; !yield(i) {
						return
					}
				}
			}
			seen := 0
			for range inorder.Map(in, 3, func() func(int) int { return func(n int) int { return n } }) {
				if seen == 0 {
					synctest.Wait() // everybody has done what is possible
					if taken > 3*3 {
						t.Errorf("%d items are taken", taken)
					}
				}
				if seen++; seen == after {
					break
				}
			}
			if !ended {
				t.Error("the sequence of items goes on")
			}
		})
	}
}

func TestEmpty(t *testing.T) {
	for range inorder.Map(numbers(0), 4, func() func(int) int { return func(n int) int { return n } }) {
		t.Error("a result of nothing")
	}
}
