package redact

import (
	"bytes"
	"cmp"
	"slices"
	"strings"

	"github.com/julianctl/julianctl/pkg/freetext"
	"github.com/julianctl/julianctl/pkg/jsonscan"
	"github.com/julianctl/julianctl/pkg/letters"
	"github.com/julianctl/julianctl/pkg/pseudonym"
)

// pass is the work on one payload.
type pass struct {
	*Redactor
	body, out []byte
	done      int // body[:done] is in out
	leaves    []leaf
	pointers  []byte // of the leaves
	pointer   []byte // of the value at hand
	keys      map[string]string
	heard     bool // a language was looked for in the transcript
	scratch   []byte
}

// leaf is a value that is no object or array, or a key that is not the
// product's own.
type leaf struct {
	from, to  int
	pointer   [2]int // where it stands in pointers; that of a key's value for a key
	treatment treatment
	key       bool
	names     bool // a variable for somebody's name
}

// Payload returns body with its personal data replaced. The error is
// [ErrNotPayload].
func (r *Redactor) Payload(body []byte) ([]byte, error) { return r.appendTo(nil, body) }

// appendTo is Payload into memory that is there.
func (r *Redactor) appendTo(dst, body []byte) ([]byte, error) {
	start := jsonscan.Space(body, 0)
	end := jsonscan.Value(body, start, jsonscan.MaxDepth)
	if end == jsonscan.None || body[start] != '{' || jsonscan.Space(body, end) < len(body) {
		return dst, ErrNotPayload
	}
	p, t := &r.pass, r.text
	p.Redactor, p.body, p.out, p.done = r, body, dst, 0
	p.leaves, p.pointers, p.pointer = p.leaves[:0], p.pointers[:0], p.pointer[:0]
	t.Usual, t.Names, t.IDs, p.keys, p.heard = 0, t.Names[:0], t.IDs[:0], nil, false
	p.walk(start)
	for i := range p.leaves {
		p.learn(&p.leaves[i])
	}
	slices.SortFunc(t.IDs, func(a, b string) int { return cmp.Or(len(b)-len(a), strings.Compare(a, b)) })
	for i := range p.leaves {
		p.leaf(&p.leaves[i])
	}
	dst = append(p.out, body[p.done:]...)
	p.body, p.out = nil, nil
	return dst, nil
}

// walk adds the leaves of the value at i, which was found correct, and returns
// the index behind it.
func (p *pass) walk(i int) int {
	depth, b := len(p.pointer), p.body
	var end int
	switch b[i] {
	case '{':
		end = jsonscan.Object(b, i, func(quoted []byte, i int) int {
			p.pointer = append(p.pointer, '/')
			for _, c := range jsonscan.Text(quoted) {
				switch c {
				case '~':
					p.pointer = append(p.pointer, "~0"...)
				case '/':
					p.pointer = append(p.pointer, "~1"...)
				default:
					p.pointer = append(p.pointer, c)
				}
			}
			if _, documented := fields()[string(p.pointer)]; !documented {
				from := cap(b) - cap(quoted)
				p.add(leaf{from: from, to: from + len(quoted), key: true})
			}
			i = p.walk(i)
			p.pointer = p.pointer[:depth]
			return i
		})
	case '[':
		p.pointer = append(p.pointer, "/*"...)
		for end = jsonscan.Space(b, i+1); b[end] != ']'; {
			if end = jsonscan.Space(b, p.walk(end)); b[end] == ',' {
				end = jsonscan.Space(b, end+1)
			}
		}
		end++
	default:
		end = jsonscan.Value(b, i, 1)
		if t := treatmentOf(p.pointer); t != keep {
			p.add(leaf{from: i, to: end, treatment: t, names: t == asName || t == asText && namesSomeone(p.pointer)})
		}
	}
	p.pointer = p.pointer[:depth]
	return end
}

func (p *pass) add(l leaf) {
	l.pointer[0] = len(p.pointers)
	p.pointers = append(p.pointers, p.pointer...)
	l.pointer[1] = len(p.pointers)
	p.leaves = append(p.leaves, l)
}

// at makes the pointer of l that of the value at hand, and returns the text of
// l. It reports false if l is no string.
func (p *pass) at(l *leaf) (s string, ok bool) {
	p.pointer = append(p.pointer[:0], p.pointers[l.pointer[0]:l.pointer[1]]...)
	if p.body[l.from] != '"' {
		return string(p.body[l.from:l.to]), false
	}
	return string(jsonscan.Text(p.body[l.from:l.to])), true
}

// learn collects the names and ids that other fields may repeat, and the
// language of the transcript.
func (p *pass) learn(l *leaf) {
	pointer := p.pointers[l.pointer[0]:l.pointer[1]]
	transcript, summary := string(pointer) == "/callResult/transcription", string(pointer) == "/callResult/summary" && !p.heard
	if l.key || !l.names && l.treatment != asID && !transcript && !summary {
		return
	}
	switch s, ok := p.at(l); {
	case !ok:
	case l.names && len(s) < 100:
		for name := range letters.Words(letters.Fold(s)) {
			if len(name) > 1 && !p.lex.IsTitle(name) && !p.lex.IsParticle(name) && !slices.Contains(p.text.Names, name) {
				p.text.Names = append(p.text.Names, name)
			}
		}
	case l.treatment == asID && len(s) >= 6:
		p.text.IDs = append(p.text.IDs, s)
	case transcript && len(s) > 20, summary:
		p.text.Recognize(s)
		p.heard = transcript
	}
}

// leaf replaces what is personal in a key or value.
func (p *pass) leaf(l *leaf) {
	s, text := p.at(l)
	switch {
	case l.key:
		p.key(l, s)
	case s == "":
	case text:
		p.text.Counts = p.count(p.pointer)
		p.scratch = p.string(p.scratch[:0], l, s)
		if string(p.scratch) != s {
			p.out = jsonscan.AppendString(append(p.out, p.body[p.done:l.from]...), p.scratch)
			p.done = l.to
		}
	case s[0] == '-' || '0' <= s[0] && s[0] <= '9':
		// Long numbers in places that are not documented may be ids, phone
		// numbers or coordinates.
		if mantissa, _, _ := strings.Cut(letters.Fold(s), "e"); len(letters.Digits(mantissa)) >= 5 {
			p.count(p.pointer)[Number]++
			p.replace(l, []byte(p.Numeral(s)))
		}
	}
}

func (p *pass) replace(l *leaf, with []byte) {
	p.out = append(append(p.out, p.body[p.done:l.from]...), with...)
	p.done = l.to
}

// key replaces a key that holds personal data, or counts it. Pointers have a *
// in its place in either case.
func (p *pass) key(l *leaf, s string) {
	personal := strings.Contains(s, "@") || len(letters.Digits(s)) >= 7
	for word := range letters.Words(letters.Fold(s)) {
		personal = personal || slices.Contains(p.text.Names, word) && !p.lex.IsCommon(word)
	}
	if !personal {
		return
	}
	object := p.pointer[:bytes.LastIndexByte(p.pointer, '/')]
	for i := range p.leaves {
		from, to := p.leaves[i].pointer[0], &p.leaves[i].pointer[1]
		if rest, below := bytes.CutPrefix(p.pointers[from:*to], p.pointer); below && (len(rest) == 0 || rest[0] == '/') {
			*to = from + len(object) + copy(p.pointers[from+len(object):], append([]byte("/*"), rest...))
		}
	}
	if !p.options.Keys {
		p.KeysLeft[string(object)]++
		return
	}
	p.count(object)[Key]++
	other := p.Mixed(s)
	if strings.Count(s, "@") == 1 {
		other = p.Email(s)
	}
	for p.keys[string(object)+"/"+other] != "" {
		other = p.Mixed(other) // two keys of an object stay two
	}
	if p.keys == nil {
		p.keys = map[string]string{}
	}
	p.keys[string(object)+"/"+other] = s
	p.replace(l, jsonscan.AppendString(nil, other))
}

// form is what a whole string is.
type form int

const (
	someText form = iota
	aTime
	aNumber
	anEmail
)

func formOf(s string) form {
	switch at := strings.IndexByte(s, '@'); {
	case freetext.IsTime(s):
		return aTime
	case at > 0 && strings.LastIndexByte(s, '@') == at && strings.LastIndexByte(s, '.') > at+1 && !strings.ContainsAny(s, " \t\n"):
		return anEmail
	case len(s) > 6 && strings.Trim(s, "0123456789 ().-/+\t") == "" && len(letters.Digits(s)) > 2 && strings.LastIndexByte(s, '+') <= 0 && !pseudonym.IsDate(s):
		return aNumber
	}
	return someText
}

// string adds what becomes of the string at p.pointer.
func (p *pass) string(dst []byte, l *leaf, s string) []byte {
	one := func(kind Kind, with string) []byte {
		if with != s {
			p.text.Counts[kind]++
		}
		return append(dst, with...)
	}
	t, f := l.treatment, formOf(s)
	switch {
	case f == aTime && t != asName:
		return append(dst, s...)
	case t == asPhone, t == asText && f == aNumber, t == asName && f == aNumber && s[0] == '+':
		return one(Phone, p.Phone(s))
	case t == asExtension:
		return one(Phone, p.Mixed(s))
	case (t == asEmail || t == asID) && f == anEmail:
		return one(Email, p.Email(s))
	case t == asID, t == asText && pseudonym.IsUUID(s):
		return one(ID, p.Maker.ID(s))
	case t == asLink:
		return one(Link, p.Maker.Link(s, p.text.IDs))
	case t == asName, l.names && f == someText && len(s) < 100:
		return p.name(dst, s)
	}
	return p.text.Append(dst, s)
}

// name replaces every word of a name, and its digits: where nobody knows the
// name, the number stands for it.
func (p *pass) name(dst []byte, s string) []byte {
	if digits := p.Digits(s); digits != s {
		p.text.Counts[Number]++
		s = digits
	}
	return append(dst, letters.EachWord(s, func(word string) string {
		if p.lex.IsTitle(word) || len(word) == 1 {
			return word
		}
		p.text.Counts[Name]++
		return p.Word(word)
	})...)
}
