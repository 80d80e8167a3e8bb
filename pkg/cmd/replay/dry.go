package replay

import (
	"context"
	"errors"
	"fmt"
	"iter"

	"github.com/julianctl/julianctl/pkg/cli"
	"github.com/julianctl/julianctl/pkg/deliver"
	"github.com/julianctl/julianctl/pkg/jsonscan"
	"github.com/julianctl/julianctl/pkg/payload"
	"github.com/julianctl/julianctl/pkg/safetext"
	"github.com/julianctl/julianctl/pkg/terminal"
)

// plannedRecord is one delivery of a dry run.
type plannedRecord struct {
	File   string `json:"file"`
	Line   int    `json:"line"`
	Number int    `json:"number"`
	Copy   int    `json:"copy"`
	CallID string `json:"callId"`
	Size   int    `json:"size"` // of the payload, in bytes
}

func (r *plannedRecord) appendJSON(b []byte) ([]byte, error) {
	w := jsonscan.Writer{B: b}
	w.Text(`{"file":`, r.File)
	w.Integer(`,"line":`, int64(r.Line))
	w.Integer(`,"number":`, int64(r.Number))
	w.Integer(`,"copy":`, int64(r.Copy))
	w.Text(`,"callId":`, r.CallID)
	w.Integer(`,"size":`, int64(r.Size))
	w.Raw(`}`)
	return w.B, w.Err
}

// dryRun shows what would be sent, in order.
func (p *printer) dryRun(ctx context.Context, docs iter.Seq2[payload.Document, error]) error {
	if err := p.beginRecords(""); err != nil {
		return err
	}
	defer p.flushRecords() // also of a plan that was cut short
	payloads, deliveries, unreadable := 0, 0, 0
	for step, err := range p.plan.File.Left(p.plan.Steps(docs), p.doubt) {
		switch {
		case ctx.Err() != nil:
			return ctx.Err()
		case errors.Is(err, deliver.ErrRunFile):
			return runFileError(err)
		case err != nil:
			unreadable++
			p.unreadable(err)
			continue
		case step.First == 1:
			payloads++
		}
		for n := range step.Copies() {
			deliveries++
			p.planned(deliveries, plannedRecord{step.Document.Source, step.Document.Line, step.Number, n, deliver.CallID(step.Document.Body), len(step.Document.Body)})
		}
	}
	p.planEnd(payloads, deliveries)
	switch {
	case p.err != nil:
		return p.err
	case unreadable > 0:
		return cli.Verdict(cli.ExitFailure)
	}
	return nil
}

func (p *printer) planned(n int, r plannedRecord) {
	if p.records != nil {
		p.fail(p.records.Append("planned", r.appendJSON))
		return
	}
	line := fmt.Sprintf("%4d  %s:%d  %s", n, safetext.Line(r.File), r.Line, terminal.Fit(safetext.Line(terminal.OrDash(r.CallID)), 60))
	if p.plan.Duplicates > 0 {
		line += fmt.Sprintf("  copy %d/%d", r.Copy, p.plan.Duplicates+1)
	}
	fmt.Fprintf(p.a.Out, "%s  %s\n", line, p.a.Style.Faint(terminal.BytesText(int64(r.Size))))
}

func (p *printer) planEnd(payloads, deliveries int) {
	header := headerLines(p.a, p.client)
	if p.records != nil {
		p.fail(p.records.Write("summary", map[string]any{
			"dryRun": true, "target": p.client.Target().String(), "header": header,
			"documents": payloads, "planned": deliveries, "expect": p.plan.Expect.String(),
		}))
		p.flushRecords()
		return
	}
	fmt.Fprintln(p.a.Out)
	p.row("target", safetext.Line(p.client.Target().String()))
	for i, line := range header {
		name := ""
		if i == 0 {
			name = "header"
		}
		p.row(name, safetext.Line(line))
	}
	p.row("plan", p.planText(deliveries, payloads))
	fmt.Fprintf(p.a.Out, "\n%s\n", p.a.Style.Warn("dry run: nothing was sent"))
}

// planText says what is sent, and how.
func (p *printer) planText(deliveries, payloads int) string {
	plan := fmt.Sprintf("%s of %s", terminal.CountOf(deliveries, "delivery", "deliveries"), terminal.CountOf(payloads, "payload", "payloads"))
	if p.plan.Duplicates > 0 {
		plan += fmt.Sprintf(", %d copies each, %s", p.plan.Duplicates+1, modeTexts[p.plan.Mode])
	}
	if p.plan.Rate > 0 {
		plan += fmt.Sprintf(", %s a second", exactText(p.plan.Rate))
	}
	return fmt.Sprintf("%s, %d at a time, expecting %s", plan, p.plan.Concurrency, p.plan.Expect)
}

// headerLines are what is sent with every delivery, without secrets.
func headerLines(a *cli.App, client *deliver.Client) []string {
	var lines []string
	for _, f := range client.Header() {
		if safetext.SecretHeader(f.Name, a.Config.RedactHeader...) && f.Value != "" {
			f.Value = safetext.Masked
		}
		lines = append(lines, f.Name+": "+f.Value)
	}
	return lines
}
