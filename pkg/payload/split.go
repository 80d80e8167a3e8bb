package payload

import (
	"bytes"
	"fmt"
	"io"

	"github.com/julianctl/julianctl/pkg/jsonscan"
)

// Next returns the first document of the chunk and the rest; false if there is none.
// Index is 0, and Line does not count earlier chunks.
func (c Chunk) Next() (doc Document, rest Chunk, ok bool) {
	rest = c
	if c.whole {
		rest.doc.Body = nil
		return c.doc, rest, len(c.doc.Body) > 0
	}
	for body := c.doc.Body; len(body) > 0; body = rest.doc.Body {
		n := bytes.IndexByte(body, '\n') + 1
		if n == 0 {
			n = len(body)
		}
		doc = rest.doc
		rest = rest.Skip(n, 1)
		rest.doc.Column = 1
		from, to := 0, n
		for from < to && jsonscan.IsSpace(body[from]) {
			from++
		}
		for from < to && jsonscan.IsSpace(body[to-1]) {
			to--
		}
		if from < to {
			doc.Body = body[from:to:to]
			doc.Offset += int64(from)
			doc.Column += from
			return doc, rest, true
		}
	}
	return Document{}, rest, false
}

// space is the white space of JSON (RFC 8259, section 2).
const space = " \t\r\n"

const bom = "\xef\xbb\xbf"

// read detects the format of the source and reads it.
func (s *source) read() bool {
	i := s.indent(0)
	switch {
	case s.overLimit(i):
		return s.fail(ErrTooLarge)
	case i == len(s.rest) && s.end != io.EOF:
		return s.ended()
	case i == len(s.rest):
		return s.emit(Chunk{}, &Error{Source: s.name, Err: ErrEmpty})
	case s.rest[i] == '[':
		s.skip(i + 1)
		return s.array()
	case s.holdsLines(i):
		return s.lines()
	default:
		return s.values()
	}
}

// indent returns the index of the first byte from i on that is not white space, or
// len(rest) at the end. A byte order mark at the beginning counts as white space; other
// packages refuse it.
func (s *source) indent(i int) int {
	for {
		for ; i < len(s.rest); i++ {
			if jsonscan.IsSpace(s.rest[i]) {
				continue
			}
			if i > 0 || s.at != jsonscan.Start || !bytes.HasPrefix(s.rest, []byte(bom)) {
				return i
			}
			i += len(bom) - 1
		}
		if s.overLimit(i) || !s.more() {
			return i
		}
	}
}

// holdsLines reports whether the source, whose first document begins at i, is NDJSON. It
// checks the first line, and how the next one begins.
func (s *source) holdsLines(i int) bool {
	named := namedLines(s.name)
	var n jsonscan.Nesting
	end := s.line(i, &n)
	next := s.indent(end)
	switch {
	case next == len(s.rest):
		return named
	case s.rest[i] != '{' && !named:
		return false
	case n.Closed():
		return true
	}
	// The first line is truncated, or it begins a pretty-printed document. In that
	// case, the next line can begin with { only after one of these characters.
	last := bytes.TrimRight(s.rest[i:end], space)
	return s.rest[next] == '{' && (named || !bytes.ContainsAny(last[len(last)-1:], ":,[{"))
}

// line tracks the brackets from i to the end of the line, and returns where that is.
func (s *source) line(i int, n *jsonscan.Nesting) int {
	for {
		if j := bytes.IndexByte(s.rest[i:], '\n'); j >= 0 {
			n.Follow(s.rest[i : i+j+1])
			return i + j + 1
		}
		n.Follow(s.rest[i:])
		i = len(s.rest)
		if s.overLimit(i) || !s.more() {
			return i
		}
	}
}

// lines reads NDJSON.
func (s *source) lines() bool {
	seen := 0 // rest[:seen] has no line end
	for {
		if n := bytes.LastIndexByte(s.rest[seen:], '\n') + 1; n > 0 {
			if !s.takeLines(seen + n) {
				return false
			}
			seen = 0
			continue
		}
		seen = len(s.rest)
		if s.overLimit(seen) {
			if !s.fail(ErrTooLarge) {
				return false
			}
			s.dropLine()
			seen = 0
			continue
		}
		if !s.more() {
			break
		}
	}
	if s.end == io.EOF && len(s.rest) > 0 {
		return s.takeLines(len(s.rest))
	}
	return s.ended()
}

// dropLine skips the rest of a line that is too large.
func (s *source) dropLine() {
	for {
		if i := bytes.IndexByte(s.rest, '\n'); i >= 0 {
			s.skip(i + 1)
			return
		}
		s.skip(len(s.rest))
		s.rest = nil
		if !s.more() {
			return
		}
	}
}

// values reads one or more pretty-printed documents.
func (s *source) values() bool {
	var n jsonscan.Nesting
	for i, one := s.indent(0), true; ; {
		i = s.line(i, &n)
		next := s.indent(i)
		more := next < len(s.rest)
		switch {
		case s.overLimit(i):
			return s.fail(ErrTooLarge)
		case more && (s.rest[next] != '{' || !n.Closed()):
			i = next
			continue
		case !more && s.end != io.EOF:
			return s.ended()
		case !more && one:
			return s.take(next)
		}
		if !s.take(len(bytes.TrimRight(s.rest[:i], space))) {
			return false
		}
		s.skip(s.indent(0))
		if !more {
			return true
		}
		i, one, n = 0, false, jsonscan.Nesting{}
	}
}

// array reads the elements of an array after its opening bracket.
func (s *source) array() bool {
	for count := 0; ; count++ {
		s.skip(s.indent(0))
		var n jsonscan.Nesting
		end := s.element(&n)
		last := end == len(s.rest)
		switch {
		case s.overLimit(end):
			return s.fail(ErrTooLarge)
		case last && s.end != io.EOF:
			return s.ended()
		}
		body := bytes.TrimRight(s.rest[:end], space)
		on := true
		switch {
		case len(body) > 0:
			on = s.take(len(body))
		case last:
		case count == 0 && s.rest[end] == ']':
			on = s.fail(ErrEmpty)
		default:
			on = s.fail(fmt.Errorf("%w: no value before %q", ErrArray, s.rest[end]))
		}
		s.skip(s.indent(0))
		switch {
		case !on:
			return false
		case last && n.Closed():
			return s.fail(fmt.Errorf("%w: it is not closed", ErrArray))
		case last: // the last element is incomplete, and was emitted as it is
			return true
		}
		closed := s.rest[0] == ']'
		s.skip(1)
		if closed {
			return s.nothingLeft()
		}
	}
}

// element returns the index of the comma or bracket after the element at rest[0], or
// len(rest).
func (s *source) element(n *jsonscan.Nesting) int {
	for i := 0; ; {
		if i += n.Element(s.rest[i:]); i < len(s.rest) || s.overLimit(i) || !s.more() {
			return i
		}
	}
}

// nothingLeft checks that nothing follows the array.
func (s *source) nothingLeft() bool {
	s.skip(s.indent(0))
	if len(s.rest) > 0 {
		return s.fail(fmt.Errorf("%w: there is more after its end", ErrArray))
	}
	return s.ended()
}
