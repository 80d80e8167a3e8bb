// Package leak searches redacted payloads for values of their originals: names,
// numbers, e-mail addresses and ids, also where they are written in another way.
//
// It needs no key. It shares with package redact what fields hold and which
// words are common, and nothing of how values are found in text.
package leak

import (
	"hash/maphash"
	"strings"
	"sync"
	"unicode"
	"unicode/utf8"

	"github.com/julianctl/julianctl/pkg/freetext"
	"github.com/julianctl/julianctl/pkg/jsonscan"
	"github.com/julianctl/julianctl/pkg/redact"
	"github.com/tidwall/gjson"
)

// Left is a value of an original that a redacted payload has.
type Left struct {
	Pointer string // of the field (RFC 6901), or of the object for a key
	Kind    redact.Kind
	At      int // how many characters of the string stand before it
}

// Search holds the values of originals. It is not safe for concurrent use.
type Search struct {
	lex  *freetext.Lexicon
	seed maphash.Seed
	all  map[uint64]bool // values of every original, hashed
}

// NewSearch returns one that knows no originals.
func NewSearch() *Search {
	return &Search{lex: freetext.Load(), seed: maphash.MakeSeed(), all: map[uint64]bool{}}
}

// value is one that a text holds, in a form to which capitals, accents and
// separators make no difference.
type value struct {
	text string
	kind redact.Kind
	at   int // byte
}

// Learn remembers the values of the fields of an original. It reports false if
// that is no payload.
func (s *Search) Learn(original []byte) bool {
	return s.known(original, func(v value) {
		// A common word that is somebody's name in one payload is a word in others.
		if v.kind != redact.Name || !s.lex.IsCommon(v.text) {
			s.all[maphash.String(s.seed, v.text)] = true
		}
	})
}

// known calls learn for the values of an original's fields. Of free text, those
// that have a form of their own count, and no words.
func (s *Search) known(original []byte, learn func(value)) bool {
	return walk(original, func(pointer, text string) {
		kind, kept := redact.Holds(pointer)
		if kept {
			return
		}
		if kind == redact.ID && len(text) >= 6 {
			learn(value{plain(text), redact.ID, 0})
		}
		for _, v := range valuesOf(text, false) {
			switch v.kind {
			case redact.ID: // only those that a field holds
			case redact.Name:
				if kind == redact.Name && len([]rune(v.text)) > 2 && !s.lex.IsOrdinary(v.text) {
					learn(v)
				}
			default:
				learn(v)
			}
		}
	})
}

// Find returns what of the originals a redacted payload has. Original is the
// payload that it was made from, or nil if that is not known.
//
// A pseudonym can be somebody's name or number by chance. So where the text has
// as many words as that of its original, a single word counts if it is the one
// that was there, or of another length than that, which no pseudonym is; and a
// number of another payload if it is not in the place of another number.
func (s *Search) Find(original, redacted []byte) (left []Left, ok bool) {
	here, texts := map[string]bool{}, map[string][]string{}
	if original != nil {
		s.known(original, func(v value) { here[v.text] = true })
		walk(original, func(pointer, text string) { texts[pointer] = append(texts[pointer], text) })
	}
	ok = walk(redacted, func(pointer, text string) {
		was := ""
		if all := texts[pointer]; len(all) > 0 {
			was, texts[pointer] = all[0], all[1:]
		}
		if _, kept := redact.Holds(pointer); kept {
			return
		}
		before, n := words(was), -1
		sameWords, sameDigits := len(before) == len(words(text)), digitsAt(was) == digitsAt(text)
		for _, v := range valuesOf(text, true) {
			chance := false
			switch v.kind {
			case redact.Name:
				n++
				chance = sameWords && before[n].text != v.text && utf8.RuneCountInString(before[n].text) == utf8.RuneCountInString(v.text) ||
					v.text == "test" && strings.HasSuffix(text[:v.at], ".") // the end of redacted hosts
			case redact.Number:
				chance = sameDigits && !here[v.text] && !strings.Contains(digitsOf(was), v.text)
			}
			if !chance && (here[v.text] || s.all[maphash.String(s.seed, v.text)]) {
				left = append(left, Left{pointer, v.kind, utf8.RuneCountInString(text[:v.at])})
			}
		}
	})
	return left, ok
}

// digitsOf is a text without what is no digit.
func digitsOf(text string) string {
	return strings.Map(func(c rune) rune {
		if '0' <= c && c <= '9' {
			return c
		}
		return -1
	}, text)
}

// digitsAt is a text with x for every digit and a blank for all else.
func digitsAt(text string) string {
	return strings.Map(func(c rune) rune {
		if '0' <= c && c <= '9' {
			return 'x'
		}
		return ' '
	}, text)
}

// walk calls see for every string, number and key of a payload, with its
// pointer, in the order of the bytes; a * stands for every item of an array.
func walk(body []byte, see func(pointer, text string)) bool {
	start := jsonscan.Space(body, 0)
	if end := jsonscan.Value(body, start, jsonscan.MaxDepth); end == jsonscan.None || body[start] != '{' {
		return false
	}
	var down func(pointer string, v gjson.Result)
	down = func(pointer string, v gjson.Result) {
		if !v.IsObject() && !v.IsArray() {
			if v.Type == gjson.String {
				see(pointer, v.Str)
			} else if v.Type == gjson.Number {
				see(pointer, v.Raw)
			}
			return
		}
		object := v.IsObject()
		v.ForEach(func(key, value gjson.Result) bool {
			name := "*"
			if object {
				name = jsonscan.PointerToken(key.Str)
				if strings.ContainsAny(key.Str, "@0123456789 ") {
					see(pointer, key.Str)
				}
			}
			down(pointer+"/"+name, value)
			return true
		})
	}
	down("", gjson.ParseBytes(body))
	return true
}

func isLetter(c rune) bool { return unicode.IsLetter(c) || unicode.IsMark(c) }

// words are the words of a text.
func words(text string) (all []value) {
	from := -1
	for i, c := range text + " " {
		switch {
		case isLetter(c) && from < 0:
			from = i
		case !isLetter(c) && from >= 0:
			all = append(all, value{plain(text[from:i]), redact.Name, from})
			from = -1
		}
	}
	return all
}

// most is how many digits at the end of a number tell whose it is: with and
// without a country's code it is the same number.
const most = 9

// valuesOf are the words of a text as names, its numbers of at least 7 digits,
// and what has the form of an address or id. With parts, a long number gives every
// part of it that is as long as those that are learned.
func valuesOf(text string, parts bool) []value {
	all := words(text)
	for i := 0; i < len(text); {
		digits, at, end := number(text, i)
		if end == i {
			break
		}
		i = end
		switch {
		case end < len(text) && text[end] == 'T' || at > 0 && text[at-1] == 'T': // of a timestamp, which stays
		case len(digits) < 7:
		case parts && len(digits) > most:
			for from := 0; from+most <= len(digits); from++ {
				all = append(all, value{digits[from : from+most], redact.Number, at})
			}
		default:
			all = append(all, value{digits[max(len(digits)-most, 0):], redact.Number, at})
		}
	}
	from := 0
	for i, c := range text + " " {
		if !strings.ContainsRune(" \t\r\n/?&=#\"'<>(),;", c) {
			continue
		}
		switch chunk := strings.Trim(plain(text[from:i]), ".:!"); {
		case strings.IndexByte(chunk, '@') > 0:
			all = append(all, value{chunk, redact.Email, from})
		case len(chunk) >= 6 && strings.ContainsAny(chunk, "0123456789") && strings.ContainsFunc(chunk, isLetter):
			all = append(all, value{chunk, redact.ID, from})
		}
		from = i + utf8.RuneLen(c)
	}
	return all
}

// number finds the next number from i on: digits with up to 3 other characters
// between them that are no letters. At the end of the text end is i.
func number(text string, i int) (digits string, at, end int) {
	var found []byte
	between := 0
	at, end = i, i
	for j, c := range text[i:] {
		switch {
		case c >= '0' && c <= '9':
			if len(found) == 0 {
				at = i + j
			}
			found, between, end = append(found, byte(c)), 0, i+j+1
			continue
		case len(found) == 0:
			continue
		}
		if between++; between > 3 || isLetter(c) {
			return string(found), at, end
		}
	}
	if len(found) == 0 {
		return "", at, i
	}
	return string(found), at, end
}

// accents are letters and what they are without what stands on or below them.
var accents = sync.OnceValue(func() *strings.Replacer {
	return strings.NewReplacer(strings.Fields(`à a á a â a ã a ä a å a ā a ă a ą a æ ae ç c ć c č c ď d đ d ð d è e é e ê e ë e ē e ę e ě e ğ g ì i í i î i ï i ı i ł l ñ n ń n ň n
	ò o ó o ô o õ o ö o ø o ő o œ oe ř r ś s ş s š s ß ss ť t þ th ù u ú u û u ü u ů u ű u ý y ÿ y ź z ż z ž z`)...)
})

// plain is s in small letters without accents.
func plain(s string) string {
	s = strings.ToLower(s)
	ascii := true
	for i := range len(s) {
		ascii = ascii && s[i] < utf8.RuneSelf
	}
	if ascii {
		return s
	}
	return strings.Map(func(c rune) rune {
		if unicode.IsMark(c) && c < 0x370 {
			return -1 // a combining accent
		}
		return c
	}, accents().Replace(s))
}
