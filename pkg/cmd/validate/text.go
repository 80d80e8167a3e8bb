package validate

import (
	"fmt"
	"path"
	"slices"
	"strconv"
	"strings"

	"github.com/julianctl/julianctl/pkg/safetext"
	"github.com/julianctl/julianctl/pkg/terminal"
	"github.com/julianctl/julianctl/pkg/validate"
)

// issueGroup has the issues of one kind in one file: the first, and the positions of the
// others.
type issueGroup struct {
	validate.Issue
	more     int      // issues beside the first
	last     int      // the line of the last
	pointers []string // of the others that have another pointer than the first
	places   []string // line:column of the others
}

// Limits on what is kept of issues, for files with very many.
const (
	maxGroups = 1000 // more are shown before the end of their file
	maxNames  = 40   // in a group; there is no room for more in a line
)

// issueKind is what issues in a group have in common.
type issueKind struct {
	file, rule     string
	severity       validate.Severity
	place, message string
}

// kindOf groups issues by message, without quoted values, and by pointer, without indexes
// of arrays. If the message quotes nothing, as for missing fields, the fields of one
// object are grouped.
func kindOf(i validate.Issue) issueKind {
	k := issueKind{i.File, i.Rule, i.Severity, i.Pointer, withoutValues(i.Message)}
	if k.message == i.Message {
		k.place = path.Dir(i.Pointer)
	}
	parts := strings.Split(k.place, "/")
	for n, part := range parts {
		if _, err := strconv.Atoi(part); err == nil {
			parts[n] = "*"
		}
	}
	k.place = strings.Join(parts, "/")
	return k
}

// withoutValues removes strings and digits from a message.
func withoutValues(message string) string {
	var b strings.Builder
	quoted := false
	for n := 0; n < len(message); n++ {
		switch c := message[n]; {
		case c == '\\' && quoted:
			n++
		case c == '"':
			quoted = !quoted
			b.WriteByte(c)
		case !quoted && (c < '0' || c > '9'):
			b.WriteByte(c)
		}
	}
	return b.String()
}

// issueGroups collects the issues of a file, in the order of the first of each group.
type issueGroups struct {
	kinds map[issueKind]*issueGroup
	order []*issueGroup
	shown int // groups before these
}

// add adds an issue to its group. It makes a new group only if allowed, and reports
// whether the issue is in a group.
func (g *issueGroups) add(kind issueKind, i validate.Issue, mayMake bool) bool {
	group := g.kinds[kind]
	if group == nil {
		if !mayMake {
			return false
		}
		if g.kinds == nil {
			g.kinds = map[issueKind]*issueGroup{}
		}
		group = &issueGroup{Issue: i, last: i.Line}
		g.kinds[kind] = group
		g.order = append(g.order, group)
		return true
	}
	group.more++
	group.last = i.Line
	if len(group.pointers) < maxNames && i.Pointer != group.Pointer && !slices.Contains(group.pointers, i.Pointer) {
		group.pointers = append(group.pointers, i.Pointer)
	}
	if len(group.places) < maxNames {
		group.places = append(group.places, fmt.Sprintf("%d:%d", i.Line, i.Column))
	}
	return true
}

// gather keeps an issue until the end of its file. --max-issues counts groups here.
func (p *printer) gather(i validate.Issue) {
	kind, n := kindOf(i), len(p.groups.order)
	if n > 0 && p.groups.order[0].File != i.File || n == maxGroups && p.groups.kinds[kind] == nil {
		p.showGroups()
	}
	if p.groups.add(kind, i, p.o.maxIssues == 0 || p.groups.shown+len(p.groups.order) < p.o.maxIssues) {
		p.sum.Shown++
	}
}

// showGroups prints the collected groups.
func (p *printer) showGroups() {
	text := issueText{p.a.Style, p.columns}
	for _, group := range p.groups.order {
		for _, line := range text.lines(group) {
			fmt.Fprintln(p.out, line) // bufio.Writer and output keep their first error
		}
		fmt.Fprintln(p.out)
	}
	p.groups = issueGroups{shown: p.groups.shown + len(p.groups.order)}
}

// issueText shows issues on a terminal: the line in question with a
// mark under the place, and issues of one kind as one.
type issueText struct {
	style   terminal.Style
	columns int
}

// minRoom is the least number of columns for text, on any terminal.
const minRoom = 20

// lines are those of a group.
func (t issueText) lines(g *issueGroup) []string {
	severity := t.style.Warn
	if g.Severity == validate.Error {
		severity = t.style.Bad
	}
	lines := t.head(g.Issue, severity)
	number := strconv.Itoa(g.Line)
	room := max(minRoom, t.columns-len(number)-len("  | ")-1)
	add := func(number, sign, text string) {
		lines = append(lines, t.style.Accent(" "+number+" "+sign)+" "+text)
	}
	blank := terminal.Spaces(len(number))
	if g.Excerpt.Text != "" {
		text, before, mark := underline(g.Excerpt, room)
		add(number, "|", text)
		add(blank, "|", terminal.Spaces(before)+severity(mark))
	}
	for n, line := range g.notes(room) {
		sign := "="
		if strings.HasPrefix(line, " ") && n > 0 {
			sign = " "
		}
		add(blank, sign, line)
	}
	return lines
}

// notes returns the lines below an excerpt; continued lines begin with spaces.
func (g *issueGroup) notes(room int) []string {
	var notes []string
	if g.Hint != "" {
		const word = "hint: "
		notes = terminal.Hang(word, terminal.Wrap(safetext.Line(g.Hint), room-len(word)))
	}
	if g.more > 0 {
		notes = append(notes, g.others(room))
	}
	return notes
}

// others lists the other issues of a group, as many as fit.
func (g *issueGroup) others(room int) string {
	names, tail := g.pointers, ""
	switch {
	case len(names) == 0:
		names = g.places
	case g.last != g.Line:
		tail = fmt.Sprintf(", up to line %d", g.last)
	}
	text := fmt.Sprintf("and %d more like this", g.more)
	room -= terminal.Cells(tail) + len(", …")
	for n, name := range names {
		name = safetext.Line(name)
		sep := ", "
		if n == 0 {
			sep = ": "
		}
		if terminal.Cells(text+sep+name) > room || n == maxNames-1 {
			if n > 0 {
				text += ", …"
			}
			break
		}
		text += sep + name
	}
	return text + tail
}

// head returns the first line of an issue. If it is too long, the message goes to the
// next line.
func (t issueText) head(i validate.Issue, severity terminal.Paint) []string {
	place := safetext.Line(fmt.Sprintf("%s:%d:%d:", i.File, i.Line, i.Column))
	kind := fmt.Sprintf("%s[%s]", i.Severity, i.Rule)
	pointer := ""
	if i.Pointer != "" {
		pointer = " " + safetext.Line(i.Pointer)
	}
	message := safetext.Line(i.Message)
	head := t.style.Bold(place) + " " + severity(kind) + pointer + ":"
	if terminal.Cells(place)+1+terminal.Cells(kind)+terminal.Cells(pointer)+2+terminal.Cells(message) < t.columns {
		return []string{head + " " + message}
	}
	lines := []string{head}
	return append(lines, terminal.Hang("   ", terminal.Wrap(message, max(t.columns-4, 20)))...)
}

// underline returns the part of an excerpt that fits, and the mark below it with its
// column.
func underline(e validate.Excerpt, columns int) (text string, before int, mark string) {
	const gap = "…"
	visible := func(s string) string { return safetext.Line(strings.ReplaceAll(s, "\t", "    ")) }
	text = visible(strings.TrimRight(e.Text, " \t\r"))
	start := terminal.Cells(visible(e.Text[:e.At]))
	end := max(start+1, terminal.Cells(visible(e.Text[:e.At+e.Width])))
	cutBefore, cutAfter := e.Before, e.After
	if to := max(terminal.Cells(text), end); to+2*terminal.Cells(gap) > columns {
		room := columns - 2*terminal.Cells(gap)
		// A third of what is shown stands before the place, or less where
		// the line ends soon.
		from := max(0, min(start-room/3, to-room))
		cutBefore = cutBefore || from > 0
		text = terminal.DropCells(text, from)
		if head, rest, _ := terminal.Split(text, room); rest != "" {
			text, cutAfter = head, true
		}
		start, end = start-from, min(end-from, room)
	}
	if cutBefore {
		text = gap + text
		start, end = start+terminal.Cells(gap), end+terminal.Cells(gap)
	}
	if cutAfter {
		text += gap
	}
	return text, start, "^" + strings.Repeat("~", max(0, end-start-1))
}
