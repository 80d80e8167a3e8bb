package sender

import (
	"container/heap"
	"context"
	"math"
	"sync"
	"time"
)

// Clock runs functions when they are due. At speed 60 an hour of its time passes in a
// minute. At infinite speed it never waits: it jumps from one due time to the next.
type Clock struct {
	speed  float64
	most   int // functions that run at a time
	origin time.Time
	began  time.Time // real time of origin
	wake   chan struct{}

	mu      sync.Mutex
	jumped  time.Time // latest due time, at infinite speed
	events  events
	number  uint64 // of the latest event
	running int
	held    int
	// busy has the keys that run at infinite speed, with what waits for them: there,
	// time does not keep apart what belongs together.
	busy map[string][]*event
}

// NewClock returns a clock that shows origin now. Speed is its seconds in a real one,
// over 0, or infinite. At most so many functions run at a time; 0: 64.
func NewClock(origin time.Time, speed float64, most int) *Clock {
	if most <= 0 {
		most = 64
	}
	return &Clock{speed: speed, most: most, origin: origin, began: time.Now(), jumped: origin, wake: make(chan struct{}, 1), busy: map[string][]*event{}}
}

type event struct {
	due    time.Time
	number uint64 // tells those apart that are due together
	key    string
	do     func(ctx context.Context, at time.Time)
}

// events is a heap, the earliest first.
type events []*event

func (e events) Len() int { return len(e) }
func (e events) Less(i, j int) bool {
	if !e[i].due.Equal(e[j].due) {
		return e[i].due.Before(e[j].due)
	}
	return e[i].number < e[j].number
}
func (e events) Swap(i, j int) { e[i], e[j] = e[j], e[i] }
func (e *events) Push(x any)   { *e = append(*e, x.(*event)) }
func (e *events) Pop() any {
	old := *e
	last := old[len(old)-1]
	old[len(old)-1] = nil
	*e = old[:len(old)-1]
	return last
}

func (c *Clock) jumps() bool { return math.IsInf(c.speed, 1) }

// Now is the time on the clock.
func (c *Clock) Now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.now()
}

func (c *Clock) now() time.Time {
	if c.jumps() {
		return c.jumped
	}
	return c.origin.Add(time.Duration(float64(time.Since(c.began)) * c.speed))
}

// Since is the time on the clock for a function that began at a time: at infinite
// speed no time passes in it.
func (c *Clock) Since(at time.Time) time.Time {
	if c.jumps() {
		return at
	}
	return c.Now()
}

// At has do run once due has come, in a goroutine of its own, with the context of
// [Clock.Run] and the time on the clock. What has the same key runs in the order of due,
// at infinite speed one after the other; elsewhere a slow one does not hold up the next.
func (c *Clock) At(due time.Time, key string, do func(ctx context.Context, at time.Time)) {
	c.mu.Lock()
	c.number++
	heap.Push(&c.events, &event{due, c.number, key, do})
	c.mu.Unlock()
	c.signal()
}

// Hold keeps [Clock.Run] from ending while nothing is due, until release is called.
func (c *Clock) Hold() (release func()) {
	c.hold(1)
	return sync.OnceFunc(func() { c.hold(-1) })
}

func (c *Clock) hold(n int) {
	c.mu.Lock()
	c.held += n
	c.mu.Unlock()
	c.signal()
}

func (c *Clock) signal() {
	select {
	case c.wake <- struct{}{}:
	default:
	}
}

// Run runs what is due until ctx ends, or nothing is left and the clock is not held. It
// waits for what runs.
func (c *Clock) Run(ctx context.Context) {
	var all sync.WaitGroup
	defer all.Wait()
	timer := time.NewTimer(time.Hour)
	defer timer.Stop()
	for ctx.Err() == nil {
		e, at, wait, over := c.next()
		switch {
		case over:
			return
		case e != nil:
			all.Go(func() {
				e.do(ctx, at)
				c.ended(e)
			})
			continue
		}
		timer.Reset(wait)
		select {
		case <-c.wake:
		case <-timer.C:
		case <-ctx.Done():
		}
	}
}

// next returns what is due now, or how long to wait.
func (c *Clock) next() (e *event, at time.Time, wait time.Duration, over bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for c.running < c.most && len(c.events) > 0 {
		first := c.events[0]
		if !c.jumps() {
			now := c.now()
			if left := first.due.Sub(now); left > 0 {
				// Rounded up: a timer that fires too early would fire again at once.
				return nil, now, time.Duration(math.Ceil(float64(left) / c.speed)), false
			}
			heap.Pop(&c.events)
			c.running++
			return first, now, 0, false
		}
		heap.Pop(&c.events)
		if waiting, runs := c.busy[first.key]; runs {
			c.busy[first.key] = append(waiting, first)
			continue
		}
		c.busy[first.key] = nil
		c.running++
		if first.due.After(c.jumped) {
			c.jumped = first.due
		}
		return first, first.due, 0, false
	}
	return nil, time.Time{}, time.Hour, len(c.events) == 0 && c.running == 0 && c.held == 0
}

func (c *Clock) ended(e *event) {
	c.mu.Lock()
	c.running--
	for _, waiting := range c.busy[e.key] {
		heap.Push(&c.events, waiting)
	}
	delete(c.busy, e.key)
	c.mu.Unlock()
	c.signal()
}
