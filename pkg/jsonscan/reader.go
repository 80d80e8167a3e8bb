package jsonscan

import (
	"bytes"
	"fmt"
	"unicode/utf8"
)

// Problem is a place at which a document is not JSON as it should be.
type Problem struct {
	Class   Class
	Offset  int
	Message string // one line, such as: unexpected "x", want a value
	Hint    string // what to do about it; may be empty
	// Fatal problems make it impossible to read on.
	Fatal bool
}

// Class is what a [Problem] is about.
type Class uint8

// The classes of problems. Only the last two leave a document that decoders can
// read: they differ on what it says.
const (
	Empty    Class = iota // there is no value
	Syntax                // it is not JSON (RFC 8259)
	Encoding              // it is not UTF-8 without a byte order mark
	TooDeep               // it has more than [MaxDepth] arrays and objects inside one another
	TooMany               // it has more values than an [Index] can hold
	DuplicateKey
	UnpairedSurrogate // as in [Unpaired]
)

// maxDuplicates is how many duplicate keys are reported of a document, which may
// be hostile. Of the problems that leave a document readable, others are
// reported once.
const maxDuplicates = 100

// Reader reads one document and says what is wrong with it, and where. It is
// exact about places and takes its time: what is fast about this package are
// its functions.
//
// [Reader.Document] begins. For each value the reader's user is asked to read
// it: by [Reader.Next], which says of what kind it is, and then by the method
// for that kind, or as a whole by [Reader.Any]. Methods that report whether the
// reading may go on have reported a fatal problem if not.
type Reader struct {
	b      []byte
	i      int // the next byte
	depth  int
	path   Path
	index  *Index // what is read goes there; may be nil
	noun   string // what the document is
	report func(Problem)

	duplicates                 int
	saidEncoding, saidUnpaired bool
}

// NewReader returns a reader of b that hands problems to report, in the order in
// which it comes to them. Messages call the document by noun, such as payload.
// If index is not nil, it holds the document after the reading.
func NewReader(b []byte, noun string, index *Index, report func(Problem)) *Reader {
	if index != nil {
		index.Reset(b)
	}
	return &Reader{b: b, noun: noun, index: index, report: report}
}

// Offset is the place of the next byte.
func (r *Reader) Offset() int { return r.i }

// Path is the way to the value that is being read. It changes as reading goes
// on.
func (r *Reader) Path() Path { return r.path }

// stop reports what makes it impossible to read on, and returns false.
func (r *Reader) stop(class Class, offset int, message, hint string) bool {
	r.report(Problem{class, offset, message, hint, true})
	return false
}

func (r *Reader) syntax(offset int, message, hint string) bool {
	return r.stop(Syntax, offset, message, hint)
}

// cutOff stops at the end of a document that is not complete.
func (r *Reader) cutOff() bool {
	return r.syntax(len(r.b), "the document ends before it is complete", "is the document cut off?")
}

const asUTF8 = "save it as UTF-8 without a byte order mark"

// Document reads all of the document, whose value is read by value.
func (r *Reader) Document(value func() bool) bool {
	switch {
	case isUTF16(r.b):
		return r.stop(Encoding, 0, "is UTF-16, want UTF-8", asUTF8)
	case bytes.HasPrefix(r.b, []byte("\xef\xbb\xbf")):
		r.report(Problem{Class: Encoding, Message: "begins with a byte order mark", Hint: asUTF8})
		r.i = 3
	}
	if r.space(); r.i == len(r.b) {
		return r.stop(Empty, 0, "holds no "+r.noun, "")
	}
	if !value() {
		return false
	}
	if r.space(); r.i < len(r.b) {
		return r.syntax(r.i, r.here()+" after the end of the "+r.noun, r.syntaxHint())
	}
	return true
}

func isUTF16(b []byte) bool {
	if len(b) < 2 {
		return false
	}
	mark := string(b[:2])
	return mark == "\xff\xfe" || mark == "\xfe\xff" || b[0] == 0 && b[1] != 0 || b[0] != 0 && b[1] == 0
}

func (r *Reader) space() { r.i = Space(r.b, r.i) }

// Next is the kind of the value that begins here: its first byte, one of
// { [ " t f n, or '0' for every number.
func (r *Reader) Next() (kind byte, ok bool) {
	if r.index != nil {
		if r.index.full() {
			return 0, r.stop(TooMany, r.i, fmt.Sprintf("is more than %d values in one document", maxElements), "")
		}
		r.index.open(r.i)
	}
	if r.i == len(r.b) {
		return 0, r.cutOff()
	}
	switch kind = KindOf(r.b[r.i]); kind {
	case '{', '[':
		if r.depth == MaxDepth {
			return 0, r.stop(TooDeep, r.i, fmt.Sprintf("is more than %d arrays and objects deep", MaxDepth), "")
		}
		return kind, true
	case '"', '0':
		return kind, true
	}
	if Literal(r.b, r.i) == None {
		return 0, r.syntax(r.i, r.here()+", want a value", r.syntaxHint())
	}
	return kind, true
}

// last is the element of the value that Next has announced.
func (r *Reader) last() int {
	if r.index == nil {
		return 0
	}
	return r.index.Len() - 1
}

// close ends an element of the index.
func (r *Reader) close(at int) bool {
	if r.index != nil {
		r.index.close(at, r.i)
	}
	return true
}

// Any reads a value of any kind.
func (r *Reader) Any() bool {
	kind, ok := r.Next()
	if !ok {
		return false
	}
	switch kind {
	case '{':
		return r.Object(func([]byte, int) bool { return r.Any() })
	case '[':
		return r.Array(r.Any)
	case '"':
		_, ok := r.String(false)
		return ok
	case '0':
		return r.Number()
	}
	return r.Literal()
}

// Literal reads true, false or null.
func (r *Reader) Literal() bool {
	r.i = Literal(r.b, r.i)
	return r.close(r.last())
}

// Object reads an object. The value of each member is read by member, which
// gets the text of the key and its offset.
func (r *Reader) Object(member func(key []byte, offset int) bool) bool {
	at := r.last()
	r.depth++
	r.i++
	var seen keySet
	for more := true; more; {
		if r.space(); r.i == len(r.b) {
			return r.cutOff()
		}
		if r.b[r.i] == '}' && seen.size == 0 {
			r.i++
			break
		}
		key, ok := r.key()
		if !ok {
			return false
		}
		r.path = append(r.path, Step{Key: key.name})
		if first, twice := seen.add(key); twice {
			r.duplicate(first, key.offset)
		}
		if !member(key.name, key.offset) {
			return false
		}
		r.path = r.path[:len(r.path)-1]
		if more, ok = r.next('}'); !ok {
			return false
		}
	}
	r.depth--
	return r.close(at)
}

// next reads what follows a member or an item: a comma, behind which there is
// one more, or the closing bracket.
func (r *Reader) next(closing byte) (more, ok bool) {
	if r.space(); r.i == len(r.b) {
		return false, r.cutOff()
	}
	c := r.b[r.i]
	if c != ',' && c != closing {
		return false, r.syntax(r.i, r.here()+`, want "," or "`+string(rune(closing))+`"`, r.missingComma())
	}
	r.i++
	return c == ',', true
}

// key reads a key, the colon and the white space before the value.
func (r *Reader) key() (k key, ok bool) {
	if r.b[r.i] != '"' {
		return k, r.syntax(r.i, r.here()+", want a key in double quotes", r.keyHint())
	}
	k.offset = r.i
	if r.index != nil {
		r.index.open(r.i)
	}
	if k.name, ok = r.String(true); !ok {
		return k, false
	}
	if r.space(); r.i == len(r.b) {
		return k, r.cutOff()
	} else if r.b[r.i] != ':' {
		return k, r.syntax(r.i, fmt.Sprintf(`%s, want ":" after the key %s`, r.here(), Quote(k.name)), r.syntaxHint())
	}
	r.i++
	r.space()
	return k, true
}

// duplicate reports a key that stood at first before.
func (r *Reader) duplicate(first, offset int) {
	if r.duplicates == maxDuplicates {
		return
	}
	r.duplicates++
	where := "on the same line"
	if lines := bytes.Count(r.b[first:offset], []byte{'\n'}); lines > 0 {
		where = fmt.Sprintf("%d lines above", lines)
	}
	r.report(Problem{Class: DuplicateKey, Offset: offset, Message: "is given twice, first " + where})
}

// key is a key of an object and where it stands.
type key struct {
	name   []byte
	offset int
}

// keySet is the keys of an object. Few are compared each with each: that costs
// less than a map.
type keySet struct {
	size int
	few  [32]key
	many map[string]int // offsets of those that came later
}

// add returns where the key stood before, if it did.
func (s *keySet) add(k key) (first int, twice bool) {
	for i := range min(s.size, len(s.few)) {
		if string(s.few[i].name) == string(k.name) {
			return s.few[i].offset, true
		}
	}
	if s.size < len(s.few) {
		s.few[s.size] = k
		s.size++
		return 0, false
	}
	if first, twice = s.many[string(k.name)]; twice {
		return first, true
	}
	if s.many == nil {
		s.many = map[string]int{}
	}
	s.many[string(k.name)] = k.offset
	s.size++
	return 0, false
}

// Array reads an array, each item by item.
func (r *Reader) Array(item func() bool) bool {
	at := r.last()
	r.depth++
	r.i++
	more := true
	if r.space(); At(r.b, r.i) == ']' {
		r.i++
		more = false
	}
	for n := 0; more; n++ {
		if r.space(); At(r.b, r.i) == ']' {
			return r.syntax(r.i, r.here()+", want a value", "remove the comma before it")
		}
		r.path = append(r.path, Step{Index: n})
		if !item() {
			return false
		}
		r.path = r.path[:len(r.path)-1]
		var ok bool
		if more, ok = r.next(']'); !ok {
			return false
		}
	}
	r.depth--
	return r.close(at)
}

// String reads a string and returns its [Text] if it is wanted: it may be long.
// Bytes that are not UTF-8 stay as they are.
func (r *Reader) String(wanted bool) (text []byte, ok bool) {
	begin, at := r.i, r.last()
	end, form := String(r.b, r.i)
	if end != None && form != Unpaired {
		r.i = end
	} else if !r.oddString() {
		return nil, false
	}
	if wanted {
		text = Text(r.b[begin:r.i])
	}
	return text, r.close(at)
}

// oddString reads a string byte by byte, and reports what is wrong with it.
func (r *Reader) oddString() bool {
	begin := r.i
	r.i++
	for r.i < len(r.b) {
		switch c := r.b[r.i]; {
		case c == '"':
			r.i++
			return true
		case c == '\\':
			if !r.escape() {
				return false
			}
		case c == '\n' || c == '\r':
			return r.syntax(r.i, "line end in a string", `close the string, or write the line end as \n`)
		case c < ' ':
			return r.syntax(r.i, fmt.Sprintf("control character U+%04X in a string", c), fmt.Sprintf(`write it as \u%04x`, c))
		case c < utf8.RuneSelf:
			r.i++
		default:
			char, size := utf8.DecodeRune(r.b[r.i:])
			if char == utf8.RuneError && size == 1 && !r.saidEncoding {
				r.saidEncoding = true
				r.report(Problem{Class: Encoding, Offset: r.i, Message: fmt.Sprintf("byte 0x%02X is not UTF-8", c), Hint: "save it as UTF-8"})
			}
			r.i += size
		}
	}
	return r.syntax(begin, "string is not closed", "is the document cut off?")
}

// escape reads what begins with a backslash.
func (r *Reader) escape() bool {
	begin := r.i
	end, half := escape(r.b, begin+1)
	if end == None {
		return r.wrongEscape()
	}
	r.i = end
	if !half || r.saidUnpaired {
		return true
	}
	first, _ := Hex4(r.b, begin+2)
	if _, ok := Hex4(r.b, end+2); first < 0xdc00 && !ok && bytes.HasPrefix(r.b[end:], []byte(`\u`)) {
		return true // the escape that was to be the other half is wrong
	}
	r.saidUnpaired = true
	r.report(Problem{
		Class: UnpairedSurrogate, Offset: begin, Message: fmt.Sprintf(`\u%04x is half of a surrogate pair`, first),
		Hint: "it stands for no character: the text was probably cut in the middle of one",
	})
	return true
}

// wrongEscape says what is wrong with the escape that begins here.
func (r *Reader) wrongEscape() bool {
	begin := r.i
	r.i++
	switch At(r.b, r.i) {
	case 'u':
		for r.i++; Unhex(At(r.b, r.i)) >= 0; {
			r.i++
		}
		if r.i < len(r.b) {
			return r.syntax(begin, r.here()+` in \u, want four hexadecimal digits`, "")
		}
	default:
		if r.i < len(r.b) {
			return r.syntax(begin, r.here()+` after \ in a string`, `write a backslash as \\`)
		}
	}
	return r.cutOff()
}

// Number reads a number of any size and precision.
func (r *Reader) Number() bool {
	begin, at := r.i, r.last()
	end, ok := number(r.b, r.i)
	r.i = end
	switch c := At(r.b, end); {
	case !ok && end == len(r.b):
		return r.cutOff()
	case !ok:
		return r.syntax(end, r.here()+" in a number, want a digit", r.syntaxHint())
	case '0' <= c && c <= '9': // behind a zero
		return r.syntax(begin, "number begins with 0", "remove the zero, or put the value in double quotes")
	}
	return r.close(at)
}
