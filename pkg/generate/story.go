package generate

import "github.com/julianctl/julianctl/pkg/julian"

// story has the results of the calls to one contact, and the final state of their
// sequence. Until the last call it is in progress.
type story struct {
	results []julian.ResultType
	end     julian.LifecycleStatus
}

var stories = [...]story{
	{[]julian.ResultType{julian.Busy, julian.Rescheduled, julian.GoalCompleted}, done},
	{[]julian.ResultType{julian.Voicemail, julian.NoConversation, julian.GoalNotCompleted}, done},
	{[]julian.ResultType{julian.Voicemail, julian.Busy, julian.Voicemail, julian.Voicemail}, done},
	{[]julian.ResultType{julian.Rescheduled, julian.GoalCompleted}, done},
	{[]julian.ResultType{julian.NoConversation, julian.OptedOut}, done},
	{[]julian.ResultType{julian.Busy, julian.InvalidPhoneNumber}, done},
	{[]julian.ResultType{julian.Voicemail, julian.Cancelled}, cancelled},
	{[]julian.ResultType{julian.Voicemail, julian.Failed}, failed},
}

// Story makes the calls of the next sequence, in order: one contact, one sequence id,
// one or two working days between calls. A rescheduled call has the time of the next
// one. Result types and lifecycle come from the story, the rest from spec.
func (g *Generator) Story(spec Spec) []julian.CallEvent {
	s := &stories[g.rng.IntN(len(stories))]
	c := g.contact()
	day := g.rng.IntN(workingDays)
	events := make([]julian.CallEvent, len(s.results))
	spec.Single = false
	for i, result := range s.results {
		spec.ResultType, spec.Lifecycle = result, inProgress
		if i == len(s.results)-1 {
			spec.Lifecycle = s.end
		}
		events[i] = g.call(spec.filled(), c, g.onDay(c.place, day))
		events[i].CallResult.Transcription = string(g.transcript)
		if i > 0 && events[i-1].RescheduledAt != nil {
			events[i-1].RescheduledAt.Time = events[i].ScheduledAt.Time
		}
		day += 1 + g.rng.IntN(2)
	}
	return events
}
