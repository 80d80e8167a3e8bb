package check

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/julianctl/julianctl/pkg/check"
	"github.com/julianctl/julianctl/pkg/cli"
	"github.com/julianctl/julianctl/pkg/crashcheck"
	"github.com/julianctl/julianctl/pkg/report"
	"github.com/julianctl/julianctl/pkg/safetext"
	"github.com/julianctl/julianctl/pkg/supervise"
	"github.com/julianctl/julianctl/pkg/terminal"
	"github.com/julianctl/julianctl/pkg/units"
)

// stepRecord is one step of a delivery as it is written down.
type stepRecord struct {
	Step   int     `json:"step"` // for --at
	AtMS   float64 `json:"atMs"` // since the delivery was sent
	TookMS float64 `json:"tookMs,omitempty"`
	Who    string  `json:"who"`
	What   string  `json:"what"`
	Result string  `json:"result"`
	Write  bool    `json:"write"` // it changes durable state
}

// stepsSummary is the last record.
type stepsSummary struct {
	Steps      int     `json:"steps"`
	Status     int     `json:"status"`     // of the answer
	AnsweredMS float64 `json:"answeredMs"` // since the delivery was sent
}

// printSteps delivers one call and prints the steps that it took.
func printSteps(ctx context.Context, a *cli.App, o options, plan *checkPlan) error {
	a.Note("delivering to %s", a.ErrStyle.Bold(safetext.Line(o.supervise.exec+o.drill.up)))
	d, err := crashcheck.Steps(ctx, plan.options)
	if errors.Is(err, crashcheck.ErrRefused) {
		return cli.Failure(err, "--to is the path of the webhook; a secret that it wants is given with -H")
	}
	if err != nil {
		return err
	}
	return printDelivery(a, o, d)
}

// printDelivery prints one delivery with its steps.
func printDelivery(a *cli.App, o options, d crashcheck.Delivery) error {
	if len(d.Steps) == 0 {
		a.Hint("nothing was seen: name what the endpoint uses with --through, such as --through DATABASE_URL")
	}
	since := func(at time.Time) float64 { return units.Milliseconds(at.Sub(d.Sent)) }
	answered := since(d.Answered)
	records := report.NewRecords(a.Out, "check")
	rows := []timelineRow{{Event: check.Event{Who: "sender", What: "POST"}}}
	for i, s := range d.Steps {
		r := stepRecord{Step: i + 1, AtMS: since(s.Began), Who: fmt.Sprintf("%s#%d", s.Proxy, s.Conn), What: s.Text, Result: s.Answer, Write: s.Write}
		if o.supervise.values {
			r.What = s.Raw
		}
		row := timelineRow{Event: check.Event{AtMS: r.AtMS, Step: fmt.Sprint(r.Step), Who: r.Who, What: r.What, Result: r.Result}}
		if s.Write {
			row.Step += "*"
		}
		if !s.Ended.IsZero() {
			r.TookMS = units.Milliseconds(s.Ended.Sub(s.Began))
			row.took = units.Time(s.Ended.Sub(s.Began))
		}
		rows = append(rows, row)
		if o.format == "json" {
			if err := records.Write("step", r); err != nil {
				return err
			}
		}
	}
	if o.format == "json" {
		return records.Write("summary", stepsSummary{len(d.Steps), d.Status, answered})
	}
	rows = append(rows, timelineRow{Event: check.Event{AtMS: answered, Who: "sender", What: "answer", Result: fmt.Sprint(d.Status)}})
	slices.SortStableFunc(rows, func(a, b timelineRow) int { return cmp.Compare(a.AtMS, b.AtMS) })
	timeline(a, "", rows)
	fmt.Fprintf(a.Out, "\n%s\n", a.Style.Faint(fmt.Sprintf("%s, answered after %s", units.Count(len(d.Steps), "step"), units.Time(d.Answered.Sub(d.Sent)))))
	if i := slices.IndexFunc(d.Steps, func(s supervise.Step) bool { return s.Write }); i >= 0 {
		fmt.Fprintln(a.Out, a.Style.Faint(fmt.Sprintf("* changes durable state; --at %d checks that step alone", i+1)))
		if d.Steps[i].Ended.After(d.Answered) {
			fmt.Fprintln(a.Out, a.Style.Warn("answered before anything was durable: a crash in between loses the call"))
		}
	}
	return a.Out.Err()
}

// timelineRow is a line of a timeline.
type timelineRow struct {
	check.Event
	took string // "" where it is not shown
}

// timelineRows are events as lines.
func timelineRows(events []check.Event) []timelineRow {
	rows := make([]timelineRow, len(events))
	for i, e := range events {
		rows[i].Event = e
	}
	return rows
}

// timeline prints rows in columns that fit the width. What happens to the
// consumer needs no column of its own.
func timeline(a *cli.App, indent string, rows []timelineRow) {
	const longest = 18 // of a result
	length := utf8.RuneCountInString
	step, who, what, result, took := 0, 0, 0, 0, 0
	for _, r := range rows {
		took = max(took, length(r.took))
		if r.Who == consumer {
			continue
		}
		step, who = max(step, length(strings.TrimSuffix(r.Step, "*"))), max(who, length(r.Who))
		what, result = max(what, length(r.What)), max(result, min(length(r.Result), longest))
	}
	form := "%7.0f ms  "
	if took > 0 {
		form = "%7.1f ms  "
	}
	left := a.Out.Width() - 1 - len(indent) - len("1234567 ms  ")
	columns := who + len("  ") + len("  ") + result
	if step > 0 {
		columns += step + len("*  ")
	}
	if took > 0 {
		columns += len("  ") + took
	}
	what = min(what, max(20, left-columns))
	for _, r := range rows {
		line := fmt.Sprintf(form, r.AtMS)
		if r.Who == consumer {
			line += terminal.Fit(safetext.Line(r.What), left)
		} else {
			if number, durable := strings.CutSuffix(r.Step, "*"); step > 0 {
				mark := " "
				if durable {
					mark = "*"
				}
				line += fmt.Sprintf("%*s%s  ", step, number, mark)
			}
			line += terminal.Pad(safetext.Line(r.Who), who) + "  " + terminal.Pad(terminal.Fit(safetext.Line(r.What), what), what) + "  " + terminal.Pad(terminal.Fit(safetext.Line(r.Result), longest), result)
			if took > 0 {
				line += fmt.Sprintf("  %*s", took, r.took)
			}
		}
		line = strings.TrimRight(line, " ")
		switch {
		case r.Who == consumer, r.Held:
			line = a.Style.Bad(line)
		case r.Who == "sender":
		default:
			line = a.Style.Faint(line)
		}
		fmt.Fprintf(a.Out, "%s%s\n", indent, line)
	}
}

// consumer is who something is done to in a timeline.
const consumer = "consumer"

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
		fmt.Fprintf(&b, "%s\n", strings.TrimRight(fmt.Sprintf("%6.0f ms  %4s  %-12s  %-48s  %s", e.AtMS, e.Step, e.Who, e.What, e.Result), " "))
	}
	return b.String()
}
