package jsonschema_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/julianctl/julianctl/pkg/jsonschema"
)

// Schemas and documents that want to take for ever are refused in time.
func TestHostile(t *testing.T) {
	// levels is schemas that each lead to the next.
	levels := func(n int, format string) string {
		var b strings.Builder
		fmt.Fprintf(&b, `{"$ref": "#/$defs/d0", "$defs": {"d%d": {"const": 1}`, n)
		for n := range n {
			fmt.Fprintf(&b, `, "d%d": `+format, n, n+1)
		}
		return b.String() + "}}"
	}
	const twice = `{"anyOf": [{"$ref": "#/$defs/d%[2]d"}, {"$ref": "#/$defs/d%[2]d"}]`
	chain := levels(30_000, `{"$ref": "#/$defs/d%d"}`)
	deep := strings.Repeat("[", 100) + strings.Repeat("]", 100)
	many := func(item string, n int) string { return "[" + strings.Repeat(item+",", n-1) + item + "]" }
	var keys strings.Builder
	for n := range 20_000 {
		fmt.Fprintf(&keys, `"k%d":0,`, n)
	}
	object := "{" + strings.TrimSuffix(keys.String(), ",") + "}"
	backwards := []byte("{")
	for n := range 20_000 {
		backwards = fmt.Appendf(backwards, `"k%d":0,`, 19_999-n)
	}
	backwards[len(backwards)-1] = '}'
	for _, tt := range []struct{ name, schema, body, want string }{
		{"doubling", levels(40, twice+"}"), "2", "is 2, want 1"},
		{"doubling, all looked at", levels(40, twice+`, "unevaluatedItems": false}`), "[1]", "takes too long"},
		{"doubling with items", `{"anyOf": [{"items": {"$ref": "#"}, "maxItems": 0}, {"items": {"$ref": "#"}, "minItems": 3}]}`, deep, "does not fit"},
		{"chain", chain, "2", "takes too long"},
		{"dynamic loop", `{"$id": "a", "$ref": "b", "$dynamicAnchor": "x", "$defs": {"b": {"$id": "b", "$dynamicRef": "#x", "$defs": {"x": {"$dynamicAnchor": "x"}}}}}`, "1", "takes too long"},
		{"loop that not hides", `{"$dynamicAnchor": "x", "not": {"$dynamicRef": "#x"}}`, "1", "takes too long"},
		{"large objects", `{"uniqueItems": true}`, "[" + object + "," + string(backwards) + "]", "equal to item 0"},
		{"many equal items", `{"uniqueItems": true}`, many("[0]", 100_000), "equal to item 0"},
		{"many wrong items", `{"items": {"oneOf": [{"type": "string"}, {"minimum": 1}]}}`, many("0", 200_000), "want at least 1"},
		{"many wrong keys", `{"properties": {"k": {"const": "kx"}}, "additionalProperties": false}`, object, "not in the schema"},
		{"pattern", `{"pattern": "^(a+)+$"}`, `"` + strings.Repeat("a", 100_000) + `!"`, "want a match"},
		{"many properties", `{"required": ["x"], "properties": ` + object[:len(object)-1] + `, "x": true}}`, object, "is missing"},
	} {
		schemaText := tt.schema
		if tt.name == "many properties" {
			schemaText = strings.ReplaceAll(schemaText, ":0", ":true")
		}
		begin := time.Now()
		s := compile(t, schemaText)
		n, last := 0, ""
		for f := range s.Failures(index(t, []byte(tt.body))) {
			if n++; n <= 100 {
				last = f.Explain().Message
			}
		}
		if s.NewEvaluator().Accepts([]byte(tt.body)) || n == 0 || n > 10_000 || !strings.Contains(last, tt.want) {
			t.Errorf("%s: %d failures, want %q: %s", tt.name, n, tt.want, last)
		}
		if took := time.Since(begin); took > time.Minute { // on a busy machine
			t.Errorf("%s took %s", tt.name, took)
		} else {
			t.Logf("%s took %s", tt.name, took)
		}
	}
	if _, err := jsonschema.Compile("s", []byte(strings.Repeat(`{"not":`, 200)+"1"+strings.Repeat("}", 200)), "file:///", nil); err == nil || !strings.Contains(err.Error(), "deep") {
		t.Errorf("a deep schema: %v", err)
	}
}
