// Package export is the command export: it writes deliveries for other load engines.
package export

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io/fs"
	"iter"
	"math"
	"path/filepath"
	"runtime"
	"strings"

	"github.com/julianctl/julianctl/pkg/cli"
	"github.com/julianctl/julianctl/pkg/deliver"
	"github.com/julianctl/julianctl/pkg/export"
	"github.com/julianctl/julianctl/pkg/report"
	"github.com/julianctl/julianctl/pkg/safetext"
	"github.com/julianctl/julianctl/pkg/units"
	"github.com/spf13/cobra"
)

type options struct {
	cli.PlanFlags
	delivery   cli.DeliveryFlags
	engine     export.Engine
	output     string // a folder; empty: stdout, of vegeta's targets
	shards     int
	expect     string
	maxLatency string
	format     string
}

// NewCmd is the command.
func NewCmd(a *cli.App) *cobra.Command {
	cmd := &cobra.Command{
		Use:   "export",
		Short: "Write deliveries for vegeta or k6, and verify that they arrived",
		Long: `export writes what replay would send as files that another load engine runs unchanged,
for more load than one machine can make. Every delivery has the id of the export, the
number of its payload and the number of its duplicate in headers. With them "julianctl
export verify" finds out what arrived.`,
		Example: `  julianctl export vegeta calls.ndjson --to staging -o out
  julianctl export k6 calls.ndjson --dup --to staging --shards 3 -o out
  julianctl export verify --manifest out/manifest.json --received received.ndjson`,
		Args: cli.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
	}
	cmd.AddCommand(newVegetaCmd(a), newK6Cmd(a), newVerifyCmd(a))
	return cmd
}

func newVegetaCmd(a *cli.App) *cobra.Command {
	o := options{engine: export.Vegeta, expect: "2xx"}
	cmd := newEngineCmd(a, &o)
	cmd.Use = "vegeta [PATH…|-] URL|--to NAME [-o FOLDER]"
	cmd.Short = "Write deliveries as vegeta's JSON targets"
	cmd.Long = `vegeta writes a plan of deliveries as targets for "vegeta attack", one JSON object
a line. A PATH is as for replay; without one it is the documented sample. With -o
they go into a new folder, together with a manifest for "export verify"; without
it to stdout, to be piped. The command that runs them is shown.

vegeta ends when the targets do, so each is sent once. It reports a few results
more, "no targets to attack": that is how it ends, and nothing was sent for them.
It does not wait for the answer to a copy before it sends the next, unless -c is 1,
and it does not check answers: --expect and --max-latency are for export k6.
` + exportSecrets
	cmd.Example = `  julianctl export vegeta calls.ndjson --to http://127.0.0.1:4040/ -o out
  julianctl export vegeta calls.ndjson --dup=2 --dup-mode shuffled -c 64 --to staging -o out
  julianctl export vegeta calls.ndjson --rate 5000 --shards 4 --to staging -o out
  julianctl export vegeta calls.ndjson --to http://127.0.0.1:4040/ |
    vegeta attack -format json -lazy -rate 100 | vegeta report`
	return cmd
}

func newK6Cmd(a *cli.App) *cobra.Command {
	o := options{engine: export.K6}
	cmd := newEngineCmd(a, &o)
	cmd.Use = "k6 [PATH…|-] URL|--to NAME -o FOLDER"
	cmd.Short = "Write deliveries as a k6 script"
	cmd.Long = `k6 writes a plan of deliveries into a new folder: a script for "k6 run", the
deliveries that it reads, and a manifest for "export verify". A PATH is as for
replay; without one it is the documented sample.

The script keeps the plan as replay does: copies after the answer to the one
before or shuffled, -c payloads on the way, and with --rate an open loop in which
none is left out. --expect and --max-latency become thresholds: k6 exits with 99
where they are missed. On several machines, run the same files with
--execution-segment and --execution-segment-sequence, as the script's first lines
show, or split them with --shards; each delivery is then sent once.

k6 reads a file of deliveries whole, and takes about seven times its size in
memory, and half a MB for each of -c: for more than it holds, --shards makes smaller files.
` + exportSecrets
	cmd.Example = `  julianctl export k6 calls.ndjson --to http://127.0.0.1:4040/ -o out
  julianctl export k6 calls.ndjson --dup --rate 2000 --max-latency p99=500ms --to staging -o out
  julianctl export k6 calls.ndjson --loop --count 100000 --new-ids --shards 4 --to staging -o out`
	f := cmd.Flags()
	f.StringVar(&o.expect, "expect", "2xx", "statuses that count as success: 2xx, 200,204 or 2xx,409")
	f.StringVar(&o.maxLatency, "max-latency", "", "limits of latency: p99=500ms or p50=100ms,max=2s")
	cli.GroupFlags(cmd, "Verdict: expect max-latency")
	return cmd
}

const exportSecrets = `
The files hold payloads and are for their owner only. They hold no secrets:
Authorization, Cookie, x-api-key, the headers of --redact-header and those whose
name tells of a token or key are taken from the environment when the engine runs,
each from a variable that is named.`

// newEngineCmd is what the commands of all engines share.
func newEngineCmd(a *cli.App, o *options) *cobra.Command {
	cmd := &cobra.Command{
		Args: cli.PathArgs,
		RunE: func(cmd *cobra.Command, args []string) error {
			if err := o.Resolve(cmd, args); err != nil {
				return err
			}
			return run(cmd.Context(), a, *o)
		},
	}
	o.PlanFlags.Declare(cmd)
	o.delivery.Declare(cmd)
	cli.ConfigFlag(cmd, "redact-header")
	f := cmd.Flags()
	f.StringVarP(&o.output, "output", "o", "", "folder to make for the files")
	f.IntVar(&o.shards, "shards", 1, "split the deliveries into N files that run side by side")
	cli.FormatFlag(cmd, &o.format, "text", "json")
	cli.GroupFlags(cmd,
		"Most used: to output dup rate count",
		"Duplicates: dup-mode | dup-delay",
		"Payloads: set new-ids | set-new shuffle seed",
		"Pace: concurrency | duration loop",
		"Deliver: header timeout | allow-host insecure cacert redact-header",
		"Output: shards format",
	)
	return cmd
}

func run(ctx context.Context, a *cli.App, o options) error {
	if o.output == "" && (o.engine != export.Vegeta || o.shards != 1 || o.format != "text") {
		return cli.UsageError(errors.New("no folder for the files"), "say where: -o FOLDER, which must not exist yet")
	}
	e, err := planExport(a, &o)
	if err != nil {
		return err
	}
	for _, warning := range e.Warnings() {
		a.Note("%s %s", a.ErrStyle.Warn("warning:"), safetext.Line(warning))
	}
	defer a.CollectLess()() // a quarter of the CPU time less
	reading, stop := context.WithCancel(ctx)
	defer stop()
	e.Plan.Stop = stop
	docs, done := a.Documents(reading, o.Paths)
	defer done()
	if docs, err = o.Edited(docs); err != nil {
		return err
	}
	steps := until(ctx, e.Plan.Steps(docs))
	if o.output == "" {
		return exportTargets(a, e, steps)
	}
	m, err := e.Write(o.output, steps)
	if err != nil {
		return exportError(o.output, err)
	}
	if o.format == "json" {
		return report.NewRecords(a.Out, "export").Write("summary", summary{Folder: o.output, Manifest: m})
	}
	showExport(a, o.output, m)
	return nil
}

// summary is the one record of an export.
type summary struct {
	Schema string `json:"schema,omitempty"` // in place of the manifest's: the record has it
	Folder string `json:"folder"`
	*export.Manifest
}

// planExport is what the flags say together.
func planExport(a *cli.App, o *options) (export.Export, error) {
	var none export.Export
	if o.Loop && o.Count == 0 && o.Rate > 0 && o.Duration > 0 {
		// As many as are due within that time.
		o.Count = int(math.Ceil(o.Rate * o.Duration.Seconds() / float64(o.Dup+1)))
	}
	plan, err := o.Plan()
	if err != nil {
		return none, err
	}
	if plan.Expect, err = cli.ParseStatuses(o.expect); err != nil {
		return none, err
	}
	e := export.Export{
		Engine: o.engine, Run: strings.ToLower(rand.Text()[:16]), Plan: plan, Shards: o.shards, Jobs: runtime.GOMAXPROCS(0), Created: a.Now(),
		Duration: o.Duration, Timeout: a.Config.Timeout, Insecure: o.delivery.Insecure,
	}
	if e.Limits, err = cli.ParseLimits("--max-latency", o.maxLatency); err != nil {
		return none, err
	}
	if err := exportTarget(a, &e, o); err != nil {
		return none, err
	}
	if err := e.Check(); err != nil {
		return none, exportError(o.output, err)
	}
	return e, nil
}

// exportTarget fills in where deliveries go, and with which header. What is
// exported passes the same guard as what is sent.
func exportTarget(a *cli.App, e *export.Export, o *options) error {
	client, err := a.DeliveryClient(o.delivery)
	if err != nil {
		return err
	}
	defer client.Close()
	to, err := a.ConfiguredTarget(o.delivery.AllowHosts)
	if err != nil {
		return err
	}
	e.URL, e.Timeout = client.Target().String(), to.Timeout
	for _, f := range client.Header() {
		switch {
		case f.Name == "Host" && strings.Contains(e.URL, "://"+f.Value+"/"): // the URL's own
		case safetext.SecretHeader(f.Name, a.Config.RedactHeader...) || cli.SoundsSecret(f.Name):
			e.Secrets = append(e.Secrets, f.Name)
		default:
			e.Header = append(e.Header, f)
		}
	}
	if o.delivery.CaCert != "" { // the engine runs in another folder
		e.CACert, err = filepath.Abs(o.delivery.CaCert)
	}
	return err
}

// exportError is err with its exit code.
func exportError(output string, err error) error {
	if refused, ok := errors.AsType[*export.PlanError](err); ok {
		return cli.UsageError(err, refused.Hint)
	}
	if errors.Is(err, fs.ErrExist) {
		return cli.UsageError(fmt.Errorf("--output %q already exists", output), "use a new folder for each export")
	}
	return err
}

// until ends steps with the error of ctx.
func until(ctx context.Context, steps iter.Seq2[deliver.Step, error]) iter.Seq2[deliver.Step, error] {
	return func(yield func(deliver.Step, error) bool) {
		for step, err := range steps {
			if ctx.Err() != nil {
				step, err = deliver.Step{}, ctx.Err()
			}
			if !yield(step, err) {
				return
			}
		}
	}
}

// exportTargets writes vegeta's targets to stdout.
func exportTargets(a *cli.App, e export.Export, steps iter.Seq2[deliver.Step, error]) error {
	counts, err := e.Targets(a.Out, steps)
	if err != nil {
		return exportError("", err)
	}
	a.Note("%s of run %s", deliveriesOf(counts, e.Plan.Duplicates+1), e.Run)
	a.Note("%s %s", a.ErrStyle.Faint("run:"), safetext.Line(e.VegetaCommand("")))
	return nil
}

func deliveriesOf(c export.Counts, copies int) string {
	text := fmt.Sprintf("%s of %s", units.Count(c.Deliveries, "delivery"), units.Count(c.Payloads, "payload"))
	if copies > 1 {
		text += fmt.Sprintf(", %d copies each", copies)
	}
	return text
}

// rows prints lines with a name each.
func rows(a *cli.App) func(name, text string) {
	return func(name, text string) {
		fmt.Fprintf(a.Out, "%s %s\n", a.Style.Faint(fmt.Sprintf("%-11s", name)), text)
	}
}

// showExport says what was written and what to do with it.
func showExport(a *cli.App, dir string, m *export.Manifest) {
	s, row := a.Style, rows(a)
	row("run", m.Run)
	row("target", safetext.Line(m.URL))
	row("deliveries", fmt.Sprintf("%s (seed %d)", deliveriesOf(m.Counts, m.Copies), m.Seed))
	name := "files"
	for _, shard := range m.Shards {
		row(name, fmt.Sprintf("%s  %s  %s", shard.Name, units.Count(shard.Deliveries, "delivery"), units.Size(shard.Bytes)))
		name = ""
	}
	if m.Variables != nil {
		row("secrets", "from the environment: "+strings.Join(m.Variables, ", "))
	}
	fmt.Fprintf(a.Out, "\n%s\n", s.Faint("run in "+safetext.Line(filepath.Clean(dir))+":"))
	for _, shard := range m.Shards {
		fmt.Fprintf(a.Out, "  %s\n", safetext.Line(shard.Command))
	}
	fmt.Fprintf(a.Out, "%s\n  %s\n", s.Faint("then, with what arrived:"),
		"julianctl export verify --manifest "+safetext.Shell(filepath.Join(dir, export.ManifestFile))+" --received FILE")
	fmt.Fprintf(a.Out, "\n%s is written\n", safetext.Line(filepath.Clean(dir)))
}
