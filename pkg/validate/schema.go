package validate

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"github.com/julianctl/julianctl/pkg/payload"
)

// Schema is a JSON Schema of draft 2020-12 that documents are held against in
// place of the documented fields. It is safe for concurrent use.
//
// A format is an assertion; one that is not known is none. A $ref may lead to
// the schema itself, to the schemas of the draft and to files in the folder of
// the schema or below; nothing is ever fetched from a network.
type Schema struct {
	root    *schema
	files   []string
	notes   []*SchemaError
	size    int  // schemas in it
	dynamic bool // there is a $dynamicRef
}

// Files is the files that the schema was read from, the first one first.
func (s *Schema) Files() []string { return s.files }

// Notes is the places in the schema that were probably meant otherwise: what
// is no keyword, but nearly one, means nothing.
func (s *Schema) Notes() []*SchemaError { return s.notes }

// SchemaError is a place in a schema file that cannot be used.
type SchemaError struct {
	File         string
	Line, Column int    // as in [Issue]
	Pointer      string // as in [Issue]
	Message      string // one line
	Hint         string // what to do about it; may be empty
	More         int    // other such places
}

func (e *SchemaError) Error() string {
	place := fmt.Sprintf("%s:%d:%d:", e.File, e.Line, e.Column)
	if e.Pointer != "" {
		place += " " + e.Pointer + ":"
	}
	more := ""
	if e.More > 0 {
		more = fmt.Sprintf("; and %d more like this", e.More)
	}
	return place + " " + e.Message + more
}

// maxSchema is how many bytes a schema file may have.
const maxSchema = 16 << 20

// LoadSchema reads and compiles the schema in a file, and all that it refers
// to. The error is a [*SchemaError], or that of the file system for a file
// that cannot be read.
func LoadSchema(file string) (*Schema, error) {
	f, err := os.Open(file)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	body, err := readSchema(f)
	if err != nil {
		return nil, err
	}
	dir, err := filepath.Abs(filepath.Dir(file))
	if err != nil {
		return nil, err
	}
	root, err := os.OpenRoot(dir)
	if err != nil {
		return nil, err
	}
	defer root.Close()
	c := newCompiler()
	c.folder = fileURI(dir) + "/"
	c.read = func(name string) (string, []byte, error) {
		body, err := readBelow(root, name)
		return filepath.Join(filepath.Dir(file), name), body, err
	}
	return c.compile(file, c.folder+filepath.Base(file), body)
}

// fileURI is the path of a URI, which has slashes and begins with one.
func fileURI(path string) string {
	path = filepath.ToSlash(path)
	return "file:///" + strings.TrimPrefix(path, "/")
}

func readSchema(f *os.File) ([]byte, error) {
	body, err := io.ReadAll(io.LimitReader(f, maxSchema+1))
	if err == nil && len(body) > maxSchema {
		err = &fs.PathError{Op: "read", Path: f.Name(), Err: fmt.Errorf("is larger than %d MiB", maxSchema>>20)}
	}
	return body, err
}

// readBelow reads a regular file: a pipe could wait for ever.
func readBelow(root *os.Root, name string) ([]byte, error) {
	info, err := root.Stat(name)
	if err == nil && !info.Mode().IsRegular() {
		err = errors.New("is no regular file")
	}
	if err != nil {
		return nil, err
	}
	f, err := root.Open(name)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	return readSchema(f)
}

// source is a schema document.
type source struct {
	name string // as errors name it
	// prefix stands before the # of places in it; "" for the first document.
	prefix string
	tape
	// keys is the values of large objects by key, once they were asked for:
	// thousands of $ref may lead into one.
	keys map[int]map[string]int
}

// find is member for an object that may be large.
func (s *source) find(object int, key string) int {
	if s.after(object)-object < 200 {
		return s.member(object, key)
	}
	if s.keys[object] == nil {
		byKey := map[string]int{}
		for k, v := range s.members(object) {
			byKey[string(s.text(k))] = v
		}
		if s.keys == nil {
			s.keys = map[int]map[string]int{}
		}
		s.keys[object] = byKey
	}
	if v, ok := s.keys[object][key]; ok {
		return v
	}
	return -1
}

// errorAt is an error at an element.
func (s *source) errorAt(at int, message, hint string) *SchemaError {
	place := payload.Document{Line: 1, Column: 1}.Place().After(s.b[:s.elements[at].from])
	return &SchemaError{File: s.name, Line: place.Line, Column: place.Column, Pointer: pointerOf(s.path(at)), Message: message, Hint: hint}
}

// parseSource reads JSON. Of what is wrong with it, the first is the error.
func parseSource(name, prefix string, body []byte) (*source, error) {
	s := &source{name: name, prefix: prefix, tape: tape{b: body}}
	w := &walker{v: &Validator{}, b: body, tape: &s.tape}
	w.document()
	for _, i := range w.issuesOf(payload.Document{Source: name, Body: body}) {
		if i.Severity == Error {
			return nil, &SchemaError{File: name, Line: i.Line, Column: i.Column, Pointer: i.Pointer, Message: i.Message, Hint: i.Hint}
		}
	}
	return s, nil
}

// conforms is passes for a validator with a schema.
func (s *sprint) conforms() bool {
	t := &s.run.tape
	t.reset(s.b)
	i := s.read(t, s.space(0), 0)
	s.run.program = s.v.options.Schema
	ok := i != no && s.space(i) == len(s.b) && s.run.conforms(false)
	t.b = nil // the body is the caller's
	if cap(t.elements) > 1<<20 {
		t.elements = nil // so much is not wanted again soon
	}
	return ok
}

// conform holds the document that was walked against the schema.
func (w *walker) conform() {
	r := &run{tape: *w.tape, program: w.v.options.Schema}
	if r.conforms(true) {
		return
	}
	if r.gaveUp {
		w.report(int(r.elements[0].from), RuleSchema, Error, "cannot be held against the schema: that takes too long",
			"the schema leads back to itself, or doubles the work at each level of the document")
		return
	}
	type once struct {
		at, n, m int
		schema   *schema
		keyword  string
	}
	told := map[once]bool{}
	for _, f := range r.found {
		key := once{f.at, f.n, f.m, f.schema, f.keyword}
		if rule := f.rule(); !told[key] && w.wants(rule, Error) {
			told[key] = true
			words := r.words(f)
			w.path = words.path
			w.report(int(r.elements[f.at].from), rule, Error, words.message+words.place, words.hint)
		}
	}
	w.path = nil
}
