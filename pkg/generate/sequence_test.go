package generate_test

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/julianctl/julianctl/pkg/generate"
	"github.com/julianctl/julianctl/pkg/julian"
)

// A sequence calls the contact that it was given, when it is asked to, until its story
// ends; each call is a correct payload, and the same seed makes the same bytes.
func TestSequence(t *testing.T) {
	to := generate.Contact{Name: "Ada Lovelace", Phone: "+442079460001", Timezone: "Europe/London", Inputs: map[string]any{"company": "Engines", "lead_id": "7"}}
	begins := time.Date(2026, 3, 2, 9, 30, 0, 0, time.UTC)
	calls := func(seed uint64) (bodies []string, results string) {
		s := generate.New(seed).Sequence(generate.Spec{Agent: "agent.x", Single: true, Web: true}, to)
		for i, more := 0, true; more; i++ {
			at, next := begins.Add(time.Duration(i)*time.Hour), begins.Add(time.Duration(i+1)*time.Hour)
			var e julian.CallEvent
			e, more = s.Next(at, next)
			body, err := generate.Encode(e)
			if err != nil {
				t.Fatal(err)
			}
			correct(t, strict(t), "seed", body)
			if diff := cmp.Diff(to, generate.Contact{Name: e.Name, Phone: e.PhoneNumber, Timezone: e.Timezone, Inputs: e.CustomInputVariables}); diff != "" {
				t.Fatalf("seed %d: contact (-want +got):\n%s", seed, diff)
			}
			if !e.ScheduledAt.Equal(at) || e.Sequence.SequenceID != s.ID || e.AgentID != "agent.x" || e.Direction != julian.Outbound {
				t.Fatalf("seed %d: %s", seed, body)
			}
			if moved := e.RescheduledAt; moved != nil && !moved.Equal(next) {
				t.Fatalf("seed %d: moved to %s, want %s", seed, moved, next)
			}
			if (e.Sequence.LifecycleStatus == julian.SequenceInProgress) != more || e.CallResult.ResultType == julian.Cancelled {
				t.Fatalf("seed %d: %s, more %t", seed, body, more)
			}
			bodies = append(bodies, string(body))
			results += string(e.CallResult.ResultType) + ", "
		}
		return bodies, results
	}
	seen := map[string]bool{}
	for seed := range uint64(200) {
		bodies, results := calls(seed)
		again, _ := calls(seed)
		if diff := cmp.Diff(bodies, again); diff != "" {
			t.Fatalf("seed %d:\n%s", seed, diff)
		}
		seen[results] = true
	}
	if len(seen) != 7 || !seen["Busy, Rescheduled, Goal Completed, "] {
		t.Errorf("stories %v", seen)
	}
	e := generate.New(1).Sequence(generate.Spec{}, to).Cancel(begins)
	if e.CallResult.ResultType != julian.Cancelled || e.Sequence.LifecycleStatus != julian.SequenceCancelled || !e.ScheduledAt.Equal(begins) {
		t.Errorf("%+v", e)
	}
}
