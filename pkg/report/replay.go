package report

import (
	"cmp"
	"fmt"
	"maps"
	"math"
	"slices"
	"strings"
	"time"

	"github.com/julianctl/julianctl/pkg/deliver"
	"github.com/julianctl/julianctl/pkg/timeline"
	"github.com/julianctl/julianctl/pkg/units"
)

// Replay is the result of a replay, to be shown.
type Replay struct {
	Verdict Verdict
	Title   string // the answer in one line
	Facts   []Fact // target and plan, secrets masked
	Copies  int    // of each payload, the first included
	Limits  []deliver.Limit
	Summary deliver.Summary
	Series  timeline.Series
	// Hide takes secrets out of what the endpoint answered; nil takes out none.
	Hide func(string) string
}

// Overview shows a replay: numbers, latency over time, answers over time, latency by
// percentile, duplicates. Its size does not depend on the length of the run.
func (r Replay) Overview() *Overview {
	o := &Overview{Verdict: r.Verdict, Title: r.Title, Figures: r.figures(), Facts: slices.Clone(r.Facts)}
	if text := Outcomes(r.Summary); text != "" {
		o.Facts = append(o.Facts, Fact{"Answers", text})
	}
	if r.Summary.Pace != nil {
		o.Facts = append(o.Facts, Fact{"Rate", pace(*r.Summary.Pace)})
	}
	o.Sections = slices.Concat(r.latency(), r.answers(), r.percentiles(), r.duplicates())
	return o
}

func (r Replay) figures() []Figure {
	s := r.Summary
	failed := Figure{Name: "Failed", Value: units.Number(s.Failed)}
	if s.Failed > 0 {
		failed.Verdict = Fail
	}
	figures := []Figure{{Name: "Sent", Value: units.Number(s.Sent)}, {Name: "As expected", Value: units.Number(s.OK)}, failed}
	if s.Latency.Count() == 1 {
		figures = append(figures, Figure{Name: "Latency", Value: units.Time(s.Latency.Max())})
	} else {
		for _, at := range shownPercentiles[:4] {
			if !has(s.Latency, at.percentile) {
				continue
			}
			f := Figure{Name: at.name, Value: units.Time(s.Latency.At(at.percentile))}
			if r.missed(at.percentile) {
				f.Verdict = Fail
			}
			figures = append(figures, f)
		}
	}
	perSecond := Figure{Name: "Per second", Value: units.Rate(s.Rate())}
	if pace := s.Pace; pace != nil {
		perSecond.Value = units.Rate(pace.Reached())
		if pace.Reached() < 0.99*pace.Asked {
			perSecond.Verdict = Warn
		}
	}
	if s.Sent > 1 {
		figures = append(figures, perSecond)
	}
	return figures
}

// pace says how a run kept to its rate.
func pace(p deliver.Pace) string {
	text := fmt.Sprintf("%s a second asked, %s reached", units.Decimal(p.Asked), units.Rate(p.Reached()))
	if p.Late > 0 {
		text += fmt.Sprintf(", %s late by over %s", units.Number(p.Late), units.Time(deliver.LateAfter))
	}
	if p.Missed > 0 {
		text += fmt.Sprintf(", %s due at the end and not sent", units.Number(p.Missed))
	}
	return text
}

// shownPercentiles are those that numbers are given of; those in large figures
// stand first.
var shownPercentiles = []struct {
	name       string
	percentile float64
}{{"p50", 50}, {"p90", 90}, {"p99", 99}, {"max", 100}, {"p75", 75}, {"p95", 95}, {"p99.9", 99.9}, {"p99.99", 99.99}}

// has reports whether there are so many values that this percentile is one of
// its own.
func has(l deliver.Latency, percentile float64) bool {
	n := float64(l.Count())
	return n > 0 && (percentile == 100 || n*(100-percentile) >= 100)
}

// missed reports whether a limit for this percentile was not kept.
func (r Replay) missed(percentile float64) bool {
	return slices.ContainsFunc(r.Limits, func(l deliver.Limit) bool {
		_, missed := l.Missed(r.Summary.Latency)
		return l.Percentile == percentile && missed
	})
}

// logScaleFactor is how many times the median the worst answer takes where latencies
// are drawn on a logarithmic axis: on another, most would lie on the floor.
const logScaleFactor = 20

func (r Replay) log() bool {
	l := r.Summary.Latency
	return l.Max() > logScaleFactor*max(l.At(50), time.Microsecond)
}

// latency is the plot of latency over time.
func (r Replay) latency() []Section {
	buckets := r.Series.Buckets
	known := 0
	for _, b := range buckets {
		if b.Latencies > 0 {
			known++
		}
	}
	if known < 2 {
		return nil
	}
	p := Plot{
		Title: "Latency over time: median, 99th percentile and maximum", Along: Elapsed, Up: Millisecond,
		Step: r.Series.Width.Seconds(), Log: r.log(), Sync: "time",
		Series: []Series{{Label: "median", Ink: Ink1, Weight: 2}, {Label: "p99", Ink: Ink3}, {Label: "max", Ink: Ink2}},
		Bands:  []Band{{Between: [2]int{1, 0}, Ink: Ink1, Fill: 16}},
	}
	// Lines between spans that nothing is known of would be made up.
	dots := known < len(buckets)*2/3
	for i := range p.Series {
		p.Series[i].Dots = dots
	}
	if dots {
		p.Bands = nil
	}
	for _, b := range buckets {
		p.X = append(p.X, (b.After + r.Series.Width/2).Seconds())
		for i, d := range []time.Duration{b.P50, b.P99, b.Max} {
			y := math.NaN() // nothing is known
			if b.Latencies > 0 {
				y = units.Milliseconds(d)
			}
			p.Series[i].Y = append(p.Series[i].Y, y)
		}
	}
	for _, l := range r.Limits {
		p.Marks = append(p.Marks, Mark{Label: fmt.Sprintf("%s at most %s", l.Name, units.Exactly(l.Max)), At: units.Milliseconds(l.Max), Ink: InkBad})
	}
	note := "Each answer stands where its delivery was due: a stall is as wide as it was."
	return []Section{{Title: "Latency over time", Note: note, Plots: []Plot{p}}}
}

// classes are what deliveries came to, by the first digit of their status; 0 is
// no answer.
var classes = []struct {
	class int
	label string
	ink   Ink
}{{2, "2xx", InkGood}, {3, "3xx", Ink5}, {4, "4xx", InkWarn}, {5, "5xx", InkBad}, {0, "no answer", Ink4}}

// maxBars is how many bars can be distinguished.
const maxBars = 120

// answers is the plot of answers over time, by status.
func (r Replay) answers() []Section {
	buckets := r.Series.Buckets
	if len(buckets) < 2 || r.Summary.OK+r.Summary.Failed < 2 { // one that was slow has many
		return nil
	}
	each := (len(buckets) + maxBars - 1) / maxBars // buckets of a bar
	width := time.Duration(each) * r.Series.Width
	p := Plot{Title: "Answers over time by status", Along: Elapsed, Up: Count, Stack: true, Step: width.Seconds(), Sync: "time"}
	for bar := range slices.Chunk(buckets, each) {
		p.X = append(p.X, (bar[0].After + width/2).Seconds())
	}
	for _, c := range classes {
		s := Series{Label: c.label, Ink: c.ink}
		any := false
		for bar := range slices.Chunk(buckets, each) {
			n := 0
			for _, b := range bar {
				n += b.Classes[c.class]
			}
			any = any || n > 0
			s.Y = append(s.Y, float64(n))
		}
		if any {
			p.Series = append(p.Series, s)
		}
	}
	return []Section{{Title: "Answers over time", Note: "Deliveries in each " + units.Time(width) + ", when they were answered or given up.", Plots: []Plot{p}}}
}

// percentiles is the distribution of latency, as a curve and in numbers.
func (r Replay) percentiles() []Section {
	l := r.Summary.Latency
	if l.Count() == 0 || l.Count() == 1 && len(r.Limits) == 0 {
		return nil
	}
	t := Table{Columns: []Column{{Name: "Percentile"}, {Name: "Latency", Number: true}}}
	if len(r.Limits) > 0 {
		t.Columns = append(t.Columns, Column{Name: "Limit", Number: true}, Column{})
	}
	for _, row := range r.percentileRows() {
		cells := []Cell{{Text: row.name}, {Text: units.Time(l.At(row.percentile))}}
		if len(r.Limits) > 0 {
			cells = append(cells, row.limit...)
		}
		t.Rows = append(t.Rows, cells)
	}
	s := Section{Title: "Latency by percentile", Table: t}
	if l.Count() >= 10 { // of fewer, the table says it all
		p := Plot{Title: "Latency by percentile", Along: Percentile, Up: Millisecond, Log: r.log(), Half: true, Height: 300, Series: []Series{{Label: "latency", Ink: Ink1, Weight: 2, Fill: 12}}}
		// The largest of so many values is no hundredth percentile: it stands
		// where half of the next would.
		last := 100 - 50/float64(l.Count())
		for _, at := range l.Curve() {
			p.X = append(p.X, min(at.Percentile, last))
			p.Series[0].Y = append(p.Series[0].Y, units.Milliseconds(at.Value))
		}
		s.Plots = []Plot{p}
	}
	return []Section{s}
}

// percentileRow is a percentile and the cells of its limit.
type percentileRow struct {
	name       string
	percentile float64
	limit      []Cell
}

// percentileRows are the usual percentiles that so many answers have, and those
// that have a limit.
func (r Replay) percentileRows() []percentileRow {
	var rows []percentileRow
	l := r.Summary.Latency
	for _, at := range shownPercentiles {
		if has(l, at.percentile) {
			rows = append(rows, percentileRow{at.name, at.percentile, []Cell{{}, {}}})
		}
	}
	for _, limit := range r.Limits {
		i := slices.IndexFunc(rows, func(row percentileRow) bool { return row.percentile == limit.Percentile })
		if i < 0 {
			i = len(rows)
			rows = append(rows, percentileRow{name: limit.Name, percentile: limit.Percentile})
		}
		verdict := Cell{Text: "kept", Verdict: Pass}
		if _, missed := limit.Missed(l); missed {
			verdict = Cell{Text: "missed", Verdict: Fail}
		}
		rows[i].limit = []Cell{{Text: units.Exactly(limit.Max)}, verdict}
	}
	slices.SortStableFunc(rows, func(a, b percentileRow) int { return cmp.Compare(a.percentile, b.percentile) })
	return rows
}

// Outcomes counts deliveries by status, then by what went wrong without one.
func Outcomes(s deliver.Summary) string {
	var parts []string
	for _, status := range slices.Sorted(maps.Keys(s.Statuses)) {
		parts = append(parts, fmt.Sprintf("%s × %d", units.Number(s.Statuses[status]), status))
	}
	for _, class := range slices.Sorted(maps.Keys(s.Errors)) {
		if class != deliver.Status && class != deliver.Redirect { // counted by status
			parts = append(parts, fmt.Sprintf("%s × %s", units.Number(s.Errors[class]), class))
		}
	}
	return strings.Join(parts, ", ")
}
