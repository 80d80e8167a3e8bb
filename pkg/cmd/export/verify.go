package export

import (
	"context"
	"errors"
	"fmt"

	"github.com/julianctl/julianctl/pkg/cli"
	"github.com/julianctl/julianctl/pkg/export"
	"github.com/julianctl/julianctl/pkg/report"
	"github.com/julianctl/julianctl/pkg/safetext"
	"github.com/julianctl/julianctl/pkg/terminal"
	"github.com/julianctl/julianctl/pkg/units"
	"github.com/spf13/cobra"
)

type verifyOptions struct {
	manifest string
	received []string
	format   string
}

func newVerifyCmd(a *cli.App) *cobra.Command {
	var o verifyOptions
	cmd := &cobra.Command{
		Use:   "verify --manifest FILE --received FILE",
		Short: "Verify that the deliveries of an export arrived",
		Long: `verify compares what an export planned with what arrived, by the headers of every delivery.
It lists deliveries that are missing, arrived more than once, or have other bytes. --received
is the output of "julianctl listen --format json" or "julianctl log export", plain or
compressed, from every machine that received deliveries; - is stdin. Deliveries of another
run are counted and ignored.

Exit code 1: not every delivery arrived exactly once and unchanged. Exit code 3: the
manifest or a record could not be read, so that a missing delivery may have arrived.`,
		Example: `  julianctl listen --format json > received.ndjson       while the engine runs
  julianctl export verify --manifest out/manifest.json --received received.ndjson
  julianctl log export | julianctl export verify --manifest out/manifest.json --received -
  julianctl export verify --manifest out/manifest.json --received a.ndjson.gz --received b.ndjson.gz`,
		Args: cli.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error { return runVerify(cmd.Context(), a, o) },
	}
	f := cmd.Flags()
	f.StringVar(&o.manifest, "manifest", "", "manifest.json in the folder of the export")
	f.StringArrayVar(&o.received, "received", nil, "records of the deliveries that arrived; - is stdin (repeatable)")
	cli.FormatFlag(cmd, &o.format, "text", "json")
	return cmd
}

func runVerify(ctx context.Context, a *cli.App, o verifyOptions) error {
	switch {
	case o.manifest == "":
		return cli.UsageError(errors.New("no manifest"), "say which: --manifest out/manifest.json")
	case len(o.received) == 0:
		return cli.UsageError(errors.New("no records of received deliveries"), "--received FILE is the output of julianctl listen --format json")
	}
	m, err := export.ReadManifest(o.manifest)
	if err != nil {
		return cli.Failure(fmt.Errorf("--manifest: %w", err), "")
	}
	received, done := a.Documents(ctx, o.received)
	defer done()
	p := verifyPrinter{a: a, format: o.format, records: report.NewRecords(a.Out, "export.verify"), shown: map[export.Kind]int{}}
	account, err := m.Verify(received, p.finding)
	if err != nil {
		return err
	}
	return p.end(m, account)
}

// verifyShown is how many findings of a kind are listed in text.
const verifyShown = 10

type verifyPrinter struct {
	a       *cli.App
	format  string
	records *report.Records
	shown   map[export.Kind]int
	err     error // of the first record that could not be made
}

// verifyRecord is one delivery that is not as planned.
type verifyRecord struct {
	Number  int    `json:"number,omitempty"` // of the payload, from 1
	Copy    int    `json:"copy,omitempty"`
	File    string `json:"file,omitempty"` // of what was received
	Line    int    `json:"line,omitempty"`
	Message string `json:"message,omitempty"`
}

func (p *verifyPrinter) finding(f export.Finding) {
	if p.format == "json" {
		r := verifyRecord{Number: f.Number, Copy: f.Copy, File: f.Source, Line: f.Line}
		if f.Err != nil {
			r.Message = f.Err.Error()
		}
		if err := p.records.Write(string(f.Kind), r); err != nil && p.err == nil {
			p.err = err
		}
		return
	}
	if p.shown[f.Kind]++; p.shown[f.Kind] > verifyShown {
		return
	}
	text := fmt.Sprintf("payload %d  copy %d", f.Number, f.Copy)
	if f.Line > 0 {
		text += fmt.Sprintf("  %s:%d", safetext.Line(f.Source), f.Line)
	}
	if f.Err != nil {
		text = safetext.Line(f.Err.Error())
	}
	fmt.Fprintf(p.a.Out, "%s %s\n", p.a.Style.Bad(fmt.Sprintf("%-11s", f.Kind)), text)
}

// verifySummary is the last record.
type verifySummary struct {
	Run   string `json:"run"`
	Exact bool   `json:"exact"`
	export.Account
}

// end says what came of the export.
func (p *verifyPrinter) end(m *export.Manifest, account export.Account) error {
	code := cli.ExitYes
	switch {
	case account.Doubled+account.Altered+account.Unplanned > 0:
		code = cli.ExitNo
	case account.Unreadable > 0: // what is missing may be there
		code = cli.ExitFailure
	case account.Missing > 0:
		code = cli.ExitNo
	}
	if p.format == "json" {
		if err := p.records.Write("summary", verifySummary{m.Run, account.Exact(), account}); err != nil {
			return err
		}
		return errors.Join(p.err, cli.Verdict(code))
	}
	p.text(m, account)
	return cli.Verdict(code)
}

func (p *verifyPrinter) text(m *export.Manifest, account export.Account) {
	a, s := p.a, p.a.Style
	more := false
	for _, kind := range []export.Kind{export.Doubled, export.Altered, export.Unplanned, export.Unreadable, export.Missing} {
		if n := p.shown[kind] - verifyShown; n > 0 {
			fmt.Fprintf(a.Out, "%s … %d more\n", s.Bad(fmt.Sprintf("%-11s", kind)), n)
			more = true
		}
	}
	if len(p.shown) > 0 {
		fmt.Fprintln(a.Out)
	}
	row := rows(a)
	row("run", safetext.Line(m.Run))
	row("deliveries", fmt.Sprintf("%d planned, %d arrived", account.Planned, account.Arrived))
	if account.Refused > 0 {
		row("refused", fmt.Sprintf("%d, which were sent and not taken in", account.Refused))
	}
	if account.Others > 0 {
		row("others", fmt.Sprintf("%d of another run, or of none", account.Others))
	}
	fmt.Fprintln(a.Out)
	if account.Exact() {
		fmt.Fprintf(a.Out, "%s\n", s.Good(fmt.Sprintf("%s, each exactly once and unaltered", units.Count(account.Planned, "delivery")+" arrived")))
		return
	}
	line := ""
	for _, c := range []struct {
		n    int
		kind export.Kind
	}{
		{account.Missing, export.Missing}, {account.Doubled, export.Doubled}, {account.Altered, export.Altered},
		{account.Unplanned, export.Unplanned}, {account.Unreadable, export.Unreadable},
	} {
		if c.n > 0 {
			line = terminal.Join(", ", line, fmt.Sprintf("%d %s", c.n, c.kind))
		}
	}
	fmt.Fprintf(a.Out, "%s\n", s.Bad(line))
	switch {
	case account.Arrived == 0 && account.Others == 0:
		a.Hint("--received takes what julianctl listen --format json wrote")
	case account.Arrived == 0:
		a.Hint("is that the manifest of the run that was received?")
	case more:
		a.Hint("--format json lists them all")
	}
}
