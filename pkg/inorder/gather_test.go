package inorder_test

import (
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"github.com/julianctl/julianctl/pkg/inorder"
)

// Of a slow sequence each item comes soon, whatever a loop does between; of a fast
// one as many as have the size that was asked for.
func TestGather(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const pause = time.Second
		slow := func(yield func(int) bool) {
			for i := range numbers(5) {
				time.Sleep(pause) // the clock is the test's
				if !yield(i) {
					return
				}
			}
		}
		start := time.Now()
		n := 0
		for items := range inorder.Gather(slow, 100, size) {
			late := time.Since(start) - time.Duration(n+1)*pause
			if !slices.Equal(items, []int{n}) || late < 0 || late > time.Millisecond {
				t.Errorf("%v, %v late", items, late)
			}
			n++
		}
		if n != 5 {
			t.Errorf("%d items", n)
		}
	})
	synctest.Test(t, func(t *testing.T) {
		var got [][]int
		for items := range inorder.Gather(numbers(100), 8, func(n int) int { return n % 5 }) {
			synctest.Wait() // for what comes meanwhile
			got = append(got, items)
		}
		if !slices.Equal(slices.Concat(got...), slices.Collect(numbers(100))) {
			t.Fatalf("%v", got)
		}
		for i, items := range got[:len(got)-1] {
			sum := 0
			for _, n := range items {
				sum += n % 5
			}
			if sum < 8 || sum > 2*8+4 {
				t.Errorf("items %d are %v", i, items)
			}
		}
	})
}

// A loop that is left ends the sequence, and leaves no goroutine behind.
func TestGatherLeft(t *testing.T) {
	for _, after := range []int{1, 3} {
		synctest.Test(t, func(t *testing.T) {
			ended := false
			in := func(yield func(int) bool) {
				defer func() { ended = true }()
				for i := range numbers(1000) {
					if !yield(i) {
						return
					}
				}
			}
			for range inorder.Gather(in, 10, size) {
				synctest.Wait() // as many are there as there may be
				if after--; after == 0 {
					break
				}
			}
			if !ended {
				t.Error("the sequence goes on")
			}
		})
	}
}

func TestGatherNothing(t *testing.T) {
	for items := range inorder.Gather(numbers(0), 10, size) {
		t.Errorf("%v of nothing", items)
	}
}
