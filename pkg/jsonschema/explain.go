package jsonschema

import (
	"fmt"
	"slices"
	"strings"

	"github.com/julianctl/julianctl/pkg/jsonscan"
	"github.com/julianctl/julianctl/pkg/spelling"
	"github.com/julianctl/julianctl/pkg/units"
)

// Failure is a place at which a document does not fit a schema.
type Failure struct {
	Offset int // of the value, or of the key that should not be there
	// Keyword is what the value does not fit; "" where the schema is false, or
	// where it is not known.
	Keyword string

	failure failure
	e       *evaluation
}

// Explanation is a [Failure] as the user reads it.
type Explanation struct {
	Path    jsonscan.Path // to the value; of a missing one, the path it should have
	Message string        // one line, with the place of the keyword in the schema
	Hint    string        // what to do about it; may be empty
}

// Failures goes through the places at which a document does not fit, most of
// them: of a hostile document there may be millions.
func (s *Schema) Failures(doc *jsonscan.Index) func(yield func(Failure) bool) {
	return func(yield func(Failure) bool) {
		e := &evaluation{Index: *doc, program: s}
		if e.evaluateAt(0, true) {
			return
		}
		if e.gaveUp {
			yield(Failure{Offset: e.Offset(0), failure: failure{keyword: tooLong}, e: e})
			return
		}
		type place struct {
			at, n, m int
			schema   *schema
			keyword  string
		}
		seen := map[place]bool{}
		for _, f := range e.found {
			key := place{f.at, f.n, f.m, f.schema, f.keyword}
			if !seen[key] && !yield(Failure{e.Offset(f.at), f.publicKeyword(), f, e}) {
				return
			}
			seen[key] = true
		}
	}
}

// tooLong stands in place of a keyword if a document takes too long.
const tooLong = "too long"

// publicKeyword is the keyword that a failure is about: of alternatives that
// fail in the same way, that of each.
func (f *failure) publicKeyword() string {
	switch {
	case f.branches != nil:
		return f.branches[0].publicKeyword()
	case f.keyword == whole:
		return ""
	}
	return f.keyword
}

// Explain puts a failure into words, which for a deep document costs much.
func (f Failure) Explain() Explanation {
	if f.failure.keyword == tooLong {
		return Explanation{
			Message: "cannot be held against the schema: that takes too long",
			Hint:    "the schema leads back to itself, or doubles the work at each level of the document",
		}
	}
	x := f.e.explain(f.failure)
	x.Message += f.failure.place()
	return x
}

func (e *evaluation) explain(f failure) Explanation {
	x := Explanation{Path: e.Path(f.at)}
	switch f.keyword {
	case "required":
		x.missing(e, f, f.n, "is missing")
	case "dependentRequired":
		x.missing(e, f, f.n, "is missing, since "+jsonscan.Quote([]byte(f.schema.object.slots[f.m].name))+" is there")
	default:
		x.Message, x.Hint = e.message(f)
		if keyword := f.publicKeyword(); e.IsKey(f.at) && keyword != "additionalProperties" && keyword != "unevaluatedProperties" {
			x.Message = "its key " + x.Message
		}
	}
	return x
}

// place is the place of a failure's keyword in the schema, in brackets.
func (f *failure) place() string {
	if f.of > 1 {
		return fmt.Sprintf(" (%s, nearest of %d)", f.schema.place(f.keyword), f.of)
	}
	return " (" + f.schema.place(f.keyword) + ")"
}

// missing is about a key that is not there.
func (x *Explanation) missing(e *evaluation, f failure, n int, message string) {
	name := f.schema.object.slots[n].name
	var others []string
	for k := range e.Members(f.at) {
		if _, known := f.schema.object.byName[string(e.Text(k))]; !known && len(others) < maxUnknown {
			others = append(others, string(e.Text(k)))
		}
	}
	if near := spelling.Nearest(name, others); near != "" {
		x.Hint = fmt.Sprintf("rename %s to %q", jsonscan.Quote([]byte(near)), name)
	}
	x.Message = message
	x.Path = append(x.Path, jsonscan.Step{Key: []byte(name)})
}

// place names a keyword by its place in the schema, such as #/items/minLength.
func (s *schema) place(keyword string) string {
	path, prefix := s.source.Path(s.at), s.source.prefix
	if prefix == thisDraft { // several schemas are one document
		path, prefix = path[1:], s.resource.base.String()
	}
	if keyword != "" && keyword != whole {
		path = append(path, jsonscan.Step{Key: []byte(keyword)})
	}
	return prefix + "#" + path.Pointer()
}

// message says what is there and what was wanted, and what may be meant.
func (e *evaluation) message(f failure) (message, hint string) {
	s, is := f.schema, "is "+e.shown(f.at)
	switch f.keyword {
	case "":
		return "must not be there", ""
	case "type":
		return is + ", want " + orList(s.types.names()), ""
	case "const", "enum":
		return e.wantOneOf(f.at, 0, []*values{s.values})
	case "multipleOf", "minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum":
		b := s.number.bounds[f.n]
		return is + ", want " + b.want + " " + jsonscan.Shorten(b.raw, 40), ""
	case "pattern":
		return fmt.Sprintf("%s, want a match of %s", is, jsonscan.Shorten([]byte(s.text.pattern.source), 100)), ""
	case "format":
		return is + ", want " + s.text.format.Want, ""
	case "minLength", "maxLength":
		return has(f.n, "character", f.keyword, s.text.length), ""
	case "minItems", "maxItems":
		return has(f.n, "item", f.keyword, s.array.size), ""
	case "minProperties", "maxProperties":
		return has(f.n, "key", f.keyword, s.object.size), ""
	case "contains":
		return "has no item that fits contains", ""
	case "minContains", "maxContains":
		return has(f.n, "item", f.keyword, s.array.matches) + " that fit contains", ""
	case "uniqueItems":
		return fmt.Sprintf("is equal to item %d", f.m), ""
	case "items", "unevaluatedItems":
		return fmt.Sprintf("is one item too many, want %d", f.n), ""
	case "additionalProperties", "unevaluatedProperties":
		if s.object != nil {
			hint = spelling.DidYouMean(string(e.Text(f.at)), s.object.properties())
		}
		return "is not in the schema", hint
	case whole:
		return "does not fit the schema", ""
	case "not":
		return "is what the schema excludes", ""
	}
	if f.branches != nil {
		return e.noBranch(f)
	}
	return fmt.Sprintf("fits alternatives %d and %d, want one", f.n+1, f.m+1), ""
}

// has says how many there are, and how many there should be.
func has(n int, what, keyword string, l limits) string {
	if n != 1 {
		what = units.Plural(what)
	}
	if strings.HasPrefix(keyword, "min") {
		return fmt.Sprintf("has %d %s, want at least %d", n, what, l.min)
	}
	return fmt.Sprintf("has %d %s, want at most %d", n, what, l.max)
}

// shown is a value in a message.
func (e *evaluation) shown(at int) string {
	switch e.Kind(at) {
	case '{':
		return "an object"
	case '[':
		return "an array"
	case '"', '\\':
		return jsonscan.Quote(e.Text(at))
	}
	return jsonscan.Shorten(e.Raw(at), 40)
}

// noBranch is the message for alternatives that each want another type or value.
func (e *evaluation) noBranch(f failure) (message, hint string) {
	var want types
	var lists []*values
	for _, b := range f.branches {
		if b.keyword == "type" {
			want |= b.schema.types
		} else {
			lists = append(lists, b.schema.values)
		}
	}
	return e.wantOneOf(f.at, want, lists)
}

// wantOneOf lists types and values.
func (e *evaluation) wantOneOf(at int, want types, lists []*values) (message, hint string) {
	var names, texts []string
	for _, list := range lists {
		for _, allowed := range list.at {
			if len(names) == maxListed {
				break
			}
			name := jsonscan.Shorten(list.t.Raw(allowed), 40)
			if list.t.IsString(allowed) {
				text := list.t.Text(allowed)
				texts = append(texts, string(text))
				if len(text) > 0 {
					name = jsonscan.Shorten(text, 40)
				}
			}
			names = append(names, name)
		}
	}
	if e.IsString(at) {
		hint = spelling.DidYouMean(string(e.Text(at)), texts)
	}
	wanted := want.names()
	switch {
	case len(names) <= maxNamed:
		wanted = append(wanted, names...)
	case hint == "":
		hint = "one of: " + strings.Join(names[:min(len(names), maxHinted)], ", ")
		if len(names) > maxHinted {
			hint += ", …"
		}
		fallthrough
	default:
		wanted = append(wanted, "a listed value")
	}
	if len(wanted) == 0 {
		wanted = []string{"another value"}
	}
	return "is " + e.shown(at) + ", want " + orList(slices.Compact(wanted)), hint
}

const (
	maxUnknown = 32   // other keys that are looked at for the name of a missing one
	maxNamed   = 4    // values that a message names
	maxListed  = 1000 // values that are looked at for the one that was meant
	maxHinted  = 20   // that a hint names
)

// nearest leaves of the failures from first on those of the alternative that
// was probably meant: not one of another type, rather one whose constants fit,
// then one with few failures. Those of each alternative end before one of ends.
func (e *evaluation) nearest(s *schema, keyword string, at, first int, ends []int) {
	branches := make([][]failure, len(ends))
	from, simple := first, true
	for i, end := range ends {
		branches[i] = e.found[from:end]
		from = end
		simple = simple && len(branches[i]) == 1 && branches[i][0].isOfValue(at)
	}
	if simple {
		combined := failure{at: at, schema: s, keyword: keyword, branches: slices.Clone(e.found[first:])}
		e.found = append(e.found[:first], combined)
		return
	}
	best, rivals := 0, 0
	for i := range branches {
		if distanceOf(branches[i], at) < distanceOf(branches[best], at) {
			best = i
		}
		if distanceOf(branches[i], at) < otherType {
			rivals++
		}
	}
	n := copy(e.found[first:], branches[best])
	e.found = e.found[:first+n]
	for i := first; i < len(e.found); i++ {
		e.found[i].of = max(e.found[i].of, rivals)
	}
	if n == 0 { // it is not known why: nothing more was noted
		e.found = append(e.found, failure{at: at, schema: s, keyword: whole})
	}
}

// isOfValue reports whether the failure is that the value itself has another
// type, or is not one of the values listed.
func (f *failure) isOfValue(at int) bool {
	return f.at == at && (f.keyword == "type" || f.schema.values != nil && f.keyword == f.schema.values.keyword)
}

// Distances of alternatives from what a value is, the number of failures
// aside.
const (
	otherValue = 1 << 32
	otherType  = 1 << 40
)

func distanceOf(failures []failure, at int) int {
	if len(failures) == 0 {
		return 2 * otherType
	}
	distance := len(failures)
	for _, f := range failures {
		switch {
		case f.at == at && (f.keyword == "type" || f.keyword == ""):
			return otherType
		case f.keyword == "const" || f.keyword == "enum":
			distance |= otherValue
		}
	}
	return distance
}
