package validate

import (
	"bytes"
	"encoding/binary"
	"strings"

	"github.com/julianctl/julianctl/pkg/jsonscan"
	"github.com/julianctl/julianctl/pkg/julian"
)

// sprint goes through a document once and tells the correct ones from those
// that need a closer look. It says yes only where a [walker] would find
// nothing; no means that nobody knows yet. So it may give up wherever a
// document is unusual, and never has to say what is wrong.
//
// Its methods take the index at which something begins and return the one
// behind it, or no.
type sprint struct {
	v *Validator
	b []byte
	// lines: a document is a line, so that a line end is no white space in it.
	lines  bool
	keys   []span       // keys without a place in the table, of the objects that are open
	given  uint64       // bits of the values that were set
	values [slots]span  // of a document
	nth    [slots]uint8 // which of its enumeration such a value is
	run    run          // against a schema
	// follows is, by a node's id, the child that came after it, or first in it,
	// when it was last seen: documents of one sender have one order.
	follows []*node
}

type span struct{ from, to int }

func newSprint(v *Validator) *sprint {
	return &sprint{v: v, follows: make([]*node, v.nodes)}
}

func (s *sprint) remembered(slot int) []byte { return s.b[s.values[slot].from:s.values[slot].to] }

const no = jsonscan.None

// maxKeys is how many undocumented keys of one object are compared with one
// another, each with each.
const maxKeys = 100

// passes reports whether b certainly breaks no rule.
func (s *sprint) passes(b []byte) bool {
	s.begin(b, false)
	return s.document(s.space(0)) == len(b)
}

// begin makes b what the sprint goes through.
func (s *sprint) begin(b []byte, lines bool) {
	s.b, s.lines, s.keys = b, lines, s.keys[:0]
}

// document takes a document that breaks no rule, and the white space behind it.
func (s *sprint) document(i int) int {
	if s.v.options.Schema != nil {
		if end := s.conforming(i); end == no || !s.v.options.Both {
			return end
		}
	}
	end := s.value(s.v.root, i, 0)
	if end == no {
		s.keys = s.keys[:0]
		return no
	}
	return s.space(end)
}

// conforming is document for a validator with a schema.
func (s *sprint) conforming(i int) int {
	all, end := s.b, len(s.b)
	if n := bytes.IndexByte(all[i:], '\n'); s.lines && n >= 0 {
		end = i + n
	}
	s.b = all[i:end]
	ok := s.conforms()
	s.b = all
	if !ok {
		return no
	}
	return end
}

// correct takes documents up to the first that may break a rule, and counts
// them and the line ends around them.
func (s *sprint) correct(i int) (end, documents, ends int) {
	for {
		begin, passed := i, ends
		for begin < len(s.b) && jsonscan.IsSpace(s.b[begin]) {
			if s.b[begin] == '\n' {
				passed++
			}
			begin++
		}
		if begin == len(s.b) {
			return begin, documents, passed
		}
		end := s.document(begin)
		if end == no || end < len(s.b) && s.b[end] != '\n' {
			return i, documents, ends
		}
		i, ends = end, passed
		documents++
	}
}

func (s *sprint) space(i int) int {
	for i < len(s.b) && jsonscan.IsSpace(s.b[i]) && !(s.lines && s.b[i] == '\n') {
		i++
	}
	return i
}

func (s *sprint) at(i int) byte { return jsonscan.At(s.b, i) }

// str takes a string without half of a surrogate pair. It is plain if it has no
// escapes.
func (s *sprint) str(i int) (end int, plain bool) {
	end, form := jsonscan.String(s.b, i)
	if form == jsonscan.HalfPair {
		return no, false
	}
	return end, form == jsonscan.Plain
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
	end := no
	switch {
	case c != n.opens:
		if c == 'n' && n.Nullable {
			end = jsonscan.Literal(s.b, i, "null")
			s.remember(n, i, end)
		}
	case c == '"':
		end = s.text(n, i)
	case c == '{':
		end = s.object(n, i, depth+1)
	case c == '[':
		end = s.array(n.item, i, depth+1)
	default:
		end = jsonscan.Number(s.b, i)
		s.remember(n, i, end)
	}
	return end
}

func (s *sprint) remember(n *node, i, end int) {
	s.values[n.slot] = span{i, end}
	s.given |= 1 << n.slot
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
		return jsonscan.Literal(s.b, i, "true")
	case 'f':
		return jsonscan.Literal(s.b, i, "false")
	case 'n':
		return jsonscan.Literal(s.b, i, "null")
	}
	return jsonscan.Number(s.b, i)
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
	if !n.documented() {
		return s.free(i, depth)
	}
	var seen uint64 // bits of documented keys
	s.given &^= n.asked
	open := len(s.keys)
	last := n
	i = s.space(i + 1)
	empty := s.at(i) == '}'
	for !empty {
		child := s.follows[last.id]
		if child != nil && child.head.stands(s.b[i:]) {
			i += child.head.size
		} else {
			if i, child = s.key(n, i, open); i == no {
				return no
			}
			if child != nil {
				s.follows[last.id] = child
			}
		}
		if child != nil {
			bit := uint64(1) << (child.index & 63)
			if seen&bit != 0 {
				return no
			}
			seen |= bit
			last = child
		}
		if i = s.colon(i); i == no {
			return no
		}
		if s.at(i) == '"' && child != nil && child.opens == '"' {
			i = s.text(child, i)
		} else {
			i = s.value(child, i, depth)
		}
		if i == no {
			return no
		}
		if s.at(i) == ',' && s.at(i+1) == '"' { // as almost always
			i++
			continue
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
	if seen&n.must != n.must || !s.holds(n) {
		return no
	}
	return i + 1
}

// free takes an object of which nothing is stated.
func (s *sprint) free(i, depth int) int {
	open := len(s.keys)
	i = s.space(i + 1)
	for empty := s.at(i) == '}'; !empty; {
		if i = s.unknown(i, open); i == no {
			return no
		}
		if i = s.colon(i); i == no {
			return no
		}
		if i = s.any(s.at(i), i, depth); i == no {
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
	return i + 1
}

// colon takes what is between a key and its value.
func (s *sprint) colon(i int) int {
	if i+1 < len(s.b) && s.b[i] == ':' && s.b[i+1] > ' ' {
		return i + 1
	}
	return s.wideColon(i)
}

// wideColon takes one with white space around it.
func (s *sprint) wideColon(i int) int {
	if i = s.space(i); s.at(i) != ':' {
		return no
	}
	return s.space(i + 1)
}

// holds reports whether the values of an object fit one another.
func (s *sprint) holds(n *node) bool {
	for i := range n.holds {
		h := &n.holds[i]
		if h.asked&^s.given != 0 || h.about != 0 && h.about>>(s.nth[h.givenSlot]&63)&1 == 0 {
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

// key takes a key that is not the one that was expected. Keys of the object
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
	return s.unknown(i, open), nil
}

// unknown takes a key without a place in the table.
func (s *sprint) unknown(i, open int) int {
	if s.at(i) != '"' {
		return no
	}
	end, plain := s.str(i)
	if end == no || !plain || len(s.keys)-open == maxKeys {
		return no
	}
	name := s.b[i:end]
	for _, k := range s.keys[open:] {
		if k.to-k.from == len(name) && string(s.b[k.from:k.to]) == string(name) {
			return no
		}
	}
	s.keys = append(s.keys, span{i, end})
	return end
}

// text takes a string that n describes.
func (s *sprint) text(n *node, i int) int {
	if n.anyText {
		end, _ := s.str(i)
		return end
	}
	end, ok := s.known(n, i)
	if !ok {
		var plain bool
		if end, plain = s.str(i); end == no || !plain || !s.fits(n, s.b[i+1:end-1]) {
			return no
		}
	}
	if n.slot != 0 {
		s.remember(n, i, end)
	}
	return end
}

// known takes what can be told without looking for the end of the string.
func (s *sprint) known(n *node, i int) (end int, ok bool) {
	b := s.b[i:]
	if len(b) < room {
		return no, false
	}
	x := binary.LittleEndian.Uint64(b)
	for nth := range n.values {
		if h := &n.values[nth]; x&h.mask[0] == h.text[0] && h.stands(b) {
			s.nth[n.slot] = uint8(nth)
			return i + h.size, true
		}
	}
	if n.Format == julian.DateTime && isUsualTime(b) {
		return i + len(`"2006-01-02T15:04:05.000Z"`), true
	}
	return no, false
}

// fits reports whether a string is what n describes.
func (s *sprint) fits(n *node, text []byte) bool {
	if n.Enum != nil {
		nth := indexOf(text, n.Enum)
		if nth < 0 {
			return false
		}
		s.nth[n.slot] = uint8(nth)
	}
	if len(text) == 0 && (n.Empty || n.nonEmpty()) {
		return n.Empty
	}
	return (n.format == nil || n.format.ok(text)) && hasPrefix(text, n.Prefix)
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
