package main

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// While somebody is at work on the schema, it may be broken: that run says so,
// and the next one takes it as it is then.
func TestValidationReadsTheSchemaAgain(t *testing.T) {
	dir := t.TempDir()
	schema, body := filepath.Join(dir, "schema.json"), filepath.Join(dir, "body.json")
	put(t, body, `{}`)
	put(t, schema, `{"type": "object"}`)
	a := testApp(t)
	var out, errs bytes.Buffer
	a.out, a.err = newOutput(&out), newOutput(&errs)
	a.style, a.errStyle = a.styles("never")
	v := &validation{a: a, o: validateOptions{paths: []string{body}, format: "text", schema: schema, jobs: 1}}
	for _, tt := range []struct {
		schema string
		code   int
		says   string
	}{
		{`{"type": "object"}`, exitYes, "1 payload correct\n"},
		{`{"type": "objekt"}`, exitUsage, `schema.json:1:10: /type: is "objekt", want an array or a listed value` + "\nhint: did you mean \"object\"?\n"},
		{`{"type": "string"}`, exitNo, "1 of 1 payload not correct: 1 error, 0 warnings\n"},
	} {
		put(t, schema, tt.schema)
		errs.Reset()
		err := v.run(t.Context())
		if code := a.report(t.Context(), err); code != tt.code || !strings.HasSuffix(errs.String(), tt.says) {
			t.Errorf("%s: exit %d, %q; want %d, %q", tt.schema, code, errs.String(), tt.code, tt.says)
		}
	}
	if got := v.watched(); len(got) != 2 || got[0] != schema || got[1] != body {
		t.Errorf("watched are %q", got)
	}
	if err := os.Remove(schema); err != nil {
		t.Fatal(err)
	}
	if code := a.report(t.Context(), v.run(t.Context())); code != exitUnable {
		t.Errorf("without the schema: exit %d", code)
	}
}

// What a stranger writes into a schema or a payload reaches a person as safe
// as elsewhere.
func TestHostileSchema(t *testing.T) {
	l := newLab(t)
	text := compactJSON(hostile)
	body := l.file("hostile.json", []byte(`{`+text+`: `+text+`, "a": `+text+`}`))
	for name, tt := range map[string]struct {
		code   int
		schema string
	}{
		"values.json":  {exitNo, `{"properties": {"a": {"const": ` + compactJSON(hostile+"?") + `}}, "additionalProperties": false, "required": [` + compactJSON(hostile+"!") + `]}`},
		"names.json":   {exitNo, `{"$defs": {` + text + `: false}, "propertyNames": {"enum": [` + compactJSON(hostile+"?") + `]}, "properties": {` + text + `: {"maxLength": 1}}}`},
		"pattern.json": {exitNo, `{"properties": {"a": {"pattern": ` + compactJSON("^\x1b[a]\u202e\n::error::$") + `}}}`},
		"ref.json":     {exitUsage, `{"$ref": "#/$defs/\u202e\u001b[31m"}`},
		"id.json":      {exitUsage, `{"$id": ` + text + `}`},
		"type.json":    {exitUsage, `{"type": ` + text + `}`},
		"regexp.json":  {exitUsage, `{"pattern": "(` + strings.Trim(compactJSON(hostile), `"`) + `"}`},
	} {
		for _, format := range []string{"text", "json", "github"} {
			if code, shown := l.run(t.Context(), strings.NewReader(""), "validate", "--schema", l.file(name, []byte(tt.schema)), body, "--format", format); code != tt.code {
				t.Errorf("%s: exit %d, want %d\n%s", name, code, tt.code, shown)
			}
		}
	}
	for line := range strings.SplitSeq(l.printed(), "\n") {
		line = strings.TrimPrefix(line, "::error file=") // our own
		if bad := harmful.FindString(line); bad != "" {
			t.Errorf("%q was printed in %q", bad, line)
		}
	}
}
