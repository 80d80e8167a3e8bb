// Package schema is the command schema: it prints, infers and compares schemas.
package schema

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"runtime"

	"github.com/julianctl/julianctl/pkg/cli"
	"github.com/julianctl/julianctl/pkg/jsonscan"
	"github.com/julianctl/julianctl/pkg/julian"
	"github.com/julianctl/julianctl/pkg/payload"
	"github.com/julianctl/julianctl/pkg/report"
	"github.com/julianctl/julianctl/pkg/safetext"
	"github.com/julianctl/julianctl/pkg/shape"
	"github.com/julianctl/julianctl/pkg/terminal"
	"github.com/julianctl/julianctl/pkg/units"
	"github.com/spf13/cobra"
	"github.com/tidwall/gjson"
)

// NewCmd is the command.
func NewCmd(a *cli.App) *cobra.Command {
	var openapi bool
	cmd := &cobra.Command{
		Use:   "schema",
		Short: "Print the payload's JSON Schema, infer one, or compare",
		Long: `schema prints the documented payload as a JSON Schema (draft 2020-12), or as an
OpenAPI 3.1 document with one webhook.`,
		Example: `  julianctl schema > julian.schema.json
  julianctl schema --openapi > julian.openapi.json
  julianctl schema infer recorded/ > seen.schema.json
  julianctl schema diff recorded/                      has the provider changed something?`,
		Args:        cli.NoArgs,
		Annotations: map[string]string{"config": "none"},
		RunE: func(*cobra.Command, []string) error {
			document := julian.Schema()
			if openapi {
				document = julian.OpenAPI()
			}
			_, err := a.Out.Write(document)
			return err
		},
	}
	cmd.Flags().BoolVar(&openapi, "openapi", false, "print an OpenAPI 3.1 document with one webhook")
	cmd.AddCommand(newInferCmd(a), newDiffCmd(a))
	return cmd
}

func newInferCmd(a *cli.App) *cobra.Command {
	var agent, output string
	cmd := &cobra.Command{
		Use:   "infer [PATH…|-]",
		Short: "Write the schema of recorded payloads",
		Long: `infer reads payloads and writes a JSON Schema of what it saw: the fields, their types, and
which were always present. With --agent it writes what is specific to that agent, its
variables and the names of its outcomes, for --agent-shape of validate, generate and
check.`,
		Example: `  julianctl schema infer recorded/ > seen.schema.json
  julianctl log export --format payloads | julianctl schema infer - --agent agent.abc123 -o agent.schema.json
  julianctl validate --agent-shape agent.schema.json new.json`,
		Args: cobra.ArbitraryArgs,
		RunE: func(cmd *cobra.Command, args []string) error {
			return runInfer(cmd.Context(), a, args, agent, output)
		},
	}
	cmd.Flags().StringVar(&agent, "agent", "", "describe only what is specific to this agent, from its payloads")
	cmd.Flags().StringVarP(&output, "output", "o", "", "file to write; stdout without it")
	return cmd
}

func runInfer(ctx context.Context, a *cli.App, paths []string, agent, output string) error {
	seen, err := observe(ctx, a, paths, agent)
	if err != nil {
		return err
	}
	var schema []byte
	if agent != "" {
		schema, err = shape.Agent(agent, seen.Shape())
	} else {
		schema, err = seen.Shape().Schema(shape.Words{
			Title:       "Payloads as recorded",
			Description: fmt.Sprintf("Inferred from %s.", units.Count(seen.Payloads(), "payload")),
		})
	}
	if err != nil {
		return err
	}
	if output == "" || output == "-" {
		_, err = a.Out.Write(schema)
		return err
	}
	if err := a.WriteReport(output, schema); err != nil {
		return cli.Failure(fmt.Errorf("-o: %w", err), "")
	}
	a.Note("wrote %s, from %s", safetext.Line(output), units.Count(seen.Payloads(), "payload"))
	return nil
}

// observe looks at every payload of paths that is agent's; of any, when agent
// is empty.
func observe(ctx context.Context, a *cli.App, paths []string, agent string) (*shape.Observer, error) {
	paths, err := a.PathsOrStdin(paths, "no payloads to look at")
	if err != nil {
		return nil, err
	}
	reading, stop := context.WithCancel(ctx)
	defer stop()
	in, done := a.Stdin(reading)
	defer done()
	seen, others := &shape.Observer{}, 0
	for part := range payload.Map(reading, paths, in, runtime.GOMAXPROCS(0), observer(agent)) {
		if part.err != nil {
			stop() // reading stdin may block
			return nil, part.err
		}
		seen.Merge(part.seen)
		others += part.others
	}
	if seen.Payloads() == 0 {
		return nil, cli.Failure(fmt.Errorf("no payload of agent %q among %d", agent, others), "")
	}
	return seen, nil
}

// observedPart is what was seen in a part of the payloads.
type observedPart struct {
	seen   *shape.Observer
	others int // payloads of other agents
	err    error
}

// observer looks at parts of the payloads, for [payload.Map].
func observer(agent string) func() func(payload.Chunk, error) observedPart {
	return func() func(payload.Chunk, error) observedPart {
		return func(chunk payload.Chunk, err error) observedPart {
			if err != nil {
				return observedPart{err: cli.Failure(err, "")}
			}
			part := observedPart{seen: &shape.Observer{}}
			for doc, rest, ok := chunk.Next(); ok; doc, rest, ok = rest.Next() {
				if agent != "" && !(jsonscan.Valid(doc.Body) && gjson.GetBytes(doc.Body, "agentId").Str == agent) {
					part.others++
					continue
				}
				if err := part.seen.Add(doc.Body); err != nil {
					part.err = cli.Failure(fmt.Errorf("%s:%d: %w", doc.Source, doc.Line, err), `"julianctl validate" says what is wrong with it`)
					break
				}
			}
			return part
		}
	}
}

func newDiffCmd(a *cli.App) *cobra.Command {
	var against, format string
	cmd := &cobra.Command{
		Use:   "diff [PATH…|-]",
		Short: "Compare recorded payloads, or a schema, with the documented shape",
		Long: `diff lists the fields that are new, missing or of another type, and values outside a
documented set. PATH is recorded payloads, or one JSON Schema. The exit code is 1 if there
is a difference: a gate against a silent change of the provider.

A value, a type or an optional field that does not occur in the payloads is not a
difference. Neither are keys that an agent chooses itself.`,
		Example: `  julianctl schema diff recorded/
  julianctl schema diff recorded/ --against seen.schema.json    since we last looked
  julianctl schema diff partner.schema.json --format json`,
		Args: cobra.ArbitraryArgs,
		RunE: func(cmd *cobra.Command, args []string) error {
			return runDiff(cmd.Context(), a, args, against, format)
		},
	}
	cmd.Flags().StringVar(&against, "against", "", "JSON Schema or payloads to compare with, instead of the documentation")
	cli.FormatFlag(cmd, &format, "text", "json")
	return cmd
}

func runDiff(ctx context.Context, a *cli.App, paths []string, against, format string) error {
	is, err := shapeOf(ctx, a, paths)
	if err != nil {
		return err
	}
	was := shape.Documented()
	switch {
	case against != "":
		if was, err = shapeOf(ctx, a, []string{against}); err != nil {
			return err
		}
	case !is.Observed:
		// The schema asks for less than every documented example holds.
		if was, err = shape.FromSchema(julian.Schema()); err != nil {
			return err
		}
	}
	return shapeChanges(a, shape.Diff(was, is), format)
}

// shapeOf reads one schema, or the payloads of paths.
func shapeOf(ctx context.Context, a *cli.App, paths []string) (shape.Shape, error) {
	if len(paths) == 1 && paths[0] != "-" {
		if body, err := readSchemaFile(paths[0]); err == nil && shape.IsSchema(body) {
			s, err := shape.FromSchema(body)
			if err != nil {
				return s, cli.Failure(fmt.Errorf("%s %w", paths[0], err), "")
			}
			return s, nil
		}
	}
	seen, err := observe(ctx, a, paths, "")
	if err != nil {
		return shape.Shape{}, err
	}
	return seen.Shape(), nil
}

// readSchemaFile reads a file that is small enough to be a schema. What cannot
// be read is for the reader of payloads to speak of.
func readSchemaFile(path string) ([]byte, error) {
	const largest = 16 << 20
	info, err := os.Stat(path)
	if err != nil || !info.Mode().IsRegular() || info.Size() > largest {
		return nil, errors.Join(err, errors.ErrUnsupported)
	}
	return os.ReadFile(path)
}

// shapeChanges prints what differs, and gives the verdict.
func shapeChanges(a *cli.App, changes []shape.Change, format string) error {
	if format == "json" {
		records := report.NewRecords(a.Out, "schema")
		for _, c := range changes {
			if err := records.Write("change", c); err != nil {
				return err
			}
		}
		if err := records.Write("summary", map[string]any{"changes": len(changes)}); err != nil {
			return err
		}
	} else {
		printChanges(a.Out, a.Style, changes)
		a.Note("%s", map[bool]string{true: a.ErrStyle.Good("no difference"), false: a.ErrStyle.Bad(units.Count(len(changes), "difference"))}[len(changes) == 0])
	}
	if len(changes) > 0 {
		return cli.Verdict(cli.ExitNo)
	}
	return nil
}

// printChanges prints one line a change: what, where, and from what to what.
func printChanges(w io.Writer, s terminal.Style, changes []shape.Change) {
	widest := 0
	for _, c := range changes {
		widest = max(widest, min(terminal.Cells(safetext.Line(c.Pointer)), 50))
	}
	for _, c := range changes {
		pointer := safetext.Line(c.Pointer)
		if pointer == "" {
			pointer = "the payload"
		}
		text := safetext.Line(c.Is)
		switch {
		case c.Was != "" && c.Is != "":
			text = safetext.Line(c.Was) + " → " + text
		case c.Is == "":
			text = "was " + safetext.Line(c.Was)
		}
		fmt.Fprintf(w, "%s  %s  %s\n", s.Accent(terminal.Pad(string(c.Kind), 10)), terminal.Pad(pointer, widest), text)
	}
}
