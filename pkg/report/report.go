// Package report writes results for other programs: NDJSON records for scripts, and
// reports in the formats that CI systems read.
//
// It does not decide on verdicts. It limits the size of a report, to save memory and to
// stay within the limits of CI systems; see [Report.Add].
//
// Text in a report may quote a payload or an answer. It is escaped here, in every
// format, so that it is harmless on a terminal, in a CI log and in a web page.
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

// Verdict is the result of one case.
type Verdict string

// The verdicts.
const (
	Pass      Verdict = "PASS"
	Warn      Verdict = "WARN"      // correct, but suspicious
	Fail      Verdict = "FAIL"      // wrong
	Undecided Verdict = "UNDECIDED" // not enough evidence
	Skip      Verdict = "SKIP"      // not evaluated
)

// Case is one thing that was evaluated: a document, a delivery, a check.
type Case struct {
	Name    string // repeated names get a number in formats that need unique ones
	Title   string // a description, if there is more than the name; may be empty
	Group   string
	Verdict Verdict
	Message string // one line: why the verdict
	// Accepted says why a bad verdict does not fail the command, such as "as in the
	// baseline"; empty: it does. Such cases are also counted separately.
	Accepted string
	// Why is what goes wrong where it fails, Hint how people mend it, and Rerun the
	// command that confirms that; each may be empty.
	Why, Hint, Rerun string
	Detail           string        // further lines; may be empty
	Took             time.Duration // 0: not measured
	// Findings are the places in files that led to the verdict, if any.
	Findings []validate.Issue
}

// Report is the result of one command.
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

// Tally counts cases by verdict and findings by severity. All outputs use it.
type Tally struct {
	Cases    map[Verdict]int
	Accepted int // of Cases, whose verdict was accepted
	Findings map[validate.Severity]int
}

// Limits of a report. GitHub shows 5,000 findings and refuses a file with more than
// 25,000.
const (
	maxCases    = 5000    // of each verdict
	maxFindings = 5000    // of each severity
	maxText     = 8 << 20 // bytes of names and messages, but for one case more
)

// Add lists a case, or only counts it. A report lists the first 5,000 cases of each
// verdict and the first 5,000 findings of each severity, so that many warnings do not
// displace an error, and at most about 8 MiB of text. Each format says how many are not
// listed.
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
		f.Excerpt = validate.Excerpt{} // parts of payloads are not reported
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

// Total counts everything, listed or not. A reason why a case is undecided, such as a
// file that cannot be read, is not counted as a finding.
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

// findings returns the findings of the case. A case that did not pass and has none is a
// finding itself.
func (c Case) findings() []validate.Issue {
	severity := validate.Error
	switch {
	case len(c.Findings) > 0, c.good():
		return c.Findings
	case c.Verdict == Warn || c.Accepted != "":
		severity = validate.Warning
	}
	return []validate.Issue{{Rule: c.Name, Severity: severity, Message: c.fullMessage(), Hint: c.lines()}}
}

// lines are what is known of a case beside its message, the most useful first.
func (c Case) lines() string {
	var all []string
	for _, l := range [][2]string{{"hint: ", c.Hint}, {"why: ", c.Why}, {"", c.Detail}, {"rerun: ", c.Rerun}} {
		if l[1] != "" {
			all = append(all, l[0]+l[1])
		}
	}
	return strings.Join(all, "\n")
}

// fullMessage returns the message, and why the verdict is accepted.
func (c Case) fullMessage() string {
	if c.Accepted != "" {
		return c.Accepted + ": " + c.Message
	}
	return c.Message
}

// findings returns the listed findings, each with its case. Cases that are undecided for
// the same reason are one finding.
func (r Report) findings() iter.Seq2[Case, validate.Issue] {
	return func(yield func(Case, validate.Issue) bool) {
		alike := r.alike()
		for i, c := range r.Cases {
			others, found := alike[i]
			if found && others == nil {
				continue // listed with the first
			}
			for _, f := range c.findings() {
				if others != nil {
					f.Rule = fmt.Sprintf("%s and %d more", c.Name, len(others))
					if len(others) < shownNames {
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

// alike groups cases that are undecided for the same reason: the first, by its number,
// has the names of the others, and those have nil.
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

// shownNames is how many names of cases in such a group are shown.
const shownNames = 5

// Format is one way to write a report.
type Format struct {
	Name string
	Doc  string
	// Places: it shows places in files, and is useless without them.
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
