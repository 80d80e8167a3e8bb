package check

import (
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/julianctl/julianctl/pkg/check"
	"github.com/julianctl/julianctl/pkg/report"
)

// The page has each point of a sweep as a box, and a lane for each that took part
// in the delivery that failed.
func TestSweepsOnThePage(t *testing.T) {
	p := &printer{all: []check.Result{
		{ID: "budget", Verdict: check.Pass},
		{
			ID: "crash", Verdict: check.Fail, Message: "1 of 3 kills: processed 2 times, expected 1",
			Points: []check.PointResult{{At: "0", Reached: true}, {At: "2", Reached: true}, {At: "4", Reached: true, Failed: true}, {At: "4+"}},
			Timeline: []check.Event{
				{AtMS: 0, Who: "sender", What: "POST, copy 1"},
				{AtMS: 3.2, Who: "database#7", What: "COMMIT", Result: "held", Held: true},
				{AtMS: 103, Who: "consumer", What: "killed"},
			},
		},
	}}
	got := p.sweeps(check.Summary{Exercised: &check.Exercised{Kills: check.Tried{Planned: 3, Reached: 2}, Points: check.Tried{Planned: 9, Reached: 8}, Restarts: 2}})
	want := []report.Section{
		{
			Title: "Points",
			Note: "Each box is a step of a delivery at which something was done to the consumer: before it, or with a + after it; with – at none of them. " +
				"The consumer was killed at 2 of 3 points, disturbed at 8 of 9 points of a delivery, restarted 2 times.",
			Strips: []report.Strip{{Label: "crash", Points: []report.Point{{Text: "–", Verdict: report.Pass}, {Text: "2", Verdict: report.Pass}, {Text: "4", Verdict: report.Fail}, {Text: "4+", Verdict: report.Undecided}}}},
		},
		{
			Title: "Timeline of crash", Note: "1 of 3 kills: processed 2 times, expected 1",
			Table: report.Table{
				Columns: []report.Column{{Name: "ms", Number: true}, {Name: "sender"}, {Name: "database"}, {Name: "consumer"}},
				Rows: [][]report.Cell{
					{{Text: "0"}, {Text: "POST, copy 1"}, {}, {}},
					{{Text: "3"}, {}, {Text: "#7 COMMIT → held", Verdict: report.Fail}, {}},
					{{Text: "103"}, {}, {}, {Text: "killed", Verdict: report.Fail}},
				},
			},
		},
	}
	if d := cmp.Diff(want, got); d != "" {
		t.Error(d)
	}
}
