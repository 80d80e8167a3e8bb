package check

import (
	"fmt"
	"math"
	"slices"
	"strings"

	"github.com/julianctl/julianctl/pkg/check"
	"github.com/julianctl/julianctl/pkg/report"
	"github.com/julianctl/julianctl/pkg/units"
)

// overview is the run as a page shows it.
func (p *printer) overview(s check.Summary) *report.Overview {
	word, _ := p.answer()
	o := &report.Overview{
		Title: strings.ToUpper(word[:1]) + word[1:] + ": " + p.reports.Report.Total().Text(),
		Facts: []report.Fact{
			{Name: "Target", Value: p.safe(p.plan.subject(p.a, p.o))},
			{Name: "Seed", Value: fmt.Sprint(s.Seed)},
			{Name: "Requests", Value: fmt.Sprint(s.Requests)},
			{Name: "Probe", Value: p.safe(p.probeText(s))},
			{Name: "Budget", Value: p.o.budget},
		},
	}
	if failed := p.failed(); failed != nil {
		if first := p.first(failed); first != "" {
			o.Next = append(o.Next, report.Fact{Name: "Mend first", Value: first})
		}
		o.Next = append(o.Next, report.Fact{Name: "Rerun", Value: p.rerunAll(failed)})
	}
	tried, not := p.tried(s)
	for _, f := range []report.Fact{{Name: "Tried", Value: tried}, {Name: "Not tried", Value: not}} {
		if f.Value != "" {
			o.Next = append(o.Next, f)
		}
	}
	o.Verdict = report.Pass
	switch {
	case p.worse > 0:
		o.Verdict = report.Fail
	case p.doubtful > 0:
		o.Verdict = report.Undecided
	}
	var plots []report.Plot
	if plot, ok := p.latencyPlot("Latency of one call after the other, in the order of sending", "budget", "budget-cold"); ok {
		plots = append(plots, plot)
	}
	if plot, ok := p.latencyPlot("Latency in a burst of 50", "budget-burst"); ok {
		plots = append(plots, plot)
	}
	if plot, ok := p.percentilePlot(); ok {
		plots = append(plots, plot)
	}
	if plots != nil {
		o.Sections = []report.Section{{Title: "Latency", Plots: plots}}
	}
	o.Sections = append(o.Sections, p.sweeps(s)...)
	return o
}

// sweeps shows every point of the crash checks, and the delivery of the first one
// that failed: a lane for each that took part.
func (p *printer) sweeps(s check.Summary) []report.Section {
	var strips []report.Strip
	var timelines []report.Section
	for _, r := range p.all {
		if len(r.Points) > 0 {
			strip := report.Strip{Label: r.ID}
			for _, point := range r.Points {
				verdict := report.Pass
				switch {
				case point.Failed:
					verdict = report.Fail
				case !point.Reached:
					verdict = report.Undecided
				}
				at := point.At
				if at == "0" {
					at = "–" // no step was held
				}
				strip.Points = append(strip.Points, report.Point{Text: at, Verdict: verdict})
			}
			strips = append(strips, strip)
		}
		if len(r.Timeline) > 0 {
			timelines = append(timelines, lanes(r))
		}
	}
	var out []report.Section
	if strips != nil {
		note := "Each box is a step of a delivery at which something was done to the consumer: before it, or with a + after it; with – at none of them."
		if s.Exercised != nil {
			note += " The consumer was " + exercised(s.Exercised) + "."
		}
		out = append(out, report.Section{Title: "Points", Note: note, Strips: strips})
	}
	return append(out, timelines...)
}

// lanes is the timeline of a result, with a column for each that took part.
func lanes(r check.Result) report.Section {
	section := report.Section{Title: "Timeline of " + r.ID, Note: strings.Join(append([]string{r.Message}, r.Details...), "; ")}
	section.Table.Columns = []report.Column{{Name: "ms", Number: true}}
	lane := map[string]int{}
	for _, e := range r.Timeline {
		who, _, _ := strings.Cut(e.Who, "#")
		if lane[who] == 0 {
			lane[who] = len(section.Table.Columns)
			section.Table.Columns = append(section.Table.Columns, report.Column{Name: who})
		}
	}
	for _, e := range r.Timeline {
		row := make([]report.Cell, len(section.Table.Columns))
		row[0].Text = fmt.Sprintf("%.0f", e.AtMS)
		who, connection, numbered := strings.Cut(e.Who, "#")
		text := e.What
		if numbered {
			text = "#" + connection + " " + text
		}
		if e.Step != "" {
			text = e.Step + " " + text
		}
		if e.Result != "" {
			text += " → " + e.Result
		}
		cell := &row[lane[who]]
		cell.Text = text
		switch {
		case e.Held || e.Who == "consumer":
			cell.Verdict = report.Fail
		case numbered:
			cell.Code = true
		}
		section.Table.Rows = append(section.Table.Rows, row)
	}
	return section
}

func (p *printer) probeText(s check.Summary) string {
	switch {
	case s.Probe != check.ProbeCounts:
		return s.Probe
	case p.o.probe.command != "":
		return p.o.probe.command
	case p.o.probe.batch != "":
		return p.o.probe.batch
	}
	return p.o.probe.url
}

// timed are the checks that measure, as a plot names them.
func timed() []timing {
	return []timing{
		{"budget", "kept-alive connection", report.Ink1},
		{"budget-cold", "new connections", report.Ink2},
		{"budget-burst", "burst of 50", report.Ink3},
		{"burst", "burst of 500", report.Ink4},
	}
}

type timing struct {
	id, label string
	ink       report.Ink
}

// samples are the latencies of a check in milliseconds; nil when it did not
// measure.
func (p *printer) samples(id string) []float64 {
	for _, r := range p.all {
		if r.ID == id {
			return r.Samples
		}
	}
	return nil
}

// latencyPlot shows latencies in the order of sending.
func (p *printer) latencyPlot(title string, ids ...string) (report.Plot, bool) {
	plot := report.Plot{Title: title, Along: report.Number, Up: report.Millisecond, Half: true}
	longest := 0
	for _, id := range ids {
		longest = max(longest, len(p.samples(id)))
	}
	for i := range longest {
		plot.X = append(plot.X, float64(i+1))
	}
	for _, t := range timed() {
		if samples := p.samples(t.id); samples != nil && slices.Contains(ids, t.id) {
			plot.Series = append(plot.Series, report.Series{Label: t.label, Ink: t.ink, Dots: true, Y: upTo(samples, longest)})
		}
	}
	for _, l := range p.plan.options.Budget {
		plot.Marks = append(plot.Marks, report.Mark{Label: fmt.Sprintf("%s at most %s", l.Name, units.Exactly(l.Max)), At: units.Milliseconds(l.Max), Ink: report.InkBad})
	}
	return plot, longest > 0
}

// percentilePlot shows how latencies are distributed, alone and under load.
func (p *printer) percentilePlot() (report.Plot, bool) {
	plot := report.Plot{
		Title: "Latency by percentile", Along: report.Percentile, Up: report.Millisecond,
		X: report.Values{1, 5, 10, 25, 50, 75, 90, 95, 98, 99, 99.8},
	}
	for _, t := range timed() {
		sorted := slices.Sorted(slices.Values(p.samples(t.id)))
		if len(sorted) == 0 {
			continue
		}
		s := report.Series{Label: t.label, Ink: t.ink, Weight: 2}
		for _, x := range plot.X {
			s.Y = append(s.Y, sorted[min(len(sorted)-1, int(x/100*float64(len(sorted))))])
		}
		plot.Series = append(plot.Series, s)
	}
	return plot, len(plot.Series) > 0
}

// upTo is samples, and then nothing known up to n.
func upTo(samples []float64, n int) report.Values {
	y := slices.Clone(samples)
	for len(y) < n {
		y = append(y, math.NaN())
	}
	return y
}
