package crashcheck

import (
	"testing"
	"time"
)

// What is left is known once the steps are, and gets less with each point and each
// check; a wait that nobody expected is told with it.
func TestLeft(t *testing.T) {
	l := delivery()
	var told []time.Duration
	l.s.Tell = func(_ string, left time.Duration) { told = append(told, left) }
	l.Plan([]string{"restart", "crash", "database-down"})
	l.tell("learning")
	l.effect, l.started, l.gap = 200*time.Millisecond, time.Second, 100*time.Millisecond
	l.async = true
	l.settle = time.Second
	l.runs("restart")
	l.tell("restart")
	l.runs("crash")
	l.tell("crash")
	l.done = 0.5
	l.tell("half of the points")
	l.tellWaiting(30*time.Second, "waiting")
	l.runs("database-down")
	l.tell("database-down")
	const each = 300 * time.Millisecond       // a delivery with its gap
	const late = 1100*time.Millisecond + each // what a sweep ends with
	crash := 4*(each+killDelay+time.Second) + late
	want := []time.Duration{
		0,
		time.Second + 3*2*each + late + crash + each,
		crash + each,
		crash/2 + each,
		crash/2 + each + 30*time.Second,
		each,
	}
	for i := range want {
		if told[i] != want[i] {
			t.Errorf("%d: %s left, want %s", i, told[i], want[i])
		}
	}
}

// Every check of the group has an estimate, and a consumer whose steps are known
// needs none of its files.
func TestTakes(t *testing.T) {
	p := pace{start: time.Second, delivery: time.Second, wait: time.Second, steps: 6, durable: 3}
	for _, id := range []string{"restart", "crash", "lost-answer", "interleaved", "replicas", "sigterm", "database-down", "database-back", "database-stalls", "downstream-down"} {
		if p.takes(id) < time.Second {
			t.Errorf("%s takes %s", id, p.takes(id))
		}
	}
	if got := p.takes("crash-files"); got != 0 {
		t.Errorf("crash-files takes %s", got)
	}
}
