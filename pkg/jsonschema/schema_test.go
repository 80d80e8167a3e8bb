package jsonschema_test

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"github.com/julianctl/julianctl/pkg/jsonscan"
	"github.com/julianctl/julianctl/pkg/jsonschema"
)

// misfit is a schema with a value that does not fit it: a ⌖ in the value marks
// the place of each failure, stated as "pointer: message | hint".
type misfit struct {
	schema, value string
	want          []string
}

var misfits = []misfit{
	{`{"type": "string"}`, `⌖1`, []string{": is 1, want a string (#/type)"}},
	{`{"type": ["integer", "null", "object"]}`, `⌖1.50`, []string{": is 1.50, want an object, an integer or null (#/type)"}},
	{`{"type": ["integer", "number"]}`, `⌖true`, []string{": is true, want a number (#/type)"}},
	{`{"type": "integer"}`, `10.0e-1`, nil},
	{`{"properties": {"a": {"enum": ["open", "closed", 1, null]}}}`, "{\n  \"a\": ⌖\"opne\"\n}",
		[]string{`/a: is "opne", want open, closed, 1 or null (#/properties/a/enum) | did you mean "open"?`}},
	{`{"enum": [1, 2, 3, 4, 5]}`, `⌖6`, []string{": is 6, want a listed value (#/enum) | one of: 1, 2, 3, 4, 5"}},
	{`{"enum": []}`, `⌖6`, []string{": is 6, want another value (#/enum)"}},
	{`{"const": {"a": [1, "é"]}}`, `⌖{"a": [1.0, "e"]}`, []string{`: is an object, want {"a": [1, "é"]} (#/const)`}},
	{`{"const": {"b": 10, "a": [1, "é"]}}`, `{"a": [1.0, "\u00e9"], "b": 1e1}`, nil},
	{`{"const": ""}`, `⌖"x"`, []string{`: is "x", want "" (#/const)`}},
	{`{"enum": ["a", "b"], "const": "b"}`, `⌖"a"`, []string{`: is "a", want b (#/const)`}},
	{`{"enum": ["a"], "const": "b"}`, `⌖"b"`, []string{`: is "b", want another value (#/const)`}},

	{`{"multipleOf": 0.01}`, `⌖19.995`, []string{": is 19.995, want a multiple of 0.01 (#/multipleOf)"}},
	{`{"minimum": 1, "maximum": 0}`, `⌖0.5`, []string{": is 0.5, want at least 1 (#/minimum)", ": is 0.5, want at most 0 (#/maximum)"}},
	{`{"exclusiveMinimum": -1e400}`, `[⌖-1e400]`, nil},
	{`{"items": {"exclusiveMinimum": -1e400}}`, "[1,\n\t⌖-1e400]", []string{"/1: is -1e400, want more than -1e400 (#/items/exclusiveMinimum)"}},
	{`{"exclusiveMaximum": 3}`, `⌖3.0`, []string{": is 3.0, want less than 3 (#/exclusiveMaximum)"}},

	{`{"minLength": 3}`, `⌖"é😀"`, []string{": has 2 characters, want at least 3 (#/minLength)"}},
	{`{"minLength": 3}`, `⌖"é\ud83d\ude00"`, []string{": has 2 characters, want at least 3 (#/minLength)"}},
	{`{"maxLength": 0}`, `⌖"é"`, []string{": has 1 character, want at most 0 (#/maxLength)"}},
	{`{"pattern": "^\\d+$"}`, `⌖"12a"`, []string{`: is "12a", want a match of ^\d+$ (#/pattern)`}},
	{`{"format": "date-time"}`, `⌖"2025"`, []string{`: is "2025", want a date and time such as 2025-01-20T14:00:00.000Z (#/format)`}},
	{`{"format": "no-such-format"}`, `"x"`, nil},

	{`{"required": ["callId", "b"]}`, ` ⌖{"call_id": 1}`, []string{`/callId: is missing (#/required) | rename "call_id" to "callId"`, "/b: is missing (#/required)"}},
	{`{"dependentRequired": {"a": ["b/~"]}}`, `⌖{"a": 1}`, []string{`/b~1~0: is missing, since "a" is there (#/dependentRequired)`}},
	{`{"dependentSchemas": {"a": {"maxProperties": 1}}}`, `⌖{"a": 1, "b": 1}`, []string{": has 2 keys, want at most 1 (#/dependentSchemas/a/maxProperties)"}},
	{`{"minProperties": 1}`, `⌖{}`, []string{": has 0 keys, want at least 1 (#/minProperties)"}},
	{`{"properties": {"name": true}, "additionalProperties": false}`, "{\"name\": 1,\n  ⌖\"nam\": 2}", []string{`/nam: is not in the schema (#/additionalProperties) | did you mean "name"?`}},
	{`{"properties": {"name": false}}`, `{"name": ⌖2}`, []string{"/name: must not be there (#/properties/name)"}},
	{`{"patternProperties": {"^a": {"type": "null"}}, "additionalProperties": {"type": "string"}}`, `{"ab": ⌖1, "b": ⌖2}`,
		[]string{"/ab: is 1, want null (#/patternProperties/^a/type)", "/b: is 2, want a string (#/additionalProperties/type)"}},
	{`{"propertyNames": {"maxLength": 2, "pattern": "^a"}}`, `{"ab": 1, ⌖"b": 2, ⌖"abc": 3}`,
		[]string{`/b: its key is "b", want a match of ^a (#/propertyNames/pattern)`, "/abc: its key has 3 characters, want at most 2 (#/propertyNames/maxLength)"}},

	{`{"prefixItems": [true], "items": false}`, `[1, ⌖2, ⌖3]`, []string{"/1: is one item too many, want 1 (#/items)", "/2: is one item too many, want 1 (#/items)"}},
	{`{"minItems": 2, "contains": {"type": "null"}}`, `⌖[1]`, []string{": has 1 item, want at least 2 (#/minItems)", ": has no item that fits contains (#/contains)"}},
	{`{"contains": {"type": "null"}, "minContains": 2, "maxContains": 3}`, `⌖[null, 1]`, []string{": has 1 item, want at least 2 that fit contains (#/minContains)"}},
	{`{"contains": {"type": "null"}, "maxContains": 1}`, `⌖[null, null]`, []string{": has 2 items, want at most 1 that fit contains (#/maxContains)"}},
	{`{"uniqueItems": true}`, `[{"a": 1, "b": 2}, 1, ⌖{"b": 2.0, "a": 1}, ⌖1.0]`, []string{"/2: is equal to item 0 (#/uniqueItems)", "/3: is equal to item 1 (#/uniqueItems)"}},

	{`{"not": {"type": "string"}}`, `⌖"a"`, []string{": is what the schema excludes (#/not)"}},
	{`{"oneOf": [{"minimum": 1}, {"type": "string"}, {"maximum": 5}]}`, `⌖3`, []string{": fits alternatives 1 and 3, want one (#/oneOf)"}},
	{`{"anyOf": [{"type": "string"}, {"type": "null"}, {"const": 5}]}`, `⌖3`, []string{": is 3, want a string, null or 5 (#/anyOf)"}},
	{`{"oneOf": [{"const": "open"}, {"const": "closed"}]}`, `⌖"Open"`, []string{`: is "Open", want open or closed (#/oneOf) | did you mean "open"?`}},
	// The alternative of the right type, though others fail in fewer places.
	{`{"anyOf": [{"type": "null"}, {"type": "object", "properties": {"a": {"type": "null"}, "b": {"type": "null"}}}]}`, `{"a": ⌖1, "b": ⌖2}`,
		[]string{"/a: is 1, want null (#/anyOf/1/properties/a/type)", "/b: is 2, want null (#/anyOf/1/properties/b/type)"}},
	// The alternative whose constant fits.
	{`{"oneOf": [{"properties": {"kind": {"const": "a"}, "v": {"type": "null"}}}, {"properties": {"kind": {"const": "b"}, "v": {"type": "null", "x": 1}, "w": {"minimum": 3}}}]}`, `{"kind": "b", "v": ⌖1, "w": ⌖1}`,
		[]string{"/v: is 1, want null (#/oneOf/1/properties/v/type, nearest of 2)", "/w: is 1, want at least 3 (#/oneOf/1/properties/w/minimum, nearest of 2)"}},
	{`{"if": {"required": ["a"]}, "then": {"required": ["b"]}, "else": {"required": ["c"]}}`, `⌖{"a": 1}`, []string{"/b: is missing (#/then/required)"}},
	{`{"if": {"required": ["a"]}, "then": {"required": ["b"]}, "else": {"required": ["c"]}}`, `⌖{}`, []string{"/c: is missing (#/else/required)"}},
	{`{"$defs": {"s": {"type": "string"}}, "allOf": [{"$ref": "#/$defs/s"}, {"$ref": "#/$defs/s"}]}`, `⌖1`, []string{": is 1, want a string (#/$defs/s/type)"}},
	{`{"allOf": [{"properties": {"a": true}}], "unevaluatedProperties": false}`, `{"a": 1, ⌖"b": 2}`, []string{"/b: is not in the schema (#/unevaluatedProperties)"}},
	// What would be evaluated if it fitted is not reported twice.
	{`{"allOf": [{"properties": {"a": {"type": "null"}}}], "unevaluatedProperties": false}`, `{"a": ⌖1}`, []string{"/a: is 1, want null (#/allOf/0/properties/a/type)"}},
	{`{"anyOf": [{"properties": {"a": {"type": "null"}}}, {"required": ["b"], "type": "array"}], "unevaluatedProperties": false}`, `{"a": ⌖1}`, []string{"/a: is 1, want null (#/anyOf/0/properties/a/type)"}},
	// A schema below a keyword that is none belongs to the $id above it.
	{`{"$ref": "#/$defs/e/x-lib/y", "$defs": {"e": {"$id": "http://e/", "x-lib": {"y": {"$ref": "#/$defs/z"}}, "$defs": {"z": {"type": "string"}}}}}`, `⌖1`, []string{": is 1, want a string (#/$defs/e/$defs/z/type)"}},
	{`{"prefixItems": [true], "unevaluatedItems": false}`, `[1, ⌖2]`, []string{"/1: is one item too many, want 1 (#/unevaluatedItems)"}},
	{`{"properties": {"a/~b": {"items": {"$ref": "#"}}}, "type": "object"}`, `{"a/~b": [{}, ⌖1]}`, []string{"/a~1~0b/1: is 1, want an object (#/type)"}},
	{`{"$ref": "https://json-schema.org/draft/2020-12/schema"}`, `{"type": ⌖"x", "minLength": ⌖-1}`,
		[]string{`/type: is "x", want an array or a listed value (https://json-schema.org/draft/2020-12/meta/validation#/properties/type/anyOf) | one of: array, boolean, integer, null, number, object, string`,
			"/minLength: is -1, want at least 0 (https://json-schema.org/draft/2020-12/meta/validation#/$defs/nonNegativeInteger/minimum)"}},
	{`false`, `⌖1`, []string{": must not be there (#)"}},
}

// failure is a failure as a test states it: where, in which words.
type failure struct{ place, keyword, message string }

// index reads a document that is JSON.
func index(t *testing.T, body []byte) *jsonscan.Index {
	t.Helper()
	var x jsonscan.Index
	r := jsonscan.NewReader(body, "document", &x, func(p jsonscan.Problem) {
		if p.Fatal {
			t.Fatalf("%q: %+v", body, p)
		}
	})
	r.Document(r.Any)
	return &x
}

// failures is those of a document, in the order of the text.
func failures(t *testing.T, s *jsonschema.Schema, body []byte) (all []failure) {
	t.Helper()
	found := slices.SortedStableFunc(s.Failures(index(t, body)), func(a, b jsonschema.Failure) int { return a.Offset - b.Offset })
	for _, f := range found {
		place, x := jsonscan.Start.After(body[:f.Offset]), f.Explain()
		text := x.Path.Pointer() + ": " + x.Message
		if x.Hint != "" {
			text += " | " + x.Hint
		}
		all = append(all, failure{fmt.Sprintf("%d:%d", place.Line, place.Column), f.Keyword, text})
	}
	return all
}

// compile compiles a schema that refers to nothing else.
func compile(t testing.TB, text string) *jsonschema.Schema {
	t.Helper()
	schema, err := jsonschema.Compile("schema.json", []byte(text), "file:///none/", nil)
	if err != nil {
		t.Fatalf("%v\n%s", err, text)
	}
	return schema
}

// unmarked is the text, and where its marks stood as line:column.
func unmarked(text string) (string, []string) {
	var places []string
	for {
		before, after, ok := strings.Cut(text, "⌖")
		if !ok {
			return text, places
		}
		line := before[strings.LastIndexByte(before, '\n')+1:]
		places = append(places, fmt.Sprintf("%d:%d", 1+strings.Count(before, "\n"), 1+len([]rune(line))))
		text = before + after
	}
}

// Every keyword has its words, and the right place however the payload is
// written.
func TestSchemaMisfits(t *testing.T) {
	for _, m := range misfits {
		for name, change := range map[string]func(string) string{
			"as it is":   func(s string) string { return s },
			"CRLF":       func(s string) string { return strings.ReplaceAll("\n"+s+"\n", "\n", "\r\n") },
			"minified":   strings.NewReplacer("\n", "", "\t", "", ": ", ":", ", ", ",").Replace,
			"multi-byte": func(s string) string { return "{\"é😀\u00a0日本\u0301\": " + s + "}" },
		} {
			schema, prefix := m.schema, ""
			if name == "multi-byte" {
				schema, prefix = fmt.Sprintf(`{"additionalProperties": {"$ref": "#/$defs/it"}, "$defs": {"it": {"$id": "it.json", "x": 1, "$ref": "#/$defs/me", "$defs": {"me": %s}}}}`, m.schema), "/é😀\u00a0日本\u0301"
				if m.schema == "false" || strings.Contains(m.schema, "#") {
					continue // the schema has to be the whole file
				}
			}
			body, places := unmarked(change(m.value))
			var want, got []string
			for n, text := range m.want {
				if name == "multi-byte" {
					text = strings.ReplaceAll(text, "(#", "(#/$defs/it/$defs/me")
				}
				want = append(want, places[min(n, len(places)-1)]+" "+prefix+text)
			}
			for _, f := range failures(t, compile(t, schema), []byte(body)) {
				got = append(got, f.place+" "+f.message)
			}
			if diff := cmp.Diff(want, got); diff != "" {
				t.Errorf("%s: %s\n%s (-want +got):\n%s", name, schema, body, diff)
			}
		}
	}
}

// unusable is a schema that cannot be compiled, with a ⌖ at the place.
var unusable = []struct{ schema, pointer, message, hint string }{
	{"{\n  \"type\": ⌖\"strng\"}", "/type", `is "strng", want an array or a listed value`, `did you mean "string"?`},
	{`{"properties": {"é": {"minLength": ⌖"1"}}}`, "/properties/é/minLength", `is "1", want an integer`, ""},
	{`{"minLength": ⌖-1, "maxLength": 1.5}`, "/minLength", "is -1, want at least 0; and 1 more like this", ""},
	{`{"required": ["a", ⌖"a"]}`, "/required/1", "is equal to item 0", ""},
	{`{"multipleOf": ⌖0}`, "/multipleOf", "is 0, want more than 0", ""},
	{`{"anyOf": ⌖[]}`, "/anyOf", "has 0 items, want at least 1", ""},
	{`{"items": ⌖[{}]}`, "/items", "is an array, want an object or a boolean", ""},
	{`{"$defs": {"a": {"$anchor": ⌖"1a"}}}`, "/$defs/a/$anchor", `is "1a", want a match of ^[A-Za-z_][-A-Za-z0-9._]*$`, ""},
	{`{"$id": ⌖"a#b"}`, "/$id", `is "a#b", want a match of ^[^#]*#?$`, ""},
	{`⌖1`, "", "is 1, want an object or a boolean", ""},
	{`⌖`, "", "holds no schema", ""},
	{`{} ⌖x`, "", `unexpected "x" after the end of the schema`, ""},
	{`{"a": ⌖nul}`, "/a", `unexpected "nul", want a value`, ""},
	{`{"type": "null", ⌖"type": "null", x}`, "/type", "is given twice, first on the same line", ""},
	{`{"type": "null", ⌖"type": "null"}`, "/type", "is given twice, first on the same line", ""},
	{`{"$defs": {"a": {"$id": "x"}, "b": {"$id": ⌖"x"}}}`, "/$defs/b/$id", `is "x", which another schema has already`, ""},
	{`{"$defs": {"a": {"$anchor": "x"}, "b": {"$anchor": ⌖"x"}}}`, "/$defs/b/$anchor", `is "x", which another schema is called already`, ""},
	{`{"$ref": ⌖"#x", "$defs": {"a": {"$anchor": "y"}}}`, "/$ref", `is "#x", which leads nowhere`, ""},
	{`{"$ref": ⌖"#abd", "$defs": {"a": {"$anchor": "abc"}}}`, "/$ref", `is "#abd", which leads nowhere`, `did you mean "abc"?`},
	{`{"$ref": ⌖"#/$defs/b/items", "$defs": {"a": {}}}`, "/$ref", `is "#/$defs/b/items", which leads nowhere`, ""},
	{`{"$ref": "#/x", "x": ⌖[]}`, "/x", "is an array, want an object or a boolean", ""},
	{`{"$ref": ⌖"a.json"}`, "/$ref", `is "a.json", which is not there`, ""},
	{`{"$ref": ⌖"../a.json"}`, "/$ref", `is "../a.json", which is outside of the schema's folder`, "move the file below that folder"},
	{`{"$ref": ⌖"%zz"}`, "/$ref", `is "%zz", want a URI or a part of one such as /a?b`, ""},
	{`{"$ref": ⌖"http://127.0.0.1/a"}`, "/$ref", `is "http://127.0.0.1/a", which is not in the schema, and nothing is fetched`, "put that schema into $defs, with its $id, or into a file beside this one, and refer to that"},
	{`{"$id": "https://example.com/a/b", "$ref": ⌖"/c"}`, "/$ref", `is "/c", that is "https://example.com/c", which is not in the schema, and nothing is fetched`, "put that schema into $defs, with its $id, or into a file beside this one, and refer to that"},
	{`{"$ref": ⌖"https://json-schema.org/draft/2020-12/nothing"}`, "/$ref", `is "https://json-schema.org/draft/2020-12/no…", which is not in the schema, and nothing is fetched`, "put that schema into $defs, with its $id, or into a file beside this one, and refer to that"},
	{`{"$schema": ⌖"https://json-schema.org/draft/2019-09/schema"}`, "/$schema", `is "https://json-schema.org/draft/2019-09/sc…", want draft 2020-12`,
		`write "https://json-schema.org/draft/2020-12/schema"; where the drafts differ, such as definitions, dependencies and items that are an array, the schema has to change too`},
	{`{"$schema": ⌖"https://example.com/x"}`, "/$schema", `is "https://example.com/x", which is not known`, `want "https://json-schema.org/draft/2020-12/schema"`},
	{`{"pattern": ⌖"("}`, "/pattern", `is "(", want a regular expression that can be used: missing closing )`, ""},
	{`{"patternProperties": {⌖"a{9999}": true}}`, "/patternProperties/a{9999}", `is "a{9999}", want a regular expression that can be used: invalid repeat count`, ""},
	{`{"pattern": ⌖"(a)\\1"}`, "/pattern", `is "(a)\1", want a regular expression that can be used: a back reference needs backtracking`,
		"look-around and back references take unbounded time on hostile text; say it with allOf, not and several patterns"},
	{`⌖{"$ref": "#"}`, "", "leads back to itself for the same value", "let a $ref to it stand below properties, items or the like, so that it is about a part of the value"},
}

func TestSchemaUnusable(t *testing.T) {
	dir := t.TempDir()
	file := filepath.Join(dir, "schema.json")
	for _, tt := range unusable {
		text, places := unmarked(tt.schema)
		if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		_, err := jsonschema.Load(file)
		e, ok := errors.AsType[*jsonschema.Error](err)
		if !ok {
			t.Errorf("%s: %v", text, err)
			continue
		}
		want := fmt.Sprintf("%s:%s:", file, places[0])
		if tt.pointer != "" {
			want += " " + tt.pointer + ":"
		}
		if diff := cmp.Diff([]string{want + " " + tt.message, tt.hint}, []string{e.Error(), e.Hint}); diff != "" {
			t.Errorf("%s (-want +got):\n%s", text, diff)
		}
	}
}

// What is nearly a keyword is noted, and its place.
func TestSchemaNotes(t *testing.T) {
	s := compile(t, "{\"title\": \"x\", \"requird\": [],\n \"properties\": {\"requird\": {\"minLenght\": 1, \"note\": 1, \"x-a\": 1}, \"b\": {\"additionalItems\": false}}}")
	want := []*jsonschema.Error{
		{File: "schema.json", Line: 1, Column: 16, Pointer: "/requird", Hint: `did you mean "required"?`},
		{File: "schema.json", Line: 2, Column: 29, Pointer: "/properties/requird/minLenght", Hint: `did you mean "minLength"?`},
		{File: "schema.json", Line: 2, Column: 73, Pointer: "/properties/b/additionalItems", Hint: "it is items now, beside prefixItems"},
	}
	if diff := cmp.Diff(want, s.Notes(), cmpopts.IgnoreFields(jsonschema.Error{}, "Message")); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

// A draft of one's own says which keywords there are, and what schemas have to
// fit besides.
func TestSchemaOwnDraft(t *testing.T) {
	draft := `{"$id": "https://example.com/draft", "required": ["title"],
		"$vocabulary": {"https://json-schema.org/draft/2020-12/vocab/core": true, "https://json-schema.org/draft/2020-12/vocab/applicator": true, "https://example.com/vocab": %s}}`
	for _, tt := range []struct{ required, schema, want string }{
		{"false", `{"$schema": "https://example.com/draft", "title": "x", "properties": {"a": {"minimum": 3}, "b": false}}`, ""},
		{"false", `{"$schema": "https://example.com/draft"}`, `s.json:1:1: /title: is missing (https://example.com/draft)`},
		{"true", `{"$schema": "https://example.com/draft", "title": "x"}`, `is "https://example.com/vocab", a vocabulary that is not known`},
	} {
		s, err := jsonschema.Compile("s.json", []byte(tt.schema), "https://example.com/", func(name string) (string, []byte, error) {
			return name, fmt.Appendf(nil, draft, tt.required), nil
		})
		if err != nil || tt.want != "" {
			if err == nil || tt.want == "" || !strings.Contains(err.Error(), tt.want) {
				t.Errorf("%s: %v, want %q", tt.schema, err, tt.want)
			}
			continue
		}
		found := failures(t, s, []byte(`{"a": 1, "b": 2}`))
		if len(found) != 1 || !strings.HasPrefix(found[0].message, "/b:") {
			t.Errorf("without the keywords of validation: %+v", found)
		}
	}
}

// Files below the folder are read, by their own name or below that of the $id,
// once each, and nothing else.
func TestSchemaFiles(t *testing.T) {
	dir := t.TempDir()
	put := func(name, text string) string {
		path := filepath.Join(dir, filepath.FromSlash(name))
		if err := errors.Join(os.MkdirAll(filepath.Dir(path), 0o700), os.WriteFile(path, []byte(text), 0o600)); err != nil {
			t.Fatal(err)
		}
		return path
	}
	root := put("a b/root.json", `{"$id": "https://example.com/v1/root.json", "items": {"anyOf": [{"$ref": "in/one.json"}, {"$ref": "https://example.com/v1/in/%C3%A9.json#here"}]}}`)
	one := put("a b/in/one.json", `{"$ref": "../two.json#/$defs/n"}`)
	two := put("a b/two.json", `{"$defs": {"n": {"type": "number", "minimum": 3}}, "$ref": "in/one.json"}`)
	accent := put("a b/in/é.json", `{"$defs": {"x": {"$anchor": "here", "type": "null"}}}`)
	s, err := jsonschema.Load(root)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]string{root, one, accent, two}, s.Files()); diff != "" {
		t.Errorf("files (-want +got):\n%s", diff)
	}
	var got []string
	for _, f := range failures(t, s, []byte(`[3, null, 2]`)) {
		got = append(got, f.place+" "+f.message)
	}
	if diff := cmp.Diff([]string{"1:11 /2: is 2, want at least 3 (two.json#/$defs/n/minimum)"}, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}

	if _, err := jsonschema.Load(filepath.Join(dir, "none.json")); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("a missing file: %v", err)
	}
	if _, err := jsonschema.Load(dir); err == nil || errors.As(err, new(*jsonschema.Error)) {
		t.Errorf("a folder: %v", err)
	}
	if _, err := jsonschema.Load(put("large.json", `"`+strings.Repeat("a", 16<<20)+`"`)); err == nil || !strings.Contains(err.Error(), "larger than 16MiB") {
		t.Errorf("a large file: %v", err)
	}
}
