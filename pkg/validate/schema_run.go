package validate

import (
	"hash/maphash"
	"unicode/utf8"
)

// run holds one document against a schema. It first asks for the verdict
// alone; a document that fails is gone through again, to tell where and why.
type run struct {
	tape
	program *Schema
	// scope is the resources that led to where the run is, the outermost
	// first; kept only if a $dynamicRef asks.
	scope []*resource
	loud  bool // failures are wanted, all of them
	found []failure
	// failed counts failures, of which found holds the first.
	failed int
	// steps left, schemas inside one another, and of these, how many in a row
	// are about the same value: what bounds a schema that leads to itself, or
	// doubles the work at each level.
	steps, depth int
	here, same   int
	gaveUp       bool
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

const (
	// maxNesting is how many schemas may be open at once.
	maxNesting = 10_000
	// maxFound is how many failures are kept.
	maxFound = 10_000
	// minSteps is how many schemas and values are looked at before it is asked
	// whether that is more than the document can be worth.
	minSteps    = 10_000_000
	stepsPerOne = 200 // for each element
)

// conforms reports whether the document on the tape fits the schema.
func (r *run) conforms(loud bool) bool { return r.conformsAt(0, loud) }

func (r *run) conformsAt(at int, loud bool) bool {
	r.loud, r.found, r.failed, r.gaveUp = loud, r.found[:0], 0, false
	r.scope, r.depth, r.here, r.same = r.scope[:0], 0, at, 0
	r.steps = minSteps + stepsPerOne*len(r.elements)
	ok := r.check(r.program.root, at, nil)
	return ok && !r.gaveUp
}

// fail notes a failure, and returns false.
func (r *run) fail(f failure) bool {
	r.failed++
	if r.loud && len(r.found) < maxFound {
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
	}
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
	kind := r.kind(at)
	if s.types != 0 && s.types&typeOf(kind) == 0 && !(kind == '0' && s.types&typeInteger != 0 && isWhole(r.raw(at))) {
		return r.fail(failure{at: at, schema: s, keyword: "type"})
	}
	if s.values != nil && (!r.spend(len(s.values.at)) || !s.values.has(&r.tape, at)) {
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
	n := parseDecimal(r.raw(at))
	for i := range s.number.bounds {
		b := &s.number.bounds[i]
		if !r.spend(len(n.digits)/16) || !b.holds(n) {
			if !r.also(&ok, r.fail(failure{at: at, schema: s, keyword: b.keyword, n: i})) {
				return false
			}
		}
	}
	return ok
}

func (r *run) textFits(s *schema, at int) bool {
	rules, text := s.text, r.text(at)
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

func (r *run) array(s *schema, at int, seen *marks) bool {
	rules, ok, size, matches := s.array, true, 0, 0
	for n, item := range r.items(at) {
		size++
		switch {
		case n < len(rules.prefix):
			seen.set(n)
			if !r.also(&ok, r.check(rules.prefix[n], item, nil)) {
				return false
			}
		case rules.items != nil && rules.items.nothing:
			seen.setAll()
			if !r.also(&ok, r.fail(failure{at: item, schema: s, keyword: "items", n: len(rules.prefix)})) {
				return false
			}
		case rules.items != nil:
			seen.setAll()
			if !r.also(&ok, r.check(rules.items, item, nil)) {
				return false
			}
		}
		if rules.contains != nil && r.quietly(rules.contains, item, nil) {
			matches++
			seen.set(n)
		}
	}
	f := failure{at: at, schema: s}
	if !r.also(&ok, r.within(&rules.size, size, f, "minItems", "maxItems")) {
		return false
	}
	if rules.contains != nil {
		least := "contains"
		if rules.matches.min != 1 {
			least = "minContains"
		}
		if !r.also(&ok, r.within(&rules.matches, matches, f, least, "maxContains")) {
			return false
		}
	}
	if rules.unique && size > 1 {
		return r.unique(s, at) && ok
	}
	return ok
}

// unique compares each item with those before it that have the same hash.
func (r *run) unique(s *schema, at int) bool {
	if !r.spend(r.after(at) - at) {
		return false
	}
	seed := maphash.MakeSeed()
	type place struct{ n, at int }
	before := map[uint64][]place{}
	ok := true
	for n, item := range r.items(at) {
		h := r.hash(seed, item)
		twice := false
		for _, other := range before[h] {
			if equal(&r.tape, other.at, &r.tape, item) {
				twice = true
				if !r.also(&ok, r.fail(failure{at: item, schema: s, keyword: "uniqueItems", n: n, m: other.n})) {
					return false
				}
				break
			}
		}
		if !twice {
			before[h] = append(before[h], place{n, item})
		}
	}
	return ok
}

func (r *run) object(s *schema, at int, seen *marks) bool {
	rules, ok, n, next := s.object, true, 0, 0
	var few [4]uint64
	there := few[:] // bits of slots
	if len(rules.slots) > 64*len(few) {
		there = make([]uint64, len(rules.slots)/64+1)
	}
	for k, end := at+1, r.after(at); k < end; k = r.after(k + 1) {
		key := r.text(k)
		evaluated := false
		if i := rules.find(key, &next); i >= 0 {
			there[i/64] |= 1 << (i % 64)
			if p := rules.slots[i].property; p != nil {
				evaluated = true
				if !r.also(&ok, r.check(p, k+1, nil)) {
					return false
				}
			}
		}
		for _, p := range rules.patterns {
			if !r.spend(1+len(key)/64) || !p.pattern.Match(key) {
				continue
			}
			evaluated = true
			if !r.also(&ok, r.check(p.schema, k+1, nil)) {
				return false
			}
		}
		if !evaluated && rules.additional != nil {
			evaluated = true
			if !r.also(&ok, r.extra(s, rules.additional, k, "additionalProperties")) {
				return false
			}
		}
		if evaluated {
			seen.set(n)
		}
		if rules.names != nil && !r.also(&ok, r.check(rules.names, k, nil)) {
			return false
		}
		n++
	}
	f := failure{at: at, schema: s}
	if !r.also(&ok, r.within(&rules.size, n, f, "minProperties", "maxProperties")) {
		return false
	}
	has := func(i int) bool { return there[i/64]&(1<<(i%64)) != 0 }
	for _, i := range rules.required {
		if !has(i) && !r.also(&ok, r.fail(failure{at: at, schema: s, keyword: "required", n: i})) {
			return false
		}
	}
	for _, i := range rules.dependents {
		if has(i) && !r.also(&ok, r.dependent(s, at, i, has, seen)) {
			return false
		}
	}
	return ok
}

// extra holds the value of a key without a place against what is said of
// those.
func (r *run) extra(s, others *schema, key int, keyword string) bool {
	if others.nothing {
		return r.fail(failure{at: key, schema: s, keyword: keyword})
	}
	return r.check(others, key+1, nil)
}

// dependent holds an object against what a key in it asks for.
func (r *run) dependent(s *schema, at, i int, has func(int) bool, seen *marks) bool {
	given, ok := &s.object.slots[i], true
	for _, need := range given.needs {
		if !has(need) && !r.also(&ok, r.fail(failure{at: at, schema: s, keyword: "dependentRequired", n: need, m: i})) {
			return false
		}
	}
	return (given.then == nil || r.check(given.then, at, seen)) && ok
}

// unevaluated looks at what no other keyword has looked at.
func (r *run) unevaluated(s *schema, at int, seen *marks) bool {
	ok := true
	switch {
	case r.kind(at) == '{' && s.unevaluatedProperties != nil:
		n := 0
		for k := range r.members(at) {
			if !seen.has(n) && !r.also(&ok, r.extra(s, s.unevaluatedProperties, k, "unevaluatedProperties")) {
				return false
			}
			n++
		}
		seen.setAll()
	case r.kind(at) == '[' && s.unevaluatedItems != nil:
		for n, item := range r.items(at) {
			if seen.has(n) {
				continue
			}
			fits := s.unevaluatedItems.nothing && r.fail(failure{at: item, schema: s, keyword: "unevaluatedItems", n: n}) ||
				!s.unevaluatedItems.nothing && r.check(s.unevaluatedItems, item, nil)
			if !r.also(&ok, fits) {
				return false
			}
		}
		seen.setAll()
	}
	return ok
}
