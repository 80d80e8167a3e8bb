package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/julianctl/julianctl/pkg/check"
	"github.com/julianctl/julianctl/pkg/report"
	"github.com/julianctl/julianctl/pkg/safetext"
	"github.com/spf13/cobra"
)

// drillFlags say how an outage is practised.
type drillFlags struct {
	on       bool
	down, up string
	rate     float64
	phase    time.Duration
	patience time.Duration
}

func (f *drillFlags) declare(cmd *cobra.Command) {
	flags := cmd.Flags()
	flags.BoolVar(&f.on, "drill", false, "practise an outage in place of the checks")
	flags.StringVar(&f.down, "down", "", "command that stops the endpoint, for --drill and the crash checks")
	flags.StringVar(&f.up, "up", "", "command that starts the endpoint and ends, likewise")
	flags.Float64Var(&f.rate, "drill-rate", 5, "calls a second, for --drill")
	flags.DurationVar(&f.phase, "drill-phase", 5*time.Second, "how long before, during and after the outage, for --drill")
	flags.DurationVar(&f.patience, "drill-patience", 30*time.Second, "how long to redeliver after that, for --drill")
}

// alone refuses flags that would do nothing: those of a drill without one, and
// with one those of the checks.
func (f *drillFlags) alone(cmd *cobra.Command, supervised bool) error {
	of, why := []string{"down", "up", "drill-rate", "drill-phase", "drill-patience"}, "without --drill"
	if f.on {
		of, why = []string{"only", "skip", "profile", "budget", "pause", "max-requests", "baseline", "agent-shape"}, "with --drill"
	}
	for _, name := range of {
		if supervised && (name == "down" || name == "up") {
			continue
		}
		if cmd.Flags().Changed(name) {
			return usage(fmt.Errorf("--%s %s does nothing", name, why), "leave one of them out")
		}
	}
	return nil
}

// drillShown is how many calls of a fate are listed in text.
const drillShown = 5

func runDrill(ctx context.Context, a *app, o checkOptions) error {
	if o.drill.rate <= 0 || o.drill.rate > 1000 {
		return usage(fmt.Errorf("--drill-rate %g is not between 0 and 1000", o.drill.rate), "")
	}
	if o.drill.phase <= 0 || o.drill.patience <= 0 {
		return usage(errors.New("--drill-phase and --drill-patience want a time to wait"), "")
	}
	plan, err := a.planCheck(o)
	if err != nil {
		return err
	}
	defer plan.close()
	reports, err := newReports(a, "drill", o.format, o.reports, reportFormats(false))
	if err != nil {
		return err
	}
	d := check.DrillOptions{
		Client: plan.options.Client, Probe: plan.options.Probe, Settle: o.probe.settle, Seed: o.seed,
		Rate: o.drill.rate, Phase: o.drill.phase, Patience: o.drill.patience,
		Tell: func(after time.Duration, what string) { a.note("%6.1fs  %s", after.Seconds(), what) },
	}
	answers := newAnswers(a.in)
	if d.Stop, err = a.outageStep("--down", o.drill.down, "stop the endpoint", answers); err != nil {
		return err
	}
	if d.Start, err = a.outageStep("--up", o.drill.up, "start the endpoint", answers); err != nil {
		return err
	}
	if err := a.waitReady(ctx, d.Client, o.readyTimeout); err != nil {
		return err
	}
	a.note("drill on %s, seed %d: %g calls a second, redelivered until they are acknowledged",
		a.errStyle.bold(safetext.Line(d.Client.Target().String())), o.seed, o.drill.rate)
	result, err := check.Drill(ctx, d)
	var ids []string
	for _, c := range result.Calls {
		ids = append(ids, c.CallID)
	}
	code := a.cleanUp(ctx, plan.cleanup, ids)
	if err != nil {
		return err
	}
	if err := a.printDrill(o.format, result); err != nil {
		return err
	}
	for _, c := range drillCases(result) {
		reports.add(c)
	}
	code = worst(code, reports.write(ctx))
	switch {
	case result.Verdict == check.Fail:
		return verdict(exitNo)
	case result.Verdict == check.Undecided && !o.allowUndecided:
		return verdict(exitUnable)
	}
	return verdict(code)
}

// outageStep runs the command of a flag, or asks the person.
func (a *app) outageStep(flag, command, what string, answers func(context.Context) error) (func(context.Context) error, error) {
	if command == "" {
		return func(ctx context.Context) error {
			a.note("%s %s, then press Enter", a.errStyle.accent("now"), what)
			return answers(ctx)
		}, nil
	}
	words, err := splitCommand(command)
	if err != nil {
		return nil, usage(fmt.Errorf("%s %q %w", flag, command, err), "")
	}
	return check.Command(words), nil
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
func (a *app) printDrill(format string, r check.DrillResult) error {
	switch format {
	case "json":
		records := report.NewRecords(a.out, "drill")
		for _, c := range r.Calls {
			if err := records.Write("call", c); err != nil {
				return err
			}
		}
		return records.Write("summary", r)
	case "text":
		a.drillText(r)
	}
	return nil
}

func (a *app) drillText(r check.DrillResult) {
	duration := func(ms float64) string { return shortTime(time.Duration(ms * float64(time.Millisecond))) }
	late := "redelivered"
	if r.Count[check.Late] > 0 {
		late += "; the latest " + duration(r.LatestMS) + " after it was due"
	}
	rows := []struct {
		fate  check.Fate
		says  string
		paint paint
	}{
		{check.Right, "acknowledged on the first try", a.style.good},
		{check.Late, late, a.style.warn},
		{check.Unseen, "acknowledged; effects could not be counted", a.style.warn},
		{check.Doubled, "more than one effect", a.style.bad},
		{check.Lost, "never acknowledged, or acknowledged without an effect", a.style.bad},
	}
	fmt.Fprintf(a.out, "\n%-8s %5d  %s\n", "calls", len(r.Calls), countOf(r.Requests, "delivery", "deliveries")+fmt.Sprintf(", %d not acknowledged", r.Failed))
	if r.DownMS > 0 {
		back := "did not answer again"
		if r.BackMS > 0 {
			back = "first acknowledgement " + duration(r.BackMS) + " after the start"
		}
		fmt.Fprintf(a.out, "%-8s %5s  %s\n", "down", duration(r.DownMS), back)
	}
	for _, row := range rows {
		n := r.Count[row.fate]
		if n == 0 && row.fate == check.Unseen {
			continue
		}
		name := pad(string(row.fate), 8)
		if n > 0 {
			name = row.paint(name)
		}
		fmt.Fprintf(a.out, "%s %5d  %s\n", name, n, row.says)
		if row.fate == check.Lost || row.fate == check.Doubled {
			a.drillIDs(r, row.fate)
		}
	}
	colour := map[check.Verdict]paint{check.Pass: a.style.good, check.Fail: a.style.bad, check.Undecided: a.style.warn}[r.Verdict]
	word := map[check.Verdict]string{check.Pass: "nothing lost, nothing doubled", check.Fail: "not every call survived", check.Undecided: "not decided"}[r.Verdict]
	fmt.Fprintf(a.out, "\n%s: %s\n", colour(word), safetext.Line(a.hide(r.Message)))
}

// drillIDs lists the first calls of a fate.
func (a *app) drillIDs(r check.DrillResult, f check.Fate) {
	shown := 0
	for _, c := range r.Calls {
		if c.Fate != f {
			continue
		}
		if shown == drillShown {
			fmt.Fprintf(a.out, "%16s%s\n", "", a.style.faint(fmt.Sprintf("and %d more; --format json has all", r.Count[f]-shown)))
			return
		}
		shown++
		fmt.Fprintf(a.out, "%16s%s\n", "", a.style.faint(safetext.Line(a.hide(strings.TrimSpace(c.CallID+" "+c.Error)))))
	}
}

// drillCases are the account as reports have it.
func drillCases(r check.DrillResult) []report.Case {
	cases := []report.Case{{Name: "outage", Group: "drill", Verdict: report.Verdict(r.Verdict), Message: r.Message}}
	for _, c := range r.Calls {
		if c.Fate == check.Lost || c.Fate == check.Doubled {
			cases = append(cases, report.Case{Name: c.CallID, Group: "drill", Verdict: report.Fail, Message: string(c.Fate), Detail: c.Error})
		}
	}
	return cases
}
