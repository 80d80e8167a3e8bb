package validate

import (
	"bytes"
	"hash/maphash"

	"github.com/julianctl/julianctl/pkg/jsonscan"
)

// element is one value or key of a document.
type element struct {
	from, to uint32 // in the document, quotes and brackets included
	next     int32  // index of what comes behind the element and all that is in it
	// kind is the first byte: { [ " t f n. It is 0 for every number, and a
	// backslash for a string with escapes.
	kind byte
}

// tape is a document cut into its elements, in the order of the text. A member
// of an object is two elements, the key and the value.
type tape struct {
	b        []byte
	elements []element
}

// maxElements is how many elements a document may have: no call has millions,
// and a document of commas would take many times its size.
const maxElements = 1 << 24

func (t *tape) full() bool { return len(t.elements) >= maxElements }

// reset makes ready for a document. For a large one, room for all elements
// that it may have costs less than to make room again and again.
func (t *tape) reset(b []byte) {
	t.b, t.elements = b, t.elements[:0]
	if len(b) < 1<<20 {
		return
	}
	room := 1
	for _, c := range []byte(",:[{") {
		room += bytes.Count(b, []byte{c})
	}
	if room = min(room, maxElements); cap(t.elements) < room {
		t.elements = make([]element, 0, room)
	}
}

// kindOf is the kind of an element that has the first byte c.
func kindOf(c byte) byte {
	if c == '-' || '0' <= c && c <= '9' {
		return '0'
	}
	return c
}

// open adds an element that begins at from, and returns its index.
func (t *tape) open(from int) int {
	t.elements = append(t.elements, element{from: uint32(from)})
	return len(t.elements) - 1
}

// close says that an element ends before to, and all that is in it.
func (t *tape) close(at, to int) {
	e := &t.elements[at]
	e.to, e.next, e.kind = uint32(to), int32(len(t.elements)), kindOf(t.b[e.from])
	if e.kind == '"' && bytes.IndexByte(t.b[e.from:to], '\\') >= 0 {
		e.kind = '\\'
	}
}

// after is the index of what comes behind an element.
func (t *tape) after(at int) int { return int(t.elements[at].next) }

func (t *tape) kind(at int) byte { return t.elements[at].kind }

func (t *tape) isString(at int) bool { return t.kind(at) == '"' || t.kind(at) == '\\' }

// raw is an element as it stands in the document.
func (t *tape) raw(at int) []byte {
	e := t.elements[at]
	return t.b[e.from:e.to]
}

// text is that of a string, escapes resolved.
func (t *tape) text(at int) []byte {
	e := t.elements[at]
	if e.kind == '"' {
		return t.b[e.from+1 : e.to-1]
	}
	return jsonscan.Text(t.raw(at))
}

// members goes through the keys of an object.
func (t *tape) members(object int) func(yield func(key, value int) bool) {
	return func(yield func(key, value int) bool) {
		for k, end := object+1, t.after(object); k < end; k = t.after(k + 1) {
			if !yield(k, k+1) {
				return
			}
		}
	}
}

// items goes through the items of an array.
func (t *tape) items(array int) func(yield func(n, item int) bool) {
	return func(yield func(n, item int) bool) {
		n := 0
		for i, end := array+1, t.after(array); i < end; i = t.after(i) {
			if !yield(n, i) {
				return
			}
			n++
		}
	}
}

// member is the value of a key, or -1.
func (t *tape) member(object int, key string) int {
	for k, v := range t.members(object) {
		if string(t.text(k)) == key {
			return v
		}
	}
	return -1
}

// size is the number of members or items.
func (t *tape) size(at int) int {
	n := 0
	if t.kind(at) == '{' {
		for range t.members(at) {
			n++
		}
		return n
	}
	for range t.items(at) {
		n++
	}
	return n
}

// path is the way from the root to an element. That of a key is that of its
// value.
func (t *tape) path(at int) []step {
	var path []step
	for here := 0; here != at; {
		if t.kind(here) == '[' {
			for n, item := range t.items(here) {
				if at < t.after(item) {
					path, here = append(path, step{index: n}), item
					break
				}
			}
			continue
		}
		for k, v := range t.members(here) {
			if at < t.after(v) {
				path, here = append(path, step{key: t.keyText(k)}), v
				break
			}
		}
		if here > at {
			return path // it is the key
		}
	}
	return path
}

// keyText is never nil, which a step takes for an index.
func (t *tape) keyText(key int) []byte {
	if text := t.text(key); text != nil {
		return text
	}
	return []byte{}
}

// isKey reports whether an element below an object is a key.
func (t *tape) isKey(at int) bool {
	return at > 0 && t.isString(at) && int(t.elements[at].to) < len(t.b) && colonFollows(t.b[t.elements[at].to:])
}

func colonFollows(b []byte) bool {
	b = bytes.TrimLeft(b, " \t\r\n")
	return len(b) > 0 && b[0] == ':'
}

// read adds the value at i to the tape, for documents without anything odd: it
// returns no where a [walker] would find something, or may.
func (s *sprint) read(t *tape, i, depth int) int {
	if t.full() {
		return no
	}
	at, c, end := t.open(i), s.at(i), no
	kind := kindOf(c)
	switch kind {
	case '"':
		var plain bool
		if end, plain = s.str(i); !plain {
			kind = '\\'
		}
	case '{':
		end = s.readParts(t, i, depth+1, '}')
	case '[':
		end = s.readParts(t, i, depth+1, ']')
	case '0':
		end = jsonscan.Number(s.b, i)
	case 't':
		end = jsonscan.Literal(s.b, i, "true")
	case 'f':
		end = jsonscan.Literal(s.b, i, "false")
	case 'n':
		end = jsonscan.Literal(s.b, i, "null")
	}
	if end == no {
		return no
	}
	e := &t.elements[at]
	e.to, e.next, e.kind = uint32(end), int32(len(t.elements)), kind
	return end
}

// readParts adds the items of an array, or the keys and values of an object, as
// the closing bracket says.
func (s *sprint) readParts(t *tape, i, depth int, closing byte) int {
	if depth > maxDepth {
		return no
	}
	first := len(t.elements)
	if i = s.space(i + 1); s.at(i) == closing {
		return i + 1
	}
	for {
		if closing == '}' {
			if i = s.readKey(t, i, first); i == no {
				return no
			}
		}
		if i = s.read(t, i, depth); i == no {
			return no
		}
		i = s.space(i)
		if s.at(i) == closing {
			return i + 1
		}
		if s.at(i) != ',' {
			return no
		}
		i = s.space(i + 1)
	}
}

// readKey adds a key of the object whose first key is first, and returns where
// the value begins.
func (s *sprint) readKey(t *tape, i, first int) int {
	if s.at(i) != '"' {
		return no
	}
	end, plain := s.str(i)
	if end == no || !plain || t.full() || t.mayHaveKey(first, s.b[i:end]) {
		return no
	}
	t.elements = append(t.elements, element{uint32(i), uint32(end), int32(len(t.elements) + 1), '"'})
	if i = s.space(end); s.at(i) != ':' {
		return no
	}
	return s.space(i + 1)
}

// mayHaveKey looks for a key, quotes included, among those from first on. It
// gives up where there are many.
func (t *tape) mayHaveKey(first int, key []byte) bool {
	size := 0
	for k := first; k < len(t.elements); k = t.after(k + 1) {
		e := t.elements[k]
		if size++; size == maxKeys || int(e.to-e.from) == len(key) && string(t.b[e.from:e.to]) == string(key) {
			return true
		}
	}
	return false
}

// equal compares values as JSON Schema does: numbers by value, objects without
// regard to order.
func equal(a *tape, i int, b *tape, j int) bool {
	ka, kb := a.kind(i), b.kind(j)
	switch {
	case a.isString(i) && b.isString(j):
		return string(a.text(i)) == string(b.text(j))
	case ka != kb:
		return false
	case ka == '0':
		return bytes.Equal(a.raw(i), b.raw(j)) || parseDecimal(a.raw(i)).compare(parseDecimal(b.raw(j))) == 0
	case ka == '[':
		return equalArrays(a, i, b, j)
	case ka == '{':
		return equalObjects(a, i, b, j)
	}
	return true
}

func equalArrays(a *tape, i int, b *tape, j int) bool {
	endA, endB := a.after(i), b.after(j)
	i, j = i+1, j+1
	for i < endA && j < endB && equal(a, i, b, j) {
		i, j = a.after(i), b.after(j)
	}
	return i == endA && j == endB
}

// equalObjects expects keys in the same order. Where they are not, it makes a
// map: objects may be large.
func equalObjects(a *tape, i int, b *tape, j int) bool {
	if a.size(i) != b.size(j) {
		return false
	}
	var rest map[string]int
	next := j + 1
	for k, v := range a.members(i) {
		key := a.text(k)
		var other int
		if rest == nil && string(b.text(next)) == string(key) {
			other = next + 1
			next = b.after(other)
		} else {
			if rest == nil {
				rest = map[string]int{}
				for end := b.after(j); next < end; next = b.after(next + 1) {
					rest[string(b.text(next))] = next + 1
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
func (t *tape) hash(seed maphash.Seed, at int) uint64 {
	switch t.kind(at) {
	case '"', '\\':
		return maphash.Bytes(seed, t.text(at))
	case '0':
		return parseDecimal(t.raw(at)).hash(seed)
	case '[':
		var h maphash.Hash
		h.SetSeed(seed)
		for _, item := range t.items(at) {
			maphash.WriteComparable(&h, t.hash(seed, item))
		}
		return h.Sum64()
	case '{':
		sum := uint64(1)
		for k, v := range t.members(at) {
			sum += maphash.Comparable(seed, [2]uint64{t.hash(seed, k), t.hash(seed, v)})
		}
		return sum
	}
	return uint64(t.kind(at))
}
