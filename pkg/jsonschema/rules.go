package jsonschema

import (
	"regexp"
	"strings"

	"github.com/julianctl/julianctl/pkg/jsonscan"
)

// schema is one schema object, compiled. What it says of values of one type
// stands apart, nil where it says nothing.
type schema struct {
	source   *source // where it stands
	at       int     // in the source
	resource *resource
	// everything and nothing are the schemas true and false.
	everything, nothing bool

	types  types
	values *values // const and enum
	number *numberRules
	text   *textRules
	array  *arrayRules
	object *objectRules
	inline *inlineRules
	// unevaluated* are what is left for when all else was looked at.
	unevaluatedItems, unevaluatedProperties *schema
}

// types is a set of JSON types.
type types uint8

const (
	typeNull types = 1 << iota
	typeBoolean
	typeInteger
	typeNumber
	typeString
	typeArray
	typeObject
)

// typeNames is the types, as bits of a set, in the order of messages.
var typeNames = [...]string{"null", "boolean", "integer", "number", "string", "array", "object"}

func typeByName(name []byte) types {
	for n, known := range typeNames {
		if string(name) == known {
			return 1 << n
		}
	}
	return 0
}

// typeOf is the type of an element's kind; of a number, whole or not.
func typeOf(kind byte) types {
	switch kind {
	case 'n':
		return typeNull
	case 't', 'f':
		return typeBoolean
	case '0':
		return typeNumber
	case '[':
		return typeArray
	case '{':
		return typeObject
	}
	return typeString
}

// names is the set in words: a string, null.
func (t types) names() (names []string) {
	for n := len(typeNames) - 1; n >= 0; n-- {
		name := typeNames[n]
		switch {
		case t&(1<<n) == 0 || name == "integer" && t&typeNumber != 0:
			continue
		case strings.IndexByte("aio", name[0]) >= 0:
			name = "an " + name
		case name != "null":
			name = "a " + name
		}
		names = append(names, name)
	}
	return names
}

// orList joins words as a sentence does.
func orList(words []string) string {
	last := len(words) - 1
	if last < 1 {
		return strings.Join(words, "")
	}
	return strings.Join(words[:last], ", ") + " or " + words[last]
}

// values is what const and enum allow.
type values struct {
	keyword string // the one that lists them
	t       *jsonscan.Index
	at      []int
	strings map[string]bool // those that are
}

func (v *values) has(t *jsonscan.Index, at int) bool {
	if t.IsString(at) {
		return v.strings[string(t.Text(at))]
	}
	for _, allowed := range v.at {
		if equal(v.t, allowed, t, at) {
			return true
		}
	}
	return false
}

// bound is one keyword that compares numbers.
type bound struct {
	comparison
	value decimal
	raw   []byte
}

// comparison is such a keyword without its value.
type comparison struct {
	keyword string
	want    string // in words
	holds   func(n, bound decimal) bool
}

type numberRules struct{ bounds []bound }

// limits is a range of a number of characters, items, members or matches.
type limits struct {
	min, max       int
	hasMin, hasMax bool
}

type textRules struct {
	length  limits
	pattern *pattern
	format  *Format
}

// pattern is a regular expression of ECMA-262.
type pattern struct {
	source string // as it stands in the schema
	*regexp.Regexp
}

type arrayRules struct {
	size     limits
	unique   bool
	prefix   []*schema
	items    *schema // nil: any
	contains *schema
	matches  limits // of contains
}

// objectRules has a slot for each name that the schema speaks of.
type objectRules struct {
	size       limits
	slots      []slot
	byName     map[string]int
	patterns   []patternSchema
	additional *schema
	names      *schema
	required   []int // slots
	// dependents are slots that ask for more when they are there.
	dependents []int
}

type slot struct {
	name     string
	property *schema // nil: any
	needs    []int   // slots of dependentRequired
	then     *schema // of dependentSchemas
}

type patternSchema struct {
	pattern *pattern
	schema  *schema
}

// slot is the index of a name's slot, made if there is none.
func (o *objectRules) slot(name string) int {
	n, ok := o.byName[name]
	if !ok {
		n = len(o.slots)
		o.slots = append(o.slots, slot{name: name})
		if o.byName == nil {
			o.byName = map[string]int{}
		}
		o.byName[name] = n
	}
	return n
}

// find is the slot of a key, or -1. Keys mostly come in the same order: next
// is the slot to try first.
func (o *objectRules) find(key []byte, next *int) int {
	if n := *next; n < len(o.slots) && o.slots[n].name == string(key) {
		*next = n + 1
		return n
	}
	n, ok := o.byName[string(key)]
	if !ok {
		return -1
	}
	*next = n + 1
	return n
}

// properties is the names that have a place.
func (o *objectRules) properties() (names []string) {
	for _, s := range o.slots {
		if s.property != nil && !s.property.nothing {
			names = append(names, s.name)
		}
	}
	return names
}

// inlineRules are schemas for the same value.
type inlineRules struct {
	all            []*schema // $ref and allOf
	dynamic        *dynamicRef
	any, one       []*schema
	not            *schema
	cond           *schema // if
	then, elseThen *schema
}

// dynamicRef is a $dynamicRef: the outermost schema with that anchor of those
// that led to it, or else the usual target.
type dynamicRef struct {
	usual  *schema
	anchor string
}

func (s *schema) numberRules() *numberRules { return lazily(&s.number) }
func (s *schema) textRules() *textRules     { return lazily(&s.text) }
func (s *schema) arrayRules() *arrayRules   { return lazily(&s.array) }
func (s *schema) objectRules() *objectRules { return lazily(&s.object) }
func (s *schema) inlineRules() *inlineRules { return lazily(&s.inline) }

func lazily[T any](p **T) *T {
	if *p == nil {
		*p = new(T)
	}
	return *p
}
