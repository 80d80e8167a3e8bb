package generate

import (
	"math"
	"strconv"
	"strings"
	"unicode/utf8"
)

// script is how a talk goes: one of the openings, questions in order, any number
// of details, and one of the endings. A list may be empty.
type script struct{ openings, questions, details, endings []string }

// transcript makes g.talk the talk of a call, of the size that is asked for; nil
// is a usual one.
func (g *Generator) transcript(k *kind, c contact, size *Range) {
	var s script
	if k.script != nil {
		s = k.script(c.place.lang)
	}
	g.tail = g.tail[:0]
	if len(s.endings) > 0 {
		g.tail = g.say(append(g.tail, '\n'), g.any(s.endings), c)
	}
	if len(s.openings) > 0 {
		g.talk = g.say(g.talk, g.any(s.openings), c)
	}
	if size == nil {
		g.middle(s, c, g.turns(s), math.MaxInt)
		g.talk = append(g.talk, g.tail...)
		return
	}
	target := g.size(*size)
	if len(s.details) == 0 {
		s.details = s.openings // somebody who says it again and again
	}
	if len(g.talk)+len(g.tail) > target {
		g.tail = g.tail[:0] // a call that broke off
	}
	room := target - len(g.tail)
	g.middle(s, c, math.MaxInt, room)
	g.talk = append(cut(g.talk, room), g.tail...)
}

// size is one of a range.
func (g *Generator) size(r Range) int {
	return max(r.Min, 0) + g.rng.IntN(max(r.Max-max(r.Min, 0), 0)+1)
}

// turns is how many phrases the middle of a talk usually has: most of the
// questions, or all of them and some details.
func (g *Generator) turns(s script) int {
	if len(s.questions) == 0 {
		return 0
	}
	least := len(s.questions) / 2
	return least + g.rng.IntN(len(s.questions)+len(s.details)-least+1)
}

// middle adds phrases, up to a number of them and no more once the talk has a
// size: the questions, then details in turn, from any of them on.
func (g *Generator) middle(s script, c contact, turns, size int) {
	if len(s.details) == 0 {
		return
	}
	first := g.rng.IntN(len(s.details))
	for i := 0; i < turns && len(g.talk) < size; i++ {
		phrases, at := s.turn(first, i)
		g.talk = g.say(append(g.talk, '\n'), phrases[at], c)
	}
}

// turn is where the phrase of a turn of the middle is, counted from 0. Details
// go on from first.
func (s *script) turn(first, i int) (phrases []string, at int) {
	if i < len(s.questions) {
		return s.questions, i
	}
	return s.details, (first + i) % len(s.details)
}

// any is one of some phrases.
func (g *Generator) any(phrases []string) string { return phrases[g.rng.IntN(len(phrases))] }

// cut shortens text to n bytes, with points in place of half a character.
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

// say adds a phrase with what stands in braces filled in.
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

// fill is any of some phrases, filled in.
func (g *Generator) fill(phrases []string, c contact) string {
	phrase := g.any(phrases)
	if strings.IndexByte(phrase, '{') < 0 {
		return phrase
	}
	return string(g.say(nil, phrase, c))
}
