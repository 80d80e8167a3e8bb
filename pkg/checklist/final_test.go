package checklist

import (
	"fmt"
	"testing"

	"github.com/julianctl/julianctl/pkg/check"
)

// Where there is no time to count all, each of a few different calls is counted
// before those that many others are like.
func TestFewCallsAreCountedFirst(t *testing.T) {
	t.Parallel()
	var all []*check.Entry
	for _, of := range []struct {
		check string
		calls int
	}{{"after-others", 101}, {"result-types", 13}, {"burst", 500}} {
		for i := range of.calls {
			all = append(all, &check.Entry{Check: of.check, CallID: fmt.Sprint(of.check, i)})
		}
	}
	counted := map[string]int{}
	some := pick(all, 60)
	for _, e := range some {
		counted[e.Check]++
	}
	if counted["result-types"] != 13 || counted["burst"] < 30 || len(some) != 60 {
		t.Errorf("%d in all: %v", len(some), counted)
	}
	if some := pick(all[101:114], 60); len(some) != 13 {
		t.Errorf("%d of 13", len(some))
	}
}
