package replay

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"iter"
	"runtime"

	"github.com/julianctl/julianctl/pkg/cli"
	"github.com/julianctl/julianctl/pkg/deliver"
	"github.com/julianctl/julianctl/pkg/inorder"
	"github.com/julianctl/julianctl/pkg/jsonscan"
	"github.com/julianctl/julianctl/pkg/payload"
	"github.com/julianctl/julianctl/pkg/report"
	"github.com/julianctl/julianctl/pkg/safetext"
	"github.com/julianctl/julianctl/pkg/terminal"
	"github.com/julianctl/julianctl/pkg/units"
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

// dryItem is a step of the plan, or an error or unconfirmed delivery.
type dryItem struct {
	step        deliver.Step
	n           int // deliveries before it
	unconfirmed *deliver.Unconfirmed
	err         error
}

// shown is the output of some steps, or of another dryItem.
type shown struct {
	text        []byte // whole lines
	unconfirmed *deliver.Unconfirmed
	err         error
	failed      error // of a record
}

// dryRun shows what would be sent, in order. Several goroutines format the payloads.
func (p *printer) dryRun(ctx context.Context, docs iter.Seq2[payload.Document, error]) error {
	if err := p.beginRecords(""); err != nil {
		return err
	}
	defer p.flushRecords()    // also of a plan that was cut short
	defer p.a.CollectLess()() // a quarter of the CPU time less
	payloads, deliveries, unreadable := 0, 0, 0
	items := func(yield func(dryItem) bool) {
		on := true
		unconfirmed := func(d deliver.Unconfirmed) { on = on && yield(dryItem{unconfirmed: &d}) }
		for step, err := range p.plan.File.Remaining(p.plan.Steps(docs), unconfirmed) {
			if err == nil {
				err = ctx.Err()
			}
			if on = on && yield(dryItem{step: step, n: deliveries, err: err}); !on || ctx.Err() != nil {
				return
			}
			if err == nil {
				deliveries += step.Deliveries()
				if step.First == 1 {
					payloads++
				}
			}
		}
	}
	const together = 64 << 10
	size := func(i dryItem) int { return len(i.step.Document.Body) }
	sizes := func(items []dryItem) (n int) {
		for _, i := range items {
			n += size(i)
		}
		return n
	}
	for group := range inorder.Map(inorder.Gather(items, together, size), runtime.GOMAXPROCS(0), sizes, p.shower) {
		for _, s := range group {
			switch {
			case ctx.Err() != nil:
				p.plan.Stop()
				return ctx.Err()
			case errors.Is(s.err, deliver.ErrRunFile):
				p.plan.Stop()
				return runFileError(s.err)
			case s.err != nil:
				unreadable++
				p.unreadable(s.err)
			case s.failed != nil:
				p.fail(s.failed)
			case s.unconfirmed != nil:
				p.unconfirmed(*s.unconfirmed)
			case p.records != nil:
				_, err := p.buffer.Write(s.text)
				p.fail(err)
			default:
				_, _ = p.a.Out.Write(s.text) // the stream keeps its error
			}
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

// shower formats steps, on one goroutine.
func (p *printer) shower() func([]dryItem) []shown {
	var lines bytes.Buffer
	records := report.NewRecords(&lines, "replay")
	line := func(n int, r plannedRecord) error {
		if p.o.format == "json" {
			return records.Append("planned", r.appendJSON)
		}
		p.planned(&lines, n, r)
		return nil
	}
	return func(items []dryItem) (all []shown) {
		flush := func() {
			if lines.Len() > 0 {
				all = append(all, shown{text: bytes.Clone(lines.Bytes())})
				lines.Reset()
			}
		}
		for _, i := range items {
			if i.err != nil || i.unconfirmed != nil {
				flush()
				all = append(all, shown{unconfirmed: i.unconfirmed, err: i.err})
				continue
			}
			doc, n := i.step.Document, i.n
			id := deliver.CallID(doc.Body)
			for copy := range i.step.Copies() {
				n++
				if err := line(n, plannedRecord{doc.Source, doc.Line, i.step.Number, copy, id, len(doc.Body)}); err != nil {
					flush()
					all = append(all, shown{failed: err})
				}
			}
		}
		flush()
		return all
	}
}

func (p *printer) planned(w io.Writer, n int, r plannedRecord) {
	line := fmt.Sprintf("%4d  %s:%d  %s", n, safetext.Line(r.File), r.Line, terminal.Fit(safetext.Line(terminal.OrDash(r.CallID)), 60))
	if p.plan.Duplicates > 0 {
		line += fmt.Sprintf("  copy %d/%d", r.Copy, p.plan.Duplicates+1)
	}
	fmt.Fprintf(w, "%s  %s\n", line, p.a.Style.Faint(units.Size(int64(r.Size))))
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

// planText describes the plan.
func (p *printer) planText(deliveries, payloads int) string {
	plan := fmt.Sprintf("%s of %s", units.Count(deliveries, "delivery"), units.Count(payloads, "payload"))
	if p.plan.Duplicates > 0 {
		plan += fmt.Sprintf(", %d copies each, %s", p.plan.Duplicates+1, modeTexts[p.plan.Mode])
	}
	if p.plan.Rate > 0 {
		plan += fmt.Sprintf(", %s a second", units.Decimal(p.plan.Rate))
	}
	return fmt.Sprintf("%s, %d at a time, expecting %s", plan, p.plan.Concurrency, p.plan.Expect)
}

// headerLines returns the header of every delivery, with secrets masked.
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
