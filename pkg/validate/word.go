package validate

import (
	"bytes"
	"fmt"
	"strings"
	"unicode"
	"unicode/utf8"
)

// cutOff stops at the end of a document that is not complete.
func (w *walker) cutOff() bool {
	return w.stop(len(w.b), RuleSyntax, "the document ends before it is complete", "is the document cut off?")
}

// here names what stands at w.i.
func (w *walker) here() string {
	if w.i >= len(w.b) {
		return "the end"
	}
	r, size := utf8.DecodeRune(w.b[w.i:])
	switch {
	case r == utf8.RuneError && size == 1:
		return fmt.Sprintf("byte 0x%02X", w.b[w.i])
	case isWordPart(r):
		return "unexpected " + shorten(w.word(), 40)
	case !unicode.IsPrint(r):
		return fmt.Sprintf("unexpected U+%04X", r)
	}
	return "unexpected " + string(r)
}

// word is the letters and digits from w.i on.
func (w *walker) word() []byte {
	rest := w.b[w.i:min(len(w.b), w.i+200)]
	if end := bytes.IndexFunc(rest, func(r rune) bool { return !isWordPart(r) }); end >= 0 {
		rest = rest[:end]
	}
	return rest
}

func isWordPart(r rune) bool { return r == '_' || unicode.IsLetter(r) || unicode.IsDigit(r) }

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

// syntaxHint is advice on what stands at w.i.
func (w *walker) syntaxHint() string {
	rest := w.b[w.i:]
	for _, m := range mistakes {
		if bytes.HasPrefix(rest, []byte(m.is)) {
			return m.hint
		}
	}
	return ""
}

// keyHint is advice on what stands in place of a key.
func (w *walker) keyHint() string {
	switch r, _ := utf8.DecodeRune(w.b[w.i:]); {
	case r == '}':
		return "remove the comma before it"
	case isWordPart(r):
		return "put the key in double quotes"
	}
	return w.syntaxHint()
}

// missingComma is advice on what stands behind a value.
func (w *walker) missingComma() string {
	if strings.IndexByte(`"{[-0123456789`, w.b[w.i]) >= 0 {
		return "is a comma missing before it?"
	}
	return w.syntaxHint()
}

// shorten cuts text after n characters.
func shorten(text []byte, n int) string {
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

// quote puts text in quotes, shortened, otherwise as it is.
func quote(text []byte) string { return `"` + shorten(text, 40) + `"` }
