package sender

import (
	"context"
	"hash/fnv"
	"math/rand/v2"
	"slices"
	"sync"
	"time"
)

// Call is a call whose webhook is delivered.
type Call struct {
	ID string
	// Key is what belongs together, see [Clock.At]; empty: ID.
	Key  string
	Body []byte
	// Number is its user's own.
	Number int
	// Ended is when it ended, on the clock. [Sender.Deliver] sets it.
	Ended time.Time
	// Older is what was known of the call before its analysis; nil: Body.
	Older []byte
}

// Try is one try of one delivery.
type Try struct {
	Call   *Call
	Number int // of the try in its call, from 1
	Body   []byte
	Older  bool      // Body is not the newest content
	Copies int       // to send at the same instant, at least 1
	At     time.Time // on the clock
}

// Result is what became of a call.
type Result struct {
	Call      *Call
	Delivered bool          // its newest content was acknowledged
	Tries     int           // copies count
	First     bool          // delivered on the first try
	Late      time.Duration // from its end to the acknowledgement, on the clock
	Status    int           // of the last try that was not acknowledged; 0: no answer
	Unsent    bool          // nothing was sent: the endpoint was disabled
}

// Sender delivers calls as a profile does.
type Sender struct {
	Profile Profile
	Clock   *Clock
	Seed    uint64 // of jitter and spread: same seed, same calls, same times
	// Send makes one try and returns the status of each copy, 0 for no answer. It is
	// called concurrently.
	Send func(ctx context.Context, t Try) (statuses []int)
	// Done, if not nil, is called once for each call: when all its deliveries are
	// acknowledged or given up. It is not called if the clock ends before. It is called
	// concurrently.
	Done func(Result)

	mu       sync.Mutex
	failed   int       // tries in a row
	success  time.Time // the latest, on the clock
	disabled bool
}

// state is a call on its way.
type state struct {
	result Result
	left   int // deliveries that are neither acknowledged nor given up
	random *rand.Rand
}

// Deliver has a call delivered that ended at a time of the clock.
func (s *Sender) Deliver(at time.Time, c *Call) {
	if c.Key == "" {
		c.Key = c.ID
	}
	id := fnv.New64a()
	_, _ = id.Write([]byte(c.ID)) // it never fails
	all := s.Profile.deliveries()
	c.Ended = at
	call := &state{result: Result{Call: c}, left: len(all), random: rand.New(rand.NewPCG(s.Seed, id.Sum64()))}
	for _, d := range all {
		due := at.Add(d.After)
		if s.Profile.Spread > 0 {
			due = due.Add(time.Duration(call.random.Int64N(int64(s.Profile.Spread))))
		}
		d.Copies = max(1, d.Copies)
		s.Clock.At(due, c.Key, func(ctx context.Context, at time.Time) { s.try(ctx, at, call, d, 1) })
	}
}

// try makes a try of a delivery, and plans the next one.
func (s *Sender) try(ctx context.Context, at time.Time, call *state, d Delivery, tries int) {
	if ctx.Err() != nil {
		return
	}
	t := Try{Call: call.result.Call, Body: call.result.Call.Body, Older: d.Older, Copies: d.Copies, At: at}
	if d.Older && t.Call.Older != nil {
		t.Body = t.Call.Older
	}
	s.mu.Lock()
	if s.disabled {
		call.result.Unsent = call.result.Tries == 0
		s.mu.Unlock()
		s.end(call)
		return
	}
	t.Number = call.result.Tries + 1
	call.result.Tries += d.Copies
	s.mu.Unlock()
	statuses := s.Send(ctx, t)
	if ctx.Err() != nil && slices.Contains(statuses, 0) {
		return // given up by the user, not by the profile
	}
	now := s.Clock.Since(at)
	d.Copies = s.note(call, now, tries, t, statuses)
	if d.Copies > 0 {
		s.mu.Lock()
		wait, again := s.Profile.next(tries, call.result.Status, call.random)
		s.mu.Unlock()
		if again {
			s.Clock.At(now.Add(wait), t.Call.Key, func(ctx context.Context, at time.Time) { s.try(ctx, at, call, d, tries+1) })
			return
		}
	}
	s.end(call)
}

// note counts what came of a try. It returns how many copies were not acknowledged.
func (s *Sender) note(call *state, now time.Time, tries int, t Try, statuses []int) (failed int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	r := &call.result
	for _, status := range statuses {
		if status/100 != 2 {
			failed++
			s.failed++
			r.Status = status
			continue
		}
		s.failed, s.success = 0, now
		if !r.Delivered && !t.Older {
			r.Delivered, r.First, r.Late = true, tries == 1, now.Sub(t.Call.Ended)
		}
	}
	if p := &s.Profile; p.Disable > 0 && s.failed >= p.Disable {
		s.disabled = s.success.IsZero() || now.Sub(s.success) > p.Recent
	}
	return failed
}

// end ends a delivery, and with the last one its call.
func (s *Sender) end(call *state) {
	s.mu.Lock()
	call.left--
	over := call.left == 0
	s.mu.Unlock()
	if over && s.Done != nil {
		s.Done(call.result)
	}
}

// Disabled reports whether the endpoint gets nothing more.
func (s *Sender) Disabled() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.disabled
}
