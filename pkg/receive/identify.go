package receive

import (
	"bytes"
	"encoding/binary"
	"encoding/json"
	"math/bits"
	"strconv"
	"unicode/utf8"
)

// identify finds what the head of a delivery shows. Keys count as they are
// written: encoding/json would take "CALLID" for "callId" when it decodes into
// a struct. Of duplicate keys the last counts, as encoding/json and JavaScript
// have it. A body that is not JSON all through, or nested deeper than
// encoding/json allows, has nothing to find.
//
// It stands between a delivery and its answer, so it goes over the body once,
// proving that all is JSON as it goes.
func (d *Delivery) identify(payload []byte) {
	s := scan{b: payload}
	if !s.json() {
		return
	}
	d.CallID = stringOf(s.found[callID])
	d.ResultType = stringOf(s.found[resultType])
	if n := s.found[duration]; len(n) > 0 && (n[0] == '-' || '0' <= n[0] && n[0] <= '9') {
		// What no float can hold stays unknown.
		if seconds, err := strconv.ParseFloat(string(n), 64); err == nil {
			d.Seconds = &seconds
		}
	}
}

// stringOf decodes a JSON string; anything else is empty.
func stringOf(value []byte) string {
	if len(value) == 0 || value[0] != '"' {
		return ""
	}
	if bytes.IndexByte(value, '\\') < 0 {
		return string(value[1 : len(value)-1])
	}
	var s string
	_ = json.Unmarshal(value, &s) // it is valid
	return s
}

// place is a place in a payload that is looked for.
type place uint8

const (
	elsewhere place = iota
	root
	callID
	callResult
	resultType
	duration
	places
)

// under says which place the member called name of an object is.
func (p place) under(name []byte) place {
	key := name[1 : len(name)-1]
	if bytes.IndexByte(key, '\\') >= 0 {
		key = []byte(stringOf(name))
	}
	switch {
	case p == root && string(key) == "callId":
		return callID
	case p == root && string(key) == "callResult":
		return callResult
	case p == root && string(key) == "duration":
		return duration
	case p == callResult && string(key) == "resultType":
		return resultType
	}
	return elsewhere
}

// scan goes over a text. Those of its methods that take the index at which
// something begins return the one behind it, or no when it is not JSON.
type scan struct {
	b     []byte
	found [places][]byte // the last value at each place
}

const (
	no       = -1
	maxDepth = 10_000 // of encoding/json
)

// json reports whether all of it is JSON, and finds what is looked for.
func (s *scan) json() bool {
	if !utf8.Valid(s.b) {
		return false
	}
	end := s.value(s.space(0), 0, root)
	return end != no && s.space(end) == len(s.b)
}

// at is the byte at i, 0 at the end: no byte of JSON.
func (s *scan) at(i int) byte {
	if i < len(s.b) {
		return s.b[i]
	}
	return 0
}

func (s *scan) space(i int) int {
	for i < len(s.b) && (s.b[i] == ' ' || s.b[i] == '\n' || s.b[i] == '\r' || s.b[i] == '\t') {
		i++
	}
	return i
}

func (s *scan) value(i, depth int, p place) int {
	if p == callResult {
		s.found[resultType] = nil // that of a callResult before this one
	}
	var end int
	switch s.at(i) {
	case '"':
		end = s.str(i)
	case '{':
		end = s.object(i, depth+1, p)
	case '[':
		end = s.array(i, depth+1)
	case 't':
		end = s.literal(i, "true")
	case 'f':
		end = s.literal(i, "false")
	case 'n':
		end = s.literal(i, "null")
	default:
		end = s.number(i)
	}
	if end != no && p != elsewhere {
		s.found[p] = s.b[i:end]
	}
	return end
}

func (s *scan) object(i, depth int, p place) int {
	if depth > maxDepth {
		return no
	}
	i = s.space(i + 1)
	if s.at(i) == '}' {
		return i + 1
	}
	for {
		if s.at(i) != '"' {
			return no
		}
		end := s.str(i)
		if end == no {
			return no
		}
		inner := elsewhere
		if p == root || p == callResult {
			inner = p.under(s.b[i:end])
		}
		if i = s.space(end); s.at(i) != ':' {
			return no
		}
		if i = s.value(s.space(i+1), depth, inner); i == no {
			return no
		}
		switch i = s.space(i); s.at(i) {
		case ',':
			i = s.space(i + 1)
		case '}':
			return i + 1
		default:
			return no
		}
	}
}

func (s *scan) array(i, depth int) int {
	if depth > maxDepth {
		return no
	}
	i = s.space(i + 1)
	if s.at(i) == ']' {
		return i + 1
	}
	for {
		if i = s.value(i, depth, elsewhere); i == no {
			return no
		}
		switch i = s.space(i); s.at(i) {
		case ',':
			i = s.space(i + 1)
		case ']':
			return i + 1
		default:
			return no
		}
	}
}

func (s *scan) literal(i int, word string) int {
	if end := i + len(word); end <= len(s.b) && string(s.b[i:end]) == word {
		return end
	}
	return no
}

// str looks at eight bytes a step for the first that is not just text.
func (s *scan) str(i int) int {
	const ones, tops = 0x0101010101010101, 0x8080808080808080
	for i++; ; {
		for i+8 <= len(s.b) {
			w := binary.LittleEndian.Uint64(s.b[i:])
			quote, slash := w^'"'*ones, w^'\\'*ones
			// A carry may mark bytes behind the first, never before it.
			if stop := ((quote-ones)&^quote | (slash-ones)&^slash | (w-' '*ones)&^w) & tops; stop != 0 {
				i += bits.TrailingZeros64(stop) / 8
				break
			}
			i += 8
		}
		switch c := s.at(i); {
		case c == '"':
			return i + 1
		case c == '\\':
			if i = s.escape(i + 1); i == no {
				return no
			}
		case c < ' ': // or the end
			return no
		default:
			i++
		}
	}
}

// escape takes what is behind a backslash.
func (s *scan) escape(i int) int {
	switch s.at(i) {
	case '"', '\\', '/', 'b', 'f', 'n', 'r', 't':
		return i + 1
	case 'u':
		for range 4 {
			i++
			if c := s.at(i) | 0x20; !('0' <= s.at(i) && s.at(i) <= '9' || 'a' <= c && c <= 'f') {
				return no
			}
		}
		return i + 1
	}
	return no
}

func (s *scan) number(i int) int {
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
		if s.at(i) == '+' || s.at(i) == '-' {
			i++
		}
		return s.digits(i)
	}
	return i
}

// digits takes one or more.
func (s *scan) digits(i int) int {
	start := i
	for '0' <= s.at(i) && s.at(i) <= '9' {
		i++
	}
	if i == start {
		return no
	}
	return i
}
