package jsonschema

import "github.com/julianctl/julianctl/pkg/jsonscan"

// Compile is Load for a document that was read already, from a folder that has
// any URI.
func Compile(name string, body []byte, folder string, read func(name string) (path string, body []byte, err error)) (*Schema, error) {
	c := newCompiler()
	c.folder, c.read = folder, read
	return c.compile(name, folder+name, body)
}

// AcceptsFromMemory checks a document as if it took many steps: no question is
// answered twice.
func (s *Schema) AcceptsFromMemory(doc *jsonscan.Index) bool {
	e := &evaluation{Index: *doc, program: s, steps: 1 << 30, many: 1 << 30, limit: maxFound, collect: true}
	return e.check(s.root, 0, nil) && !e.gaveUp
}
