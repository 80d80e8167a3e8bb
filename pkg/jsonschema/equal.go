package jsonschema

import (
	"bytes"
	"hash/maphash"

	"github.com/julianctl/julianctl/pkg/jsonscan"
)

// equal compares values as JSON Schema does: numbers by value, objects without
// regard to order.
func equal(a *jsonscan.Index, i int, b *jsonscan.Index, j int) bool {
	ka, kb := a.Kind(i), b.Kind(j)
	switch {
	case a.IsString(i) && b.IsString(j):
		return string(a.Text(i)) == string(b.Text(j))
	case ka != kb:
		return false
	case ka == '0':
		return bytes.Equal(a.Raw(i), b.Raw(j)) || parseDecimal(a.Raw(i)).compare(parseDecimal(b.Raw(j))) == 0
	case ka == '[':
		return equalArrays(a, i, b, j)
	case ka == '{':
		return equalObjects(a, i, b, j)
	}
	return true
}

func equalArrays(a *jsonscan.Index, i int, b *jsonscan.Index, j int) bool {
	endA, endB := a.After(i), b.After(j)
	i, j = i+1, j+1
	for i < endA && j < endB && equal(a, i, b, j) {
		i, j = a.After(i), b.After(j)
	}
	return i == endA && j == endB
}

// equalObjects expects keys in the same order. Where they are not, it makes a
// map: objects may be large.
func equalObjects(a *jsonscan.Index, i int, b *jsonscan.Index, j int) bool {
	if size(a, i) != size(b, j) {
		return false
	}
	var rest map[string]int
	next := j + 1
	for k, v := range a.Members(i) {
		key := a.Text(k)
		var other int
		if rest == nil && string(b.Text(next)) == string(key) {
			other = next + 1
			next = b.After(other)
		} else {
			if rest == nil {
				rest = map[string]int{}
				for end := b.After(j); next < end; next = b.After(next + 1) {
					rest[string(b.Text(next))] = next + 1
				}
			}
			var ok bool
			if other, ok = rest[string(key)]; !ok {
				return false
			}
		}
		if !equal(a, v, b, other) {
			return false
		}
	}
	return true
}

// hash is the same for equal values.
func hash(t *jsonscan.Index, seed maphash.Seed, at int) uint64 {
	switch t.Kind(at) {
	case '"', '\\':
		return maphash.Bytes(seed, t.Text(at))
	case '0':
		return parseDecimal(t.Raw(at)).hash(seed)
	case '[':
		var h maphash.Hash
		h.SetSeed(seed)
		for _, item := range t.Items(at) {
			maphash.WriteComparable(&h, hash(t, seed, item))
		}
		return h.Sum64()
	case '{':
		sum := uint64(1)
		for k, v := range t.Members(at) {
			sum += maphash.Comparable(seed, [2]uint64{hash(t, seed, k), hash(t, seed, v)})
		}
		return sum
	}
	return uint64(t.Kind(at))
}

// size is the number of members of an object.
func size(t *jsonscan.Index, object int) int {
	n := 0
	for range t.Members(object) {
		n++
	}
	return n
}
