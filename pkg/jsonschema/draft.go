package jsonschema

import (
	_ "embed"
	"fmt"
	"net/url"
	"slices"
	"strings"

	"github.com/julianctl/julianctl/pkg/jsonscan"
)

// metaschemas is the schemas of draft 2020-12, which all schemas have to fit: an
// array of the files that json-schema.org publishes under
// https://json-schema.org/draft/2020-12/.
//
//go:embed metaschemas.json
var metaschemas []byte

const (
	draft     = "https://json-schema.org/draft/2020-12/"
	thisDraft = draft + "schema"
)

// draftOf is the vocabularies of the $schema at a place, if there is one.
func (c *compiler) draftOf(source *source, at int, usual vocabulary) (vocabulary, error) {
	v := -1
	if source.Kind(at) == '{' {
		v = source.Member(at, "$schema")
	}
	if v < 0 || !source.IsString(v) {
		return usual, nil
	}
	uri := strings.TrimSuffix(string(source.Text(v)), "#")
	if known, ok := c.drafts[uri]; ok {
		return known, nil
	}
	if strings.HasPrefix(uri, "http://json-schema.org/") || strings.HasPrefix(uri, "https://json-schema.org/") && !strings.HasPrefix(uri, draft) {
		return 0, source.errorAt(v, fmt.Sprintf("is %s, want draft 2020-12", jsonscan.Quote([]byte(uri))),
			fmt.Sprintf("write %q; where the drafts differ, such as definitions, dependencies and items that are an array, the schema has to change too", thisDraft))
	}
	// A draft of the user, which says what it has of this one.
	c.drafts[uri] = wholeDraft
	r, err := c.resource(uri)
	if err != nil {
		return 0, source.errorAt(v, fmt.Sprintf("is %s, which is not known", jsonscan.Quote([]byte(uri))), fmt.Sprintf("want %q", thisDraft))
	}
	of, err := r.vocabularies()
	if err != nil {
		return 0, err
	}
	c.drafts[uri] = of
	own := *c
	own.compiled, own.order, own.todo, own.dynamic = map[place]*schema{}, nil, nil, map[string]bool{}
	program, err := own.program(r)
	if err != nil {
		return 0, err
	}
	c.files = own.files
	return of, checkAgainst(program, place{source, at}, uri)
}

// vocabularies reads $vocabulary.
func (r *resource) vocabularies() (vocabulary, error) {
	v := -1
	if r.source.Kind(r.at) == '{' {
		v = r.source.Member(r.at, "$vocabulary")
	}
	if v < 0 {
		return wholeDraft, nil
	}
	known := map[string]vocabulary{
		"core": core, "applicator": applicator, "unevaluated": unevaluated, "validation": validation,
		"format-annotation": formatting, "format-assertion": formatting, "meta-data": core, "content": core,
	}
	of := core
	for k, required := range r.source.Members(v) {
		name, own := strings.CutPrefix(string(r.source.Text(k)), draft+"vocab/")
		if group, ok := known[name]; own && ok {
			of |= group
		} else if r.source.Kind(required) == 't' {
			return 0, r.source.errorAt(k, fmt.Sprintf("is %s, a vocabulary that is not known", jsonscan.Quote(r.source.Text(k))), "")
		}
	}
	return of, nil
}

// addDraft adds the schemas of the draft.
func (c *compiler) addDraft() error {
	source, err := parseSource(thisDraft, thisDraft, metaschemas)
	if err != nil {
		return err
	}
	for _, at := range source.Items(0) {
		r := c.newResource(source, at, &url.URL{}, wholeDraft)
		if err := c.index(source, at, r); err != nil {
			return err
		}
	}
	return nil
}

// metaschema is the schema of schemas.
func (c *compiler) metaschema() (*Schema, error) {
	if c.meta != nil {
		return c.meta, nil
	}
	own := newCompiler()
	// What is wrong with a regular expression is known once it is compiled.
	own.ignored = "regex"
	r, err := own.resource(thisDraft)
	if err == nil {
		c.meta, err = own.program(r)
	}
	return c.meta, err
}

// checkPlace checks a place against the schema of schemas.
func (c *compiler) checkPlace(p place) error {
	meta, err := c.metaschema()
	if err != nil {
		return err
	}
	return checkAgainst(meta, p, "")
}

// checkAgainst checks a schema against that of its draft.
func checkAgainst(program *Schema, p place, name string) error {
	e := &evaluation{Index: p.source.Index, program: program}
	if e.evaluateAt(p.at, true) {
		return nil
	}
	if len(e.found) == 0 {
		return p.source.errorAt(p.at, "takes too long to be checked", "")
	}
	slices.SortStableFunc(e.found, func(a, b failure) int { return a.at - b.at })
	first := e.explain(e.found[0])
	err := p.source.errorAt(e.found[0].at, first.Message, first.Hint)
	err.Pointer = first.Path.Pointer()
	if name != "" {
		err.Message += fmt.Sprintf(" (%s)", name)
	}
	err.More = len(e.found) - 1
	return err
}
