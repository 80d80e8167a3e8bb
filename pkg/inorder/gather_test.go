package inorder_test

import (
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"github.com/julianctl/julianctl/pkg/inorder"
)

// Of a slow sequence each item comes at once, whatever a loop does between; of a
// fast one as many as have the size that was asked for.
func TestGather(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		slow := func(yield func(int) bool) {
			for i := range numbers(5) {
				time.Sleep(time.Second) // the clock is the test's
				if !yield(i) {
					return
				}
			}
		}
		start := time.Now()
		n := 0
		for items := range inorder.Gather(slow, 100, size) {
			if !slices.Equal(items, []int{n}) || time.Since(start) != time.Duration(n+1)*time.Second {
				t.Errorf("%v after %v", items, time.Since(start))
			}
			n++
		}
		var got [][]int
		for items := range inorder.Gather(numbers(10), 8, func(n int) int { return n }) {
			synctest.Wait() // for what comes meanwhile
			got = append(got, items)
		}
		all := slices.Concat(got...)
		if !slices.Equal(all, slices.Collect(numbers(10))) {
			t.Fatalf("%v", got)
		}
		for i, items := range got[1 : len(got)-1] {
			sum := 0
			for _, n := range items {
				sum += n
			}
			if sum < 8 || sum-items[len(items)-1] >= 8 {
				t.Errorf("items %d are %v", i+1, items)
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
