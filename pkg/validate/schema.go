package validate

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"github.com/julianctl/julianctl/pkg/jsonscan"
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
	jsonscan.Index
	// keys is the values of large objects by key, once they were asked for:
	// thousands of $ref may lead into one.
	keys map[int]map[string]int
}

// find is member for an object that may be large.
func (s *source) find(object int, key string) int {
	if s.After(object)-object < 200 {
		return s.Member(object, key)
	}
	if s.keys[object] == nil {
		byKey := map[string]int{}
		for k, v := range s.Members(object) {
			byKey[string(s.Text(k))] = v
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
	place := jsonscan.Start.After(s.Index.Before(at))
	return &SchemaError{File: s.name, Line: place.Line, Column: place.Column, Pointer: s.Path(at).Pointer(), Message: message, Hint: hint}
}

// parseSource reads JSON. Of what is wrong with it, the first is the error.
func parseSource(name, prefix string, body []byte) (*source, error) {
	s := &source{name: name, prefix: prefix}
	var first *SchemaError
	at := len(body) + 1
	var r *jsonscan.Reader
	r = jsonscan.NewReader(body, "payload", &s.Index, func(p jsonscan.Problem) {
		if p.Class == jsonscan.UnpairedSurrogate || p.Offset >= at {
			return
		}
		at = p.Offset
		place := jsonscan.Start.After(body[:at])
		first = &SchemaError{File: name, Line: place.Line, Column: place.Column, Pointer: r.Path().Pointer(), Message: p.Message, Hint: p.Hint}
	})
	r.Document(r.Any)
	if first != nil {
		return nil, first
	}
	return s, nil
}

// checkSchema holds the document that was read against the schema.
func (s *slowPath) checkSchema() {
	r := &run{Index: *s.index, program: s.v.options.Schema}
	if r.conforms(true) {
		return
	}
	if r.gaveUp {
		s.report(r.Offset(0), RuleSchema, Error, "cannot be held against the schema: that takes too long",
			"the schema leads back to itself, or doubles the work at each level of the document")
		return
	}
	type once struct {
		at, n, m int
		schema   *schema
		keyword  string
	}
	reported := map[once]bool{}
	for _, f := range r.found {
		key := once{f.at, f.n, f.m, f.schema, f.keyword}
		if rule := f.rule(); !reported[key] && s.wants(rule, Error) {
			reported[key] = true
			words := r.words(f)
			s.reportBelow(words.path, r.Offset(f.at), rule, Error, words.message+words.place, words.hint)
		}
	}
}
