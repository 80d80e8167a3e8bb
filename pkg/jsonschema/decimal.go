package jsonschema

import (
	"bytes"
	"cmp"
	"hash/maphash"
	"math"
	"math/big"
	"math/bits"
)

// decimal is a JSON number of any size, exactly: 0.digits × 10^point. None of
// what is done with it takes longer for a larger exponent.
type decimal struct {
	negative bool
	digits   []byte // without zeros at either end; none: zero
	point    int64
}

// maxExponent is the power of ten beyond which all are the same: longer
// documents than there can be would be needed to tell.
const maxExponent = 1 << 60

// parseDecimal reads what is a number by the grammar of JSON.
func parseDecimal(text []byte) decimal {
	var d decimal
	if text[0] == '-' {
		d.negative, text = true, text[1:]
	}
	exponent := int64(0)
	if e := bytes.IndexAny(text, "eE"); e >= 0 {
		exponent = parseExponent(text[e+1:])
		text = text[:e]
	}
	d.digits, d.point = text, int64(len(text))
	if dot := bytes.IndexByte(text, '.'); dot >= 0 {
		d.point = int64(dot)
		d.digits = append(append(make([]byte, 0, len(text)), text[:dot]...), text[dot+1:]...)
	}
	long := len(d.digits)
	d.digits = bytes.TrimLeft(d.digits, "0")
	d.point += exponent - int64(long-len(d.digits))
	d.digits = bytes.TrimRight(d.digits, "0")
	if len(d.digits) == 0 {
		return decimal{}
	}
	return d
}

func parseExponent(text []byte) int64 {
	negative := text[0] == '-'
	value := int64(0)
	for _, c := range bytes.TrimLeft(text, "+-") {
		value = min(value*10+int64(c-'0'), maxExponent/10)
	}
	if negative {
		return -value
	}
	return value
}

func (d decimal) sign() int {
	switch {
	case len(d.digits) == 0:
		return 0
	case d.negative:
		return -1
	}
	return 1
}

func (d decimal) compare(other decimal) int {
	sign := d.sign()
	if sign != other.sign() || sign == 0 {
		return cmp.Compare(sign, other.sign())
	}
	if d.point != other.point {
		return sign * cmp.Compare(d.point, other.point)
	}
	return sign * bytes.Compare(d.digits, other.digits)
}

func (d decimal) isInteger() bool { return d.scale() >= 0 }

// count is the value of an integer that is not negative, or the largest int if
// it has more than 18 digits: there are never as many of anything.
func (d decimal) count() int {
	if d.point > 18 {
		return math.MaxInt
	}
	value := small(d.digits)
	for range d.scale() {
		value *= 10
	}
	return int(min(value, math.MaxInt))
}

// scale is the power of ten of the last digit.
func (d decimal) scale() int64 { return d.point - int64(len(d.digits)) }

// isMultiple reports whether d is an integer times of, which is not 0.
func (d decimal) isMultiple(of decimal) bool {
	zeros := d.scale() - of.scale() // that d has more than of
	switch {
	case d.sign() == 0:
		return true
	case zeros < 0:
		return false // the last digit of d is not 0, and would have to be
	case zeros < 19 && len(d.digits) < 19 && len(of.digits) < 19:
		high, low := bits.Mul64(small(d.digits), powerOf10(int(zeros)))
		return bits.Rem64(high, low, small(of.digits)) == 0
	}
	divisor, _ := new(big.Int).SetString(string(of.digits), 10)
	rest := new(big.Int)
	chunk := new(big.Int)
	for part := d.digits; len(part) > 0; { // in pieces: a number may have megabytes
		n := min(len(part), 18)
		rest.Mul(rest, chunk.SetUint64(powerOf10(n)))
		rest.Add(rest, chunk.SetUint64(small(part[:n])))
		rest.Mod(rest, divisor)
		part = part[n:]
	}
	power := new(big.Int).Exp(big.NewInt(10), big.NewInt(zeros), divisor)
	return rest.Mul(rest, power).Mod(rest, divisor).Sign() == 0
}

// small is the value of up to 19 digits.
func small(digits []byte) uint64 {
	value := uint64(0)
	for _, c := range digits {
		value = value*10 + uint64(c-'0')
	}
	return value
}

func powerOf10(n int) uint64 {
	power := uint64(1)
	for range n {
		power *= 10
	}
	return power
}

func (d decimal) hash(seed maphash.Seed) uint64 {
	var h maphash.Hash
	h.SetSeed(seed)
	maphash.WriteComparable(&h, d.negative)
	maphash.WriteComparable(&h, d.point)
	_, _ = h.Write(d.digits) // never fails
	return h.Sum64()
}

// isWhole reports whether a JSON number is an integer, such as 10 or 1.0e1.
func isWhole(number []byte) bool {
	return !bytes.ContainsAny(number, ".eE") || parseDecimal(number).isInteger()
}
