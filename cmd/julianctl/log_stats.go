package main

import (
	"context"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/julianctl/julianctl/pkg/journal"
	"github.com/julianctl/julianctl/pkg/report"
	"github.com/julianctl/julianctl/pkg/safetext"
	"github.com/spf13/cobra"
)

type logStatsOptions struct {
	filter   logFilter
	failOver percentage
	format   string
}

func newLogStatsCmd(a *app) *cobra.Command {
	o := logStatsOptions{failOver: -1}
	cmd := &cobra.Command{
		Use:   "stats",
		Short: "Sum up deliveries, and fail when too many failed",
		Long: `stats sums up the deliveries of the log. With --fail-over the exit code is 1 when
more than that part of them was not answered with 2xx: an alert from cron. Exit
code 3 says that there was nothing to sum up with --fail-over.`,
		Example: `  julianctl log stats --since 24h
  */10 * * * * julianctl log stats --since 10m --fail-over 1% || notify "webhooks fail"`,
		Args: noArgs,
		RunE: func(cmd *cobra.Command, _ []string) error { return runLogStats(cmd.Context(), a, o) },
	}
	configFlag(cmd, "log")
	o.filter.declare(cmd.Flags())
	cmd.Flags().Var(&o.failOver, "fail-over", "exit 1 when a larger part failed, such as 1%")
	formatFlag(cmd, &o.format, "text", "json")
	return cmd
}

// sparkParts is how many columns the sparkline has.
const sparkParts = 48

func runLogStats(ctx context.Context, a *app, o logStatsOptions) error {
	c, err := o.filter.read(a.now())
	if err != nil {
		return err
	}
	l, err := a.openLog(ctx)
	if err != nil {
		return err
	}
	defer l.Close()
	f, err := c.resolve(ctx, a, l)
	if err != nil {
		return err
	}
	s, err := l.Stats(ctx, f, sparkParts)
	if err != nil {
		return logFault(l.Path(), err)
	}
	over := o.failOver >= 0 && s.Deliveries > 0 && float64(s.Failed)/float64(s.Deliveries) > float64(o.failOver)/100
	if o.format == "json" {
		err = report.NewRecords(a.out, "log").Write("summary", statsRecord{s, milliseconds(s.Took.P50), milliseconds(s.Took.P95), milliseconds(s.Took.P99), milliseconds(s.Took.Max), over})
	} else {
		_, err = a.out.Write([]byte(a.statsText(s, o, over)))
	}
	switch {
	case err != nil:
		return err
	case over:
		return verdict(exitNo)
	case o.failOver >= 0 && s.Deliveries == 0:
		return unable(fmt.Errorf("no deliveries to look at"), "is a listener running, and writing to this log? see: julianctl log path")
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
}

// statsText is a small table, a sparkline, and the verdict last.
func (a *app) statsText(s journal.Stats, o logStatsOptions, over bool) string {
	var b strings.Builder
	st := a.style
	if s.Deliveries == 0 {
		return "no deliveries\n"
	}
	line := func(label, format string, args ...any) {
		fmt.Fprintf(&b, "%s%s\n", st.faint(pad(label, labelWidth)), fmt.Sprintf(format, args...))
	}
	where := a.now().Location()
	const layout = "2 Jan 15:04:05"
	line("received", "%s to %s", s.First.In(where).Format(layout), s.Last.In(where).Format(layout+" 2006"))
	if len(s.Over) > 0 {
		line("", "%s", a.sparkline(s.Over))
		line("", "%s", st.faint(fmt.Sprintf("each column %s", spanText(s.Over[1].From.Sub(s.Over[0].From)))))
	}
	line("deliveries", "%s, %s, %s", grouped(s.Deliveries), bytesText(s.Bytes), countOf(int(s.Calls), "call", "calls"))
	for _, row := range []struct {
		label string
		n     int64
		paint paint
	}{
		{"duplicates", s.Duplicates, st.warn}, {"invalid", s.Invalid, st.bad},
		{"refused", s.Refused, st.bad}, {"unforwarded", s.Unforwarded, st.bad}, {"unanswered", s.Unanswered, st.warn},
	} {
		if row.n > 0 {
			line(row.label, "%s %s", row.paint(grouped(row.n)), st.faint(part(row.n, s.Deliveries)))
		}
	}
	line("answered in", "p50 %s  p95 %s  p99 %s  max %s", shortTime(s.Took.P50), shortTime(s.Took.P95), shortTime(s.Took.P99), shortTime(s.Took.Max))
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
			bar := strings.Repeat("█", int(max(1, 20*c.Count/most)))
			line(label, "%s %s  %s", pad(fit(safetext.Line(c.Name), 20), 20), padLeft(grouped(c.Count), 8), st.accent(bar))
			label = ""
		}
	}
	share := fmt.Sprintf("%s of %s failed %s", grouped(s.Failed), grouped(s.Deliveries), part(s.Failed, s.Deliveries))
	switch {
	case over:
		fmt.Fprintf(&b, "\n%s: more than %s\n", st.bad(share), o.failOver.String())
	case s.Failed > 0:
		fmt.Fprintf(&b, "\n%s\n", st.warn(share))
	default:
		fmt.Fprintf(&b, "\n%s\n", st.good(share))
	}
	return b.String()
}

// sparkline is a bar for each part; one in which something failed is red.
func (a *app) sparkline(over []journal.Part) string {
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
			bar = a.style.bad(bar)
		}
		b.WriteString(bar)
	}
	return b.String()
}

// part is n of all, such as (1.2%).
func part(n, all int64) string {
	return "(" + strconv.FormatFloat(100*float64(n)/float64(all), 'f', 1, 64) + "%)"
}

// grouped is a number with its thousands apart: 12,345.
func grouped(n int64) string {
	s := strconv.FormatInt(n, 10)
	for i := len(s) - 3; i > 0; i -= 3 {
		s = s[:i] + "," + s[i:]
	}
	return s
}

// spanText is a length of time with one unit.
func spanText(d time.Duration) string {
	switch {
	case d >= 48*time.Hour:
		return fmt.Sprintf("%.0f days", d.Hours()/24)
	case d >= 2*time.Hour:
		return fmt.Sprintf("%.0f hours", d.Hours())
	case d >= 2*time.Minute:
		return fmt.Sprintf("%.0f minutes", d.Minutes())
	case d >= 2*time.Second:
		return fmt.Sprintf("%.0f seconds", d.Seconds())
	}
	return d.Round(time.Millisecond).String()
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
