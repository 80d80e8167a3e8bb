package jsonscan

import (
	"math/rand/v2"
	"testing"
)

// step is Nesting byte by byte, as it is meant.
func (n *Nesting) step(c byte) {
	switch {
	case n.escaped:
		n.escaped = false
	case n.inString:
		n.escaped, n.inString = c == '\\', c != '"'
	case c == '"':
		n.inString = true
	case c == '{' || c == '[':
		n.Depth++
	case (c == '}' || c == ']') && n.Depth > 0:
		n.Depth--
	}
}

// Wherever a text is cut, its strings and brackets are the same.
func TestNestingInPieces(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 0))
	const some = `"\"\"\{}[]a`
	for range 20_000 {
		text := make([]byte, r.IntN(12))
		for i := range text {
			text[i] = some[r.IntN(len(some))]
		}
		var want, got Nesting
		for _, c := range text {
			want.step(c)
		}
		cut := r.IntN(len(text) + 1)
		got.Follow(text[:cut])
		got.Follow(text[cut:])
		if got != want {
			t.Fatalf("%q cut at %d: %+v, want %+v", text, cut, got, want)
		}
	}
}
