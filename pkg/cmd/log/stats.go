package log

import (
	"context"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/julianctl/julianctl/pkg/cli"
	"github.com/julianctl/julianctl/pkg/deliveryview"
	"github.com/julianctl/julianctl/pkg/journal"
	"github.com/julianctl/julianctl/pkg/report"
	"github.com/julianctl/julianctl/pkg/safetext"
	"github.com/julianctl/julianctl/pkg/terminal"
	"github.com/julianctl/julianctl/pkg/units"
	"github.com/spf13/cobra"
)

type logStatsOptions struct {
	filter   deliveryview.LogFilter
	failOver percentage
	silence  cli.TimeSpan // 0: not asked for
	format   string
}

func newStatsCmd(a *cli.App) *cobra.Command {
	o := logStatsOptions{failOver: -1}
	cmd := &cobra.Command{
		Use:   "stats",
		Short: "Sum up deliveries; exit 1 if too many failed",
		Long: `stats sums up the deliveries of the log. With --fail-over the exit code is 1 if a larger
share was not answered with 2xx: an alert from cron. The exit code is 3 if there was
nothing to sum up.

With --max-silence the exit code is 1 if the last delivery is older than that: the sender
may have given up, or the listener may have ended. Refused requests do not count.`,
		Example: `  julianctl log stats --since 24h
  */10 * * * * julianctl log stats --since 10m --fail-over 1% || notify "webhooks fail"`,
		Args: cli.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error { return runStats(cmd.Context(), a, o) },
	}
	cli.ConfigFlag(cmd, "log")
	o.filter.Declare(cmd.Flags())
	cmd.Flags().Var(&o.failOver, "fail-over", "exit 1 if a larger share failed, such as 1%")
	cmd.Flags().Var(&o.silence, "max-silence", "exit 1 if the last delivery is older than this, such as 30m, whatever --since says")
	cli.FormatFlag(cmd, &o.format, "text", "json")
	cli.GroupFlags(cmd,
		"Most used: since fail-over max-silence filter format",
		"Choose: call failed | until text ids dups acknowledged invalid result-type",
		"Log: log",
	)
	return cmd
}

// sparkParts is how many columns the sparkline has.
const sparkParts = 48

func runStats(ctx context.Context, a *cli.App, o logStatsOptions) error {
	c, l, err := o.filter.Open(ctx, a)
	if err != nil {
		return err
	}
	defer l.Close()
	f, err := c.Resolve(ctx, a, l)
	if err != nil {
		return err
	}
	s, err := l.Stats(ctx, f, sparkParts)
	if err != nil {
		return cli.LogError(l.Path(), err)
	}
	silent, err := o.silent(ctx, a, l, c)
	if err != nil {
		return err
	}
	over := o.failOver >= 0 && s.Deliveries > 0 && float64(s.Failed)/float64(s.Deliveries) > float64(o.failOver)/100
	if o.format == "json" {
		err = report.NewRecords(a.Out, "log").Write("summary", statsRecord{s, units.Milliseconds(s.Took.P50), units.Milliseconds(s.Took.P95), units.Milliseconds(s.Took.P99), units.Milliseconds(s.Took.Max), over, silent.last, silent.tooLong})
	} else {
		_, err = a.Out.Write([]byte(statsText(a, s, o, over) + silent.text(a, o)))
	}
	switch {
	case err != nil:
		return err
	case over || silent.tooLong:
		return cli.Verdict(cli.ExitNo)
	case o.failOver >= 0 && s.Deliveries == 0:
		return cli.Failure(fmt.Errorf("no deliveries to look at"), "is a listener running, and writing to this log? see: julianctl log path")
	}
	return nil
}

type statsRecord struct {
	journal.Stats
	P50MS  float64 `json:"p50Ms"`
	P95MS  float64 `json:"p95Ms"`
	P99MS  float64 `json:"p99Ms"`
	MaxMS  float64 `json:"maxMs"`
	Failed bool    `json:"overLimit"` // more than --fail-over
	// LastDelivery is when the last came, whatever --since and --until say, and
	// Silent says that this is longer ago than --max-silence; only with that.
	LastDelivery time.Time `json:"lastDelivery,omitzero"`
	Silent       bool      `json:"silent,omitempty"`
}

// silence is for how long no delivery came.
type silence struct {
	last    time.Time // zero: none ever did
	tooLong bool
}

// silent looks for the last delivery that c chooses, whenever it came.
func (o *logStatsOptions) silent(ctx context.Context, a *cli.App, l *journal.Log, c deliveryview.Chosen) (s silence, err error) {
	if o.silence == 0 {
		return s, nil
	}
	c.Since, c.Until, c.Accepted, c.Newest, c.Limit = time.Time{}, time.Time{}, true, true, 1
	for e, err := range c.Entries(ctx, a, l) {
		if err != nil {
			return s, err
		}
		s.last = e.Received
	}
	s.tooLong = s.last.IsZero() || a.Now().Sub(s.last) > o.silence.Duration()
	return s, nil
}

func (s silence) text(a *cli.App, o logStatsOptions) string {
	switch {
	case o.silence == 0:
		return ""
	case s.last.IsZero():
		return a.Style.Bad("silent: no delivery ever came") + "\n"
	}
	colour, than := a.Style.Good, "no more"
	if s.tooLong {
		colour, than = a.Style.Bad, "more"
	}
	return fmt.Sprintf("the last delivery came at %s, %s: %s than %s\n",
		s.last.In(a.Now().Location()).Format("2 Jan 15:04:05"), colour(units.Time(a.Now().Sub(s.last))+" ago"), than, o.silence.String())
}

// statsText is a small table, a sparkline, and the verdict last.
func statsText(a *cli.App, s journal.Stats, o logStatsOptions, over bool) string {
	var b strings.Builder
	st := a.Style
	if s.Deliveries == 0 {
		return "no deliveries\n"
	}
	line := func(label, format string, args ...any) {
		fmt.Fprintf(&b, "%s%s\n", st.Faint(terminal.Pad(label, deliveryview.LabelWidth)), fmt.Sprintf(format, args...))
	}
	where := a.Now().Location()
	const layout = "2 Jan 15:04:05"
	first, last := s.First.In(where).Format(layout), s.Last.In(where).Format(layout)
	span := last
	if first != last {
		span = first + " to " + last
	}
	line("received", "%s", span+s.Last.In(where).Format(" 2006"))
	if len(s.Over) > 0 && first != last {
		line("", "%s", sparkline(a, s.Over))
		line("", "%s", st.Faint(fmt.Sprintf("each column %s", units.Time(s.Over[1].From.Sub(s.Over[0].From)))))
	}
	line("deliveries", "%s, %s, %s", units.Number(s.Deliveries), units.Size(s.Bytes), units.Count(int(s.Calls), "call"))
	for _, row := range []struct {
		label string
		n     int64
		paint terminal.Paint
	}{
		{"duplicates", s.Duplicates, st.Warn}, {"invalid", s.Invalid, st.Bad},
		{"refused", s.Refused, st.Bad}, {"unforwarded", s.Unforwarded, st.Bad}, {"unanswered", s.Unanswered, st.Warn},
	} {
		if row.n > 0 {
			line(row.label, "%s %s", row.paint(units.Number(row.n)), st.Faint("("+units.Part(row.n, s.Deliveries)+")"))
		}
	}
	line("answered in", "p50 %s  p95 %s  p99 %s  max %s", units.Time(s.Took.P50), units.Time(s.Took.P95), units.Time(s.Took.P99), units.Time(s.Took.Max))
	for _, group := range []struct {
		label  string
		counts []journal.Count
	}{{"status", s.Statuses}, {"result", s.ResultTypes}} {
		label := group.label
		most := int64(1)
		for _, c := range group.counts {
			most = max(most, c.Count)
		}
		for _, c := range group.counts {
			if group.label == "status" && c.Name == "0" {
				c.Name = "no answer"
			}
			bar := strings.Repeat("█", int(max(1, 20*c.Count/most)))
			line(label, "%s %s  %s", terminal.Pad(terminal.Fit(safetext.Line(c.Name), 20), 20), terminal.PadLeft(units.Number(c.Count), 8), st.Accent(bar))
			label = ""
		}
	}
	share := fmt.Sprintf("%s of %s failed (%s)", units.Number(s.Failed), units.Number(s.Deliveries), units.Part(s.Failed, s.Deliveries))
	if s.Redelivered > 0 {
		share += fmt.Sprintf(", %s of them redelivered since", units.Number(s.Redelivered))
	}
	switch {
	case over:
		fmt.Fprintf(&b, "\n%s: more than %s\n", st.Bad(share), o.failOver.String())
	case s.Failed > 0:
		fmt.Fprintf(&b, "\n%s\n", st.Warn(share))
	default:
		fmt.Fprintf(&b, "\n%s\n", st.Good(share))
	}
	return b.String()
}

// sparkline is a bar for each part; one in which something failed is red.
func sparkline(a *cli.App, over []journal.Part) string {
	levels := []rune("▁▂▃▄▅▆▇█")
	most := int64(1)
	for _, p := range over {
		most = max(most, p.Deliveries)
	}
	var b strings.Builder
	for _, p := range over {
		if p.Deliveries == 0 {
			b.WriteByte(' ')
			continue
		}
		bar := string(levels[int((p.Deliveries*int64(len(levels))-1)/most)])
		if p.Failed > 0 {
			bar = a.Style.Bad(bar)
		}
		b.WriteString(bar)
	}
	return b.String()
}

// percentage is a flag like 1% or 0.5%.
type percentage float64

func (p *percentage) Type() string { return "percent" }

func (p *percentage) String() string {
	if *p < 0 {
		return ""
	}
	return strconv.FormatFloat(float64(*p), 'f', -1, 64) + "%"
}

func (p *percentage) Set(s string) error {
	n, err := strconv.ParseFloat(strings.TrimSuffix(s, "%"), 64)
	if err != nil || !strings.HasSuffix(s, "%") || !(n >= 0 && n <= 100) {
		return fmt.Errorf("want a part from 0%% to 100%%, such as 1%%")
	}
	*p = percentage(n)
	return nil
}
