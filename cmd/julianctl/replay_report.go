package main

import (
	"bytes"
	"errors"
	"fmt"

	"github.com/julianctl/julianctl/pkg/deliver"
	"github.com/julianctl/julianctl/pkg/payload"
	"github.com/julianctl/julianctl/pkg/report"
)

// deliveryCase is one delivery in a report. Of one that nothing was sent of,
// nobody knows how it would have been answered.
func (p *replayPrinter) deliveryCase(r deliver.Result) report.Case {
	source := r.Document.Source
	if source != embeddedSource {
		source = p.reports.relative(source)
	}
	c := report.Case{
		Name: fmt.Sprintf("%s:%d", source, r.Document.Line), Group: "delivery", Verdict: report.Pass, Took: r.Answer.Latency(),
	}
	if id := r.CallID(); id != "" {
		c.Name += " " + id
	}
	if p.plan.Duplicates > 0 {
		c.Name += fmt.Sprintf(" copy %d/%d", r.Copy, p.plan.Duplicates+1)
	}
	if r.Err == nil {
		return c
	}
	c.Verdict = report.Fail
	if errors.Is(r.Err, deliver.Unreachable) {
		c.Verdict = report.Undecided
	}
	c.Message = p.a.hide(r.Err.Error())
	if line, _, _ := bytes.Cut(bytes.TrimSpace(r.Answer.Body), []byte("\n")); len(line) > 0 {
		c.Detail = "answer: " + fit(p.a.hide(string(line)), 160) + "\n"
	}
	if hint := replayHint(r); hint != "" {
		c.Detail += "hint: " + hint + "\n"
	}
	return c
}

// unreadableCase is one source that gave no payload.
func (p *replayPrinter) unreadableCase(err error) report.Case {
	if e, ok := errors.AsType[*payload.Error](err); ok {
		return unreadable(p.reports.relative(e.Source), e)
	}
	return report.Case{Name: "payloads", Verdict: report.Undecided, Message: err.Error()}
}

// limitCases are what --max-latency asked for; nothing is known of them where
// nothing was answered.
func (p *replayPrinter) limitCases(l deliver.Latency) []report.Case {
	var cases []report.Case
	for _, limit := range p.o.limits {
		got, missed := limit.Missed(l)
		c := report.Case{Name: fmt.Sprintf("%s=%s", limit.Name, limit.Max), Group: "latency", Verdict: report.Pass}
		switch {
		case l.Count() == 0:
			c.Verdict, c.Message = report.Undecided, "nothing was answered"
		case missed:
			c.Verdict, c.Message = report.Fail, fmt.Sprintf("%s is %s, over %s", limit.Name, shortTime(got), limit.Max)
		}
		cases = append(cases, c)
	}
	return cases
}
