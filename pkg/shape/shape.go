// Package shape describes payloads (their fields, JSON types, values, and which fields
// are always present) and compares two such descriptions.
//
// A shape comes from the documentation ([Documented]), from payloads
// ([Observer]) or from a JSON Schema ([FromSchema]), and becomes a schema again
// with [Shape.Schema]. Package validate decides whether a payload is correct.
//
// Names and values of an observed shape come from payloads: escape them before they are
// shown.
package shape

import (
	"slices"
	"strings"

	"github.com/julianctl/julianctl/pkg/jsonscan"
	"github.com/julianctl/julianctl/pkg/julian"
)

// Kinds is a set of JSON types. An integer is a Number.
type Kinds uint8

// The JSON types.
const (
	Null Kinds = 1 << iota
	Boolean
	Number
	String
	Object
	Array
)

var kindNames = []struct {
	kind Kinds
	name string
}{
	{Object, "object"}, {Array, "array"}, {String, "string"}, {Number, "number"}, {Boolean, "boolean"}, {Null, "null"},
}

// names are the types as JSON Schema writes them.
func (k Kinds) names() []string {
	var names []string
	for _, n := range kindNames {
		if k&n.kind != 0 {
			names = append(names, n.name)
		}
	}
	return names
}

// First is the name of one of the types, and of null only where there is no
// other; empty for no type at all.
func (k Kinds) First() string {
	if names := k.names(); len(names) > 0 {
		return names[0]
	}
	return ""
}

// String reads like "string or null"; it is "anything" for no type at all.
func (k Kinds) String() string {
	if k == 0 {
		return "anything"
	}
	return strings.Join(k.names(), " or ")
}

func kindsNamed(name string) Kinds {
	if name == "integer" {
		return Number
	}
	for _, n := range kindNames {
		if n.name == name {
			return n.kind
		}
	}
	return 0
}

// Field describes one place in a payload.
type Field struct {
	// Pointer is the place as a JSON pointer (RFC 6901), where * stands for
	// every item of an array; "" is the payload as a whole.
	Pointer string
	Kinds   Kinds // empty: any
	Always  bool  // there whenever the object around it is
	// Values are the only values, of a string, in order of appearance; nil: any.
	Values []string
	Format string // of a string, as JSON Schema names it; empty: none or unknown
	Free   bool   // an object whose keys are its owner's own
}

// Shape is a list of fields; parents come before their children. The zero value is an
// unknown shape.
type Shape struct {
	Fields []Field
	// Observed: the shape comes from payloads, so there may be more fields.
	Observed bool
}

// Find returns the field at a pointer.
func (s Shape) Find(pointer string) (Field, bool) {
	i := slices.IndexFunc(s.Fields, func(f Field) bool { return f.Pointer == pointer })
	if i < 0 {
		return Field{}, false
	}
	return s.Fields[i], true
}

// Children are the fields directly within the one at pointer, items of an
// array included.
func (s Shape) Children(pointer string) []Field {
	var children []Field
	for _, f := range s.Fields {
		if f.Pointer != "" && parent(f.Pointer) == pointer {
			children = append(children, f)
		}
	}
	return children
}

// parent is the pointer of what the field at pointer is in.
func parent(pointer string) string { return pointer[:strings.LastIndexByte(pointer, '/')] }

// Name is the key of a field: the last part of its pointer, unescaped.
func (f Field) Name() string {
	return jsonscan.PointerKey(f.Pointer[strings.LastIndexByte(f.Pointer, '/')+1:])
}

// within is the pointer of key in the object at pointer.
func within(pointer, key string) string {
	return pointer + "/" + jsonscan.PointerToken(key)
}

// Documented is the shape of the payload as [julian.Fields] has it.
func Documented() Shape {
	s := Shape{Fields: []Field{{Kinds: Object, Always: true}}}
	kinds := map[julian.Kind]Kinds{julian.String: String, julian.Number: Number, julian.Object: Object, julian.Array: Array}
	for _, f := range julian.Fields {
		field := Field{
			Pointer: f.Pointer, Kinds: kinds[f.Kind], Always: f.Presence != julian.Optional,
			Values: f.Enum, Free: f.Free,
		}
		if f.Nullable {
			field.Kinds |= Null
		}
		if f.Format == julian.DateTime {
			field.Format = string(f.Format)
		}
		s.Fields = append(s.Fields, field)
	}
	return s
}
