package validate

import (
	"encoding/binary"
	"math/bits"
)

// stops marks the bytes at which the text of a string ends or is interrupted:
// quotes, backslashes and control characters, one bit a byte. The end of the
// document is marked too.
//
// To mark all of a document first and to look strings up afterwards costs less
// than to search for the end of each: the marking has no branches to mispredict.
type stops []uint64

// index marks b and reports whether all of it is ASCII.
func (s *stops) index(b []byte) (ascii bool) {
	*s = (*s)[:0]
	if need := len(b)/64 + 1; cap(*s) < need {
		*s = make([]uint64, 0, need+need/4)
	}
	marks, seen := mark((*s)[:len(b)/64], b, 0x80*ones, 2*ones, 0x21*ones, '\\'*ones, ones)
	var last [64]byte // zeros are control characters: they mark the end
	copy(last[:], b[len(b)&^63:])
	end, seenLast := mark(marks[len(marks):len(marks)+1], last[:], 0x80*ones, 2*ones, 0x21*ones, '\\'*ones, ones)
	*s = marks[:len(marks)+len(end)]
	return (seen|seenLast)&(0x80*ones) == 0
}

// next is the first marked byte from i on. There is one, at the end at latest.
func (s stops) next(i int) int {
	word := uint(i) / 64
	mark := s[word] >> (uint(i) % 64)
	if mark != 0 {
		return i + bits.TrailingZeros64(mark)
	}
	for mark == 0 {
		word++
		mark = s[word]
	}
	return int(word*64) + bits.TrailingZeros64(mark)
}

const ones = 0x0101010101010101

// mark fills marks with those of b, which has 64 bytes for each. Seen is all
// bytes together, eight at a time. The masks are arguments in order to stay in
// registers: constants would be loaded again for every word.
func mark(marks []uint64, b []byte, high, two, below, slash, one uint64) (_ []uint64, seen uint64) {
	for i := range marks {
		w := (*[64]byte)(b[64*i:])
		x0, x1 := binary.LittleEndian.Uint64(w[0:]), binary.LittleEndian.Uint64(w[8:])
		seen |= x0 | x1
		clear := clear8(x0, high, two, below, slash, one) | clear8(x1, high, two, below, slash, one)<<8
		x2, x3 := binary.LittleEndian.Uint64(w[16:]), binary.LittleEndian.Uint64(w[24:])
		seen |= x2 | x3
		clear |= clear8(x2, high, two, below, slash, one)<<16 | clear8(x3, high, two, below, slash, one)<<24
		x4, x5 := binary.LittleEndian.Uint64(w[32:]), binary.LittleEndian.Uint64(w[40:])
		seen |= x4 | x5
		clear |= clear8(x4, high, two, below, slash, one)<<32 | clear8(x5, high, two, below, slash, one)<<40
		x6, x7 := binary.LittleEndian.Uint64(w[48:]), binary.LittleEndian.Uint64(w[56:])
		seen |= x6 | x7
		clear |= clear8(x6, high, two, below, slash, one)<<48 | clear8(x7, high, two, below, slash, one)<<56
		marks[i] = ^clear
	}
	return marks, seen
}

// clear8 has a bit for each byte of x that is no stop. Setting the high bit of
// each keeps the subtractions from borrowing of their neighbours: it is gone
// after them where a byte was less. Exclusive or with 2 brings the quote (0x22)
// next to the control characters, and the space out of the way, so that one
// subtraction finds both; exclusive or with the backslash makes a zero of it.
// Bytes from 0x80 on are no stops.
func clear8(x, high, two, below, slash, one uint64) uint64 {
	h := x | high
	clear := ((h ^ two - below) & (h ^ slash - one)) | x
	return clear & high * 0x0002040810204081 >> 56 // the high bit of each byte, together
}
