package check

import (
	"bytes"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/julianctl/julianctl/pkg/check"
	"github.com/julianctl/julianctl/pkg/cli/clitest"
	"github.com/julianctl/julianctl/pkg/terminal"
)

// The evidence of a crash check reads in 80 columns: the numbers of the steps, what
// was held, what was done to the consumer, and what came of the other points.
func TestEvidenceInText(t *testing.T) {
	insert := "INSERT INTO effects (call_id, what) VALUES ('…', '…') RETURNING id, call_id, what"
	r := check.Result{
		ID: "crash", Title: "processes a call once though killed at any step", Verdict: check.Fail,
		Message: "1 of 3 kills: processed 2 times, expected 1",
		Details: []string{`killed between COMMIT of "INSERT INTO effects" (9) and COMMIT of "INSERT INTO seen" (12); redelivered, it was done again`},
		At:      "12",
		Points:  []check.PointResult{{At: "0", Reached: true}, {At: "9", Reached: true}, {At: "12", Reached: true, Failed: true}, {At: "12+"}},
		Timeline: []check.Event{
			{Who: "sender", What: "POST, copy 1"},
			{AtMS: 3.2, Step: "8", Who: "database#1", What: insert, Result: "INSERT 0 1"},
			{AtMS: 9, Step: "12*", Who: "database#1", What: "COMMIT", Result: "held", Held: true},
			{AtMS: 49, Who: "consumer", What: "killed, 2 processes; unanswered; ready after 130ms"},
			{AtMS: 186, Who: "sender", What: "answer to copy 2", Result: "204"},
		},
	}
	var out bytes.Buffer
	a := clitest.App(t)
	a.Out = terminal.NewOutput(&out)
	a.Style, a.ErrStyle = a.Styles("never")
	p := &printer{a: a, plan: &checkPlan{}}
	p.text(r)
	want := `  FAIL       crash: processes a call once though killed at any step
             1 of 3 kills: processed 2 times, expected 1
             killed between COMMIT of "INSERT INTO effects" (9) and COMMIT of
             "INSERT INTO seen" (12); redelivered, it was done again
          0 ms       sender      POST, copy 1
          3 ms   8   database#1  INSERT INTO effects (call_id, wha…  INSERT 0 1
          9 ms  12*  database#1  COMMIT                              held
         49 ms  killed, 2 processes; unanswered; ready after 130ms
        186 ms       sender      answer to copy 2                    204
             failed at step 12; right at 9
             this step alone: --only crash --at 12
             hint: put the effect and its marker into one transaction
`
	if d := cmp.Diff(want, out.String()); d != "" {
		t.Error(d)
	}
	for line := range strings.Lines(out.String()) {
		if n := len([]rune(strings.TrimRight(line, "\n"))); n > 80 {
			t.Errorf("%d columns: %s", n, line)
		}
	}
}
