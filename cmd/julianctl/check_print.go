package main

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"strings"
	"sync"
	"time"

	"github.com/julianctl/julianctl/pkg/check"
	"github.com/julianctl/julianctl/pkg/report"
	"github.com/julianctl/julianctl/pkg/safetext"
)

// checkPrinter shows results in the form that --format asks for.
type checkPrinter struct {
	a       *app
	o       checkOptions
	plan    *checkPlan
	out     io.Writer // of records
	records *report.Records
	reports *reports
	kept    bytes.Buffer // records for --report json=FILE

	all      []check.Result
	notRun   []check.Result // because of the endpoint as a whole
	group    []check.Result // of the group that is not printed yet
	printed  bool           // a group was
	worse    int            // than the baseline, of those that failed
	doubtful int            // the same, of those that stayed undecided
	progress *progress      // nil: none is told
	mu       sync.Mutex
	step     check.Step
	doing    string // of a crash check
	err      error
}

// jsonReport is a report that is made of the records.
const jsonReport = "json"

func newCheckPrinter(a *app, o checkOptions, plan *checkPlan) (*checkPrinter, error) {
	p := &checkPrinter{a: a, o: o, plan: plan}
	formats := append(reportFormats(false), report.Format{
		Name: jsonReport, Doc: "the records of --format json",
		Write: func(w io.Writer, _ report.Report) error { _, err := w.Write(p.kept.Bytes()); return err },
	})
	stdout := o.format
	if stdout == "json" {
		stdout = "" // records are written as they come
	}
	var err error
	if p.reports, err = newReports(a, "check", stdout, o.reports, formats); err != nil {
		return nil, err
	}
	p.reports.annotate = o.format == "text" && a.env("GITHUB_ACTIONS") == "true"
	p.out = &p.kept
	if o.format == "json" {
		p.out = io.MultiWriter(a.out, &p.kept)
	}
	p.records = report.NewRecords(p.out, "check")
	checks, over, requests := plan.options.Planned()
	text := countOf(checks, "check", "checks")
	if over > 0 {
		text += fmt.Sprintf(", %d of them past --max-requests", over)
	}
	a.note("checking %s, seed %d: %s, at most %s", a.errStyle.bold(safetext.Line(plan.subject(a, o))), o.seed,
		text, countOf(requests, "request", "requests"))
	return p, nil
}

// subject is what is checked: a URL, or the command that starts it.
func (p *checkPlan) subject(a *app, o checkOptions) string {
	switch {
	case p.options.Client != nil:
		return p.options.Client.Target().String()
	case o.supervise.exec != "":
		return o.supervise.exec
	}
	return a.cfg.To
}

// tell says what a crash check does now.
func (p *checkPrinter) tell(what string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.doing = what
}

// begin tells of the progress from now on, unless records run over the same
// terminal. It returns what is to be told of each step.
func (p *checkPrinter) begin() func(check.Step) {
	if p.o.format == "text" || !p.a.out.isTTY() {
		_, _, requests := p.plan.options.Planned()
		p.progress = p.a.progress(func(time.Duration) (float64, []string) {
			p.mu.Lock()
			defer p.mu.Unlock()
			s := p.step
			if s.ID == "" {
				return 0, []string{"waiting for the first answer"}
			}
			if p.doing != "" {
				s.ID = p.doing
			}
			return float64(s.Requests) / float64(max(1, requests)), []string{
				fmt.Sprintf("check %d of %d", min(s.Done+1, s.Checks), s.Checks), s.ID, countOf(s.Requests, "request", "requests"),
			}
		})
	}
	return func(s check.Step) {
		p.mu.Lock()
		defer p.mu.Unlock()
		p.step, p.doing = s, ""
	}
}

func (p *checkPrinter) end() { p.progress.end() }

// checkRecord is a result as it is written down.
type checkRecord struct {
	check.Result
	Rerun    string        `json:"rerun,omitempty"`    // the command that confirms a fix
	Baseline check.Verdict `json:"baseline,omitempty"` // of the earlier run
	Worse    bool          `json:"worse,omitempty"`    // than in the earlier run
}

func (p *checkPrinter) result(r check.Result) {
	r = p.hide(r)
	record := checkRecord{Result: r}
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
	p.reports.add(p.caseOf(r, counts))
	if r.NotRun {
		p.notRun = append(p.notRun, r)
		return
	}
	if p.o.format != "text" {
		return
	}
	if len(p.group) > 0 && p.group[0].Group != r.Group {
		p.progress.above(p.flush)
	}
	p.group = append(p.group, r)
}

// hide takes out of a result what an endpoint repeated of the secrets.
func (p *checkPrinter) hide(r check.Result) check.Result {
	r.Message = p.a.hide(r.Message)
	for i := range r.Details {
		r.Details[i] = p.a.hide(r.Details[i])
	}
	for i := range r.Evidence {
		r.Evidence[i].Error = p.a.hide(r.Evidence[i].Error)
	}
	for i := range r.Effects {
		r.Effects[i].Error = p.a.hide(r.Effects[i].Error)
	}
	return r
}

// caseOf is a result as reports have it. What was as bad before is accepted, as
// the exit code says.
func (p *checkPrinter) caseOf(r check.Result, counts bool) report.Case {
	c := report.Case{
		Name: r.ID, Title: r.Title, Group: r.Group, Verdict: report.Verdict(r.Verdict),
		Message: strings.Join(append([]string{r.Message}, r.Details...), "; "),
		Took:    time.Duration(r.TookMS * float64(time.Millisecond)),
	}
	switch {
	case !counts && (r.Verdict == check.Fail || r.Verdict == check.Undecided):
		c.Accepted = "as in the baseline"
	case r.Verdict == check.Undecided && p.o.allowUndecided:
		c.Accepted = "undecided, which --allow-undecided accepts"
	}
	if r.Verdict == check.Fail || r.Verdict == check.Warn {
		c.Detail = timelineText(r) + evidenceText(r) + "rerun: " + p.rerun(r)
	}
	return c
}

// maxEvidenceLines is how many lines of a kind stand in a report; --format json
// has more.
const maxEvidenceLines = 10

// evidenceText lists what was counted and what was sent, one a line.
func evidenceText(r check.Result) string {
	var b strings.Builder
	list := func(n, total int, line func(int) string) {
		for i := range min(n, maxEvidenceLines) {
			fmt.Fprintln(&b, line(i))
		}
		if more := total - min(n, maxEvidenceLines); more > 0 {
			fmt.Fprintf(&b, "and %d more\n", more)
		}
	}
	list(len(r.Effects), len(r.Effects), func(i int) string {
		e := r.Effects[i]
		return strings.TrimSpace(fmt.Sprintf("effects of %s: %d before, %d after, want %d %s", e.CallID, e.Before, e.After, e.Want, e.Error))
	})
	list(len(r.Evidence), r.Requests, func(i int) string {
		e := r.Evidence[i]
		answer := e.Error
		if answer == "" {
			answer = fmt.Sprint(e.Status)
		}
		return fmt.Sprintf("%s %s: %s in %.1f ms", e.What, e.CallID, answer, e.LatencyMS)
	})
	if r.SkewMS > 0 {
		fmt.Fprintf(&b, "released within %.3f ms\n", r.SkewMS)
	}
	return b.String()
}

// rerun is the command that runs one check again, with the same payloads but for
// their ids. Values of headers are left for the person to fill in.
func (p *checkPrinter) rerun(r check.Result) string {
	words := []string{"julianctl", "check"}
	add := func(name, value string) {
		if value != "" {
			words = append(words, name, safetext.Shell(value))
		}
	}
	add("--exec", p.o.supervise.exec)
	add("--to", p.a.cfg.To)
	words = append(words, "--only", r.ID, "--seed", fmt.Sprint(p.o.seed))
	add("--at", r.At)
	if p.plan.options.Supervision != nil {
		p.o.supervise.rerun(p.o, add)
	}
	add("--config", p.o.config)
	add("--probe", p.o.probe.command)
	add("--probe-url", p.o.probe.url)
	add("--probe-path", p.o.probe.path)
	if p.o.probe.settleGiven {
		add("--settle", p.o.probe.settle.String())
	}
	if strings.HasPrefix(r.ID, "budget") {
		add("--budget", p.o.budget)
	}
	add("--cleanup", p.o.cleanup)
	if origin := p.a.cfg.origin["timeout"]; strings.HasPrefix(origin, "flag") {
		add("--timeout", p.a.cfg.Timeout.String())
	}
	if r.ID == "after-pause" {
		add("--pause", p.o.pause.String())
	}
	add("--agent-shape", p.o.agentShape)
	if p.o.allowUndecided {
		words = append(words, "--allow-undecided")
	}
	for _, host := range p.o.delivery.allowHosts {
		add("--allow-host", host)
	}
	if p.o.delivery.insecure {
		words = append(words, "--insecure")
	}
	add("--cacert", p.o.delivery.caCert)
	for _, h := range p.o.delivery.headers {
		name, _, _ := strings.Cut(h, ":")
		add("-H", name+": …")
	}
	return strings.Join(words, " ")
}

func (p *checkPrinter) summary(s check.Summary) error {
	s.Unreachable, s.Probe = p.a.hide(s.Unreachable), p.a.hide(s.Probe)
	p.err = errors.Join(p.err, p.records.Write("summary", p.summaryRecord(s)))
	if p.reports.has("html") {
		p.reports.report.Overview = p.overview(s)
	}
	if p.o.format == "text" {
		p.flush()
		p.checksNotRun(s)
		p.verdict(s)
	}
	return p.err
}

// checkSummary is the last record.
type checkSummary struct {
	Pass      int `json:"pass"`
	Warn      int `json:"warn"`
	Fail      int `json:"fail"`
	Undecided int `json:"undecided"`
	Skip      int `json:"skip"`
	// Accepted is how many of them fail nobody, because of --baseline or
	// --allow-undecided.
	Accepted int `json:"accepted,omitempty"`
	check.Summary
}

func (p *checkPrinter) summaryRecord(s check.Summary) checkSummary {
	t := p.reports.report.Total()
	n := t.Cases
	return checkSummary{n[report.Pass], n[report.Warn], n[report.Fail], n[report.Undecided], n[report.Skip], t.Accepted, s}
}

// answer is the verdict of the run in a few words.
func (p *checkPrinter) answer() (string, paint) {
	style, n := p.a.style, p.reports.report.Total().Cases
	switch {
	case p.worse > 0 && p.plan.baseline != nil:
		return "worse than the baseline", style.bad
	case p.worse > 0:
		return "the endpoint is not ready", style.bad
	case p.doubtful > 0:
		return "not decided", style.warn
	case n[report.Fail]+n[report.Undecided] > 0:
		return "no worse than the baseline", style.good
	case n[report.Pass]+n[report.Warn] == 0:
		return "nothing was checked", style.warn
	}
	return "the endpoint holds up", style.good
}

// exit turns the verdict into the exit code; code is that of writing reports.
func (p *checkPrinter) exit(s check.Summary, code int) error {
	n := p.reports.report.Total().Cases
	switch {
	case p.worse > 0:
		return verdict(exitNo)
	case n[report.Pass]+n[report.Warn]+n[report.Fail]+n[report.Undecided] == 0 && !p.o.allowUndecided:
		return verdict(exitUnable) // what was not looked at does not hold
	case p.doubtful == 0 || p.o.allowUndecided:
		return verdict(code)
	case s.Unreachable != "":
		hint := "start the endpoint, wait for it with --ready-timeout, or say with --to where it is"
		if s.Silent {
			hint = "it takes connections and does not answer: see what holds it up, or wait longer with --timeout"
		}
		return unable(fmt.Errorf("endpoint %q: %s", p.a.cfg.To, p.a.hide(s.Unreachable)), hint)
	}
	if s.Probe == check.ProbeNone {
		p.a.hint("count effects with --probe or --probe-url, or accept what is undecided with --allow-undecided")
	}
	return verdict(exitUnable)
}
