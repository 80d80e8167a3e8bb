package validate

// quietly is check without telling why not.
func (r *run) quietly(s *schema, at int, seen *marks) bool {
	loud := r.loud
	r.loud = false
	ok := r.check(s, at, seen)
	r.loud = loud
	return ok
}

// inline holds a value against the schemas that speak of that same value.
func (r *run) inline(s *schema, at int, seen *marks) bool {
	rules, ok := s.inline, true
	for _, sub := range rules.all {
		if !r.also(&ok, r.check(sub, at, seen)) {
			return false
		}
	}
	if rules.dynamic != nil && !r.also(&ok, r.check(r.target(rules.dynamic), at, seen)) {
		return false
	}
	if rules.any != nil && !r.also(&ok, r.alternatives(s, "anyOf", rules.any, at, seen)) {
		return false
	}
	if rules.one != nil && !r.also(&ok, r.alternatives(s, "oneOf", rules.one, at, seen)) {
		return false
	}
	if rules.not != nil && r.quietly(rules.not, at, nil) && !r.also(&ok, r.fail(failure{at: at, schema: s, keyword: "not"})) {
		return false
	}
	if rules.cond != nil {
		branch := rules.elseThen
		mine := seen.another()
		if r.quietly(rules.cond, at, mine) {
			seen.merge(mine)
			branch = rules.then
		}
		if branch != nil && !r.check(branch, at, seen) {
			ok = false
		}
	}
	return ok
}

// target is where a $dynamicRef leads to here.
func (r *run) target(d *dynamicRef) *schema {
	for _, resource := range r.scope {
		if s := resource.dynamic[d.anchor]; s != nil {
			return s
		}
	}
	return d.usual
}

// alternatives holds a value against schemas of which at least one has to fit;
// of oneOf, no other.
func (r *run) alternatives(s *schema, keyword string, list []*schema, at int, seen *marks) bool {
	first, limit, loud := len(r.found), r.limit, r.loud
	r.loud = loud && first < limit // or else enough is known
	r.limit = max(limit, first+maxOfBranch)
	var ends []int // of the failures of each, in found
	passed := [2]int{-1, -1}
	n := 0
	for i, sub := range list {
		mine := seen.another()
		if r.check(sub, at, mine) {
			seen.merge(mine)
			passed[min(n, 1)] = i
			n++
			if n == 2 && keyword == "oneOf" || seen == nil && keyword == "anyOf" {
				break
			}
		}
		if r.loud {
			ends = append(ends, len(r.found))
		}
	}
	if n == 0 && r.loud {
		r.nearest(s, keyword, at, first, ends)
	}
	r.limit, r.loud = limit, loud
	if n == 0 {
		return false
	}
	r.found = r.found[:first]
	if n > 1 && keyword == "oneOf" {
		return r.fail(failure{at: at, schema: s, keyword: keyword, n: passed[0], m: passed[1]})
	}
	return true
}
