package report_test

import (
	"fmt"
	"io"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/julianctl/julianctl/pkg/report"
	"github.com/julianctl/julianctl/pkg/validate"
)

// Whatever is long in a report, the work of each format grows with it and no
// faster: for eight times the length no more than 2.5 times the memory for each
// time it doubled, and 3 times the moments, which are noise where others run.
func TestFormatsAreLinear(t *testing.T) {
	of := func(text string, cases int) report.Report {
		r := report.Report{Name: "check", Overview: &report.Overview{
			Title: text, Figures: []report.Figure{{Name: text, Value: text}}, Facts: []report.Fact{{Name: text, Value: text}},
			Sections: []report.Section{{Title: text, Note: text, Table: report.Table{Columns: []report.Column{{Name: text}}, Rows: [][]report.Cell{{{Text: text, Code: true}}}}}},
		}}
		for i := range cases {
			r.Add(report.Case{
				Name: text, Group: fmt.Sprint(i % 3), Verdict: []report.Verdict{report.Fail, report.Pass, report.Warn}[i%3], Message: text, Detail: text,
				Findings: []validate.Issue{{File: "a.json", Line: 1, Column: 1, Rule: "type", Severity: validate.Error, Pointer: "/" + text, Message: text, Hint: text}},
			})
			r.Add(report.Case{Name: fmt.Sprint(text, i), Verdict: report.Undecided, Message: text})
		}
		return r
	}
	shapes := map[string]func(n int) report.Report{
		"many cases":   func(n int) report.Report { return of("x", n/20) },
		"many columns": func(n int) report.Report { return of(strings.Repeat("a, ", n/3), 1) },
	}
	for name, piece := range map[string]string{
		"a long word": "x", "a long line": "word ", "many lines": "line\n", "accents": "\u0301", "wide characters": "漢", "joined pictures": "👩\u200d",
		"what is escaped": "\x1b", "markup": "<&\">", "commands": "::a ##[", "brackets": "]]>", "backticks": "`|*",
	} {
		shapes[name] = func(n int) report.Report { return of(strings.Repeat(piece, n/len(piece)), 3) }
	}
	for name, shape := range shapes {
		for _, format := range report.Formats {
			var shownNames, many effort
			fine := false
			for try := 0; try < 12 && !fine; try++ { // others take the processor now and then
				shownNames, many = shownNames.least(spent(t, format, shape(4_000)), try), many.least(spent(t, format, shape(32_000)), try)
				fine = float64(many.bytes) <= 2.5*2.5*2.5*float64(shownNames.bytes) && many.time <= 3*3*3*max(shownNames.time, time.Millisecond)
			}
			if !fine {
				t.Errorf("%s: %s takes %v and %d kB, and for eight times the length %v and %d kB", format.Name, name, shownNames.time, shownNames.bytes>>10, many.time, many.bytes>>10)
			}
		}
	}
}

// effort is what something took.
type effort struct {
	time  time.Duration // of the processor
	bytes uint64        // allocated
}

func (e effort) least(other effort, try int) effort {
	if try == 0 {
		return other
	}
	return effort{min(e.time, other.time), min(e.bytes, other.bytes)}
}

func spent(t *testing.T, format report.Format, r report.Report) effort {
	t.Helper()
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	start := cpuTime()
	if err := format.Write(io.Discard, r); err != nil {
		t.Fatal(err)
	}
	took := cpuTime() - start
	runtime.ReadMemStats(&after)
	return effort{took, after.TotalAlloc - before.TotalAlloc}
}
