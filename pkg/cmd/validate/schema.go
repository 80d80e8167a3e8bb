package validate

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"slices"

	"github.com/julianctl/julianctl/pkg/cli"
	"github.com/julianctl/julianctl/pkg/jsonschema"
	"github.com/julianctl/julianctl/pkg/safetext"
	"github.com/julianctl/julianctl/pkg/validate"
)

// validation validates repeatedly, each time with the current schema.
type validation struct {
	a          *cli.App
	o          options
	severities map[string]validate.Severity
	files      []string // of the schema that was read last
}

// run validates once. An error in the schema, which the user may be editing, is printed
// and ends only this run.
func (v *validation) run(ctx context.Context) error {
	validator, err := v.validator()
	if err != nil {
		return cli.Verdict(v.a.Report(ctx, err))
	}
	return validateOnce(ctx, v.a, v.o, validator)
}

func (v *validation) validator() (*validate.Validator, error) {
	options := validate.Options{Strict: v.o.strict, Rules: v.severities}
	if file := cmp.Or(v.o.schema, v.o.agentShape); file != "" {
		flag := "--schema"
		if v.o.agentShape != "" {
			flag = "--agent-shape"
		}
		schema, err := loadSchema(v.a, flag, file)
		if err != nil {
			return nil, err
		}
		options.Schema, v.files = schema, schema.Files()
		options.Both = v.o.agentShape != ""
	}
	validator, err := validate.New(options)
	if err != nil {
		return nil, cli.UsageError(fmt.Errorf("--rule: %w", err), seeRules)
	}
	return validator, nil
}

// watched returns the files whose changes start a new run.
func (v *validation) watched() []string { return slices.Concat(v.files, v.o.paths) }

// loadSchema reads the schema of a flag, and prints warnings about it.
func loadSchema(a *cli.App, flag, file string) (*jsonschema.Schema, error) {
	schema, err := jsonschema.Load(file)
	if e, ok := errors.AsType[*jsonschema.Error](err); ok {
		return nil, cli.UsageError(fmt.Errorf("%s: %w", flag, e), schemaHint(e))
	}
	if err != nil {
		reason := err
		if e, ok := errors.AsType[*fs.PathError](err); ok {
			reason = e.Err
		}
		return nil, cli.Failure(fmt.Errorf("%s %q: %w", flag, file, reason), "")
	}
	for _, note := range schema.Notes() {
		a.Note("%s", a.ErrStyle.Warn(safetext.Line(note.Error())))
		a.Hint("%s", schemaHint(note))
	}
	return schema, nil
}

// schemaHint returns the hint for a schema that cannot be used. A file without keywords
// is usually a payload.
func schemaHint(e *jsonschema.Error) string {
	switch {
	case !e.NoKeyword:
		return e.Hint
	case slices.Contains(e.Keys, "callId"):
		return "it looks like a payload, which is checked without --schema"
	}
	return cmp.Or(e.Hint, `"julianctl schema" prints the documented one, to begin with`)
}
