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

func size(int) int { return 1 }

func ExampleMap() {
	size := func(int) int { return 8 } // bytes
	square := func() func(int) int { return func(n int) int { return n * n } }
	for n := range inorder.Map(slices.Values([]int{1, 2, 3}), 2, size, square) {
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
			for got := range inorder.Map(numbers(100), jobs, size, worker) {
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
			for range inorder.Map(in, 3, size, func() func(int) int { return func(n int) int { return n } }) {
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
	for range inorder.Map(numbers(0), 4, size, func() func(int) int { return func(n int) int { return n } }) {
		t.Error("a result of nothing")
	}
}

// No more than there is room for is worked on, but for an item that is larger.
func TestRoom(t *testing.T) {
	for _, tt := range []struct{ bytes, want int }{{inorder.Room / 3, 3}, {inorder.Room/3 + 1, 2}, {inorder.Room, 1}, {10 * inorder.Room, 1}, {1, 5}} {
		synctest.Test(t, func(t *testing.T) {
			begun, on := make(chan int, 50), make(chan struct{})
			var results sync.WaitGroup
			results.Go(func() {
				n := 0
				for got := range inorder.Map(numbers(50), 5, func(int) int { return tt.bytes }, func() func(int) int {
					return func(n int) int {
						begun <- n
						<-on
						return n
					}
				}) {
					if got != n {
						t.Errorf("result %d is %d", n, got)
					}
					n++
				}
				if n != 50 {
					t.Errorf("%d results", n)
				}
			})
			synctest.Wait()
			if len(begun) != tt.want {
				t.Errorf("%d items of %d bytes have begun", len(begun), tt.bytes)
			}
			close(on)
			results.Wait()
		})
	}
}

// What waits for room is not waited for.
func TestLeaveWithoutRoom(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		for range inorder.Map(numbers(50), 2, func(int) int { return inorder.Room }, func() func(int) int { return func(n int) int { return n } }) {
			synctest.Wait()
			break
		}
	})
}
