package report

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"github.com/julianctl/julianctl/pkg/deliver"
	"github.com/julianctl/julianctl/pkg/units"
)

// duplicates are the payloads that were sent more than once.
func (r Replay) duplicates() []Section {
	g := r.Summary.Groups
	if g.Total == 0 {
		return nil
	}
	parts := []string{fmt.Sprintf("%s of %d copies", units.Count(g.Total, "group"), r.Copies)}
	alike, differ := Copies(g)
	if parts = append(parts, alike...); differ != "" {
		parts = append(parts, differ)
	}
	note := strings.Join(parts, ", ") + "."
	if skew := r.Summary.Skew; skew.Count() > 0 {
		note += fmt.Sprintf(" Sent together: from the first copy to the last %s in the median, %s at most.", units.Time(skew.At(50)), units.Time(skew.Max()))
	}
	return []Section{{Title: "Duplicates", Note: note, Table: r.groupTable()}}
}

// Copies says what became of the copies of payloads: what is known of all, and in
// how many the answers differ ("": in none).
func Copies(g deliver.Groups) (all []string, differ string) {
	if g.Acknowledged == g.Total {
		all = append(all, "all acknowledged")
	} else {
		all = append(all, units.Number(g.Acknowledged)+" acknowledged")
	}
	if g.Partial > 0 {
		all = append(all, units.Number(g.Partial)+" not answered to the last copy")
	}
	if g.Cut > 0 {
		all = append(all, units.Number(g.Cut)+" not sent to the last copy")
	}
	if g.Differ == 0 {
		return append(all, "answers alike"), ""
	}
	return all, fmt.Sprintf("answers differ in %s (%s by status, %s by body)", units.Number(g.Differ), units.Number(g.DifferStatus), units.Number(g.DifferBody))
}

// groupTable lists the worst groups.
func (r Replay) groupTable() Table {
	worst := r.Summary.Groups.Worst
	skew := slices.ContainsFunc(worst, func(g deliver.Group) bool { return g.Skew > 0 })
	t := Table{Columns: []Column{{Name: "Payload"}, {}, {Name: "Answers"}, {Name: "First", Number: true}, {Name: "Slowest", Number: true}}, Open: htmlOpen}
	if skew {
		t.Columns = append(t.Columns, Column{Name: "Skew", Number: true})
	}
	for _, g := range worst {
		name := fmt.Sprintf("%s:%d", g.Source, g.Line)
		if g.CallID != "" {
			name = g.CallID + "\n" + name
		}
		first := "–"
		if g.First > 0 {
			first = fmt.Sprintf("copy %d", g.First)
		}
		slowest := slices.MaxFunc(g.Copies, func(a, b deliver.Copy) int { return cmp.Compare(a.Latency(), b.Latency()) })
		row := []Cell{{Text: name, Code: true}, groupVerdict(g), {Text: r.groupAnswers(g), Code: true}, {Text: first}, {Text: units.Time(slowest.Latency())}}
		switch {
		case skew && g.Skew > 0:
			row = append(row, Cell{Text: units.Time(g.Skew)})
		case skew:
			row = append(row, Cell{Text: "–"})
		}
		t.Rows = append(t.Rows, row)
	}
	if more := r.Summary.Groups.Total - len(worst); more > 0 && len(worst) > 0 {
		t.More = fmt.Sprintf("These are the worst; %s more not listed.", units.Number(more))
	}
	return t
}

func groupVerdict(g deliver.Group) Cell {
	switch {
	case g.DifferStatus:
		return Cell{Text: "statuses differ", Verdict: Fail}
	case slices.ContainsFunc(g.Copies, func(c deliver.Copy) bool { return c.Class != "" && c.Class != deliver.Unreachable }):
		return Cell{Text: "not acknowledged", Verdict: Fail}
	case !g.Acknowledged:
		return Cell{Text: "could not be sent", Verdict: Undecided}
	case g.DifferBody:
		return Cell{Text: "bodies differ", Verdict: Warn}
	case len(g.Unsent) > 0:
		return Cell{Text: fmt.Sprintf("%d of %d not sent", len(g.Unsent), len(g.Unsent)+len(g.Copies)), Verdict: Skip}
	}
	return Cell{Text: "alike", Verdict: Pass}
}

// Limits of the answers that are shown of a group: their number, and bytes of each.
const (
	groupAnswersShown = 4
	answerShown       = 80
)

// groupAnswers counts the answers of a group that are alike, one kind a line,
// such as "3 × 200 {"ok":true}".
func (r Replay) groupAnswers(g deliver.Group) string {
	type answer struct {
		status int
		class  deliver.Class
		hash   [32]byte
	}
	texts := map[answer]string{}
	times := map[answer]int{}
	var order []answer
	for _, c := range g.Copies {
		a := answer{status: c.Status, hash: c.BodyHash}
		text := fmt.Sprintf("%d %s", c.Status, fit(r.hide(strings.TrimSpace(c.Answer)), answerShown))
		if c.Status == 0 {
			a, text = answer{class: c.Class}, string(c.Class)
		}
		if times[a]++; times[a] == 1 {
			order, texts[a] = append(order, a), strings.TrimSpace(text)
		}
	}
	slices.SortStableFunc(order, func(a, b answer) int { return cmp.Compare(times[b], times[a]) })
	var lines []string
	for i, a := range order {
		if i == groupAnswersShown {
			lines = append(lines, fmt.Sprintf("and %d other answers", len(order)-i))
			break
		}
		lines = append(lines, fmt.Sprintf("%d × %s", times[a], strings.Join(strings.Fields(texts[a]), " ")))
	}
	if n := len(g.Unsent); n > 0 {
		lines = append(lines, fmt.Sprintf("%d × not sent", n))
	}
	return strings.Join(lines, "\n")
}

func (r Replay) hide(s string) string {
	if r.Hide == nil {
		return s
	}
	return r.Hide(s)
}

// fit is the beginning of s, as many characters as fit.
func fit(s string, most int) string {
	runes := []rune(s)
	if len(runes) <= most {
		return s
	}
	return string(runes[:most-1]) + "…"
}
