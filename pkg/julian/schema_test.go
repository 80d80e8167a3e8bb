package julian

import (
	"bytes"
	"encoding/json"
	"flag"
	"os"
	"strings"
	"testing"
)

var update = flag.Bool("update", false, "rewrite schema.json from Fields")

// node is one schema object. Its field order is the order in schema.json.
type node struct {
	Schema      string   `json:"$schema,omitempty"`
	ID          string   `json:"$id,omitempty"`
	Title       string   `json:"title,omitempty"`
	Description string   `json:"description,omitempty"`
	Type        any      `json:"type"`
	Enum        []string `json:"enum,omitempty"`
	MinLength   int      `json:"minLength,omitempty"`
	Pattern     string   `json:"pattern,omitempty"`
	Format      string   `json:"format,omitempty"`
	Required    []string `json:"required,omitempty"`
	Properties  *props   `json:"properties,omitempty"`
	Items       *node    `json:"items,omitempty"`
	AnyOf       []any    `json:"anyOf,omitempty"`
}

// props keeps the order in which the properties were added.
type props struct {
	names []string
	nodes []*node
}

func (p *props) MarshalJSON() ([]byte, error) {
	var b bytes.Buffer
	b.WriteByte('{')
	for i, name := range p.names {
		if i > 0 {
			b.WriteByte(',')
		}
		value, err := json.Marshal(p.nodes[i])
		if err != nil {
			return nil, err
		}
		b.WriteString(`"` + name + `":`)
		b.Write(value)
	}
	b.WriteByte('}')
	return b.Bytes(), nil
}

// buildSchema makes the JSON Schema from Fields. Only what is an error by
// default is in it: a schema that refused a missing transcript would refuse
// what the provider may send.
func buildSchema() ([]byte, error) {
	root := &node{
		Schema:      "https://json-schema.org/draft/2020-12/schema",
		ID:          "https://github.com/julianctl/julianctl/raw/main/pkg/julian/schema.json",
		Title:       "Julian call webhook",
		Description: "The payload that Julian delivers after each call. Unknown fields are correct: the provider may add more at any time.",
		Type:        Object,
	}
	nodes := map[string]*node{"": root}
	for _, f := range Fields {
		at := strings.LastIndexByte(f.Pointer, '/')
		parent, name := nodes[f.Pointer[:at]], f.Pointer[at+1:]
		n := fieldNode(f)
		nodes[f.Pointer] = n
		if name == "*" {
			parent.Items = n
			continue
		}
		if parent.Properties == nil {
			parent.Properties = &props{}
		}
		parent.Properties.names = append(parent.Properties.names, name)
		parent.Properties.nodes = append(parent.Properties.nodes, n)
		if f.Presence == Required {
			parent.Required = append(parent.Required, name)
		}
	}
	var b bytes.Buffer
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	enc.SetIndent("", "  ")
	err := enc.Encode(root)
	return b.Bytes(), err
}

func fieldNode(f Field) *node {
	n := &node{Description: f.Doc, Type: f.Kind, Enum: f.Enum}
	if f.Nullable {
		n.Type = []Kind{f.Kind, "null"}
	}
	if f.Presence == Required && f.Kind == String && f.Enum == nil {
		n.MinLength = 1
	}
	switch f.Format {
	case E164:
		n.Pattern = `^\+[1-9][0-9]{1,14}$`
	case Zone:
		n.Pattern = `^[A-Za-z][A-Za-z0-9_+-]*(/[A-Za-z0-9_+-]+)*$`
	default:
		n.Format = string(f.Format)
	}
	if f.Empty {
		// "" or the format: stated as alternatives, so that each stays readable.
		rule := map[string]any{}
		if n.Pattern != "" {
			rule["pattern"] = n.Pattern
		}
		if n.Format != "" {
			rule["format"] = n.Format
		}
		n.Pattern, n.Format = "", ""
		n.AnyOf = []any{map[string]any{"const": ""}, rule}
	}
	return n
}

func TestSchemaFollowsFields(t *testing.T) {
	want, err := buildSchema()
	if err != nil {
		t.Fatal(err)
	}
	if *update {
		if err := os.WriteFile("schema.json", want, 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	if !bytes.Equal(Schema(), want) {
		t.Error("schema.json does not follow Fields; run: go test ./pkg/julian -run TestSchemaFollowsFields -update")
	}
}
