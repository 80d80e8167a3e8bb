package jsonschema

import (
	"cmp"
	"fmt"
	"maps"
	"net/url"
	"slices"
	"strings"

	"github.com/julianctl/julianctl/pkg/jsonscan"
	"github.com/julianctl/julianctl/pkg/spelling"
)

// place is an element of a source.
type place struct {
	source *source
	at     int
}

// resource is a schema with a URI of its own, and what stands in it.
type resource struct {
	source *source
	at     int
	base   *url.URL // without a fragment
	of     vocabulary
	// anchors is the elements that a $ref can name, dynamicAnchors those of
	// them that a $dynamicRef can.
	anchors, dynamicAnchors map[string]int
	// dynamic is the schemas of dynamicAnchors that some $dynamicRef names.
	dynamic map[string]*schema
}

// compiler makes schemas of the places of sources.
type compiler struct {
	// folder is the URI of the folder that holds the first file, and read
	// reads a file below it by a relative path, and says what to call it.
	folder string
	read   func(name string) (path string, body []byte, err error)
	// home is what folder is called in the first file's $id; may be empty.
	home string

	meta      *Schema // of schemas; nil until it is asked for
	keywords  map[string]keyword
	ignored   string // a format that is not an assertion
	files     []string
	notes     []*Error
	resources map[string]*resource // by URI
	where     map[place]*resource  // of each schema that is known
	compiled  map[place]*schema
	order     []*schema // compiled, in order
	todo      []*schema
	dynamic   map[string]bool // anchors that a $dynamicRef names
	// drafts is the vocabularies of values of $schema. One that is being read
	// may be its own.
	drafts map[string]vocabulary
}

func newCompiler() *compiler {
	c := &compiler{
		keywords: map[string]keyword{}, resources: map[string]*resource{}, where: map[place]*resource{},
		compiled: map[place]*schema{}, dynamic: map[string]bool{}, drafts: map[string]vocabulary{thisDraft: wholeDraft},
	}
	for _, k := range keywords() {
		c.keywords[k.name] = k
	}
	return c
}

// compile compiles the first document.
func (c *compiler) compile(name, uri string, body []byte) (*Schema, error) {
	c.files = append(c.files, name)
	r, err := c.add(name, "", uri, body)
	if err != nil {
		return nil, err
	}
	if err := c.hasKeyword(r); err != nil {
		return nil, err
	}
	return c.program(r)
}

// hasKeyword refuses an object none of whose keys is one of a schema, such as a
// payload: it would allow every value. A schema that does is noted.
func (c *compiler) hasKeyword(r *resource) error {
	s := r.source
	isSchema, hint := s.Kind(r.at) != '{', ""
	var keys []string
	for k := range s.Members(r.at) {
		name := string(s.Text(k))
		switch _, known := c.keywords[name]; {
		case known:
			return nil
		case strings.HasPrefix(name, "$") || name == "definitions":
			isSchema = true
		case slices.Contains(otherKeywords(), name): // other files have such keys, too
		default:
			keys = append(keys, name)
			hint = cmp.Or(hint, c.nearKeyword(name))
		}
	}
	const so = ", so every value is correct by it"
	switch {
	case !isSchema && keys != nil:
		e := s.errorAt(r.at, "has no keyword of JSON Schema"+so, hint)
		e.NoKeyword, e.Keys = true, keys
		return e
	case s.Kind(r.at) != 'f':
		e := s.errorAt(r.at, "says nothing of a value"+so, "")
		e.NoKeyword = true
		c.notes = append(c.notes, e)
	}
	return nil
}

// program compiles a resource and all that it leads to.
func (c *compiler) program(r *resource) (*Schema, error) {
	root, err := c.at(place{r.source, r.at})
	if err != nil {
		return nil, err
	}
	for len(c.todo) > 0 {
		s := c.todo[0]
		c.todo = c.todo[1:]
		if err := c.fill(s); err != nil {
			return nil, err
		}
		if len(c.todo) == 0 {
			if err := c.fillDynamic(); err != nil {
				return nil, err
			}
		}
	}
	if s := endless(c.order); s != nil {
		return nil, s.source.errorAt(s.at, "leads back to itself for the same value",
			"let a $ref to it stand below properties, items or the like, so that it is about a part of the value")
	}
	return &Schema{root: root, files: c.files, notes: c.notes, size: len(c.order), dynamic: len(c.dynamic) > 0}, nil
}

// fillDynamic compiles what a $dynamicRef may lead to.
func (c *compiler) fillDynamic() error {
	for _, r := range c.resources {
		for anchor := range c.dynamic {
			at, ok := r.dynamicAnchors[anchor]
			if !ok || r.dynamic[anchor] != nil {
				continue
			}
			s, err := c.at(place{r.source, at})
			if err != nil {
				return err
			}
			if r.dynamic == nil {
				r.dynamic = map[string]*schema{}
			}
			r.dynamic[anchor] = s
		}
	}
	return nil
}

// at is the schema at a place, to be compiled if it is not.
func (c *compiler) at(p place) (*schema, error) {
	if s := c.compiled[p]; s != nil {
		return s, nil
	}
	if c.where[p] == nil {
		// The place is none where schemas stand: it was not looked at.
		if err := c.addPlace(p); err != nil {
			return nil, err
		}
	}
	s := &schema{source: p.source, at: p.at, resource: c.where[p]}
	c.compiled[p] = s
	c.order = append(c.order, s)
	switch p.source.Kind(p.at) {
	case 't':
		s.everything = true
	case 'f':
		s.nothing = true
	default:
		c.todo = append(c.todo, s)
	}
	return s, nil
}

// addPlace adds a schema that only a $ref knows to be one.
func (c *compiler) addPlace(p place) error {
	if err := c.checkPlace(p); err != nil {
		return err
	}
	var nearest *resource
	last := -1
	for known, r := range c.where {
		if known.source == p.source && known.at < p.at && p.at < p.source.After(known.at) && known.at > last {
			nearest, last = r, known.at
		}
	}
	return c.index(p.source, p.at, nearest)
}

func (c *compiler) fill(s *schema) error {
	for k, v := range s.source.Members(s.at) {
		row, ok := c.keywords[string(s.source.Text(k))]
		if !ok {
			c.noteUnknown(s, k)
		}
		if !ok || row.of&s.resource.of == 0 {
			continue
		}
		if err := row.compile(c, s, v); err != nil {
			return err
		}
	}
	if a := s.array; a != nil && a.contains != nil && !a.matches.hasMin {
		a.matches.min, a.matches.hasMin = 1, true
	}
	return nil
}

// maxNotes is how many places are noted.
const maxNotes = 20

// noteUnknown notes a key that nothing is done with, if it is nearly a keyword, or
// was one.
func (c *compiler) noteUnknown(s *schema, key int) {
	name := string(s.source.Text(key))
	if s.source.prefix == thisDraft || len(c.notes) == maxNotes || slices.Contains(otherKeywords(), name) {
		return
	}
	if hint := c.nearKeyword(name); hint != "" {
		c.notes = append(c.notes, s.source.errorAt(key, "is not a keyword of draft 2020-12, and means nothing", hint))
	}
}

// nearKeyword is what was meant by a name that is nearly a keyword, or was one.
func (c *compiler) nearKeyword(name string) string {
	if hint := formerKeyword(name); hint != "" {
		return hint
	}
	known := slices.Concat(slices.Sorted(maps.Keys(c.keywords)), otherKeywords())
	return spelling.DidYouMean(name, slices.DeleteFunc(known, func(k string) bool { return len(k) < len("type") }))
}

// add adds a document. Its resource has the URI that it was found by, and
// that of its $id.
func (c *compiler) add(name, prefix, uri string, body []byte) (*resource, error) {
	source, err := parseSource(name, prefix, body)
	if err != nil {
		return nil, err
	}
	base, err := url.Parse(uri)
	if err != nil {
		return nil, source.errorAt(0, fmt.Sprintf("has no place in a URI: %v", err), "")
	}
	return c.addSource(source, 0, base)
}

func (c *compiler) addSource(source *source, at int, base *url.URL) (*resource, error) {
	of, err := c.draftOf(source, at, wholeDraft)
	if err != nil {
		return nil, err
	}
	if err := c.checkPlace(place{source, at}); err != nil {
		return nil, err
	}
	r := c.newResource(source, at, base, of)
	if err := c.index(source, at, r); err != nil {
		return nil, err
	}
	r = c.where[place{source, at}] // by its $id
	if source.prefix == "" && at == 0 && r.base.Scheme != "file" {
		c.home = r.base.ResolveReference(&url.URL{Path: "./"}).String()
	}
	return r, nil
}

func (c *compiler) newResource(source *source, at int, base *url.URL, of vocabulary) *resource {
	r := &resource{source: source, at: at, base: base, of: of, anchors: map[string]int{}, dynamicAnchors: map[string]int{}}
	c.resources[base.String()] = r
	return r
}

// index notes the schemas of a place, and what they are called.
func (c *compiler) index(source *source, at int, r *resource) error {
	if source.Kind(at) != '{' {
		c.where[place{source, at}] = r
		return nil
	}
	if id := source.Member(at, "$id"); id >= 0 {
		inner, err := c.identified(source, at, id, r)
		if err != nil {
			return err
		}
		r = inner
	}
	c.where[place{source, at}] = r
	for k, v := range source.Members(at) {
		name := string(source.Text(k))
		switch name {
		case "$anchor", "$dynamicAnchor":
			anchor := string(source.Text(v))
			if _, twice := r.anchors[anchor]; twice {
				return source.errorAt(v, fmt.Sprintf("is %q, which another schema is called already", anchor), "")
			}
			r.anchors[anchor] = at
			if name == "$dynamicAnchor" {
				r.dynamicAnchors[anchor] = at
			}
		}
		for sub := range source.schemasOf(name, v) {
			if err := c.index(source, sub, r); err != nil {
				return err
			}
		}
	}
	return nil
}

// identified is the resource of a schema with an $id.
func (c *compiler) identified(source *source, at, id int, outer *resource) (*resource, error) {
	text := string(source.Text(id))
	ref, err := url.Parse(strings.TrimSuffix(text, "#"))
	if err != nil {
		return nil, source.errorAt(id, fmt.Sprintf("is %s, want a URI", jsonscan.Quote([]byte(text))), "")
	}
	base := outer.base.ResolveReference(ref)
	base.Fragment = ""
	if other := c.resources[base.String()]; other != nil && (other.source != source || other.at != at) {
		return nil, source.errorAt(id, fmt.Sprintf("is %s, which another schema has already", jsonscan.Quote([]byte(text))), "")
	}
	of, err := c.draftOf(source, at, outer.of)
	if err != nil {
		return nil, err
	}
	return c.newResource(source, at, base, of), nil
}

// schemasOf is the schemas that the value of a keyword holds.
func (s *source) schemasOf(keyword string, value int) func(yield func(int) bool) {
	return func(yield func(int) bool) {
		switch keyword {
		case "not", "if", "then", "else", "items", "contains", "additionalProperties", "propertyNames",
			"unevaluatedItems", "unevaluatedProperties", "contentSchema":
			yield(value)
		case "allOf", "anyOf", "oneOf", "prefixItems":
			for _, item := range s.Items(value) {
				if !yield(item) {
					return
				}
			}
		case "properties", "patternProperties", "dependentSchemas", "$defs", "definitions":
			for _, v := range s.Members(value) {
				if !yield(v) {
					return
				}
			}
		}
	}
}
