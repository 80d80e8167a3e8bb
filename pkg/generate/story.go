package generate

import "github.com/julianctl/julianctl/pkg/julian"

// story is how the calls to one contact go, one after the other, and what the
// sequence comes to with the last one. Until then it is in progress.
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

// Story makes the calls of the next sequence, in order: one contact, one
// sequence id, a working day or two between calls; one that was rescheduled
// says when the next one is. The result types, the lifecycle, and that there
// is a sequence, are the story's; the rest of spec holds for each call.
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
		events[i] = g.call(spec.filled(), c, day)
		events[i].CallResult.Transcription = string(g.talk)
		if i > 0 && events[i-1].RescheduledAt != nil {
			events[i-1].RescheduledAt.Time = events[i].ScheduledAt.Time
		}
		day += 1 + g.rng.IntN(2)
	}
	return events
}
