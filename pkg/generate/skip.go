package generate

import (
	"math"
	"math/rand/v2"
	"strings"

	"github.com/julianctl/julianctl/pkg/julian"
)

// Fork returns a copy of g, which makes what g would make next. The two may be used by
// different goroutines.
func (g *Generator) Fork() *Generator {
	source := *g.source
	return &Generator{rng: rand.New(&source), source: &source}
}

// Skip skips the next call: what follows is the same as after [Generator.Append]. So
// several goroutines can share the work for one seed. It takes a tenth of the time of
// Append, half of it if spec has a Shape.
//
// The functions below draw the same random numbers in the same order as those that
// make calls.
func (g *Generator) Skip(spec Spec) {
	if spec.Shape != nil {
		g.next(spec)
		return
	}
	c := g.skipContact()
	g.rng.IntN(workingDays)
	g.skipCall(spec.filled(), c)
}

// SkipStory is [Generator.Skip] for [Generator.Story].
func (g *Generator) SkipStory(spec Spec) {
	if spec.Shape != nil {
		g.Story(spec)
		return
	}
	s := &stories[g.rng.IntN(len(stories))]
	c := g.skipContact()
	g.rng.IntN(workingDays)
	for _, result := range s.results {
		spec.ResultType = result
		g.skipCall(spec.filled(), c)
		g.rng.IntN(2)
	}
}

// skipContact is [Generator.contact] with only the fields that affect the length of a
// transcript.
func (g *Generator) skipContact() contact {
	p := &places[g.rng.IntN(len(places))]
	c := contact{place: p, first: g.pick(p.lang.names)}
	g.rng.Uint64() // the sequence
	c.company = companies[g.rng.IntN(len(companies))]
	g.rng.IntN(p.high - p.low + 1) // two numbers
	g.rng.IntN(p.high - p.low + 1)
	if g.rng.IntN(8) == 0 {
		g.rng.IntN(900)
	}
	return c
}

func (g *Generator) skipCall(spec Spec, c contact) {
	k := kindOf(spec.ResultType)
	g.skipMoment()
	g.rng.Uint64() // the call
	g.skipPhrase(g.pick(k.summaries), c)
	if g.rng.IntN(100) < k.spoken {
		g.skipTranscript(k, c, spec.Transcript)
		g.rng.IntN(20)
	}
	if spec.ResultType == julian.Rescheduled {
		g.skipMoment()
	}
	if len(k.outcomes) > 0 {
		o := &k.outcomes[g.rng.IntN(len(k.outcomes))]
		g.rng.IntN(1) //nolint:staticcheck // it draws nothing, as Event does where there is one reason
		g.skipPhrase(o.Reasoning, c)
	}
	if spec.ResultType == julian.GoalCompleted {
		g.rng.IntN(2)
		g.rng.IntN(4)
		g.rng.IntN(2)
	}
}

func (g *Generator) skipMoment() { g.rng.IntN(millisecondsOfWork) }

func (g *Generator) skipTranscript(k *kind, c contact, size *Range) {
	var s script
	if k.script != nil {
		s = k.script(c.place.lang)
	}
	transcript, tail := 0, 0
	if len(s.endings) > 0 {
		tail = 1 + g.skipPhrase(g.pick(s.endings), c)
	}
	if len(s.openings) > 0 {
		transcript = g.skipPhrase(g.pick(s.openings), c)
	}
	if size == nil {
		g.skipMiddle(s, c, transcript, g.turns(s), math.MaxInt)
		return
	}
	target := g.size(*size)
	if len(s.details) == 0 {
		s.details = s.openings
	}
	if transcript+tail > target {
		tail = 0
	}
	g.skipMiddle(s, c, transcript, math.MaxInt, target-tail)
}

func (g *Generator) skipMiddle(s script, c contact, transcript, turns, size int) {
	if len(s.details) == 0 {
		return
	}
	first := g.rng.IntN(len(s.details))
	for i := 0; i < turns && transcript < size; i++ {
		phrases, at := s.turn(first, i)
		transcript += 1 + g.skipPhrase(phrases[at], c)
	}
}

// skipPhrase returns the size of the phrase that [Generator.say] would append.
func (g *Generator) skipPhrase(phrase string, c contact) int {
	size := len(phrase)
	for {
		i := strings.IndexByte(phrase, '{')
		if i < 0 {
			return size
		}
		phrase = phrase[i:]
		end := strings.IndexByte(phrase, '}') + 1
		if end == 0 {
			return size - len(phrase)
		}
		blank := phrase[:end]
		phrase = phrase[end:]
		size -= len(blank)
		switch blank {
		case "{name}":
			size += len(c.first)
		case "{company}":
			size += len(c.company)
		case "{number}":
			size++
			if 2+g.rng.IntN(98) >= 10 {
				size++
			}
		}
	}
}
