package jsonschema

import (
	"fmt"
	"net/url"
	"slices"

	"github.com/julianctl/julianctl/pkg/jsonscan"
)

// vocabulary is a set of the draft's groups of keywords.
type vocabulary uint8

const (
	core vocabulary = 1 << iota
	applicator
	unevaluated
	validation
	formatting

	wholeDraft = core | applicator | unevaluated | validation | formatting
)

// keyword is one that a schema may have.
type keyword struct {
	name string
	of   vocabulary
	// compile compiles the keyword's value, which fits the schema of the draft.
	compile func(c *compiler, s *schema, at int) error
}

// keywords is all that say something of a value.
func keywords() []keyword {
	return []keyword{
		{"$ref", core, func(c *compiler, s *schema, at int) error {
			target, err := c.refer(s, at)
			rules := s.inlineRules()
			rules.all = append(rules.all, target)
			return err
		}},
		{"$dynamicRef", core, compileDynamicRef},

		{"allOf", applicator, list(func(s *schema) *[]*schema { return &s.inlineRules().all })},
		{"anyOf", applicator, list(func(s *schema) *[]*schema { return &s.inlineRules().any })},
		{"oneOf", applicator, list(func(s *schema) *[]*schema { return &s.inlineRules().one })},
		{"not", applicator, one(func(s *schema) **schema { return &s.inlineRules().not })},
		{"if", applicator, one(func(s *schema) **schema { return &s.inlineRules().cond })},
		{"then", applicator, one(func(s *schema) **schema { return &s.inlineRules().then })},
		{"else", applicator, one(func(s *schema) **schema { return &s.inlineRules().elseThen })},
		{"prefixItems", applicator, list(func(s *schema) *[]*schema { return &s.arrayRules().prefix })},
		{"items", applicator, one(func(s *schema) **schema { return &s.arrayRules().items })},
		{"contains", applicator, one(func(s *schema) **schema { return &s.arrayRules().contains })},
		{"additionalProperties", applicator, one(func(s *schema) **schema { return &s.objectRules().additional })},
		{"propertyNames", applicator, one(func(s *schema) **schema { return &s.objectRules().names })},
		{"properties", applicator, compileProperties},
		{"patternProperties", applicator, compilePatternProperties},
		{"dependentSchemas", applicator, compileDependentSchemas},

		{"unevaluatedItems", unevaluated, one(func(s *schema) **schema { return &s.unevaluatedItems })},
		{"unevaluatedProperties", unevaluated, one(func(s *schema) **schema { return &s.unevaluatedProperties })},

		{"type", validation, compileType},
		{"enum", validation, compileEnum},
		{"const", validation, func(_ *compiler, s *schema, at int) error {
			s.allow("const", []int{at})
			return nil
		}},
		number("multipleOf", "a multiple of", decimal.isMultiple),
		number("maximum", "at most", func(n, bound decimal) bool { return n.compare(bound) <= 0 }),
		number("exclusiveMaximum", "less than", func(n, bound decimal) bool { return n.compare(bound) < 0 }),
		number("minimum", "at least", func(n, bound decimal) bool { return n.compare(bound) >= 0 }),
		number("exclusiveMinimum", "more than", func(n, bound decimal) bool { return n.compare(bound) > 0 }),
		least("minLength", func(s *schema) *limits { return &s.textRules().length }),
		most("maxLength", func(s *schema) *limits { return &s.textRules().length }),
		least("minItems", func(s *schema) *limits { return &s.arrayRules().size }),
		most("maxItems", func(s *schema) *limits { return &s.arrayRules().size }),
		least("minContains", func(s *schema) *limits { return &s.arrayRules().matches }),
		most("maxContains", func(s *schema) *limits { return &s.arrayRules().matches }),
		least("minProperties", func(s *schema) *limits { return &s.objectRules().size }),
		most("maxProperties", func(s *schema) *limits { return &s.objectRules().size }),
		{"uniqueItems", validation, func(_ *compiler, s *schema, at int) error {
			s.arrayRules().unique = s.source.Kind(at) == 't'
			return nil
		}},
		{"pattern", validation, func(_ *compiler, s *schema, at int) (err error) {
			s.textRules().pattern, err = s.source.compilePattern(at)
			return err
		}},
		{"required", validation, func(_ *compiler, s *schema, at int) error {
			s.objectRules().required = s.slots(at)
			return nil
		}},
		{"dependentRequired", validation, compileDependentRequired},

		{"format", formatting, func(c *compiler, s *schema, at int) error {
			if f := FormatNamed(string(s.source.Text(at))); f != nil && f.Name != c.ignored {
				s.textRules().format = f
			}
			return nil
		}},
	}
}

// otherKeywords is those that say nothing of a value.
func otherKeywords() []string {
	return []string{
		"$schema", "$id", "$anchor", "$dynamicAnchor", "$vocabulary", "$comment", "$defs",
		"title", "description", "default", "deprecated", "readOnly", "writeOnly", "examples",
		"contentEncoding", "contentMediaType", "contentSchema",
		"definitions", "example", // of earlier drafts and of OpenAPI
	}
}

// formerKeyword is advice on a keyword that only earlier drafts have.
func formerKeyword(name string) string {
	switch name {
	case "dependencies":
		return "it is dependentRequired or dependentSchemas now"
	case "additionalItems":
		return "it is items now, beside prefixItems"
	case "$recursiveRef", "$recursiveAnchor":
		return "it is $dynamicRef and $dynamicAnchor now"
	}
	return ""
}

// one compiles a keyword that holds a schema.
func one(field func(*schema) **schema) func(*compiler, *schema, int) error {
	return func(c *compiler, s *schema, at int) (err error) {
		*field(s), err = c.at(place{s.source, at})
		return err
	}
}

// list compiles a keyword that holds an array of schemas.
func list(field func(*schema) *[]*schema) func(*compiler, *schema, int) error {
	return func(c *compiler, s *schema, at int) error {
		into := field(s)
		for _, item := range s.source.Items(at) {
			sub, err := c.at(place{s.source, item})
			if err != nil {
				return err
			}
			*into = append(*into, sub)
		}
		return nil
	}
}

func number(name, want string, holds func(n, bound decimal) bool) keyword {
	return keyword{name, validation, func(_ *compiler, s *schema, at int) error {
		raw := s.source.Raw(at)
		rules := s.numberRules()
		rules.bounds = append(rules.bounds, bound{comparison{name, want, holds}, parseDecimal(raw), raw})
		return nil
	}}
}

func least(name string, field func(*schema) *limits) keyword {
	return keyword{name, validation, func(_ *compiler, s *schema, at int) error {
		l := field(s)
		l.min, l.hasMin = parseDecimal(s.source.Raw(at)).count(), true
		return nil
	}}
}

func most(name string, field func(*schema) *limits) keyword {
	return keyword{name, validation, func(_ *compiler, s *schema, at int) error {
		l := field(s)
		l.max, l.hasMax = parseDecimal(s.source.Raw(at)).count(), true
		return nil
	}}
}

// allow limits the values to those at some places. Those of enum and const
// are both asked for; what both allow is what is left.
func (s *schema) allow(keyword string, at []int) {
	t := &s.source.Index
	if s.values != nil {
		before := s.values
		at = slices.DeleteFunc(at, func(v int) bool { return !before.has(t, v) })
	}
	s.values = &values{keyword: keyword, t: t, at: at, strings: map[string]bool{}}
	for _, v := range at {
		if t.IsString(v) {
			s.values.strings[string(t.Text(v))] = true
		}
	}
}

func compileEnum(_ *compiler, s *schema, at int) error {
	var allowed []int
	for _, item := range s.source.Items(at) {
		allowed = append(allowed, item)
	}
	s.allow("enum", allowed)
	return nil
}

func compileType(_ *compiler, s *schema, at int) error {
	if s.source.IsString(at) {
		s.types = typeByName(s.source.Text(at))
		return nil
	}
	for _, item := range s.source.Items(at) {
		s.types |= typeByName(s.source.Text(item))
	}
	return nil
}

// slots is the slots of an array of names.
func (s *schema) slots(at int) (slots []int) {
	rules := s.objectRules()
	for _, item := range s.source.Items(at) {
		slots = append(slots, rules.slot(string(s.source.Text(item))))
	}
	return slots
}

// each compiles the schemas of an object, and passes them on with their keys.
func (c *compiler) each(s *schema, at int, take func(key int, sub *schema) error) error {
	for k, v := range s.source.Members(at) {
		sub, err := c.at(place{s.source, v})
		if err == nil {
			err = take(k, sub)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

func compileProperties(c *compiler, s *schema, at int) error {
	rules := s.objectRules()
	return c.each(s, at, func(key int, sub *schema) error {
		n := rules.slot(string(s.source.Text(key)))
		rules.slots[n].property = sub
		return nil
	})
}

func compilePatternProperties(c *compiler, s *schema, at int) error {
	rules := s.objectRules()
	return c.each(s, at, func(key int, sub *schema) error {
		pattern, err := s.source.compilePattern(key)
		rules.patterns = append(rules.patterns, patternSchema{pattern, sub})
		return err
	})
}

func compileDependentSchemas(c *compiler, s *schema, at int) error {
	rules := s.objectRules()
	return c.each(s, at, func(key int, sub *schema) error {
		n := rules.slot(string(s.source.Text(key)))
		rules.slots[n].then = sub
		rules.depends(n)
		return nil
	})
}

func compileDependentRequired(_ *compiler, s *schema, at int) error {
	rules := s.objectRules()
	for k, v := range s.source.Members(at) {
		needs := s.slots(v)
		n := rules.slot(string(s.source.Text(k)))
		rules.slots[n].needs = needs
		rules.depends(n)
	}
	return nil
}

func (o *objectRules) depends(slot int) {
	if !slices.Contains(o.dependents, slot) {
		o.dependents = append(o.dependents, slot)
	}
}

func compileDynamicRef(c *compiler, s *schema, at int) error {
	usual, err := c.refer(s, at)
	if err != nil {
		return err
	}
	rules := s.inlineRules()
	ref, err := url.Parse(string(s.source.Text(at)))
	if err != nil {
		return err // refer has parsed it
	}
	anchor := ref.Fragment
	if at, ok := usual.resource.dynamicAnchors[anchor]; !ok || at != usual.at {
		rules.all = append(rules.all, usual)
		return nil
	}
	rules.dynamic = &dynamicRef{usual, anchor}
	c.dynamic[anchor] = true
	return nil
}

// endless looks for a schema that leads to itself without looking at another
// value in between, through $ref and the like.
func endless(compiled []*schema) *schema {
	const open, done = 1, 2
	state := map[*schema]int{}
	var visit func(s *schema) *schema
	visit = func(s *schema) *schema {
		switch state[s] {
		case open:
			return s
		case done:
			return nil
		}
		state[s] = open
		for _, next := range s.inlines() {
			if found := visit(next); found != nil {
				return found
			}
		}
		state[s] = done
		return nil
	}
	for _, s := range compiled {
		if found := visit(s); found != nil {
			return found
		}
	}
	return nil
}

// inlines is the schemas that speak of the same value as s.
func (s *schema) inlines() (all []*schema) {
	if r := s.inline; r != nil {
		all = slices.Concat(r.all, r.any, r.one)
		for _, sub := range []*schema{r.not, r.cond, r.then, r.elseThen} {
			if sub != nil {
				all = append(all, sub)
			}
		}
	}
	if s.object != nil {
		for _, n := range s.object.dependents {
			if sub := s.object.slots[n].then; sub != nil {
				all = append(all, sub)
			}
		}
	}
	return all
}

// compilePattern compiles the regular expression that stands at a string.
func (s *source) compilePattern(at int) (*pattern, error) {
	text := string(s.Text(at))
	re, err := compileECMA(text)
	if err != nil {
		return nil, s.errorAt(at, fmt.Sprintf("is %s, want a regular expression that can be used: %v", jsonscan.Quote([]byte(text)), err), regexpHint(err))
	}
	return &pattern{text, re}, nil
}
