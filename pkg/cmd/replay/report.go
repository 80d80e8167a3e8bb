package replay

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"

	"github.com/julianctl/julianctl/pkg/cli"
	"github.com/julianctl/julianctl/pkg/deliver"
	"github.com/julianctl/julianctl/pkg/report"
	"github.com/julianctl/julianctl/pkg/terminal"
	"github.com/julianctl/julianctl/pkg/timeline"
	"github.com/julianctl/julianctl/pkg/units"
)

// hdrReport is a report of this command only.
const hdrReport = "hdr"

// htmlReport is a report that shows the run over time.
const htmlReport = "html"

// replayFormats are the formats of a replay's reports. Line is filled in before
// they are written.
func replayFormats(line *timeline.Timeline) []report.Format {
	return append(cli.ReportFormats(false), report.Format{
		Name: hdrReport, Doc: "latency over time, an HdrHistogram interval log",
		Write: func(w io.Writer, _ report.Report) error { return line.WriteLog(w) },
	})
}

// deliveryCase is one delivery in a report. If nothing was sent, it is undecided.
func (p *printer) deliveryCase(r deliver.Result) report.Case {
	c := report.Case{
		Name: p.caseName(r.Document.Source, r.Document.Line, r.CallID(), r.Copy), Group: deliveryGroup, Verdict: report.Pass, Took: r.Answer.Latency(),
	}
	if r.Err == nil {
		return c
	}
	c.Verdict = report.Fail
	if errors.Is(r.Err, deliver.Unreachable) {
		c.Verdict = report.Undecided
	}
	c.Message = p.a.Hide(r.Err.Error())
	if line, _, _ := bytes.Cut(bytes.TrimSpace(r.Answer.Body), []byte("\n")); len(line) > 0 {
		c.Detail = "answer: " + terminal.Fit(p.a.Hide(string(line)), 160) + "\n"
	}
	if hint := replayHint(r); hint != "" {
		c.Detail += "hint: " + hint + "\n"
	}
	return c
}

// deliveryGroup is the group of cases that are deliveries.
const deliveryGroup = "delivery"

// caseName names a delivery in a report.
func (p *printer) caseName(source string, line int, callID string, n int) string {
	if source != cli.EmbeddedSource {
		source = p.reports.Relative(source)
	}
	name := fmt.Sprintf("%s:%d", source, line)
	if callID != "" {
		name += " " + callID
	}
	if p.plan.Duplicates > 0 {
		name += fmt.Sprintf(" copy %d/%d", n, p.plan.Duplicates+1)
	}
	return name
}

// limitCases are the limits of --max-latency; undecided if nothing was answered.
func (p *printer) limitCases(l deliver.Latency) []report.Case {
	var cases []report.Case
	for _, limit := range p.o.limits {
		got, missed := limit.Missed(l)
		c := report.Case{Name: fmt.Sprintf("%s=%s", limit.Name, limit.Max), Group: "latency", Verdict: report.Pass}
		switch {
		case l.Count() == 0:
			c.Verdict, c.Message = report.Undecided, "nothing was answered"
		case missed:
			c.Verdict, c.Message = report.Fail, fmt.Sprintf("%s is %s, over %s", limit.Name, units.Against(got, limit.Max), units.Exactly(limit.Max))
		}
		cases = append(cases, c)
	}
	return cases
}

// report writes the reports of --report and --format.
func (p *printer) report(ctx context.Context, s deliver.Summary) int {
	for _, c := range p.limitCases(s.Latency) {
		p.reports.Add(c)
	}
	if p.reports.Has(htmlReport) {
		p.reports.Report.Overview = p.overview(ctx, s).Overview()
	}
	return p.reports.Write(ctx)
}

// overview returns the run for the HTML page.
func (p *printer) overview(ctx context.Context, s deliver.Summary) report.Replay {
	plain := terminal.NewStyle(io.Discard, false)
	r := report.Replay{
		Title: p.verdictText(ctx, s, plain), Copies: p.plan.Duplicates + 1, Limits: p.o.limits,
		Summary: s, Series: p.timeline.Series(), Hide: p.a.Hide,
	}
	err := p.outcome(ctx, s)
	if no, ok := errors.AsType[*cli.ExitError](err); err == nil {
		r.Verdict = report.Pass
	} else if ok && no.Code == cli.ExitNo {
		r.Verdict = report.Fail
	} else {
		r.Verdict = report.Undecided
	}
	r.Facts = []report.Fact{
		{Name: "Target", Value: p.client.Target().String()},
		{Name: "Payloads", Value: p.payloads(s, plain)},
		{Name: "Plan", Value: p.planText(s.Planned, s.Documents)},
	}
	for i, line := range headerLines(p.a, p.client) {
		name := ""
		if i == 0 {
			name = "Header"
		}
		r.Facts = append(r.Facts, report.Fact{Name: name, Value: line})
	}
	return r
}
