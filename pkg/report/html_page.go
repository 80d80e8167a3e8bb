package report

import (
	"fmt"
	"slices"
	"strings"

	"github.com/julianctl/julianctl/pkg/page"
	"github.com/julianctl/julianctl/pkg/safetext"
	"github.com/julianctl/julianctl/pkg/units"
	"github.com/julianctl/julianctl/pkg/validate"
)

// line is text of one line, safe to read.
func line(s string) page.Node { return page.Text(safetext.Line(s)) }

// p is a paragraph, or nothing without text.
func p(class, text string) []page.Node {
	if text == "" {
		return nil
	}
	return []page.Node{page.El("p", class, line(text))}
}

// badge shows a word in the colour of a verdict or severity.
func badge(of, text string) page.Node { return page.El("span", "badge "+tones[of], line(text)) }

// folded returns an element that the user can open.
func folded(summary string, children ...page.Node) page.Node {
	return page.El("details", "", append([]page.Node{page.El("summary", "", line(summary))}, children...)...)
}

func more(n int) []page.Node {
	if n <= 0 {
		return nil
	}
	return p("muted", fmt.Sprintf("and %s more", units.Number(n)))
}

func (v htmlView) page() page.Node {
	parts := []page.Node{v.header()}
	for _, g := range v.Groups {
		parts = append(parts, g.section())
	}
	for _, s := range v.Sections {
		parts = append(parts, s.section())
	}
	return page.El("main", "", append(parts, v.footer())...)
}

func (v htmlView) header() page.Node {
	parts := append(p("from", v.Name), page.El("h1", "", badge(string(v.Verdict), string(v.Verdict)), page.Text(" "), line(v.Title)))
	if len(v.Figures) > 0 {
		var figures []page.Node
		for _, f := range v.Figures {
			class := tones[string(f.Verdict)]
			if f.Verdict == Pass {
				class = ""
			}
			figures = append(figures, page.El("div", "", page.El("dt", "", line(f.Name)), page.El("dd", class, line(f.Value))))
		}
		parts = append(parts, page.El("dl", "figures", figures...))
	}
	if all := slices.Concat(v.Facts, v.Next); len(all) > 0 {
		var facts []page.Node
		for _, f := range all {
			facts = append(facts, page.El("dt", "", line(f.Name)), page.El("dd", "", line(f.Value)))
		}
		parts = append(parts, page.El("dl", "facts", facts...))
	}
	return page.El("header", "", parts...)
}

func (v htmlView) footer() page.Node {
	var parts []string
	if !v.Started.IsZero() {
		parts = append(parts, v.Started.UTC().Format("2006-01-02 15:04:05")+" UTC")
	}
	if v.Took > 0 {
		parts = append(parts, "took "+units.Time(v.Took))
	}
	if v.Version != "" {
		parts = append(parts, "julianctl "+v.Version)
	}
	if v.Unlisted != "" {
		parts = append(parts, "not listed: "+v.Unlisted)
	}
	return page.El("footer", "muted", line(strings.Join(parts, " · ")))
}

func (g htmlGroup) section() page.Node {
	var parts []page.Node
	if g.Name != "" {
		parts = append(parts, page.El("h2", "", line(g.Name), page.Text(" "), page.El("small", "", line(g.Tally))))
	}
	list := func(cases []htmlCase) page.Node {
		var items []page.Node
		for _, c := range cases {
			items = append(items, page.El("li", "", badge(string(c.Verdict), string(c.Verdict)), page.El("div", "", c.body()...)))
		}
		return page.El("ul", "cases", items...)
	}
	if len(g.Open) > 0 {
		parts = append(parts, list(g.Open))
	}
	if len(g.Folded) > 0 {
		parts = append(parts, folded(units.Number(len(g.Folded))+" more", list(g.Folded)))
	}
	if len(g.Passed) > 0 {
		var t Tally
		for _, c := range g.Passed {
			t.add(Case{Verdict: c.Verdict})
		}
		parts = append(parts, folded(t.Text(), list(g.Passed)))
	}
	return page.El("section", "", append(parts, more(g.More)...)...)
}

func (c htmlCase) body() []page.Node {
	if c.Alike > 1 {
		return append(append([]page.Node{
			page.El("p", "", line(c.fullMessage()), page.Text(" "), page.El("small", "", page.Text(units.Number(c.Alike)+" times"))),
		}, c.evidence()...), c.names())
	}
	title := []page.Node{page.El("code", "", line(c.Name))}
	if c.Title != "" {
		title = []page.Node{line(c.Title), page.Text(" "), page.El("code", "muted", line(c.Name))}
	}
	if c.Took > 0 {
		title = append(title, page.Text(" "), page.El("small", "", page.Text("took "+units.Time(c.Took))))
	}
	parts := []page.Node{page.El("p", "", title...)}
	if len(c.Findings) == 0 { // they say it themselves
		class := ""
		if c.good() {
			class = "muted"
		}
		parts = append(parts, p(class, c.fullMessage())...)
	}
	for _, said := range [][2]string{{"In production: ", c.Why}, {"To mend it: ", c.Hint}} {
		if said[1] != "" {
			parts = append(parts, page.El("p", "", page.El("span", "muted", page.Text(said[0])), line(said[1])))
		}
	}
	evidence := c.evidence()
	if c.good() && len(evidence) > 0 {
		evidence = []page.Node{folded("evidence", evidence...)}
	}
	return append(parts, evidence...)
}

func (c htmlCase) names() page.Node {
	var items []page.Node
	for _, name := range c.Names {
		items = append(items, page.El("li", "", page.El("code", "", line(name))))
	}
	return folded(c.Names[0]+" and others", append([]page.Node{page.El("ul", "names", items...)}, more(c.Alike-len(c.Names))...)...)
}

// evidence is what a case has to show beyond its message.
func (c htmlCase) evidence() []page.Node {
	var parts []page.Node
	if text := strings.TrimRight(strings.TrimLeft(safetext.Text(c.Detail), "\n"), " \n"); text != "" { // columns begin where they did
		parts = append(parts, page.El("pre", "", page.Text(text)))
	}
	for _, f := range c.Findings {
		parts = append(parts, finding(f))
	}
	return append(parts, more(c.More)...)
}

func finding(f validate.Issue) page.Node {
	fullMessage := []page.Node{line(f.Message)}
	if f.Pointer != "" {
		fullMessage = []page.Node{page.El("code", "", line(f.Pointer)), page.Text(" "), line(f.Message)}
	}
	return page.El("div", "finding", append([]page.Node{
		page.El("p", "", page.El("code", "", line(place(f))), page.Text(" "), badge(string(f.Severity), f.Rule)),
		page.El("p", "", fullMessage...),
	}, p("muted", f.Hint)...)...)
}

func (s Section) section() page.Node {
	parts := append([]page.Node{page.El("h2", "", line(s.Title))}, p("note", s.Note)...)
	var inside []page.Node
	if s.Strips != nil {
		inside = append(inside, strips(s.Strips))
	}
	for _, plot := range s.Plots {
		class := "plot"
		if plot.Half {
			class = "plot half"
		}
		inside = append(inside, page.El("figure", class)) // html.js draws into it
	}
	if len(s.Table.Rows) > 0 {
		inside = append(inside, s.Table.node())
	}
	return page.El("section", "", append(parts, page.El("div", "parts", inside...))...)
}

// strips are rows of small boxes. What a colour says stands in a word as well.
func strips(all []Strip) page.Node {
	var rows []page.Node
	for _, s := range all {
		bad := 0
		points := []page.Node{page.El("span", "label", line(s.Label))}
		for _, p := range s.Points {
			class := "point"
			switch p.Verdict {
			case Fail:
				class += " bad"
				bad++
			case Undecided:
				class += " open"
			}
			points = append(points, page.El("span", class, line(p.Text)))
		}
		if bad > 0 {
			points = append(points, page.El("span", "failed", page.Text(fmt.Sprintf("%d of %d failed", bad, len(s.Points)))))
		}
		rows = append(rows, page.El("div", "strip", points...))
	}
	return page.El("div", "strips", rows...)
}

func (t Table) node() page.Node {
	var head []page.Node
	for _, c := range t.Columns {
		head = append(head, page.El("th", c.class(), line(c.Name)))
	}
	open := t.Open
	if open == 0 || len(t.Rows) <= open+1 { // one row takes no more room than what unfolds it
		open = len(t.Rows)
	}
	parts := []page.Node{page.El("thead", "", page.El("tr", "", head...)), t.body(t.Rows[:open])}
	if rest := t.Rows[open:]; len(rest) > 0 {
		unfold := page.El("tr", "", page.El("td", "", folded(units.Number(len(rest))+" more")))
		parts = append(parts, page.El("tbody", "fold", unfold), t.body(rest)) // html.css hides it
	}
	return page.El("div", "table", append([]page.Node{page.El("table", "", parts...)}, p("muted", t.More)...)...)
}

func (t Table) body(rows [][]Cell) page.Node {
	var list []page.Node
	for _, row := range rows {
		var cells []page.Node
		for i, c := range row {
			cells = append(cells, page.El("td", t.Columns[i].class(), c.node()))
		}
		list = append(list, page.El("tr", "", cells...))
	}
	return page.El("tbody", "", list...)
}

func (c Column) class() string {
	if c.Number {
		return "number"
	}
	return ""
}

func (c Cell) node() page.Node {
	switch {
	case c.Verdict != "":
		return badge(string(c.Verdict), c.Text)
	case c.Code:
		return page.El("pre", "", page.Text(strings.TrimSpace(safetext.Text(c.Text))))
	}
	return line(c.Text)
}
