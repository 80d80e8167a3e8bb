package check

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/julianctl/julianctl/pkg/check"
	"github.com/julianctl/julianctl/pkg/cli"
	"github.com/julianctl/julianctl/pkg/drill"
	"github.com/julianctl/julianctl/pkg/report"
	"github.com/julianctl/julianctl/pkg/safetext"
	"github.com/julianctl/julianctl/pkg/sender"
	"github.com/julianctl/julianctl/pkg/terminal"
	"github.com/julianctl/julianctl/pkg/units"
	"github.com/spf13/cobra"
)

// drillFlags say how an outage is practised.
type drillFlags struct {
	on       bool
	down, up string
	rate     float64
	phase    time.Duration
	patience time.Duration
	sender   string // empty: one that does not give up
}

func (f *drillFlags) declare(cmd *cobra.Command) {
	flags := cmd.Flags()
	flags.BoolVar(&f.on, "drill", false, "run an outage drill instead of the checks")
	flags.StringVar(&f.down, "down", "", "command that stops the endpoint, for --drill and the crash checks")
	flags.StringVar(&f.up, "up", "", "command that starts the endpoint again, and ends")
	flags.Float64Var(&f.rate, "drill-rate", 5, "calls a second, for --drill")
	flags.DurationVar(&f.phase, "drill-phase", 5*time.Second, "how long before, during and after the outage, for --drill")
	flags.DurationVar(&f.patience, "drill-patience", 30*time.Second, "how long to redeliver after the outage, for --drill")
	cli.ChoiceFlag(cmd, &f.sender, "sender", "deliver as this platform does, for --drill (default until acknowledged)", sender.Names()...)
}

// alone refuses flags that would do nothing: those of a drill without one, and
// with one those of the checks.
func (f *drillFlags) alone(cmd *cobra.Command, supervised bool) error {
	of, why := []string{"down", "up", "drill-rate", "drill-phase", "drill-patience", "sender"}, "without --drill"
	if f.on {
		of, why = []string{"only", "skip", "profile", "budget", "pause", "max-requests", "baseline", "agent-shape", "agent", "set", "set-new", "also", "expect-effects"}, "with --drill"
	}
	for _, name := range of {
		if supervised && (name == "down" || name == "up") {
			continue
		}
		if cmd.Flags().Changed(name) {
			return cli.UsageError(fmt.Errorf("--%s %s does nothing", name, why), "leave one of them out")
		}
	}
	return nil
}

// drillShown is how many calls of a fate are listed in text.
const drillShown = 5

func runDrill(ctx context.Context, a *cli.App, o options) error {
	if o.drill.rate <= 0 || o.drill.rate > 1000 {
		return cli.UsageError(fmt.Errorf("--drill-rate %g is not between 0 and 1000", o.drill.rate), "")
	}
	if o.drill.phase <= 0 || o.drill.patience <= 0 {
		return cli.UsageError(errors.New("--drill-phase and --drill-patience want a time to wait"), "")
	}
	profile, err := o.drill.profile()
	if err != nil {
		return err
	}
	plan, err := planCheck(a, o)
	if err != nil {
		return err
	}
	defer plan.close()
	reports, err := cli.NewReports(a, "drill", o.format, o.reports, cli.ReportFormats(false))
	if err != nil {
		return err
	}
	var events [][]report.Cell
	d := drill.Options{
		Client: plan.options.Client, Probe: plan.options.Probe, Batch: plan.options.Batch, Settle: o.probe.settle, Seed: o.seed,
		Rate: o.drill.rate, Phase: o.drill.phase, Patience: o.drill.patience, Sender: profile,
		Tell: func(after time.Duration, what string) {
			a.Note("%6.1fs  %s", after.Seconds(), what)
			events = append(events, []report.Cell{{Text: fmt.Sprintf("%.1fs", after.Seconds())}, {Text: what}})
		},
	}
	answers := newAnswers(a.In)
	if d.Stop, err = outageStep(a, "--down", o.drill.down, "stop the endpoint", answers); err != nil {
		return err
	}
	if d.Start, err = outageStep(a, "--up", o.drill.up, "start the endpoint", answers); err != nil {
		return err
	}
	if err := waitReady(ctx, a, d.Client, o.readyTimeout); err != nil {
		return err
	}
	how := "redelivered until they are acknowledged"
	if profile != nil {
		how = "delivered as " + profile.Name + " does: " + profile.Doc
	}
	a.Note("drill on %s, seed %d: %g calls a second, %s",
		a.ErrStyle.Bold(safetext.Line(d.Client.Target().String())), o.seed, o.drill.rate, how)
	result, err := drill.Run(ctx, d)
	var ids []string
	for _, c := range result.Calls {
		ids = append(ids, c.CallID)
	}
	code := cleanUp(ctx, a, plan.cleanup, ids)
	if err != nil {
		return err
	}
	if err := printDrill(a, o.format, result); err != nil {
		return err
	}
	for _, c := range drillCases(result) {
		reports.Add(c)
	}
	if reports.Has("html") {
		reports.Report.Overview = drillOverview(a, d, how, result, events)
	}
	code = cli.Worst(code, reports.Write(ctx))
	switch {
	case result.Verdict == check.Fail:
		return cli.Verdict(cli.ExitNo)
	case result.Verdict == check.Undecided && !o.allowUndecided:
		return cli.Verdict(cli.ExitFailure)
	}
	return cli.Verdict(code)
}

// profile is nil without --sender.
func (f *drillFlags) profile() (*sender.Profile, error) {
	if f.sender == "" {
		return nil, nil
	}
	p, err := sender.Find(f.sender)
	return &p, err
}

// outageStep runs the command of a flag, or asks the user.
func outageStep(a *cli.App, flag, command, what string, answers func(context.Context) error) (func(context.Context) error, error) {
	if command == "" {
		return func(ctx context.Context) error {
			a.Note("%s %s, then press Enter", a.ErrStyle.Accent("now"), what)
			return answers(ctx)
		}, nil
	}
	words, err := cli.SplitCommand(command)
	if err != nil {
		return nil, cli.UsageError(fmt.Errorf("%s %q %w", flag, command, err), "")
	}
	return drill.Command(words), nil
}

// newAnswers returns a function that waits for the next line of in. What reads
// it ends with the process: nothing can call it back from a terminal.
func newAnswers(in io.Reader) func(context.Context) error {
	lines := make(chan error)
	ask := make(chan struct{})
	started := false
	read := func() {
		reader := bufio.NewReader(in)
		for range ask {
			_, err := reader.ReadString('\n')
			lines <- err
		}
	}
	return func(ctx context.Context) error {
		if !started {
			started = true
			go read()
		}
		ask <- struct{}{}
		select {
		case err := <-lines:
			if errors.Is(err, io.EOF) {
				return errors.New("nobody there to ask; give --down CMD and --up CMD")
			}
			return err
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

// printDrill shows the account in the form of --format.
func printDrill(a *cli.App, format string, r drill.Result) error {
	switch format {
	case "json":
		records := report.NewRecords(a.Out, "drill")
		for _, c := range r.Calls {
			if err := records.Write("call", c); err != nil {
				return err
			}
		}
		return records.Write("summary", r)
	case "text":
		drillText(a, r)
	}
	return nil
}

// drillRow is a row of the account: a fate, or what else is shown first.
type drillRow struct {
	fate  drill.Fate
	count int
	says  string
	tone  report.Verdict
}

// drillRows are the fates, those that say nothing left out.
func drillRows(r drill.Result) (rows []drillRow) {
	late := "redelivered"
	if r.Count[drill.Late] > 0 {
		late += "; the latest " + drillTime(r.LatestMS) + " after it was due"
	}
	for _, row := range []drillRow{
		{drill.Right, 0, "acknowledged on the first try", report.Pass},
		{drill.Late, 0, late, report.Warn},
		{drill.Unseen, 0, "acknowledged; effects could not be counted", report.Warn},
		{drill.Doubled, 0, "processed more than once", report.Fail},
		{drill.Lost, 0, "acknowledged, and processed 0 times", report.Fail},
		{drill.Open, 0, "never acknowledged: a sender goes on delivering", report.Fail},
		{drill.GivenUp, 0, "never acknowledged, and given up by the sender", report.Fail},
	} {
		row.count = r.Count[row.fate]
		if row.count == 0 && (row.fate == drill.Unseen || row.fate == drill.Open || row.fate == drill.GivenUp) {
			continue
		}
		rows = append(rows, row)
	}
	return rows
}

func drillTime(ms float64) string { return units.Time(units.FromMilliseconds(ms)) }

// drillTotal and drillBack say how much was delivered, and when the endpoint came back.
func drillTotal(r drill.Result) string {
	return units.Count(r.Requests, "delivery") + fmt.Sprintf(", %d not acknowledged", r.Failed)
}

func drillBack(r drill.Result) string {
	if r.BackMS > 0 {
		return "first acknowledgement " + drillTime(r.BackMS) + " after the start"
	}
	return "did not answer again"
}

func drillText(a *cli.App, r drill.Result) {
	paint := map[report.Verdict]terminal.Paint{report.Pass: a.Style.Good, report.Warn: a.Style.Warn, report.Fail: a.Style.Bad}
	fmt.Fprintf(a.Out, "\n%-8s %5d  %s\n", "calls", len(r.Calls), drillTotal(r))
	if r.DownMS > 0 {
		fmt.Fprintf(a.Out, "%-8s %5s  %s\n", "down", drillTime(r.DownMS), drillBack(r))
	}
	for _, row := range drillRows(r) {
		name := terminal.Pad(string(row.fate), 8)
		if row.count > 0 {
			name = paint[row.tone](name)
		}
		fmt.Fprintf(a.Out, "%s %5d  %s\n", name, row.count, row.says)
		if row.fate.Failed() {
			drillIDs(a, r, row.fate)
		}
	}
	colour := map[check.Verdict]terminal.Paint{check.Pass: a.Style.Good, check.Fail: a.Style.Bad, check.Undecided: a.Style.Warn}[r.Verdict]
	fmt.Fprintf(a.Out, "\n%s: %s\n", colour(drillAnswer(r)), safetext.Line(a.Hide(r.Message)))
}

// drillAnswer is the verdict in a few words.
func drillAnswer(r drill.Result) string {
	return map[check.Verdict]string{check.Pass: "nothing lost, nothing doubled", check.Fail: "not every call survived", check.Undecided: "not decided"}[r.Verdict]
}

// drillIDs lists the first calls of a fate.
func drillIDs(a *cli.App, r drill.Result, f drill.Fate) {
	shown := 0
	for _, c := range r.Calls {
		if c.Fate != f {
			continue
		}
		if shown == drillShown {
			fmt.Fprintf(a.Out, "%16s%s\n", "", a.Style.Faint(fmt.Sprintf("and %d more; --format json has all", r.Count[f]-shown)))
			return
		}
		shown++
		fmt.Fprintf(a.Out, "%16s%s\n", "", a.Style.Faint(safetext.Line(a.Hide(strings.TrimSpace(c.CallID+" "+c.Error)))))
	}
}

// drillCases are the account as reports have it.
func drillCases(r drill.Result) []report.Case {
	cases := []report.Case{{Name: "outage", Group: "drill", Verdict: report.Verdict(r.Verdict), Message: r.Message, Took: units.FromMilliseconds(r.TookMS)}}
	for _, c := range r.Calls {
		if c.Fate.Failed() {
			cases = append(cases, report.Case{Name: c.CallID, Group: "drill", Verdict: report.Fail, Message: string(c.Fate), Detail: c.Error, Took: units.FromMilliseconds(c.AfterMS)})
		}
	}
	return cases
}
