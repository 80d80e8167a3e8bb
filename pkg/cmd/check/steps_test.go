package check

import (
	"bytes"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/julianctl/julianctl/pkg/check"
	"github.com/julianctl/julianctl/pkg/cli/clitest"
	"github.com/julianctl/julianctl/pkg/crashcheck"
	"github.com/julianctl/julianctl/pkg/supervise"
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
             12: before step 12; 12+: after it; *: it changes durable state
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

// A delivery stands among its steps: what is durable, what took how long, and
// whether the answer was given before anything was kept.
func TestDeliveryInText(t *testing.T) {
	sent := time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)
	at := func(d time.Duration) time.Time { return sent.Add(d) }
	d := crashcheck.Delivery{
		Sent: sent, Answered: at(3800 * time.Microsecond), Status: 204,
		Steps: []supervise.Step{
			{Proxy: "database", Conn: 1, Text: "BEGIN", Answer: "BEGIN", Began: at(time.Millisecond), Ended: at(1200 * time.Microsecond)},
			{Proxy: "database", Conn: 1, Text: "INSERT INTO seen (call_id) VALUES ('…') ON CONFLICT DO NOTHING", Answer: "INSERT 0 1", Began: at(14 * time.Millisecond), Ended: at(25 * time.Millisecond)},
			{Proxy: "database", Conn: 1, Text: "COMMIT", Answer: "COMMIT", Write: true, Began: at(28 * time.Millisecond), Ended: at(49 * time.Millisecond)},
			{Proxy: "crm", Conn: 1, Text: "POST /notes", Write: true, Began: at(50 * time.Millisecond)},
		},
	}
	var out bytes.Buffer
	a := clitest.App(t)
	a.Out = terminal.NewOutput(&out)
	a.Style, a.ErrStyle = a.Styles("never")
	if err := printDelivery(a, options{}, d); err != nil {
		t.Fatal(err)
	}
	want := `    0.0 ms      sender      POST
    1.0 ms  1   database#1  BEGIN                             BEGIN       200µs
    3.8 ms      sender      answer                            204
   14.0 ms  2   database#1  INSERT INTO seen (call_id) VALU…  INSERT 0 1   11ms
   28.0 ms  3*  database#1  COMMIT                            COMMIT       21ms
   50.0 ms  4*  crm#1       POST /notes

4 steps, answered after 3.8ms
* changes durable state; --at 3 checks that step alone
answered before anything was durable: a crash in between loses the call
`
	if d := cmp.Diff(want, out.String()); d != "" {
		t.Error(d)
	}
}

// A crash check has a timeline in place of a list of deliveries, of which there are
// no more then.
func TestNoEvidenceHasNoMore(t *testing.T) {
	if got := evidenceText(check.Result{Requests: 8}); got != "" {
		t.Errorf("%q", got)
	}
}
