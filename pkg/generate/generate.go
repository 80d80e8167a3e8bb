// Package generate makes synthetic payloads: realistic, deterministic by seed,
// and recognisable as synthetic by ids that hold "julianctl-", contacts of the
// family name Test, phone numbers that are reserved for fiction, and addresses
// in example.com.
//
// It knows what a call is like, and how a payload is broken on purpose; what a
// payload may hold is julian's, and what is wrong with one is for package
// validate to say.
//
// The same seed and the same calls give the same bytes on every machine: there
// is no clock, no floating point, no time zone file and no order of a map in
// what is made. Another version of this package may make others.
package generate

import (
	"math/rand/v2"
	"time"

	"github.com/julianctl/julianctl/pkg/julian"
)

// Surname is the family name of every synthetic contact.
const Surname = "Test"

// Agent is the id of the agent of every call for which a [Spec] names no other.
const Agent = "agent.julianctl"

// Spec says what call a payload tells of. The zero Spec is an outbound call
// that reached its goal, in a sequence that goes on.
type Spec struct {
	Agent      string                 // id of the agent; empty: Agent
	ResultType julian.ResultType      // empty: Goal Completed
	Lifecycle  julian.LifecycleStatus // empty: in progress
	Direction  julian.Direction       // empty: outbound, or inbound where Web is set
	Web        bool                   // a web call: no number that it came from
	Single     bool                   // a call that belongs to no sequence
	// Transcript is how long the talk is, where there is one; nil: as long as
	// such talks are.
	Transcript *Range
	// Shape is what is the agent's own; nil: the generator's own variables and
	// outcomes.
	Shape *AgentShape
}

// Range is a size in bytes of UTF-8, drawn evenly between Min and Max, both
// included. A talk has exactly the size that was drawn: the last word before
// its ending may be cut for that.
type Range struct{ Min, Max int }

// Generator makes payloads. The same seed gives the same payloads in the same
// order. It is not safe for concurrent use.
type Generator struct {
	// Nonce is mixed into every id and into nothing else: with another nonce,
	// the same seed gives the same payloads of other calls. 0 changes nothing.
	Nonce uint64

	rng    *rand.Rand
	source *rand.PCG // of rng
	talk   []byte    // of the call being made
	tail   []byte    // the end of that talk
}

// New returns a generator for seed.
func New(seed uint64) *Generator {
	source := rand.NewPCG(seed, 0x6a756c69616e)
	return &Generator{rng: rand.New(source), source: source}
}

// Event makes the next call. Its fields fit its result: a call that never
// connected has no duration, no transcript and no link; a rescheduled one says
// to when.
func (g *Generator) Event(spec Spec) julian.CallEvent {
	e := g.next(spec)
	e.CallResult.Transcription = string(g.talk)
	return e
}

// next is Event, but that the transcript is in g.talk.
func (g *Generator) next(spec Spec) julian.CallEvent {
	return g.call(spec.filled(), g.contact(), g.rng.IntN(workingDays))
}

// Payload makes the next call as the bytes of a delivery.
func (g *Generator) Payload(spec Spec) ([]byte, error) { return Encode(g.Event(spec)) }

// Append adds the next call to dst, as [Generator.Payload] gives it.
func (g *Generator) Append(dst []byte, spec Spec) ([]byte, error) {
	e := g.next(spec)
	return appendEvent(dst, &e, g.talk)
}

// Draw fills in what spec leaves open as calls occur: most are outbound and
// end in one of the terminal result types, few in Invalid Phone Number; the
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

// filled is spec with its defaults written out.
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

// call makes a call of a contact on a working day, counted from epoch. It leaves
// the transcript in g.talk.
func (g *Generator) call(spec Spec, c contact, day int) julian.CallEvent {
	k := kindOf(spec.ResultType)
	scheduled := g.moment(c.place, day)
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
			Summary:            g.fill(k.summaries, c),
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
	g.talk = g.talk[:0]
	if g.rng.IntN(100) < k.talked {
		e.CallURL = linkTo(e.CallID)
		g.transcript(k, c, spec.Transcript)
		e.Duration = float64(2 + len(g.talk)/bytesPerSecond + g.rng.IntN(20))
	}
	if spec.ResultType == julian.Rescheduled {
		e.RescheduledAt = &julian.Timestamp{Time: g.moment(c.place, day+1)}
	}
	g.result(&e.CallResult, k, c, scheduled.Add(time.Duration(e.Duration)*time.Second))
	g.shaped(&e, spec.Shape, c)
	return e
}

// linkTo is the address of a call that is not there.
func linkTo(callID string) string { return "https://julian.11x.ai/calls/" + callID }

// bytesPerSecond is how fast people talk, in bytes of a transcript: 150 words
// a minute.
const bytesPerSecond = 14

// result fills in what came of a call that ended at ended.
func (g *Generator) result(r *julian.CallResult, k *kind, c contact, ended time.Time) {
	if len(k.outcomes) > 0 {
		o := k.outcomes[g.rng.IntN(len(k.outcomes))]
		r.Outcomes = []julian.Outcome{{Name: o.Name, Reasoning: g.fill([]string{o.Reasoning}, c)}}
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

// meeting is what a call that reached its goal leads to.
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

// stamp is a moment as a plain string of the provider's form.
func stamp(t time.Time) string { return string(appendTime(nil, t)) }

// id is 16 hexadecimal digits behind a prefix and a word that says where it
// comes from.
func (g *Generator) id(prefix string) string {
	b := make([]byte, 0, 48)
	b = append(append(b, prefix...), "julianctl-"...)
	for n := g.rng.Uint64() ^ g.Nonce; len(b) < len(prefix)+len("julianctl-")+16; n <<= 4 {
		b = append(b, "0123456789abcdef"[n>>60])
	}
	return string(b)
}
