package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"runtime"

	"github.com/julianctl/julianctl/pkg/jsonscan"
	"github.com/julianctl/julianctl/pkg/julian"
	"github.com/julianctl/julianctl/pkg/payload"
	"github.com/julianctl/julianctl/pkg/report"
	"github.com/julianctl/julianctl/pkg/safetext"
	"github.com/julianctl/julianctl/pkg/shape"
	"github.com/spf13/cobra"
	"github.com/tidwall/gjson"
)

func newSchemaCmd(a *app) *cobra.Command {
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
		Args:        noArgs,
		Annotations: map[string]string{"config": "none"},
		RunE: func(*cobra.Command, []string) error {
			document := julian.Schema()
			if openapi {
				document = julian.OpenAPI()
			}
			_, err := a.out.Write(document)
			return err
		},
	}
	cmd.Flags().BoolVar(&openapi, "openapi", false, "as an OpenAPI 3.1 document with one webhook")
	cmd.AddCommand(newSchemaInferCmd(a), newSchemaDiffCmd(a))
	return cmd
}

func newSchemaInferCmd(a *app) *cobra.Command {
	var agent, output string
	cmd := &cobra.Command{
		Use:   "infer [PATH…|-]",
		Short: "Write the schema of recorded payloads",
		Long: `infer reads payloads and writes the JSON Schema of what it saw: the fields, their
types, and which were always there. With --agent it writes that agent's own
shape: its variables and the names of its outcomes, for --agent-shape of
validate, generate and check.`,
		Example: `  julianctl schema infer recorded/ > seen.schema.json
  julianctl log export --format payloads | julianctl schema infer - --agent agent.abc123 -o agent.schema.json
  julianctl validate --agent-shape agent.schema.json new.json`,
		Args: cobra.ArbitraryArgs,
		RunE: func(cmd *cobra.Command, args []string) error {
			return runSchemaInfer(cmd.Context(), a, args, agent, output)
		},
	}
	cmd.Flags().StringVar(&agent, "agent", "", "write the shape of this agent's own parts, from its payloads only")
	cmd.Flags().StringVarP(&output, "output", "o", "", "file to write; stdout without it")
	return cmd
}

func runSchemaInfer(ctx context.Context, a *app, paths []string, agent, output string) error {
	seen, err := a.observe(ctx, paths, agent)
	if err != nil {
		return err
	}
	var schema []byte
	if agent != "" {
		schema, err = shape.Agent(agent, seen.Shape())
	} else {
		schema, err = seen.Shape().Schema(shape.Words{
			Title:       "Payloads as recorded",
			Description: fmt.Sprintf("Inferred from %s.", count(seen.Payloads(), "payload")),
		})
	}
	if err != nil {
		return err
	}
	if output == "" || output == "-" {
		_, err = a.out.Write(schema)
		return err
	}
	if err := a.writeReport(output, schema); err != nil {
		return unable(fmt.Errorf("-o: %w", err), "")
	}
	a.note("wrote %s, from %s", safetext.Line(output), count(seen.Payloads(), "payload"))
	return nil
}

// observe looks at every payload of paths that is agent's; of any, when agent
// is empty.
func (a *app) observe(ctx context.Context, paths []string, agent string) (*shape.Observer, error) {
	if len(paths) == 0 {
		if isTerminal(a.in) {
			return nil, usage(errors.New("no payloads to look at"), "name a file or a folder, or pipe payloads in")
		}
		paths = []string{"-"}
	}
	reading, stop := context.WithCancel(ctx)
	defer stop()
	in, done := a.stdin(reading)
	defer done()
	seen, others := &shape.Observer{}, 0
	for part := range payload.Map(reading, paths, in, runtime.GOMAXPROCS(0), observer(agent)) {
		if part.err != nil {
			stop() // perhaps somebody waits for stdin
			return nil, part.err
		}
		seen.Merge(part.seen)
		others += part.others
	}
	if seen.Payloads() == 0 {
		return nil, unable(fmt.Errorf("no payload of agent %q among %d", agent, others), "")
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
				return observedPart{err: unable(err, "")}
			}
			part := observedPart{seen: &shape.Observer{}}
			for doc, rest, ok := chunk.Next(); ok; doc, rest, ok = rest.Next() {
				if agent != "" && !ofAgent(doc.Body, agent) {
					part.others++
					continue
				}
				if err := part.seen.Add(doc.Body); err != nil {
					part.err = unable(fmt.Errorf("%s:%d: %w", doc.Source, doc.Line, err), `"julianctl validate" says what is wrong with it`)
					break
				}
			}
			return part
		}
	}
}

func ofAgent(body []byte, agent string) bool {
	return jsonscan.Valid(body) && gjson.GetBytes(body, "agentId").Str == agent
}

func newSchemaDiffCmd(a *app) *cobra.Command {
	var against, format string
	cmd := &cobra.Command{
		Use:   "diff [PATH…|-]",
		Short: "Compare recorded payloads, or a schema, with the documented shape",
		Long: `diff names the fields that are new, lost or of another type, and values outside a
documented set. PATH holds recorded payloads, or is one JSON Schema. The exit code
is 1 when there is a difference: a gate against a silent change of the provider.

That a value, a type or an optional field does not occur in payloads means
nothing, and is no difference. What is in an object whose keys are the agent's
own is none either.`,
		Example: `  julianctl schema diff recorded/
  julianctl schema diff recorded/ --against seen.schema.json    since we last looked
  julianctl schema diff partner.schema.json --format json`,
		Args: cobra.ArbitraryArgs,
		RunE: func(cmd *cobra.Command, args []string) error {
			return runSchemaDiff(cmd.Context(), a, args, against, format)
		},
	}
	cmd.Flags().StringVar(&against, "against", "", "JSON Schema or payloads to compare with, in place of the documentation")
	formatFlag(cmd, &format, "text", "json")
	return cmd
}

func runSchemaDiff(ctx context.Context, a *app, paths []string, against, format string) error {
	is, err := a.shapeOf(ctx, paths)
	if err != nil {
		return err
	}
	was := shape.Documented()
	switch {
	case against != "":
		if was, err = a.shapeOf(ctx, []string{against}); err != nil {
			return err
		}
	case !is.Observed:
		// The schema asks for less than every documented example holds.
		if was, err = shape.FromSchema(julian.Schema()); err != nil {
			return err
		}
	}
	return a.shapeChanges(shape.Diff(was, is), format)
}

// shapeOf reads one schema, or the payloads of paths.
func (a *app) shapeOf(ctx context.Context, paths []string) (shape.Shape, error) {
	if len(paths) == 1 && paths[0] != "-" {
		if body, err := readSchemaFile(paths[0]); err == nil && shape.IsSchema(body) {
			s, err := shape.FromSchema(body)
			if err != nil {
				return s, unable(fmt.Errorf("%s %w", paths[0], err), "")
			}
			return s, nil
		}
	}
	seen, err := a.observe(ctx, paths, "")
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
func (a *app) shapeChanges(changes []shape.Change, format string) error {
	if format == "json" {
		records := report.NewRecords(a.out, "schema")
		for _, c := range changes {
			if err := records.Write("change", c); err != nil {
				return err
			}
		}
		if err := records.Write("summary", map[string]any{"changes": len(changes)}); err != nil {
			return err
		}
	} else {
		a.printChanges(a.out, a.style, changes)
		a.note("%s", map[bool]string{true: a.errStyle.good("no difference"), false: a.errStyle.bad(count(len(changes), "difference"))}[len(changes) == 0])
	}
	if len(changes) > 0 {
		return verdict(exitNo)
	}
	return nil
}

// printChanges prints one line a change: what, where, and from what to what.
func (a *app) printChanges(w io.Writer, s style, changes []shape.Change) {
	widest := 0
	for _, c := range changes {
		widest = max(widest, min(cells(safetext.Line(c.Pointer)), 50))
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
		fmt.Fprintf(w, "%s  %s  %s\n", s.accent(pad(string(c.Kind), 10)), pad(pointer, widest), text)
	}
}
