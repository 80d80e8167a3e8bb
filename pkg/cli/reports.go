package cli

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"iter"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"github.com/julianctl/julianctl/pkg/payload"
	"github.com/julianctl/julianctl/pkg/report"
	"github.com/julianctl/julianctl/pkg/safetext"
	"github.com/julianctl/julianctl/pkg/units"
	"github.com/julianctl/julianctl/pkg/validate"
	"github.com/spf13/cobra"
)

// ReportFormats are the formats of reports for a command that knows places in
// files, or for one that does not.
func ReportFormats(places bool) []report.Format {
	return slices.DeleteFunc(slices.Clone(report.Formats), func(f report.Format) bool { return f.Places && !places })
}

func formatNames(formats []report.Format) []string {
	names := make([]string, len(formats))
	for i, f := range formats {
		names[i] = f.Name
	}
	return names
}

// findFormat is nil when there is none of that name.
func findFormat(formats []report.Format, name string) *report.Format {
	if i := slices.IndexFunc(formats, func(f report.Format) bool { return f.Name == name }); i >= 0 {
		return &formats[i]
	}
	return nil
}

// ReportFlags declares --format and --report.
func ReportFlags(cmd *cobra.Command, format *string, files *[]string, formats []report.Format) {
	names := formatNames(formats)
	FormatFlag(cmd, format, append([]string{"text", "json"}, names...)...)
	cmd.Flags().StringArrayVar(files, "report", nil, "also write a report, FORMAT=FILE (repeatable); FORMAT is one of "+strings.Join(names, ", "))
}

// Reports are what a command writes for CI systems: one in place of its output,
// others into files, and into the log and the summary of GitHub Actions.
type Reports struct {
	a      *App
	Report report.Report
	stdout *report.Format // of --format; nil when that is text or json
	files  []reportFile
	// Annotate adds GitHub's annotations to the text. They go to stderr, which
	// the runner reads as well: stdout is the same everywhere.
	Annotate bool
	bases    []string // folders that paths are shown relative to, the best first
	last     struct{ path, relative string }
}

type reportFile struct {
	format report.Format
	path   string
}

// reportHint is for a report in a format that does not exist. A file alone tells its
// format by its ending.
func reportHint(name, path string, names []string) string {
	format, _ := map[string]string{".xml": "junit", ".md": "markdown", ".html": "html", ".json": "json", ".sarif": "sarif"}[filepath.Ext(name)]
	if path == "" && slices.Contains(names, format) {
		return fmt.Sprintf("did you mean %q?", format+"="+name)
	}
	return DidYouMean(name, names, "want one of "+strings.Join(names, ", "))
}

// NewReports reads the values of --format and --report.
func NewReports(a *App, name, format string, files []string, formats []report.Format) (*Reports, error) {
	r := &Reports{a: a, Report: report.Report{Name: name, Version: Version(), Started: a.Now()}}
	r.stdout = findFormat(formats, format)
	for _, value := range files {
		name, path, _ := strings.Cut(value, "=")
		f := findFormat(formats, name)
		switch {
		case f == nil:
			names := formatNames(formats)
			return nil, UsageError(fmt.Errorf("--report %q: no such format %q", value, name), reportHint(name, path, names))
		case path == "" || path == "-":
			return nil, UsageError(fmt.Errorf("--report %q names no file", value), fmt.Sprintf("want --report %s=FILE; --format %s writes to stdout", name, name))
		case slices.ContainsFunc(r.files, func(other reportFile) bool { return filepath.Clean(other.path) == filepath.Clean(path) }):
			return nil, UsageError(fmt.Errorf("--report %q: a report is written to that file already", value), "")
		}
		r.files = append(r.files, reportFile{*f, path})
	}
	for _, base := range []string{a.Env("GITHUB_WORKSPACE"), a.Env("CI_PROJECT_DIR"), "."} {
		if abs, err := filepath.Abs(base); base != "" && err == nil {
			r.bases = append(r.bases, abs)
		}
	}
	return r, nil
}

// Wanted reports whether there is anything to write.
func (r *Reports) Wanted() bool { return r.stdout != nil || len(r.files) > 0 || r.Annotate }

// Has reports whether one of the formats is to be written.
func (r *Reports) Has(names ...string) bool {
	return r.stdout != nil && slices.Contains(names, r.stdout.Name) ||
		slices.ContainsFunc(r.files, func(f reportFile) bool { return slices.Contains(names, f.format.Name) })
}

// Add adds a case to the report.
func (r *Reports) Add(c report.Case) {
	c.Findings = slices.Clone(c.Findings)
	for i := range c.Findings {
		c.Findings[i].File = r.Relative(c.Findings[i].File)
	}
	r.Report.Add(c)
}

// Relative is a path as CI systems want it: from the root of the repository,
// or of the working folder where that is not known, with slashes. A path
// outside both is absolute.
func (r *Reports) Relative(path string) string {
	if path != r.last.path { // a file has many documents
		r.last.path, r.last.relative = path, r.relativeTo(path)
	}
	return r.last.relative
}

func (r *Reports) relativeTo(path string) string {
	abs, err := filepath.Abs(path)
	if err != nil || path == "" || path == payload.Stdin {
		return path
	}
	for _, base := range r.bases {
		if rel, err := filepath.Rel(base, abs); err == nil && filepath.IsLocal(rel) {
			return filepath.ToSlash(rel)
		}
	}
	return abs
}

// Write writes all reports and returns the exit code of that: a file that
// cannot be written says so.
func (r *Reports) Write(ctx context.Context) int {
	r.Report.Took = r.a.Now().Sub(r.Report.Started)
	if r.stdout != nil {
		_ = r.stdout.Write(r.a.Out, r.Report) // output keeps its first error
	}
	code := ExitYes
	for _, f := range r.files {
		var b bytes.Buffer
		err := f.format.Write(&b, r.Report)
		if err == nil {
			err = r.a.WriteReport(f.path, b.Bytes())
		}
		if err != nil {
			code = Worst(code, r.a.Report(ctx, Failure(fmt.Errorf("--report %s: %w", f.format.Name, err), "")))
		}
	}
	if r.Annotate {
		_ = findFormat(report.Formats, "github").Write(r.a.Err, r.Report) // output keeps its first error
	}
	if r.Annotate || r.stdout != nil && r.stdout.Name == "github" {
		r.summarize()
	}
	return code
}

// maxJobSummary is the size over which GitHub drops the summary of a step.
const maxJobSummary = 1 << 20

// summarize adds to the summary of a step of GitHub Actions, if there is one. Errors are
// ignored, because the user did not ask for it.
func (r *Reports) summarize() {
	path := r.a.Env("GITHUB_STEP_SUMMARY")
	if path == "" {
		return
	}
	b := bytes.NewBufferString("\n") // ends what came before
	err := findFormat(report.Formats, "markdown").Write(b, r.Report)
	if err == nil {
		err = appendFile(path, b.Bytes(), maxJobSummary)
	}
	if err != nil {
		r.a.Note("no job summary: %s", safetext.Line(err.Error()))
	}
}

// appendFile appends data in one write, unless the file would be larger than
// limit then. It makes no file.
func appendFile(path string, data []byte, limit int64) error {
	f, err := os.OpenFile(path, os.O_WRONLY|os.O_APPEND, 0)
	if err != nil {
		return err
	}
	size, err := f.Seek(0, io.SeekEnd)
	if err == nil && size+int64(len(data)) > limit {
		err = fmt.Errorf("%q would be larger than %s", path, units.Size(limit))
	}
	if err == nil {
		_, err = f.Write(data)
	}
	return errors.Join(err, f.Close())
}

// ByDocument adds a case to the report for each document of the results, which
// tell them apart, as it passes them on.
func (r *Reports) ByDocument(results iter.Seq[validate.Result]) iter.Seq[validate.Result] {
	return func(yield func(validate.Result) bool) {
		for result := range results {
			for _, doc := range result.Each {
				r.Add(report.OfDocument(r.nameOf(doc), doc.Issues))
			}
			if e, ok := errors.AsType[*payload.Error](result.Err); ok {
				r.Add(UnreadableCase(r.Relative(e.Source), e))
			}
			if !yield(result) {
				return
			}
		}
	}
}

// nameOf is where a document begins, as far as that is known.
func (r *Reports) nameOf(doc validate.Outcome) string {
	name := r.Relative(doc.Source)
	if doc.Line > 0 {
		name += ":" + strconv.Itoa(doc.Line)
	}
	if doc.Column > 1 { // others may stand on the same line
		name += ":" + strconv.Itoa(doc.Column)
	}
	return name
}

// UnreadableCase is the case of a source that could not be read, or not to its end.
func UnreadableCase(name string, e *payload.Error) report.Case {
	message := e.Err.Error()
	return report.Case{Name: name, Verdict: report.Undecided, Message: message, Findings: []validate.Issue{
		{File: e.Source, Line: e.Line, Column: e.Column, Rule: "unreadable", Severity: validate.Error, Message: message},
	}}
}
