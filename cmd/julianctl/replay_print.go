package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/julianctl/julianctl/pkg/deliver"
	"github.com/julianctl/julianctl/pkg/payload"
	"github.com/julianctl/julianctl/pkg/report"
	"github.com/julianctl/julianctl/pkg/safetext"
)

// replayShown is how many failures are listed in text.
const replayShown = 10

// replayPrinter shows what comes of a replay, in the form of --format.
type replayPrinter struct {
	a       *app
	o       replayOptions
	plan    deliver.Plan
	client  *deliver.Client
	records *report.Records // nil: nobody wants them
	buffer  *recordBuffer   // that records go to
	file    *destination    // of records; nil: none
	reports *reports

	tally    *replayTally
	progress *progress         // nil: none is told
	timeline *deliver.Timeline // nil: no report needs it

	hinted map[string]bool // hints that were given
	source string          // of the payloads, while there is only one
	many   bool            // payloads came from more than one source
	first  error           // the first failure
	failed int             // deliveries that failed
	doubts int             // deliveries that may have arrived more than once
	err    error           // of the first record that could not be made
}

func newReplayPrinter(a *app, o replayOptions, plan deliver.Plan, client *deliver.Client, reports *reports) *replayPrinter {
	p := &replayPrinter{
		a: a, o: o, plan: plan, client: client,
		reports: reports,
		tally:   newReplayTally(o),
		hinted:  map[string]bool{},
	}
	p.plan.Doubt, p.plan.Cut = p.doubt, p.cut
	return p
}

// begin tells of the progress from now on, unless records run over the same
// terminal, and keeps a timeline where a report needs it.
func (p *replayPrinter) begin(line *deliver.Timeline) {
	if p.reports.has(hdrReport, htmlReport) {
		*line = *deliver.NewTimeline(time.Now())
		p.timeline = line
	}
	if p.o.format == "text" || !p.a.out.isTTY() {
		p.progress = p.a.progress(p.tally.state)
	}
}

// result shows one delivery.
func (p *replayPrinter) result(r deliver.Result) {
	if errors.Is(r.Err, deliver.Unreadable) {
		p.unreadable(r.Err)
		return
	}
	p.tally.add(r)
	if p.timeline != nil {
		p.timeline.Add(r)
	}
	p.many = p.many || p.source != "" && p.source != r.Document.Source
	p.source = r.Document.Source
	if r.Err != nil {
		p.failed++
		if p.first == nil {
			p.first = r.Err
		}
	}
	if p.reports.wanted() {
		p.reports.add(p.deliveryCase(r))
	}
	if p.records != nil {
		delivery := p.recordOf(r)
		p.fail(p.records.Append("delivery", delivery.appendJSON))
		if r.Group != nil {
			group := groupRecordOf(r.Group)
			p.fail(p.records.Append("group", group.appendJSON))
		}
	}
	if p.o.format == "text" && r.Err != nil && p.failed <= replayShown {
		p.progress.above(func() { p.failure(r) })
	}
}

// cut shows a payload of which not every copy was sent.
func (p *replayPrinter) cut(g deliver.Group) {
	if p.reports.wanted() {
		for _, n := range g.Unsent {
			name := p.caseName(g.Source, g.Line, g.CallID, n)
			p.reports.add(report.Case{Name: name, Group: deliveryGroup, Verdict: report.Skip, Message: "not sent: the run had ended"})
		}
	}
	if p.records != nil {
		record := groupRecordOf(&g)
		p.fail(p.records.Append("group", record.appendJSON))
	}
}

// unreadable tells of a source that gave no payload; the rest goes on.
func (p *replayPrinter) unreadable(err error) {
	if p.reports.wanted() {
		p.reports.add(p.unreadableCase(err))
	}
	if p.records != nil {
		record := map[string]any{"message": err.Error()}
		if e, ok := errors.AsType[*payload.Error](err); ok {
			record["file"], record["line"] = e.Source, e.Line
		}
		p.fail(p.records.Write("unreadable", record))
		p.flushRecords()
	}
	p.progress.above(func() {
		p.a.note("%s %s", p.a.errStyle.bad("julianctl:"), safetext.Line(err.Error()))
		if f, ok := errors.AsType[*fault](err); ok && f.hint != "" {
			p.a.hint("%s", f.hint)
		}
	})
}

// failure shows one delivery that is not as expected, and what to do about it.
func (p *replayPrinter) failure(r deliver.Result) {
	where := []string{p.a.style.bad("FAIL"), p.a.style.bold(fmt.Sprintf("%s:%d", safetext.Line(r.Document.Source), r.Document.Line))}
	if id := r.CallID(); id != "" {
		where = append(where, fit(safetext.Line(id), 60))
	}
	if p.plan.Duplicates > 0 {
		where = append(where, fmt.Sprintf("copy %d/%d", r.Copy, p.plan.Duplicates+1))
	}
	fmt.Fprintf(p.a.out, "%s  %s\n", strings.Join(where, "  "), safetext.Line(p.a.hide(r.Err.Error())))
	if line, _, _ := bytes.Cut(bytes.TrimSpace(r.Answer.Body), []byte("\n")); len(line) > 0 {
		fmt.Fprintf(p.a.out, "      %s %s\n", p.a.style.faint("answer:"), fit(safetext.Line(p.a.hide(string(line))), 160))
	}
	if hint := replayHint(r); hint != "" && !p.hinted[hint] {
		p.hinted[hint] = true
		fmt.Fprintf(p.a.out, "      %s %s\n", p.a.style.faint("hint:"), safetext.Line(hint))
	}
}

// interrupted tells a person why the program does not end at once.
func (p *replayPrinter) interrupted() {
	p.progress.above(func() {
		p.a.note("interrupted: waiting for the answers on the way; once more stops at once")
	})
}

// outcome is the exit code, and why where the summary does not say it.
func (p *replayPrinter) outcome(ctx context.Context, s deliver.Summary) error {
	switch {
	case s.Err != nil:
		return stoppedFault(s.Err)
	case ctx.Err() != nil && p.plan.File != nil:
		return &fault{exitInterrupted, errors.New("interrupted"), fmt.Sprintf("the same command goes on with the run in %q", p.o.resume)}
	case ctx.Err() != nil:
		return ctx.Err()
	case neverReached(s):
		hint := "start the endpoint, or say with --to where it is"
		if isCertificate(p.first) {
			hint = "--cacert FILE trusts the certificate's authority, --insecure any certificate"
		}
		return unable(fmt.Errorf("endpoint %q: %w", p.client.Target(), p.first), hint)
	case s.Failed > 0, p.missed(s) != "", p.failedBefore() > 0:
		return verdict(exitNo)
	case s.Unreadable > 0:
		return verdict(exitUnable)
	case s.OK > 0, p.nothingLeft(s):
		return nil
	case p.o.duration > 0 && s.Elapsed >= p.o.duration:
		return unable(fmt.Errorf(`--duration "%s" was over before a payload was sent`, p.o.duration), "give it more time")
	}
	return unable(errors.New("there was no payload to deliver"), "")
}

// neverReached reports whether nothing was sent because nothing could be.
func neverReached(s deliver.Summary) bool {
	return s.Failed > 0 && s.OK == 0 && s.Errors[deliver.Unreachable] == s.Failed
}

func (p *replayPrinter) fail(err error) {
	if p.err == nil {
		p.err = err
	}
}
