package jsonscan

import (
	"bytes"
	"strconv"
	"strings"
	"unicode/utf8"
)

// Position is where a byte of a text is.
type Position struct {
	Line   int   // 1-based
	Column int   // 1-based, in characters (code points; an invalid byte is one)
	Offset int64 // 0-based, in bytes
}

// Start is the position of the first byte.
var Start = Position{Line: 1, Column: 1}

// After is the position behind b, which begins at p.
func (p Position) After(b []byte) Position {
	p.Offset += int64(len(b))
	// To search for the last line end alone would take longer than to count.
	if n := bytes.Count(b, []byte{'\n'}); n > 0 {
		p.Line += n
		p.Column = 1
		b = b[bytes.LastIndexByte(b, '\n')+1:]
	}
	p.Column += utf8.RuneCount(b)
	return p
}

// Step is one step of a [Path]: a key of an object, or an index of an array.
type Step struct {
	Key   []byte // nil for an index
	Index int
}

// Path is the way from a document to a value in it.
type Path []Step

// Pointer is the path as a JSON pointer (RFC 6901). Keys of over 100 characters
// are shortened.
func (p Path) Pointer() string {
	var b strings.Builder
	for _, s := range p {
		b.WriteByte('/')
		if s.Key == nil {
			b.WriteString(strconv.Itoa(s.Index))
			continue
		}
		b.WriteString(PointerToken(Shorten(s.Key, 100)))
	}
	return b.String()
}

var (
	escapeToken   = strings.NewReplacer("~", "~0", "/", "~1")
	unescapeToken = strings.NewReplacer("~0", "~", "~1", "/")
)

// PointerToken is a key as it stands in a JSON pointer.
func PointerToken(key string) string { return escapeToken.Replace(key) }

// PointerKey is the key that a token of a JSON pointer stands for.
func PointerKey(token string) string { return unescapeToken.Replace(token) }
