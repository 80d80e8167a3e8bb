package crashcheck

import (
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/julianctl/julianctl/pkg/check"
	"github.com/julianctl/julianctl/pkg/deliver"
	"github.com/julianctl/julianctl/pkg/supervise"
)

func step(hash uint64, text string, write, changes bool) supervise.Step {
	return supervise.Step{Proxy: "database", Conn: 7, Text: text, Write: write, Changes: changes, Ends: write, Point: supervise.Point{Hash: hash, Occurrence: 1}}
}

// delivery has two transactions, and tells a CRM.
func delivery() *Supervisor {
	return &Supervisor{s: &check.Supervision{Recorder: supervise.NewRecorder()}, steps: []supervise.Step{
		step(1, "BEGIN", false, false),
		step(2, "INSERT INTO effects (call_id) VALUES ('…')", false, true),
		step(3, "COMMIT", true, false),
		step(4, "SELECT count(*) FROM everything WHERE call_id = '…' AND NOT done", false, false),
		step(5, "MULTI; SADD seen:# …; SET effects:# …; EXEC", true, false),
		step(6, "POST /notes", true, false),
	}}
}

func TestPlace(t *testing.T) {
	l := delivery()
	for at, want := range map[check.StepAt]string{
		{Step: 1}:              `before "BEGIN" (1)`,
		{Step: 3}:              `before COMMIT of "INSERT INTO effects" (3)`,
		{Step: 3, After: true}: `after COMMIT of "INSERT INTO effects" (3)`,
		{Step: 4}:              `before "SELECT count(*) FROM everything WHERE ca …" (4)`,
		{Step: 5}:              `between COMMIT of "INSERT INTO effects" (3) and "MULTI; SADD seen:# …" (5)`,
		{Step: 6}:              `between "MULTI; SADD seen:# …" (5) and "POST /notes" (6)`,
	} {
		if got := l.place(at); got != want {
			t.Errorf("%s: %s, want %s", at, got, want)
		}
	}
}

func TestOutcome(t *testing.T) {
	at := check.StepAt{Step: 1}
	for want, p := range map[string]point{
		"; redelivered, it was done again":            {at: at, repeats: true, effects: effectsOf{probe: 2}},
		"; redelivered, it was taken for done":        {at: at, repeats: true},
		"; acknowledged, so nobody delivers it again": {at: at, acked: true},
		"": {at: at, acked: true, effects: effectsOf{probe: 2}},
	} {
		if got := p.outcome(nil); got != want {
			t.Errorf("%q, want %q", got, want)
		}
	}
}

// Answers that are alike are one line.
func TestFoldAnswers(t *testing.T) {
	t.Parallel()
	p := &point{began: time.Now()}
	p.event("database", "back", "")
	for i, status := range []int{0, 0, 0, 503, 503, 200} {
		a := deliver.Answer{Status: status}
		if status == 0 {
			a.Err = errors.New("refused")
		}
		p.answered(i+1, a)
		p.foldAnswers(i + 1)
	}
	var got []string
	for _, e := range p.events {
		got = append(got, strings.TrimSpace(e.What+" "+e.Result))
	}
	want := []string{"back", "answers to copies 1 to 3 no answer", "answers to copies 4 to 5 503", "answer to copy 6 200"}
	if d := cmp.Diff(want, got); d != "" {
		t.Error(d)
	}
}

// How a call was lost decides what is to be mended.
func TestMendOfWhatWasSeen(t *testing.T) {
	t.Parallel()
	at := check.StepAt{Step: 3}
	for _, tt := range []struct {
		name, what, want string
		p                point
	}{
		{"lost, acknowledged", kill, answerLater, point{at: at, acked: true}},
		{"lost, redelivered", kill, "", point{at: at, acked: true, repeats: true}},
		{"doubled", kill, "", point{at: at, acked: true, repeats: true, effects: effectsOf{probe: 2}}},
		{"lost at SIGTERM", sigterm, "", point{at: at, acked: true}},
		{"sent twice", kill, SendOnce, point{at: at, acked: true, effects: effectsOf{probe: 1, spies: []int{2}, names: []string{"crm"}}}},
	} {
		trial := &check.Trial{}
		tt.p.reached = true
		l := delivery()
		l.spied = []bool{true}[:len(tt.p.effects.spies)]
		l.findings(trial, &check.Notes{}, []*point{&tt.p}, tt.what)
		if got := trial.Result.Mend; got != tt.want {
			t.Errorf("%s: %q, want %q", tt.name, got, tt.want)
		}
	}
}

// Wherever time ends, what was tried is spread over all of it.
func TestSpread(t *testing.T) {
	var points []*point
	for i := range 7 {
		points = append(points, &point{at: check.StepAt{Step: i + 1}})
	}
	var got []int
	for _, p := range spread(points) {
		got = append(got, p.at.Step)
	}
	if d := cmp.Diff([]int{4, 2, 6, 1, 5, 3, 7}, got); d != "" {
		t.Error(d)
	}
}

// What a held step was answered stands where the answer came; a copy has the
// numbers of the first one, and connections count from 1.
func TestTimeline(t *testing.T) {
	l := delivery()
	p := &point{at: check.StepAt{Step: 3}, began: time.Now()}
	took := func(s supervise.Step, conn, occurrence int, began, ended time.Duration) {
		s.Conn, s.Point.Occurrence, s.Began = conn, occurrence, p.began.Add(began)
		if l.s.Recorder.Before(&s) != supervise.Pass {
			t.Errorf("%q is not passed on", s.Text)
		}
		s.Answer = "done"
		if ended > 0 {
			s.Ended = p.began.Add(ended)
		}
		l.s.Recorder.After(&s)
	}
	took(l.steps[1], 12, 1, 1*time.Millisecond, 2*time.Millisecond)
	took(l.steps[2], 12, 1, 3*time.Millisecond, 40*time.Millisecond)
	took(l.steps[1], 30, 2, 5*time.Millisecond, 100*time.Millisecond)
	took(l.steps[3], 30, 1, 110*time.Millisecond, 0)
	took(step(9, "SELECT other", false, false), 30, 1, 120*time.Millisecond, 121*time.Millisecond)
	l.timeline(p)
	insert, commit := l.steps[1].Text, "COMMIT"
	want := []check.Event{
		{AtMS: 1, Step: "2", Who: "database#1", What: insert, Result: "done"},
		{AtMS: 3, Step: "3*", Who: "database#1", What: commit, Result: "held", Held: true},
		{AtMS: 5, Step: "2", Who: "database#2", What: insert, Result: "waits"},
		{AtMS: 40, Step: "3*", Who: "database#1", What: commit, Result: "let go, done"},
		{AtMS: 100, Step: "2", Who: "database#2", What: insert, Result: "then done"},
		{AtMS: 110, Step: "4", Who: "database#2", What: l.steps[3].Text, Result: "no answer", Reads: true},
		{AtMS: 120, Who: "database#2", What: "SELECT other", Result: "done", Reads: true},
	}
	if d := cmp.Diff(want, p.events); d != "" {
		t.Error(d)
	}
}

// --at counts steps of the list of steps; a check that has others, such as writes
// to files, finds out itself whether there is such a one, and says which there are.
func TestAt(t *testing.T) {
	type running struct{ check.Consumer }
	for _, tt := range []struct {
		name    string
		at      check.StepAt
		steps   bool // some are known
		offered []string
		want    string // "": the check was asked
	}{
		{"one of the steps", check.StepAt{Step: 6}, true, nil, ""},
		{"past the steps", check.StepAt{Step: 7, After: true}, true, nil, "--at 7+: a delivery has 6 steps; --steps lists them"},
		{"a write to a file", check.StepAt{Step: 7}, false, nil, ""},
		{"none of this check", check.StepAt{Step: 1}, true, []string{"3", "3+"}, "--at 1 is not a step that this check acts on: those are 3, 3+"},
	} {
		l := delivery()
		l.learned, l.consumer, l.s.At = true, running{}, &tt.at
		if !tt.steps {
			l.steps = nil
		}
		f := l.Run(&check.Trial{ID: "crash"}, func(_ *check.Trial, l *Supervisor, n *check.Notes) check.Finding {
			l.offered = tt.offered
			if tt.offered != nil {
				return n.Finding("")
			}
			return check.Finding{Verdict: check.Pass}
		})()
		if want := map[bool]string{true: "PASS", false: "UNDECIDED"}[tt.want == ""]; string(f.Verdict) != want || f.Message != tt.want {
			t.Errorf("%s: %s %q, want %q", tt.name, f.Verdict, f.Message, tt.want)
		}
	}
}

// What there was no time for is told apart from what never came.
func TestMissedSteps(t *testing.T) {
	l := delivery()
	var n check.Notes
	points := []*point{
		{at: check.StepAt{Step: 3}, tried: true, reached: true, effects: effectsOf{probe: 1}},
		{at: check.StepAt{Step: 5}, tried: true},
		{at: check.StepAt{Step: 6}},
		{at: check.StepAt{Step: 6, After: true}},
	}
	l.findings(&check.Trial{}, &n, points, kill)
	f := n.Finding("all")
	said := append([]string{f.Message}, f.Details...)
	want := []string{"not reached: step 5", "no time for step 6, 6+: give it more with --sweep-time"}
	if d := cmp.Diff(want, said); d != "" || f.Verdict != check.Undecided {
		t.Errorf("%s %s", f.Verdict, d)
	}
}
