package report

import (
	"cmp"
	_ "embed" // of the page
	"io"
	"slices"
	"time"

	"github.com/julianctl/julianctl/pkg/page"
	"github.com/julianctl/julianctl/pkg/safetext"
	"github.com/julianctl/julianctl/pkg/validate"
)

// Limits of a page. If more cases of a group passed than htmlPassed, none of them is
// listed.
const (
	htmlPassed   = 40  // cases of a group that passed
	htmlCases    = 100 // cases of a group that did not, those that are alike once
	htmlNames    = 100 // of cases that are alike
	htmlOpen     = 10  // of those, or rows of a table, what is not folded away
	htmlFindings = 100 // of a case
)

//go:embed html.css
var htmlStyle string

//go:embed html.js
var htmlScript string

// tones are the classes of verdicts and severities in page.css.
var tones = map[string]string{
	string(Pass): "good", string(Warn): "warn", string(Fail): "bad", string(Undecided): "unsure", string(Skip): "muted",
	string(validate.Error): "bad", string(validate.Warning): "warn",
}

// writeHTML writes one page that needs no other file and no network.
func writeHTML(w io.Writer, r Report) error {
	v := htmlOf(r)
	d := page.Document{Title: safetext.Line(v.Name + ": " + v.Title), Body: v.page(), Style: htmlStyle, Script: htmlScript}
	if plots := v.plots(); plots != nil {
		d.Data = plots
	}
	return d.Write(w)
}

// htmlView is the content of a page.
type htmlView struct {
	Overview
	Name, Version string
	Started       time.Time
	Took          time.Duration
	Groups        []htmlGroup
	Unlisted      string // how many cases the report does not list
}

// htmlGroup are the cases of a group that are shown.
type htmlGroup struct {
	Name   string
	worst  Verdict
	Tally  string // of all cases in it, but for verdicts of which not all are listed
	Open   []htmlCase
	Folded []htmlCase
	Passed []htmlCase // folded away as well, where something else did not pass
	More   int        // cases that did not pass and are not shown
}

// htmlCase is a case, or several that went wrong in the same way.
type htmlCase struct {
	Case
	More  int      // findings that are not shown
	Alike int      // cases like it, itself included
	Names []string // of those, as far as they are shown
}

func htmlOf(r Report) htmlView {
	v := htmlView{Name: "julianctl " + r.Name, Version: r.Version, Started: r.Started, Took: r.Took}
	if r.Overview != nil {
		v.Overview = *r.Overview
	}
	total := r.Total()
	v.Verdict = cmp.Or(v.Verdict, total.worst())
	if v.Title == "" {
		v.Title = total.Text()
		if total.sum() > 0 {
			v.Title += ": " + total.findings()
		}
	}
	if len(r.Unlisted.Cases) > 0 {
		v.Unlisted = r.Unlisted.Text()
	}
	var names []string
	groups := map[string][]Case{}
	for _, c := range r.Cases {
		if groups[c.Group] == nil {
			names = append(names, c.Group)
		}
		groups[c.Group] = append(groups[c.Group], c)
	}
	allGood := total.worst() == Pass || total.worst() == Skip
	byWorst := map[Verdict][]htmlGroup{}
	for _, name := range names {
		if g := htmlGroupOf(name, groups[name], r.Unlisted, allGood); len(g.Open)+len(g.Passed) > 0 {
			byWorst[g.worst] = append(byWorst[g.worst], g)
		}
	}
	for _, worst := range VerdictsByWeight {
		v.Groups = append(v.Groups, byWorst[worst]...)
	}
	return v
}

// VerdictsByWeight are the verdicts, the one that decides first.
var VerdictsByWeight = []Verdict{Fail, Undecided, Warn, Pass, Skip}

// worst returns the verdict of the report.
func (t Tally) worst() Verdict {
	for _, v := range VerdictsByWeight {
		if t.Cases[v] > 0 {
			return v
		}
	}
	return Skip
}

func htmlGroupOf(name string, cases []Case, unlisted Tally, showPassed bool) htmlGroup {
	var t Tally
	for _, c := range cases {
		t.add(Case{Verdict: c.Verdict, Accepted: c.Accepted})
	}
	worst := t.worst()
	shown := alike(cases, t.Cases[Pass]+t.Cases[Skip] <= htmlPassed)
	for v := range unlisted.Cases { // their groups are not known
		delete(t.Cases, v)
	}
	g := htmlGroup{Name: name, worst: worst}
	if len(t.Cases) > 0 {
		g.Tally = t.Text()
	}
	// Passed cases are context: a list with them is read to its end.
	open := len(shown)
	if !slices.ContainsFunc(shown, func(c htmlCase) bool { return c.good() }) {
		open = htmlOpen
	}
	bad := 0
	for _, c := range shown {
		if !c.good() {
			bad++
		}
		switch {
		case bad > htmlCases && !c.good():
			g.More += c.Alike
		case c.good() && !showPassed:
			g.Passed = append(g.Passed, c)
		case len(g.Open) < open:
			g.Open = append(g.Open, c)
		default:
			g.Folded = append(g.Folded, c)
		}
	}
	return g
}

// alike puts cases together that went wrong in the same way, where the first of
// them stands. What passed is left out unless it is asked for.
func alike(cases []Case, passed bool) []htmlCase {
	type way struct {
		verdict         Verdict
		message, detail string
	}
	var list []htmlCase
	ways := map[way]int{} // where in the list, from 1
	for _, c := range cases {
		h := htmlCase{Case: c, Alike: 1, Names: []string{c.Name}}
		if h.good() && !passed {
			continue
		}
		h.More = max(0, len(c.Findings)-htmlFindings)
		h.Findings = c.Findings[:len(c.Findings)-h.More]
		w := way{c.Verdict, c.fullMessage(), c.Detail}
		same := c.Title == "" || c.Verdict == Undecided // only the reason counts
		if at := ways[w]; at > 0 && same && len(c.Findings) == 0 {
			first := &list[at-1]
			first.Alike++
			if len(first.Names) < htmlNames {
				first.Names = append(first.Names, c.Name)
			}
			continue
		}
		list = append(list, h)
		if !h.good() && same && len(c.Findings) == 0 && c.Message != "" {
			ways[w] = len(list)
		}
	}
	return list
}

func (c Case) good() bool { return c.Verdict == Pass || c.Verdict == Skip }

// plots is the data of the page's charts, in the order in which they stand.
func (v htmlView) plots() []any {
	var plots []any
	for _, s := range v.Sections {
		for _, p := range s.Plots {
			columns := []Values{p.X}
			p.Title = safetext.Line(p.Title)
			p.Series, p.Marks = slices.Clone(p.Series), slices.Clone(p.Marks)
			for i := range p.Series {
				p.Series[i].Label = safetext.Line(p.Series[i].Label)
				columns = append(columns, p.Series[i].Y)
			}
			for i := range p.Marks {
				p.Marks[i].Label = safetext.Line(p.Marks[i].Label)
			}
			plots = append(plots, struct {
				Plot
				Columns []Values `json:"columns"`
			}{p, columns})
		}
	}
	return plots
}
