// Package report writes results for machines: NDJSON records for scripts and
// one result model in the formats that CI systems read.
//
// It does not decide anything: verdicts come from the packages that judge. It
// owns what a report may hold, so that neither the memory nor a CI system's
// limits are exceeded: see [Report.Add].
//
// Text in a report may quote a payload or an answer and is made safe here,
// where it is written: no format passes on what acts on a terminal, in a CI
// log or in a web page.
package report

import (
	"io"
	"iter"
	"maps"
	"time"

	"github.com/julianctl/julianctl/pkg/validate"
)

// Verdict is what became of one case.
type Verdict string

// The verdicts.
const (
	Pass      Verdict = "PASS"
	Warn      Verdict = "WARN"      // right, but worth a look
	Fail      Verdict = "FAIL"      // wrong
	Undecided Verdict = "UNDECIDED" // there is no evidence either way
	Skip      Verdict = "SKIP"      // not asked
)

// Case is one thing that was judged: a document, a delivery, a check.
type Case struct {
	Name    string // formats that need unique names number those that repeat
	Title   string // what is said of it, where that is more than its name; may be empty
	Group   string
	Verdict Verdict
	Message string        // one line: why the verdict
	Detail  string        // further lines; may be empty
	Took    time.Duration // 0 when nobody measured
	// Findings are the places that the verdict comes from, where it comes from
	// places in files.
	Findings []validate.Issue
}

// Report is the outcome of one command.
type Report struct {
	Name    string // of the command: validate, replay, check
	Version string // of the program; may be empty
	Started time.Time
	Took    time.Duration
	Rules   []validate.Rule // that findings may name
	Cases   []Case          // what is listed
	// Unlisted counts what [Report.Add] did not list.
	Unlisted Tally
	// Overview may be nil.
	Overview *Overview

	listed Tally
	text   int // bytes of text that Add listed
}

// Tally counts cases by their verdict and findings by their severity.
type Tally struct {
	Cases    map[Verdict]int
	Findings map[validate.Severity]int
}

// What a report lists. GitHub shows 5,000 findings and refuses a file with more
// than 25,000; people read fewer.
const (
	maxCases    = 5000    // of each verdict
	maxFindings = 5000    // of each severity
	maxText     = 8 << 20 // bytes of names and messages, but for one case more
)

// Add lists a case, or only counts it: a report lists the first 5,000 cases of
// each verdict and the first 5,000 findings of each severity, so that many
// warnings do not crowd out an error, and no more than some 8 MiB of text. Each
// format says how many are not listed.
func (r *Report) Add(c Case) {
	if r.listed.Cases[c.Verdict] >= maxCases || r.text >= maxText {
		r.Unlisted.add(c)
		return
	}
	r.text += len(c.Name) + len(c.Message) + len(c.Detail)
	findings := c.Findings
	c.Findings = nil
	for i, f := range findings {
		one := Case{Findings: findings[i : i+1]}
		if r.listed.Findings[f.Severity] >= maxFindings || r.text >= maxText {
			r.Unlisted.add(one)
			continue
		}
		r.listed.add(one)
		r.text += len(f.Pointer) + len(f.Message) + len(f.Hint)
		f.Excerpt = validate.Excerpt{} // no format shows it: pieces of payloads stay out
		c.Findings = append(c.Findings, f)
	}
	verdict := Case{Verdict: c.Verdict}
	if len(findings) > 0 && len(c.Findings) == 0 {
		r.Unlisted.add(verdict)
		return
	}
	r.listed.add(verdict)
	r.Cases = append(r.Cases, c)
}

// add counts a case, unless it has no verdict, and its findings.
func (t *Tally) add(c Case) {
	if t.Cases == nil {
		t.Cases = map[Verdict]int{}
	}
	if t.Findings == nil {
		t.Findings = map[validate.Severity]int{}
	}
	if c.Verdict != "" {
		t.Cases[c.Verdict]++
	}
	for _, f := range c.Findings {
		t.Findings[f.Severity]++
	}
}

// Total counts everything, listed or not.
func (r Report) Total() Tally {
	t := Tally{maps.Clone(r.Unlisted.Cases), maps.Clone(r.Unlisted.Findings)}
	t.add(Case{}) // makes the maps
	for _, c := range r.Cases {
		t.add(c)
	}
	return t
}

// toShow counts what findings gives, and the findings that are not listed.
func (r Report) toShow() Tally {
	t := Tally{Findings: maps.Clone(r.Unlisted.Findings)}
	for _, c := range r.Cases {
		t.add(Case{Findings: c.findings()})
	}
	return t
}

// findings are those of the case; one that has none and did not pass is a
// finding itself.
func (c Case) findings() []validate.Issue {
	severity := validate.Error
	switch {
	case len(c.Findings) > 0, c.Verdict == Pass, c.Verdict == Skip:
		return c.Findings
	case c.Verdict == Warn:
		severity = validate.Warning
	}
	return []validate.Issue{{Rule: c.Name, Severity: severity, Message: c.Message, Hint: c.Detail}}
}

// findings gives the listed findings with the case of each.
func (r Report) findings() iter.Seq2[Case, validate.Issue] {
	return func(yield func(Case, validate.Issue) bool) {
		for _, c := range r.Cases {
			for _, f := range c.findings() {
				if !yield(c, f) {
					return
				}
			}
		}
	}
}

// Format is one way to write a report.
type Format struct {
	Name string
	Doc  string
	// Places: it shows places in files, and is of no use without.
	Places bool
	Write  func(io.Writer, Report) error
}

// Formats are the formats of a whole report. Adding a row adds a format to
// every command that offers reports.
var Formats = []Format{
	{"junit", "JUnit XML, as Jenkins, GitLab and others read it", false, writeJUnit},
	{"sarif", "SARIF 2.1.0, as code scanning reads it", true, writeSARIF},
	{"github", "annotations of GitHub Actions", false, writeGitHub},
	{"gitlab", "GitLab's code quality report", true, writeGitLab},
	{"markdown", "Markdown, as GitHub shows job summaries", false, writeMarkdown},
	{"html", "a web page in one file, which asks no network", false, writeHTML},
}
