package check

import (
	"bytes"
	"cmp"
	"errors"
	"fmt"
	"io"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/julianctl/julianctl/pkg/check"
	"github.com/julianctl/julianctl/pkg/checklist"
	"github.com/julianctl/julianctl/pkg/cli"
	"github.com/julianctl/julianctl/pkg/report"
	"github.com/julianctl/julianctl/pkg/safetext"
	"github.com/julianctl/julianctl/pkg/terminal"
	"github.com/julianctl/julianctl/pkg/units"
)

// printer shows results in the form that --format asks for.
type printer struct {
	a       *cli.App
	o       options
	plan    *checkPlan
	out     io.Writer // of records
	records *report.Records
	reports *cli.Reports
	kept    bytes.Buffer // records for --report json=FILE

	all      []check.Result
	notRun   []check.Result      // because of the endpoint as a whole
	cases    []report.Case       // as reports have them
	saved    map[string][]string // files of payloads, by check, and what they are
	dir      string              // of those files; empty: there is none yet
	printed  bool                // a result was
	worse    int                 // than the baseline, of those that failed
	doubtful int                 // the same, of those that stayed undecided
	progress *terminal.Progress  // nil: none is shown
	mu       sync.Mutex
	step     check.Step
	doing    string    // of a crash check
	over     time.Time // about when the crash checks are; zero: not known
	share    float64   // of the run that is over, as shown: it never falls
	err      error
}

// jsonReport is a report that is made of the records.
const jsonReport = "json"

func newPrinter(a *cli.App, o options, plan *checkPlan) (*printer, error) {
	p := &printer{a: a, o: o, plan: plan}
	formats := append(cli.ReportFormats(false), report.Format{
		Name: jsonReport, Doc: "the records of --format json",
		Write: func(w io.Writer, _ report.Report) error { _, err := w.Write(p.kept.Bytes()); return err },
	})
	stdout := o.format
	if stdout == "json" {
		stdout = "" // records are written as they come
	}
	var err error
	if p.reports, err = cli.NewReports(a, "check", stdout, o.reports, formats); err != nil {
		return nil, err
	}
	p.reports.Annotate = o.format == "text" && a.Env("GITHUB_ACTIONS") == "true"
	p.out = &p.kept
	if o.format == "json" {
		p.out = io.MultiWriter(a.Out, &p.kept)
	}
	p.records = report.NewRecords(p.out, "check")
	checks, over, requests := checklist.Planned(plan.options)
	text := units.Count(checks, "check")
	if over > 0 {
		text += fmt.Sprintf(", %d of them past --max-requests", over)
	}
	if plan.options.Probe == nil && plan.options.Batch == nil {
		recipe := nearestRecipe(a.Env)
		if o.supervise.exec != "" { // the port is any free one
			recipe = strings.ReplaceAll(recipe, ":8080/", ":{port}/")
		}
		a.Note("no probe: calls that are lost or processed twice are not seen; add one, such as %s", recipe)
	}
	text = fmt.Sprintf("checking %s, seed %d: %s, at most %s", safetext.Line(plan.subject(a, o)), o.seed, text, units.Count(requests, "request"))
	if pause := checklist.LongestPause(plan.options); pause > plan.options.Pause {
		text += ", at least " + units.Time(pause)
	}
	if a.Err.IsTTY() {
		text = strings.Join(terminal.Wrap(text, a.Err.Width()-1), "\n")
	}
	a.Note("%s", text)
	return p, nil
}

// subject is what is checked: a URL, or the command that starts it.
func (p *checkPlan) subject(a *cli.App, o options) string {
	switch {
	case p.options.Client != nil:
		return p.options.Client.Target().String()
	case o.supervise.exec != "":
		return o.supervise.exec
	}
	return a.Config.To
}

// tell says what a crash check does now, and about how long all of them take.
func (p *printer) tell(what string, left time.Duration) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.doing, p.over = what, time.Time{}
	if left > 0 {
		p.over = time.Now().Add(left)
	}
}

// begin tells of the progress from now on, unless records run over the same
// terminal. It returns what is to be shown of each step.
func (p *printer) begin() func(check.Step) {
	if p.o.format == "text" || !p.a.Out.IsTTY() {
		p.progress = p.a.Progress(func(elapsed time.Duration) (float64, []string) {
			p.mu.Lock()
			defer p.mu.Unlock()
			s := p.step
			if p.doing == "" {
				p.share = max(p.share, float64(s.Done)/float64(max(1, s.Checks)))
			}
			if s.ID == "" {
				return p.share, []string{"waiting for " + cmp.Or(s.Waiting, "the first answer")}
			}
			words := []string{fmt.Sprintf("check %d of %d", min(s.Done+1, s.Checks), s.Checks)}
			if p.doing == "" {
				return p.share, append(words, s.ID, units.Count(s.Requests, "request"))
			}
			// A crash check sends few requests, and waits.
			if left := time.Until(p.over).Round(time.Second); left > 0 {
				p.share = max(p.share, elapsed.Seconds()/(elapsed+left).Seconds())
				words = append(words, fmt.Sprintf("about %s left", units.Time(left)))
			}
			return p.share, append(words, p.doing)
		})
	}
	return func(s check.Step) {
		p.mu.Lock()
		defer p.mu.Unlock()
		p.step, p.doing = s, ""
	}
}

func (p *printer) end() { p.progress.End() }

// record is a result as it is written down.
type record struct {
	check.Result
	Rerun    string        `json:"rerun,omitempty"`    // the command that confirms a fix
	Baseline check.Verdict `json:"baseline,omitempty"` // of the earlier run
	Worse    bool          `json:"worse,omitempty"`    // than in the earlier run
}

func (p *printer) result(r check.Result) {
	r = p.hide(r)
	r.SameCause = checklist.SameCause(r, p.all)
	record := record{Result: r}
	if r.Verdict == check.Fail || r.Verdict == check.Warn {
		record.Rerun = p.rerun(r)
	}
	if p.plan.baseline != nil {
		record.Baseline, record.Worse = p.plan.baseline[r.ID], p.plan.baseline.Worse(r)
	}
	counts := p.plan.baseline == nil || record.Worse
	if counts && r.Verdict == check.Fail {
		p.worse++
	}
	if counts && r.Verdict == check.Undecided {
		p.doubtful++
	}
	p.all = append(p.all, r)
	p.err = errors.Join(p.err, p.records.Write("check", record))
	p.save(r)
	p.cases = append(p.cases, p.caseOf(r, counts))
	if r.NotRun {
		p.notRun = append(p.notRun, r)
	}
}

// save writes the payloads of a failed check that were answered with a 5xx.
func (p *printer) save(r check.Result) {
	if r.Verdict != check.Fail {
		return
	}
	for i, refused := range r.Refused {
		if p.dir == "" {
			dir, err := p.a.TempFolder("julianctl-check-")
			if err != nil {
				p.err = errors.Join(p.err, err)
				return
			}
			p.dir, p.saved = dir, map[string][]string{}
		}
		name := filepath.Join(p.dir, fmt.Sprintf("%s-%d.json", r.ID, i+1))
		if err := p.a.WritePayload(name, refused.Payload); err != nil {
			p.err = errors.Join(p.err, err)
			return
		}
		text := fmt.Sprintf("%s (%s: %d)", name, refused.What, refused.Status)
		if refused.Differs != "" {
			text += "; only there: " + refused.Differs
		}
		p.saved[r.ID] = append(p.saved[r.ID], text)
	}
}

// report hands the cases to the reports, failures first.
func (p *printer) report() {
	for _, verdict := range report.VerdictsByWeight {
		for _, c := range p.cases {
			if c.Verdict == verdict {
				p.reports.Add(c)
			}
		}
	}
}

// safe is a text without what is secret in it.
func (p *printer) safe(s string) string { return safetext.WithoutPasswords(p.a.Hide(s)) }

// hide takes out of a result what an endpoint repeated of the secrets.
func (p *printer) hide(r check.Result) check.Result {
	r.Message = p.safe(r.Message)
	if p.o.supervise.values {
		r.Timeline = withValues(r.Timeline)
	}
	for i := range r.Timeline {
		r.Timeline[i].What, r.Timeline[i].Result = p.safe(r.Timeline[i].What), p.safe(r.Timeline[i].Result)
	}
	for i := range r.Details {
		r.Details[i] = p.safe(r.Details[i])
	}
	for i := range r.Evidence {
		r.Evidence[i].Error = p.safe(r.Evidence[i].Error)
	}
	for i := range r.Effects {
		r.Effects[i].Error = p.safe(r.Effects[i].Error)
	}
	return r
}

// caseOf is a result as reports have it. What was as bad before is accepted, as
// the exit code says.
func (p *printer) caseOf(r check.Result, counts bool) report.Case {
	c := report.Case{
		Name: r.ID, Title: r.Title, Group: r.Group, Verdict: report.Verdict(r.Verdict),
		Message: strings.Join(append([]string{r.Message}, r.Details...), "; "),
		Took:    units.FromMilliseconds(r.TookMS),
	}
	switch {
	case !counts && (r.Verdict == check.Fail || r.Verdict == check.Undecided):
		c.Accepted = "as in the baseline"
	case r.Verdict == check.Undecided && !r.NotRun && p.o.allowUndecided:
		c.Accepted = "undecided, which --allow-undecided accepts"
	}
	if r.Verdict == check.Fail || r.Verdict == check.Warn {
		c.Rerun = p.rerun(r)
		if r.SameCause != "" {
			c.Hint = "it fails for the same reason as " + r.SameCause + ": mend that first"
			return c
		}
		c.Detail = timelineText(r) + evidenceText(r)
		for _, file := range p.saved[r.ID] {
			c.Detail += "payload: " + file + "\n"
		}
		c.Detail = strings.TrimRight(c.Detail, "\n")
		c.Why, c.Hint = checklist.Named(r.ID)[0].Why, checklist.Hint(r)
	}
	return c
}

// maxEvidenceLines is how many lines of a kind stand in a report; --format json
// has more.
const maxEvidenceLines = 5

// evidenceText lists what was counted wrong and what was sent, one a line: what the
// result speaks of, where it speaks of some.
func evidenceText(r check.Result) string {
	var b strings.Builder
	list := func(lines []string, all int) {
		for _, line := range lines[:min(len(lines), maxEvidenceLines)] {
			fmt.Fprintln(&b, line)
		}
		if more := all - maxEvidenceLines; len(lines) > 0 && more > 0 {
			fmt.Fprintf(&b, "and %d more\n", more)
		}
	}
	var wrong, named, sent []string
	for _, e := range r.Effects {
		if e.After != e.Want || e.Error != "" {
			wrong = append(wrong, strings.TrimSpace(fmt.Sprintf("%s: processed %s, expected %d %s", e.CallID, units.Count(e.After, "time"), e.Want, e.Error)))
		}
	}
	said := strings.Join(append([]string{r.Message}, r.Details...), "\n")
	for _, e := range r.Evidence {
		answer := cmp.Or(e.Error, fmt.Sprint(e.Status))
		line := fmt.Sprintf("%s: %s in %s", strings.TrimSpace(e.What+" "+e.CallID), answer, units.Time(units.FromMilliseconds(e.LatencyMS)))
		if sent = append(sent, line); strings.Contains(said, e.What+": ") {
			named = append(named, line)
		}
	}
	list(wrong, len(wrong))
	if named != nil {
		list(named, len(named))
	} else {
		list(sent, r.Requests)
	}
	if r.SkewMS > 0 {
		fmt.Fprintf(&b, "released within %s\n", units.Time(units.FromMilliseconds(r.SkewMS)))
	}
	return b.String()
}

// rerun is the command that runs one check again.
func (p *printer) rerun(r check.Result) string { return p.rerunAll([]check.Result{r}) }

// rerunAll is the command that runs checks again, with the same payloads but for
// their ids, and those that delivered what one of them counted. A value of a header
// that no variable holds is left for the user to fill in.
func (p *printer) rerunAll(all []check.Result) string {
	var ids []string
	at, pause, budget := "", false, false
	for _, r := range all {
		for _, id := range append([]string{r.ID}, r.Related...) {
			if !slices.Contains(ids, id) {
				ids = append(ids, id)
			}
			pause = pause || id == "after-pause"
			budget = budget || strings.HasPrefix(id, "budget")
		}
		if len(all) == 1 {
			at = r.At
		}
	}
	words := []string{"julianctl", "check"}
	add := func(name, value string) {
		if value != "" && !slices.Contains(p.o.fromConfig, strings.TrimPrefix(name, "--")) {
			words = append(words, name, rerunWord(name, value))
		}
	}
	add("--exec", p.o.supervise.exec)
	add("--to", p.a.Config.To)
	words = append(words, "--only", strings.Join(ids, ","), "--seed", fmt.Sprint(p.o.seed))
	add("--at", at)
	if p.plan.options.Supervision != nil {
		p.o.supervise.rerun(p.o, add)
	}
	add("--config", p.o.config)
	add("--probe", p.o.probe.command)
	add("--probe-url", p.o.probe.url)
	add("--probe-path", p.o.probe.path)
	add("--probe-batch", p.o.probe.batch)
	for _, m := range p.o.probe.missing {
		add("--probe-missing", m)
	}
	for _, e := range p.o.probe.expect {
		add("--expect-effects", e)
	}
	for _, h := range p.o.probe.headers {
		add("--probe-header", h)
	}
	add("--also", p.o.also)
	if p.o.profile == profileThorough {
		add("--profile", p.o.profile)
	}
	add("--agent", p.o.agent)
	for _, v := range p.o.sets.Known {
		add("--set", v)
	}
	for _, v := range p.o.sets.Added {
		add("--set-new", v)
	}
	if p.o.probe.settle > 0 {
		add("--settle", p.o.probe.settle.String())
	}
	if budget {
		add("--budget", p.o.budget)
	}
	add("--cleanup", p.o.cleanup)
	if p.a.Config.Origin["timeout"].Flag != "" {
		add("--timeout", p.a.Config.Timeout.String())
	}
	if pause {
		add("--pause", p.o.pause.String())
	}
	add("--agent-shape", p.o.agentShape)
	if p.o.allowUndecided {
		words = append(words, "--allow-undecided")
	}
	for _, host := range p.o.delivery.AllowHosts {
		add("--allow-host", host)
	}
	if p.o.delivery.Insecure {
		words = append(words, "--insecure")
	}
	add("--cacert", p.o.delivery.CaCert)
	for _, h := range p.o.delivery.Headers {
		add("-H", h)
	}
	return strings.Join(words, " ")
}

func (p *printer) summary(s check.Summary) error {
	s.Unreachable, s.Probe = p.safe(s.Unreachable), p.safe(s.Probe)
	p.report()
	p.err = errors.Join(p.err, p.records.Write("summary", p.summaryRecord(s)))
	if p.reports.Wanted() || p.a.Env("GITHUB_STEP_SUMMARY") != "" {
		p.reports.Report.Overview = p.overview(s)
	}
	if p.o.format == "text" {
		p.results()
		p.checksNotRun(s)
		p.verdict(s)
	}
	return p.err
}

// summary is the last record.
type summary struct {
	Pass      int `json:"pass"`
	Warn      int `json:"warn"`
	Fail      int `json:"fail"`
	Undecided int `json:"undecided"`
	Skip      int `json:"skip"`
	// Accepted is how many of them do not count, because of --baseline or
	// --allow-undecided.
	Accepted int `json:"accepted,omitempty"`
	check.Summary
}

func (p *printer) summaryRecord(s check.Summary) summary {
	t := p.reports.Report.Total()
	n := t.Cases
	return summary{n[report.Pass], n[report.Warn], n[report.Fail], n[report.Undecided], n[report.Skip], t.Accepted, s}
}

// answer is the verdict of the run in a few words.
func (p *printer) answer() (string, terminal.Paint) {
	style, n := p.a.Style, p.reports.Report.Total().Cases
	switch {
	case p.worse > 0 && p.plan.baseline != nil:
		return "worse than the baseline", style.Bad
	case p.worse > 0:
		return "the endpoint is not ready", style.Bad
	case p.doubtful > 0:
		return "not decided", style.Warn
	case n[report.Fail]+n[report.Undecided] > 0:
		return "no worse than the baseline", style.Good
	case n[report.Pass]+n[report.Warn] == 0:
		return "nothing was checked", style.Warn
	}
	return "the endpoint holds up", style.Good
}

// exit turns the verdict into the exit code; code is that of writing reports.
func (p *printer) exit(s check.Summary, code int) error {
	n := p.reports.Report.Total().Cases
	switch {
	case p.worse > 0:
		return cli.Verdict(cli.ExitNo)
	case n[report.Pass]+n[report.Warn]+n[report.Fail]+n[report.Undecided] == 0 && !p.o.allowUndecided:
		return cli.Verdict(cli.ExitFailure) // what was not looked at does not hold
	case s.Refused != "":
		hint := cmp.Or(s.WrongPath, "look at one delivery alone: --only sample")
		return cli.Failure(fmt.Errorf("endpoint %q: %s", p.plan.subject(p.a, p.o), p.safe(s.Refused)), hint)
	case (s.Unreachable == "" || p.notRun == nil) && (p.doubtful == 0 || p.o.allowUndecided):
		return cli.Verdict(code)
	case s.Unreachable != "":
		hint := "start the endpoint, wait for it with --ready-timeout 30s, or say with --to where it is"
		if s.Silent {
			hint = "it takes connections and does not answer: see what holds it up, or wait longer with --timeout"
		}
		return cli.Failure(fmt.Errorf("endpoint %q: %s", p.a.Config.To, p.safe(s.Unreachable)), hint)
	}
	if s.Probe == check.ProbeNone {
		p.a.Hint("count effects with --probe or --probe-url, or accept what is undecided with --allow-undecided")
	}
	return cli.Verdict(cli.ExitFailure)
}
