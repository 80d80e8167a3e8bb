// Package jsonschema checks JSON documents against a schema of the user: a JSON
// Schema of draft 2020-12, read from files.
//
// It finds every place at which a document does not fit, says what is wrong
// there, and by which keyword of the schema. It knows nothing of payloads. A format is an assertion; one
// that is not known is none. A $ref may lead to the schema itself, to the
// schemas of the draft and to files in the folder of the schema or below;
// nothing is ever fetched from a network.
//
// No library would do. Of the 1,099 cases of the suite that are not optional,
// santhosh-tekuri/jsonschema 6.0.3 passes all, but costs every start 4 ms;
// google/jsonschema-go 0.4.3 passes 1,095 and stops at the first failure;
// kaptinlin/jsonschema 0.9.7 passes 1,097, asks the network for the draft's own
// schemas and adds 6 MB to a program. All of them check decoded values, of which
// the place in the file is not known. The first is the oracle of the tests.
package jsonschema

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"github.com/julianctl/julianctl/pkg/units"
)

// Schema is a compiled schema. It is safe for concurrent use.
type Schema struct {
	root    *schema
	files   []string
	notes   []*Error
	size    int  // schemas in it
	dynamic bool // there is a $dynamicRef
}

// Files is the files that the schema was read from, the first one first.
func (s *Schema) Files() []string { return s.files }

// Notes is the places in the schema that were probably meant otherwise: what
// is not a keyword, but nearly one, means nothing.
func (s *Schema) Notes() []*Error { return s.notes }

// Error is a place in a schema file that cannot be used.
type Error struct {
	File         string
	Line, Column int    // 1-based, the column in characters
	Pointer      string // of the place, as a JSON pointer
	Message      string // one line
	Hint         string // what to do about it; may be empty
	More         int    // other such places
	// NoKeyword: the whole file has no keyword that says something of a value.
	// Keys are those of a file that is not a schema at all.
	NoKeyword bool
	Keys      []string
}

func (e *Error) Error() string {
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

// Load reads and compiles the schema in a file, and all that it refers
// to. The error is a [*Error], or that of the file system for a file
// that cannot be read.
func Load(file string) (*Schema, error) {
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
		err = &fs.PathError{Op: "read", Path: f.Name(), Err: fmt.Errorf("is larger than %s", units.Size(maxSchema))}
	}
	return body, err
}

// readBelow reads a regular file: a pipe could wait for ever.
func readBelow(root *os.Root, name string) ([]byte, error) {
	info, err := root.Stat(name)
	if err == nil && !info.Mode().IsRegular() {
		err = errors.New("is not a regular file")
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
