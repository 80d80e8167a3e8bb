package freetext

import (
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/julianctl/julianctl/pkg/letters"
)

// form is what a token is by its characters.
type form uint8

const (
	aWord   form = iota // letters
	aNumber             // digits, and what groups them
	aCode               // letters and digits
	anEmail
	aHost // of an address without a scheme, with what follows it
	aLink
	aHandle // @name
	aTime   // a timestamp (RFC 3339)
	anID    // of the payload's own fields
)

// token is a part of a line that is decided on as one.
type token struct {
	start, end int
	form       form
	gap        byte // what stands before it beside blanks, hyphens and apostrophes; 0: nothing
	big        bool // begins with a capital
	first      bool // begins a sentence
	known      bool // in a name of this payload
	single     bool // one letter
	id         int32
	word       *word
	kind       Kind   // what it is replaced as; empty: it stays
	with       string // what it is replaced by; empty: what its form calls for
}

// text is what stands in the line.
func (t *Text) text(tok *token) string { return t.s[tok.start:tok.end] }

// maxChunk is how much without a blank is looked at as one: each address in it
// is a search through what follows.
const maxChunk = 4096

func blank(c byte) bool { return c == ' ' || c == '\n' || c == '\t' }

// oddities are the characters of addresses, links, times and ids: 1 for a full
// stop, which sentences end with too.
var oddities = [256]byte{'.': 1, '@': 2, ':': 2, '0': 2, '1': 2, '2': 2, '3': 2, '4': 2, '5': 2, '6': 2, '7': 2, '8': 2, '9': 2}

// split cuts the line into tokens.
func (t *Text) split() {
	t.tokens = t.tokens[:0]
	chunk, special := 0, token{} // the end of what has no blank in it, and what is special in it
	first, gap := true, byte(0)
	for i := 0; i < len(t.s); {
		if i >= chunk {
			if blank(t.s[i]) {
				i++
				continue
			}
			odd := byte(0) // letters alone are none of what is looked for
			for chunk = i; chunk < len(t.s) && !blank(t.s[chunk]) && (chunk < i+maxChunk || !utf8.RuneStart(t.s[chunk])); chunk++ {
				odd |= oddities[t.s[chunk]]
			}
			if special = (token{}); odd&2 != 0 || odd&1 != 0 && strings.IndexByte(t.s[i:chunk-1], '.') >= 0 {
				special = t.special(i, chunk)
			}
		}
		tok := token{start: i}
		c, size := utf8.DecodeRuneInString(t.s[i:])
		switch {
		case i == special.start && special.end > i:
			tok = special
			special = t.special(tok.end, chunk)
		case letters.Is(c):
			tok.end = t.lettersEnd(i, false)
			if next, _ := utf8.DecodeRuneInString(t.s[tok.end:]); letters.Zero(next) != 0 {
				tok.form, tok.end = aCode, t.lettersEnd(i, true)
			}
		case letters.Zero(c) != 0, (c == '+' || c == '(') && i+1 < len(t.s) && '0' <= t.s[i+1] && t.s[i+1] <= '9':
			tok.end, tok.form = t.number(i)
		default:
			if strings.ContainsRune(".!?:;…¿¡\"“”«»„—–(|", c) || c == utf8.RuneError {
				first = true
			}
			if !strings.ContainsRune("-'’`\r", c) && gap != '.' {
				gap = byte(min(c, 0xff))
			}
			i += size
			continue
		}
		if tok.form == aWord || tok.form == aCode {
			t.lookUp(&tok)
		}
		tok.first, tok.gap = first, gap
		first, gap = false, 0
		t.tokens = append(t.tokens, tok)
		i = tok.end
		chunk = max(chunk, i)
	}
}

// lookUp finds what is known of the word.
func (t *Text) lookUp(tok *token) {
	s := t.text(tok)
	c, size := utf8.DecodeRuneInString(s)
	tok.big, tok.single = unicode.IsUpper(c) || unicode.IsTitle(c), size == len(s)
	t.folded = letters.AppendFold(t.folded[:0], s)
	hash := t.Lexicon.hash(t.folded)
	tok.id = t.Lexicon.find(hash)
	tok.word = &t.Lexicon.words[tok.id]
	tok.known = slices.Contains(t.known, hash)
}

// lettersEnd is the end of a run of letters, and of digits if they are allowed.
func (t *Text) lettersEnd(i int, digits bool) int {
	for i < len(t.s) {
		c, size := rune(t.s[i]), 1
		if c >= utf8.RuneSelf {
			c, size = utf8.DecodeRuneInString(t.s[i:])
		}
		if !letters.Is(c) && !(digits && letters.Zero(c) != 0) {
			break
		}
		i += size
	}
	return i
}

// number is the end of a number with its groups: 555-123-4567, 06, 12, 34. What
// goes on in letters is a code, such as 12c, which is not grouped.
func (t *Text) number(i int) (end int, f form) {
	group, groups, j := i, 0, i
	if c := t.s[i]; c == '+' || c == '(' {
		j++
	}
	for between := 0; j < len(t.s) && between <= 3; {
		c, size := utf8.DecodeRuneInString(t.s[j:])
		switch {
		case letters.Zero(c) != 0:
			if between > 0 || groups == 0 {
				group, groups = j, groups+1
			}
			j += size
			if between, end = 0, j; groups == 1 {
				group = i
			}
			continue
		case between == 0 && letters.Is(c) && group == i:
			return t.lettersEnd(j, true), aCode
		case between == 0 && letters.Is(c):
			return len(strings.TrimRight(t.s[:group], " .,-/():–－ー")), aNumber
		case c == ',' || c == '.' || c == ':' || strings.ContainsRune(" -/()–－ー\u00a0", c):
			if between > 0 && (c == '.' || c == ':' || c == ',') || c == ' ' && between > 0 && strings.ContainsRune(".:", rune(t.s[j-1])) {
				return end, aNumber
			}
			between++
			j += size
			continue
		}
		break
	}
	return end, aNumber
}

// special finds the first address, link or timestamp in t.s[from:to], which has
// no blanks. Without one its end is 0.
func (t *Text) special(from, to int) token {
	s := t.s[from:to]
	inHost := func(c rune) bool { return letters.Is(c) || letters.Zero(c) != 0 || c == '-' || c == '.' }
	end := func(i int, ok func(rune) bool) int { // of what begins at i
		if n := strings.IndexFunc(s[i:], func(c rune) bool { return !ok(c) }); n >= 0 {
			return i + n
		}
		return len(s)
	}
	begin := func(i int, ok func(rune) bool) int { // of what ends at i
		for i > 0 {
			c, size := utf8.DecodeLastRuneInString(s[:i])
			if !ok(c) {
				break
			}
			i -= size
		}
		return i
	}
	found := func(i, j int, f form) token {
		return token{start: from + i, end: from + i + len(strings.TrimRight(s[i:j], ".,;:!?)]}\"'>»”…-")), form: f}
	}
	if i := strings.Index(s, "://"); i > 0 {
		return found(begin(i, func(c rune) bool { return c < utf8.RuneSelf && (letters.Is(c) || letters.Zero(c) != 0) }), len(s), aLink)
	}
	for _, id := range t.IDs {
		if i := strings.Index(s, id); i >= 0 {
			return token{start: from + i, end: from + i + len(id), form: anID}
		}
	}
	if i := strings.IndexByte(s, '@'); i >= 0 {
		start := begin(i, func(c rune) bool { return letters.Is(c) || letters.Zero(c) != 0 || strings.ContainsRune("._%+'-", c) })
		stop := end(i+1, inHost)
		switch host := strings.Trim(s[i+1:stop], ".-"); {
		case host == "":
			return t.special(from+i+1, to)
		case start == i || strings.IndexByte(host, '.') < 0:
			return found(start, end(i+1, func(c rune) bool { return inHost(c) || c == '_' }), aHandle)
		default:
			return found(start, stop, anEmail)
		}
	}
	if n := timeLen(s); n > 0 {
		return found(0, n, aTime)
	}
	if dot := strings.IndexByte(s, '.'); dot > 1 && dot < len(s)-2 {
		start := begin(dot, inHost)
		host := strings.TrimRight(s[start:end(dot, inHost)], ".-")
		last := strings.LastIndexByte(host, '.') + 1
		if last > 2 && t.Lexicon.is(t.Lexicon.look(host[last:]), "domain", anyLanguage) {
			if after := start + len(host); after < len(s) && strings.IndexByte("/?#:", s[after]) >= 0 {
				return found(start, len(s), aHost)
			}
			return found(start, start+len(host), aHost)
		}
	}
	return token{}
}

// timeLen is how long the timestamp is that s begins with, down to minutes at
// least; 0: there is none.
func timeLen(s string) int {
	const pattern = "dddd-dd-ddTdd:dd"
	if len(s) < len(pattern) {
		return 0
	}
	for i := range pattern {
		if digit := s[i] >= '0' && s[i] <= '9'; digit != (pattern[i] == 'd') || !digit && s[i] != pattern[i] {
			return 0
		}
	}
	n := len(pattern)
	for n < len(s) && strings.IndexByte("0123456789:.+-Z", s[n]) >= 0 {
		n++
	}
	return n
}

// IsTime reports whether s is a timestamp (RFC 3339).
func IsTime(s string) bool { return s != "" && timeLen(s) == len(s) }
