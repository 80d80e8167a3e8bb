package julian

import "slices"

// ResultType is how a call ended: callResult.resultType.
type ResultType string

// The 13 result types.
const (
	GoalCompleted      ResultType = "Goal Completed"
	GoalNotCompleted   ResultType = "Goal Not Completed"
	Voicemail          ResultType = "Voicemail"
	Busy               ResultType = "Busy"
	NoConversation     ResultType = "No Conversation"
	OptedOut           ResultType = "Opted Out"
	InvalidPhoneNumber ResultType = "Invalid Phone Number"
	Cancelled          ResultType = "Cancelled"
	Failed             ResultType = "Failed"
	Scheduled          ResultType = "Scheduled"
	Rescheduled        ResultType = "Rescheduled"
	ProcessingAnalysis ResultType = "Processing Analysis"
	Calling            ResultType = "Calling"
)

// LifecycleStatus says whether a contact is still actively enrolled in a
// sequence: sequence.lifecycleStatus.
type LifecycleStatus string

// The 4 lifecycle statuses.
const (
	SequenceDone       LifecycleStatus = "done"
	SequenceInProgress LifecycleStatus = "in progress"
	SequenceCancelled  LifecycleStatus = "cancelled"
	SequenceFailed     LifecycleStatus = "failed"
)

// Direction says who called.
type Direction string

// The 2 directions.
const (
	Outbound Direction = "outbound" // the agent called the contact
	Inbound  Direction = "inbound"  // the contact called the agent
)

// Connection says whether two parties were on the line.
type Connection string

const (
	// Connected: the contact was reached.
	Connected Connection = "connected"
	// NotConnected: the contact was not reached; there is nothing to record.
	NotConnected Connection = "not connected"
	// ConnectionUnstated: the documentation does not say.
	ConnectionUnstated Connection = ""
)

// Value is one value of an enumeration with its documented meaning.
type Value[T ~string] struct {
	Name    T
	Meaning string
	// Terminal: no later event of this call is to be expected. Only result
	// types have it.
	Terminal bool
	// Connection is stated for result types only.
	Connection Connection
}

var resultTypes = []Value[ResultType]{
	{GoalCompleted, "call completed successfully and the agent achieved its goal", true, Connected},
	{GoalNotCompleted, "call completed but the agent did not achieve its goal", true, Connected},
	{Voicemail, "call reached voicemail and has a recording", true, ConnectionUnstated},
	{Busy, "line was busy or failed to connect (no recording)", true, NotConnected},
	{NoConversation, "call connected but no meaningful conversation occurred", true, Connected},
	{OptedOut, "contact opted out during the call", true, Connected},
	{InvalidPhoneNumber, "phone number was invalid or not in service", true, NotConnected},
	{Cancelled, "call was cancelled before execution", true, NotConnected},
	{Failed, "call failed due to a technical or provider error", true, ConnectionUnstated},
	{Scheduled, "call is scheduled for the future", false, ConnectionUnstated},
	{Rescheduled, "call was rescheduled to a different time", false, ConnectionUnstated},
	{ProcessingAnalysis, "call ended but post-call analysis is still processing", false, ConnectionUnstated},
	{Calling, "call is currently in progress", false, ConnectionUnstated},
}

var lifecycleStatuses = []Value[LifecycleStatus]{
	{Name: SequenceDone, Meaning: "sequence has a call with a terminal outcome or has completed all its steps"},
	{Name: SequenceInProgress, Meaning: "sequence is actively running (default state)"},
	{Name: SequenceCancelled, Meaning: "sequence was manually cancelled by a user"},
	{Name: SequenceFailed, Meaning: "error prevented the sequence from continuing"},
}

var directions = []Value[Direction]{
	{Name: Outbound, Meaning: "the agent called the contact"},
	{Name: Inbound, Meaning: "the contact called the agent"},
}

// ResultTypes returns the 13 result types in the order of the provider's
// guide. The caller owns the slice.
func ResultTypes() []Value[ResultType] { return slices.Clone(resultTypes) }

// LifecycleStatuses returns the 4 lifecycle statuses in the order of the
// provider's guide. The caller owns the slice.
func LifecycleStatuses() []Value[LifecycleStatus] { return slices.Clone(lifecycleStatuses) }

// Known reports whether r is one of the documented result types. The provider may add
// more, so a consumer should accept unknown ones.
func (r ResultType) Known() bool { return lookup(resultTypes, r) != nil }

// Terminal reports whether the call is over for good. It is false for an
// unknown result type.
func (r ResultType) Terminal() bool {
	v := lookup(resultTypes, r)
	return v != nil && v.Terminal
}

// Connection reports whether the contact was reached, as far as the
// documentation says.
func (r ResultType) Connection() Connection {
	if v := lookup(resultTypes, r); v != nil {
		return v.Connection
	}
	return ConnectionUnstated
}

// Known reports whether s is one of the documented lifecycle statuses.
func (s LifecycleStatus) Known() bool { return lookup(lifecycleStatuses, s) != nil }

func lookup[T ~string](values []Value[T], name T) *Value[T] {
	i := slices.IndexFunc(values, func(v Value[T]) bool { return v.Name == name })
	if i < 0 {
		return nil
	}
	return &values[i]
}

func names[T ~string](values []Value[T]) []string {
	out := make([]string, len(values))
	for i, v := range values {
		out[i] = string(v.Name)
	}
	return out
}
