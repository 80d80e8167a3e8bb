package crashcheck

import (
	"cmp"
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/julianctl/julianctl/pkg/check"
	"github.com/julianctl/julianctl/pkg/deliver"
	"github.com/julianctl/julianctl/pkg/supervise"
	"github.com/julianctl/julianctl/pkg/units"
)

// event notes what happens now.
func (p *point) event(who, what, result string) {
	p.events = append(p.events, check.Event{AtMS: units.Milliseconds(time.Since(p.began)), Who: who, What: what, Result: result})
}

// answered notes the answer to copy n.
func (p *point) answered(copyN int, a deliver.Answer) {
	p.acked = p.acked || check.Acknowledged(a)
	said := a.Describe()
	switch {
	case a.Err == nil:
		said = fmt.Sprint(a.Status)
	case !errors.Is(a.Err, deliver.Timeout):
		said = "no answer"
	}
	p.event("sender", fmt.Sprintf("answer to copy %d", copyN), said)
}

// foldAnswers puts the answer to copy n, noted last, into the line of the answer
// before it, if the two say the same.
func (p *point) foldAnswers(n int) {
	i := len(p.events) - 2
	if i < 0 || p.events[i].Who != "sender" || p.events[i].Result != p.events[i+1].Result {
		p.same = n
		return
	}
	p.events = p.events[:i+1]
	p.events[i].What = fmt.Sprintf("answers to copies %d to %d", p.same, n)
}

// outcomeAcked is the outcome of a call that is lost for good.
const outcomeAcked = "; acknowledged, so nobody delivers it again"

// outcome says how a point that was wrong came to that.
func (p *point) outcome(spied []bool) string {
	switch {
	case p.said != "":
		return ""
	case p.effects.more(spied) && p.repeats:
		return "; redelivered, it was done again"
	case !p.effects.lost(spied):
		return ""
	case p.repeats:
		return "; redelivered, it was taken for done"
	}
	return outcomeAcked
}

// changing is the beginning of a statement that names what it changes.
var changing = regexp.MustCompile(`(?i)^(?:INSERT INTO|UPDATE(?: ONLY)?|DELETE FROM|MERGE INTO|MULTI;) [^ (;]+(?:[^;(]*;)?`)

// describe is a step in a few words: what it changes, or how it begins.
func describe(s supervise.Step) string {
	const most = 40
	if strings.HasPrefix(s.Text, "MULTI; ") {
		return strings.Join(strings.SplitN(s.Text, "; ", 3)[:2], "; ")
	}
	if named := changing.FindString(s.Text); named != "" {
		return named
	}
	text, _, _ := strings.Cut(s.Text, "; ")
	if len(text) > most {
		text = strings.TrimSpace(strings.ToValidUTF8(text[:most], "")) + " …"
	}
	return text
}

// name is step i in words: its own or, for the end of a transaction, those of
// what it makes durable.
func (l *Supervisor) name(i int) string {
	s := l.steps[i]
	if !strings.EqualFold(s.Text, "COMMIT") && !strings.EqualFold(s.Text, "END") {
		return fmt.Sprintf("%q (%d)", describe(s), i+1)
	}
	for j := i - 1; j >= 0; j-- {
		if before := l.steps[j]; before.Proxy == s.Proxy && before.Conn == s.Conn && (before.Changes || before.Write) {
			return fmt.Sprintf("COMMIT of %q (%d)", describe(before), i+1)
		}
	}
	return fmt.Sprintf("COMMIT (%d)", i+1)
}

// place says where a point is: after a step or, where it is before one that
// changes durable state, also which one was the last before it.
func (l *Supervisor) place(at check.StepAt) string {
	i := at.Step - 1
	if at.After {
		return "after " + l.name(i)
	}
	for j := i - 1; j >= 0 && l.steps[i].Write; j-- {
		if l.steps[j].Write {
			return "between " + l.name(j) + " and " + l.name(i)
		}
	}
	return "before " + l.name(i)
}

// number is the number of a step in the list of steps, that of a copy too; ""
// where it is in none.
func (l *Supervisor) number(at supervise.Point) string {
	var same []int
	for i, s := range l.steps {
		if s.Point.Hash == at.Hash {
			same = append(same, i+1)
		}
	}
	if len(same) == 0 || at.Occurrence < 1 {
		return ""
	}
	i := same[(at.Occurrence-1)%len(same)]
	if l.steps[i-1].Write {
		return fmt.Sprintf("%d*", i)
	}
	return fmt.Sprint(i)
}

// lateAnswer is how long an answer takes that has a line of its own.
const lateAnswer = 50 * time.Millisecond

// timeline adds the steps that the recorder saw, in the order of time. An answer
// that came late, or once a held step was let go, stands where it came.
func (l *Supervisor) timeline(p *point) {
	held := supervise.Point{}
	if p.at.Step > 0 {
		held = l.steps[p.at.Step-1].Point
	}
	for _, s := range numbered(l.s.Recorder.Steps()) {
		e := check.Event{
			AtMS: units.Milliseconds(s.Began.Sub(p.began)), Step: l.number(s.Point),
			Who:  fmt.Sprintf("%s#%d", s.Proxy, s.Conn),
			What: s.Text, Raw: s.Raw, Result: s.Answer, Reads: !s.Write && !s.Changes, Held: s.Point == held,
		}
		split := ""
		switch late := s.Ended.Sub(s.Began) > lateAnswer; {
		case s.Point == held && p.at.After:
			e.Result += ", held"
		case s.Point == held:
			e.Result, split = "held", "let go, "
		case s.Ended.IsZero():
			e.Result = "no answer"
		case late:
			e.Result, split = "waits", "then "
		}
		p.events = append(p.events, e)
		if split != "" && !s.Ended.IsZero() {
			e.AtMS, e.Held, e.Result = units.Milliseconds(s.Ended.Sub(p.began)), false, split+s.Answer
			p.events = append(p.events, e)
		}
	}
	sortEvents(p.events)
}

// numbered has the connections of each proxy count from 1, in the order in which
// the steps have them. It changes steps.
func numbered(steps []supervise.Step) []supervise.Step {
	known := map[string][]int{}
	for i, s := range steps {
		at := slices.Index(known[s.Proxy], s.Conn)
		if at < 0 {
			at = len(known[s.Proxy])
			known[s.Proxy] = append(known[s.Proxy], s.Conn)
		}
		steps[i].Conn = at + 1
	}
	return steps
}

func sortEvents(events []check.Event) {
	slices.SortStableFunc(events, func(a, b check.Event) int { return cmp.Compare(a.AtMS, b.AtMS) })
}
