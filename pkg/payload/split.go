package payload

import (
	"bytes"
	"fmt"
	"io"

	"github.com/julianctl/julianctl/pkg/jsonscan"
)

// Next is the first document of the chunk, and what is behind it. It reports
// false when there is none. Its Index is 0, and its Line without those of the
// chunks before.
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

// read tells what the source holds from its beginning, and reads it so.
func (s *source) read() bool {
	i := s.indent(0)
	switch {
	case s.tooLarge(i):
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

// indent is the index of the first byte from i on that is not white space, or
// len(rest) at the end. A byte order mark at the very beginning counts as
// white space: to refuse it is not this package's business.
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
		if s.tooLarge(i) || !s.more() {
			return i
		}
	}
}

// holdsLines reports whether the source, whose first document begins at i, is
// NDJSON. It looks at the first line, and at how the next begins.
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
	// The first line is cut off, or the first of a pretty-printed document. Of
	// the latter the next line can begin with a bracket only after these.
	last := bytes.TrimRight(s.rest[i:end], space)
	return s.rest[next] == '{' && (named || !bytes.ContainsAny(last[len(last)-1:], ":,[{"))
}

// line follows the brackets from i to behind the next line end, or the end.
func (s *source) line(i int, n *jsonscan.Nesting) int {
	for {
		if j := bytes.IndexByte(s.rest[i:], '\n'); j >= 0 {
			n.Follow(s.rest[i : i+j+1])
			return i + j + 1
		}
		n.Follow(s.rest[i:])
		i = len(s.rest)
		if s.tooLarge(i) || !s.more() {
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
		if s.tooLarge(seen) {
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

// dropLine leaves out the rest of a line that is too large to hold.
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

// values reads one document, or several pretty-printed one after another.
func (s *source) values() bool {
	var n jsonscan.Nesting
	for i, one := s.indent(0), true; ; {
		i = s.line(i, &n)
		next := s.indent(i)
		more := next < len(s.rest)
		switch {
		case s.tooLarge(i):
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

// array reads the elements of an array, the bracket of which was taken.
func (s *source) array() bool {
	for count := 0; ; count++ {
		s.skip(s.indent(0))
		var n jsonscan.Nesting
		end := s.element(&n)
		last := end == len(s.rest)
		switch {
		case s.tooLarge(end):
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
		case last: // the last element is cut off, and was handed out so
			return true
		}
		closed := s.rest[0] == ']'
		s.skip(1)
		if closed {
			return s.nothingLeft()
		}
	}
}

// element is the index of the comma or bracket that ends the element at
// rest[0], or len(rest).
func (s *source) element(n *jsonscan.Nesting) int {
	for i := 0; ; {
		if i += n.Element(s.rest[i:]); i < len(s.rest) || s.tooLarge(i) || !s.more() {
			return i
		}
	}
}

// nothingLeft is for the end of an array.
func (s *source) nothingLeft() bool {
	s.skip(s.indent(0))
	if len(s.rest) > 0 {
		return s.fail(fmt.Errorf("%w: there is more after its end", ErrArray))
	}
	return s.ended()
}
