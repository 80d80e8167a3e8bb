package julian

import (
	"fmt"
	"time"
)

// CallEvent is the payload of one webhook delivery: one call, completed and
// analysed. Fields stand in the order of the provider's sample.
//
// Every field of these structs has a row in [Fields] that states its kind,
// format and presence.
type CallEvent struct {
	AgentID   string `json:"agentId"` // prefix "agent."
	AgentName string `json:"agentName"`
	// CallID is the idempotency key: deliveries of one call may repeat, and
	// all of them carry the same CallID. Prefix "call.".
	CallID          string `json:"callId"`
	Name            string `json:"name"`            // the contact's name
	PhoneNumber     string `json:"phoneNumber"`     // the contact's number, E.164
	PhoneNumberExt  string `json:"phoneNumberExt"`  // empty when there is none
	FromPhoneNumber string `json:"fromPhoneNumber"` // E.164; empty for web calls

	ScheduledAt Timestamp `json:"scheduledAt"`
	Timezone    string    `json:"timezone"` // IANA name
	Direction   Direction `json:"direction"`

	// CustomInputVariables has keys of the agent's own. Values are strings in
	// every documented example.
	CustomInputVariables map[string]any `json:"customInputVariables"`

	Duration      float64    `json:"duration"` // seconds
	CallURL       string     `json:"callUrl"`  // link to the call in the platform
	RescheduledAt *Timestamp `json:"rescheduledAt"`
	CallResult    CallResult `json:"callResult"`

	// CRMSchedulingDetails has keys of the CRM's own; nil when absent or null.
	CRMSchedulingDetails map[string]any `json:"crmSchedulingDetails,omitempty"`
	// Sequence is nil when the call belongs to none.
	Sequence *Sequence `json:"sequence,omitempty"`
}

// CallResult is what came of the call.
type CallResult struct {
	ResultType ResultType `json:"resultType"`
	Summary    string     `json:"summary"`
	// ExtractedVariables has keys of the agent's own.
	ExtractedVariables map[string]any `json:"extractedVariables"`
	AgentActions       []Action       `json:"agentActions"` // taken by the agent; may be empty
	HumanActions       []Action       `json:"humanActions"` // requested by the contact; may be empty
	Transcription      string         `json:"transcription"`
	Outcomes           []Outcome      `json:"outcomes"` // may be empty
	// FollowUpMeetingDetails is nil when absent or null.
	FollowUpMeetingDetails *FollowUpMeeting `json:"followUpMeetingDetails,omitempty"`
}

// Action is one thing that the agent did or that the contact asked for.
type Action struct {
	Description string `json:"description"`
	Status      string `json:"status"`
	ActionKey   string `json:"actionKey"`
	// CompletedAt is documented as a plain string; the provider's sample holds
	// a timestamp. It is kept as it came.
	CompletedAt string         `json:"completedAt"`
	Metadata    map[string]any `json:"metadata"`
}

// Outcome is one label that the analysis gave to the call, and why.
type Outcome struct {
	Name      string `json:"name"`
	Reasoning string `json:"reasoning"`
}

// FollowUpMeeting is a meeting that was agreed on during the call.
type FollowUpMeeting struct {
	StartTime Timestamp `json:"startTime"`
	EndTime   Timestamp `json:"endTime"`
	HostEmail string    `json:"hostEmail"`
}

// Sequence is the state of the sequence of calls that this call belongs to.
type Sequence struct {
	SequenceID      string          `json:"sequenceId"` // prefix "call-sequence."
	LifecycleStatus LifecycleStatus `json:"lifecycleStatus"`
}

// Timestamp is a moment as the provider writes it: ISO 8601 in UTC with
// milliseconds, 2025-01-20T14:00:00.000Z. Any RFC 3339 time is read.
type Timestamp struct{ time.Time }

// MarshalJSON writes the provider's form. Precision below a millisecond is
// cut off.
func (t Timestamp) MarshalJSON() ([]byte, error) {
	if y := t.UTC().Year(); y < 0 || y > 9999 {
		return nil, fmt.Errorf("julian: year %d cannot be written as a timestamp", y)
	}
	return []byte(t.UTC().Format(`"2006-01-02T15:04:05.000Z"`)), nil
}
