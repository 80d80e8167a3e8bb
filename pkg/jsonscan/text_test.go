package jsonscan

import (
	"bytes"
	"testing"
	"unicode/utf8"
)

// TestIsText compares isText with its definition, with the beginnings
// of all characters, right and wrong, at every place of a block of words.
func TestIsText(t *testing.T) {
	plain := func(b []byte) bool {
		return utf8.Valid(b) && !bytes.ContainsFunc(b, func(r rune) bool { return r < ' ' })
	}
	around := [][]byte{
		bytes.Repeat([]byte("a"), 52),
		bytes.Repeat([]byte("é"), 26), // pairs begin at even places
		append([]byte("a"), bytes.Repeat([]byte("é"), 26)...),
		append([]byte("ab"), bytes.Repeat([]byte("语"), 17)...),
	}
	try := func(sequence []byte, size int) {
		for _, text := range around {
			for at := 0; at+len(sequence) <= size; at++ {
				b := bytes.Clone(text[:size])
				copy(b[at:], sequence)
				if got, want := isText(b), plain(b); got != want {
					t.Fatalf("isText(%q) = %t, want %t", b, got, want)
				}
			}
		}
	}
	edges := []byte{0x00, 0x1f, ' ', 0x7f, 0x80, 0x8f, 0x90, 0x9f, 0xa0, 0xbf, 0xc0, 0xc1, 0xc2, 0xe0, 0xf0, 0xff}
	for first := range 256 {
		for _, second := range edges {
			try([]byte{byte(first), second}, 35)
			if first < 0xe0 {
				continue
			}
			for _, third := range []byte{'a', 0x80, 0xbf, 0xe0} {
				try([]byte{byte(first), second, third}, 35)
				try([]byte{byte(first), second, third, 0x80}, 50)
			}
		}
	}
}
