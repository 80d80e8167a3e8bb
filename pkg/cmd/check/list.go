package check

import (
	"fmt"
	"strings"

	"github.com/julianctl/julianctl/pkg/checklist"
	"github.com/julianctl/julianctl/pkg/cli"
	"github.com/julianctl/julianctl/pkg/report"
	"github.com/julianctl/julianctl/pkg/terminal"
	"github.com/julianctl/julianctl/pkg/units"
)

func listChecks(a *cli.App, format string) error {
	if format == jsonReport {
		return writeChecks(a, checklist.Checks)
	}
	group := ""
	for _, c := range checklist.Checks {
		if c.Group != group {
			group = c.Group
			fmt.Fprintln(a.Out, a.Style.Bold(group))
		}
		listCheck(a, c)
	}
	return nil
}

// writeChecks writes what is known of checks as records.
func writeChecks(a *cli.App, checks []checklist.Check) error {
	records := report.NewRecords(a.Out, "check")
	for _, c := range checks {
		if err := records.Write("check", c); err != nil {
			return err
		}
	}
	return nil
}

func listCheck(a *cli.App, c checklist.Check) {
	fmt.Fprintf(a.Out, "  %-20s %s\n", c.ID, c.Title)
}

// explainChecks explains one check, or the checks of a group.
func explainChecks(a *cli.App, name, format string) error {
	checks := checklist.Named(name)
	switch {
	case checks == nil:
		return cli.UsageError(fmt.Errorf("--explain: %q %w", name, checklist.ErrUnknown), nearCheck(name))
	case format == jsonReport:
		return writeChecks(a, checks)
	case checks[0].ID == name:
		explainCheck(a, checks[0])
	default:
		explainGroup(a, name, checks)
	}
	return nil
}

func explainCheck(a *cli.App, c checklist.Check) {
	needs := "answers"
	if c.Needs == checklist.Effects {
		needs = "effects, counted by --probe, --probe-url or --probe-batch; without one it can only fail"
	}
	if c.Group == checklist.Crashes {
		needs = "an endpoint that --exec starts, or --down and --up; " + needs
	}
	fmt.Fprintf(a.Out, "%s  (%s)\n\n  The endpoint %s.\n\n", a.Style.Bold(c.ID), c.Group, c.Title)
	explained(a, [][2]string{{"why", c.Why}, {"how", c.How}, {"hint", c.Mend}, {"needs", needs}, {"sends", atMost(c.Requests)}, {"run", runLine(c, c.ID)}})
}

// runLine is a command that runs a check, or a group that it is of.
func runLine(c checklist.Check, only string) string {
	start := "--to URL"
	if c.Group == checklist.Crashes {
		start = "--exec COMMAND --to PATH --through VAR --probe CMD"
	}
	return "julianctl check " + start + " --only " + only
}

func explainGroup(a *cli.App, name string, checks []checklist.Check) {
	fmt.Fprintf(a.Out, "%s  (%s)\n\n", a.Style.Bold(name), units.Count(len(checks), "check"))
	requests := 0
	var counted, named, thorough []string
	for _, c := range checks {
		listCheck(a, c)
		if c.Asked {
			named = append(named, c.ID)
			continue
		}
		if c.Thorough {
			thorough = append(thorough, c.ID)
			continue
		}
		requests += c.Requests
		if c.Needs == checklist.Effects {
			counted = append(counted, c.ID)
		}
	}
	fmt.Fprintln(a.Out)
	rows := [][2]string{}
	if counted != nil {
		rows = append(rows, [2]string{"needs", "effects, counted by --probe, --probe-url or --probe-batch, for " + strings.Join(counted, ", ") + "; without one these can only fail"})
	}
	rows = append(rows, [2]string{"sends", atMost(requests)})
	if named != nil {
		rows = append(rows, [2]string{"but", strings.Join(named, ", ") + " runs only when it is named: --only " + named[0]})
	}
	if thorough != nil {
		rows = append(rows, [2]string{"but", strings.Join(thorough, ", ") + ": only with --profile thorough, or where it is named"})
	}
	explained(a, append(rows, [2]string{"run", runLine(checks[0], name)}))
}

func atMost(requests int) string {
	return units.Count(requests, "request") + " at most"
}

// explained prints rows of a name and what it stands for.
func explained(a *cli.App, rows [][2]string) {
	for _, row := range rows {
		for _, line := range terminal.Hang("  "+terminal.Pad(row[0], 6)+"  ", terminal.Wrap(row[1], a.Out.Width()-10)) {
			fmt.Fprintln(a.Out, line)
		}
	}
}

// otherChecks are what people call a check or a group.
var otherChecks = map[string]string{
	"race": "together", "races": "together", "concurrency": "together", "duplicate": "repeat", "duplicates": "repeat", "dup": "repeat",
	"latency": "speed", "performance": "speed", "load": "burst", "kill": "crashes", "tls": "https", "auth": "secret",
}

// nearCheck is the hint for a name that is neither a check nor a group.
func nearCheck(name string) string {
	if other, ok := otherChecks[strings.ToLower(name)]; ok {
		return fmt.Sprintf("did you mean %q?", other)
	}
	return cli.DidYouMean(name, checklist.Names(), `"julianctl check --list" names them`)
}
