// Package generate is the command generate: it makes synthetic payloads.
package generate

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/julianctl/julianctl/pkg/cli"
	"github.com/julianctl/julianctl/pkg/generate"
	"github.com/julianctl/julianctl/pkg/julian"
	"github.com/julianctl/julianctl/pkg/safetext"
	"github.com/julianctl/julianctl/pkg/terminal"
	"github.com/julianctl/julianctl/pkg/validate"
	"github.com/spf13/cobra"
)

type options struct {
	count      int
	counted    bool // count was asked for
	sequences  int  // 0: calls by themselves
	seed       uint64
	resultType string // empty: as calls occur
	lifecycle  string // empty: what fits the result
	direction  string // empty: as calls occur
	variant    string
	invalid    string
	transcript string // a size, or two with .. between
	agent      string
	shape      string // a file
	sets       cli.SetFlags
	list       bool
}

// vocabulary is a flag that takes one of some words.
type vocabulary struct {
	flag  string
	into  *string
	doc   string
	words []word
}

type word struct{ name, doc string }

func (o *options) vocabularies() []vocabulary {
	return []vocabulary{
		{"result-type", &o.resultType, "result type of the calls (default a usual mix)",
			append(valueWords(julian.ResultTypes()), word{"all", "each of them in turn"})},
		{"lifecycle", &o.lifecycle, "lifecycle status of the sequences (default what fits the result)",
			append(valueWords(julian.LifecycleStatuses()), word{"none", "the calls belong to no sequence"})},
		{"direction", &o.direction, "direction of the calls: outbound, inbound or web (default a usual mix)",
			[]word{{"outbound", "the agent called the contact"}, {"inbound", "the contact called the agent"}, {"web", "the contact called on a web page: no number"}}},
		{"variant", &o.variant, "make valid payloads of this unusual form",
			append(each(generate.Variants, func(v generate.Variant) word { return word{v.Name, v.Doc} }), word{"all", "each of them in turn"})},
		{"invalid", &o.invalid, "make payloads that break this rule",
			append(each(generate.Mutations, mutationWord), word{"all", "each of them in turn"})},
	}
}

// each is what of makes of every row.
func each[T, U any](rows []T, of func(T) U) []U {
	out := make([]U, len(rows))
	for i, row := range rows {
		out[i] = of(row)
	}
	return out
}

func valueWords[T ~string](values []julian.Value[T]) []word {
	return each(values, func(v julian.Value[T]) word { return word{string(v.Name), v.Meaning} })
}

func mutationWord(m generate.Mutation) word {
	r, _ := validate.RuleByID(m.Rule) // a test says that there is one
	return word{m.Rule, r.Title}
}

func (v vocabulary) names() []string {
	return each(v.words, func(w word) string { return w.name })
}

// NewCmd is the command.
func NewCmd(a *cli.App) *cobra.Command {
	var o options
	cmd := &cobra.Command{
		Use:   "generate",
		Short: "Make synthetic payloads, valid or invalid on purpose",
		Long: `generate writes synthetic payloads to stdout, one on each line (NDJSON). The same seed
gives the same bytes on every machine. By default the calls are a usual mix: every
terminal result type, several languages and time zones, most of them outbound.

No payload is about a real person. The family name of every contact is Test, phone
numbers are reserved for fiction, e-mail addresses are in example.com, and every call id
begins with call.julianctl-.

--variant makes valid payloads of an unusual form. --invalid makes payloads that break
one rule of validate and no other. --list shows their names. With "all" and no --count
there is one of each.`,
		Example: `  julianctl generate
  julianctl generate --count 1000 | julianctl validate
  julianctl generate --result-type all --lifecycle done > calls.ndjson
  julianctl generate --result-type 'Goal Completed' --transcript-size 1KiB..2MiB --count 10
  julianctl generate --variant all | julianctl replay - --to http://127.0.0.1:8080/webhook
  julianctl generate --invalid format
  julianctl generate --sequences 100 --seed 7
  julianctl generate --agent-shape agent.schema.json --count 20`,
		Args: cli.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			o.counted = cmd.Flags().Changed("count")
			return run(cmd.Context(), a, o)
		},
	}
	f := cmd.Flags()
	f.IntVar(&o.count, "count", 1, "how many calls")
	f.IntVar(&o.sequences, "sequences", 0, "make the calls of N contacts, several calls each")
	f.Uint64Var(&o.seed, "seed", 1, "the same seed gives the same bytes")
	for _, v := range o.vocabularies() {
		f.StringVar(v.into, v.flag, "", v.doc)
		// The only error is a flag that is not there, and it was declared above.
		_ = cmd.RegisterFlagCompletionFunc(v.flag, cobra.FixedCompletions(v.names(), cobra.ShellCompDirectiveNoFileComp))
	}
	f.StringVar(&o.transcript, "transcript-size", "", "size of the transcripts: 64KiB, or a range 0..2MiB")
	f.StringVar(&o.agent, "agent", generate.Agent, "id of the agent")
	cli.AgentShapeFlag(cmd, &o.shape, "use this agent's own variables and outcomes")
	o.sets.Declare(cmd, "the payloads")
	f.BoolVar(&o.list, "list", false, "list the values that these flags take")
	cli.GroupFlags(cmd,
		"Most used: count seed result-type variant invalid",
		"Calls: list sequences lifecycle direction transcript-size",
		"Edit: set agent | set-new agent-shape",
	)
	return cmd
}

func run(ctx context.Context, a *cli.App, o options) error {
	if o.list {
		return listGenerate(a, o)
	}
	if err := o.check(); err != nil {
		return err
	}
	edits, err := o.sets.Edits()
	if err != nil {
		return err
	}
	spec, err := o.spec()
	if err != nil {
		return err
	}
	recipes, err := o.recipes(spec)
	if err != nil {
		return err
	}
	count := max(len(recipes), o.sequences)
	if o.counted {
		count = o.count
	}
	calls := calls{a: a, g: generate.New(o.seed), recipes: recipes, edits: edits, count: count}
	defer a.CollectLess()() // a sixth of the CPU time less
	if spec.Transcript != nil {
		calls.largest = spec.Transcript.Max
	}
	return calls.write(ctx)
}

// forEyes formats a payload for the terminal.
func forEyes(body []byte, s terminal.Style) []byte {
	if text, err := terminal.PrettyJSON(body, s); err == nil {
		return []byte(strings.TrimSuffix(text, "\n"))
	}
	return []byte(safetext.Line(string(body)))
}

// check refuses words that no flag takes, and flags that say two things.
func (o *options) check() error {
	for _, v := range o.vocabularies() {
		if *v.into != "" && !slices.Contains(v.names(), *v.into) {
			return cli.UsageError(fmt.Errorf("--%s %q does not exist", v.flag, *v.into), cli.DidYouMean(*v.into, v.names(), `"julianctl generate --list" names them`))
		}
	}
	const see = `see "julianctl generate --help"`
	switch {
	case o.count < 1:
		return cli.UsageError(fmt.Errorf(`--count "%d" is less than 1`, o.count), "")
	case o.sequences < 0:
		return cli.UsageError(fmt.Errorf(`--sequences "%d" is less than 0`, o.sequences), "")
	case o.variant != "" && o.invalid != "":
		return cli.UsageError(errors.New("use only one of --variant and --invalid"), see)
	case o.shape != "" && o.variant != "":
		return cli.UsageError(errors.New("use only one of --agent-shape and --variant: a variant has its own variables"), see)
	case o.sequences > 0 && (o.counted || o.resultType != "" || o.lifecycle != "" || o.variant != "" || o.invalid != ""):
		return cli.UsageError(errors.New("use only one of --sequences and --count, --result-type, --lifecycle, --variant or --invalid: a story has its own"), see)
	case !strings.HasPrefix(o.agent, "agent."):
		return cli.UsageError(fmt.Errorf(`--agent %q does not begin with "agent."`, o.agent), "--set agentId=… writes any id")
	}
	return nil
}

// spec is what all calls have in common.
func (o *options) spec() (spec generate.Spec, err error) {
	spec.Agent = o.agent
	if o.shape != "" {
		var id string
		if id, spec.Shape, err = cli.ReadAgentShape(o.shape); err != nil {
			return spec, err
		}
		if id != "" && o.agent == generate.Agent {
			spec.Agent = id
		}
	}
	if o.resultType != "all" {
		spec.ResultType = julian.ResultType(o.resultType)
	}
	if spec.Single = o.lifecycle == "none"; !spec.Single {
		spec.Lifecycle = julian.LifecycleStatus(o.lifecycle)
	}
	if spec.Web = o.direction == "web"; !spec.Web {
		spec.Direction = julian.Direction(o.direction)
	}
	spec.Transcript, err = parseSizes(o.transcript)
	return spec, err
}

// maxTranscript keeps a payload within what validate and replay read.
const maxTranscript = 128 << 20

// parseSizes reads SIZE or SIZE..SIZE; nil when nothing is asked for.
func parseSizes(text string) (*generate.Range, error) {
	if text == "" {
		return nil, nil
	}
	low, high, isRange := strings.Cut(text, "..")
	if !isRange {
		high = low
	}
	var sizes [2]cli.ByteSize
	for i, word := range []string{low, high} {
		if word == "0" {
			continue // cli.ByteSize is a limit, and wants more
		}
		if err := sizes[i].Set(word); err != nil {
			return nil, cli.UsageError(fmt.Errorf("--transcript-size %q: %w", text, err), "a range is written 1KiB..2MiB")
		}
	}
	switch {
	case sizes[0] > sizes[1]:
		return nil, cli.UsageError(fmt.Errorf("--transcript-size %q ends before it begins", text), "")
	case sizes[1] > maxTranscript:
		return nil, cli.UsageError(fmt.Errorf("--transcript-size %q is more than 128MiB", text), "")
	}
	return &generate.Range{Min: int(sizes[0]), Max: int(sizes[1])}, nil
}

// recipe is how a call is made.
type recipe struct {
	// payloads are those of the next call, mostly one. Room is memory that may be
	// used for them.
	payloads func(g *generate.Generator, room []byte) ([][]byte, error)
	// skip passes over the call; nil: that would take as long as to make it.
	skip func(g *generate.Generator)
}

// recipes are those of the calls, in turn: one, or one of each that is asked
// for.
func (o *options) recipes(spec generate.Spec) (all []recipe, err error) {
	if o.sequences > 0 {
		return []recipe{{
			payloads: func(g *generate.Generator, _ []byte) ([][]byte, error) { return encodeAll(g.Story(spec)) },
			skip:     func(g *generate.Generator) { g.SkipStory(spec) },
		}}, nil
	}
	specs := []generate.Spec{spec}
	if o.resultType == "all" {
		specs = each(julian.ResultTypes(), func(t julian.Value[julian.ResultType]) generate.Spec {
			spec.ResultType = t.Name
			return spec
		})
	}
	var misfit error // a rule and a result type that have nothing to do with each other
	for _, spec := range specs {
		switch {
		case o.variant != "":
			for _, v := range named(generate.Variants, o.variant, func(v generate.Variant) string { return v.Name }) {
				all = append(all, recipe{payloads: func(g *generate.Generator, _ []byte) ([][]byte, error) { return v.Payloads(g, g.Draw(spec)) }})
			}
		case o.invalid != "":
			for _, m := range named(generate.Mutations, o.invalid, func(m generate.Mutation) string { return m.Rule }) {
				fit, err := m.Spec(spec)
				if err != nil {
					misfit = err
					continue
				}
				all = append(all, recipe{payloads: func(g *generate.Generator, _ []byte) ([][]byte, error) {
					broken, err := m.Payload(g, g.Draw(fit))
					return [][]byte{broken.Body}, err
				}})
			}
		default:
			all = append(all, recipe{
				payloads: func(g *generate.Generator, room []byte) ([][]byte, error) {
					body, err := g.Append(room[:0], g.Draw(spec))
					return [][]byte{body}, err
				},
				skip: func(g *generate.Generator) { g.Skip(g.Draw(spec)) },
			})
		}
	}
	if len(all) == 0 {
		return nil, cli.UsageError(misfit, "leave --result-type out")
	}
	return all, nil
}

// named is the row of a table that has this name; all rows for "all".
func named[T any](table []T, name string, of func(T) string) []T {
	if name == "all" {
		return table
	}
	i := slices.IndexFunc(table, func(row T) bool { return of(row) == name })
	return table[i : i+1]
}

func encodeAll(events []julian.CallEvent) (bodies [][]byte, err error) {
	for _, e := range events {
		body, err := generate.Encode(e)
		if err != nil {
			return nil, err
		}
		bodies = append(bodies, body)
	}
	return bodies, nil
}

func listGenerate(a *cli.App, o options) error {
	for i, v := range o.vocabularies() {
		if i > 0 {
			fmt.Fprintln(a.Out)
		}
		fmt.Fprintf(a.Out, "%s  %s\n", a.Style.Bold("--"+v.flag), v.doc)
		for _, w := range v.words {
			fmt.Fprintf(a.Out, "  %s  %s\n", a.Style.Accent(fmt.Sprintf("%-20s", w.name)), w.doc)
		}
	}
	return nil
}
