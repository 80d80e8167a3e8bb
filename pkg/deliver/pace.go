package deliver

import (
	"context"
	"time"
)

// Pace is how a run with a rate kept to it: an open loop, in which deliveries
// are due at fixed times whether or not earlier ones were answered.
//
// No delivery is dropped to keep the pace. One that finds Concurrency others on
// the way waits, goes out late and is counted in Late; its latency counts from
// when it was due, so that an endpoint that stalls is seen to stall.
type Pace struct {
	Asked float64 // deliveries a second
	Late  int     // steps begun more than [LateAfter] after they were due
	// Lateness is from due to begun. A document's copies count once, where they
	// are sent together or after one another.
	Lateness Latency
	// Missed counts the deliveries that were due when the run was ended from
	// outside and were not begun any more. It supposes that the documents would
	// have lasted.
	Missed int

	begun       int // deliveries
	first, last time.Time
	tail        time.Duration // what the last step takes at the rate
}

// Reached is the number of deliveries begun in a second, from the first to the
// last of them; 0 when there was none.
func (p *Pace) Reached() float64 {
	if p.begun == 0 {
		return 0
	}
	return float64(p.begun) / (p.last.Sub(p.first) + p.tail).Seconds()
}

// begin counts a step of so many deliveries.
func (p *Pace) begin(now, due time.Time, deliveries int) {
	late := now.Sub(due)
	p.Lateness.Record(late)
	count(&p.Late, late > LateAfter)
	if p.begun == 0 || now.Before(p.first) {
		p.first = now
	}
	if now.After(p.last) {
		p.last = now
		p.tail = time.Duration(float64(deliveries) / p.Asked * float64(time.Second))
	}
	p.begun += deliveries
}

// LateAfter is how long after its due time a delivery is late. It is far more
// than timers err by.
const LateAfter = 10 * time.Millisecond

// schedule gives out due times: absolute ones, so that no error adds up.
type schedule struct {
	rate   float64 // deliveries a second; 0: no schedule
	start  time.Time
	given  int       // deliveries that were given a time
	ready  time.Time // when the source was last asked for a step
	behind time.Time // when the step that nobody took was due; zero: none
	timer  *time.Timer
}

func newSchedule(rate float64) *schedule {
	now := time.Now()
	return &schedule{rate: rate, start: now, ready: now, timer: time.NewTimer(0)}
}

// next is when deliveries more are due; zero without a schedule.
func (s *schedule) next(deliveries int) time.Time {
	if s.rate == 0 {
		return time.Time{}
	}
	due := s.at(s.given)
	// A source that pauses, such as a pipe, moves the schedule: its payload
	// could not be sent before it was there, and what it held up must not
	// follow in one burst.
	from := due
	if s.ready.After(due) {
		from = s.ready
	}
	if pause := time.Since(from); pause > LateAfter {
		s.start = s.start.Add(pause)
		due = due.Add(pause)
	}
	s.given += deliveries
	return due
}

// at is when the delivery with that many before it is due.
func (s *schedule) at(before int) time.Time {
	return s.start.Add(time.Duration(float64(before) / s.rate * float64(time.Second)))
}

// wait sleeps until due and reports whether ctx is still on.
func (s *schedule) wait(ctx context.Context, due time.Time) bool {
	if d := time.Until(due); !due.IsZero() && d > 0 {
		s.timer.Reset(d)
		select {
		case <-s.timer.C:
		case <-ctx.Done():
		}
	}
	return ctx.Err() == nil
}

// missed is how many deliveries were due and not given away at the end.
func (s *schedule) missed() int {
	late := time.Since(s.behind)
	if s.behind.IsZero() || late <= LateAfter { // the run ended when it was due
		return 0
	}
	return 1 + int(late.Seconds()*s.rate)
}
