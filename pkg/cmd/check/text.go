package check

import (
	"fmt"
	"slices"
	"strings"

	"github.com/julianctl/julianctl/pkg/check"
	"github.com/julianctl/julianctl/pkg/checklist"
	"github.com/julianctl/julianctl/pkg/safetext"
	"github.com/julianctl/julianctl/pkg/terminal"
	"github.com/julianctl/julianctl/pkg/units"
)

// checkDetails is how many lines of a result are shown in text, where not many
// failed.
const checkDetails, manyFailed = 4, 6

// results prints what was found: failures first, what passed in a line a group.
func (p *printer) results() {
	var shown []check.Result // but what was not run, which is shown once
	for _, r := range p.all {
		if !r.NotRun {
			shown = append(shown, r)
		}
	}
	if len(shown) == 0 {
		return
	}
	p.printed = true
	fmt.Fprintln(p.a.Out) // after what was announced
	p.each(shown, check.Fail, func(r check.Result) {
		if r.SameCause == "" {
			p.text(r)
		}
	})
	said := map[string]bool{}
	p.each(shown, check.Undecided, func(r check.Result) {
		if !said[r.Message] {
			said[r.Message] = true
			p.ids(r.Verdict, r.Message, shown)
		}
	})
	p.each(shown, check.Warn, p.text)
	p.each(shown, check.Skip, func(r check.Result) {
		switch {
		case alikeIn(shown, r) == 1:
			p.lines(r.Verdict, r.ID+": "+r.Message)
		case !said[r.Message]:
			said[r.Message] = true
			p.ids(r.Verdict, r.Message, shown)
		}
	})
	for _, group := range checklist.Groups {
		p.passed(group, shown)
	}
}

// each calls f for those that came to a verdict.
func (p *printer) each(all []check.Result, v check.Verdict, f func(check.Result)) {
	for _, r := range all {
		if r.Verdict == v {
			f(r)
		}
	}
}

// passed prints what passed of a group in one line: the ids where they fit.
func (p *printer) passed(group string, all []check.Result) {
	var ids []string
	for _, r := range all {
		if r.Group == group && r.Verdict == check.Pass {
			ids = append(ids, r.ID)
		}
	}
	if ids == nil {
		return
	}
	text := group + ": " + strings.Join(ids, ", ")
	if len(text) > p.a.Out.Width()-len(checkIndent)-1 {
		text = group + ": " + units.Count(len(ids), "check")
	}
	p.lines(check.Pass, text)
	for _, r := range all {
		if said := worthSaying(r); r.Group == group && r.Verdict == check.Pass && said != "" {
			p.faint(said)
		}
	}
}

// alikeIn is how many results of a group say what r says, r among them.
func alikeIn(group []check.Result, r check.Result) int {
	n := 0
	for _, other := range group {
		if other.Verdict == r.Verdict && other.Message == r.Message {
			n++
		}
	}
	return n
}

// ids prints the ids of the checks that came to this verdict with this message,
// any message when it is empty, and then the message.
func (p *printer) ids(v check.Verdict, message string, group []check.Result) {
	var ids []string
	for _, r := range group {
		if r.Verdict == v && (message == "" || r.Message == message) {
			ids = append(ids, r.ID)
		}
	}
	if ids == nil {
		return
	}
	p.lines(v, strings.Join(ids, ", "))
	if message != "" {
		p.faint(message)
	}
}

// worthSaying is what is shown of a check although it passed: the one number that
// everyone asks for, and which of two contents was kept.
func worthSaying(r check.Result) string {
	switch {
	case r.ID == "budget":
		return r.Message
	case r.Kept != "":
		return r.ID + ": " + r.Message
	}
	return ""
}

const checkIndent = "             "

// lines prints a verdict and what it is about, in as many lines as it takes.
func (p *printer) lines(v check.Verdict, text string) {
	colours := map[check.Verdict]terminal.Paint{
		check.Pass: p.a.Style.Good, check.Warn: p.a.Style.Warn, check.Fail: p.a.Style.Bad, check.Undecided: p.a.Style.Warn, check.Skip: p.a.Style.Faint,
	}
	head := "  " + colours[v](terminal.Pad(string(v), len(checkIndent)-4)) + "  "
	for _, line := range terminal.Hang(head, terminal.Wrap(safetext.Line(text), p.a.Out.Width()-len(checkIndent)-1)) {
		fmt.Fprintln(p.a.Out, line)
	}
}

// below prints a line of a result, with a word before it that says what it is.
func (p *printer) below(word, text string) {
	for i, line := range terminal.Wrap(safetext.Line(word+text), p.a.Out.Width()-len(checkIndent)-1) {
		if n := min(len(word), len(line)); i == 0 && n > 0 {
			line = p.a.Style.Accent(line[:n]) + line[n:]
		}
		fmt.Fprintln(p.a.Out, checkIndent+line)
	}
}

func (p *printer) faint(text string) {
	for _, line := range terminal.Wrap(safetext.Line(text), p.a.Out.Width()-len(checkIndent)-1) {
		fmt.Fprintf(p.a.Out, "%s%s\n", checkIndent, p.a.Style.Faint(line))
	}
}

// text prints a result that did not pass.
func (p *printer) text(r check.Result) {
	title := r.ID + ": " + r.Title
	if p.plan.baseline != nil && !p.plan.baseline.Worse(r) {
		title += " (as in the baseline)"
	}
	p.lines(r.Verdict, title)
	most := checkDetails
	if len(p.failed()) > manyFailed {
		most = 2
	}
	for i, line := range append([]string{r.Message}, r.Details...) {
		if i == most && len(r.Details) > most {
			p.faint(fmt.Sprintf("and %d more; --format json has all", len(r.Details)+1-most))
			break
		}
		p.below("", line)
	}
	if len(r.Timeline) > 0 {
		events := r.Timeline
		short := shortTimeline(events)
		timeline(p.a, checkIndent[:4], timelineRows(short))
		if left := len(events) - len(short); left > 0 {
			p.faint(fmt.Sprintf("and %s; --format json has all", units.Count(left, "more step")))
		}
	}
	for _, line := range pointsText(r) {
		p.faint(line)
	}
	for i, file := range p.saved[r.ID] {
		if i == 0 || most == checkDetails {
			p.faint("payload: " + file)
		}
	}
	if hint := checklist.Hint(r); r.Verdict == check.Fail && hint != "" {
		p.below("hint: ", hint)
	}
	if with := p.with(r); with != nil {
		p.below("fail with it: ", strings.Join(with, ", "))
	}
}

// with are the ids of what failed for the reason of r.
func (p *printer) with(r check.Result) (ids []string) {
	for _, other := range p.all {
		if other.SameCause == r.ID {
			ids = append(ids, other.ID)
		}
	}
	return ids
}

// first says what to mend first, where several checks failed for one reason; may be
// empty.
func (p *printer) first(failed []check.Result) string {
	var said []string
	for _, r := range failed {
		if with := p.with(r); with != nil {
			said = append(said, fmt.Sprintf("%s (%s with it)", r.ID, units.CountVerb(len(with), "other check", "fails", "fail")))
		}
	}
	if said == nil {
		return ""
	}
	return strings.Join(said, ", ")
}

// pointsText says which points of a sweep failed and which did not, and how to
// try the one alone whose timeline is shown.
func pointsText(r check.Result) (lines []string) {
	var failed, right []string
	for _, p := range r.Points {
		switch {
		case p.At == "0" || !p.Reached: // no step; or said already
		case p.Failed:
			failed = append(failed, p.At)
		default:
			right = append(right, p.At)
		}
	}
	if failed == nil || len(failed)+len(right) == 1 {
		return nil // the timeline says it
	}
	text := "failed at step " + strings.Join(failed, ", ")
	if right != nil {
		text += "; right at " + strings.Join(right, ", ")
	}
	number := strings.TrimSuffix(failed[0], "+")
	lines = append(lines, text, fmt.Sprintf("%s: before step %[1]s; %[1]s+: after it; *: it changes durable state", number))
	if r.At != "" {
		lines = append(lines, fmt.Sprintf("this step alone: --only %s --at %s", r.ID, r.At))
	}
	return lines
}

// checksNotRun says once which checks the endpoint left nothing to ask for, and
// why. Where that is all there is to say, the error says it.
func (p *printer) checksNotRun(s check.Summary) {
	if len(p.notRun) == 0 || len(p.notRun) == len(p.all) && s.Unreachable != "" {
		return
	}
	text := units.Count(len(p.notRun), "check") + " not run"
	if len(p.notRun) <= notRunNamed {
		var ids []string
		for _, r := range p.notRun {
			ids = append(ids, r.ID)
		}
		text += ": " + strings.Join(ids, ", ")
	}
	if !p.printed {
		fmt.Fprintln(p.a.Out)
	}
	p.lines(check.Undecided, text)
	p.faint(p.notRun[0].Message)
}

// notRunNamed is how many checks that were not run are named in text.
const notRunNamed = 5

func (p *printer) verdict(s check.Summary) {
	said := slices.ContainsFunc(p.all, func(r check.Result) bool { // with its checks
		return strings.Contains(strings.Join(append([]string{r.Message}, r.Details...), "\n"), s.Probe)
	})
	if s.Probe != check.ProbeCounts && s.Probe != check.ProbeNone && s.Unreachable == "" && !said {
		fmt.Fprintf(p.a.Out, "\n%s %s\n", p.a.Style.Warn("probe:"), safetext.Line(strings.TrimLeft(strings.TrimPrefix(s.Probe, "probe"), ": ")))
	}
	tried, not := p.tried(s)
	p.limits("\n", "tried", tried)
	p.limits("", "not tried", not)
	failed := p.failed()
	if failed != nil {
		if first := p.first(failed); first != "" {
			fmt.Fprintf(p.a.Out, "\n%s\n", strings.Join(terminal.Wrap("mend first: "+first, p.a.Out.Width()-1), "\n"))
		}
		again := p.rerunAll(failed) // on one line, to be copied
		fmt.Fprintf(p.a.Out, "\n%s %s\n", p.a.Style.Accent("rerun:"), safetext.Line(again))
		for hidden, what := range map[string]string{"***": "password", ": …'": "value"} {
			if strings.Contains(again, hidden) {
				fmt.Fprintln(p.a.Out, p.a.Style.Faint(fmt.Sprintf(`put the %s where %s is; one in a variable is printed as "$NAME"`, what, strings.Trim(hidden, ":' "))))
			}
		}
	}
	if e := s.Exercised; e != nil {
		fmt.Fprintf(p.a.Out, "\n%s\n", p.a.Style.Faint(exercised(e)))
	}
	word, colour := p.answer()
	names := ""
	if failed != nil {
		var ids []string
		for _, r := range failed {
			ids = append(ids, r.ID)
		}
		names = ": " + strings.Join(ids, ", ")
	}
	if s.Unreachable != "" && len(p.notRun) == len(p.all) {
		return // the error says it
	}
	text := fmt.Sprintf("%s: %s (%s in %s)%s", word, p.reports.Report.Total().Text(), units.Count(s.Requests, "request"), units.Time(units.FromMilliseconds(s.ElapsedMS)), names)
	lines := terminal.Wrap(text, p.a.Out.Width()-1)
	lines[0] = colour(word) + strings.TrimPrefix(lines[0], word)
	fmt.Fprintf(p.a.Out, "\n%s\n", strings.Join(lines, "\n"))
}

// tried says what a run that found nothing wrong tried, and what it did not; either
// may be empty.
func (p *printer) tried(s check.Summary) (tried, not string) {
	if p.worse > 0 {
		return "", ""
	}
	if p.doubtful == 0 {
		not = strings.Join(s.NotShown, "; ")
	}
	return strings.Join(s.Shown, "; "), not
}

// limits prints a text under a name in as few lines as it takes.
func (p *printer) limits(before, name, text string) {
	if text == "" {
		return
	}
	for _, line := range terminal.Hang(before+p.a.Style.Faint(name+":")+" ", terminal.Wrap(safetext.Line(text), p.a.Out.Width()-len(name)-3)) {
		fmt.Fprintln(p.a.Out, line)
	}
}

// exercised says what the crash checks did.
func exercised(e *check.Exercised) string {
	text := "restarted " + units.Count(e.Restarts, "time")
	if more := e.Points; more.Planned > 0 && more != e.Kills {
		text = fmt.Sprintf("disturbed at %d of %s of a delivery, %s", more.Reached, units.Count(more.Planned, "point"), text)
	}
	if e.Kills.Planned > 0 {
		text = fmt.Sprintf("killed at %d of %s, %s", e.Kills.Reached, units.Count(e.Kills.Planned, "point"), text)
	}
	return text
}

// failed are the results that made the run fail.
func (p *printer) failed() []check.Result {
	var failed []check.Result
	for _, r := range p.all {
		if r.Verdict == check.Fail && (p.plan.baseline == nil || p.plan.baseline.Worse(r)) {
			failed = append(failed, r)
		}
	}
	return failed
}
