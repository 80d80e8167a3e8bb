package jsonschema

import (
	"unicode/utf8"

	"github.com/julianctl/julianctl/pkg/jsonscan"
)

// Evaluator checks documents against a schema, one after another. It is not safe
// for concurrent use.
type Evaluator struct{ evaluation }

// NewEvaluator returns an evaluator of the schema.
func (s *Schema) NewEvaluator() *Evaluator { return &Evaluator{evaluation{program: s}} }

// Accepts reports whether b fits the schema, and is JSON without anything that
// decoders may differ on. It may also return false for a document that fits, but
// is unusual, see [jsonscan.Index.Read]: to be sure, read b with a
// [jsonscan.Reader] then, and ask for [Schema.Failures].
func (e *Evaluator) Accepts(b []byte) bool {
	ok := e.Read(b) && e.evaluateAt(0, false)
	e.Release()
	return ok
}

// evaluation checks one document against a schema.
type evaluation struct {
	jsonscan.Index
	program *Schema
	// scope is the resources that led to where the evaluation is, the outermost
	// first; kept only if there is a $dynamicRef.
	scope   []*resource
	collect bool // failures are wanted, all of them
	found   []failure
	limit   int // of found
	// What bounds a schema that leads to itself, or doubles the work at each
	// level.
	steps  int // that are left
	many   int // steps, beyond which results are kept in memo
	depth  int // schemas inside one another
	here   int // the value that the innermost is about
	same   int // how many schemas in a row are about it
	gaveUp bool
	memo   map[question]bool // results; nil before many steps
}

// failure is a value that does not fit a keyword.
type failure struct {
	at      int // of the value
	schema  *schema
	keyword string // "" for the schema false
	n, m    int    // what exactly is wrong, such as the slot of a missing key
	// branches are the failures of alternatives that are reported as one.
	branches []failure
	of       int // of how many alternatives this one came nearest; 0: there are none
}

// whole stands in place of a keyword if it is not known which one it was.
const whole = "*"

// question is whether a value fits a schema.
type question struct {
	schema *schema
	at     int
}

const (
	// maxNesting is how many schemas may be open at once.
	maxNesting = 10_000
	// maxFound is how many failures are kept; of an alternative, maxOfBranch
	// at least.
	maxFound    = 10_000
	maxOfBranch = 1000
	// manySteps are more than usual for a document of so many elements, and
	// too many are maxFactor times as many.
	manySteps  = 100_000
	manyPerOne = 50
	maxFactor  = 20
)

// evaluateAt reports whether an element of the document fits the schema. If not,
// and if collect says so, it leaves the failures in found.
func (e *evaluation) evaluateAt(at int, collect bool) bool {
	e.collect, e.found, e.limit, e.gaveUp, e.memo = collect, e.found[:0], maxFound, false, nil
	e.scope, e.depth, e.here, e.same = e.scope[:0], 0, at, 0
	e.many = manySteps + manyPerOne*e.Len()
	e.steps = maxFactor * e.many
	ok := e.check(e.program.root, at, nil)
	return ok && !e.gaveUp
}

// fail notes a failure, and returns false.
func (e *evaluation) fail(f failure) bool {
	if e.collect && len(e.found) < e.limit {
		e.found = append(e.found, f)
	}
	return false
}

// spend uses up n of the steps that are left, and reports whether there were
// enough.
func (e *evaluation) spend(n int) bool {
	e.steps -= n
	if e.steps < 0 {
		e.gaveUp = true
	}
	return !e.gaveUp
}

// check checks a value against a schema. The members and items of the
// value that the schema speaks of are added to seen, if that is not nil.
func (e *evaluation) check(s *schema, at int, seen *evaluated) bool {
	switch {
	case s.everything:
		return true
	case s.nothing:
		return e.fail(failure{at: at, schema: s})
	case !e.spend(1):
		return false
	case e.steps < (maxFactor-1)*e.many && seen == nil && !e.program.dynamic:
		return e.remembered(s, at)
	}
	return e.enter(s, at, seen)
}

// remembered is check that looks up the result if there is one. Then it does not
// find again what is wrong below the value.
func (e *evaluation) remembered(s *schema, at int) bool {
	q := question{s, at}
	ok, known := e.memo[q]
	if !known {
		collect := e.collect
		e.collect = false
		ok = e.enter(s, at, nil)
		e.collect = collect
		if e.memo == nil {
			e.memo = map[question]bool{}
		}
		e.memo[q] = ok
	}
	return ok || e.fail(failure{at: at, schema: s, keyword: whole})
}

// enter evaluates a schema inside those that are open.
func (e *evaluation) enter(s *schema, at int, seen *evaluated) bool {
	here, same := e.here, e.same
	if e.same++; at != here {
		e.here, e.same = at, 0
	}
	// After twice as many schemas as there are, one must have led to itself.
	if e.depth++; e.depth > maxNesting || e.same > 2*e.program.size {
		e.gaveUp = true
	}
	entered := e.program.dynamic && (len(e.scope) == 0 || e.scope[len(e.scope)-1] != s.resource)
	if entered {
		e.scope = append(e.scope, s.resource)
	}
	ok := !e.gaveUp && e.evaluate(s, at, seen)
	if entered {
		e.scope = e.scope[:len(e.scope)-1]
	}
	e.depth--
	e.here, e.same = here, same
	return ok
}

// evaluate checks a value against all keywords of a schema.
func (e *evaluation) evaluate(s *schema, at int, seen *evaluated) bool {
	kind := e.Kind(at)
	if s.types != 0 && s.types&typeOf(kind) == 0 && !(kind == '0' && s.types&typeInteger != 0 && isWhole(e.Raw(at))) {
		return e.fail(failure{at: at, schema: s, keyword: "type"})
	}
	if s.values != nil && (!e.spend(len(s.values.at)) || !s.values.has(&e.Index, at)) {
		return e.fail(failure{at: at, schema: s, keyword: s.values.keyword})
	}
	own := seen
	if s.unevaluatedItems != nil || s.unevaluatedProperties != nil {
		own = &evaluated{}
	}
	ok := true
	switch kind {
	case '{':
		ok = s.object == nil || e.object(s, at, own)
	case '[':
		ok = s.array == nil || e.array(s, at, own)
	case '"', '\\':
		ok = s.text == nil || e.textFits(s, at)
	case '0':
		ok = s.number == nil || e.numberFits(s, at)
	}
	if !ok && !e.collect {
		return false
	}
	if s.inline != nil && !e.inline(s, at, own) {
		return false // what is unevaluated is not known then
	}
	if own != seen {
		ok = e.unevaluated(s, at, own) && ok
		if ok && seen != nil {
			seen.merge(own)
		}
	}
	return ok
}

// combine adds one result to those before, and reports whether more of them are
// wanted.
func (e *evaluation) combine(all *bool, result bool) (more bool) {
	*all = *all && result
	return *all || e.collect
}

func (e *evaluation) numberFits(s *schema, at int) bool {
	ok := true
	n := parseDecimal(e.Raw(at))
	for i := range s.number.bounds {
		b := &s.number.bounds[i]
		if !e.spend(len(n.digits)/16) || !b.holds(n, b.value) {
			if !e.combine(&ok, e.fail(failure{at: at, schema: s, keyword: b.keyword, n: i})) {
				return false
			}
		}
	}
	return ok
}

func (e *evaluation) textFits(s *schema, at int) bool {
	rules, text := s.text, e.Text(at)
	if !e.spend(len(text) / 64) {
		return false
	}
	ok := true
	if rules.length.hasMin || rules.length.hasMax {
		n := utf8.RuneCount(text)
		ok = e.within(&rules.length, n, failure{at: at, schema: s}, "minLength", "maxLength")
		if !ok && !e.collect {
			return false
		}
	}
	if rules.pattern != nil && !rules.pattern.Match(text) && !e.combine(&ok, e.fail(failure{at: at, schema: s, keyword: "pattern"})) {
		return false
	}
	if rules.format != nil && !rules.format.OK(text) {
		ok = e.fail(failure{at: at, schema: s, keyword: "format"})
	}
	return ok
}

// within checks a number of things against its limits.
func (e *evaluation) within(l *limits, n int, f failure, least, most string) bool {
	f.n = n
	switch {
	case l.hasMin && n < l.min:
		f.keyword = least
	case l.hasMax && n > l.max:
		f.keyword = most
	default:
		return true
	}
	return e.fail(f)
}
