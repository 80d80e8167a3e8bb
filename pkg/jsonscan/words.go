package jsonscan

import (
	"bytes"
	"fmt"
	"strings"
	"unicode"
	"unicode/utf8"
)

// here names what stands at r.i.
func (r *Reader) here() string {
	if r.i >= len(r.b) {
		return "the end"
	}
	char, size := utf8.DecodeRune(r.b[r.i:])
	switch {
	case char == utf8.RuneError && size == 1:
		return fmt.Sprintf("byte 0x%02X", r.b[r.i])
	case IsWordPart(char):
		return `unexpected "` + Shorten(r.word(), 40) + `"`
	case !unicode.IsPrint(char):
		return fmt.Sprintf("unexpected U+%04X", char)
	}
	if char == '"' {
		return `unexpected '"'`
	}
	return `unexpected "` + string(char) + `"`
}

// word is the letters and digits from r.i on.
func (r *Reader) word() []byte {
	rest := r.b[r.i:min(len(r.b), r.i+200)]
	if end := bytes.IndexFunc(rest, func(r rune) bool { return !IsWordPart(r) }); end >= 0 {
		rest = rest[:end]
	}
	return rest
}

// IsWordPart reports whether r is a letter, a digit or an underscore.
func IsWordPart(r rune) bool { return r == '_' || unicode.IsLetter(r) || unicode.IsDigit(r) }

// mistakes are what people and programs write that is not JSON.
var mistakes = [...]struct{ is, hint string }{
	{"'", "strings are written in double quotes"},
	{"“", "strings are written in straight double quotes"},
	{"”", "strings are written in straight double quotes"},
	{"//", "JSON has no comments"},
	{"/*", "JSON has no comments"},
	{"#", "JSON has no comments"},
	{"+", "numbers have no plus sign"},
	{".", "numbers have a digit before the point"},
	{"True", "write true"},
	{"False", "write false"},
	{"None", "write null"},
	{"undefined", "write null"},
	{"NaN", "JSON has no such number; write null"},
	{"Infinity", "JSON has no such number; write null"},
	{"<", "this looks like HTML or XML"},
	{"{", "one document a line, or an array of them"},
}

// syntaxHint is advice on what stands at r.i.
func (r *Reader) syntaxHint() string {
	rest := r.b[r.i:]
	for _, m := range mistakes {
		if bytes.HasPrefix(rest, []byte(m.is)) {
			return m.hint
		}
	}
	return ""
}

// keyHint is advice on what stands in place of a key.
func (r *Reader) keyHint() string {
	switch char, _ := utf8.DecodeRune(r.b[r.i:]); {
	case char == '}':
		return "remove the comma before it"
	case IsWordPart(char):
		return "put the key in double quotes"
	}
	return r.syntaxHint()
}

// missingComma is advice on what stands behind a value.
func (r *Reader) missingComma() string {
	if strings.IndexByte(`"{[-0123456789`, r.b[r.i]) >= 0 {
		return "is a comma missing before it?"
	}
	return r.syntaxHint()
}

// Shorten cuts text after n characters.
func Shorten(text []byte, n int) string {
	if len(text) <= n {
		return string(text)
	}
	text = text[:min(len(text), (n+1)*utf8.UTFMax)] // enough for n+1 characters
	for i := range string(text) {
		if n--; n < 0 {
			return string(text[:i]) + "…"
		}
	}
	return string(text)
}

// Quote puts text in quotes, shortened, otherwise as it is.
func Quote(text []byte) string { return `"` + Shorten(text, 40) + `"` }
