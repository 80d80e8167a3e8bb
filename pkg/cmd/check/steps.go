package check

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/julianctl/julianctl/pkg/check"
	"github.com/julianctl/julianctl/pkg/cli"
	"github.com/julianctl/julianctl/pkg/crashcheck"
	"github.com/julianctl/julianctl/pkg/report"
	"github.com/julianctl/julianctl/pkg/safetext"
	"github.com/julianctl/julianctl/pkg/terminal"
)

// stepRecord is one step of a delivery as it is written down.
type stepRecord struct {
	Step   int     `json:"step"` // for --at
	AtMS   float64 `json:"atMs"` // since the first one began
	Who    string  `json:"who"`
	What   string  `json:"what"`
	Result string  `json:"result"`
	Write  bool    `json:"write"` // it changes durable state
}

// printSteps delivers one call and prints the steps that it took.
func printSteps(ctx context.Context, a *cli.App, o options, plan *checkPlan) error {
	a.Note("delivering to %s", a.ErrStyle.Bold(safetext.Line(o.supervise.exec+o.drill.up)))
	steps, err := crashcheck.Steps(ctx, plan.options)
	if err != nil {
		return err
	}
	if len(steps) == 0 {
		a.Hint("nothing was seen: name what the endpoint uses with --through, such as --through DATABASE_URL")
	}
	records := report.NewRecords(a.Out, "check")
	table := make([]check.Event, 0, len(steps))
	for i, s := range steps {
		what := s.Text
		if o.supervise.values {
			what = s.Raw
		}
		r := stepRecord{
			Step: i + 1, AtMS: float64(s.Began.Sub(steps[0].Began).Microseconds()) / 1000,
			Who: fmt.Sprintf("%s#%d", s.Proxy, s.Conn), What: what, Result: s.Answer, Write: s.Write,
		}
		if o.format == "json" {
			if err := records.Write("step", r); err != nil {
				return err
			}
			continue
		}
		number := fmt.Sprintf("%3d ", i+1)
		if s.Write {
			number = fmt.Sprintf("%3d*", i+1)
		}
		table = append(table, check.Event{AtMS: r.AtMS, Who: number + " " + r.Who, What: r.What, Result: r.Result})
	}
	if o.format == "json" {
		return records.Write("summary", struct {
			Steps int `json:"steps"`
		}{len(steps)})
	}
	timeline(a, "", table)
	if len(steps) > 0 {
		fmt.Fprintf(a.Out, "\n%s\n", a.Style.Faint("* changes durable state; --at N checks one step alone"))
	}
	return a.Out.Err()
}

// timeline prints events in columns that fit the width.
func timeline(a *cli.App, indent string, events []check.Event) {
	const longest = 18 // of a result
	who, what, result := 0, 0, 0
	for _, e := range events {
		who, what = max(who, utf8.RuneCountInString(e.Who)), max(what, utf8.RuneCountInString(e.What))
		result = max(result, min(utf8.RuneCountInString(e.Result), longest))
	}
	what = min(what, max(20, a.Out.Width()-len(indent)-len("12345ms  ")-who-len("  ")-len("  ")-result-1))
	for _, e := range events {
		line := fmt.Sprintf("%5.0fms  %s  %s  %s", e.AtMS, terminal.Pad(safetext.Line(e.Who), who), terminal.Pad(terminal.Fit(safetext.Line(e.What), what), what), terminal.Fit(safetext.Line(e.Result), longest))
		line = strings.TrimRight(line, " ")
		switch {
		case e.Who == "consumer", e.Held:
			line = a.Style.Bad(line)
		case e.Who == "sender":
		default:
			line = a.Style.Faint(line)
		}
		fmt.Fprintf(a.Out, "%s%s\n", indent, line)
	}
}

// maxTimeline is how many lines of a timeline are printed. Of a longer one what
// only reads is left out, and then what is past a third more.
const maxTimeline = 12

// shortTimeline leaves out what changes nothing where there is much.
func shortTimeline(events []check.Event) []check.Event {
	if len(events) <= maxTimeline {
		return events
	}
	var out []check.Event
	for _, e := range events {
		if !e.Reads || e.Held {
			out = append(out, e)
		}
	}
	return out[:min(len(out), maxTimeline+maxTimeline/3)]
}

// withValues shows the statements as they were.
func withValues(events []check.Event) []check.Event {
	out := slices.Clone(events)
	for i, e := range out {
		if e.Raw != "" {
			out[i].What = e.Raw
		}
	}
	return out
}

// timelineText is a timeline in a report.
func timelineText(r check.Result) string {
	var b strings.Builder
	for _, e := range r.Timeline {
		fmt.Fprintf(&b, "%s\n", strings.TrimRight(fmt.Sprintf("%6.0fms  %-12s  %-48s  %s", e.AtMS, e.Who, e.What, e.Result), " "))
	}
	return b.String()
}
