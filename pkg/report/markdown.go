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

// writeMarkdown writes the numbers and a table of the findings, as many as fit
// into 900,000 bytes.
//
// The table is HTML: between its first tag and the next blank line Markdown is
// not looked for, and there is only HTML to escape.
func writeMarkdown(w io.Writer, r Report) error {
	var b strings.Builder
	total, left := r.Total(), r.toShow()
	fmt.Fprintf(&b, "### julianctl %s\n\n%s", r.Name, total.Text())
	if total.sum() > 0 {
		fmt.Fprintf(&b, ": %s", total.findings())
	}
	b.WriteByte('\n')
	open := false
	for _, f := range r.findings() {
		row := markdownRow(f)
		if b.Len()+len(row) > maxMarkdown-1000 {
			break
		}
		if !open {
			b.WriteString("\n<table>\n<tr><th></th><th>where</th><th>rule</th><th>what</th></tr>\n")
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
	_, err := io.WriteString(w, b.String())
	return err
}

func markdownRow(f validate.Issue) string {
	mark := "❌"
	if f.Severity == validate.Warning {
		mark = "⚠️"
	}
	what := []string{cell(messageOf(f))}
	for line := range strings.Lines(f.Hint) {
		what = append(what, cell(strings.TrimRight(line, "\r\n")))
	}
	return fmt.Sprintf("<tr><td>%s</td><td>%s</td><td>%s</td><td>%s</td></tr>\n", mark, cell(place(f)), cell(f.Rule), strings.Join(what, "<br>"))
}

// cell is text that nothing is made of: in code, no @name, #1 or address
// becomes a link.
func cell(s string) string {
	if s == "" {
		return ""
	}
	return "<code>" + html.EscapeString(safetext.Line(s)) + "</code>"
}
