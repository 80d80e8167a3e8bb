// Package redact replaces the personal data in payloads by pseudonyms, so that
// recorded calls can become fixtures.
//
// A pseudonym follows from the value and a key: the same person is the same
// stranger in every payload that was redacted with one key, and nobody without
// the key can tell who. Types, lengths and formats stay, so a payload that was
// correct stays correct, and ids that were equal stay equal. Bytes outside the
// replaced values are not touched.
//
// What is personal in free text is a guess that errs on the side of replacing:
// every capitalised word that is not among the common words of a few
// languages, what follows "my name is" and its like, numbers, addresses,
// spelled words. It cannot promise that nothing is left: a name that a
// transcript writes in small letters and nothing announces stays. A person
// should read what is about to be shared.
package redact

import (
	"bytes"
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/julianctl/julianctl/pkg/jsonscan"
	"github.com/julianctl/julianctl/pkg/julian"
	"github.com/tidwall/gjson"
)

// Kind is what was replaced.
type Kind string

// The kinds, in the order in which a report has them.
const (
	Name    Kind = "name"    // of people, companies and places, word by word
	Phone   Kind = "phone"   // in a field that holds a phone number
	Email   Kind = "e-mail"  // written or spoken
	Number  Kind = "number"  // digits or number words in free text
	Address Kind = "address" // a house number; street names count as names
	Link    Kind = "link"
	ID      Kind = "id" // of a call, a sequence or a CRM
)

// Kinds is every kind.
var Kinds = []Kind{Name, Phone, Email, Number, Address, Link, ID}

// Report counts what was replaced, by the pointer of the field (with * for
// every item of an array) and the kind. It holds none of the values.
type Report map[Place]int

// Place is where something was replaced, and what it was.
type Place struct {
	Pointer string
	Kind    Kind
}

// MinKey is the least number of bytes of a key.
const MinKey = 16

// ErrShortKey is a key of less than [MinKey] bytes.
var ErrShortKey = fmt.Errorf("key is shorter than %d bytes", MinKey)

// ErrNotPayload is a body that is no JSON object, or has more levels than
// [jsonscan.MaxDepth].
var ErrNotPayload = errors.New("is no JSON object")

// Redactor replaces personal data. It is not safe for concurrent use.
type Redactor struct {
	Report Report // of all payloads so far
	secret []byte
}

// New returns a redactor whose pseudonyms follow from key. The error is
// [ErrShortKey].
func New(key []byte) (*Redactor, error) {
	if len(key) < MinKey {
		return nil, ErrShortKey
	}
	return &Redactor{Report: Report{}, secret: bytes.Clone(key)}, nil
}

// treatment is what happens to the strings of a field.
type treatment int

const (
	asText treatment = iota // free text; also of every field that is not documented
	keep
	asName
	asPhone
	asExtension
	asEmail
	asID
	asLink
)

// treatments are those of documented fields that are not free text. Fields
// with a fixed set of values, times and zones are kept.
var treatments = map[string]treatment{
	"/agentId":                    keep,
	"/agentName":                  keep,
	"/callId":                     asID,
	"/name":                       asName,
	"/phoneNumber":                asPhone,
	"/phoneNumberExt":             asExtension,
	"/fromPhoneNumber":            asPhone,
	"/callUrl":                    asLink,
	"/sequence/sequenceId":        asID,
	"/callResult/outcomes/*/name": keep,
	"/callResult/followUpMeetingDetails/hostEmail": asEmail,
}

func treatmentOf(pointer string) treatment {
	if t, ok := treatments[pointer]; ok {
		return t
	}
	for _, f := range julian.Fields {
		if f.Pointer != pointer {
			continue
		}
		if f.Enum != nil || f.Format == julian.DateTime || f.Format == julian.Zone {
			return keep
		}
		if strings.HasSuffix(pointer, "/status") || strings.HasSuffix(pointer, "/actionKey") || strings.HasSuffix(pointer, "/completedAt") {
			return keep
		}
	}
	if strings.HasPrefix(pointer, "/crmSchedulingDetails/") {
		return asID
	}
	return asText
}

// Payload returns body with its personal data replaced. The error is
// [ErrNotPayload].
func (r *Redactor) Payload(body []byte) ([]byte, error) {
	if !json.Valid(body) || jsonscan.Deep(body) {
		return nil, ErrNotPayload
	}
	root := gjson.ParseBytes(body)
	if !root.IsObject() {
		return nil, ErrNotPayload
	}
	p := &pass{r: r, body: body, known: map[string]bool{}, ids: map[string]string{}}
	p.lang = languageOf(root.Get("callResult.transcription").Str+" "+root.Get("callResult.summary").Str, unknownLanguage)
	p.learn("", root)
	for name := range p.known {
		if !cased(name) && utf8.RuneCountInString(name) > 1 {
			p.uncasedNames = append(p.uncasedNames, name)
		}
	}
	p.idsByLength = slices.Collect(maps.Keys(p.ids))
	for _, list := range [][]string{p.uncasedNames, p.idsByLength} {
		slices.SortFunc(list, func(a, b string) int { return cmp.Or(len(b)-len(a), strings.Compare(a, b)) })
	}
	p.value(root)
	return append(p.out, body[p.done:]...), nil
}

// pass is the work on one payload.
type pass struct {
	r     *Redactor
	body  []byte
	out   []byte
	done  int               // body[:done] is in out
	known map[string]bool   // words of this payload's names, in small letters
	ids   map[string]string // of this payload, with their pseudonyms
	lang  language          // of the payload's talk
	// uncasedNames are the names of scripts without capitals, and idsByLength
	// the ids, the longest first.
	uncasedNames, idsByLength []string
}

// learn collects the names and ids that other fields may repeat.
func (p *pass) learn(pointer string, v gjson.Result) {
	p.each(pointer, v, func(pointer, key string, v gjson.Result) {
		if v.Type != gjson.String {
			return
		}
		switch t := treatmentOf(pointer); {
		case t == asName || t == asText && namesSomeone(key):
			for word := range words(v.Str) {
				if len(word) > 1 && !titles.has(word) && !particles.has(word) {
					p.known[strings.ToLower(word)] = true
				}
			}
		case t == asID && len(v.Str) >= 6:
			p.ids[v.Str] = p.r.id(v.Str)
		}
	})
}

// namesSomeone reports whether a variable of that name holds a name.
func namesSomeone(key string) bool {
	key = strings.ToLower(key)
	for _, part := range []string{"name", "contact", "company", "customer", "prospect", "person", "client", "firma", "nom", "vorname"} {
		if strings.Contains(key, part) {
			return true
		}
	}
	return false
}

// each calls see for every leaf of v.
func (p *pass) each(pointer string, v gjson.Result, see func(pointer, key string, v gjson.Result)) {
	if !v.IsObject() && !v.IsArray() {
		see(pointer, pointer[strings.LastIndexByte(pointer, '/')+1:], v)
		return
	}
	array := v.IsArray()
	v.ForEach(func(key, value gjson.Result) bool {
		name := "*"
		if !array {
			name = strings.NewReplacer("~", "~0", "/", "~1").Replace(key.Str)
		}
		p.each(pointer+"/"+name, value, see)
		return true
	})
}

// value replaces what is personal in v, in the order of the bytes.
func (p *pass) value(v gjson.Result) {
	p.each("", v, func(pointer, key string, v gjson.Result) {
		switch v.Type {
		case gjson.String:
			if replaced := p.text(pointer, key, v.Str); replaced != v.Str {
				p.replace(v, quote(replaced))
			}
		case gjson.Number:
			if replaced := p.number(pointer, v.Raw); replaced != v.Raw {
				p.replace(v, replaced)
			}
		}
	})
}

func (p *pass) replace(v gjson.Result, with string) {
	p.out = append(p.out, p.body[p.done:v.Index]...)
	p.out = append(p.out, with...)
	p.done = v.Index + len(v.Raw)
}

// quote writes a JSON string that changes no more characters than it must.
func quote(s string) string { return string(jsonscan.AppendString(nil, s)) }

// text is what becomes of the string at pointer.
func (p *pass) text(pointer, key, s string) string {
	if s == "" {
		return s
	}
	seen := func(kind Kind) { p.r.Report[Place{pointer, kind}]++ }
	switch treatmentOf(pointer) {
	case keep:
		return s
	case asName:
		return p.name(s, seen)
	case asPhone:
		seen(Phone)
		return p.r.phone(s)
	case asExtension:
		seen(Phone)
		return p.r.mixed(s)
	case asEmail:
		if strings.Count(s, "@") == 1 {
			seen(Email)
			return p.r.email(s)
		}
	case asID:
		if looksLike(s) == nothing {
			seen(ID)
			return p.r.id(s)
		}
	case asLink:
		replaced := p.link(s)
		if replaced != s {
			seen(Link)
		}
		return replaced
	}
	if namesSomeone(key) && looksLike(s) == nothing && len(s) < 100 {
		return p.name(s, seen)
	}
	return p.free(s, seen)
}

// ownLinks is the platform that links of calls lead to.
const ownLinks = "https://julian.11x.ai/"

// link is what becomes of a URL. Of one into the platform the path stays, but
// for the ids in it; what follows the path may say anything.
func (p *pass) link(s string) string {
	if !strings.HasPrefix(s, ownLinks) {
		return p.r.link(s)
	}
	end := strings.IndexAny(s, "?#")
	if end < 0 {
		end = len(s)
	}
	parts := strings.Split(s[len(ownLinks):end], "/")
	for i, part := range parts {
		if pseudonym, known := p.ids[part]; known {
			parts[i] = pseudonym
		} else if strings.ContainsAny(part, "0123456789@%") {
			parts[i] = p.r.path(part)
		}
	}
	return ownLinks + strings.Join(parts, "/") + p.r.path(s[end:])
}

// name replaces every word of s, and its digits: where nobody knows the name,
// the number stands for it.
func (p *pass) name(s string, seen func(Kind)) string {
	if strings.HasPrefix(s, "+") && looksLike(s) == aPhone {
		seen(Phone)
		return p.r.phone(s)
	}
	if digits := p.r.digits(s); digits != s {
		seen(Number)
		s = digits
	}
	return eachWord(s, func(word string) string {
		if titles.has(word) || cased(word) && utf8.RuneCountInString(word) < 2 {
			return word
		}
		seen(Name)
		return p.r.word(word)
	})
}

// number is what becomes of a JSON number: long ones in places that are not
// documented may be ids, phone numbers or coordinates.
func (p *pass) number(pointer, raw string) string {
	if treatmentOf(pointer) == keep || pointer == "/duration" {
		return raw
	}
	mantissa, _, _ := strings.Cut(strings.ToLower(raw), "e")
	if len(onlyDigits(mantissa)) < 5 {
		return raw
	}
	p.r.Report[Place{pointer, Number}]++
	return p.r.numeral(raw)
}
