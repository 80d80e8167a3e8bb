package report

import (
	"bufio"
	"io"

	"github.com/julianctl/julianctl/pkg/validate"
)

// gitlabFinding is an entry of a code quality report, in the part of the Code
// Climate format that GitLab reads.
type gitlabFinding struct {
	Description string         `json:"description"`
	CheckName   string         `json:"check_name"`
	Fingerprint string         `json:"fingerprint"`
	Severity    string         `json:"severity"` // info, minor, major, critical, blocker
	Location    gitlabLocation `json:"location"`
}

type gitlabLocation struct {
	Path  string `json:"path"` // in the repository, to be exact: escaped as JSON, not altered
	Lines struct {
		Begin int `json:"begin"`
	} `json:"lines"`
}

// writeGitLab writes a JSON array, an entry a line. What is not listed is an
// entry of severity info, in the place of the last finding.
func writeGitLab(w io.Writer, r Report) error {
	out := bufio.NewWriter(w)
	between := "[\n"
	marks := fingerprints{}
	write := func(f validate.Issue, severity string) error {
		entry := gitlabFinding{messageWithHint(f), f.Rule, marks.of(f), severity, gitlabLocation{Path: f.File}}
		entry.Location.Lines.Begin = max(f.Line, 1)
		line, err := encode(entry)
		if err != nil {
			return err
		}
		// bufio.Writer keeps its first error for Flush.
		_, _ = out.WriteString(between)
		_, _ = out.Write(line)
		between = ",\n"
		return nil
	}
	var last validate.Issue
	for _, f := range r.findings() {
		severity := "major"
		if f.Severity == validate.Warning {
			severity = "minor"
		}
		if err := write(f, severity); err != nil {
			return err
		}
		last = f
	}
	if more := r.Unlisted.more(); more != "" {
		if err := write(validate.Issue{File: last.File, Line: last.Line, Rule: "not-listed", Message: more}, "info"); err != nil {
			return err
		}
	}
	if between == "[\n" {
		_, _ = out.WriteString("[")
	}
	_, _ = out.WriteString("\n]\n")
	return out.Flush()
}
