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
	first, failed := len(r.found), r.failed
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
	if n == 0 {
		if r.loud {
			r.nearest(s, keyword, at, first, ends)
		}
		return false
	}
	r.found, r.failed = r.found[:first], failed
	if n > 1 && keyword == "oneOf" {
		return r.fail(failure{at: at, schema: s, keyword: keyword, n: passed[0], m: passed[1]})
	}
	return true
}

// marks is which members or items of a value a schema has spoken of. A nil one
// takes no notes.
type marks struct {
	all  bool
	bits []uint64
}

func (m *marks) set(n int) {
	if m == nil || m.all {
		return
	}
	for len(m.bits) <= n/64 {
		m.bits = append(m.bits, 0)
	}
	m.bits[n/64] |= 1 << (n % 64)
}

func (m *marks) setAll() {
	if m != nil {
		m.all = true
	}
}

func (m *marks) has(n int) bool {
	return m.all || n/64 < len(m.bits) && m.bits[n/64]&(1<<(n%64)) != 0
}

// another is a set of its own, if m takes notes.
func (m *marks) another() *marks {
	if m == nil {
		return nil
	}
	return &marks{}
}

func (m *marks) merge(other *marks) {
	if m == nil || other == nil {
		return
	}
	m.all = m.all || other.all
	for n, word := range other.bits {
		for len(m.bits) <= n {
			m.bits = append(m.bits, 0)
		}
		m.bits[n] |= word
	}
}
