package config

import (
	"bytes"
	"encoding/json"
	"flag"
	"os"
	"reflect"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/julianctl/julianctl/pkg/cli"
	"github.com/julianctl/julianctl/pkg/jsonscan"
	"github.com/julianctl/julianctl/pkg/jsonschema"
	"github.com/spf13/viper"
)

var update = flag.Bool("update", false, "rewrite config.schema.json")

// schemaOf describes the fields of a struct that have a key.
func schemaOf(t *testing.T, of reflect.Type, required ...string) map[string]any {
	t.Helper()
	properties := map[string]any{}
	for _, f := range reflect.VisibleFields(of) {
		key := f.Tag.Get("key")
		if key == "" {
			continue
		}
		property := map[string]any{"description": f.Tag.Get("doc")}
		switch f.Type {
		case reflect.TypeFor[string]():
			property["type"] = "string"
		case reflect.TypeFor[[]string]():
			property["type"], property["items"] = "array", map[string]any{"type": "string"}
		case reflect.TypeFor[time.Duration]():
			property["type"], property["pattern"] = "string", `^([0-9.]+(ns|us|µs|ms|s|m|h))+$`
		case reflect.TypeFor[[]cli.Endpoint]():
			property["type"], property["items"] = "array", schemaOf(t, f.Type.Elem(), "name", "url")
		default:
			t.Fatalf("%s: no schema for a %s", key, f.Type)
		}
		if f.Tag.Get("doc") == "" {
			t.Errorf("%s %s has no doc", of, key)
		}
		if def := f.Tag.Get("default"); def != "" {
			property["default"] = def
		}
		if choice := strings.Fields(f.Tag.Get("oneof")); len(choice) > 0 {
			property["enum"] = choice
		}
		properties[key] = property
	}
	schema := map[string]any{"type": "object", "properties": properties, "additionalProperties": false}
	if required != nil {
		schema["required"] = required
	}
	return schema
}

// The schema has every key of the configuration, and no other.
func TestSchemaIsCurrent(t *testing.T) {
	want := schemaOf(t, reflect.TypeFor[cli.Config]())
	want["$schema"], want["$id"], want["title"] = "https://json-schema.org/draft/2020-12/schema", schemaURL, "julianctl configuration"
	text, err := json.MarshalIndent(want, "", "  ")
	if err != nil {
		t.Fatal(err)
	}
	text = append(text, '\n')
	if *update {
		if err := os.WriteFile("config.schema.json", text, 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	if !bytes.Equal(text, schema) {
		t.Error("config.schema.json is not current; run: go test ./pkg/cmd/config -run TestSchemaIsCurrent -update")
	}
	for _, s := range cli.Settings() {
		if !bytes.Contains(schema, []byte(`"`+s.Key+`": {`)) {
			t.Errorf("the schema has no %q", s.Key)
		}
	}
}

// What config init writes is accepted, as it is and with every line in use; a key or a
// value that the program refuses is not.
func TestSchemaAcceptsWhatIsWritten(t *testing.T) {
	written := configTemplate()
	if first, _, _ := strings.Cut(written, "\n"); first != "# yaml-language-server: $schema="+schemaURL {
		t.Errorf("the file begins with %q", first)
	}
	inUse := regexp.MustCompile(`(?m)^#([a-z ].*)$`).ReplaceAllStringFunc(written, func(line string) string {
		if strings.HasPrefix(line, "# ") || strings.HasSuffix(line, ": ") {
			if !strings.HasPrefix(line, "#  ") {
				return line
			}
		}
		return line[1:]
	})
	loaded := jsonOf(t, inUse)
	for _, s := range cli.Settings() {
		if s.Def != "" && !strings.Contains(loaded, `"`+s.Key+`"`) {
			t.Errorf("%q is not in use: %s", s.Key, loaded)
		}
	}
	if !strings.Contains(loaded, `"endpoints":[{`) {
		t.Errorf("no endpoint is in use: %s", loaded)
	}
	for _, tt := range []struct {
		document string
		valid    bool
	}{
		{jsonOf(t, written), true},
		{loaded, true},
		{`{"timeuot": "5s"}`, false},
		{`{"timeout": 5}`, false},
		{`{"timeout": "5"}`, false},
		{`{"color": "red"}`, false},
		{`{"endpoints": [{"name": "staging"}]}`, false},
		{`{"endpoints": [{"name": "a", "url": "/hook", "exec": "npm start", "through": ["DATABASE_URL"], "timeout": "5s"}]}`, true},
		{`{"endpoints": [{"name": "a", "url": "/hook", "exce": "npm start"}]}`, false},
	} {
		if valid := accepts(t, tt.document); valid != tt.valid {
			t.Errorf("%s: accepted %t, want %t", tt.document, valid, tt.valid)
		}
	}
}

func jsonOf(t *testing.T, yaml string) string {
	t.Helper()
	v := viper.New()
	v.SetConfigType("yaml")
	if err := v.ReadConfig(strings.NewReader(yaml)); err != nil {
		t.Fatalf("%v\n%s", err, yaml)
	}
	text, err := json.Marshal(v.AllSettings())
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// accepts reports whether the embedded schema accepts a document.
func accepts(t *testing.T, document string) bool {
	t.Helper()
	s, err := jsonschema.Load("config.schema.json")
	if err != nil {
		t.Fatal(err)
	}
	var doc jsonscan.Index
	r := jsonscan.NewReader([]byte(document), "document", &doc, func(p jsonscan.Problem) { t.Fatalf("%s: %+v", document, p) })
	r.Document(r.Any)
	for range s.Failures(&doc) {
		return false
	}
	return true
}
