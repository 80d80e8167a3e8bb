package jsonschema_test

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"os"
	"strings"
	"testing"

	"github.com/julianctl/julianctl/pkg/jsonschema"
	"github.com/julianctl/julianctl/pkg/julian"
	oracle "github.com/santhosh-tekuri/jsonschema/v6"
)

// santhosh compiles a schema for the library that ours is compared with.
func santhosh(text []byte) (*oracle.Schema, error) {
	doc, err := oracle.UnmarshalJSON(bytes.NewReader(text))
	if err != nil {
		return nil, err
	}
	c := oracle.NewCompiler()
	c.DefaultDraft(oracle.Draft2020)
	c.AssertFormat()
	if err := c.AddResource("file:///schema.json", doc); err != nil {
		return nil, err
	}
	return c.Compile("file:///schema.json")
}

// maker makes schemas and values that have to do with each other.
type maker struct {
	*rand.Rand
	depth int
}

func (m *maker) oneOf(words ...string) string { return words[m.IntN(len(words))] }

func (m *maker) name() string { return m.oneOf("a", "b", "c", "ab", "é") }

func (m *maker) number() string {
	return m.oneOf("0", "1", "2", "3", "-1", "1.0", "0.5", "0.3", "0.1", "1e2", "100", "-0", "12345678901234567890", "1e-7", "0.0000001", "7.50", "1e40", "2.5e1")
}

func (m *maker) text() string {
	return m.oneOf(`""`, `"a"`, `"ab"`, `"abc"`, `"é"`, `"\u00e9a"`, `"\ud83d\ude00"`, `"2024-02-29"`, `"2023-02-29"`, `"192.168.0.1"`, `"01"`, `"\n"`)
}

// value is a JSON text.
func (m *maker) value() string {
	m.depth++
	defer func() { m.depth-- }()
	kinds := 7
	if m.depth > 4 {
		kinds = 5
	}
	switch m.IntN(kinds) {
	case 0:
		return "null"
	case 1:
		return m.oneOf("true", "false")
	case 2, 3:
		return m.number()
	case 4:
		return m.text()
	case 5:
		return "[" + m.join(m.value) + "]"
	}
	return m.object(m.value)
}

func (m *maker) join(part func() string) string {
	var parts []string
	for range m.IntN(4) {
		parts = append(parts, part())
	}
	return strings.Join(parts, ",")
}

func (m *maker) object(value func() string) string {
	seen := map[string]bool{}
	var parts []string
	for range m.IntN(4) {
		if name := m.name(); !seen[name] {
			seen[name] = true
			parts = append(parts, fmt.Sprintf("%q:%s", name, value()))
		}
	}
	return "{" + strings.Join(parts, ",") + "}"
}

func (m *maker) names() string {
	seen := map[string]bool{}
	var names []string
	for range m.IntN(3) {
		if name := m.name(); !seen[name] {
			seen[name] = true
			names = append(names, fmt.Sprintf("%q", name))
		}
	}
	return "[" + strings.Join(names, ",") + "]"
}

func (m *maker) schemas() string {
	list := []string{m.schema()}
	for range m.IntN(3) {
		list = append(list, m.schema())
	}
	return "[" + strings.Join(list, ",") + "]"
}

func (m *maker) small() string { return m.oneOf("0", "1", "2", "3", "2.0") }

// madeKeyword is a keyword with what makes a value for it.
type madeKeyword struct {
	name  string
	value func(m *maker) string
}

func schemaKeywords() []madeKeyword {
	return []madeKeyword{
		{"type", func(m *maker) string {
			return m.oneOf(`"string"`, `"number"`, `"integer"`, `"object"`, `"array"`, `"null"`, `"boolean"`, `["string","null"]`, `["object","array"]`, `["integer","object"]`)
		}},
		{"enum", func(m *maker) string { return "[" + m.join(m.value) + "]" }},
		{"const", (*maker).value},
		{"multipleOf", func(m *maker) string { return m.oneOf("1", "2", "0.1", "0.01", "0.5", "1e-7", "3", "25") }},
		{"maximum", (*maker).number}, {"minimum", (*maker).number}, {"exclusiveMaximum", (*maker).number}, {"exclusiveMinimum", (*maker).number},
		{"maxLength", (*maker).small}, {"minLength", (*maker).small}, {"maxItems", (*maker).small}, {"minItems", (*maker).small},
		{"maxProperties", (*maker).small}, {"minProperties", (*maker).small}, {"maxContains", (*maker).small}, {"minContains", (*maker).small},
		{"uniqueItems", func(m *maker) string { return m.oneOf("true", "false") }},
		{"pattern", func(m *maker) string { return m.oneOf(`"^a"`, `"b$"`, `"^.{2}$"`, `"\\d"`, `"é"`, `"^[^a]*$"`) }},
		{"format", func(m *maker) string { return m.oneOf(`"date"`, `"ipv4"`, `"unknown"`, `"uuid"`) }},
		{"required", (*maker).names},
		{"dependentRequired", func(m *maker) string { return m.object(m.names) }},
		{"properties", func(m *maker) string { return m.object(m.schema) }},
		{"patternProperties", func(m *maker) string { return fmt.Sprintf(`{%q:%s}`, m.oneOf("^a", "b", "."), m.schema()) }},
		{"additionalProperties", (*maker).schema}, {"propertyNames", (*maker).schema},
		{"dependentSchemas", func(m *maker) string { return m.object(m.schema) }},
		{"items", (*maker).schema}, {"prefixItems", (*maker).schemas}, {"contains", (*maker).schema},
		{"allOf", (*maker).schemas}, {"anyOf", (*maker).schemas}, {"oneOf", (*maker).schemas}, {"not", (*maker).schema},
		{"if", (*maker).schema}, {"then", (*maker).schema}, {"else", (*maker).schema},
		{"unevaluatedProperties", (*maker).schema}, {"unevaluatedItems", (*maker).schema},
		{"$ref", func(m *maker) string {
			return m.oneOf(`"schema.json"`, `"schema.json#/$defs/a"`, `"schema.json#/$defs/b"`, `"schema.json#b"`, `"x.json"`, `"x.json#/$defs/in"`, `"schema.json#/$defs/b/not"`)
		}},
		{"$dynamicRef", func(m *maker) string {
			return m.oneOf(`"#dyn"`, `"x.json#dyn"`, `"schema.json#/$defs/a"`, `"schema.json#/$defs/b"`)
		}},
	}
}

func (m *maker) schema() string {
	m.depth++
	defer func() { m.depth-- }()
	if m.depth > 4 || m.IntN(8) == 0 {
		return m.oneOf("true", "false", `{"type":"string"}`, `{"minimum":1}`)
	}
	return "{" + m.keywords() + "}"
}

func (m *maker) keywords() string {
	seen := map[int]bool{}
	var parts []string
	all := schemaKeywords()
	for range 1 + m.IntN(4) {
		if n := m.IntN(len(all)); !seen[n] {
			seen[n] = true
			parts = append(parts, fmt.Sprintf("%q:%s", all[n].name, all[n].value(m)))
		}
	}
	return strings.Join(parts, ",")
}

func (m *maker) root() string {
	return fmt.Sprintf(`{"$dynamicAnchor":"dyn","$defs":{"a":%s,"b":{"$anchor":"b","not":%s},"x":{"$id":"x.json","$dynamicAnchor":"dyn","$defs":{"in":%s},%s}},%s}`,
		m.schema(), m.schema(), m.schema(), m.keywords(), m.keywords())
}

// compared is how many verdicts were compared, how many were yes, and
// how many there were none of, since the schema leads to itself.
type compared struct{ schemas, values, yes, endless int }

// differ makes a schema from a seed, and tries both validators on some values.
func differ(t *testing.T, seed uint64, n *compared) {
	m := &maker{Rand: rand.New(rand.NewPCG(seed, 1))}
	text := m.root()
	other, otherErr := santhosh([]byte(text))
	schema, err := jsonschema.Compile("schema.json", []byte(text), "file:///", nil)
	if err != nil || otherErr != nil {
		// A schema that leads to itself is refused at once here, there only
		// once a value makes it do so.
		if err != nil && !strings.Contains(err.Error(), "leads back to itself") || err == nil && otherErr != nil {
			t.Errorf("seed %d: %v, the other says %v\n%s", seed, err, otherErr, text)
		}
		return
	}
	n.schemas++
	e := schema.NewEvaluator()
	for range 20 {
		m.depth = 0
		body := []byte(m.value())
		value, err := oracle.UnmarshalJSON(bytes.NewReader(body))
		if err != nil {
			t.Fatal(err)
		}
		want := other.Validate(value)
		if want != nil && strings.Contains(want.Error(), "infinite loop") {
			continue
		}
		found := failures(t, schema, body)
		if found != nil && strings.Contains(found[0].message, "takes too long") {
			n.endless++
			continue // to the other a loop is a mismatch, which not turns into a match
		}
		n.values++
		if want == nil {
			n.yes++
		}
		if (found == nil) != (want == nil) {
			t.Errorf("seed %d: the other says %v\n%+v\n%s\n%s", seed, want, found, text, body)
		}
		odd := bytes.IndexByte(body, '\\') >= 0
		if got := e.Accepts(body); got && want != nil || !got && want == nil && !odd {
			t.Errorf("seed %d: accepts is %t\n%s\n%s", seed, got, text, body)
		}
		if got := schema.AcceptsFromMemory(index(t, body)); got != (want == nil) {
			t.Errorf("seed %d: remembered, the verdict is %t\n%s\n%s", seed, got, text, body)
		}
	}
}

// Schemas and values made by chance get the same verdict from santhosh-tekuri's
// library.
func TestSchemaDifferential(t *testing.T) {
	var n compared
	seeds := uint64(400)
	if os.Getenv("JULIANCTL_LONG") == "1" {
		seeds = 5000
	}
	for seed := range seeds {
		differ(t, seed, &n)
	}
	t.Logf("%+v", n)
	if n.schemas < 300 || n.yes < 2000 || n.values-n.yes < 2000 || n.endless > n.values/10 {
		t.Errorf("too few to say anything: %+v", n)
	}
}

func FuzzSchemaDifferential(f *testing.F) {
	for seed := range uint64(10) {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, seed uint64) { differ(t, seed, &compared{}) })
}

func BenchmarkLoad(b *testing.B) {
	for b.Loop() {
		compile(b, string(julian.Schema()))
	}
}
