package freetext

import (
	"cmp"
	"strings"
	"unicode/utf8"

	"github.com/julianctl/julianctl/pkg/letters"
	"github.com/julianctl/julianctl/pkg/pseudonym"
)

// tellsNumber reports whether a number may tell who somebody is: it has three
// digits or more, and is no amount, time of day or year of these days.
func (t *Text) tellsNumber(i int) bool {
	tok := &t.tokens[i]
	s := t.text(tok)
	digits := len(letters.Digits(s))
	between := strings.IndexFunc(s, func(c rune) bool { return letters.Zero(c) == 0 })
	before, _ := utf8.DecodeLastRuneInString(strings.TrimRight(t.s[:tok.start], " "))
	after, _ := utf8.DecodeRuneInString(strings.TrimLeft(t.s[tok.end:], " "))
	switch {
	case digits < 3:
		return false
	case digits <= 7 && (strings.ContainsRune("$€£¥", before) || strings.ContainsRune("$€£¥%", after) || t.is(i+1, "money") || t.is(i+2, "money") && !t.is(i+1, "money") && t.near(i+2)):
		return false
	case between > 0 && between <= 2 && s[between] == ':' && digits <= 6:
		return false // a time of day
	case between > 0 && digits == 3 && (s[between] == '.' || s[between] == ',') && len(s) == 4:
		return false // 12.5
	}
	return !t.isYear(i)
}

// isYear reports whether token i is a year that nobody who makes calls was born
// in.
func (t *Text) isYear(i int) bool {
	tok := &t.tokens[i]
	s := t.text(tok)
	return tok.form == aNumber && len(s) == 4 && s >= "2016" && s < "2040"
}

// usualCode reports whether letters with digits are an ordinal number, a time
// or a quantity: 2nd, 3pm, 10k.
func (t *Text) usualCode(tok *token) bool {
	s := t.text(tok)
	rest := strings.TrimLeft(s, "0123456789")
	return tok.word.core == anyLanguage || len(s)-len(rest) <= 2 && len(s) > len(rest) &&
		strings.Contains(" st nd rd th er e te am pm h k m x s min uhr d ", " "+letters.Fold(rest)+" ") ||
		len(s) <= 5 && strings.Trim(s, "0123456789") == "h" // 14h30
}

// numbers replaces number words that stand together: two may be an amount, but
// another one does no harm.
func (t *Text) numbers() {
	for i := 0; i < len(t.tokens); i++ {
		if !t.isNumber(i) {
			continue
		}
		last, n := i, 1
		for j := i + 1; j < len(t.tokens) && (t.tokens[j].gap == 0 || t.tokens[j].gap == ','); j++ {
			if t.isNumber(j) {
				last, n = j, n+1
			} else if !t.is(j, "and") || j > last+1 {
				break
			}
		}
		if first := t.text(&t.tokens[i]); n > 2 || n == 2 && letters.Fold(first) != "oh" {
			random := t.Stream("spoken", letters.Fold(t.s[t.tokens[i].start:t.tokens[last].end]))
			for j := i; j <= last; j++ {
				if tok := &t.tokens[j]; t.isNumber(j) {
					tok.kind, tok.with = cmp.Or(tok.kind, Number), t.numberWord(random, j)
				}
			}
		}
		i = last
	}
}

// numberWord is another number word in place of token i, with as many letters.
func (t *Text) numberWord(random *pseudonym.Stream, i int) string {
	return t.otherWord(random, i, "digit", "large", "day")
}

// otherWord is a word of the classes in the language of token i, with as many
// letters; where there is none, a pseudonym.
func (t *Text) otherWord(random *pseudonym.Stream, i int, classes ...string) string {
	s, w := t.text(&t.tokens[i]), t.tokens[i].word
	folded := letters.Fold(s)
	var others []string
	for _, class := range classes {
		for code := range languageNames {
			if in := Languages(1) << code; in&t.among() != 0 && (t.lang != 0 || t.Lexicon.is(w, class, in)) {
				for _, other := range t.Lexicon.lists[rule{class, in}] {
					if other != folded && utf8.RuneCountInString(other) == utf8.RuneCountInString(folded) {
						others = append(others, other)
					}
				}
			}
		}
	}
	if len(others) == 0 {
		return t.Word(s)
	}
	return letters.LikeCase(others[int(random.Next())%len(others)], s)
}

// streetBefore replaces the street that ends with token i, such as 12 Maple
// Street, and its number. If sure is false, it is none without the number.
func (t *Text) streetBefore(i int, sure bool) {
	from := i - 1 // the number, with up to four words behind it
	for from > max(i-5, -1) && t.near(from+1) && !t.hasNumber(from) {
		from--
	}
	if from >= 0 && from < i-1 && t.near(from+1) && t.own(from, Address) {
		for j := from + 1; j < i; j++ {
			t.name(j, Address)
		}
	} else if sure && t.near(i) {
		t.name(i-1, Address)
	}
	t.houseNumber(i + 1)
}

// streetBehind replaces the street that begins with token i, such as rue des
// Martyrs 14, and its number. If sure is false, it is none without the number.
func (t *Text) streetBehind(i int, sure bool) {
	end, n := i+1, 0
	for ; end < min(i+7, len(t.tokens)) && n < 3 && t.tokens[end].gap == 0; end++ {
		tok := &t.tokens[end]
		link := t.is(end, "particle") || t.is(end, "of") || tok.single
		if tok.form != aWord || t.isNumber(end) || !link && t.core(end) {
			break
		}
		if !link {
			n++
		}
	}
	if !sure { // am Alten Markt 7, but not: in den nächsten 7 Tagen
		if n == 0 || end == len(t.tokens) || !t.hasNumber(end) || t.near(end+1) && !t.core(end+1) && !t.is(end+1, "from") {
			return
		}
	}
	t.houseNumber(end)
	for j := i - 1; sure && j >= max(i-3, 0) && t.tokens[j+1].gap != '.'; j-- {
		if t.hasNumber(j) {
			t.own(j, Address)
			break
		}
	}
	for j := i + 1; j < end; j++ {
		t.name(j, Address)
	}
}

// streetName replaces a word that ends as streets do, before a number.
func (t *Text) streetName(i int) {
	s := t.text(&t.tokens[i])
	if i+1 >= len(t.tokens) || !t.hasNumber(i+1) || t.lang == 0 {
		return
	}
	for _, end := range t.Lexicon.lists[rule{"street_ends", t.lang}] {
		if len(s) > len(end)+2 && strings.HasSuffix(letters.Fold(s), end) {
			t.tokens[i].kind = Address
			t.houseNumber(i + 1)
			return
		}
	}
}

// hasNumber reports whether token i is a number.
func (t *Text) hasNumber(i int) bool {
	f := t.tokens[i].form
	return f == aNumber || f == aCode || t.isNumber(i)
}

// houseNumber replaces the number at token i, behind a street, and what belongs
// to it.
func (t *Text) houseNumber(i int) {
	if i < len(t.tokens) && t.is(i, "unit") { // Hauptstraße Nummer 3
		i++
	}
	for n := 0; n < 3 && i < len(t.tokens) && (t.near(i) || n == 0 && t.tokens[i].gap == ',') && t.own(i, Address); i++ {
		n++
	}
}
