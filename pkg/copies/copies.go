// Package copies numbers the deliveries of one call: the first, the second and so on
// within a span of time, and says how they differ.
//
// A log has a Counter that holds in memory what the log says: [Counter.Add] and
// [Counter.Learned] bring it up to that. A receiver has one of what came since it began.
// It reads no log itself.
package copies

import (
	"crypto/sha256"
	"slices"
	"time"

	"github.com/julianctl/julianctl/pkg/record"
)

// MaxCalls is how many calls are usually remembered.
const MaxCalls = 100_000

// Counter knows, for each call of late, how many copies of it there were. It is used by
// one goroutine at a time.
type Counter struct {
	window   time.Duration
	maxCalls int
	// New ones go to recent; when it is full it takes the place of older.
	recent, older map[callKey]Place
	undo          []change // nil: nothing is recorded
}

// callKey is the beginning of the SHA-256 of a call id, which may be long.
type callKey [16]byte

// Place is where the copies of one call stand.
type Place struct {
	Copies int
	First  int64 // id of the first
	ID     int64 // of the last
	Last   int64 // when the last came, in nanoseconds
}

type change struct {
	key callKey
	was Place
	had bool
}

// New returns a Counter for which a call is new again a window after its last copy. It
// remembers at least so many calls, and at most twice as many.
func New(window time.Duration, maxCalls int) *Counter {
	return &Counter{window: window, maxCalls: maxCalls, recent: map[callKey]Place{}, older: map[callKey]Place{}}
}

// Number gives d its Copy and First.
func (c *Counter) Number(d *record.Delivery) {
	d.Copy, d.First = 0, 0
	if d.CallID == "" || d.Refusal != "" {
		return
	}
	key := keyOf(d.CallID)
	p, had := c.get(key)
	c.undo = append(c.undo, change{key, p, had})
	p = c.next(key, d.ID, d.Received)
	d.Copy, d.First = p.Copies, p.First
}

// Next is the place of one more delivery of a call, where nothing is taken back.
func (c *Counter) Next(call string, id int64, at time.Time) Place {
	return c.next(keyOf(call), id, at)
}

func (c *Counter) next(key callKey, id int64, at time.Time) Place {
	p, had := c.get(key)
	now := at.UnixNano()
	if !had || now-p.Last > int64(c.window) {
		p = Place{First: id}
	}
	p.Copies++
	p.ID = id
	// A clock that was set back does not make a window shorter.
	p.Last = max(p.Last, now)
	c.put(key, p)
	return p
}

// Begin returns what takes back all numbers given since.
func (c *Counter) Begin() (undo func()) {
	c.undo = c.undo[:0]
	return func() {
		for _, u := range slices.Backward(c.undo) {
			if u.had {
				c.put(u.key, u.was)
			} else {
				delete(c.recent, u.key)
				delete(c.older, u.key)
			}
		}
	}
}

// Learned is what Number has done for a delivery of another process.
func (c *Counter) Learned(d *record.Delivery) {
	if d.Copy > 0 {
		c.Add(d.CallID, Place{d.Copy, d.First, d.ID, d.Received.UnixNano()})
	}
}

// Add is for what comes in any order.
func (c *Counter) Add(call string, p Place) {
	key := keyOf(call)
	if before, had := c.get(key); had {
		last := max(p.Last, before.Last)
		if before.ID > p.ID {
			p = before
		}
		p.Last = last
	}
	c.put(key, p)
}

func (c *Counter) get(key callKey) (Place, bool) {
	if p, ok := c.recent[key]; ok {
		return p, true
	}
	p, ok := c.older[key]
	return p, ok
}

func (c *Counter) put(key callKey, p Place) {
	c.recent[key] = p
	if len(c.recent) > c.maxCalls {
		c.older, c.recent = c.recent, map[callKey]Place{}
	}
}

func keyOf(call string) callKey {
	sum := sha256.Sum256([]byte(call))
	return callKey(sum[:16])
}
