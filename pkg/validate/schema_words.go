package validate

import (
	"fmt"
	"slices"
	"strings"

	"github.com/julianctl/julianctl/pkg/jsonscan"
)

// failureWords is a failure as a person reads it.
type failureWords struct {
	message, hint string
	place         string        // of the keyword, in brackets
	path          jsonscan.Path // of the value
}

// rule is the id of the rule that a failure breaks.
func (f *failure) rule() string {
	if f.branches != nil {
		return f.branches[0].rule()
	}
	switch f.keyword {
	case "type":
		return RuleType
	case "required", "dependentRequired":
		return RuleRequired
	case "const", "enum":
		return RuleEnum
	case "format":
		return RuleFormat
	case "additionalProperties", "unevaluatedProperties":
		return RuleUnknownField
	}
	return RuleSchema
}

func (r *run) words(f failure) failureWords {
	w := failureWords{path: r.Path(f.at)}
	w.place = " (" + f.schema.place(f.keyword)
	if f.of > 1 {
		w.place += fmt.Sprintf(", nearest of %d", f.of)
	}
	w.place += ")"
	switch f.keyword {
	case "required":
		w.missing(r, f, f.n, "is missing")
	case "dependentRequired":
		w.missing(r, f, f.n, "is missing, since "+jsonscan.Quote([]byte(f.schema.object.slots[f.m].name))+" is there")
	default:
		w.message, w.hint = r.message(f)
		if r.IsKey(f.at) && f.rule() != RuleUnknownField {
			w.message = "its key " + w.message
		}
	}
	return w
}

// missing is about a key that is not there.
func (w *failureWords) missing(r *run, f failure, n int, message string) {
	name := f.schema.object.slots[n].name
	var others []string
	for k := range r.Members(f.at) {
		if _, known := f.schema.object.byName[string(r.Text(k))]; !known && len(others) < maxUnknown {
			others = append(others, string(r.Text(k)))
		}
	}
	if near := Nearest(name, others); near != "" {
		w.hint = fmt.Sprintf("rename %s to %q", jsonscan.Quote([]byte(near)), name)
	}
	w.message = message
	w.path = append(w.path, jsonscan.Step{Key: []byte(name)})
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
func (r *run) message(f failure) (message, hint string) {
	s, is := f.schema, "is "+r.shown(f.at)
	switch f.keyword {
	case "":
		return "must not be there", ""
	case "type":
		return is + ", want " + orList(s.types.names()), ""
	case "const", "enum":
		return r.wantOneOf(f.at, 0, []*values{s.values})
	case "multipleOf", "minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum":
		b := s.number.bounds[f.n]
		return is + ", want " + b.want + " " + jsonscan.Shorten(b.raw, 40), ""
	case "pattern":
		return fmt.Sprintf("%s, want a match of %s", is, jsonscan.Shorten([]byte(s.text.pattern.source), 100)), ""
	case "format":
		return is + ", want " + s.text.format.want, ""
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
			hint = didYouMean(string(r.Text(f.at)), s.object.properties())
		}
		return "is not in the schema", hint
	case whole:
		return "does not fit the schema", ""
	case "not":
		return "is what the schema excludes", ""
	}
	if f.branches != nil {
		return r.noBranch(f)
	}
	return fmt.Sprintf("fits alternatives %d and %d, want one", f.n+1, f.m+1), ""
}

// has says how many there are, and how many there should be.
func has(n int, what, keyword string, l limits) string {
	if n != 1 {
		what += "s"
	}
	if strings.HasPrefix(keyword, "min") {
		return fmt.Sprintf("has %d %s, want at least %d", n, what, l.min)
	}
	return fmt.Sprintf("has %d %s, want at most %d", n, what, l.max)
}

// shown is a value in a message.
func (r *run) shown(at int) string {
	switch r.Kind(at) {
	case '{':
		return "an object"
	case '[':
		return "an array"
	case '"', '\\':
		return jsonscan.Quote(r.Text(at))
	}
	return jsonscan.Shorten(r.Raw(at), 40)
}

// noBranch tells of alternatives that each want another type or value.
func (r *run) noBranch(f failure) (message, hint string) {
	var want types
	var lists []*values
	for _, b := range f.branches {
		if b.keyword == "type" {
			want |= b.schema.types
		} else {
			lists = append(lists, b.schema.values)
		}
	}
	return r.wantOneOf(f.at, want, lists)
}

// wantOneOf lists types and values.
func (r *run) wantOneOf(at int, want types, lists []*values) (message, hint string) {
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
	if r.IsString(at) {
		hint = didYouMean(string(r.Text(at)), texts)
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
	return "is " + r.shown(at) + ", want " + orList(slices.Compact(wanted)), hint
}

const (
	maxListed = 1000 // values that are looked at for the one that was meant
	maxHinted = 20   // that a hint names
)

// nearest leaves of the failures from first on those of the alternative that
// was probably meant: not one of another type, rather one whose constants fit,
// then one with few failures. Those of each alternative end before one of ends.
func (r *run) nearest(s *schema, keyword string, at, first int, ends []int) {
	branches := make([][]failure, len(ends))
	from, simple := first, true
	for i, end := range ends {
		branches[i] = r.found[from:end]
		from = end
		simple = simple && len(branches[i]) == 1 && branches[i][0].isOfValue(at)
	}
	if simple {
		told := failure{at: at, schema: s, keyword: keyword, branches: slices.Clone(r.found[first:])}
		r.found = append(r.found[:first], told)
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
	n := copy(r.found[first:], branches[best])
	r.found = r.found[:first+n]
	for i := first; i < len(r.found); i++ {
		r.found[i].of = max(r.found[i].of, rivals)
	}
	if n == 0 { // it is not known why: nothing more was noted
		r.found = append(r.found, failure{at: at, schema: s, keyword: whole})
	}
}

// isOfValue reports whether the failure is that the value itself has another
// type, or is none of the values listed.
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
