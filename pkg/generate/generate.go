// Package generate makes synthetic payloads: realistic, and deterministic by seed.
// They can be recognised by ids that contain "julianctl-", contacts with the family
// name Test, phone numbers reserved for fiction, and addresses in example.com.
//
// It owns what calls are like, and how payloads are broken on purpose. The fields
// of a payload are defined in package julian, the rules in package validate.
//
// The same seed and the same calls give the same bytes on every machine: nothing
// depends on the clock, on floating point, on time zone files or on the order of
// maps. Another version of this package may give other bytes.
package generate

import (
	"math/rand/v2"
	"time"

	"github.com/julianctl/julianctl/pkg/julian"
)

// Surname is the family name of every synthetic contact.
const Surname = "Test"

// Agent is the default id of the agent.
const Agent = "agent.julianctl"

// Spec describes a call. The zero Spec is an outbound call that reached its goal, in
// a sequence that goes on.
type Spec struct {
	Agent      string                 // id of the agent; empty: Agent
	ResultType julian.ResultType      // empty: Goal Completed
	Lifecycle  julian.LifecycleStatus // empty: in progress
	Direction  julian.Direction       // empty: outbound; inbound if Web is set
	Web        bool                   // a web call, which has no caller's number
	Single     bool                   // a call without a sequence
	// Transcript is the size of the transcript, if there is one; nil: as usual.
	Transcript *Range
	// Shape has the variables and outcomes of an agent; nil: those of the generator.
	Shape *AgentShape
}

// Range is a size in bytes, drawn evenly from Min to Max, both included. A transcript
// has exactly the size that was drawn, for which its last words may be cut.
type Range struct{ Min, Max int }

// Generator makes payloads. The same seed gives the same payloads in the same
// order. It is not safe for concurrent use.
type Generator struct {
	// Nonce changes every id and nothing else: with another nonce, the same seed
	// gives the same payloads with other ids. 0 changes nothing.
	Nonce uint64

	rng        *rand.Rand
	source     *rand.PCG // of rng
	transcript []byte    // of the call being made
	tail       []byte    // the end of that transcript
}

// New returns a generator for seed.
func New(seed uint64) *Generator {
	source := rand.NewPCG(seed, 0x6a756c69616e)
	return &Generator{rng: rand.New(source), source: source}
}

// Event makes the next call. Its fields fit its result: a call that never connected
// has no duration, transcript or link; a rescheduled one has its new time.
func (g *Generator) Event(spec Spec) julian.CallEvent {
	e := g.next(spec)
	e.CallResult.Transcription = string(g.transcript)
	return e
}

// next is Event, but leaves the transcript in g.transcript.
func (g *Generator) next(spec Spec) julian.CallEvent {
	c := g.contact()
	return g.call(spec.filled(), c, g.onDay(c.place, g.rng.IntN(workingDays)))
}

// Payload makes the next call as the bytes of a delivery.
func (g *Generator) Payload(spec Spec) ([]byte, error) { return Encode(g.Event(spec)) }

// Append appends the next call to dst; see [Generator.Payload].
func (g *Generator) Append(dst []byte, spec Spec) ([]byte, error) {
	e := g.next(spec)
	return appendEvent(dst, &e, g.transcript)
}

// Draw fills in the empty fields of spec with the frequencies of real calls: most are
// outbound and have a terminal result type, few have Invalid Phone Number. The
// lifecycle fits the result.
func (g *Generator) Draw(spec Spec) Spec {
	result := g.rng.IntN(1000)
	chance := g.rng.IntN(100)
	status := g.rng.IntN(100)
	if spec.ResultType == "" {
		for _, k := range kinds {
			if result -= k.perMille; result < 0 {
				spec.ResultType = k.result
				break
			}
		}
	}
	if spec.Direction == "" && !spec.Web {
		spec.Web = chance < 5
		if spec.Direction = julian.Outbound; chance < 20 {
			spec.Direction = julian.Inbound
		}
	}
	if spec.Lifecycle == "" && !spec.Single {
		spec.Single = status < 20
		statuses := kindOf(spec.ResultType).lifecycle
		spec.Lifecycle = statuses[status%len(statuses)]
	}
	return spec
}

// filled returns spec with its defaults.
func (s Spec) filled() Spec {
	if s.Agent == "" {
		s.Agent = Agent
	}
	if s.ResultType == "" {
		s.ResultType = julian.GoalCompleted
	}
	if s.Lifecycle == "" {
		s.Lifecycle = julian.SequenceInProgress
	}
	if s.Direction == "" {
		if s.Direction = julian.Outbound; s.Web {
			s.Direction = julian.Inbound
		}
	}
	return s
}

// onDay returns a function that returns times at a place: so many days after a working
// day, which is counted from epoch.
func (g *Generator) onDay(p *place, day int) func(later int) time.Time {
	return func(later int) time.Time { return g.moment(p, day+later) }
}

// call makes a call of a contact at when(0); if it is rescheduled, to when(1). It leaves
// the transcript in g.transcript.
func (g *Generator) call(spec Spec, c contact, when func(later int) time.Time) julian.CallEvent {
	k := kindOf(spec.ResultType)
	scheduled := when(0)
	e := julian.CallEvent{
		AgentID:         spec.Agent,
		AgentName:       "Test Agent (julianctl)",
		CallID:          g.id("call."),
		Name:            c.name,
		PhoneNumber:     c.phone,
		PhoneNumberExt:  c.ext,
		FromPhoneNumber: c.agentPhone,
		ScheduledAt:     julian.Timestamp{Time: scheduled},
		Timezone:        c.place.zone,
		Direction:       spec.Direction,
		CustomInputVariables: map[string]any{
			"prospect_name": c.first, "prospect_surname": Surname, "company": c.company,
		},
		CallResult: julian.CallResult{
			ResultType:         spec.ResultType,
			Summary:            g.pickFilled(k.summaries, c),
			ExtractedVariables: map[string]any{},
			AgentActions:       []julian.Action{},
			HumanActions:       []julian.Action{},
			Outcomes:           []julian.Outcome{},
		},
	}
	switch {
	case spec.Web:
		e.FromPhoneNumber = ""
	case spec.Direction == julian.Inbound:
		e.FromPhoneNumber = c.phone // the call came from the contact
	}
	if !spec.Single {
		e.Sequence = &julian.Sequence{SequenceID: c.sequence, LifecycleStatus: spec.Lifecycle}
	}
	g.transcript = g.transcript[:0]
	if g.rng.IntN(100) < k.spoken {
		e.CallURL = linkTo(e.CallID)
		g.makeTranscript(k, c, spec.Transcript)
		e.Duration = float64(2 + len(g.transcript)/bytesPerSecond + g.rng.IntN(20))
	}
	if spec.ResultType == julian.Rescheduled {
		e.RescheduledAt = &julian.Timestamp{Time: when(1)}
	}
	g.result(&e.CallResult, k, c, scheduled.Add(time.Duration(e.Duration)*time.Second))
	g.shaped(&e, spec.Shape, c)
	return e
}

// linkTo returns the address of a call, which does not exist.
func linkTo(callID string) string { return "https://julian.11x.ai/calls/" + callID }

// bytesPerSecond is how fast people transcript, in bytes of a transcript: 150 words
// a minute.
const bytesPerSecond = 14

// result fills in the result of a call that ended at ended.
func (g *Generator) result(r *julian.CallResult, k *kind, c contact, ended time.Time) {
	if len(k.outcomes) > 0 {
		o := k.outcomes[g.rng.IntN(len(k.outcomes))]
		r.Outcomes = []julian.Outcome{{Name: o.Name, Reasoning: g.pickFilled([]string{o.Reasoning}, c)}}
	}
	switch r.ResultType {
	case julian.GoalCompleted:
		g.meeting(r, c, ended)
	case julian.GoalNotCompleted:
		r.ExtractedVariables = map[string]any{"example__summary": r.Summary, "example__call_again": "no"}
	case julian.OptedOut:
		r.HumanActions = []julian.Action{{
			Description: "Asked not to be called again", Status: "completed", ActionKey: "opt_out",
			CompletedAt: stamp(ended), Metadata: map[string]any{},
		}}
	}
}

// meeting adds the meeting agreed on in a call that reached its goal.
func (g *Generator) meeting(r *julian.CallResult, c contact, ended time.Time) {
	begins := ended.Truncate(30*time.Minute).AddDate(0, 0, 7*(1+g.rng.IntN(2))) // a working day again
	r.ExtractedVariables = map[string]any{"example__summary": r.Summary, "example__appt_time": stamp(begins)}
	r.AgentActions = []julian.Action{{
		Description: "Scheduled follow-up meeting", Status: "completed", ActionKey: "schedule_meeting",
		CompletedAt: stamp(ended), Metadata: map[string]any{},
	}}
	if g.rng.IntN(4) == 0 {
		r.HumanActions = []julian.Action{{
			Description: "Asked for information by e-mail", Status: "pending", ActionKey: "send_information",
			Metadata: map[string]any{"company": c.company},
		}}
	}
	if g.rng.IntN(2) == 0 {
		r.FollowUpMeetingDetails = &julian.FollowUpMeeting{
			StartTime: julian.Timestamp{Time: begins},
			EndTime:   julian.Timestamp{Time: begins.Add(30 * time.Minute)},
			HostEmail: "host@example.com",
		}
	}
}

// stamp formats a time as the provider does.
func stamp(t time.Time) string { return string(appendTime(nil, t)) }

// id returns prefix, "julianctl-" and 16 hexadecimal digits.
func (g *Generator) id(prefix string) string {
	b := make([]byte, 0, 48)
	b = append(append(b, prefix...), "julianctl-"...)
	for n := g.rng.Uint64() ^ g.Nonce; len(b) < len(prefix)+len("julianctl-")+16; n <<= 4 {
		b = append(b, "0123456789abcdef"[n>>60])
	}
	return string(b)
}
