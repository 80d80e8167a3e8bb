package report

import (
	"fmt"
	"html"
	"io"
	"strings"

	"github.com/julianctl/julianctl/pkg/safetext"
	"github.com/julianctl/julianctl/pkg/validate"
)

// maxMarkdown is how many bytes are written: GitHub drops the summary of a step
// that has more than 1 MiB.
const maxMarkdown = 900_000

// writeMarkdown writes the answer, a table of the findings, as many as fit into
// 900,000 bytes, and what passed in a line a group.
//
// The table is HTML: between its first tag and the next blank line Markdown is
// not looked for, and there is only HTML to escape.
func writeMarkdown(w io.Writer, r Report) error {
	var b strings.Builder
	total, left := r.Total(), r.toShow()
	fmt.Fprintf(&b, "### julianctl %s\n\n", r.Name)
	if r.Overview != nil && r.Overview.Title != "" {
		b.WriteString(html.EscapeString(safetext.Line(r.Overview.Title))) // the program's own words
	} else {
		b.WriteString(total.Text())
	}
	if total.sum() > 0 {
		fmt.Fprintf(&b, ": %s", total.findings())
	}
	b.WriteByte('\n')
	if r.Overview != nil {
		for _, next := range r.Overview.Next {
			fmt.Fprintf(&b, "\n%s: %s\n", next.Name, cell(next.Value))
		}
	}
	open := false
	placed := false
	for _, f := range r.findings() {
		placed = placed || f.File != ""
	}
	for c, f := range r.findings() {
		c.Rerun = ""
		if len(c.Findings) == 0 {
			f.Hint = c.lines()
		}
		row := markdownRow(f, placed)
		if b.Len()+len(row) > maxMarkdown-1000 {
			break
		}
		if !open {
			head := "<th>where</th><th>rule</th>"
			if !placed {
				head = "<th>which</th>"
			}
			fmt.Fprintf(&b, "\n<table>\n<tr><th></th>%s<th>what</th></tr>\n", head)
			open = true
		}
		b.WriteString(row)
		left.Findings[f.Severity]--
	}
	if open {
		b.WriteString("</table>\n")
	}
	if more := left.more(); more != "" {
		fmt.Fprintf(&b, "\n%s\n", more)
	}
	b.WriteString(r.passed())
	_, err := io.WriteString(w, b.String())
	return err
}

// passed names what passed of the checks, a line a group, as far as there is room.
func (r Report) passed() string {
	const most = 20_000 // bytes
	var b strings.Builder
	var names []string
	for i, c := range r.Cases {
		if c.Verdict == Pass && c.Title != "" && b.Len() < most && len(names) < htmlNames {
			names = append(names, c.Name)
		}
		if last := i == len(r.Cases)-1 || r.Cases[i+1].Group != c.Group; last && names != nil {
			fmt.Fprintf(&b, "\n✅ %s: %s\n", cell(c.Group), cell(strings.Join(names, ", ")))
			names = nil
		}
	}
	return b.String()
}

func markdownRow(f validate.Issue, placed bool) string {
	mark := "❌"
	if f.Severity == validate.Warning {
		mark = "⚠️"
	}
	what := []string{cell(messageOf(f))}
	for line := range strings.Lines(f.Hint) {
		what = append(what, cell(strings.TrimRight(line, "\r\n")))
	}
	where := ""
	if placed {
		where = "<td>" + cell(place(f)) + "</td>"
	}
	return fmt.Sprintf("<tr><td>%s</td>%s<td>%s</td><td>%s</td></tr>\n", mark, where, cell(f.Rule), strings.Join(what, "<br>"))
}

// cell is text that nothing is made of: in code, no @name, #1 or address
// becomes a link.
func cell(s string) string {
	if s == "" {
		return ""
	}
	return "<code>" + html.EscapeString(safetext.Line(s)) + "</code>"
}
