package jsonschema

import "hash/maphash"

func (e *evaluation) array(s *schema, at int, seen *evaluated) bool {
	rules, ok, size, matches := s.array, true, 0, 0
	for n, item := range e.Items(at) {
		size++
		switch {
		case n < len(rules.prefix):
			seen.set(n)
			if !e.combine(&ok, e.check(rules.prefix[n], item, nil)) {
				return false
			}
		case rules.items != nil && rules.items.nothing:
			seen.setAll()
			if !e.combine(&ok, e.fail(failure{at: item, schema: s, keyword: "items", n: len(rules.prefix)})) {
				return false
			}
		case rules.items != nil:
			seen.setAll()
			if !e.combine(&ok, e.check(rules.items, item, nil)) {
				return false
			}
		}
		if rules.contains != nil && e.fits(rules.contains, item, nil) {
			matches++
			seen.set(n)
		}
	}
	f := failure{at: at, schema: s}
	if !e.combine(&ok, e.within(&rules.size, size, f, "minItems", "maxItems")) {
		return false
	}
	if rules.contains != nil {
		least := "contains"
		if rules.matches.min != 1 {
			least = "minContains"
		}
		if !e.combine(&ok, e.within(&rules.matches, matches, f, least, "maxContains")) {
			return false
		}
	}
	if rules.unique && size > 1 {
		return e.unique(s, at) && ok
	}
	return ok
}

// unique compares each item with those before it that have the same hash.
func (e *evaluation) unique(s *schema, at int) bool {
	if !e.spend(e.After(at) - at) {
		return false
	}
	seed := maphash.MakeSeed()
	type place struct{ n, at int }
	before := map[uint64][]place{}
	ok := true
	for n, item := range e.Items(at) {
		h := hash(&e.Index, seed, item)
		twice := false
		for _, other := range before[h] {
			if equal(&e.Index, other.at, &e.Index, item) {
				twice = true
				if !e.combine(&ok, e.fail(failure{at: item, schema: s, keyword: "uniqueItems", n: n, m: other.n})) {
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

func (e *evaluation) object(s *schema, at int, seen *evaluated) bool {
	rules, ok, n, next := s.object, true, 0, 0
	var few [4]uint64
	there := few[:] // bits of slots
	if len(rules.slots) > 64*len(few) {
		there = make([]uint64, len(rules.slots)/64+1)
	}
	for k, end := at+1, e.After(at); k < end; k = e.After(k + 1) {
		key := e.Text(k)
		evaluated := false
		if i := rules.find(key, &next); i >= 0 {
			there[i/64] |= 1 << (i % 64)
			if p := rules.slots[i].property; p != nil {
				evaluated = true
				if !e.combine(&ok, e.check(p, k+1, nil)) {
					return false
				}
			}
		}
		for _, p := range rules.patterns {
			if !e.spend(1+len(key)/64) || !p.pattern.Match(key) {
				continue
			}
			evaluated = true
			if !e.combine(&ok, e.check(p.schema, k+1, nil)) {
				return false
			}
		}
		if !evaluated && rules.additional != nil {
			evaluated = true
			if !e.combine(&ok, e.extra(s, rules.additional, k, "additionalProperties")) {
				return false
			}
		}
		if evaluated {
			seen.set(n)
		}
		if rules.names != nil && !e.combine(&ok, e.check(rules.names, k, nil)) {
			return false
		}
		n++
	}
	f := failure{at: at, schema: s}
	if !e.combine(&ok, e.within(&rules.size, n, f, "minProperties", "maxProperties")) {
		return false
	}
	has := func(i int) bool { return there[i/64]&(1<<(i%64)) != 0 }
	for _, i := range rules.required {
		if !has(i) && !e.combine(&ok, e.fail(failure{at: at, schema: s, keyword: "required", n: i})) {
			return false
		}
	}
	for _, i := range rules.dependents {
		if has(i) && !e.combine(&ok, e.dependent(s, at, i, has, seen)) {
			return false
		}
	}
	return ok
}

// extra checks the value of a key that no other keyword is about.
func (e *evaluation) extra(s, others *schema, key int, keyword string) bool {
	if others.nothing {
		return e.fail(failure{at: key, schema: s, keyword: keyword})
	}
	return e.check(others, key+1, nil)
}

// dependent checks an object against what a key in it requires.
func (e *evaluation) dependent(s *schema, at, i int, has func(int) bool, seen *evaluated) bool {
	given, ok := &s.object.slots[i], true
	for _, need := range given.needs {
		if !has(need) && !e.combine(&ok, e.fail(failure{at: at, schema: s, keyword: "dependentRequired", n: need, m: i})) {
			return false
		}
	}
	return (given.then == nil || e.check(given.then, at, seen)) && ok
}

// unevaluated looks at what no other keyword has looked at.
func (e *evaluation) unevaluated(s *schema, at int, seen *evaluated) bool {
	ok := true
	switch {
	case e.Kind(at) == '{' && s.unevaluatedProperties != nil:
		n := 0
		for k := range e.Members(at) {
			if !seen.has(n) && !e.combine(&ok, e.extra(s, s.unevaluatedProperties, k, "unevaluatedProperties")) {
				return false
			}
			n++
		}
		seen.setAll()
	case e.Kind(at) == '[' && s.unevaluatedItems != nil:
		for n, item := range e.Items(at) {
			if seen.has(n) {
				continue
			}
			fits := s.unevaluatedItems.nothing && e.fail(failure{at: item, schema: s, keyword: "unevaluatedItems", n: n}) ||
				!s.unevaluatedItems.nothing && e.check(s.unevaluatedItems, item, nil)
			if !e.combine(&ok, fits) {
				return false
			}
		}
		seen.setAll()
	}
	return ok
}

// evaluated is the members or items of a value that a schema has spoken of. A nil
// one records nothing.
type evaluated struct {
	all  bool
	bits []uint64
}

func (v *evaluated) set(n int) {
	if v == nil || v.all {
		return
	}
	for len(v.bits) <= n/64 {
		v.bits = append(v.bits, 0)
	}
	v.bits[n/64] |= 1 << (n % 64)
}

func (v *evaluated) setAll() {
	if v != nil {
		v.all = true
	}
}

func (v *evaluated) has(n int) bool {
	return v.all || n/64 < len(v.bits) && v.bits[n/64]&(1<<(n%64)) != 0
}

// another is a set of its own, nil if v is.
func (v *evaluated) another() *evaluated {
	if v == nil {
		return nil
	}
	return &evaluated{}
}

func (v *evaluated) merge(other *evaluated) {
	if v == nil || other == nil {
		return
	}
	v.all = v.all || other.all
	for n, word := range other.bits {
		for len(v.bits) <= n {
			v.bits = append(v.bits, 0)
		}
		v.bits[n] |= word
	}
}
