package shape

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/julianctl/julianctl/pkg/generate"
	"github.com/julianctl/julianctl/pkg/julian"
	"github.com/santhosh-tekuri/jsonschema/v6"
)

func observed(t *testing.T, payloads ...string) Shape {
	t.Helper()
	var o Observer
	for _, p := range payloads {
		if err := o.Add([]byte(p)); err != nil {
			t.Fatalf("%s: %v", p, err)
		}
	}
	return o.Shape()
}

func TestObserve(t *testing.T) {
	s := observed(t,
		`{"a":1,"at":"2025-01-20T14:00:00.000Z","list":[{"x":null},{"x":"y","z":true}],"direction":"inbound"}`,
		`{"a":null,"at":"2025-01-20T14:00:00Z","a/b~":{},"direction":"outbound","direction":"inbound"}`)
	want := []Field{
		{Pointer: "", Kinds: Object, Always: true},
		{Pointer: "/a", Kinds: Number | Null, Always: true},
		{Pointer: "/at", Kinds: String, Always: true, Format: "date-time"},
		{Pointer: "/list", Kinds: Array},
		{Pointer: "/list/*", Kinds: Object, Always: true},
		{Pointer: "/list/*/x", Kinds: Null | String, Always: true},
		{Pointer: "/list/*/z", Kinds: Boolean},
		{Pointer: "/direction", Kinds: String, Always: true, Values: []string{"inbound", "outbound"}},
		{Pointer: "/a~1b~0", Kinds: Object},
	}
	if diff := cmp.Diff(want, s.Fields); diff != "" {
		t.Error(diff)
	}
}

func TestObserveRefuses(t *testing.T) {
	for _, body := range []string{"", "[]", "1", "{", `{"a":1}x`, "{\"a\":\"\x00\"}"} {
		if err := new(Observer).Add([]byte(body)); !errors.Is(err, ErrNotPayload) {
			t.Errorf("%q: %v", body, err)
		}
	}
}

// An object with ever new keys holds data, not fields: memory stays bounded.
func TestObserveBounded(t *testing.T) {
	var o Observer
	for i := range 10 * maxKeys {
		if err := o.Add(fmt.Appendf(nil, `{"ids":{"k%d":{"n":1}},"callResult":{"outcomes":[{"name":"o%d"}]}}`, i, i)); err != nil {
			t.Fatal(err)
		}
	}
	want := []Field{
		{Pointer: "", Kinds: Object, Always: true},
		{Pointer: "/ids", Kinds: Object, Always: true, Free: true},
		{Pointer: "/callResult", Kinds: Object, Always: true},
		{Pointer: "/callResult/outcomes", Kinds: Array, Always: true},
		{Pointer: "/callResult/outcomes/*", Kinds: Object, Always: true},
		{Pointer: "/callResult/outcomes/*/name", Kinds: String, Always: true},
	}
	if diff := cmp.Diff(want, o.Shape().Fields); diff != "" {
		t.Error(diff)
	}
}

// Each kind of change, alone and at its place.
func TestDiff(t *testing.T) {
	const base = `{"properties":{"a":{"type":"string"},"b":{"type":"object","properties":{"c":{"type":"integer"}}},
		"e":{"type":"string","enum":["x","y"]},"at":{"type":["string","null"],"format":"date-time"},"free":{"type":"object"},
		"l":{"type":"array","items":{"type":"object","properties":{"n":{"type":"string"}},"required":["n"]}}},"required":["a","b","l"]}`
	was, err := FromSchema([]byte(base))
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]Change(nil), Diff(was, was)); diff != "" {
		t.Errorf("with itself: %s", diff)
	}
	for _, tt := range []struct {
		payload string
		want    []Change
	}{
		{`{"a":"s","b":{},"l":[]}`, nil},
		{`{"a":"s","b":{},"l":[],"at":null,"e":"y","free":{"own":[1]}}`, nil},
		{`{"a":1,"b":{},"l":[]}`, []Change{{Retyped, "/a", "string", "number"}}},
		{`{"b":{},"l":[]}`, []Change{{Lost, "/a", "string", ""}}},
		{`{"a":"s","l":[]}`, []Change{{Lost, "/b", "object", ""}}},
		{`{"a":"s","b":{"d":true},"l":[]}`, []Change{{New, "/b/d", "", "boolean"}}},
		{`{"a":"s","b":{},"e":"z","l":[]}`, []Change{{NewValue, "/e", "", "z"}}},
		{`{"a":"s","b":{},"l":[],"at":"tomorrow"}`, []Change{{Reformed, "/at", "date-time", ""}}},
		{`{"a":"s","b":{},"l":[{"n":"x"},{}]}`, []Change{{Optional, "/l/*/n", "always there", "not always there"}}},
		{`{"a":"s","b":{},"l":[{"n":"x","m":1}]}`, []Change{{New, "/l/*/m", "", "number"}}},
	} {
		is := observed(t, tt.payload)
		is.Fields = withValues(is.Fields, "/e", tt.payload)
		if diff := cmp.Diff(tt.want, Diff(was, is)); diff != "" {
			t.Errorf("%s: %s", tt.payload, diff)
		}
	}
	for _, tt := range []struct {
		old, now string
		want     []Change
	}{
		{`"required":["a","b","l"]`, `"required":["b","l"]`, []Change{{Optional, "/a", "always there", "not always there"}}},
		{`"required":["a","b","l"]`, `"required":["a","b","l","e"]`, []Change{{Always, "/e", "not always there", "always there"}}},
		{`["x","y"]`, `["x"]`, []Change{{LostValue, "/e", "y", ""}}},
		{`,"enum":["x","y"]`, ``, []Change{{NewValue, "/e", "x, y", "any value"}}},
		{`"format":"date-time"`, `"format":"date"`, []Change{{Reformed, "/at", "date-time", "date"}}},
		{`{"c":{"type":"integer"}}`, `{}`, []Change{{Lost, "/b/c", "number", ""}}},
	} {
		if strings.Count(base, tt.old) != 1 {
			t.Fatalf("%s is not once in the schema", tt.old)
		}
		is, err := FromSchema([]byte(strings.Replace(base, tt.old, tt.now, 1)))
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(tt.want, Diff(was, is)); diff != "" {
			t.Errorf("%s: %s", tt.now, diff)
		}
	}
}

// withValues remembers the value of a field that is not documented.
func withValues(fields []Field, pointer, payload string) []Field {
	for i, f := range fields {
		if f.Pointer == pointer {
			_, value, _ := strings.Cut(payload, `"e":"`)
			fields[i].Values = []string{value[:1]}
		}
	}
	return fields
}

// What the generator makes is as documented; each documented field is needed
// for that to be so.
func TestGeneratedAsDocumented(t *testing.T) {
	g := generate.New(1)
	var o Observer
	for range 500 {
		body, err := g.Payload(g.Draw(generate.Spec{}))
		if err != nil {
			t.Fatal(err)
		}
		if err := o.Add(body); err != nil {
			t.Fatal(err)
		}
	}
	if diff := cmp.Diff([]Change(nil), Diff(Documented(), o.Shape())); diff != "" {
		t.Error(diff)
	}
	for i, f := range Documented().Fields[1:] {
		was := Documented()
		was.Fields = append(was.Fields[:i+1], was.Fields[i+2:]...)
		_, seen := o.Shape().Find(f.Pointer)
		found := false
		for _, c := range Diff(was, o.Shape()) {
			found = found || c.Kind == New && c.Pointer == f.Pointer
		}
		if seen != found {
			t.Errorf("%s: seen %v, new %v when undocumented", f.Pointer, seen, found)
		}
	}
}

// A schema that was written reads back as the same shape, and an independent
// validator accepts it and what it was inferred from.
func TestSchemaRoundTrip(t *testing.T) {
	sample := string(julian.Sample())
	s := observed(t, sample, strings.Replace(sample, `"rescheduledAt": null`, `"rescheduledAt": "2025-01-20T14:00:00.000Z", "x y\"": [1]`, 1))
	written, err := s.Schema(Words{"t", "d"})
	if err != nil {
		t.Fatal(err)
	}
	back, err := FromSchema(written)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]Change(nil), Diff(s, back)); diff != "" {
		t.Error(diff)
	}
	agent, err := Agent("agent.abc123", s)
	if err != nil {
		t.Fatal(err)
	}
	for name, schema := range map[string][]byte{"whole": written, "agent": agent} {
		validator := compiled(t, schema)
		instance, err := jsonschema.UnmarshalJSON(strings.NewReader(sample))
		if err != nil {
			t.Fatal(err)
		}
		if err := validator.Validate(instance); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
	validator := compiled(t, agent)
	for _, broken := range []string{
		strings.Replace(sample, "agent.abc123", "agent.other", 1),
		strings.Replace(sample, `"prospect_name"`, `"prospect_nickname"`, 1),
		strings.Replace(sample, `"example__summary"`, `"example__sentiment"`, 1),
		strings.Replace(sample, `"interested"`, `"bored"`, 1),
	} {
		instance, err := jsonschema.UnmarshalJSON(strings.NewReader(broken))
		if err != nil {
			t.Fatal(err)
		}
		if validator.Validate(instance) == nil {
			t.Errorf("correct by the agent's shape: %s", broken)
		}
	}
}

func compiled(t *testing.T, schema []byte) *jsonschema.Schema {
	t.Helper()
	doc, err := jsonschema.UnmarshalJSON(strings.NewReader(string(schema)))
	if err != nil {
		t.Fatal(err)
	}
	c := jsonschema.NewCompiler()
	if err := c.AddResource("mem:schema", doc); err != nil {
		t.Fatal(err)
	}
	out, err := c.Compile("mem:schema")
	if err != nil {
		t.Fatalf("%v\n%s", err, schema)
	}
	return out
}

func TestFromSchema(t *testing.T) {
	s, err := FromSchema([]byte(`{"$ref":"#/$defs/call","$defs":{
		"call":{"type":"object","required":["id"],"properties":{"id":{"$ref":"#/$defs/a~1b"},"next":{"$ref":"#/$defs/call"},
			"n":{"anyOf":[{"type":"null"},{"type":"object","properties":{"k":{"const":"v"}}}]},"old":{"type":"string","nullable":true}}},
		"a/b":{"type":"string"}}}`))
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []Field{
		{Pointer: "", Kinds: Object, Always: true},
		{Pointer: "/id", Kinds: String, Always: true},
		{Pointer: "/n", Kinds: Object | Null},
		{Pointer: "/n/k", Values: []string{"v"}},
		{Pointer: "/old", Kinds: String | Null},
		{Pointer: "/next/next/id", Kinds: String, Always: true},
	} {
		got, _ := s.Find(want.Pointer)
		if diff := cmp.Diff(want, got); diff != "" {
			t.Error(diff)
		}
	}
	for _, bad := range []string{`{"callId":1,"properties":{}}`, `[]`, `{`, `{"$ref":"#/nowhere"}`, `{"$ref":"other.json"}`, `{"properties":{"a":{"$ref":"#/$defs/a"}}}`,
		`{"properties":{"a":{"$ref":"#"},"b":{"$ref":"#"}}}`, `{"$ref":"#","allOf":[{"$ref":"#"},{"$ref":"#"}]}`} {
		if _, err := FromSchema([]byte(bad)); !errors.Is(err, ErrNotSchema) {
			t.Errorf("%s: %v", bad, err)
		}
	}
}

func FuzzObserve(f *testing.F) {
	f.Add(julian.Sample())
	f.Add([]byte(`{"a":{"*":[{"*":1}]},"a":[]}`))
	f.Fuzz(func(t *testing.T, body []byte) {
		var o Observer
		if o.Add(body) != nil {
			return
		}
		s := o.Shape()
		if diff := cmp.Diff([]Change(nil), Diff(s, s)); diff != "" {
			t.Errorf("with itself: %s", diff)
		}
		written, err := s.Schema(Words{})
		if err != nil {
			t.Fatal(err)
		}
		compiled(t, written)
	})
}
