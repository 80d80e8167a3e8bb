package generate

import "github.com/julianctl/julianctl/pkg/julian"

// kind is what a call of a result type is like.
type kind struct {
	result   julian.ResultType
	perMille int // of calls as they occur; they add up to 1000
	spoken   int // percent of them with a conversation
	script   func(*language) script
	// lifecycle has the possible states of the sequence, the usual ones more than once.
	lifecycle []julian.LifecycleStatus
	summaries []string
	outcomes  []julian.Outcome
}

const (
	done       = julian.SequenceDone
	inProgress = julian.SequenceInProgress
	cancelled  = julian.SequenceCancelled
	failed     = julian.SequenceFailed
)

// kinds has one row for every result type. {name} is the contact's first name,
// {company} the company.
var kinds = [...]kind{
	{
		result: julian.GoalCompleted, perMille: 180, spoken: 100, lifecycle: []julian.LifecycleStatus{done},
		script: func(l *language) script { return script{l.greetings, l.questions, l.details, l.agreed} },
		summaries: []string{
			"Julian reached {name} and booked a follow-up meeting.",
			"{name} of {company} liked the offer and agreed to a meeting next week.",
			"The contact asked for a demonstration, and a date was found.",
		},
		outcomes: []julian.Outcome{
			{Name: "interested", Reasoning: "{name} expressed interest in the product and asked for a meeting."},
			{Name: "meeting_booked", Reasoning: "A date for a follow-up meeting was agreed on during the call."},
		},
	},
	{
		result: julian.GoalNotCompleted, perMille: 220, spoken: 100, lifecycle: []julian.LifecycleStatus{done, inProgress},
		script: func(l *language) script { return script{l.greetings, l.questions, l.details, l.declined} },
		summaries: []string{
			"{name} was reached but does not want a meeting.",
			"{company} has chosen another supplier for this year.",
			"The contact listened, and sees no need at present.",
		},
		outcomes: []julian.Outcome{
			{Name: "not_interested", Reasoning: "{name} said that there is no need at present."},
			{Name: "has_supplier", Reasoning: "{company} is under contract with another supplier."},
		},
	},
	{
		result: julian.Voicemail, perMille: 250, spoken: 100, lifecycle: []julian.LifecycleStatus{inProgress, inProgress, done},
		script:    func(l *language) script { return script{openings: l.messages} },
		summaries: []string{"Voicemail answered; a message was left.", "Reached the voicemail of {name} and asked to be called back."},
	},
	{
		result: julian.Busy, perMille: 60, lifecycle: []julian.LifecycleStatus{inProgress},
		summaries: []string{"The line was busy.", "The call could not be connected."},
	},
	{
		result: julian.NoConversation, perMille: 120, spoken: 100, lifecycle: []julian.LifecycleStatus{inProgress, inProgress, done},
		script:    func(l *language) script { return script{openings: l.greetings, endings: l.silent} },
		summaries: []string{"Someone answered, but there was no conversation.", "The call was picked up and nobody spoke."},
		outcomes:  []julian.Outcome{{Name: "no_conversation", Reasoning: "The call connected, but nothing meaningful was said."}},
	},
	{
		result: julian.OptedOut, perMille: 40, spoken: 100, lifecycle: []julian.LifecycleStatus{done, cancelled},
		script:    func(l *language) script { return script{openings: l.greetings, endings: l.optedOut} },
		summaries: []string{"{name} asked not to be called again.", "The contact opted out of further calls."},
		outcomes:  []julian.Outcome{{Name: "do_not_call", Reasoning: "{name} asked to be taken off the list."}},
	},
	{
		result: julian.InvalidPhoneNumber, perMille: 40, lifecycle: []julian.LifecycleStatus{done, failed},
		summaries: []string{"The number is not in service.", "The number of {name} is not valid."},
	},
	{
		result: julian.Cancelled, perMille: 30, lifecycle: []julian.LifecycleStatus{cancelled},
		summaries: []string{"The call was cancelled before it was made.", "A colleague took {name} off the list before the call."},
	},
	{
		result: julian.Failed, perMille: 60, spoken: 30, lifecycle: []julian.LifecycleStatus{inProgress, failed},
		script:    func(l *language) script { return script{l.greetings, l.questions, l.details, nil} },
		summaries: []string{"The call failed for a technical reason.", "The provider could not complete the call."},
	},
	{
		result: julian.Scheduled, lifecycle: []julian.LifecycleStatus{inProgress},
		summaries: []string{"The call is scheduled."},
	},
	{
		result: julian.Rescheduled, spoken: 50, lifecycle: []julian.LifecycleStatus{inProgress},
		script:    func(l *language) script { return script{openings: l.greetings, endings: l.moved} },
		summaries: []string{"{name} asked to be called at another time.", "The call was moved to another day."},
	},
	{
		result: julian.ProcessingAnalysis, spoken: 100, lifecycle: []julian.LifecycleStatus{inProgress},
		script:    func(l *language) script { return script{l.greetings, l.questions, l.details, l.agreed} },
		summaries: []string{"The call has ended; its analysis is under way."},
	},
	{
		result: julian.Calling, lifecycle: []julian.LifecycleStatus{inProgress},
		summaries: []string{"The call is in progress."},
	},
}

// otherKind is for result types that are not documented.
var otherKind = kind{lifecycle: []julian.LifecycleStatus{inProgress}, summaries: []string{"The call ended."}}

func kindOf(result julian.ResultType) *kind {
	for i := range kinds {
		if kinds[i].result == result {
			return &kinds[i]
		}
	}
	return &otherKind
}
