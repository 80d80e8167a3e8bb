// Package generate makes synthetic payloads: realistic, deterministic by seed,
// and recognisable as synthetic by the contact's name and by phone numbers from
// the range that is reserved for fiction.
//
// It knows what a call is like; what a payload may hold is julian's.
package generate

import (
	"bytes"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"time"

	"github.com/julianctl/julianctl/pkg/julian"
)

// Contact is the name of every synthetic contact.
const Contact = "Test Contact (julianctl)"

// Spec says what call a payload tells of. The zero Spec is an outbound call
// that reached its goal, in a sequence that goes on.
type Spec struct {
	ResultType julian.ResultType      // empty: Goal Completed
	Lifecycle  julian.LifecycleStatus // empty: in progress
	Direction  julian.Direction       // empty: outbound
	Web        bool                   // a web call: no number that it came from
}

// Generator makes payloads. The same seed gives the same payloads in the same
// order. It is not safe for concurrent use.
type Generator struct{ rng *rand.Rand }

// New returns a generator for seed.
func New(seed uint64) *Generator {
	return &Generator{rng: rand.New(rand.NewPCG(seed, 0x6a756c69616e))}
}

// epoch is the day on which synthetic calls begin.
var epoch = time.Date(2026, 1, 5, 9, 0, 0, 0, time.UTC)

// Event makes the next call. Its fields fit its result: a call that never
// connected has no duration, no transcript and no link; a rescheduled one says
// to when.
func (g *Generator) Event(spec Spec) julian.CallEvent {
	if spec.ResultType == "" {
		spec.ResultType = julian.GoalCompleted
	}
	if spec.Lifecycle == "" {
		spec.Lifecycle = julian.SequenceInProgress
	}
	if spec.Direction == "" {
		spec.Direction = julian.Outbound
	}
	id := g.id()
	scheduled := epoch.Add(time.Duration(g.rng.IntN(300*24*60)) * time.Minute)
	e := julian.CallEvent{
		AgentID:              "agent.julianctl",
		AgentName:            "Test Agent (julianctl)",
		CallID:               "call." + id,
		Name:                 Contact,
		PhoneNumber:          g.phone(),
		FromPhoneNumber:      g.phone(),
		ScheduledAt:          julian.Timestamp{Time: scheduled},
		Timezone:             "Europe/London",
		Direction:            spec.Direction,
		CustomInputVariables: map[string]any{"prospect_name": "Test"},
		CallResult: julian.CallResult{
			ResultType:         spec.ResultType,
			Summary:            summaries[spec.ResultType],
			ExtractedVariables: map[string]any{},
			AgentActions:       []julian.Action{},
			HumanActions:       []julian.Action{},
			Outcomes:           []julian.Outcome{},
		},
		Sequence: &julian.Sequence{SequenceID: "call-sequence." + id, LifecycleStatus: spec.Lifecycle},
	}
	if spec.Web {
		e.FromPhoneNumber = ""
	}
	if talk, ok := talks[spec.ResultType]; ok {
		e.Duration = float64(20 + g.rng.IntN(400))
		e.CallURL = "https://julian.11x.ai/calls/" + e.CallID
		e.CallResult.Transcription = talk
	}
	ended := scheduled.Add(time.Duration(e.Duration) * time.Second)
	switch spec.ResultType {
	case julian.GoalCompleted:
		e.CallResult.Outcomes = []julian.Outcome{{Name: "interested", Reasoning: "Asked for a meeting."}}
		e.CallResult.AgentActions = []julian.Action{{
			Description: "Scheduled follow-up meeting", Status: "completed", ActionKey: "schedule_meeting",
			CompletedAt: ended.Format("2006-01-02T15:04:05.000Z"), Metadata: map[string]any{},
		}}
	case julian.Rescheduled:
		e.RescheduledAt = &julian.Timestamp{Time: scheduled.Add(24 * time.Hour)}
	}
	return e
}

// Payload makes the next call as the bytes of a delivery.
func (g *Generator) Payload(spec Spec) ([]byte, error) { return Encode(g.Event(spec)) }

// Encode writes an event as the provider does: UTF-8, no HTML escapes.
func Encode(e julian.CallEvent) ([]byte, error) {
	var b bytes.Buffer
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	if err := enc.Encode(e); err != nil {
		return nil, fmt.Errorf("encoding call %q: %w", e.CallID, err)
	}
	return bytes.TrimSuffix(b.Bytes(), []byte("\n")), nil
}

// id is 16 hexadecimal digits behind a word that says where it comes from.
func (g *Generator) id() string { return fmt.Sprintf("julianctl-%016x", g.rng.Uint64()) }

// phone is one of +1 202 555 0100 to 0199, reserved for fiction.
func (g *Generator) phone() string { return fmt.Sprintf("+120255501%02d", g.rng.IntN(100)) }

// summaries holds a line for every result type.
var summaries = map[julian.ResultType]string{
	julian.GoalCompleted:      "The contact was reached and agreed to a follow-up meeting.",
	julian.GoalNotCompleted:   "The contact was reached but did not want a meeting.",
	julian.Voicemail:          "Voicemail answered; a message was left.",
	julian.Busy:               "The line was busy.",
	julian.NoConversation:     "Someone answered, but there was no conversation.",
	julian.OptedOut:           "The contact asked not to be called again.",
	julian.InvalidPhoneNumber: "The number is not in service.",
	julian.Cancelled:          "The call was cancelled before it was made.",
	julian.Failed:             "The call failed for a technical reason.",
	julian.Scheduled:          "The call is scheduled.",
	julian.Rescheduled:        "The call was moved to the next day.",
	julian.ProcessingAnalysis: "The call has ended; its analysis is under way.",
	julian.Calling:            "The call is in progress.",
}

// talks holds a transcript for the result types with somebody on the line.
var talks = map[julian.ResultType]string{
	julian.GoalCompleted:      "Agent: Hello, is this a good time?\nUser: Yes, go ahead.\nAgent: Shall we set up a meeting for Thursday?\nUser: Thursday at ten works.",
	julian.GoalNotCompleted:   "Agent: Hello, is this a good time?\nUser: Yes, but we have just chosen another product.\nAgent: I understand. Thank you for your time.",
	julian.Voicemail:          "Agent: Hello, this is a message about your request. We will try again tomorrow.",
	julian.NoConversation:     "Agent: Hello? Can you hear me?",
	julian.OptedOut:           "Agent: Hello, is this a good time?\nUser: Please do not call me again.\nAgent: I will take you off the list.",
	julian.ProcessingAnalysis: "Agent: Thank you, goodbye.\nUser: Goodbye.",
}
