package report

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"strings"

	"github.com/julianctl/julianctl/pkg/safetext"
	"github.com/julianctl/julianctl/pkg/units"
	"github.com/julianctl/julianctl/pkg/validate"
)

// OfDocument is the case of a document, or of a source without one, that was
// validated.
func OfDocument(name string, issues []validate.Issue) Case {
	c := Case{Name: name, Verdict: Pass, Findings: issues}
	var t Tally
	t.add(c)
	switch {
	case t.Findings[validate.Error] > 0:
		c.Verdict = Fail
	case len(issues) > 0:
		c.Verdict = Warn
	}
	if len(issues) == 1 {
		c.Message = issues[0].Rule + ": " + messageOf(issues[0])
	} else if len(issues) > 1 {
		c.Message = t.findings()
	}
	return c
}

// messageOf returns the message of a finding, in one line, without its place.
func messageOf(f validate.Issue) string {
	if f.Pointer == "" {
		return safetext.Line(f.Message)
	}
	return safetext.Line(f.Pointer + ": " + f.Message)
}

// messageWithHint is messageOf with the hint.
func messageWithHint(f validate.Issue) string {
	if f.Hint == "" {
		return messageOf(f)
	}
	return messageOf(f) + " (" + safetext.Line(f.Hint) + ")"
}

// place is file:line:column, as far as it is known.
func place(f validate.Issue) string {
	if f.Line == 0 {
		return safetext.Line(f.File)
	}
	return safetext.Line(fmt.Sprintf("%s:%d:%d", f.File, f.Line, f.Column))
}

// findings is the tally of findings in words, such as "2 errors, 1 warning".
func (t Tally) findings() string {
	return units.Count(t.Findings[validate.Error], "error") + ", " + units.Count(t.Findings[validate.Warning], "warning")
}

// Text is the tally of cases in words, such as "2 passed, 1 failed".
func (t Tally) Text() string {
	var parts []string
	for _, v := range []struct {
		verdict Verdict
		word    string
	}{{Pass, "passed"}, {Warn, "passed with warnings"}, {Fail, "failed"}, {Undecided, "undecided"}, {Skip, "skipped"}} {
		if n := t.Cases[v.verdict]; n > 0 {
			parts = append(parts, units.Number(n)+" "+v.word)
		}
	}
	if len(parts) == 0 {
		return "nothing checked"
	}
	if t.Accepted > 0 {
		parts = append(parts, units.Number(t.Accepted)+" of them accepted")
	}
	return strings.Join(parts, ", ")
}

// sum is how many findings there are.
func (t Tally) sum() int { return t.Findings[validate.Error] + t.Findings[validate.Warning] }

// more says how much is not shown; "" if all is.
func (t Tally) more() string {
	if t.sum() == 0 {
		return ""
	}
	return fmt.Sprintf("and %s more: %s", units.Number(t.sum()), t.findings())
}

// fingerprints makes unique fingerprints. They do not depend on the line, so a finding
// keeps its fingerprint if lines are added before it; equal findings are numbered.
type fingerprints map[[sha256.Size]byte]int

func (p fingerprints) of(f validate.Issue) string {
	same := sha256.Sum256(fmt.Appendf(nil, "%q %q %q %q", f.File, f.Rule, f.Pointer, f.Message))
	p[same]++
	nth := sha256.Sum256(fmt.Append(same[:], p[same]))
	return hex.EncodeToString(nth[:16])
}
