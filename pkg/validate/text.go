package validate

import (
	"bytes"
	"encoding/binary"
	"math/bits"
	"unicode/utf8"
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

// str takes a string. It is plain if it has no escapes.
func (s *sprint) str(i int) (end int, plain bool) {
	b, from := s.b, i+1
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
		return i + 1, true
	}
	return s.longStr(from)
}

// longStr takes a string of any length, from behind its first quote. Quotes and
// backslashes are looked for one by one, as package bytes does that best.
func (s *sprint) longStr(from int) (end int, plain bool) {
	plain = true
	for end = from; ; {
		n := bytes.IndexByte(s.b[end:], '"')
		if n < 0 {
			return no, false
		}
		quote := end + n
		for {
			n := bytes.IndexByte(s.b[end:quote], '\\')
			if n < 0 {
				end = quote
				break
			}
			plain = false
			if end = s.escape(end + n + 1); end == no {
				return no, false
			}
			if end > quote { // it was escaped
				break
			}
		}
		if end == quote {
			break
		}
	}
	if !isText(s.b[from:end]) {
		return no, false
	}
	return end + 1, plain
}

// splat are constants in variables: of a constant this wide the compiler would
// make a new one at each use.
var splat = struct{ highs, spaces, low, full uint64 }{highs, ' ' * ones, 0x3e * ones, 0x7e * ones}

// isText reports whether b is UTF-8 without control characters.
func isText(b []byte) bool {
	highs, spaces := splat.highs, splat.spaces
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
// those of European languages. It leaves the others to [utf8.Valid].
//
// Then the bytes that continue a character are just those that follow a byte
// that leads one, and the first of a pair is neither 0xC0 nor 0xC1, which would
// lead what has one byte.
func isLatin(b []byte) bool {
	highs, spaces, low, full := splat.highs, splat.spaces, splat.low, splat.full
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
	spaces := splat.spaces
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

// isUsualTime reports whether b begins with a time such as
// "2006-01-02T15:04:05.000Z", quotes included, in the first 28 days of a month.
// Other times may be right as well.
func isUsualTime(b []byte) bool {
	const end = len(`"2006-01-02T15:04:05.000Z`)
	if len(b) <= end || b[0] != '"' || b[end] != '"' {
		return false
	}
	w := (*[24]byte)(b[1:])
	x0 := binary.LittleEndian.Uint64(w[0:]) ^ usualTime[0].want
	x1 := binary.LittleEndian.Uint64(w[8:]) ^ usualTime[1].want
	x2 := binary.LittleEndian.Uint64(w[16:]) ^ usualTime[2].want
	if (x0|x1|x2|(x0+usualTime[0].slack)|(x1+usualTime[1].slack)|(x2+usualTime[2].slack))&highs != 0 {
		return false
	}
	month, day := lanes(x0, 5), lanes(x1, 0)
	return month-1 < 12 && day-1 < 28 && lanes(x1, 3) < 24 && lanes(x1, 6) < 60 && lanes(x2, 1) < 60
}

// layout is what stands in 8 bytes: exclusive or with want makes digits of the
// digits where it has 0, and zeros of what is as it should be. Adding slack sets
// the high bit of what is more.
type layout struct{ want, slack uint64 }

var usualTime = [...]layout{layoutOf("0000-00-"), layoutOf("00T00:00"), layoutOf(":00.000Z")}

func layoutOf(text string) (l layout) {
	for i := range 8 {
		most := byte(0)
		if text[i] == '0' {
			most = 9
		}
		l.want |= uint64(text[i]) << (8 * i)
		l.slack |= uint64(0x7f-most) << (8 * i)
	}
	return l
}

// lanes is the number that two digits make.
func lanes(digits uint64, first int) uint64 {
	return digits>>(8*first)&0xf*10 + digits>>(8*first+8)&0xf
}
