package validate

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/julianctl/julianctl/pkg/cli"
	"github.com/julianctl/julianctl/pkg/cli/clitest"
	"github.com/julianctl/julianctl/pkg/terminal"
)

// While somebody is at work on the schema, it may be broken: that run says so,
// and the next one takes it as it is then.
func TestValidationReadsTheSchemaAgain(t *testing.T) {
	dir := t.TempDir()
	schema, body := filepath.Join(dir, "schema.json"), filepath.Join(dir, "body.json")
	put(t, body, `{}`)
	put(t, schema, `{"type": "object"}`)
	a := clitest.App(t)
	var out, errs bytes.Buffer
	a.Out, a.Err = terminal.NewOutput(&out), terminal.NewOutput(&errs)
	a.Style, a.ErrStyle = a.Styles("never")
	v := &validation{a: a, o: options{paths: []string{body}, format: "text", schema: schema, jobs: 1}}
	for _, tt := range []struct {
		schema string
		code   int
		says   string
	}{
		{`{"type": "object"}`, cli.ExitYes, "1 payload valid\n"},
		{`{"type": "objekt"}`, cli.ExitUsage, `schema.json:1:10: /type: is "objekt", want an array or a listed value` + "\nhint: did you mean \"object\"?\n"},
		{`{"type": "string"}`, cli.ExitNo, "1 of 1 payload invalid: 1 error, 0 warnings\n"},
	} {
		put(t, schema, tt.schema)
		errs.Reset()
		err := v.run(t.Context())
		if code := a.Report(t.Context(), err); code != tt.code || !strings.HasSuffix(errs.String(), tt.says) {
			t.Errorf("%s: exit %d, %q; want %d, %q", tt.schema, code, errs.String(), tt.code, tt.says)
		}
	}
	if got := v.watched(); len(got) != 2 || got[0] != schema || got[1] != body {
		t.Errorf("watched are %q", got)
	}
	if err := os.Remove(schema); err != nil {
		t.Fatal(err)
	}
	if code := a.Report(t.Context(), v.run(t.Context())); code != cli.ExitFailure {
		t.Errorf("without the schema: exit %d", code)
	}
}
