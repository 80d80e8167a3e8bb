// Package log is the command log and those below it: they read the delivery log.
// The package is the program's own.
package log

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"slices"
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

type options struct {
	filter deliveryview.LogFilter
	limit  int
	follow bool
	format string
}

// defaultLimit is how many deliveries are listed unless it is said.
const defaultLimit = 50

// NewCmd is the command.
func NewCmd(a *cli.App) *cobra.Command {
	var o options
	cmd := &cobra.Command{
		Use:   "log",
		Short: "Look at received deliveries and their outcome",
		Long: `log lists the deliveries that "julianctl listen" received, the newest last. It works
while listeners write to the log. The commands below show one delivery, compare two,
print exact bytes, sum up, and compare the log with what a consumer stored.

Each delivery keeps its number. A mark is its outcome: ✓ acknowledged, ! acknowledged
although its payload has an error or a warning, ✗ not acknowledged (see --failed),
? not answered when the listener ended. One with a ✓
beside a status such as 500 failed at first, and was acknowledged when it was redelivered.

With --follow it shows new deliveries as they come in, until Ctrl-C.`,
		Example: `  julianctl log
  julianctl log --follow
  julianctl log --since 2h --failed
  julianctl log --call call.abc123 --format json
  julianctl log --text 'guten tag' --limit 0
  julianctl log show 12
  julianctl log resend --failed
  julianctl log stats --since 24h --fail-over 1%`,
		Args: cli.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error { return run(cmd.Context(), a, o) },
	}
	cli.ConfigFlag(cmd, "log")
	o.filter.Declare(cmd.Flags())
	cmd.Flags().IntVar(&o.limit, "limit", defaultLimit, "list the newest N; 0 lists all")
	cmd.Flags().BoolVarP(&o.follow, "follow", "f", false, "show new deliveries as they come in, until Ctrl-C")
	cli.FormatFlag(cmd, &o.format, "text", "json")
	for _, make := range []func(*cli.App) *cobra.Command{
		newShowCmd, newResendCmd, newDiffCmd, newRawCmd, newCurlCmd, newExportCmd, newStatsCmd,
		newReconcileCmd, newVerifyCmd, newPruneCmd, newPathCmd, newUICmd,
	} {
		cmd.AddCommand(make(a))
	}
	cli.GroupFlags(cmd,
		"Most used: follow since failed call filter",
		"Choose: text dups acknowledged invalid result-type | until ids",
		"Output: limit format",
		"Log: log",
	)
	return cmd
}

func run(ctx context.Context, a *cli.App, o options) error {
	c, err := o.filter.Read(a.Now())
	if err != nil {
		return err
	}
	if o.limit < 0 {
		return cli.UsageError(fmt.Errorf(`--limit "%d" is negative`, o.limit), "0 lists all")
	}
	l, err := a.OpenLog(ctx)
	if err != nil {
		return err
	}
	defer l.Close()
	p := &lister{a: a, records: report.NewRecords(a.Out, "log")}
	show := p.line
	if o.format == "json" {
		show = p.record
	}
	all := c.Entries(ctx, a, l)
	if o.limit > 0 {
		// The newest, in the order they came in.
		c.Newest, c.Limit = true, o.limit+1
		var newest []*journal.Entry
		for e, err := range c.Entries(ctx, a, l) {
			if err != nil {
				return err
			}
			newest = append(newest, e)
		}
		if p.more = len(newest) > o.limit; p.more {
			newest = newest[:o.limit]
		}
		slices.Reverse(newest)
		all = func(yield func(*journal.Entry, error) bool) {
			for _, e := range newest {
				if !yield(e, nil) {
					return
				}
			}
		}
	}
	for e, err := range all {
		if err != nil {
			return err
		}
		if err := show(e); err != nil {
			return err
		}
		c.After = e.ID
	}
	if o.follow {
		c.Newest, c.Limit = false, 0
		if err := follow(ctx, a, l, c, show); err != nil {
			return err
		}
	}
	return p.end(o)
}

// lister writes one line or record a delivery.
type lister struct {
	a       *cli.App
	records *report.Records
	day     string // of the line before
	listed  int
	more    bool // there are older ones
}

// record is one line of --format json.
type record struct {
	ID         int64                 `json:"id"`
	Received   time.Time             `json:"received"`
	Verdict    string                `json:"verdict"`          // ok, warning, invalid, refused, failed, unanswered
	Status     int                   `json:"status,omitempty"` // answered; absent: not known, or none was given
	Refusal    string                `json:"refusal,omitempty"`
	Fault      string                `json:"fault,omitempty"`
	Method     string                `json:"method"`
	URI        string                `json:"uri"`
	Remote     string                `json:"remote"`
	CallID     string                `json:"callId"`
	ResultType string                `json:"resultType"`
	Seconds    *float64              `json:"duration,omitempty"` // of the call
	Name       string                `json:"name,omitempty"`
	Direction  string                `json:"direction,omitempty"`
	Copy       int                   `json:"copy"`
	First      int64                 `json:"first,omitempty"` // id of the first delivery of the call
	Size       int64                 `json:"size"`
	TookMS     float64               `json:"tookMs,omitempty"`
	Forward    *deliveryview.Forward `json:"forward,omitempty"`
	// Redeliveries counts the attempts to deliver it again.
	Redeliveries int `json:"redeliveries"`
	Errors       int `json:"errors"`
	Warnings     int `json:"warnings"`
}

func (p *lister) record(e *journal.Entry) error {
	p.listed++
	r := record{
		ID: e.ID, Received: e.Received, Verdict: e.Verdict(), Refusal: string(e.Refusal), Method: e.Method, URI: e.URI, Remote: e.Remote,
		CallID: e.CallID, ResultType: e.ResultType, Seconds: e.Seconds, Name: e.Name, Direction: e.Direction, Copy: e.Copy, First: e.First, Size: e.Size,
		Redeliveries: e.Redeliveries,
	}
	if o := e.Outcome; o != nil {
		r.Status, r.TookMS, r.Fault, r.Errors, r.Warnings = o.Status, units.Milliseconds(o.Took), o.Fault, o.Errors, o.Warnings
		if f := o.Forward; f != nil {
			r.Forward = &deliveryview.Forward{To: f.To, Status: f.Status, TookMS: units.Milliseconds(f.Took), Error: f.Err, Attempts: f.Attempts}
		}
	}
	return p.records.Write("delivery", r)
}

// Columns of a list: number, time, mark and status, call, result, length, size,
// and whatever else there is to say.
const (
	listCall   = 13
	listResult = 16
	pipeWidth  = 200
)

func (p *lister) line(e *journal.Entry) error {
	st, width := p.a.Style, p.a.Out.Width()
	at := e.Received.In(p.a.Now().Location())
	if day := at.Format("Mon 2 Jan 2006"); day != p.day {
		p.day = day
		if _, err := fmt.Fprintln(p.a.Out, st.Faint(day)); err != nil {
			return err
		}
	}
	p.listed++
	mark, colour := deliveryview.MarkOf(e.Verdict(), st)
	call, result := listCall, listResult
	id := terminal.OrDash(safetext.Line(e.CallID))
	switch {
	case !p.a.Out.IsTTY(): // for grep and its like: whole
		width, call, result = pipeWidth, max(len("call.")+36, terminal.Cells(id)), 20
	case width >= 120:
		call, result = len("call.")+36, 20
	}
	status := " - "
	if e.Outcome != nil && e.Outcome.Status > 0 {
		status = strconv.Itoa(e.Outcome.Status)
	}
	length := "-"
	if e.Seconds != nil {
		length = units.Seconds(*e.Seconds)
	}
	columns := []string{fmt.Sprintf("%5d  %s %s %s  %s",
		e.ID, at.Format(time.TimeOnly), colour(mark), colour(status),
		terminal.Pad(terminal.FitMiddle(id, call), call))}
	used := 5 + 2 + 8 + 1 + 1 + 1 + 3 + 2 + call
	for _, column := range []string{
		terminal.Pad(terminal.Fit(terminal.OrDash(safetext.Line(e.ResultType)), result), result),
		terminal.PadLeft(length, 6) + " " + terminal.PadLeft(units.Size(e.Size), 6),
	} {
		if more := 2 + terminal.Cells(column); used+more <= width {
			columns = append(columns, column)
			used += more
		}
	}
	if rest := p.rest(e, width-used-2); rest != "" {
		columns = append(columns, st.Faint(rest))
	}
	_, err := fmt.Fprintln(p.a.Out, strings.TrimRight(strings.Join(columns, "  "), " "))
	return err
}

// rest is what stands at the end of a line, the rarest first, as far as there
// is room for it.
func (p *lister) rest(e *journal.Entry, room int) string {
	const least = 8 // columns of a word that is cut
	dup, method := "", ""
	if e.Copy > 1 {
		dup = fmt.Sprintf("DUP %d", e.Copy)
	}
	if e.Method != http.MethodPost {
		method = safetext.Line(e.Method)
	}
	words := []string{dup, method, reasonOf(e), safetext.Line(e.Name)}
	if slices.Contains([]string{"failed", "unanswered", journal.Redelivered}, e.Verdict()) {
		words[0], words[1], words[2] = words[2], dup, method // why it failed is looked for here
	}
	rest := ""
	for _, word := range words {
		longer := terminal.Join(", ", rest, word)
		if terminal.Cells(longer) > room && room-terminal.Cells(longer)+terminal.Cells(word) < least {
			break
		}
		rest = longer
	}
	return terminal.Fit(rest, room)
}

// reasonOf says in a few words why a delivery has its mark; empty for one that is
// well.
func reasonOf(e *journal.Entry) string {
	o := e.Outcome
	why := ""
	switch e.Verdict() {
	case "refused":
		why = terminal.Join(": ", string(e.Refusal), e.Reason)
	case "unanswered":
		why = "no answer is known"
	case journal.Redelivered:
		return "resent"
	case "failed":
		switch f := o.Forward; {
		case o.Fault != "":
			why = o.Fault
		case f != nil && f.Err != "":
			why = f.Err
		case f != nil:
			why = "the endpoint answered " + strconv.Itoa(f.Status)
		default:
			why = "answered " + strconv.Itoa(o.Status)
		}
		if e.Redeliveries > 0 {
			why += ", " + units.Count(e.Redeliveries+1, "attempt")
		}
	default:
		if o.Fault != "" {
			why = o.Fault
		}
		for _, n := range []struct {
			n    int
			what string
		}{{o.Errors, "error"}, {o.Warnings, "warning"}} {
			if n.n > 0 {
				why = terminal.Join(", ", why, units.Count(n.n, n.what))
			}
		}
	}
	return safetext.Line(why)
}

func (p *lister) end(o options) error {
	if o.format == "json" {
		return p.records.Write("summary", struct {
			Deliveries int  `json:"deliveries"`
			More       bool `json:"more"` // --limit left older ones out
		}{p.listed, p.more})
	}
	switch {
	case p.listed == 0:
		p.a.Note("no deliveries")
	case p.more:
		p.a.Note("%s", p.a.ErrStyle.Faint(fmt.Sprintf("the newest %d; --limit 0 lists all", p.listed)))
	}
	return nil
}

// entry opens the log and returns the delivery that a word names.
func entry(ctx context.Context, a *cli.App, word string) (*journal.Log, *journal.Entry, error) {
	l, err := a.OpenLog(ctx)
	if err != nil {
		return nil, nil, err
	}
	e, err := entryOf(ctx, l, word)
	if err != nil {
		return nil, nil, errors.Join(err, l.Close())
	}
	return l, e, nil
}

func entryOf(ctx context.Context, l *journal.Log, word string) (*journal.Entry, error) {
	id, err := strconv.ParseInt(word, 10, 64)
	if err != nil || id < 1 {
		return nil, cli.UsageError(fmt.Errorf("%q is not the number of a delivery", word), `"julianctl log" lists them`)
	}
	e, err := l.Get(ctx, id)
	if errors.Is(err, journal.ErrNotFound) {
		return nil, cli.Failure(fmt.Errorf("delivery %d is not in the log %q", id, l.Path()), `"julianctl log" lists them`)
	}
	if err != nil {
		return nil, cli.LogError(l.Path(), err)
	}
	return e, nil
}
