package generate_test

import (
	"testing"

	"github.com/julianctl/julianctl/pkg/generate"
	"github.com/julianctl/julianctl/pkg/julian"
)

// A story is of one contact, in order of time; the lifecycle ends with it, and
// a call that was moved takes place when it said.
func TestStory(t *testing.T) {
	seen := map[string]bool{}
	for seed := range uint64(200) {
		events := generate.New(seed).Story(generate.Spec{Agent: "agent.story", Single: true, Lifecycle: julian.SequenceFailed, ResultType: julian.Calling})
		if len(events) < 2 {
			t.Fatalf("seed %d: %d calls", seed, len(events))
		}
		told := ""
		for i, e := range events {
			told += string(e.CallResult.ResultType) + ", "
			first, last := events[0], i == len(events)-1
			if e.AgentID != "agent.story" || e.Name != first.Name || e.PhoneNumber != first.PhoneNumber || e.Timezone != first.Timezone || e.Sequence.SequenceID != first.Sequence.SequenceID {
				t.Fatalf("seed %d: %+v and %+v are of two contacts", seed, first, e)
			}
			if (e.Sequence.LifecycleStatus == julian.SequenceInProgress) == last {
				t.Fatalf("seed %d: call %d of %d is %s", seed, i+1, len(events), e.Sequence.LifecycleStatus)
			}
			if i == 0 {
				continue
			}
			before := events[i-1]
			if e.CallID == before.CallID || !e.ScheduledAt.After(before.ScheduledAt.Time) {
				t.Fatalf("seed %d: %+v after %+v", seed, e, before)
			}
			if moved := before.RescheduledAt; moved != nil && !moved.Equal(e.ScheduledAt.Time) {
				t.Fatalf("seed %d: moved to %v, called at %v", seed, moved, e.ScheduledAt)
			}
		}
		seen[told] = true
	}
	if len(seen) < 8 || !seen["Busy, Rescheduled, Goal Completed, "] {
		t.Errorf("stories %v", seen)
	}
}
