package jsonschema

import (
	"unicode/utf8"

	"github.com/julianctl/julianctl/pkg/jsonscan"
)

// Evaluator holds documents against a schema, one after another. It is not safe
// for concurrent use.
type Evaluator struct{ evaluation }

// NewEvaluator returns an evaluator of the schema.
func (s *Schema) NewEvaluator() *Evaluator { return &Evaluator{evaluation{program: s}} }

// Accepts reports whether b fits the schema, and is JSON without anything that
// decoders may differ on. It also returns false for what it would cost much to
// know of, see [jsonscan.Index.Read]: who wants to be sure then reads b with a
// [jsonscan.Reader], and asks for the [Schema.Failures].
func (e *Evaluator) Accepts(b []byte) bool {
	ok := e.Read(b) && e.evaluateAt(0, false)
	e.Release()
	return ok
}

// evaluation holds one document against a schema. It first asks for the verdict
// alone; a document that does not fit is gone through again, to find where and
// why.
type evaluation struct {
	jsonscan.Index
	program *Schema
	// scope is the resources that led to where the evaluation is, the outermost
	// first; kept only if a $dynamicRef asks.
	scope   []*resource
	collect bool // failures are wanted, all of them
	found   []failure
	limit   int // of found
	// steps left, schemas inside one another, and of these, how many in a row
	// are about the same value: what bounds a schema that leads to itself, or
	// doubles the work at each level.
	steps, many int
	depth       int
	here, same  int
	gaveUp      bool
	// memo is verdicts, kept once there is reason to believe that the same is
	// asked for again and again.
	memo map[question]bool
}

// failure is a value that does not fit a keyword.
type failure struct {
	at      int // of the value
	schema  *schema
	keyword string // "" for the schema false
	n, m    int    // what the keyword is about, such as the slot of a missing key
	// branches are the failures of alternatives that are reported as one.
	branches []failure
	of       int // how many alternatives this was the nearest of; 0: none
}

// whole is in place of a keyword where it is not known which one it was.
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

// spend takes from what a document may cost, and reports whether there was
// enough.
func (e *evaluation) spend(n int) bool {
	e.steps -= n
	if e.steps < 0 {
		e.gaveUp = true
	}
	return !e.gaveUp
}

// check holds a value against a schema. What the schema says of members and
// items of the value is noted in seen, if that is not nil.
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

// recall is check for what was asked before, in which case it is not told again
// what is wrong below the value.
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

func (e *evaluation) enter(s *schema, at int, seen *evaluated) bool {
	here, same := e.here, e.same
	if e.same++; at != here {
		e.here, e.same = at, 0
	}
	// After twice as many as there are, one has come again by the same way.
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

// also is a and b; it says whether there is more to look at.
func (e *evaluation) both(ok *bool, b bool) (more bool) {
	*ok = *ok && b
	return *ok || e.collect
}

func (e *evaluation) numberFits(s *schema, at int) bool {
	ok := true
	n := parseDecimal(e.Raw(at))
	for i := range s.number.bounds {
		b := &s.number.bounds[i]
		if !e.spend(len(n.digits)/16) || !b.holds(n, b.value) {
			if !e.both(&ok, e.fail(failure{at: at, schema: s, keyword: b.keyword, n: i})) {
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
	if rules.pattern != nil && !rules.pattern.Match(text) && !e.both(&ok, e.fail(failure{at: at, schema: s, keyword: "pattern"})) {
		return false
	}
	if rules.format != nil && !rules.format.OK(text) {
		ok = e.fail(failure{at: at, schema: s, keyword: "format"})
	}
	return ok
}

// within holds a number of things against its limits.
func (e *evaluation) within(l *limits, n int, f failure, least, most string) bool {
	f.n = n
	switch {
	case l.under(n):
		f.keyword = least
	case l.over(n):
		f.keyword = most
	default:
		return true
	}
	return e.fail(f)
}
