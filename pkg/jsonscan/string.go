package jsonscan

import (
	"bytes"
	"encoding/binary"
	"math/bits"
	"strings"
	"unicode/utf8"
)

// Form is how a string is written.
type Form uint8

const (
	// Plain strings have no escapes: their text is what stands in the quotes.
	Plain Form = iota
	// Escaped strings have escapes.
	Escaped
	// Unpaired strings have escapes, and one of them is half of a surrogate pair,
	// such as \ud83d alone. The grammar allows it, but it is no character.
	Unpaired
)

// Text is looked through 8 bytes at a time. A word of them has a lane for each
// byte, the first one lowest; what is found has the high bit of its lane.
const (
	ones  = 0x0101010101010101
	highs = 0x80 * ones
)

// stops are the lanes of x at which the text of a string ends or is
// interrupted: quotes, backslashes and control characters. Behind the first of
// them there may be others that are none.
//
// Exclusive or with 2 brings the quote (0x22) next to the control characters,
// and the space out of the way, so that one subtraction finds both; exclusive
// or with the backslash makes a zero of it. Bytes from 0x80 on are no stops.
func stops(x uint64) uint64 {
	return (((x ^ 2*ones) - 0x21*ones) | ((x ^ '\\'*ones) - ones)) &^ x & highs
}

// short is how much of a string is looked through for its end word by word.
const short = 128

// String returns the index behind the string whose first quote is at i, and how
// it is written. It is None if the string is not closed, has control characters
// or a wrong escape, or is not UTF-8.
func String(b []byte, i int) (end int, form Form) {
	from := i + 1
	var seen uint64
	for i = from; i < from+short && i <= len(b)-8; i += 8 {
		x := binary.LittleEndian.Uint64(b[i:])
		found := stops(x)
		if found == 0 {
			seen |= x
			continue
		}
		seen |= x & (found - 1)
		i += bits.TrailingZeros64(found) / 8
		if b[i] != '"' || seen&highs != 0 && !utf8.Valid(b[from:i]) {
			break
		}
		return i + 1, Plain
	}
	return longString(b, from)
}

// StringEnd returns the index behind the string whose first quote is at i, by its
// quotes and backslashes alone, or len(b) if it is not closed.
func StringEnd[T string | []byte](b T, i int) int {
	for i++; i < len(b); i++ {
		switch b[i] {
		case '\\':
			i++
		case '"':
			return i + 1
		}
	}
	return len(b)
}

// longString is String for any length, from behind the first quote. Quotes and
// backslashes are looked for one by one, as package bytes does that best.
func longString(b []byte, from int) (end int, form Form) {
	for end = from; ; {
		n := bytes.IndexByte(b[end:], '"')
		if n < 0 {
			return None, Plain
		}
		quote := end + n
		for {
			n := bytes.IndexByte(b[end:quote], '\\')
			if n < 0 {
				end = quote
				break
			}
			var half bool
			if end, half = escape(b, end+n+1); end == None {
				return None, Plain
			}
			if form != Unpaired {
				form = Escaped
			}
			if half {
				form = Unpaired
			}
			if end > quote { // it was escaped
				break
			}
		}
		if end == quote {
			break
		}
	}
	if !isText(b[from:end]) {
		return None, Plain
	}
	return end + 1, form
}

// escape passes what follows a backslash: both halves of a surrogate pair, or
// the one that stands alone.
func escape(b []byte, i int) (end int, half bool) {
	switch At(b, i) {
	case '"', '\\', '/', 'b', 'f', 'n', 'r', 't':
		return i + 1, false
	case 'u':
		r, ok := Hex4(b, i+1)
		switch {
		case !ok:
			return None, false
		case r < 0xd800 || r > 0xdfff:
			return i + 5, false
		}
		if r < 0xdc00 && At(b, i+5) == '\\' && At(b, i+6) == 'u' {
			if low, ok := Hex4(b, i+7); ok && 0xdc00 <= low && low <= 0xdfff {
				return i + 11, false
			}
		}
		return i + 5, true
	}
	return None, false
}

// Hex4 is the number that four hexadecimal digits at i make.
func Hex4(b []byte, i int) (r rune, ok bool) {
	if len(b)-i < 4 {
		return 0, false
	}
	for _, c := range b[i : i+4] {
		d := Unhex(c)
		if d < 0 {
			return 0, false
		}
		r = r<<4 | rune(d)
	}
	return r, true
}

// Unhex is the value of a hexadecimal digit, or -1.
func Unhex(c byte) int {
	switch {
	case '0' <= c && c <= '9':
		return int(c - '0')
	case 'a' <= c|0x20 && c|0x20 <= 'f':
		return int(c|0x20-'a') + 10
	}
	return -1
}

// Text is what a string says that [String] passed: its escapes are resolved,
// and half of a surrogate pair becomes U+FFFD, as in encoding/json. That of a
// plain string is a part of it, not a copy.
func Text(quoted []byte) []byte {
	b := quoted[1 : len(quoted)-1]
	slash := bytes.IndexByte(b, '\\')
	if slash < 0 {
		return b
	}
	text := make([]byte, 0, len(b))
	for ; slash >= 0; slash = bytes.IndexByte(b, '\\') {
		text = append(text, b[:slash]...)
		r, size := unescape(b[slash:])
		text = utf8.AppendRune(text, r)
		b = b[slash+size:]
	}
	return append(text, b...)
}

// unescape is the character of the escape that b begins with, which is right,
// and its size.
func unescape(b []byte) (r rune, size int) {
	if b[1] != 'u' {
		return rune("\"\\/\b\f\n\r\t"[strings.IndexByte(`"\/bfnrt`, b[1])]), 2
	}
	r, _ = Hex4(b, 2)
	end, half := escape(b, 1)
	switch {
	case half:
		return utf8.RuneError, end
	case end > 6:
		low, _ := Hex4(b, 8)
		r = (r-0xd800)<<10 + (low - 0xdc00) + 0x10000
	}
	return r, end
}

// wide is constants in variables: of a constant this wide the compiler would
// make a new one at each use.
var wide = struct{ highs, spaces, low, full uint64 }{highs, ' ' * ones, 0x3e * ones, 0x7e * ones}

// isText reports whether b is UTF-8 without control characters.
func isText(b []byte) bool {
	highs, spaces := wide.highs, wide.spaces
	for len(b) >= 32 {
		w := (*[32]byte)(b)
		x0, x1 := binary.LittleEndian.Uint64(w[0:]), binary.LittleEndian.Uint64(w[8:])
		x2, x3 := binary.LittleEndian.Uint64(w[16:]), binary.LittleEndian.Uint64(w[24:])
		if (x0|x1|x2|x3|(x0-spaces)|(x1-spaces)|(x2-spaces)|(x3-spaces))&highs != 0 {
			break
		}
		b = b[32:]
	}
	return isLatin(b)
}

// isLatin is isText for text in which most characters have one byte or two, as
// those of European languages. It leaves the others to [utf8.Valid], which takes
// 8 % longer for a string in German.
//
// Then the bytes that continue a character are just those that follow a byte
// that leads one, and the first of a pair is neither 0xC0 nor 0xC1, which would
// lead what has one byte.
func isLatin(b []byte) bool {
	highs, spaces, low, full := wide.highs, wide.spaces, wide.low, wide.full
	var wrong, due uint64 // due: the next byte is to continue a character
	rest := b
	for len(rest) >= 16 {
		w := (*[16]byte)(rest)
		x0, x1 := binary.LittleEndian.Uint64(w[0:]), binary.LittleEndian.Uint64(w[8:])
		wide0, wide1 := x0&highs, x1&highs
		lead0, lead1 := wide0&(x0<<1), wide1&(x1<<1)
		if lead0&(x0<<2)|lead1&(x1<<2) != 0 { // of three bytes or four
			break
		}
		wrong |= (x0-spaces)&^x0 | (due | lead0<<8) ^ wide0 ^ lead0 | lead0&^(x0&low+full)
		wrong |= (x1-spaces)&^x1 | (lead0>>56 | lead1<<8) ^ wide1 ^ lead1 | lead1&^(x1&low+full)
		due = lead1 >> 56
		rest = rest[16:]
	}
	if wrong&highs != 0 {
		return false
	}
	if due != 0 { // take the byte that leads once more
		rest = b[len(b)-len(rest)-1:]
	}
	return !hasControl(rest) && utf8.Valid(rest)
}

// hasControl reports whether b has control characters.
func hasControl(b []byte) bool {
	var control uint64
	spaces := wide.spaces
	for len(b) >= 32 {
		w := (*[32]byte)(b)
		x0, x1 := binary.LittleEndian.Uint64(w[0:]), binary.LittleEndian.Uint64(w[8:])
		x2, x3 := binary.LittleEndian.Uint64(w[16:]), binary.LittleEndian.Uint64(w[24:])
		control |= (x0-spaces)&^x0 | (x1-spaces)&^x1 | (x2-spaces)&^x2 | (x3-spaces)&^x3
		b = b[32:]
	}
	for _, c := range b {
		control |= uint64(c-' ') &^ uint64(c)
	}
	return control&highs != 0
}
