package shape

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/julianctl/julianctl/pkg/jsonscan"
	"github.com/tidwall/gjson"
)

// Draft is the dialect of the schemas that are written.
const Draft = "https://json-schema.org/draft/2020-12/schema"

// inferred is the comment by which the schema of an observed shape is known.
const inferred = "inferred by julianctl: what payloads did not hold may exist all the same"

// Words are what a schema says of itself.
type Words struct{ Title, Description string }

// node is one schema, in the order in which its keywords are written.
type node struct {
	Schema      string     `json:"$schema,omitempty"`
	Comment     string     `json:"$comment,omitempty"`
	Title       string     `json:"title,omitempty"`
	Description string     `json:"description,omitempty"`
	Type        any        `json:"type,omitempty"` // a name or several
	Const       string     `json:"const,omitempty"`
	Enum        []string   `json:"enum,omitempty"`
	Format      string     `json:"format,omitempty"`
	Required    []string   `json:"required,omitempty"`
	Properties  properties `json:"properties,omitempty"`
	Additional  *bool      `json:"additionalProperties,omitempty"`
	Items       *node      `json:"items,omitempty"`
}

// properties keep their order.
type properties []property

type property struct {
	name string
	node *node
}

func (p properties) MarshalJSON() ([]byte, error) {
	var out bytes.Buffer
	for i, each := range p {
		name, err := json.Marshal(each.name)
		if err != nil {
			return nil, err
		}
		value, err := json.Marshal(each.node)
		if err != nil {
			return nil, err
		}
		out.WriteByte("{,"[min(i, 1)])
		out.Write(name)
		out.WriteByte(':')
		out.Write(value)
	}
	out.WriteByte('}')
	return out.Bytes(), nil
}

// write lays n out as a file.
func (n *node) write() ([]byte, error) {
	out, err := json.MarshalIndent(n, "", "  ")
	return append(out, '\n'), err
}

// Schema writes the shape as a JSON Schema of draft 2020-12. Unknown fields
// are correct by it.
func (s Shape) Schema(w Words) ([]byte, error) {
	root := s.node("")
	root.Schema, root.Title, root.Description = Draft, w.Title, w.Description
	if s.Observed {
		root.Comment = inferred
	}
	return root.write()
}

func (s Shape) node(pointer string) *node {
	n := &node{}
	if f, found := s.Find(pointer); found {
		n.Enum, n.Format = f.Values, f.Format
		switch names := f.Kinds.names(); len(names) {
		case 0:
		case 1:
			n.Type = names[0]
		default:
			n.Type = names
		}
		if f.Kinds&^String != 0 {
			// An enum would also be asked of the other types.
			n.Enum = nil
		}
	}
	for _, child := range s.Children(pointer) {
		if strings.HasSuffix(child.Pointer, "/*") {
			n.Items = s.node(child.Pointer)
			continue
		}
		n.Properties = append(n.Properties, property{child.Name(), s.node(child.Pointer)})
		if child.Always {
			n.Required = append(n.Required, child.Name())
		}
	}
	return n
}

// ErrNotSchema is returned for a document that is not a JSON Schema.
var ErrNotSchema = errors.New("is not a JSON Schema")

// IsSchema reports whether a document that is JSON looks like a JSON Schema,
// and not like a payload.
func IsSchema(body []byte) bool {
	if !json.Valid(body) {
		return false
	}
	doc := gjson.ParseBytes(body)
	return doc.IsObject() && !doc.Get("callId").Exists() &&
		(doc.Get(`\$schema`).Exists() || doc.Get("properties").IsObject() || doc.Get(`\$ref`).Exists())
}

// A schema may refer to itself: deepest is how many references and levels are
// followed, and longest how many schemas are read in all.
const (
	deepest = 32
	longest = 20_000
)

// FromSchema reads the shape that a JSON Schema describes: types, properties,
// items, required, enum, const and format, through local references and allOf,
// anyOf and oneOf. Other keywords say nothing about a shape. The error is
// [ErrNotSchema], with the place of a reference that leads nowhere.
func FromSchema(schema []byte) (Shape, error) {
	if !IsSchema(schema) {
		return Shape{}, ErrNotSchema
	}
	r := schemaReader{root: gjson.ParseBytes(schema), at: map[string]int{}}
	r.shape.Observed = r.root.Get(`\$comment`).Str == inferred
	r.read("", true, r.root, 0)
	parents := map[string]bool{}
	for _, f := range r.shape.Fields[min(1, len(r.shape.Fields)):] {
		parents[parent(f.Pointer)] = true
	}
	for i, f := range r.shape.Fields {
		r.shape.Fields[i].Free = f.Kinds&Object != 0 && !parents[f.Pointer]
	}
	return r.shape, r.err
}

type schemaReader struct {
	root  gjson.Result
	shape Shape
	at    map[string]int // where the field at a pointer is in shape
	reads int
	err   error
}

// read adds what one schema says of the field at pointer to what others said.
func (r *schemaReader) read(pointer string, always bool, schema gjson.Result, depth int) {
	if r.reads++; r.reads > longest && r.err == nil {
		r.err = fmt.Errorf("%w that can be followed: it is too large, or refers to itself in many places", ErrNotSchema)
	}
	if depth > deepest || r.err != nil {
		return
	}
	i, known := r.at[pointer]
	if !known {
		i = len(r.shape.Fields)
		r.at[pointer] = i
		r.shape.Fields = append(r.shape.Fields, Field{Pointer: pointer, Always: always})
	}
	r.keywords(&r.shape.Fields[i], schema)
	required := schema.Get("required").Array()
	schema.Get("properties").ForEach(func(key, value gjson.Result) bool {
		must := slices.ContainsFunc(required, func(v gjson.Result) bool { return v.Str == key.Str })
		r.read(within(pointer, key.Str), must, value, depth+1)
		return true
	})
	if items := schema.Get("items"); items.IsObject() {
		r.read(pointer+"/*", false, items, depth+1)
	}
	for _, several := range []string{"allOf", "anyOf", "oneOf"} {
		for _, one := range schema.Get(several).Array() {
			r.read(pointer, always, one, depth+1)
		}
	}
	if ref := schema.Get(`\$ref`); ref.Type == gjson.String {
		r.read(pointer, always, r.resolve(ref.Str), depth+1)
	}
}

func (r *schemaReader) keywords(f *Field, schema gjson.Result) {
	switch t := schema.Get("type"); {
	case t.Type == gjson.String:
		f.Kinds |= kindsNamed(t.Str)
	case t.IsArray():
		for _, name := range t.Array() {
			f.Kinds |= kindsNamed(name.Str)
		}
	}
	if schema.Get("nullable").Bool() { // OpenAPI 3.0
		f.Kinds |= Null
	}
	values := schema.Get("enum").Array()
	if constant := schema.Get("const"); constant.Exists() && constant.Str != "" {
		values = append(values, constant)
	}
	for _, value := range values {
		switch {
		case value.Type == gjson.Null:
			f.Kinds |= Null
		case value.Type == gjson.String && !slices.Contains(f.Values, value.Str):
			f.Values = append(f.Values, value.Str)
		}
	}
	if format := schema.Get("format"); format.Type == gjson.String {
		f.Format = format.Str
	}
}

// resolve follows a reference within the document.
func (r *schemaReader) resolve(ref string) gjson.Result {
	path, local := strings.CutPrefix(ref, "#")
	at := r.root
	for part := range strings.SplitSeq(strings.TrimPrefix(path, "/"), "/") {
		if part == "" {
			continue
		}
		part = jsonscan.PointerKey(part)
		next, found := gjson.Result{}, false
		at.ForEach(func(key, value gjson.Result) bool {
			if key.Str == part {
				next, found = value, true
			}
			return !found
		})
		local = local && found
		at = next
	}
	if !local {
		r.err = fmt.Errorf("%w: $ref %q not found in it", ErrNotSchema, ref)
	}
	return at
}
