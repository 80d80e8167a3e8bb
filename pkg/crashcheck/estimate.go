package crashcheck

import (
	"fmt"
	"slices"
	"time"

	"github.com/julianctl/julianctl/pkg/units"
)

// Plan says which checks are going to run, by their ids in order: how long they
// take is estimated, once it is known how long a delivery and a start take.
func (l *Supervisor) Plan(ids []string) { l.ahead = ids }

// pace is what the length of the checks follows from.
type pace struct {
	start    time.Duration // until a consumer that was started answers
	delivery time.Duration // from the delivery to its effect, and to the rest after it
	wait     time.Duration // that a sweep ends with, for what may come late
	steps    int
	durable  int // of the steps
}

func (l *Supervisor) pace(settle time.Duration) pace {
	p := pace{start: l.started, steps: len(l.steps), durable: len(l.durable()), wait: l.gap}
	p.delivery = max(l.latency, l.effect) + min(l.gap, longGap)
	if l.async || len(l.s.Through) == 0 {
		p.wait += settle + p.delivery
	}
	return p
}

// takes is about how long a check takes whose points are all right: what is
// missing is waited for, and that is not known before.
func (p pace) takes(id string) time.Duration {
	points := func(n int, each time.Duration) time.Duration { return time.Duration(n)*each + p.wait }
	const waits = 250 * time.Millisecond // of a copy for the first
	switch id {
	case "restart":
		return p.start + points(3, 2*p.delivery)
	case "crash":
		return points(p.durable+1, p.delivery+killDelay+p.start)
	case "lost-answer":
		return points(p.durable+1, 2*p.delivery)
	case "interleaved":
		return points(p.steps, p.delivery+waits)
	case "replicas":
		return p.start + points(p.steps+replicaRounds+1, p.delivery+waits)
	case "sigterm":
		return points(p.durable, p.delivery+3*killDelay+2*p.start)
	case "database-down":
		return p.delivery
	case "database-back", "downstream-down":
		return points(2, p.delivery+outage)
	case "database-stalls":
		return min(sendTimeout, time.Duration(p.steps+2)*stall)
	case "crash-files":
		if p.durable == 0 {
			return points(6, p.delivery+killDelay+2*p.start)
		}
	}
	return 0
}

// left is about how long the checks take that have not ended; 0 where nothing is
// known yet.
func (l *Supervisor) left() time.Duration {
	if len(l.steps) == 0 && len(l.s.Through) > 0 || l.effect == 0 {
		return 0
	}
	p := l.pace(l.settle)
	left := time.Duration(float64(p.takes(l.running)) * (1 - l.done))
	for _, id := range l.ahead {
		left += p.takes(id)
	}
	return left
}

// runs notes which check runs now.
func (l *Supervisor) runs(id string) {
	l.running, l.done, l.offered = id, 0, nil
	if i := slices.Index(l.ahead, id); i >= 0 {
		l.ahead = l.ahead[i+1:]
	}
}

// learnedText says what a delivery is like.
func (l *Supervisor) learnedText() string {
	return fmt.Sprintf("a delivery takes %s to its effect in %s, a start %s",
		units.Time(l.effect), units.Count(len(l.steps), "step"), units.Time(l.started))
}

// tell says what goes on.
func (l *Supervisor) tell(format string, args ...any) { l.tellWaiting(0, format, args...) }

// tellWaiting says what goes on, and that it may take longer by wait.
func (l *Supervisor) tellWaiting(wait time.Duration, format string, args ...any) {
	if l.s.Tell == nil {
		return
	}
	left := l.left()
	if left > 0 {
		left += wait
	}
	l.s.Tell(fmt.Sprintf(format, args...), left)
}
