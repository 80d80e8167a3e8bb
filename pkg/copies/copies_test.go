package copies

import (
	"testing"
	"time"

	"github.com/julianctl/julianctl/pkg/record"
)

// Copies are numbered within the window, and numbers that are taken back are given
// again.
func TestNumber(t *testing.T) {
	start := time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)
	c := New(time.Hour, MaxCalls)
	c.Learned(&record.Delivery{ID: 7, CallID: "known", Copy: 2, First: 3, Received: start})
	for _, next := range []struct {
		id      int64
		call    string
		refusal record.Refusal
		after   time.Duration
		copies  int
		first   int64
		back    bool // it is taken back
	}{
		{8, "a", "", 0, 1, 8, true},
		{8, "b", "", 0, 1, 8, false},
		{9, "b", "", time.Hour, 2, 8, false},
		{10, "b", "", 0, 3, 8, false}, // a clock that was set back
		{11, "b", "", 2 * time.Hour, 4, 8, false},
		{12, "b", "", 3*time.Hour + 1, 1, 12, false},
		{13, "b", "too large", 3 * time.Hour, 0, 0, false},
		{14, "", "", 0, 0, 0, false},
		{15, "known", "", time.Minute, 3, 3, true},
		{15, "known", "", time.Minute, 3, 3, false},
	} {
		d := &record.Delivery{ID: next.id, CallID: next.call, Refusal: next.refusal, Received: start.Add(next.after)}
		undo := c.Begin()
		c.Number(d)
		if d.Copy != next.copies || d.First != next.first {
			t.Errorf("%d: copy %d of %d, want %d of %d", next.id, d.Copy, d.First, next.copies, next.first)
		}
		if next.back {
			undo()
		}
	}
}

// Calls of late are remembered: so many at least, and twice as many at most.
func TestForgets(t *testing.T) {
	c := New(time.Hour, 10)
	at := time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)
	for id := range int64(25) {
		c.Next(string(rune('a'+id)), id+1, at)
	}
	if p := c.Next("o", 26, at); p.Copies != 2 || p.First != 15 {
		t.Errorf("of one among the last 11: %+v", p)
	}
	if p := c.Next("a", 27, at); p.Copies != 1 || p.First != 27 {
		t.Errorf("of the first of 25: %+v", p)
	}
	if n := len(c.recent) + len(c.older); n > 21 {
		t.Errorf("%d are remembered", n)
	}
}
