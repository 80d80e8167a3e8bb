package jsonschema

// fits is check that collects no failures.
func (e *evaluation) fits(s *schema, at int, seen *evaluated) bool {
	collect := e.collect
	e.collect = false
	ok := e.check(s, at, seen)
	e.collect = collect
	return ok
}

// inline checks a value against the schemas that are about the same value.
func (e *evaluation) inline(s *schema, at int, seen *evaluated) bool {
	rules, ok := s.inline, true
	for _, sub := range rules.all {
		if !e.combine(&ok, e.check(sub, at, seen)) {
			return false
		}
	}
	if rules.dynamic != nil && !e.combine(&ok, e.check(e.target(rules.dynamic), at, seen)) {
		return false
	}
	if rules.any != nil && !e.combine(&ok, e.alternatives(s, "anyOf", rules.any, at, seen)) {
		return false
	}
	if rules.one != nil && !e.combine(&ok, e.alternatives(s, "oneOf", rules.one, at, seen)) {
		return false
	}
	if rules.not != nil && e.fits(rules.not, at, nil) && !e.combine(&ok, e.fail(failure{at: at, schema: s, keyword: "not"})) {
		return false
	}
	if rules.cond != nil {
		branch := rules.elseThen
		mine := seen.another()
		if e.fits(rules.cond, at, mine) {
			seen.merge(mine)
			branch = rules.then
		}
		if branch != nil && !e.check(branch, at, seen) {
			ok = false
		}
	}
	return ok
}

// target is where a $dynamicRef leads to here.
func (e *evaluation) target(d *dynamicRef) *schema {
	for _, resource := range e.scope {
		if s := resource.dynamic[d.anchor]; s != nil {
			return s
		}
	}
	return d.usual
}

// alternatives checks a value against schemas of which at least one has to fit;
// of oneOf, no other.
func (e *evaluation) alternatives(s *schema, keyword string, list []*schema, at int, seen *evaluated) bool {
	first, limit, collect := len(e.found), e.limit, e.collect
	e.collect = collect && first < limit // or else enough is known
	e.limit = max(limit, first+maxOfBranch)
	var ends []int // of the failures of each, in found
	passed := [2]int{-1, -1}
	n := 0
	for i, sub := range list {
		mine := seen.another()
		if e.check(sub, at, mine) {
			seen.merge(mine)
			passed[min(n, 1)] = i
			n++
			if n == 2 && keyword == "oneOf" || seen == nil && keyword == "anyOf" {
				break
			}
		}
		if e.collect {
			ends = append(ends, len(e.found))
		}
	}
	if n == 0 && e.collect {
		e.nearest(s, keyword, at, first, ends)
	}
	e.limit, e.collect = limit, collect
	if n == 0 {
		return false
	}
	e.found = e.found[:first]
	if n > 1 && keyword == "oneOf" {
		return e.fail(failure{at: at, schema: s, keyword: keyword, n: passed[0], m: passed[1]})
	}
	return true
}
