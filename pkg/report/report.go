// Package report writes results for machines: NDJSON records for scripts and
// one result model in the formats that CI systems read.
//
// It does not decide anything: verdicts come from the packages that judge.
package report

import (
	"io"
	"time"
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
	Name    string // unique within its report
	Group   string
	Verdict Verdict
	Message string        // one line: why the verdict
	Detail  string        // further lines; may be empty
	Took    time.Duration // 0 when nobody measured
}

// Report is the outcome of one command.
type Report struct {
	Name    string // of the command: validate, replay, check
	Started time.Time
	Took    time.Duration
	Cases   []Case
}

// Format is one way to write a report.
type Format struct {
	Name  string
	Doc   string
	Write func(io.Writer, Report) error
}

// Formats are the formats of a whole report. Adding a row adds a format to
// every command that offers reports.
var Formats = []Format{
	{"junit", "JUnit XML, as Jenkins, GitLab and others read it", writeJUnit},
}
