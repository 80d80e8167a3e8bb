package validate

import (
	"bytes"
	"unicode/utf8"

	"github.com/julianctl/julianctl/pkg/jsonscan"
)

// Excerpt is a piece of the line that holds the place of an [Issue], for a
// user to see what is meant. It is as raw and untrusted as the document.
type Excerpt struct {
	// Text has at most 160 bytes, cut between characters, and no line end. It
	// is empty where there is no line: the document is empty, or ends with one.
	Text  string
	At    int // offset of the place in Text, in bytes; up to len(Text)
	Width int // bytes of the token at the place, as far as it is in Text
	// Before and After say that there is more of the line on that side.
	Before, After bool
}

const (
	maxExcerpt = 160
	// maxLead is how much of a long line stands before the place.
	maxLead = 60
)

// excerpt is the piece of b around offset. What it costs does not follow the
// length of the line.
func excerpt(b []byte, offset int) Excerpt {
	from, to := max(0, offset-maxExcerpt), min(len(b), offset+maxExcerpt)
	if at := bytes.LastIndexByte(b[from:offset], '\n'); at >= 0 {
		from += at + 1
	}
	if at := bytes.IndexByte(b[offset:to], '\n'); at >= 0 {
		to = offset + at
	}
	if to > from && to < len(b) && b[to] == '\n' && b[to-1] == '\r' {
		to--
	}
	offset = min(offset, to)
	if to-from > maxExcerpt {
		from = max(from, min(offset-maxLead, to-maxExcerpt))
		to = min(to, from+maxExcerpt)
	}
	e := Excerpt{Before: from > 0 && b[from-1] != '\n', After: to < len(b) && b[to] != '\n' && b[to] != '\r'}
	if e.Before {
		from = border(b, from, offset, 1)
	}
	if e.After {
		to = border(b, to, offset, -1)
	}
	e.Text, e.At = string(b[from:to]), offset-from
	e.Width = tokenWidth(b[offset:to])
	return e
}

// border moves i to where a character begins, in steps towards a place.
func border(b []byte, i, towards, step int) int {
	for range utf8.UTFMax - 1 {
		if i == towards || utf8.RuneStart(b[i]) {
			break
		}
		i += step
	}
	return i
}

// tokenWidth is the length of the key, string, number, literal, escape or
// character that text begins with, or of what there is of it.
func tokenWidth(text []byte) int {
	if len(text) == 0 {
		return 0
	}
	isNumber := func(r rune) bool { return '0' <= r && r <= '9' || bytes.ContainsRune([]byte("+-.eE"), r) }
	switch r, size := utf8.DecodeRune(text); {
	case r == '"':
		return jsonscan.StringEnd(text, 0)
	case r == '\\':
		return escapeWidth(text)
	case r == '-' || '0' <= r && r <= '9':
		return widthOf(text, isNumber)
	case jsonscan.IsWordPart(r):
		return widthOf(text, jsonscan.IsWordPart)
	default:
		return size
	}
}

func widthOf(text []byte, part func(rune) bool) int {
	if end := bytes.IndexFunc(text, func(r rune) bool { return !part(r) }); end >= 0 {
		return end
	}
	return len(text)
}

func escapeWidth(text []byte) int {
	if len(text) > 1 && text[1] == 'u' {
		return min(len(text), len(`\u0000`))
	}
	return min(len(text), len(`\n`))
}
