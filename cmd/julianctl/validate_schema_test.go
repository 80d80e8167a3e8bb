package main

import (
	"strings"
	"testing"

	"github.com/julianctl/julianctl/pkg/cli"
)

// What a stranger writes into a schema or a payload reaches a person as safe
// as elsewhere.
func TestHostileSchema(t *testing.T) {
	l := newLab(t)
	text := cli.CompactJSON(hostile)
	body := l.file("hostile.json", []byte(`{`+text+`: `+text+`, "a": `+text+`}`))
	for name, tt := range map[string]struct {
		code   int
		schema string
	}{
		"values.json":  {cli.ExitNo, `{"properties": {"a": {"const": ` + cli.CompactJSON(hostile+"?") + `}}, "additionalProperties": false, "required": [` + cli.CompactJSON(hostile+"!") + `]}`},
		"names.json":   {cli.ExitNo, `{"$defs": {` + text + `: false}, "propertyNames": {"enum": [` + cli.CompactJSON(hostile+"?") + `]}, "properties": {` + text + `: {"maxLength": 1}}}`},
		"pattern.json": {cli.ExitNo, `{"properties": {"a": {"pattern": ` + cli.CompactJSON("^\x1b[a]\u202e\n::error::$") + `}}}`},
		"ref.json":     {cli.ExitUsage, `{"$ref": "#/$defs/\u202e\u001b[31m"}`},
		"id.json":      {cli.ExitUsage, `{"$id": ` + text + `}`},
		"type.json":    {cli.ExitUsage, `{"type": ` + text + `}`},
		"regexp.json":  {cli.ExitUsage, `{"pattern": "(` + strings.Trim(cli.CompactJSON(hostile), `"`) + `"}`},
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
