package record

import (
	"bytes"
	"strings"
	"unicode"
	"unicode/utf8"
)

// joint is between two tokens that are one pair. No text has it: it is no letter.
const joint = "\u0080"

// AppendTokens adds the tokens of text, each with a space after it: runs of letters and
// digits, without capitals and accents. In words that have several (call.12, don't) each
// that follows another also comes as a pair with it, so that such a word is found
// without positions in the search index: they are four fifths of it.
//
// All but spaces is a letter, a digit or not ASCII, which FTS5's tokenizer "ascii"
// leaves whole.
func AppendTokens(b []byte, text string) []byte {
	begin, before := len(b), -1 // where this token is, and the one before it in the word
	end := func(word bool) {
		if to := len(b); to > begin {
			b = append(b, ' ')
			if before >= 0 {
				size := bytes.IndexByte(b[before:], ' ')
				b = append(append(b, b[before:before+size]...), joint...)
				b = append(b, b[begin:to+1]...)
			}
			begin, before = len(b), begin
		}
		if word {
			before = -1
		}
	}
	for _, c := range text {
		switch {
		case 'a' <= c && c <= 'z' || '0' <= c && c <= '9':
			b = append(b, byte(c))
		case 'A' <= c && c <= 'Z':
			b = append(b, byte(c)|0x20)
		case c < utf8.RuneSelf:
			end(c == ' ' || '\t' <= c && c <= '\r')
		case unicode.IsLetter(c) || unicode.IsNumber(c):
			b = utf8.AppendRune(b, bare(unicode.ToLower(c)))
		case unicode.Is(unicode.Mn, c) && c < 0x370: // an accent
		case unicode.IsMark(c):
			b = utf8.AppendRune(b, c)
		default:
			end(unicode.IsSpace(c))
		}
	}
	end(true)
	return b
}

// QueryOf is text for FTS5: all of its words must be there, and the last may be the
// beginning of one. It is empty when text is. Each token is in quotes, so that none is
// taken for an operator.
func QueryOf(text string) string {
	var b strings.Builder
	for word := range strings.FieldsSeq(text) {
		tokens := strings.Fields(string(AppendTokens(nil, word)))
		if len(tokens) == 0 {
			b.WriteString(` ""`) // what nothing has
		}
		for _, token := range tokens {
			if len(tokens) == 1 || strings.Contains(token, joint) {
				b.WriteString(` "` + token + `"`)
			}
		}
	}
	if b.Len() == 0 {
		return ""
	}
	return b.String()[1:] + "*"
}

// The letters that accents were added to; a dot where there is none.
const (
	from00E0 = "aaaaaa.ceeeeiiii.nooooo..uuuuy.yaaaaaaccccccccdd..eeeeeeeeeegggggggghh..iiiiiiiii...jjkk.llllll....nnnnnn...oooooo..rrrrrrsssssssstttt..uuuuuuuuuuuuwwyyyzzzzzz."
	from1E00 = "aabbbbbbccddddddddddeeeeeeeeeeffgghhhhhhhhhhiiiikkkkkkllllllllmmmmmmnnnnnnnnoooooooopppprrrrrrrrssssssssssttttttttuuuuuuuuuuvvvvwwwwwwwwwwxxxxyyzzzzzzhtwy......aaaaaaaaaaaaaaaaaaaaaaaaeeeeeeeeeeeeeeeeiiiioooooooooooooooooooooooouuuuuuuuuuuuuuyyyyyyyy"
	accented = "άέήίϊΐύϋΰόώйёїў" // of two bytes each, as these are:
	plain    = "αεηιιιυυυοωиеіу"
)

// bare is a small letter without its accents.
func bare(c rune) rune {
	table := ""
	switch {
	case 0xe0 <= c && c < 0xe0+rune(len(from00E0)):
		table = from00E0[c-0xe0:]
	case 0x1e00 <= c && c < 0x1e00+rune(len(from1E00)):
		table = from1E00[c-0x1e00:]
	case 0x386 <= c && c <= 0x45e:
		if at := strings.IndexRune(accented, c); at >= 0 {
			c, _ = utf8.DecodeRuneInString(plain[at:])
		}
	}
	if table == "" || table[0] == '.' {
		return c
	}
	return rune(table[0])
}
