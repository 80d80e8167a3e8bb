package replay

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/julianctl/julianctl/pkg/cli"
	"github.com/julianctl/julianctl/pkg/deliver"
	"github.com/julianctl/julianctl/pkg/deliveryview"
	"github.com/julianctl/julianctl/pkg/payload"
	"github.com/julianctl/julianctl/pkg/report"
	"github.com/julianctl/julianctl/pkg/safetext"
	"github.com/julianctl/julianctl/pkg/terminal"
	"github.com/julianctl/julianctl/pkg/timeline"
)

// replayShown is how many failures are listed in text.
const replayShown = 10

// printer shows the results of a replay, in the form of --format.
type printer struct {
	a       *cli.App
	o       options
	plan    deliver.Plan
	client  *deliver.Client
	records *report.Records  // nil: not needed
	buffer  *recordBuffer    // that records go to
	file    *cli.Destination // of records; nil: none
	reports *cli.Reports
	logged  *deliveryview.LoggedDocuments // nil: payloads do not come from the log, or are changed

	tally    *tally
	progress *terminal.Progress // nil: none is shown
	timeline *timeline.Timeline // nil: no report needs it

	hinted           map[string]bool // hints that were given
	source           string          // of the payloads, while there is only one
	many             bool            // payloads came from more than one source
	first            error           // the first failure
	failed           int             // deliveries that failed
	unconfirmedCount int             // deliveries that may have arrived more than once
	err              error           // of the first record that could not be made
}

func newPrinter(a *cli.App, o options, plan deliver.Plan, client *deliver.Client, reports *cli.Reports) *printer {
	p := &printer{
		a: a, o: o, plan: plan, client: client,
		reports: reports,
		tally:   newTally(o),
		hinted:  map[string]bool{},
	}
	p.plan.Unconfirmed, p.plan.Cut = p.unconfirmed, p.cut
	return p
}

// begin starts showing progress, unless records go to the same terminal, and starts the
// timeline if a report needs it.
func (p *printer) begin(line *timeline.Timeline) {
	if p.reports.Has(hdrReport, htmlReport) {
		*line = *timeline.New(time.Now())
		p.timeline = line
	}
	if p.o.format == "text" || !p.a.Out.IsTTY() {
		p.progress = p.a.Progress(p.tally.state)
	}
}

// result shows one delivery.
func (p *printer) result(r deliver.Result) {
	if errors.Is(r.Err, deliver.Unreadable) {
		p.unreadable(r.Err)
		return
	}
	p.tally.add(r)
	if p.logged != nil && !(r.Answer.Sent.IsZero() && errors.Is(r.Err, context.Canceled)) {
		p.logged.Add(p.client.Target().String(), r.Document.Source, r.Answer)
	}
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
	if p.reports.Wanted() {
		p.reports.Add(p.deliveryCase(r))
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
		p.progress.Above(func() { p.failure(r) })
	}
}

// cut shows a payload of which not every copy was sent.
func (p *printer) cut(g deliver.Group) {
	if p.reports.Wanted() {
		for _, n := range g.Unsent {
			name := p.caseName(g.Source, g.Line, g.CallID, n)
			p.reports.Add(report.Case{Name: name, Group: deliveryGroup, Verdict: report.Skip, Message: "not sent: the run had ended"})
		}
	}
	if p.records != nil {
		record := groupRecordOf(&g)
		p.fail(p.records.Append("group", record.appendJSON))
	}
}

// unreadable prints a source without a payload; the run continues.
func (p *printer) unreadable(err error) {
	record, reported := map[string]any{"message": err.Error()}, report.Case{Name: "payloads", Verdict: report.Undecided, Message: err.Error()}
	if e, ok := errors.AsType[*payload.Error](err); ok {
		record["file"], record["line"] = e.Source, e.Line
		reported = cli.UnreadableCase(p.reports.Relative(e.Source), e)
	}
	if p.reports.Wanted() {
		p.reports.Add(reported)
	}
	if p.records != nil {
		p.fail(p.records.Write("unreadable", record))
		p.flushRecords()
	}
	p.progress.Above(func() {
		p.a.Note("%s %s", p.a.ErrStyle.Bad("julianctl:"), safetext.Line(err.Error()))
		hint := cli.MissingFileHint(err)
		if f, ok := errors.AsType[*cli.ExitError](err); ok {
			hint = f.Hint
		}
		if hint != "" {
			p.a.Hint("%s", hint)
		}
	})
}

// line prints what happened to one delivery.
func (p *printer) line(mark, source string, line int, callID string, copy int, what string) {
	words := []string{mark, p.a.Style.Bold(fmt.Sprintf("%s:%d", safetext.Line(source), line))}
	if callID != "" {
		words = append(words, terminal.Fit(safetext.Line(callID), 60))
	}
	if p.plan.Duplicates > 0 {
		words = append(words, fmt.Sprintf("copy %d/%d", copy, p.plan.Duplicates+1))
	}
	fmt.Fprintln(p.a.Out, strings.Join(append(words, what), "  "))
}

// failure prints one failed delivery, with a hint.
func (p *printer) failure(r deliver.Result) {
	p.line(p.a.Style.Bad("FAIL"), r.Document.Source, r.Document.Line, r.CallID(), r.Copy, safetext.Line(p.a.Hide(r.Err.Error())))
	if line, _, _ := bytes.Cut(bytes.TrimSpace(r.Answer.Body), []byte("\n")); len(line) > 0 {
		fmt.Fprintf(p.a.Out, "      %s %s\n", p.a.Style.Faint("answer:"), terminal.Fit(safetext.Line(p.a.Hide(string(line))), 160))
	}
	if hint := replayHint(r); hint != "" && !p.hinted[hint] {
		p.hinted[hint] = true
		fmt.Fprintf(p.a.Out, "      %s %s\n", p.a.Style.Faint("hint:"), safetext.Line(hint))
	}
}

// outcome returns the exit code, with an error if the summary does not explain it.
func (p *printer) outcome(ctx context.Context, s deliver.Summary) error {
	switch {
	case s.Err != nil:
		return stoppedError(s.Err)
	case ctx.Err() != nil && p.plan.File != nil:
		return &cli.ExitError{Code: cli.ExitInterrupted, Err: errors.New("interrupted"), Hint: fmt.Sprintf("the same command goes on with the run in %q", p.o.resume)}
	case ctx.Err() != nil:
		return ctx.Err()
	case neverReached(s):
		hint := unreachableHint(p.client.Target().String())
		if isCertificate(p.first) {
			hint = certificateHint
		}
		return cli.Failure(fmt.Errorf("endpoint %q: %w", p.client.Target(), p.first), hint)
	case s.Failed > 0, p.missed(s) != "", p.failedBefore() > 0:
		return cli.Verdict(cli.ExitNo)
	case s.Unreadable > 0:
		return cli.Verdict(cli.ExitFailure)
	case s.OK > 0, p.nothingLeft(s):
		return nil
	case p.o.Duration > 0 && s.Elapsed >= p.o.Duration:
		return cli.Failure(fmt.Errorf(`--duration "%s" was over before a payload was sent`, p.o.Duration), "give it more time")
	}
	hint := `without a PATH the sample is delivered; "julianctl generate" makes more`
	if p.o.fromLog != nil {
		hint = `"julianctl log" lists the deliveries that there are`
	}
	return cli.Failure(errors.New("there was no payload to deliver"), hint)
}

// neverReached reports whether nothing was sent because nothing could be.
func neverReached(s deliver.Summary) bool {
	return s.Failed > 0 && s.OK == 0 && s.Errors[deliver.Unreachable] == s.Failed
}

func (p *printer) fail(err error) {
	if p.err == nil {
		p.err = err
	}
}
