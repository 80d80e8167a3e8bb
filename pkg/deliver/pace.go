package deliver

import (
	"context"
	"time"
)

// Pace is how well a run kept its rate. A run with a rate is an open loop:
// deliveries are due at fixed times, whether or not earlier ones were answered.
//
// No delivery is dropped to keep the rate. If Concurrency others are in flight, it
// waits, is sent late and is counted in Late. Its latency counts from when it was
// due, so that a stalled endpoint shows in the figures.
type Pace struct {
	Asked float64 // deliveries a second
	Late  int     // steps started more than [LateAfter] after they were due
	// Lateness is the time from due to started. Copies of a document count once,
	// except in mode Shuffled.
	Lateness Latency
	// Missed counts the deliveries that were due but not started when the run was
	// interrupted. It assumes that there were enough documents.
	Missed int

	checkStart  int // deliveries
	first, last time.Time
	tail        time.Duration // the time of the last step at this rate
}

// Reached is the number of deliveries started per second, from the first to the
// last; 0 if there was none.
func (p *Pace) Reached() float64 {
	if p.checkStart == 0 {
		return 0
	}
	return float64(p.checkStart) / (p.last.Sub(p.first) + p.tail).Seconds()
}

// begin counts a step.
func (p *Pace) begin(now, due time.Time, deliveries int) {
	late := now.Sub(due)
	p.Lateness.Record(late)
	count(&p.Late, late > LateAfter)
	if p.checkStart == 0 || now.Before(p.first) {
		p.first = now
	}
	if now.After(p.last) {
		p.last = now
		p.tail = time.Duration(float64(deliveries) / p.Asked * float64(time.Second))
	}
	p.checkStart += deliveries
}

// LateAfter is the delay after which a delivery counts as late. It is far more
// than the error of timers.
const LateAfter = 10 * time.Millisecond

// schedule assigns due times. They are absolute, so that errors do not add up.
type schedule struct {
	rate   float64 // deliveries a second
	start  time.Time
	given  int       // deliveries with a due time so far
	ready  time.Time // when the source was last asked for a step
	behind time.Time // due time of the step that was not sent; zero: none
	timer  *time.Timer
}

func newSchedule(rate float64) *schedule {
	now := time.Now()
	return &schedule{rate: rate, start: now, ready: now, timer: time.NewTimer(0)}
}

// next returns the due time of the next step.
func (s *schedule) next(deliveries int) time.Time {
	due := s.start.Add(time.Duration(float64(s.given) / s.rate * float64(time.Second)))
	// A source that pauses, such as a pipe, shifts the schedule: a payload cannot
	// be sent before it is read, and the delayed ones must not follow in a burst.
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

// wait sleeps until due. It reports whether ctx is not done.
func (s *schedule) wait(ctx context.Context, due time.Time) bool {
	if d := time.Until(due); d > 0 {
		s.timer.Reset(d)
		select {
		case <-s.timer.C:
		case <-ctx.Done():
		}
	}
	return ctx.Err() == nil
}

// missed returns how many deliveries were due and not sent at the end.
func (s *schedule) missed() int {
	late := time.Since(s.behind)
	if s.behind.IsZero() || late <= LateAfter { // the run ended when it was due
		return 0
	}
	return 1 + int(late.Seconds()*s.rate)
}
