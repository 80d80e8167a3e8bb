// Package safetext makes untrusted text safe to show: on a terminal, in a log
// line, in the log of a CI system, in JSON output, and in the name of a file.
// It also knows which header values are secrets.
//
// It decides what is dangerous and how that is made visible. It does not lay out text:
// width, wrapping and colour are up to the caller.
//
// Its results are only for display: an escape looks the same as these characters in
// the original, so it cannot be read back. Stored and forwarded bytes never pass
// through this package.
package safetext

import (
	"fmt"
	"math/bits"
	"slices"
	"strings"
	"unicode"
	"unicode/utf16"
	"unicode/utf8"
)

// Line returns s as one line of visible text. Harmless text in any language is returned
// unchanged, without an allocation.
//
// Escapes as in Go (\n, \x1b, \u202e, \U000e0041) replace:
//   - control characters: C0, DEL, and C1 (also as single bytes);
//   - bytes that are not UTF-8, and noncharacters;
//   - line and paragraph separators;
//   - characters that reorder or hide text: bidirectional controls, zero-width
//     and other invisible characters, tags. Joiners and variation selectors stay if
//     a script or an emoji needs them;
//   - one character of whatever a CI system would run as a command:
//     GitHub's ::name and ##[name], Azure's ##vso[ and TeamCity's ##teamcity[.
//
// Line(Line(s)) is Line(s).
func Line(s string) string { return clean(s, oneLine) }

// Text returns s as lines of visible text, each safe like a [Line]. It keeps line feeds
// and tabs; CR LF becomes LF.
func Text(s string) string { return clean(s, manyLines) }

// JSON returns a valid JSON text in which everything that [Line] escapes is written as
// \u escapes: the same value, safe to print. It returns text itself if there is nothing
// to escape. Bytes that are not UTF-8 become \ufffd, as in encoding/json.
func JSON(text []byte) []byte {
	if plain(text, true) == len(text) {
		return text // the usual case
	}
	s := string(text)
	if out := clean(s, jsonText); len(out) != len(s) {
		return []byte(out)
	}
	return text // unchanged: escapes are longer than what they replace
}

// form defines how a text is escaped.
type form struct {
	keep   string // control characters that stay
	fold   bool   // CR LF becomes LF
	escape func(b []byte, r rune, raw string) []byte
}

var (
	oneLine   = form{escape: escapeGo}
	manyLines = form{keep: "\n\t", fold: true, escape: escapeGo}
	jsonText  = form{keep: "\n\t\r", escape: escapeJSON} // between tokens; inside strings they are escaped already
)

func clean(s string, f form) string {
	var b []byte
	done := 0       // s[:done] is written to b
	prev := rune(0) // the character before, 0 when it was escaped
	lead := true    // only white space on this line so far
	for i := 0; i < len(s); {
		if n := plain(s[i:], lead); n > 0 {
			lead = lead && strings.TrimLeft(s[i:i+n], " ") == ""
			i += n
			prev, _ = utf8.DecodeLastRuneInString(s[:i])
			continue
		}
		r, size := utf8.DecodeRuneInString(s[i:])
		rest := s[i+size:]
		switch {
		case r == '\r' && f.fold && strings.HasPrefix(rest, "\n"):
			b = append(b, s[done:i]...)
			done = i + size
		case r < ' ' && strings.ContainsRune(f.keep, r):
			prev, lead = r, lead || r == '\n' || r == '\r'
		case r == utf8.RuneError && size == 1, hidden(r, prev, rest), command(r, prev, lead, rest):
			b = f.escape(append(b, s[done:i]...), r, s[i:i+size])
			done = i + size
			prev, lead = 0, false
		default:
			size += flagTags(r, rest)
			prev, lead = r, lead && unicode.IsSpace(r)
		}
		i += size
	}
	if done == 0 {
		return s
	}
	return string(append(b, s[done:]...))
}

// plain returns how many bytes at the beginning of s are certainly harmless: printable
// ASCII, except the first characters of commands to CI systems, and letters of two
// bytes from U+00C0 to U+033F. A colon is excluded only at the start of a line.
func plain[T string | []byte](s T, lead bool) int {
	const ones, tops = 0x0101010101010101, 0x8080808080808080
	i := 0
	if lead {
		for i < len(s) && s[i] == ' ' {
			i++
		}
		if i < len(s) && s[i] == ':' {
			return i
		}
	}
	for i < len(s) {
		if i+8 <= len(s) {
			w := uint64(s[i]) | uint64(s[i+1])<<8 | uint64(s[i+2])<<16 | uint64(s[i+3])<<24 |
				uint64(s[i+4])<<32 | uint64(s[i+5])<<40 | uint64(s[i+6])<<48 | uint64(s[i+7])<<56
			hash, del := w^'#'*ones, w^0x7f*ones
			// Bytes above ASCII have their top bit in w itself. A carry may mark
			// bytes behind the first, never before it.
			stop := (w | (w - ' '*ones) | (hash - ones) | (del - ones)) & tops
			if stop == 0 {
				i += 8
				continue
			}
			i += bits.TrailingZeros64(stop) / 8
		}
		switch c := s[i]; {
		case ' ' <= c && c <= '~' && c != '#':
			i++
		case 0xc3 <= c && c <= 0xcc && i+1 < len(s) && s[i+1]&0xc0 == 0x80:
			i += 2
		default:
			return i
		}
	}
	return i
}

// escapeGo appends the escape of r, whose bytes are raw.
func escapeGo(b []byte, r rune, raw string) []byte {
	switch {
	case r == '\n':
		return append(b, `\n`...)
	case r == '\r':
		return append(b, `\r`...)
	case r == '\t':
		return append(b, `\t`...)
	case len(raw) == 1:
		return fmt.Appendf(b, `\x%02x`, raw[0])
	case r > 0xffff:
		return fmt.Appendf(b, `\U%08x`, r)
	}
	return fmt.Appendf(b, `\u%04x`, r)
}

func escapeJSON(b []byte, r rune, _ string) []byte {
	if r > 0xffff {
		hi, lo := utf16.EncodeRune(r)
		return fmt.Appendf(b, `\u%04x\u%04x`, hi, lo)
	}
	return fmt.Appendf(b, `\u%04x`, r)
}

// command reports whether r must be escaped so that no CI system reads the line as a
// command. GitHub's runner trims all Unicode white space
// before it looks for "::" and finds "##[" anywhere in a line; Azure's agent
// and TeamCity find "##vso[" and "##teamcity[" anywhere.
//
// "::1" is an address, not a command: the name of a command begins with a letter. But
// the token that ends GitHub's stop-commands may begin with anything else.
func command(r, prev rune, lead bool, rest string) bool {
	switch r {
	case ':':
		return lead && len(rest) > 1 && rest[0] == ':' && !isDigit(rest[1])
	case '#':
		return prev == '#' && strings.HasPrefix(strings.TrimLeftFunc(rest, isLetter), "[")
	}
	return false
}

func isDigit(c byte) bool  { return '0' <= c && c <= '9' }
func isLetter(r rune) bool { return 'a' <= r|0x20 && r|0x20 <= 'z' }

// hidden reports whether r, after prev and before rest, is a control character or an
// invisible character without a purpose.
func hidden(r, prev rune, rest string) bool {
	switch {
	case r < ' ' || 0x7f <= r && r < 0xa0:
		return true
	case r < 0xad:
		return false
	case r&0xfffe == 0xfffe || 0xfdd0 <= r && r <= 0xfdef: // noncharacters
		return true
	case !in(invisible[:], r):
		return false
	}
	switch {
	case r == 0x200d && (prev == 0xfe0f || in(pictures[:], prev)):
		next, _ := utf8.DecodeRuneInString(rest)
		return !in(pictures[:], next)
	case r == 0x200c || r == 0x200d:
		return !in(joining[:], prev)
	case r == 0x200b:
		return !in(unspaced[:], prev)
	case 0x180b <= r && r <= 0x180f:
		return prev < 0x1820 || prev > 0x18aa
	case r == 0xfe0f && strings.HasPrefix(rest, "\u20e3"): // a keycap
		return !strings.ContainsRune("0123456789#*", prev)
	case 0xfe00 <= r && r <= 0xfe0f:
		return !in(pictures[:], prev) && (prev < 0x1000 || in(invisible[:], prev))
	case 0xe0100 <= r && r <= 0xe01ef:
		return !unicode.Is(unicode.Han, prev)
	}
	return true
}

// flagTags is the length of the tags that follow a black flag and make it the
// flag of England, Scotland or Wales: the only tags in use.
func flagTags(r rune, rest string) int {
	if r != 0x1f3f4 {
		return 0
	}
	for _, tags := range []string{
		"\U000e0067\U000e0062\U000e0065\U000e006e\U000e0067\U000e007f",
		"\U000e0067\U000e0062\U000e0073\U000e0063\U000e0074\U000e007f",
		"\U000e0067\U000e0062\U000e0077\U000e006c\U000e0073\U000e007f",
	} {
		if strings.HasPrefix(rest, tags) {
			return len(tags)
		}
	}
	return 0
}

// span is a range of code points, both ends included.
type span struct{ lo, hi rune }

func in(spans []span, r rune) bool {
	_, found := slices.BinarySearchFunc(spans, r, func(s span, r rune) int {
		switch {
		case s.hi < r:
			return -1
		case s.lo > r:
			return 1
		}
		return 0
	})
	return found
}

// The tables below are sorted.
var (
	// invisible is Unicode's Default_Ignorable_Code_Point, with the separators
	// and the interlinear annotation characters.
	invisible = [...]span{
		{0x00ad, 0x00ad}, {0x034f, 0x034f}, {0x061c, 0x061c}, {0x115f, 0x1160},
		{0x17b4, 0x17b5}, {0x180b, 0x180f}, {0x200b, 0x200f}, {0x2028, 0x202e},
		{0x2060, 0x206f}, {0x3164, 0x3164}, {0xfe00, 0xfe0f}, {0xfeff, 0xfeff},
		{0xffa0, 0xffa0}, {0xfff0, 0xfffb}, {0x1bca0, 0x1bca3},
		{0x1d173, 0x1d17a}, {0xe0000, 0xe0fff},
	}
	// joining are the blocks of scripts whose letters change with the joiners
	// after them: Arabic and its relatives, Indic scripts, Mongolian.
	joining = [...]span{
		{0x0600, 0x060f}, {0x0620, 0x08ff}, {0x0900, 0x0dff}, {0x0f00, 0x109f},
		{0x1780, 0x17b3}, {0x17b6, 0x17ff}, {0x1820, 0x18af}, {0x1a20, 0x1aaf},
		{0x1b00, 0x1c4f}, {0x1cd0, 0x1cff}, {0xa800, 0xa8ff}, {0xa930, 0xa9df},
		{0xaa00, 0xaaff}, {0xabc0, 0xabff}, {0xfb50, 0xfdcf}, {0xfdf0, 0xfdff},
		{0xfe70, 0xfefc}, {0x10a00, 0x10aff}, {0x10d00, 0x10fff}, {0x11000, 0x11fff},
		{0x1e900, 0x1e95f},
	}
	// unspaced are the blocks of scripts that mark word ends with U+200B: Thai,
	// Lao, Tibetan, Myanmar, Khmer, Tai.
	unspaced = [...]span{
		{0x0e00, 0x109f}, {0x1780, 0x17b3}, {0x17b6, 0x17ff}, {0x1950, 0x19ff},
		{0x1a20, 0x1aaf}, {0xaa60, 0xaadf},
	}
	// pictures are the blocks of emoji and of what may be shown as one.
	pictures = [...]span{
		{0x00a9, 0x00a9}, {0x00ae, 0x00ae}, {0x203c, 0x203c}, {0x2049, 0x2049},
		{0x2100, 0x2bff}, {0x3030, 0x3030}, {0x303d, 0x303d}, {0x3297, 0x3299},
		{0x1f000, 0x1faff},
	}
)
