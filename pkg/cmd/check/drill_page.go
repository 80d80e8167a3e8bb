package check

import (
	"fmt"
	"math"
	"strings"

	"github.com/julianctl/julianctl/pkg/cli"
	"github.com/julianctl/julianctl/pkg/drill"
	"github.com/julianctl/julianctl/pkg/report"
	"github.com/julianctl/julianctl/pkg/units"
)

// drillOverview is the drill as a page shows it: the target, when each call was
// acknowledged, what happened, and the fates.
func drillOverview(a *cli.App, d drill.Options, how string, r drill.Result, events [][]report.Cell) *report.Overview {
	answer := drillAnswer(r)
	o := &report.Overview{
		Verdict: report.Verdict(r.Verdict),
		Title:   a.Hide(strings.ToUpper(answer[:1]) + answer[1:] + ": " + r.Message),
		Facts: []report.Fact{
			{Name: "Target", Value: a.Hide(d.Client.Target().String())},
			{Name: "Sender", Value: fmt.Sprintf("%g calls a second, %s", d.Rate, how)},
			{Name: "Seed", Value: fmt.Sprint(r.Seed)},
			{Name: "Delivered", Value: units.Count(len(r.Calls), "call") + " in " + drillTotal(r)},
		},
	}
	if r.DownMS > 0 {
		o.Facts = append(o.Facts, report.Fact{Name: "Down", Value: drillTime(r.DownMS) + "; " + drillBack(r)})
	}
	fates := report.Section{Title: "Fates", Table: report.Table{Columns: []report.Column{{Name: "Fate"}, {Name: "Calls", Number: true}, {Name: "What it means"}}}}
	plot := report.Plot{Title: "Time from due to acknowledged, by when a call was due", Along: report.Elapsed, Up: report.Millisecond}
	for _, c := range r.Calls {
		plot.X = append(plot.X, c.DueMS/1000)
	}
	inks := map[report.Verdict]report.Ink{report.Pass: report.InkGood, report.Warn: report.InkWarn, report.Fail: report.InkBad}
	for _, row := range drillRows(r) {
		tone := row.tone
		if row.count == 0 {
			tone = report.Skip
		}
		fates.Table.Rows = append(fates.Table.Rows, []report.Cell{{Text: string(row.fate), Verdict: tone}, {Text: units.Number(row.count)}, {Text: row.says}})
		series := report.Series{Label: string(row.fate), Ink: inks[row.tone], Dots: true}
		acknowledged := 0
		for _, c := range r.Calls {
			y := math.NaN()
			if c.Fate == row.fate && c.Acknowledged {
				y, acknowledged = c.AfterMS, acknowledged+1
			}
			series.Y = append(series.Y, y)
		}
		if acknowledged > 0 {
			plot.Series = append(plot.Series, series)
		}
	}
	timeline := report.Section{Title: "Timeline", Table: report.Table{Columns: []report.Column{{Name: "After", Number: true}, {Name: "What happened"}}, Rows: events}}
	if len(plot.X) > 1 && plot.Series != nil {
		timeline.Note = "Each dot is a call: when it was due, and how long after that it was acknowledged."
		timeline.Plots = []report.Plot{plot}
	}
	o.Sections = []report.Section{fates, timeline}
	return o
}
