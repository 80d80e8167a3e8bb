// Package validate is the command validate: it checks payload files.
package validate

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"maps"
	"runtime"
	"slices"
	"strings"

	"github.com/julianctl/julianctl/pkg/cli"
	"github.com/julianctl/julianctl/pkg/payload"
	"github.com/julianctl/julianctl/pkg/report"
	"github.com/julianctl/julianctl/pkg/safetext"
	"github.com/julianctl/julianctl/pkg/terminal"
	"github.com/julianctl/julianctl/pkg/units"
	"github.com/julianctl/julianctl/pkg/validate"
	"github.com/spf13/cobra"
)

type options struct {
	paths     []string // none: stdin
	format    string
	reports   []string // FORMAT=FILE
	strict    bool
	rules     []string // ID=SEVERITY
	schema    string   // file of a JSON Schema; empty: the documented fields
	maxIssues int      // 0: all
	jobs      int      // 0: one for each core
	listRules bool
	explain   string
	watch     bool
	// cli.ReadAgentShape is the file of a JSON Schema that holds beside the documented
	// fields.
	agentShape string
}

// NewCmd is the command.
func NewCmd(a *cli.App) *cobra.Command {
	var o options
	cmd := &cobra.Command{
		Use:   "validate [PATH…|-]",
		Short: "Check payloads against the schema",
		Long: `validate says whether payloads are valid, and where they are not. A PATH is a file, a
folder, a glob or - for stdin. A file holds one payload, one on each line (NDJSON) or an
array of them, plain or compressed with gzip or zstd.

Exit code 1: a payload is invalid. Exit code 3: something could not be read, or a report
could not be written. Warnings alone exit 0; with --strict they count as errors.

Reports list up to 5,000 errors and up to 5,000 warnings, and say how many more there
are. In GitHub Actions (GITHUB_ACTIONS=true) the text format also annotates the files, by
commands on stderr, and adds to the summary of the job. --format github writes the
annotations to stdout instead of the text.

With --schema payloads are checked against your own JSON Schema, draft 2020-12, instead
of the documented fields. The rules on syntax, encoding, depth, duplicate keys and empty
input still apply; the rules on the meaning of fields do not. The keyword format is
checked. A $ref is read from the folder of the schema or below, never from a network.

With --watch it runs again at each change of a file, until Ctrl-C. The exit code is that
of the last run.`,
		Example: `  julianctl validate sample.json
  julianctl validate --strict payloads/ 'more/**/*.ndjson.gz'
  julianctl generate --count 1000 | julianctl validate
  julianctl validate --rule unknown-field=warn --format json calls.ndjson
  julianctl validate --report sarif=issues.sarif --report junit=tests.xml payloads/
  julianctl validate --schema our.schema.json calls.ndjson
  julianctl validate --agent-shape agent.schema.json calls.ndjson
  julianctl validate --watch payloads/
  julianctl validate --explain duplicate-key`,
		Args: cobra.ArbitraryArgs,
		RunE: func(cmd *cobra.Command, args []string) error {
			o.paths = args
			return run(cmd.Context(), a, o)
		},
	}
	f := cmd.Flags()
	f.BoolVar(&o.strict, "strict", false, "count warnings as errors")
	f.StringArrayVar(&o.rules, "rule", nil, "severity of a rule: ID=error, ID=warn or ID=off (repeatable)")
	f.StringVar(&o.schema, "schema", "", "your own JSON Schema to check against, instead of the documented fields")
	cli.AgentShapeFlag(cmd, &o.agentShape, "also check what is specific to this agent")
	f.IntVar(&o.maxIssues, "max-issues", 0, "show no more than this many issues, as text or json; 0 shows all")
	f.IntVar(&o.jobs, "jobs", 0, "how many cores to use; 0 uses all")
	f.BoolVar(&o.listRules, "list-rules", false, "list the rules")
	f.StringVar(&o.explain, "explain", "", "explain one rule")
	f.BoolVar(&o.watch, "watch", false, "run again whenever a file changes, until Ctrl-C")
	cli.ReportFlags(cmd, &o.format, &o.reports, cli.ReportFormats(true))
	cli.GroupFlags(cmd,
		"Most used: strict format report watch rule",
		"Rules: list-rules explain",
		"Schema: schema agent-shape",
		"Limits: max-issues jobs",
	)
	return cmd
}

func run(ctx context.Context, a *cli.App, o options) error {
	switch {
	case o.listRules:
		return listRules(a, o.format)
	case o.explain != "":
		return explainRule(a, o.explain)
	case o.schema != "" && o.agentShape != "":
		return cli.UsageError(errors.New("use only one of --schema and --agent-shape"), "a schema of your own stands in place of the documented fields, an agent's shape beside them")
	case o.maxIssues < 0:
		return cli.UsageError(fmt.Errorf(`--max-issues "%d" is less than 0`, o.maxIssues), "")
	case o.jobs < 0:
		return cli.UsageError(fmt.Errorf(`--jobs "%d" is less than 0`, o.jobs), "")
	case o.jobs == 0:
		o.jobs = runtime.GOMAXPROCS(0)
	}
	severities, err := parseSeverities(o.rules)
	if err == nil {
		err = cli.WriteApart(cli.ReportUses(o.reports), append([]string{o.schema, o.agentShape}, o.paths...)...)
	}
	if err != nil {
		return err
	}
	if o.paths, err = a.PathsOrStdin(o.paths, "validate wants a PATH"); err != nil {
		return err
	}
	v := &validation{a: a, o: o, severities: severities}
	validator, err := v.validator()
	switch {
	case err != nil:
		return err
	case !o.watch:
		return validateOnce(ctx, a, o, validator)
	case slices.Contains(o.paths, "-"):
		return cli.UsageError(errors.New("--watch cannot read stdin again"), "name a file or a folder")
	case o.format != "text" && o.format != "json":
		return cli.UsageError(fmt.Errorf("--watch: --format %s is for one run", o.format), fmt.Sprintf("--report %s=FILE is written anew after each", o.format))
	}
	return watch(ctx, a, v.watched, v.run)
}

// validateOnce validates all paths and returns the verdict.
func validateOnce(ctx context.Context, a *cli.App, o options, v *validate.Validator) error {
	reports, err := cli.NewReports(a, "validate", o.format, o.reports, cli.ReportFormats(true))
	if err != nil {
		return err
	}
	reports.Report.Rules = validate.Rules
	reports.Annotate = o.format == "text" && a.Env("GITHUB_ACTIONS") == "true"
	stdin, done := a.Stdin(ctx)
	defer done()
	results := v.Stream(ctx, o.paths, stdin, o.jobs)
	if reports.Wanted() {
		results = reports.ByDocument(v.Each(ctx, o.paths, stdin, o.jobs))
	}
	p := newPrinter(a, o)
	if err := p.all(results); err != nil {
		return errors.Join(p.flush(), err)
	}
	code, err := p.summary()
	if err != nil {
		return err
	}
	return cli.Verdict(cli.Worst(code, reports.Write(ctx)))
}

const seeRules = `"julianctl validate --list-rules" names them`

// parseSeverities reads the values of --rule.
func parseSeverities(values []string) (map[string]validate.Severity, error) {
	words := map[string]validate.Severity{"error": validate.Error, "warn": validate.Warning, "warning": validate.Warning, "off": validate.Off}
	severities := map[string]validate.Severity{}
	for _, value := range values {
		id, word, _ := strings.Cut(value, "=")
		severity, ok := words[word]
		if !ok {
			return nil, cli.UsageError(fmt.Errorf("--rule %q: want ID=error, ID=warn or ID=off", value), seeRules)
		}
		severities[id] = severity
	}
	return severities, nil
}

func listRules(a *cli.App, format string) error {
	records := report.NewRecords(a.Out, "validate")
	widest := 0
	for _, r := range validate.Rules {
		widest = max(widest, len(r.ID))
	}
	for _, r := range validate.Rules {
		if format == "json" {
			if err := records.Write("rule", map[string]any{"id": r.ID, "severity": r.Severity, "fixed": r.Fixed, "why": r.Why, "example": r.Example}); err != nil {
				return err
			}
			continue
		}
		fmt.Fprintf(a.Out, "%s  %s  %s\n", a.Style.Bold(fmt.Sprintf("%-*s", widest, r.ID)), paintSeverity(a, r.Severity, fmt.Sprintf("%-7s", r.Severity)), r.Title)
	}
	return nil
}

func explainRule(a *cli.App, id string) error {
	r, err := validate.RuleByID(id)
	if err != nil {
		return cli.UsageError(fmt.Errorf("--explain: %w", err), seeRules)
	}
	change := "--rule " + r.ID + "=error|warn|off changes that"
	if r.Fixed {
		change = "always"
	}
	fmt.Fprintf(a.Out, "%s  %s\n\n  why       %s\n  example   %s\n  severity  %s (%s)\n", a.Style.Bold(r.ID), r.Title, r.Why, r.Example, r.Severity, change)
	return nil
}

func paintSeverity(a *cli.App, s validate.Severity, text string) string {
	switch s {
	case validate.Error:
		return a.Style.Bad(text)
	case validate.Warning:
		return a.Style.Warn(text)
	}
	return a.Style.Faint(text)
}

// summary is the last record.
type summary struct {
	Documents  int            `json:"documents"`
	Incorrect  int            `json:"incorrect"` // documents with an error
	Errors     int            `json:"errors"`
	Warnings   int            `json:"warnings"`
	Unreadable int            `json:"unreadable"` // sources that could not be read, or not to their end
	Rules      map[string]int `json:"rules"`      // issues of each
	Shown      int            `json:"shown"`      // issues that --max-issues let through
}

// printer shows issues in the form of --format; none if that is a report.
type printer struct {
	a       *cli.App
	o       options
	out     *bufio.Writer
	records *report.Records
	sum     summary
	err     error // of the first record that could not be made
	// columns is the width of the terminal, 0 if there is none.
	columns int
	groups  issueGroups // not shown yet; only for a terminal
	// progress is shown meanwhile; nil: not shown.
	progress *terminal.Progress
}

func newPrinter(a *cli.App, o options) *printer {
	p := &printer{a: a, o: o, sum: summary{Rules: map[string]int{}}}
	p.out = bufio.NewWriter(aboveProgress{p})
	p.records = report.NewRecords(p.out, "validate")
	if a.Out.IsTTY() {
		p.columns = a.Out.Width()
	}
	return p
}

// result counts documents and shows their issues.
func (p *printer) result(r validate.Result) {
	p.sum.Documents += r.Documents
	p.sum.Incorrect += r.Incorrect
	for _, i := range r.Issues {
		p.sum.Rules[i.Rule]++
		if i.Severity == validate.Error {
			p.sum.Errors++
		} else {
			p.sum.Warnings++
		}
	}
	issues := r.Issues
	if p.o.format == "text" {
		issues = validate.Fold(issues)
		p.sum.Shown += len(r.Issues) - len(issues)
	}
	for _, i := range issues {
		switch {
		case p.columns > 0 && p.o.format == "text":
			p.gather(i)
		case p.o.maxIssues == 0 || p.sum.Shown < p.o.maxIssues || !p.shows():
			p.sum.Shown++
			p.issue(i)
		}
	}
	if len(r.Issues) > 0 && p.a.Out.IsTTY() {
		p.flushed()
	}
}

// shows reports whether issues are printed at once.
func (p *printer) shows() bool { return p.o.format == "text" || p.o.format == "json" }

func (p *printer) issue(i validate.Issue) {
	if p.o.format == "json" {
		p.fail(p.records.Write("issue", i))
	}
	if p.o.format != "text" {
		return
	}
	pointer := ""
	if i.Pointer != "" {
		pointer = " " + safetext.Line(i.Pointer)
	}
	place := safetext.Line(fmt.Sprintf("%s:%d:%d:", i.File, i.Line, i.Column))
	kind := paintSeverity(p.a, i.Severity, fmt.Sprintf("%s[%s]", i.Severity, i.Rule))
	// bufio.Writer and output keep their first error.
	fmt.Fprintf(p.out, "%s %s%s: %s\n", p.a.Style.Bold(place), kind, pointer, safetext.Line(i.Message))
	if i.Hint != "" {
		fmt.Fprintf(p.out, "%s %s\n", p.a.Style.Faint("hint:"), safetext.Line(i.Hint))
	}
}

// unreadable prints a source that could not be read. It returns false for any other
// error, which ends the command.
func (p *printer) unreadable(err error) bool {
	var e *payload.Error
	if !errors.As(err, &e) {
		return false
	}
	p.sum.Unreadable++
	if p.o.format == "json" {
		p.fail(p.records.Write("unreadable", map[string]any{"file": e.Source, "line": e.Line, "message": e.Err.Error()}))
	}
	p.showGroups()
	p.flushed()
	p.progress.Above(func() {
		p.a.Note("%s %s", p.a.ErrStyle.Bad("julianctl:"), safetext.Line(e.Error()))
		if hint := cli.MissingFileHint(e); hint != "" {
			p.a.Hint("%s", hint)
		}
	})
	return true
}

// summary ends the output and returns the exit code.
func (p *printer) summary() (int, error) {
	if p.o.format == "json" {
		p.fail(p.records.Write("summary", p.sum))
	}
	if err := p.flush(); err != nil {
		return 0, err
	}
	if p.o.format != "json" {
		p.a.Note("%s", p.verdict())
	}
	code := cli.ExitYes
	if p.sum.Errors > 0 {
		code = cli.ExitNo
	}
	if p.sum.Unreadable > 0 {
		code = cli.Worst(code, cli.ExitFailure)
	}
	return code, nil
}

// verdict returns the summary in one line.
func (p *printer) verdict() string {
	s := p.sum
	var b strings.Builder
	switch {
	case s.Incorrect > 0:
		b.WriteString(p.a.ErrStyle.Bad(fmt.Sprintf("%s of %s invalid", units.Number(s.Incorrect), units.Count(s.Documents, "payload"))))
	case s.Errors > 0:
		b.WriteString(p.a.ErrStyle.Bad("invalid"))
	case s.Documents > 0:
		b.WriteString(p.a.ErrStyle.Good(units.Count(s.Documents, "payload") + " valid"))
	default:
		b.WriteString("no payload read")
	}
	if n := s.Errors + s.Warnings; n > 0 {
		fmt.Fprintf(&b, ": %s, %s", units.Count(s.Errors, "error"), units.Count(s.Warnings, "warning"))
		if n > s.Shown {
			fmt.Fprintf(&b, " (%s not shown:%s)", units.Number(n-s.Shown), byRule(s.Rules))
		}
	}
	if s.Unreadable > 0 {
		fmt.Fprintf(&b, "; %s not read", units.Count(s.Unreadable, "source"))
	}
	return b.String()
}

// byRule counts issues by rule, in alphabetical order.
func byRule(rules map[string]int) string {
	var b strings.Builder
	for _, id := range slices.Sorted(maps.Keys(rules)) {
		fmt.Fprintf(&b, " %d %s", rules[id], id)
	}
	return b.String()
}

func (p *printer) fail(err error) { p.err = errors.Join(p.err, err) }

func (p *printer) flushed() { p.fail(p.out.Flush()) }

// flush writes the rest and returns the first error.
func (p *printer) flush() error {
	p.showGroups()
	p.flushed()
	return p.err
}
