package generate

import (
	"math"
	"strconv"
	"strings"
	"unicode/utf8"
)

// script is the plan of a transcript: one of the openings, questions in order, any
// number of details, and one of the endings. A list may be empty.
type script struct{ openings, questions, details, endings []string }

// makeTranscript writes a transcript of the given size to g.transcript; nil: the usual
// size.
func (g *Generator) makeTranscript(k *kind, c contact, size *Range) {
	var s script
	if k.script != nil {
		s = k.script(c.place.lang)
	}
	g.tail = g.tail[:0]
	if len(s.endings) > 0 {
		g.tail = g.say(append(g.tail, '\n'), g.pick(s.endings), c)
	}
	if len(s.openings) > 0 {
		g.transcript = g.say(g.transcript, g.pick(s.openings), c)
	}
	if size == nil {
		g.middle(s, c, g.turns(s), math.MaxInt)
		g.transcript = append(g.transcript, g.tail...)
		return
	}
	target := g.size(*size)
	if len(s.details) == 0 {
		s.details = s.openings // the same message again and again
	}
	if len(g.transcript)+len(g.tail) > target {
		g.tail = g.tail[:0] // the call was interrupted
	}
	room := target - len(g.tail)
	g.middle(s, c, math.MaxInt, room)
	g.transcript = append(cut(g.transcript, room), g.tail...)
}

// size draws a size from a range.
func (g *Generator) size(r Range) int {
	return max(r.Min, 0) + g.rng.IntN(max(r.Max-max(r.Min, 0), 0)+1)
}

// turns draws how many phrases the middle of a transcript has: most of the questions,
// or all of them and some details.
func (g *Generator) turns(s script) int {
	if len(s.questions) == 0 {
		return 0
	}
	least := len(s.questions) / 2
	return least + g.rng.IntN(len(s.questions)+len(s.details)-least+1)
}

// middle appends phrases until there are turns of them or the transcript has its size:
// the questions, then details, starting with a random one.
func (g *Generator) middle(s script, c contact, turns, size int) {
	if len(s.details) == 0 {
		return
	}
	first := g.rng.IntN(len(s.details))
	for i := 0; i < turns && len(g.transcript) < size; i++ {
		phrases, at := s.turn(first, i)
		g.transcript = g.say(append(g.transcript, '\n'), phrases[at], c)
	}
}

// turn returns where the phrase of a turn is, counted from 0. Details start with
// first.
func (s *script) turn(first, i int) (phrases []string, at int) {
	if i < len(s.questions) {
		return s.questions, i
	}
	return s.details, (first + i) % len(s.details)
}

// pick draws one of the phrases.
func (g *Generator) pick(phrases []string) string { return phrases[g.rng.IntN(len(phrases))] }

// cut shortens text to n bytes. Dots replace an incomplete character.
func cut(text []byte, n int) []byte {
	if len(text) <= n {
		return text
	}
	end := n
	for end > 0 && !utf8.RuneStart(text[end]) {
		end--
	}
	text = text[:end]
	for len(text) < n {
		text = append(text, '.')
	}
	return text
}

// say appends a phrase, with its variables filled in.
func (g *Generator) say(dst []byte, phrase string, c contact) []byte {
	for {
		before, rest, ok := strings.Cut(phrase, "{")
		dst = append(dst, before...)
		if !ok {
			return dst
		}
		blank, rest, _ := strings.Cut(rest, "}")
		switch blank {
		case "name":
			dst = append(dst, c.first...)
		case "company":
			dst = append(dst, c.company...)
		case "number":
			dst = strconv.AppendInt(dst, int64(2+g.rng.IntN(98)), 10)
		}
		phrase = rest
	}
}

// pickFilled draws one of the phrases and fills in its variables.
func (g *Generator) pickFilled(phrases []string, c contact) string {
	phrase := g.pick(phrases)
	if strings.IndexByte(phrase, '{') < 0 {
		return phrase
	}
	return string(g.say(nil, phrase, c))
}
