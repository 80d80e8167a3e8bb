package supervise

import (
	"context"
	"fmt"
	"slices"
	"sync"
	"time"
)

// Recorder is the [Hook] that names the steps of a delivery, and holds one of
// them where that was asked for. It is safe for concurrent use.
type Recorder struct {
	mu      sync.Mutex
	noise   map[uint64]bool // hashes of steps that no delivery causes
	seen    map[uint64]int  // occurrences since Begin
	steps   []*Step         // counted, since Begin
	open    map[*Step]bool  // counted, without an answer
	last    time.Time       // when a counted step began or ended
	holds   []*Hold
	learned func(*Step) // called with each step while noise is learned
	// pause is the longest time between two steps of noise that are the same.
	pause time.Duration
}

// NewRecorder counts every step until noise was learned.
func NewRecorder() *Recorder {
	return &Recorder{noise: map[uint64]bool{}, seen: map[uint64]int{}, open: map[*Step]bool{}}
}

// Hold waits for one step, and keeps it when it comes.
type Hold struct {
	point Point
	after bool
	hit   chan struct{} // closed when the step is there
	step  *Step
	let   chan Action
	once  sync.Once
}

// Hold keeps the step at point when it comes next: before the target gets the
// request or, with after, before the consumer gets the answer. The caller
// releases it, hit or not.
func (r *Recorder) Hold(point Point, after bool) *Hold {
	h := &Hold{point: point, after: after, hit: make(chan struct{}), let: make(chan Action, 1)}
	r.mu.Lock()
	defer r.mu.Unlock()
	r.holds = append(r.holds, h)
	return h
}

// Hit is closed once the step is held.
func (h *Hold) Hit() <-chan struct{} { return h.hit }

// Release lets the step go on, or cuts its connection. Only the first call does
// something.
func (r *Recorder) Release(h *Hold, action Action) {
	h.once.Do(func() {
		r.mu.Lock()
		r.holds = slices.DeleteFunc(r.holds, func(other *Hold) bool { return other == h })
		r.mu.Unlock()
		h.let <- action
	})
}

// Begin forgets the steps of the delivery before.
func (r *Recorder) Begin() {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.seen, r.steps = map[uint64]int{}, nil
}

// Steps are those that were counted since Begin, in the order in which they
// began. They are copies.
func (r *Recorder) Steps() []Step {
	r.mu.Lock()
	defer r.mu.Unlock()
	out := make([]Step, len(r.steps))
	for i, s := range r.steps {
		out[i] = *s
	}
	return out
}

// LearnNoise takes every step from now until the function it returns is called
// for noise: nobody delivered anything. With idle, what comes is the consumer's
// own, such as that of a worker that polls, and [Recorder.Pause] follows it;
// without, somebody else asks the consumer for something.
func (r *Recorder) LearnNoise(idle bool) (done func()) {
	r.mu.Lock()
	defer r.mu.Unlock()
	last := map[uint64]time.Time{}
	r.learned = func(s *Step) {
		r.noise[s.Point.Hash] = true
		if before, ok := last[s.Point.Hash]; ok && idle {
			r.pause = max(r.pause, s.Began.Sub(before))
		}
		last[s.Point.Hash] = s.Began
	}
	return func() {
		r.mu.Lock()
		defer r.mu.Unlock()
		r.learned = nil
	}
}

// Pause is the longest time between two steps of noise that are the same: how
// long a worker that polls may sleep.
func (r *Recorder) Pause() time.Duration {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.pause
}

// Before implements [Hook].
func (r *Recorder) Before(s *Step) Action {
	r.mu.Lock()
	if r.learned != nil {
		r.learned(s)
	}
	if r.noise[s.Point.Hash] {
		r.mu.Unlock()
		return Pass
	}
	r.seen[s.Point.Hash]++
	s.Point.Occurrence = r.seen[s.Point.Hash]
	r.steps = append(r.steps, s)
	r.open[s] = true
	r.last = time.Now()
	h := r.holdAt(s, false)
	r.mu.Unlock()
	if h == nil {
		return Pass
	}
	action := <-h.let
	if action == Cut {
		r.mu.Lock()
		delete(r.open, s)
		r.mu.Unlock()
	}
	return action
}

// After implements [Hook].
func (r *Recorder) After(s *Step) Action {
	r.mu.Lock()
	counted := r.open[s]
	delete(r.open, s)
	if !counted {
		r.mu.Unlock()
		return Pass
	}
	r.last = time.Now()
	var h *Hold
	if !s.Ended.IsZero() {
		h = r.holdAt(s, true)
	}
	r.mu.Unlock()
	if h == nil {
		return Pass
	}
	return <-h.let
}

// holdAt returns the hold for this step, which is hit now; nil for none.
func (r *Recorder) holdAt(s *Step, after bool) *Hold {
	for _, h := range r.holds {
		if h.step == nil && h.point == s.Point && h.after == after {
			h.step = s
			close(h.hit)
			return h
		}
	}
	return nil
}

// Touch says that something happened just now, such as an answer of the consumer:
// [Recorder.Quiet] counts from here.
func (r *Recorder) Touch() {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.last = time.Now()
}

// Rested is how long no counted step began or ended; 0 while one is open.
func (r *Recorder) Rested() time.Duration {
	r.mu.Lock()
	defer r.mu.Unlock()
	if len(r.open) > 0 {
		return 0
	}
	return time.Since(r.last)
}

// Blocked reports whether the target keeps a counted step waiting, for as long as
// this.
func (r *Recorder) Blocked(since time.Duration) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	for s := range r.open {
		held := slices.ContainsFunc(r.holds, func(h *Hold) bool { return h.step == s })
		if !held && time.Since(s.Began) >= since {
			return true
		}
	}
	return false
}

// Quiet waits until no counted step is open, and none began or ended for gap.
func (r *Recorder) Quiet(ctx context.Context, gap time.Duration) error {
	for {
		rested := r.Rested()
		if rested >= gap {
			return nil
		}
		wait := 5 * time.Millisecond
		if rested > 0 {
			wait = max(time.Millisecond, gap-rested)
		}
		select {
		case <-time.After(wait):
		case <-ctx.Done():
			return fmt.Errorf("the consumer does not come to rest: %w", context.Cause(ctx))
		}
	}
}
