// Package jsonscan reads JSON where it stands, and writes JSON strings.
//
// Its functions take a text and the index at which something begins, and return
// the index behind it. That makes no copy and allocates nothing, and [None] is
// all that they say of a text that is not JSON (RFC 8259, in UTF-8). A [Reader]
// says where the text is wrong, and how; an [Index] gives access to its values.
package jsonscan

import "bytes"

// KindOf is the kind of a value that begins with c: that byte, one of
// { [ " t f n, or '0' for every number.
func KindOf(c byte) byte {
	if c == '-' || '0' <= c && c <= '9' {
		return '0'
	}
	return c
}

// None is returned in place of an index when the text at hand is not what was
// asked for.
const None = -1

// MaxDepth is how many arrays and objects may be open at once in a document
// that is looked at closely. No payload comes near it.
const MaxDepth = 128

// IsSpace reports whether c is white space between the tokens of JSON.
func IsSpace(c byte) bool { return c == ' ' || c == '\n' || c == '\r' || c == '\t' }

// Space returns the index of the first byte from i on that is not white space.
func Space(b []byte, i int) int {
	for i < len(b) && IsSpace(b[i]) {
		i++
	}
	return i
}

// At returns the byte at i, or 0 at the end: no token has that byte.
func At(b []byte, i int) byte {
	if i < len(b) {
		return b[i]
	}
	return 0
}

// Literal returns the index behind true, false or null.
func Literal(b []byte, i int) int {
	word := "null"
	switch At(b, i) {
	case 't':
		word = "true"
	case 'f':
		word = "false"
	}
	if end := i + len(word); end <= len(b) && string(b[i:end]) == word {
		return end
	}
	return None
}

// Number returns the index behind a number of any size and precision.
func Number(b []byte, i int) int {
	if end, ok := number(b, i); ok {
		return end
	}
	return None
}

// number passes a number up to where it ends, or up to what is not one.
func number(b []byte, i int) (end int, ok bool) {
	if At(b, i) == '-' {
		i++
	}
	if At(b, i) == '0' {
		i++
	} else if i, ok = skipDigits(b, i); !ok {
		return i, false
	}
	if At(b, i) == '.' {
		if i, ok = skipDigits(b, i+1); !ok {
			return i, false
		}
	}
	if At(b, i)|0x20 == 'e' {
		i++
		if c := At(b, i); c == '+' || c == '-' {
			i++
		}
		return skipDigits(b, i)
	}
	return i, true
}

// skipDigits passes at least one digit.
func skipDigits(b []byte, i int) (end int, ok bool) {
	begin := i
	for c := At(b, i); '0' <= c && c <= '9'; c = At(b, i) {
		i++
	}
	return i, i > begin
}

// Digits is the number that the n ASCII digits at i make, or None if one of them
// is none.
func Digits(b []byte, i, n int) int {
	value := 0
	for _, c := range b[i : i+n] {
		if c < '0' || c > '9' {
			return None
		}
		value = value*10 + int(c-'0')
	}
	return value
}

// Value returns the index behind a value of any type. It is None if more than
// depth arrays and objects are open at once in it.
func Value(b []byte, i, depth int) int {
	switch At(b, i) {
	case '"':
		end, _ := String(b, i)
		return end
	case '{':
		if depth == 0 {
			return None
		}
		return Object(b, i, func(_ []byte, i int) int { return Value(b, i, depth-1) })
	case '[':
		if depth == 0 {
			return None
		}
		return array(b, i, depth-1)
	case 't', 'f', 'n':
		return Literal(b, i)
	}
	return Number(b, i)
}

// Object returns the index behind the object that begins at i. For each member
// it calls member with the key, in its quotes, and the index of the value, and
// takes what it returns for the index behind the value, or None.
func Object(b []byte, i int, member func(key []byte, i int) int) int {
	if i = Space(b, i+1); At(b, i) == '}' {
		return i + 1
	}
	for more := true; more; {
		if At(b, i) != '"' {
			return None
		}
		end, _ := String(b, i)
		if end == None {
			return None
		}
		key := b[i:end]
		if i = Space(b, end); At(b, i) != ':' {
			return None
		}
		if i = member(key, Space(b, i+1)); i == None {
			return None
		}
		i, more = next(b, i, '}')
	}
	return i
}

func array(b []byte, i, depth int) int {
	if i = Space(b, i+1); At(b, i) == ']' {
		return i + 1
	}
	for more := true; more; {
		if i = Value(b, i, depth); i == None {
			return None
		}
		i, more = next(b, i, ']')
	}
	return i
}

// next passes what follows a member or an item: a comma, behind which there is
// one more, or the closing bracket.
func next(b []byte, i int, closing byte) (end int, more bool) {
	switch i = Space(b, i); At(b, i) {
	case ',':
		return Space(b, i+1), true
	case closing:
		return i + 1, false
	}
	return None, false
}

// Nesting follows the strings and brackets of a text that comes in pieces, and
// nothing else: it does not say whether the text is JSON. Its zero value stands
// before the first piece.
type Nesting struct {
	Depth             int // arrays and objects that are open
	inString, escaped bool
}

// Closed reports whether no array, object or string is open.
func (n *Nesting) Closed() bool { return n.Depth == 0 && !n.inString }

// Follow passes all of b.
func (n *Nesting) Follow(b []byte) { n.scan(b, false) }

// Element passes b up to the comma or bracket that ends an element of the array
// around it, and returns its index; len(b) if the element goes on.
func (n *Nesting) Element(b []byte) int { return n.scan(b, true) }

func (n *Nesting) scan(b []byte, element bool) int {
	for i := 0; i < len(b); i++ {
		if n.inString {
			if i = n.endOfString(b, i); i == len(b) {
				break
			}
		}
		switch c := b[i]; {
		case c == '"':
			n.inString = !n.inString
		case c == '{' || c == '[':
			n.Depth++
		case element && n.Depth == 0 && (c == ',' || c == ']'):
			return i
		case (c == '}' || c == ']') && n.Depth > 0:
			n.Depth--
		}
	}
	return len(b)
}

// endOfString is the index of the quote that ends the string around b[i], or
// len(b).
func (n *Nesting) endOfString(b []byte, i int) int {
	if n.escaped && i < len(b) {
		n.escaped = false
		i++
	}
	for quote := i - 1; ; {
		if quote < i { // none is known, or it was escaped
			quote = len(b)
			if ahead := bytes.IndexByte(b[i:], '"'); ahead >= 0 {
				quote = i + ahead
			}
		}
		slash := bytes.IndexByte(b[i:quote], '\\')
		if slash < 0 {
			return quote
		}
		if i += slash + 2; i > len(b) {
			n.escaped = true
			return len(b)
		}
	}
}

// Deep reports whether more than [MaxDepth] arrays and objects are open at once
// somewhere in b, which is JSON, if not in UTF-8.
func Deep(b []byte) bool {
	depth, inString := 0, false
	for i := 0; i < len(b); i++ {
		switch c := b[i]; {
		case inString && c == '\\':
			i++
		case c == '"':
			inString = !inString
		case inString:
		case c == '{' || c == '[':
			if depth++; depth > MaxDepth {
				return true
			}
		case c == '}' || c == ']':
			depth--
		}
	}
	return false
}
