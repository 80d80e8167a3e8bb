// Package redact replaces the personal data in payloads by pseudonyms, so that
// recorded calls can become fixtures.
//
// A pseudonym follows from the value and a key: the same person is the same
// stranger in every payload that was redacted with one key, and nobody without
// the key can tell who. Types, lengths and formats stay, so a payload that was
// correct stays correct, and ids that were equal stay equal. Bytes outside the
// replaced values are not touched.
//
// In free text a word stays if it is known to be harmless: it is among the
// common words of its language, which are without the names of people, places
// and brands, and nothing around it makes it a name. All others become
// pseudonyms, and so do numbers, addresses and ids. Names that consist of common
// words alone can be left where nothing announces them: a person should read
// what is about to be shared.
package redact

import (
	"bytes"
	"cmp"
	"errors"
	"fmt"
	"maps"
	"strings"
	"sync"

	"github.com/julianctl/julianctl/pkg/freetext"
	"github.com/julianctl/julianctl/pkg/julian"
	"github.com/julianctl/julianctl/pkg/letters"
	"github.com/julianctl/julianctl/pkg/pseudonym"
)

// Kind is what was replaced.
type Kind = freetext.Kind

// The kinds.
const (
	Name    = freetext.Name
	Word    = freetext.Word
	Phone   = Kind("phone") // in a field that holds a phone number
	Email   = freetext.Email
	Number  = freetext.Number
	Address = freetext.Address
	Link    = freetext.Link
	ID      = freetext.ID
	Key     = Kind("key") // of an object, which holds one of the others
)

// Kinds is every kind, in the order in which a report has them.
var Kinds = []Kind{Name, Word, Phone, Email, Number, Address, Link, ID, Key}

// Place is where something was replaced, and what it was.
type Place struct {
	Pointer string // with * for every item of an array, and for a personal key
	Kind    Kind
}

// Options say what to replace. The zero value is the default.
type Options struct {
	Level freetext.Level // empty: Words
	Keep  []string       // words that stay in free text
	Keys  bool           // also replace keys of objects that hold personal data
}

// MinKey is the least number of bytes of a key.
const MinKey = 16

// ErrShortKey is a key of less than [MinKey] bytes.
var ErrShortKey = fmt.Errorf("key is shorter than %d bytes", MinKey)

// ErrNotPayload is a body that is no JSON object, or has more than 128 levels.
var ErrNotPayload = errors.New("is no JSON object")

// Redactor replaces personal data. It is not safe for concurrent use; see
// [Redactor.Fork].
type Redactor struct {
	*pseudonym.Maker
	// KeysLeft counts the keys that hold personal data and were not replaced, by
	// the pointer of their object.
	KeysLeft map[string]int

	counts  map[string]map[Kind]int // by pointer
	options Options
	secret  []byte
	lex     *freetext.Lexicon
	text    *freetext.Text
	source  string                    // where the words in text.Kept were left
	files   map[string]map[string]int // how often words were left, by source
	pass    pass                      // memory for the next payload
}

// New returns a redactor whose pseudonyms follow from key. The error is
// [ErrShortKey].
func New(key []byte, o Options) (*Redactor, error) {
	if len(key) < MinKey {
		return nil, ErrShortKey
	}
	o.Level = cmp.Or(o.Level, freetext.Words)
	return newRedactor(bytes.Clone(key), o, freetext.Load().With(o.Keep)), nil
}

func newRedactor(key []byte, o Options, l *freetext.Lexicon) *Redactor {
	m := pseudonym.New(key, l.Has)
	return &Redactor{
		Maker: m, KeysLeft: map[string]int{}, counts: map[string]map[Kind]int{}, options: o, secret: key, lex: l,
		text:  &freetext.Text{Maker: m, Lexicon: l, Level: o.Level, Kept: make([]uint32, l.Len())},
		files: map[string]map[string]int{},
	}
}

// Fork returns a redactor that gives the same pseudonyms, for use beside r.
func (r *Redactor) Fork() *Redactor { return newRedactor(r.secret, r.options, r.lex) }

// Report counts what was replaced in all payloads so far. It holds none of the
// values.
func (r *Redactor) Report() map[Place]int {
	all := map[Place]int{}
	for pointer, counts := range r.counts {
		for kind, n := range counts {
			all[Place{pointer, kind}] = n
		}
	}
	return all
}

// count is what was replaced in the field at pointer so far.
func (r *Redactor) count(pointer []byte) map[Kind]int {
	counts, found := r.counts[string(pointer)]
	if !found {
		counts = map[Kind]int{}
		r.counts[string(pointer)] = counts
	}
	return counts
}

// Join adds the counts of a fork to those of r.
func (r *Redactor) Join(fork *Redactor) {
	for pointer, counts := range fork.counts {
		for kind, n := range counts {
			r.count([]byte(pointer))[kind] += n
		}
	}
	for pointer, n := range fork.KeysLeft {
		r.KeysLeft[pointer] += n
	}
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

// treatments are those of documented fields that are not free text. Fields with
// a fixed set of values, times and zones are kept.
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

// fields has the treatment of every documented field.
var fields = sync.OnceValue(func() map[string]treatment {
	all := map[string]treatment{}
	for _, f := range julian.Fields {
		t := asText
		if f.Enum != nil || f.Format == julian.DateTime || f.Format == julian.Zone || f.Kind == julian.Number ||
			strings.HasSuffix(f.Pointer, "/status") || strings.HasSuffix(f.Pointer, "/actionKey") || strings.HasSuffix(f.Pointer, "/completedAt") {
			t = keep
		}
		all[f.Pointer] = t
	}
	maps.Copy(all, treatments)
	return all
})

// treatmentOf is that of the field at pointer.
func treatmentOf(pointer []byte) treatment {
	if t, documented := fields()[string(pointer)]; documented {
		return t
	}
	if bytes.HasPrefix(pointer, []byte("/crmSchedulingDetails/")) {
		return asID
	}
	return asText
}

// namesSomeone reports whether a variable of that name holds a name.
func namesSomeone(pointer []byte) bool {
	var memory [64]byte
	key := letters.AppendFold(memory[:0], string(pointer[bytes.LastIndexByte(pointer, '/')+1:]))
	for _, part := range []string{"name", "contact", "company", "customer", "prospect", "person", "client", "firma", "nom", "vorname"} {
		if bytes.Contains(key, []byte(part)) {
			return true
		}
	}
	return false
}

// Holds tells what a field, or a variable of that name, holds beside free text:
// [Name], [Phone], [Email], [Link] or [ID]. What is kept holds nothing personal.
func Holds(pointer string) (kind Kind, kept bool) {
	switch t := treatmentOf([]byte(pointer)); {
	case t == asText && namesSomeone([]byte(pointer)):
		return Name, false
	default:
		return map[treatment]Kind{asName: Name, asPhone: Phone, asExtension: Phone, asEmail: Email, asLink: Link, asID: ID}[t], t == keep
	}
}
