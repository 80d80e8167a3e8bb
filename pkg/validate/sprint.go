package validate

import (
	"strings"
	"unicode/utf8"
)

// sprint goes through a document once and tells the correct ones from those
// that need a closer look. It says yes only where a [walker] would find
// nothing; no means that nobody knows yet. So it may give up wherever a
// document is unusual, and never has to say what is wrong.
//
// Its methods take the index at which something begins and return the one
// behind it, or no.
type sprint struct {
	v      *Validator
	b      []byte
	stops  stops
	keys   []span       // keys without a place in the table, of the objects that are open
	values [slots]span  // of a document; each is read only after it was set
	nth    [slots]uint8 // which of its enumeration such a value is
	run    run          // against a schema
}

type span struct{ from, to int }

func (s *sprint) remembered(slot int) []byte { return s.b[s.values[slot].from:s.values[slot].to] }

const no = -1

// maxKeys is how many undocumented keys of one object are compared with one
// another, each with each.
const maxKeys = 100

// passes reports whether b certainly breaks no rule.
func (s *sprint) passes(b []byte) bool {
	s.b, s.keys = b, s.keys[:0]
	if ascii := s.stops.index(b); !ascii && !utf8.Valid(b) {
		return false
	}
	if s.v.options.Schema != nil {
		return s.conforms()
	}
	i := s.value(s.v.root, s.space(0), 0)
	return i != no && s.space(i) == len(b)
}

func (s *sprint) space(i int) int {
	for i < len(s.b) && s.b[i] <= ' ' {
		switch s.b[i] {
		case ' ', '\t', '\r', '\n':
			i++
		default:
			return i
		}
	}
	return i
}

// at is the byte at i, 0 at the end: no byte of JSON but inside a string.
func (s *sprint) at(i int) byte {
	if i < len(s.b) {
		return s.b[i]
	}
	return 0
}

// value takes a value that n describes, or any if n is nil.
func (s *sprint) value(n *node, i, depth int) int {
	c := s.at(i)
	if n == nil {
		return s.any(c, i, depth)
	}
	if '0' <= c && c <= '9' || c == '-' {
		c = '0'
	}
	switch {
	case c != n.opens:
		if c == 'n' && n.Nullable {
			s.values[n.slot] = span{i, i + len("null")}
			return s.literal("null", i)
		}
		return no
	case c == '"':
		return s.text(n, i)
	case c == '{':
		return s.object(n, i, depth+1)
	case c == '[':
		return s.array(n.item, i, depth+1)
	}
	end := s.number(i)
	s.values[n.slot] = span{i, end}
	return end
}

func (s *sprint) any(c byte, i, depth int) int {
	switch c {
	case '"':
		end, _ := s.str(i)
		return end
	case '{':
		return s.object(nil, i, depth+1)
	case '[':
		return s.array(nil, i, depth+1)
	case 't':
		return s.literal("true", i)
	case 'f':
		return s.literal("false", i)
	case 'n':
		return s.literal("null", i)
	}
	return s.number(i)
}

func (s *sprint) literal(word string, i int) int {
	if end := i + len(word); end <= len(s.b) && string(s.b[i:end]) == word {
		return end
	}
	return no
}

func (s *sprint) number(i int) int {
	if s.at(i) == '-' {
		i++
	}
	if s.at(i) == '0' {
		i++
	} else if i = s.digits(i); i == no {
		return no
	}
	if s.at(i) == '.' {
		if i = s.digits(i + 1); i == no {
			return no
		}
	}
	if s.at(i)|0x20 == 'e' {
		i++
		if c := s.at(i); c == '+' || c == '-' {
			i++
		}
		return s.digits(i)
	}
	return i
}

// digits takes at least one.
func (s *sprint) digits(i int) int {
	from := i
	for c := s.at(i); '0' <= c && c <= '9'; c = s.at(i) {
		i++
	}
	if i == from {
		return no
	}
	return i
}

func (s *sprint) array(item *node, i, depth int) int {
	if depth > maxDepth {
		return no
	}
	if i = s.space(i + 1); s.at(i) == ']' {
		return i + 1
	}
	for {
		if i = s.value(item, i, depth); i == no {
			return no
		}
		i = s.space(i)
		switch s.at(i) {
		case ']':
			return i + 1
		case ',':
			i = s.space(i + 1)
		default:
			return no
		}
	}
}

func (s *sprint) object(n *node, i, depth int) int {
	if depth > maxDepth {
		return no
	}
	var children []*node
	var seen, must uint64 // bits of documented keys
	if n != nil {
		children, must = n.children, n.must
		for h := range n.holds {
			s.values[n.holds[h].placeSlot], s.values[n.holds[h].givenSlot] = span{}, span{}
		}
	}
	open := len(s.keys)
	next := 0 // the child that comes now if the order is the documented one
	i = s.space(i + 1)
	empty := s.at(i) == '}'
	for !empty {
		var child *node
		if next < len(children) && hasPrefix(s.b[i:], children[next].quoted) {
			child = children[next]
			i += len(child.quoted)
		} else if i, child = s.key(n, i, open); i == no {
			return no
		}
		if child != nil {
			bit := uint64(1) << (child.index & 63)
			if seen&bit != 0 {
				return no
			}
			seen |= bit
			next = child.index + 1
		}
		if s.at(i) != ':' {
			if i = s.space(i); s.at(i) != ':' {
				return no
			}
		}
		if i = s.value(child, s.space(i+1), depth); i == no {
			return no
		}
		i = s.space(i)
		if s.at(i) == '}' {
			break
		}
		if s.at(i) != ',' {
			return no
		}
		i = s.space(i + 1)
	}
	s.keys = s.keys[:open]
	if seen&must != must || n != nil && !s.holds(n) {
		return no
	}
	return i + 1
}

// holds reports whether the values of an object fit one another.
func (s *sprint) holds(n *node) bool {
	for i := range n.holds {
		h := &n.holds[i]
		if h.about != 0 && h.about>>(s.nth[h.givenSlot]&63)&1 == 0 {
			continue // most rules are about few results
		}
		if h.broken(s.remembered(h.placeSlot), s.remembered(h.givenSlot)) {
			return false
		}
	}
	return true
}

func hasPrefix(b []byte, prefix string) bool {
	return len(b) >= len(prefix) && string(b[:len(prefix)]) == prefix
}

// key takes a key that did not come where it was expected. Keys of the object
// begin at open.
func (s *sprint) key(n *node, i, open int) (int, *node) {
	if s.at(i) != '"' {
		return no, nil
	}
	end, plain := s.str(i)
	if end == no || !plain {
		return no, nil
	}
	name := s.b[i+1 : end-1]
	if n.documented() {
		if child := n.byName[string(name)]; child != nil {
			return end, child
		}
		if s.v.severity(RuleUnknownField, Off) != Off {
			return no, nil
		}
		for _, c := range n.children {
			if strings.EqualFold(c.name, string(name)) {
				return no, nil
			}
		}
	}
	if len(s.keys)-open == maxKeys {
		return no, nil
	}
	for _, k := range s.keys[open:] {
		if string(s.b[k.from:k.to]) == string(name) {
			return no, nil
		}
	}
	s.keys = append(s.keys, span{i + 1, end - 1})
	return end, nil
}

// text takes a string that n describes.
func (s *sprint) text(n *node, i int) int {
	end, plain := s.str(i)
	if end == no || n.anyText {
		return end
	}
	if !plain {
		return no
	}
	s.values[n.slot] = span{i, end}
	text := s.b[i+1 : end-1]
	if n.Enum != nil {
		nth := indexOf(text, n.Enum)
		if nth < 0 {
			return no
		}
		s.nth[n.slot] = uint8(nth)
	}
	switch {
	case len(text) == 0 && n.Empty:
		return end
	case len(text) == 0 && n.nonEmpty():
		return no
	case n.format != nil && !n.format.ok(text):
		return no
	case !hasPrefix(text, n.Prefix):
		return no
	}
	return end
}

// indexOf is that of text in values, or -1.
func indexOf(text []byte, values []string) int {
	for i, v := range values {
		if string(text) == v {
			return i
		}
	}
	return -1
}

// str takes a string. It is plain if it has no escapes.
func (s *sprint) str(i int) (end int, plain bool) {
	plain = true
	for i++; ; {
		i = s.stops.next(i)
		switch s.at(i) {
		case '"':
			return i + 1, plain
		case '\\':
			plain = false
			if i = s.escape(i + 1); i == no {
				return no, false
			}
		default: // a control character, or the end
			return no, false
		}
	}
}

// escape takes what follows a backslash.
func (s *sprint) escape(i int) int {
	switch s.at(i) {
	case '"', '\\', '/', 'b', 'f', 'n', 'r', 't':
		return i + 1
	case 'u':
		r, ok := hex4(s.b[i+1:])
		switch {
		case !ok || 0xdc00 <= r && r <= 0xdfff:
			return no
		case r < 0xd800 || r > 0xdfff:
			return i + 5
		}
		if s.at(i+5) != '\\' || s.at(i+6) != 'u' {
			return no
		}
		if low, ok := hex4(s.b[i+7:]); !ok || low < 0xdc00 || low > 0xdfff {
			return no
		}
		return i + 11
	}
	return no
}

func hex4(b []byte) (r int, ok bool) {
	if len(b) < 4 {
		return 0, false
	}
	for _, c := range b[:4] {
		d := unhex(c)
		if d < 0 {
			return 0, false
		}
		r = r<<4 | d
	}
	return r, true
}
