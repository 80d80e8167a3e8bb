package jsonscan

import "bytes"

// Index is a document cut into its elements, in the order of the text. An
// element is a value or a key: a member of an object is two elements, the key
// and then the value. Elements are known by their numbers; the document itself
// is 0.
type Index struct {
	b        []byte
	elements []element
}

// element is one value or key of a document.
type element struct {
	from, to uint32 // in the document, quotes and brackets included
	next     int32  // the element behind this one and all that is in it
	kind     byte   // as of KindOf, but a backslash for a string with escapes
}

// maxElements is how many elements a document may have: no call has millions,
// and a document of commas would take many times its size.
const maxElements = 1 << 24

// maxKeys is how many keys of one object are compared with one another, each
// with each.
const maxKeys = 100

// Reset makes x the empty index of b. For a large document, room for all
// elements that it may have costs less than to make room again and again.
func (x *Index) Reset(b []byte) {
	x.b, x.elements = b, x.elements[:0]
	if len(b) < 1<<20 {
		return
	}
	room := 1
	for _, c := range []byte(",:[{") {
		room += bytes.Count(b, []byte{c})
	}
	if room = min(room, maxElements); cap(x.elements) < room {
		x.elements = make([]element, 0, room)
	}
}

// Release lets go of the document, and of memory that is not wanted again soon.
func (x *Index) Release() {
	x.b = nil
	if cap(x.elements) > 1<<20 {
		x.elements = nil
	}
}

func (x *Index) full() bool { return len(x.elements) >= maxElements }

// open adds an element that begins at from.
func (x *Index) open(from int) { x.elements = append(x.elements, element{from: uint32(from)}) }

// close says that an element ends before to, and all that is in it.
func (x *Index) close(at, to int) {
	e := &x.elements[at]
	e.to, e.next, e.kind = uint32(to), int32(len(x.elements)), KindOf(x.b[e.from])
	if e.kind == '"' && bytes.IndexByte(x.b[e.from:to], '\\') >= 0 {
		e.kind = '\\'
	}
}

// Len is the number of elements.
func (x *Index) Len() int { return len(x.elements) }

// After is the element behind an element and all that is in it.
func (x *Index) After(at int) int { return int(x.elements[at].next) }

// Kind is the first byte of an element, one of { [ " t f n. It is '0' for every
// number, and a backslash for a string with escapes.
func (x *Index) Kind(at int) byte { return x.elements[at].kind }

// IsString reports whether an element is a string; keys are.
func (x *Index) IsString(at int) bool { return x.Kind(at) == '"' || x.Kind(at) == '\\' }

// Offset is where an element begins in the document.
func (x *Index) Offset(at int) int { return int(x.elements[at].from) }

// Before is the document up to an element.
func (x *Index) Before(at int) []byte { return x.b[:x.elements[at].from] }

// Raw is an element as it stands in the document.
func (x *Index) Raw(at int) []byte {
	e := x.elements[at]
	return x.b[e.from:e.to]
}

// Text is that of a string, escapes resolved.
func (x *Index) Text(at int) []byte {
	if e := x.elements[at]; e.kind == '"' {
		return x.b[e.from+1 : e.to-1]
	}
	return Text(x.Raw(at))
}

// Members goes through the keys and values of an object.
func (x *Index) Members(object int) func(yield func(key, value int) bool) {
	return func(yield func(key, value int) bool) {
		for k, end := object+1, x.After(object); k < end; k = x.After(k + 1) {
			if !yield(k, k+1) {
				return
			}
		}
	}
}

// Items goes through the items of an array, which it counts from 0.
func (x *Index) Items(array int) func(yield func(n, item int) bool) {
	return func(yield func(n, item int) bool) {
		n := 0
		for i, end := array+1, x.After(array); i < end; i = x.After(i) {
			if !yield(n, i) {
				return
			}
			n++
		}
	}
}

// Member is the value of a key, or None.
func (x *Index) Member(object int, key string) int {
	for k, v := range x.Members(object) {
		if string(x.Text(k)) == key {
			return v
		}
	}
	return None
}

// Path is the way to an element. That of a key is that of its value.
func (x *Index) Path(at int) Path {
	var path Path
	for here := 0; here != at; {
		if x.Kind(here) == '[' {
			for n, item := range x.Items(here) {
				if at < x.After(item) {
					path, here = append(path, Step{Index: n}), item
					break
				}
			}
			continue
		}
		for k, v := range x.Members(here) {
			if at < x.After(v) {
				path, here = append(path, Step{Key: x.keyText(k)}), v
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
func (x *Index) keyText(key int) []byte {
	if text := x.Text(key); text != nil {
		return text
	}
	return []byte{}
}

// IsKey reports whether an element is a key.
func (x *Index) IsKey(at int) bool {
	return at > 0 && x.IsString(at) && At(x.b, Space(x.b, int(x.elements[at].to))) == ':'
}

// Read makes x the index of b, if there is nothing odd about it: it reports
// false where a [Reader] would have a problem, or may. It also leaves to a
// Reader what would slow this down, such as keys with escapes.
func (x *Index) Read(b []byte) bool {
	x.Reset(b)
	end := x.value(Space(b, 0), 0)
	return end != None && Space(b, end) == len(b)
}

// value adds the value at i and returns the index behind it.
func (x *Index) value(i, depth int) int {
	if x.full() {
		return None
	}
	at, kind := len(x.elements), KindOf(At(x.b, i))
	var end int
	x.open(i)
	switch kind {
	case '"':
		var form Form
		if end, form = String(x.b, i); form == Unpaired {
			return None
		} else if form == Escaped {
			kind = '\\'
		}
	case '{':
		end = x.parts(i, depth+1, '}')
	case '[':
		end = x.parts(i, depth+1, ']')
	case '0':
		end = Number(x.b, i)
	default:
		end = Literal(x.b, i)
	}
	if end == None {
		return None
	}
	e := &x.elements[at]
	e.to, e.next, e.kind = uint32(end), int32(len(x.elements)), kind
	return end
}

// parts adds the items of an array, or the keys and values of an object, as the
// closing bracket says.
func (x *Index) parts(i, depth int, closing byte) int {
	if depth > MaxDepth {
		return None
	}
	first := len(x.elements)
	if i = Space(x.b, i+1); At(x.b, i) == closing {
		return i + 1
	}
	for more := true; more; {
		if closing == '}' {
			if i = x.key(i, first); i == None {
				return None
			}
		}
		if i = x.value(i, depth); i == None {
			return None
		}
		i, more = next(x.b, i, closing)
	}
	return i
}

// key adds a key of the object whose first key is first, and returns where the
// value begins.
func (x *Index) key(i, first int) int {
	if At(x.b, i) != '"' {
		return None
	}
	end, form := String(x.b, i)
	if end == None || form != Plain || x.full() || x.mayHaveKey(first, x.b[i:end]) {
		return None
	}
	x.elements = append(x.elements, element{uint32(i), uint32(end), int32(len(x.elements) + 1), '"'})
	if i = Space(x.b, end); At(x.b, i) != ':' {
		return None
	}
	return Space(x.b, i+1)
}

// mayHaveKey looks for a key, quotes included, among those from first on. It
// gives up where there are many.
func (x *Index) mayHaveKey(first int, key []byte) bool {
	size := 0
	for k := first; k < len(x.elements); k = x.After(k + 1) {
		e := x.elements[k]
		if size++; size == maxKeys || int(e.to-e.from) == len(key) && string(x.b[e.from:e.to]) == string(key) {
			return true
		}
	}
	return false
}
