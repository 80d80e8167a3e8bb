package journal

import (
	"context"
	"crypto/sha256"
	"database/sql"
	"slices"
	"time"
)

// maxCalls is how many calls are remembered at least; twice as many at most.
const maxCalls = 100_000

// calls knows, for each call of late, how many copies of it are in the log. It
// is what the log says, held in memory: every delivery asks.
type calls struct {
	window time.Duration
	// New ones go to recent; when it is full it takes the place of older.
	recent, older map[callKey]place
	undo          []change // nil: nothing is recorded
}

// callKey is the beginning of the SHA-256 of a call id, which may be long.
type callKey [16]byte

// place is where the copies of one call stand.
type place struct {
	copies int
	first  int64 // id of the first
	id     int64 // of the last
	last   int64 // when the last came, in nanoseconds
}

type change struct {
	key callKey
	was place
	had bool
}

func newCalls(window time.Duration) *calls {
	return &calls{window: window, recent: map[callKey]place{}, older: map[callKey]place{}}
}

// number gives d its Copy and First.
func (c *calls) number(d *Delivery) {
	d.Copy, d.First = 0, 0
	if d.CallID == "" || d.Refusal != "" {
		return
	}
	key := keyOf(d.CallID)
	p, had := c.get(key)
	c.undo = append(c.undo, change{key, p, had})
	now := d.Received.UnixNano()
	if !had || now-p.last > int64(c.window) {
		p = place{first: d.ID}
	}
	p.copies++
	p.id = d.ID
	// A clock that was set back does not make a window shorter.
	p.last = max(p.last, now)
	c.put(key, p)
	d.Copy, d.First = p.copies, p.first
}

// begin returns what takes back all numbers given since.
func (c *calls) begin() (undo func()) {
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

// learn reads from the index what is within the window.
func (c *calls) learn(ctx context.Context, x *index, now time.Time) error {
	since := now.Add(-c.window).UnixNano()
	return x.ask(ctx, func(db *sql.DB) error {
		// All from the first that is within the window: where the clock was set
		// back, later ones may seem to be before it.
		rows, err := db.QueryContext(ctx,
			"SELECT id, call_id, copy, first, received FROM deliveries WHERE copy > 0 AND id >= (SELECT min(id) FROM deliveries WHERE received >= ?) ORDER BY id", since)
		if err != nil {
			return err
		}
		defer rows.Close()
		for rows.Next() {
			var call sql.RawBytes
			var p place
			if err := rows.Scan(&p.id, &call, &p.copies, &p.first, &p.last); err != nil {
				return err
			}
			c.add(keyOf(string(call)), p)
		}
		return rows.Err()
	})
}

// learned is what number has done for a delivery of another process.
func (c *calls) learned(d *Delivery) {
	if d.Copy > 0 {
		c.add(keyOf(d.CallID), place{d.Copy, d.First, d.ID, d.Received.UnixNano()})
	}
}

// add is for what comes in any order.
func (c *calls) add(key callKey, p place) {
	if before, had := c.get(key); had {
		last := max(p.last, before.last)
		if before.id > p.id {
			p = before
		}
		p.last = last
	}
	c.put(key, p)
}

func (c *calls) get(key callKey) (place, bool) {
	if p, ok := c.recent[key]; ok {
		return p, true
	}
	p, ok := c.older[key]
	return p, ok
}

func (c *calls) put(key callKey, p place) {
	c.recent[key] = p
	if len(c.recent) > maxCalls {
		c.older, c.recent = c.recent, map[callKey]place{}
	}
}

func keyOf(call string) callKey {
	sum := sha256.Sum256([]byte(call))
	return callKey(sum[:16])
}
