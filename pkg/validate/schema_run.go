package validate

import (
	"unicode/utf8"

	"github.com/julianctl/julianctl/pkg/jsonscan"
)

// run holds one document against a schema. It first asks for the verdict
// alone; a document that fails is gone through again, to tell where and why.
type run struct {
	jsonscan.Index
	program *Schema
	// scope is the resources that led to where the run is, the outermost
	// first; kept only if a $dynamicRef asks.
	scope []*resource
	loud  bool // failures are wanted, all of them
	found []failure
	limit int // of found
	// steps left, schemas inside one another, and of these, how many in a row
	// are about the same value: what bounds a schema that leads to itself, or
	// doubles the work at each level.
	steps, many int
	depth       int
	here, same  int
	gaveUp      bool
	// known is verdicts, once there is reason to believe that the same is
	// asked for again and again.
	known map[question]bool
}

// failure is a value that does not fit a keyword.
type failure struct {
	at      int // of the value
	schema  *schema
	keyword string // "" for the schema false
	n, m    int    // what the keyword is about, such as the slot of a missing key
	// branches are the failures of alternatives that are told as one.
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

// conforms reports whether the document fits the schema.
func (r *run) conforms(loud bool) bool { return r.conformsAt(0, loud) }

func (r *run) conformsAt(at int, loud bool) bool {
	r.loud, r.found, r.limit, r.gaveUp, r.known = loud, r.found[:0], maxFound, false, nil
	r.scope, r.depth, r.here, r.same = r.scope[:0], 0, at, 0
	r.many = manySteps + manyPerOne*r.Len()
	r.steps = maxFactor * r.many
	ok := r.check(r.program.root, at, nil)
	return ok && !r.gaveUp
}

// fail notes a failure, and returns false.
func (r *run) fail(f failure) bool {
	if r.loud && len(r.found) < r.limit {
		r.found = append(r.found, f)
	}
	return false
}

// spend takes from what a document may cost, and reports whether there was
// enough.
func (r *run) spend(n int) bool {
	r.steps -= n
	if r.steps < 0 {
		r.gaveUp = true
	}
	return !r.gaveUp
}

// check holds a value against a schema. What the schema says of members and
// items of the value is noted in seen, if that is not nil.
func (r *run) check(s *schema, at int, seen *marks) bool {
	switch {
	case s.everything:
		return true
	case s.nothing:
		return r.fail(failure{at: at, schema: s})
	case !r.spend(1):
		return false
	case r.steps < (maxFactor-1)*r.many && seen == nil && !r.program.dynamic:
		return r.recall(s, at)
	}
	return r.enter(s, at, seen)
}

// recall is check for what was asked before, in which case it is not told again
// what is wrong below the value.
func (r *run) recall(s *schema, at int) bool {
	q := question{s, at}
	ok, known := r.known[q]
	if !known {
		loud := r.loud
		r.loud = false
		ok = r.enter(s, at, nil)
		r.loud = loud
		if r.known == nil {
			r.known = map[question]bool{}
		}
		r.known[q] = ok
	}
	return ok || r.fail(failure{at: at, schema: s, keyword: whole})
}

func (r *run) enter(s *schema, at int, seen *marks) bool {
	here, same := r.here, r.same
	if r.same++; at != here {
		r.here, r.same = at, 0
	}
	// After twice as many as there are, one has come again by the same way.
	if r.depth++; r.depth > maxNesting || r.same > 2*r.program.size {
		r.gaveUp = true
	}
	entered := r.program.dynamic && (len(r.scope) == 0 || r.scope[len(r.scope)-1] != s.resource)
	if entered {
		r.scope = append(r.scope, s.resource)
	}
	ok := !r.gaveUp && r.judge(s, at, seen)
	if entered {
		r.scope = r.scope[:len(r.scope)-1]
	}
	r.depth--
	r.here, r.same = here, same
	return ok
}

func (r *run) judge(s *schema, at int, seen *marks) bool {
	kind := r.Kind(at)
	if s.types != 0 && s.types&typeOf(kind) == 0 && !(kind == '0' && s.types&typeInteger != 0 && isWhole(r.Raw(at))) {
		return r.fail(failure{at: at, schema: s, keyword: "type"})
	}
	if s.values != nil && (!r.spend(len(s.values.at)) || !s.values.has(&r.Index, at)) {
		return r.fail(failure{at: at, schema: s, keyword: s.values.keyword})
	}
	own := seen
	if s.unevaluatedItems != nil || s.unevaluatedProperties != nil {
		own = &marks{}
	}
	ok := true
	switch kind {
	case '{':
		ok = s.object == nil || r.object(s, at, own)
	case '[':
		ok = s.array == nil || r.array(s, at, own)
	case '"', '\\':
		ok = s.text == nil || r.textFits(s, at)
	case '0':
		ok = s.number == nil || r.numberFits(s, at)
	}
	if !ok && !r.loud {
		return false
	}
	if s.inline != nil && !r.inline(s, at, own) {
		return false // what is unevaluated is not known then
	}
	if own != seen {
		ok = r.unevaluated(s, at, own) && ok
		if ok && seen != nil {
			seen.merge(own)
		}
	}
	return ok
}

// also is a and b; it says whether there is more to look at.
func (r *run) also(ok *bool, b bool) (more bool) {
	*ok = *ok && b
	return *ok || r.loud
}

func (r *run) numberFits(s *schema, at int) bool {
	ok := true
	n := parseDecimal(r.Raw(at))
	for i := range s.number.bounds {
		b := &s.number.bounds[i]
		if !r.spend(len(n.digits)/16) || !b.holds(n, b.value) {
			if !r.also(&ok, r.fail(failure{at: at, schema: s, keyword: b.keyword, n: i})) {
				return false
			}
		}
	}
	return ok
}

func (r *run) textFits(s *schema, at int) bool {
	rules, text := s.text, r.Text(at)
	if !r.spend(len(text) / 64) {
		return false
	}
	ok := true
	if rules.length.hasMin || rules.length.hasMax {
		n := utf8.RuneCount(text)
		ok = r.within(&rules.length, n, failure{at: at, schema: s}, "minLength", "maxLength")
		if !ok && !r.loud {
			return false
		}
	}
	if rules.pattern != nil && !rules.pattern.Match(text) && !r.also(&ok, r.fail(failure{at: at, schema: s, keyword: "pattern"})) {
		return false
	}
	if rules.format != nil && !rules.format.ok(text) {
		ok = r.fail(failure{at: at, schema: s, keyword: "format"})
	}
	return ok
}

// within holds a number of things against its limits.
func (r *run) within(l *limits, n int, f failure, least, most string) bool {
	f.n = n
	switch {
	case l.under(n):
		f.keyword = least
	case l.over(n):
		f.keyword = most
	default:
		return true
	}
	return r.fail(f)
}
