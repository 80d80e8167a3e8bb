package generate

import (
	"strings"
	"time"

	"github.com/julianctl/julianctl/pkg/julian"
)

// Contact is whom a [Sequence] calls.
type Contact struct {
	Name, Phone string
	Timezone    string         // IANA
	Inputs      map[string]any // customInputVariables
}

// Sequence makes the calls to one contact, one after the other, with results that follow
// one another as in a story: Busy, Rescheduled, Goal Completed.
type Sequence struct {
	ID string // of the sequence

	g      *Generator
	spec   Spec
	c      contact
	inputs map[string]any
	story  *story
	made   int // calls
}

// Sequence draws a story for a contact. The generator belongs to the sequence from then
// on.
func (g *Generator) Sequence(spec Spec, to Contact) *Sequence {
	spec.Single, spec.Direction, spec.Web = false, julian.Outbound, false
	s := &Sequence{g: g, spec: spec, c: g.contact(), inputs: to.Inputs}
	for s.story == nil || s.story.end == cancelled { // which the caller decides on
		s.story = &stories[g.rng.IntN(len(stories))]
	}
	at := *s.c.place
	for i := range places {
		if places[i].zone == to.Timezone {
			at = places[i]
			break
		}
	}
	at.zone = to.Timezone
	s.c.place, s.c.name, s.c.phone, s.c.ext = &at, to.Name, to.Phone, ""
	s.c.first, _, _ = strings.Cut(to.Name, " ")
	if company, ok := to.Inputs["company"].(string); ok {
		s.c.company = company
	}
	s.ID = s.c.sequence
	return s
}

// Next makes the next call, at a time; a rescheduled one is to be called again at next.
// It returns false with the last call.
func (s *Sequence) Next(at, next time.Time) (e julian.CallEvent, more bool) {
	s.spec.ResultType, s.spec.Lifecycle = s.story.results[s.made], inProgress
	s.made++
	if more = s.made < len(s.story.results); !more {
		s.spec.Lifecycle = s.story.end
	}
	return s.make(at, next), more
}

// Cancel makes the call that would have been next, cancelled before it was made.
func (s *Sequence) Cancel(at time.Time) julian.CallEvent {
	s.spec.ResultType, s.spec.Lifecycle = julian.Cancelled, cancelled
	return s.make(at, at)
}

func (s *Sequence) make(at, next time.Time) julian.CallEvent {
	e := s.g.call(s.spec.filled(), s.c, func(later int) time.Time {
		if later == 0 {
			return at
		}
		return next
	})
	e.CallResult.Transcription = string(s.g.transcript)
	if s.inputs != nil {
		e.CustomInputVariables = s.inputs
	}
	return e
}
