// Package freetext replaces what may be personal in free text.
//
// A word stays if it is known to be harmless: common in the language of its line
// by the lists in words, which are without names, places and brands, and not made
// part of a name by the words around it. Numbers, addresses and links go by their
// form. It cuts a line into tokens, decides on each, and writes the line again.
package freetext

import (
	"math/bits"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/julianctl/julianctl/pkg/letters"
	"github.com/julianctl/julianctl/pkg/pseudonym"
)

// Kind is what was replaced.
type Kind string

// The kinds that are found in free text.
const (
	Name    Kind = "name"    // of people, companies and places, word by word
	Word    Kind = "word"    // one that is not known to be harmless
	Email   Kind = "e-mail"  // written or spoken
	Number  Kind = "number"  // digits or number words
	Address Kind = "address" // the parts of a street and house number
	Link    Kind = "link"
	ID      Kind = "id" // one of [Text.IDs]
)

// Level is how much is replaced.
type Level string

// The levels, from the least to the most.
const (
	Names Level = "names" // in a text with capitals, words without one stay
	Words Level = "words" // every word that is not known to be harmless
	All   Level = "all"   // every word
)

// Text replaces what may be personal. It is not safe for concurrent use.
type Text struct {
	*pseudonym.Maker
	Lexicon *Lexicon
	Level   Level
	Kept    []uint32     // how often each word of the lexicon was left
	Counts  map[Kind]int // of what was replaced

	// What is known of the payload that the text is from.
	Usual Languages // of its transcript
	Names []string  // words of its names, folded
	IDs   []string  // the longest first

	s      string  // a line
	tokens []token // of the line
	folded []byte
	known  []uint64  // hashes of Names
	lang   Languages // of the line: one, or none that is known
	flat   bool      // capitals tell nothing in the line
}

// Append adds what becomes of a text.
func (t *Text) Append(dst []byte, s string) []byte {
	t.known = t.known[:0]
	for _, name := range t.Names {
		t.known = append(t.known, t.Lexicon.hash([]byte(name)))
	}
	for s != "" {
		end := strings.IndexByte(s, '\n') + 1
		if end == 0 {
			end = len(s)
		}
		t.s, s = s[:end], s[end:]
		t.split()
		t.look()
		t.decide()
		dst = t.write(dst)
	}
	return dst
}

// look tells the language of the line, and what capitals are worth in it.
func (t *Text) look() {
	words, usual, within, inside := 0, 0, 0, 0 // within sentences, and with a capital there
	for i := range t.tokens {
		tok := &t.tokens[i]
		if tok.form != aWord || tok.single {
			continue
		}
		if !tok.word.every {
			words++
			if tok.word.common&t.Usual != 0 {
				usual++
			}
		}
		if !tok.first {
			within++
			if tok.big {
				inside++
			}
		}
	}
	t.flat = inside == 0 || within > 3 && 10*inside > 8*within
	// A line is in the language of the transcript unless it is clearly in another.
	if t.lang = t.Usual; 10*usual < 7*words {
		t.otherLanguage(words)
	}
}

// otherLanguage is for a line that has many words which the language of the transcript
// does not: it may be in another.
func (t *Text) otherLanguage(words int) {
	var hits, scores [16]int // a core word tells more, and one of few languages
	best := 0
	for i := range t.tokens {
		w := t.tokens[i].word
		if w == nil || w.every || t.tokens[i].single || t.Lexicon.is(w, "at", anyLanguage) { // an address may be said in English
			continue
		}
		for set := w.common; set != 0; set &= set - 1 {
			i := bits.TrailingZeros16(uint16(set))
			hits[i]++
			scores[i] += 12 * (1 + int(w.core>>i&1)) / bits.OnesCount16(uint16(w.common))
		}
	}
	for i, n := range scores {
		if n > scores[best] || n == scores[best] && hits[i] > hits[best] {
			best = i
		}
	}
	if t.Usual == 0 && (2*hits[best] > words || hits[best] > 2 && 5*hits[best] > 2*words) ||
		hits[best] >= 3 && 2*hits[best] >= words && scores[best] > scores[bits.TrailingZeros16(uint16(t.Usual))%16]+2*words {
		t.lang = 1 << best
	}
}

// Recognize sets Usual to the language of a transcript, by its beginning.
func (t *Text) Recognize(s string) {
	t.Usual, t.s = 0, s[:min(len(s), 200)]
	t.split()
	t.look()
	t.Usual = t.lang
}

// is reports whether token i is of the class in the language of the line. Where
// that is not known, any language counts.
func (t *Text) is(i int, class string) bool {
	if i < 0 || i >= len(t.tokens) || t.tokens[i].word == nil || t.tokens[i].word.rules == 0 {
		return false
	}
	return t.Lexicon.is(t.tokens[i].word, class, t.among())
}

func (t *Text) among() Languages {
	if t.lang == 0 {
		return anyLanguage
	}
	return t.lang
}

// core reports whether token i is one of the words that hold a language
// together: they end a name, and are never one.
func (t *Text) core(i int) bool {
	tok := &t.tokens[i]
	return tok.word != nil && (tok.word.core&t.among() != 0 || tok.single && tok.form == aWord) && !tok.known
}

// near reports whether tokens i-1 and i are there and stand side by side.
func (t *Text) near(i int) bool { return i > 0 && i < len(t.tokens) && t.tokens[i].gap == 0 }

// name makes token i part of a name, unless it is a core word.
func (t *Text) name(i int, kind Kind) bool {
	tok := &t.tokens[i]
	if tok.form == aWord && !tok.single && !t.core(i) {
		tok.kind = kind
		return true
	}
	return false
}

// own replaces token i if it is a number, in figures or in words.
func (t *Text) own(i int, kind Kind) bool {
	if i < 0 || i >= len(t.tokens) {
		return false
	}
	switch tok := &t.tokens[i]; {
	case tok.form == aNumber || tok.form == aCode:
		tok.kind = kind
	case t.isNumber(i):
		tok.kind = kind
		tok.with = t.numberWord(t.Stream("spoken", t.s), i)
	default:
		return false
	}
	return true
}

func (t *Text) isNumber(i int) bool {
	return i < len(t.tokens) && t.tokens[i].word != nil && t.tokens[i].word.number&t.among() != 0
}

// names makes up to most words from i on a name, until a core word or a
// punctuation mark; the first may have a colon before it.
func (t *Text) names(i, most int, kind Kind) {
	for n := 0; n < most && i < len(t.tokens) && (t.tokens[i].gap == 0 || n == 0 && t.tokens[i].gap == ':'); i++ {
		if n > 0 && t.is(i, "particle") && i+1 < len(t.tokens) {
			continue
		}
		if !t.name(i, kind) {
			break
		}
		n++
	}
}

// decide says of each token what becomes of it.
func (t *Text) decide() {
	for i := range t.tokens {
		t.alone(i)
	}
	for i := range t.tokens {
		if tok := &t.tokens[i]; tok.single && tok.form == aWord {
			t.spelled(i)
		} else if tok.word != nil && tok.word.rules != 0 {
			t.cues(i)
		} else if tok.form == aWord {
			t.streetName(i)
		}
	}
	t.numbers()
	if !t.flat {
		return
	}
	// In small letters a word that may be a name is one beside a word that is not
	// known, and so is any that an "and" or "of" joins to such a word.
	beside := func(i, step int) {
		a, other := &t.tokens[i], i+step
		if a.kind != "" || a.form != aWord || a.word.rules != 0 || other < 0 || other >= len(t.tokens) || !t.near(max(i, other)) {
			return
		}
		joined := t.is(other, "and") || t.is(other, "particle")
		if joined {
			if other += step; other < 0 || other >= len(t.tokens) || !t.near(max(other, other-step)) {
				return
			}
		}
		if b := &t.tokens[other]; (a.word.name || joined) && (b.kind == Name || b.kind == Word) {
			t.name(i, Name)
		}
	}
	for i := range t.tokens {
		beside(i, -1)
	}
	for i := range slices.Backward(t.tokens) {
		beside(i, 1)
	}
}

// alone decides on a token without the others.
func (t *Text) alone(i int) {
	tok := &t.tokens[i]
	switch tok.form {
	case aWord:
		t.aloneWord(i, tok)
	case aNumber:
		if t.tellsNumber(i) {
			tok.kind = Number
		}
	case aCode:
		if !t.usualCode(tok) {
			tok.kind = Number
		}
	case anEmail:
		tok.kind = Email
	case aHost, aLink:
		tok.kind = Link
	case aHandle:
		tok.kind = Name
	case anID:
		tok.kind = ID
	}
}

func (t *Text) aloneWord(i int, tok *token) {
	w := tok.word
	if t.Level == All {
		if i > 0 || !t.is(i, "speaker") {
			tok.kind = Word
		}
		return
	}
	capital := tok.big && !t.flat && !tok.first
	switch {
	case tok.known && (w.core&t.lang == 0 || tok.big && !t.flat):
		tok.kind = Name
	case tok.single && letters.HasCase(t.text(tok)), w.core == anyLanguage, t.Lexicon.is(w, "title", anyLanguage):
	case w.common&t.lang == 0 && !w.every:
		if t.Level == Words || t.flat || tok.big || !letters.HasCase(t.text(tok)) {
			tok.kind = Word
		}
	case !capital:
		// At the beginning of a sentence a capital tells nothing, but for the
		// next word: Blue River has called.
		if next := i + 1; tok.big && tok.first && !t.flat && t.near(next) && t.tokens[next].big && t.lang != german && w.core&t.lang == 0 && !t.Lexicon.is(w, "speaker", anyLanguage) {
			tok.kind = Name
		}
	case t.lang == german && w.noun, t.is(i, "month") && t.lang == english, t.Lexicon.is(w, "speaker", anyLanguage) && t.lang == english:
	case t.lang == german && !t.is(i, "polite"):
		tok.kind = Name
	case w.core&t.lang != 0 && (i == 0 || t.tokens[i-1].kind == "" || !t.tokens[i-1].big):
	case t.lang == english && weekday(t.text(tok)):
	default:
		tok.kind = Name
	}
}

// weekday reports whether an English word ends as the days do that have a
// capital there: what else does is no name.
func weekday(s string) bool { return strings.HasSuffix(s, "day") && len(s) >= len("Monday") }

// cues looks at what the words around token i have to do with it.
func (t *Text) cues(i int) {
	for _, r := range t.Lexicon.rules[t.tokens[i].word.rules] {
		if r.in&t.among() != 0 {
			t.cue(i, r.class)
		}
	}
}

func (t *Text) cue(i int, class string) {
	switch class {
	case "title":
		j := i + 1
		for j < len(t.tokens) && (t.near(j) || t.tokens[j].gap == '.') && (t.is(j, "title") || t.is(j, "particle")) {
			j++
		}
		if j < len(t.tokens) && (t.near(j) || t.tokens[j].gap == '.') {
			t.name(j, Name)
		}
	case "soft_title":
		if t.near(i+1) && t.tokens[i+1].word != nil && t.tokens[i+1].word.name {
			t.name(i+1, Name)
		}
	case "after_title":
		if t.near(i) {
			t.name(i-1, Name)
		}
	case "name":
		t.called(i)
	case "maybe_name":
		if t.is(i-1, "before_name") {
			t.called(i)
		}
	case "from":
		if t.near(i) && t.is(i-1, "work") {
			t.names(i+1, 3, Name)
		}
	case "company":
		for j := i - 1; j >= max(i-3, 0) && t.near(j+1) && t.name(j, Name); j-- {
		}
	case "domain":
		if t.near(i) && t.is(i-1, "dot") {
			t.tokens[i].kind = ""
			t.address(i - 1)
		}
	case "at":
		if i+1 < len(t.tokens) && t.tokens[i+1].form == aHost {
			t.address(i)
		}
	case "unit":
		for j := i + 1; j < min(i+5, len(t.tokens)) && !t.own(j, Address); j++ {
		}
	case "born":
		t.birth(i)
	case "month":
		t.date(i)
	case "street_after", "street_if":
		t.streetBefore(i, class == "street_after")
	case "street_before", "street_if_before":
		t.streetBehind(i, class == "street_before")
	}
}

// called replaces the name that a word such as "name" announces.
func (t *Text) called(i int) {
	j := i + 1
	for j < len(t.tokens) && j < i+5 && t.tokens[j].gap == 0 && t.is(j, "link") {
		j++
	}
	t.names(j, 3, Name)
}

// address replaces an address that is said, back from its last "dot" or "at".
func (t *Text) address(i int) {
	left, at := 0, i
	for at > i-6 && at >= 0 && !t.is(at, "at") {
		at--
	}
	for j := i - 1; j >= 0 && left < 6 && t.tokens[j+1].gap == 0; j-- {
		left++
		switch tok := &t.tokens[j]; {
		case t.is(j, "at"):
			left, tok.kind = 0, ""
		case t.is(j, "dash") || t.is(j, "domain") && t.is(j-1, "dot"):
		case tok.form != aWord:
			tok.kind = Email
		case t.core(j) && !tok.single && !t.is(j+1, "dash") && !t.is(j+1, "at") && !(t.is(at, "at") && j > at):
			return
		default:
			tok.kind = Email
		}
	}
}

// birth replaces the date around a word such as "born".
func (t *Text) birth(i int) {
	at := func(j int) bool {
		if tok := &t.tokens[j]; !t.own(j, Number) && t.is(j, "month") {
			tok.kind, tok.with = Number, t.otherWord(t.Stream("month", t.s), j, "month")
		}
		return strings.IndexByte(".!?", t.tokens[j].gap) < 0 || t.tokens[j].gap == 0
	}
	for j := i + 1; j < min(i+16, len(t.tokens)) && at(j); j++ {
	}
	for j := i - 1; j >= max(i-8, 0) && at(j) && t.tokens[j+1].gap != '.'; j-- {
	}
}

// date replaces the day beside a month, and leaves the month: it may be a name
// elsewhere.
func (t *Text) date(i int) {
	found := false
	for _, step := range []int{-1, 1} {
		j := i + step
		for n := 0; n < 2 && t.is(j, "of"); n++ {
			j += step
		}
		if j >= 0 && j < len(t.tokens) && (t.tokens[j].form == aCode || t.isNumber(j) || t.tokens[j].form == aNumber) {
			found = true
			if t.isNumber(j) || !t.isYear(j) {
				t.own(j, Number)
			}
		}
	}
	if tok := &t.tokens[i]; found && tok.with == "" {
		tok.kind = ""
	}
}

// maxSpelled is how many letters are one word: a longer row is several.
const maxSpelled = 64

// spelled replaces the letters of a word that is spelled from token i on:
// W-E-M-B-L-Y, or V as in Victor.
func (t *Text) spelled(i int) {
	if t.tokens[i].with != "" {
		return
	}
	j, strange := i, 0
	for ; j < min(i+maxSpelled, len(t.tokens)) && t.tokens[j].form == aWord && t.tokens[j].single && (j == i || t.tokens[j].gap == 0 || t.tokens[j].gap == '.' || t.tokens[j].gap == ','); j++ {
		if j > i && strings.ContainsAny(t.s[t.tokens[j-1].end:t.tokens[j].start], "'’") {
			break
		}
		if !t.is(j, "letter") {
			strange++
		}
	}
	switch {
	case j-i >= 3 || j-i == 2 && strange == 2:
		t.spellOther(i, j)
	case strange == 1 && j-i == 1 && t.is(i+1, "as_in") && t.near(i+1):
		if j = i + 2; j < len(t.tokens) && t.core(j) {
			j++
		}
		if j < len(t.tokens) && t.name(j, Name) {
			t.spellOther(i, i+1)
		}
	}
}

// spellOther replaces the letters at tokens from to to by those of another word.
func (t *Text) spellOther(from, to int) {
	var spelled strings.Builder
	for i := from; i < to; i++ {
		spelled.WriteString(t.text(&t.tokens[i]))
	}
	other := t.Word(spelled.String())
	for i := from; i < to; i++ {
		_, size := utf8.DecodeRuneInString(other)
		t.tokens[i].kind, t.tokens[i].with = Name, other[:size]
		other = other[size:]
	}
}
