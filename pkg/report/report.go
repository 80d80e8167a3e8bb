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
	"fmt"
	"io"
	"iter"
	"maps"
	"strings"
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
	Message string // one line: why the verdict
	// Accepted says why a verdict that is not good fails nobody, such as "as in
	// the baseline"; empty: it does. It is counted as what it is, and apart.
	Accepted string
	Detail   string        // further lines; may be empty
	Took     time.Duration // 0 when nobody measured
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

// Tally counts cases by their verdict and findings by their severity. Whatever
// says how many there are says it from here.
type Tally struct {
	Cases    map[Verdict]int
	Accepted int // of Cases, whose verdict was accepted
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
	verdict := Case{Verdict: c.Verdict, Accepted: c.Accepted}
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
	if c.Accepted != "" {
		t.Accepted++
	}
	for _, f := range c.Findings {
		t.Findings[f.Severity]++
	}
}

// Total counts everything, listed or not. What kept a case from being decided,
// such as a file that cannot be read, is no finding about a payload.
func (r Report) Total() Tally {
	t := Tally{maps.Clone(r.Unlisted.Cases), r.Unlisted.Accepted, maps.Clone(r.Unlisted.Findings)}
	t.add(Case{}) // makes the maps
	for _, c := range r.Cases {
		if c.Verdict == Undecided {
			c.Findings = nil
		}
		t.add(c)
	}
	return t
}

// toShow counts what findings gives, and the findings that are not listed.
func (r Report) toShow() Tally {
	t := Tally{Findings: maps.Clone(r.Unlisted.Findings)}
	for _, f := range r.findings() {
		t.add(Case{Findings: []validate.Issue{f}})
	}
	return t
}

// findings are those of the case; one that has none and did not pass is a
// finding itself.
func (c Case) findings() []validate.Issue {
	severity := validate.Error
	switch {
	case len(c.Findings) > 0, c.good():
		return c.Findings
	case c.Verdict == Warn || c.Accepted != "":
		severity = validate.Warning
	}
	return []validate.Issue{{Rule: c.Name, Severity: severity, Message: c.says(), Hint: c.Detail}}
}

// says is the message, and why the verdict is accepted.
func (c Case) says() string {
	if c.Accepted != "" {
		return c.Accepted + ": " + c.Message
	}
	return c.Message
}

// findings gives the listed findings with the case of each. Cases that stayed
// undecided for the same reason, such as that nobody answered, are one finding.
func (r Report) findings() iter.Seq2[Case, validate.Issue] {
	return func(yield func(Case, validate.Issue) bool) {
		alike := r.alike()
		for i, c := range r.Cases {
			others, found := alike[i]
			if found && others == nil {
				continue // told with the first
			}
			for _, f := range c.findings() {
				if others != nil {
					f.Rule = fmt.Sprintf("%s and %d more", c.Name, len(others))
					if len(others) < few {
						f.Rule = c.Name + ", " + strings.Join(others, ", ")
					}
				}
				if !yield(c, f) {
					return
				}
			}
		}
	}
}

// alike finds cases that stayed undecided for the same reason: the first, by its
// number, has the names of the others, and those have nil.
func (r Report) alike() map[int][]string {
	type reason struct{ accepted, message string }
	first := map[reason]int{}
	alike := map[int][]string{}
	for i, c := range r.Cases {
		if c.Verdict != Undecided || len(c.Findings) > 0 || c.Detail != "" || c.Message == "" {
			continue
		}
		why := reason{c.Accepted, c.Message}
		at, found := first[why]
		if !found {
			first[why] = i
			continue
		}
		alike[at] = append(alike[at], c.Name)
		alike[i] = nil
	}
	return alike
}

// few is how many names of cases that are alike are worth reading.
const few = 5

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
