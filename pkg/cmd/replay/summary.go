package replay

import (
	"context"
	"fmt"
	"strings"

	"github.com/julianctl/julianctl/pkg/cli"
	"github.com/julianctl/julianctl/pkg/deliver"
	"github.com/julianctl/julianctl/pkg/report"
	"github.com/julianctl/julianctl/pkg/safetext"
	"github.com/julianctl/julianctl/pkg/terminal"
	"github.com/julianctl/julianctl/pkg/units"
)

// summary prints the summary, the verdict last.
func (p *printer) summary(ctx context.Context, s deliver.Summary) {
	if p.records != nil {
		p.fail(p.records.Write("summary", p.summaryRecord(ctx, s)))
		p.flushRecords()
	}
	if p.o.format != "text" {
		return
	}
	if more := s.Failed - replayShown; more > 0 {
		fmt.Fprintf(p.a.Out, "      %s\n", p.a.Style.Faint(fmt.Sprintf("and %s more; --format json lists them all", units.Number(more))))
	}
	if s.Failed > 0 || p.unconfirmedCount > 0 {
		fmt.Fprintln(p.a.Out)
	}
	p.row("target", safetext.Line(p.client.Target().String()))
	p.row("payloads", p.payloads(s, p.a.Style))
	deliveries := fmt.Sprintf("%s planned, %s sent, %s answered in %s", units.Number(s.Planned), units.Number(s.Sent), units.Number(s.Answered), units.Time(s.Elapsed))
	if s.Sent > 1 {
		deliveries += fmt.Sprintf(", %s a second", units.Rate(s.Rate()))
	}
	p.row("deliveries", deliveries)
	if text := p.resumed(); text != "" {
		p.row("resumed", text)
	}
	if s.Pace != nil && s.Sent > 0 {
		p.row("rate", p.pace(*s.Pace))
	}
	if s.Retried > 0 {
		p.row("retries", units.Number(s.Retried)+", of which nothing was sent")
	}
	if text := report.Outcomes(s); text != "" {
		p.row("answers", text)
	}
	if p.plan.Duplicates > 0 && s.Groups.Total > 0 {
		p.row("duplicates", p.duplicates(s))
	}
	if s.Latency.Count() > 0 {
		p.row("latency", percentiles(s.Latency))
		p.histogram(s.Latency)
		if p.o.limits != nil {
			p.row("limits", p.limits(s.Latency))
		}
	}
	if s.Skew.Count() > 0 {
		p.row("skew", fmt.Sprintf("median %s, max %s, from the first copy to the last", units.Time(s.Skew.At(50)), units.Time(s.Skew.Max())))
	}
	fmt.Fprintf(p.a.Out, "\n%s\n", p.verdictText(ctx, s, p.a.Style))
	if p.plan.Duplicates > 0 && s.OK == s.Planned {
		p.a.Note("2xx does not show whether a repeat was processed twice: %q with a probe does", "julianctl check")
	}
	if short := p.o.Count - s.Documents - s.Unreadable; short > 0 && !p.o.Loop && s.OK == s.Planned {
		p.a.Hint("there were no more than %s; --loop begins again", units.Count(s.Documents, "payload"))
	}
}

// row is one line of the summary. On a terminal, a long one is wrapped after a comma.
func (p *printer) row(name, text string) {
	const indent = 12
	lines := []string{text}
	if p.a.Out.IsTTY() {
		lines = terminal.WrapList(text, p.a.Out.Width()-indent)
	}
	for _, line := range terminal.Hang(p.a.Style.Faint(terminal.Pad(name, indent-1))+" ", lines) {
		fmt.Fprintln(p.a.Out, line)
	}
}

func (p *printer) payloads(s deliver.Summary, style terminal.Style) string {
	text := units.Number(s.Documents)
	switch {
	case p.source == cli.EmbeddedSource:
		text += ", the documented sample"
		if terminal.IsPipe(p.a.In) { // which may have been meant
			text += "; - would read stdin"
		}
	case p.source != "" && !p.many:
		text += " from " + safetext.Line(p.source)
	}
	var chance []string
	if p.o.Shuffle {
		chance = append(chance, "shuffled")
	}
	if p.o.NewIDs {
		chance = append(chance, "with new ids")
	}
	if chance != nil {
		text += fmt.Sprintf(", %s (seed %d)", strings.Join(chance, ", "), p.plan.Seed)
	}
	if s.Unreadable > 0 {
		text += style.Warn(fmt.Sprintf("; %s not read", units.Count(s.Unreadable, "source")))
	}
	return text
}

// limits prints which limits of --max-latency were kept.
func (p *printer) limits(l deliver.Latency) string {
	var parts []string
	for _, limit := range p.o.limits {
		_, missed := limit.Missed(l)
		text := p.a.Style.Good("kept")
		if missed {
			text = p.a.Style.Bad("missed")
		}
		parts = append(parts, fmt.Sprintf("%s %s %s", limit.Name, units.Exactly(limit.Max), text))
	}
	return strings.Join(parts, "  ")
}

// missed returns the first limit that was missed, "" if none was.
func (p *printer) missed(s deliver.Summary) string {
	for _, limit := range p.o.limits {
		if got, missed := limit.Missed(s.Latency); missed {
			return fmt.Sprintf("%s is %s, over %s", limit.Name, units.Against(got, limit.Max), units.Exactly(limit.Max))
		}
	}
	return ""
}

// pace prints how well the run kept its rate.
func (p *printer) pace(s deliver.Pace) string {
	text := fmt.Sprintf("%s a second asked, %s reached", units.Decimal(s.Asked), units.Rate(s.Reached()))
	if s.Late == 0 {
		text += fmt.Sprintf(", none late by over %s", units.Time(deliver.LateAfter))
	} else {
		text += ", " + p.a.Style.Warn(fmt.Sprintf("%s late by over %s, up to %s", units.Number(s.Late), units.Time(deliver.LateAfter), units.Time(s.Lateness.Max())))
	}
	if s.Missed > 0 {
		text += ", " + p.a.Style.Warn(units.Number(s.Missed)+" due at the end and not sent")
	}
	return text
}

// modeTexts describe when duplicates were sent.
var modeTexts = map[deliver.Mode]string{
	deliver.After:    "one after the other",
	deliver.AtOnce:   "at one instant",
	deliver.Shuffled: "shuffled into the run",
}

func (p *printer) duplicates(s deliver.Summary) string {
	g := s.Groups
	mode := modeTexts[p.plan.Mode]
	if p.plan.Mode == deliver.Shuffled {
		mode += fmt.Sprintf(", seed %d", p.plan.Seed)
	}
	parts := []string{fmt.Sprintf("%s of %d copies (%s)", units.Count(g.Total, "group"), p.plan.Duplicates+1, mode)}
	alike, differ := report.Copies(g)
	if parts = append(parts, alike...); differ != "" {
		parts = append(parts, p.a.Style.Warn(differ))
	}
	return strings.Join(parts, ", ")
}

func percentiles(l deliver.Latency) string {
	var parts []string
	for _, at := range []float64{50, 90, 95, 99} {
		parts = append(parts, fmt.Sprintf("p%.0f %s", at, units.Time(l.At(at))))
	}
	return strings.Join(append(parts, "max "+units.Time(l.Max())), "  ")
}

// verdictText returns the result in one line.
func (p *printer) verdictText(ctx context.Context, s deliver.Summary, style terminal.Style) string {
	whole := units.Count(s.Planned, "delivery")
	left := s.Groups.Unsent
	switch {
	case neverReached(s):
		return style.Bad("the endpoint could not be reached")
	case s.Failed > 0 && left > 0:
		return style.Bad(fmt.Sprintf("%s of %s failed", units.Number(s.Failed), whole)) + fmt.Sprintf(", %s not sent any more", units.Number(left))
	case s.Failed > 0:
		return style.Bad(fmt.Sprintf("%s of %s failed", units.Number(s.Failed), whole))
	case ctx.Err() != nil && s.OK == 0:
		return style.Warn("interrupted before anything was delivered")
	case ctx.Err() != nil:
		return style.Warn(fmt.Sprintf("interrupted after %s, all answered %s", units.Count(s.OK, "delivery"), p.plan.Expect))
	case s.Err != nil:
		return style.Bad(fmt.Sprintf("stopped after %s", units.Count(s.OK, "delivery")))
	case p.failedBefore() > 0:
		return style.Bad(fmt.Sprintf("%s failed before", units.Count(p.failedBefore(), "delivery"))) + fmt.Sprintf(", %s now answered %s", units.Number(s.OK), p.plan.Expect)
	case p.nothingLeft(s):
		return style.Good("nothing was left to deliver")
	case s.OK == 0:
		return style.Warn("nothing was delivered")
	case p.missed(s) != "":
		return style.Bad(p.missed(s)) + fmt.Sprintf("; %s answered %s", units.Count(s.OK, "delivery"), p.plan.Expect)
	}
	text := style.Good(units.Count(s.OK, "delivery") + " answered " + p.plan.Expect.String())
	if left > 0 { // by --duration
		text += fmt.Sprintf(", %s not sent any more", units.Number(left))
	}
	if s.Unreadable > 0 { // a good verdict hides nothing
		text += style.Warn(fmt.Sprintf("; %s not read", units.Count(s.Unreadable, "source")))
	}
	return text
}
