package shape

import (
	"encoding/json"
	"errors"
	"slices"
	"time"

	"github.com/julianctl/julianctl/pkg/jsonscan"
	"github.com/julianctl/julianctl/pkg/julian"
)

const (
	// maxKeys is the most keys of an object that are fields. If there are more, they
	// are data, such as ids.
	maxKeys = 200
	// maxValues is how many different values are remembered of a field that
	// has a fixed set of them, and longestValue how long one may be.
	maxValues    = 100
	longestValue = 200
)

// ErrNotPayload is returned for a body that is not a JSON object, or nests deeper than
// [jsonscan.MaxDepth].
var ErrNotPayload = errors.New("is not a JSON object")

// Observer derives a shape from payloads. Its memory depends on the number of fields, not
// of payloads. The zero value is ready to use. It is not safe for concurrent use.
type Observer struct {
	root place
}

// place is what was seen at one pointer.
type place struct {
	pointer    string
	kinds      Kinds
	seen       int // objects that held it; of the payload as a whole, and of items, how often
	objects    int // how often it was an object
	last       int // which of the objects around it held it last, counted from 1
	values     []string
	some       bool // its values are remembered
	manyValues bool // it has more values than are remembered
	other      bool // one of its strings was no date-time
	free       bool // its keys are data
	keys       []string
	children   map[string]*place
	// key is how its key was written last, in quotes, and follows the place that
	// came after it then, or first in it: payloads of one sender have one order.
	key     string
	follows *place
	first   *place
}

// Add adds one payload. The error is [ErrNotPayload].
func (o *Observer) Add(body []byte) error {
	i := jsonscan.Space(body, 0)
	if jsonscan.At(body, i) != '{' {
		return ErrNotPayload
	}
	if end := jsonscan.Value(body, i, jsonscan.MaxDepth); end == jsonscan.None || jsonscan.Space(body, end) != len(body) {
		// Text that is not UTF-8 is for validate to refuse.
		if !json.Valid(body) || jsonscan.Deep(body) {
			return ErrNotPayload
		}
	}
	o.root.scan(body, i)
	return nil
}

// Payloads returns how many were added.
func (o *Observer) Payloads() int { return o.root.objects }

// scan adds the value that begins at i, in valid JSON, and returns its end.
func (p *place) scan(b []byte, i int) (end int) {
	switch b[i] {
	case '{':
		p.kinds |= Object
		p.objects++
		return p.object(b, i)
	case '[':
		p.kinds |= Array
		return p.array(b, i)
	case '"':
		p.kinds |= String
		end = stringEnd(b, i)
		if !p.other || p.some && !p.manyValues {
			p.text(jsonscan.Text(b[i:end]))
		}
		return end
	case 'n':
		p.kinds |= Null
		return i + len("null")
	case 't':
		p.kinds |= Boolean
		return i + len("true")
	case 'f':
		p.kinds |= Boolean
		return i + len("false")
	}
	p.kinds |= Number
	return jsonscan.Number(b, i)
}

func (p *place) array(b []byte, i int) int {
	for i = jsonscan.Space(b, i+1); b[i] != ']'; i = jsonscan.Space(b, i) {
		if b[i] == ',' {
			i = jsonscan.Space(b, i+1)
		}
		item := p.child("*")
		item.seen++
		i = item.scan(b, i)
	}
	return i + 1
}

func (p *place) object(b []byte, i int) int {
	expected := &p.first
	for i++; !p.free; p.bound() {
		if i = jsonscan.Space(b, i); b[i] == ',' {
			i = jsonscan.Space(b, i+1)
		}
		if b[i] == '}' {
			return i + 1
		}
		child := *expected
		if child != nil && len(b)-i > len(child.key) && string(b[i:i+len(child.key)]) == child.key {
			i += len(child.key)
		} else {
			end := stringEnd(b, i)
			child = p.child(string(jsonscan.Text(b[i:end])))
			if child.key != string(b[i:end]) {
				child.key = string(b[i:end])
			}
			*expected = child
			i = end
		}
		expected = &child.follows
		if child.last < p.objects { // a key that stands there twice is one field
			child.last = p.objects
			child.seen++
		}
		i = jsonscan.Space(b, jsonscan.Space(b, i)+1)
		i = child.scan(b, i)
	}
	return objectEnd(b, i)
}

// bound treats keys as data if there are too many.
func (p *place) bound() {
	if len(p.keys) > maxKeys && (len(p.keys) > maxKeys+1 || p.children["*"] == nil) {
		p.setFree()
	}
}

// setFree treats keys as data, and keeps only the items of arrays.
func (p *place) setFree() {
	items := p.children["*"]
	p.free, p.keys, p.children, p.first = true, nil, nil, nil
	if items != nil && p.kinds&Array != 0 {
		p.keys, p.children = []string{"*"}, map[string]*place{"*": items}
	}
}

// stringEnd is the index behind the string that begins at i.
func stringEnd(b []byte, i int) int {
	if end, _ := jsonscan.String(b, i); end != jsonscan.None {
		return end
	}
	return jsonscan.StringEnd(b, i) // it is not UTF-8
}

// objectEnd is the index behind the object that i is in, between two tokens.
func objectEnd(b []byte, i int) int {
	for depth := 1; depth > 0; {
		switch b[i] {
		case '"':
			i = stringEnd(b, i)
			continue
		case '{', '[':
			depth++
		case '}', ']':
			depth--
		}
		i++
	}
	return i
}

func (p *place) child(key string) *place {
	child := p.children[key]
	if child == nil {
		if p.children == nil {
			p.children = map[string]*place{}
		}
		child = &place{pointer: within(p.pointer, key)}
		child.some = enumerated(child.pointer)
		p.children[key] = child
		p.keys = append(p.keys, key)
	}
	return child
}

// text looks at a string, which shares memory with the payload.
func (p *place) text(text []byte) {
	if !p.other {
		_, err := time.Parse(time.RFC3339, string(text))
		p.other = err != nil
	}
	if !p.some || p.manyValues {
		return
	}
	if slices.Contains(p.values, string(text)) {
		return
	}
	p.value(string(text))
}

// value remembers one that is new.
func (p *place) value(value string) {
	if len(p.values) == maxValues || len(value) > longestValue {
		p.manyValues, p.values = true, nil
		return
	}
	p.values = append(p.values, value)
}

// Merge adds the payloads of later after those of o. later must not be used afterwards.
func (o *Observer) Merge(later *Observer) { o.root.merge(&later.root) }

func (p *place) merge(later *place) {
	p.kinds |= later.kinds
	p.seen += later.seen
	p.objects += later.objects
	p.other = p.other || later.other
	if later.manyValues {
		p.manyValues, p.values = true, nil
	}
	for _, value := range later.values {
		if !p.manyValues && !slices.Contains(p.values, value) {
			p.value(value)
		}
	}
	if later.free && !p.free {
		p.setFree()
	}
	for _, key := range later.keys {
		if p.free && (key != "*" || p.kinds&Array == 0) {
			continue
		}
		p.child(key).merge(later.children[key])
		p.bound()
	}
}

// enumerated reports whether the field at pointer has a fixed set of values,
// documented or each agent's own.
func enumerated(pointer string) bool {
	return pointer == OutcomeName || slices.ContainsFunc(julian.Fields, func(f julian.Field) bool {
		return f.Pointer == pointer && f.Enum != nil
	})
}

// Shape returns the shape so far.
func (o *Observer) Shape() Shape {
	s := Shape{Observed: true}
	if o.root.objects > 0 {
		o.root.seen = o.root.objects
		s.add("", &o.root, o.root.objects)
	}
	return s
}

func (s *Shape) add(pointer string, p *place, parents int) {
	f := Field{Pointer: pointer, Kinds: p.kinds, Always: p.seen == parents, Values: p.values, Free: p.free || isFree(pointer)}
	if p.kinds&String != 0 && !p.other {
		f.Format = string(julian.DateTime)
	}
	s.Fields = append(s.Fields, f)
	for _, key := range p.keys {
		child := p.children[key]
		if key == "*" && p.kinds&Array != 0 {
			s.add(pointer+"/*", child, child.seen)
			continue
		}
		s.add(within(pointer, key), child, p.objects)
	}
}

// isFree reports whether the keys of the object at pointer are documented to
// be its owner's own.
func isFree(pointer string) bool {
	return slices.ContainsFunc(julian.Fields, func(f julian.Field) bool { return f.Pointer == pointer && f.Free })
}
