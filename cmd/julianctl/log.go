package main

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"time"

	"github.com/julianctl/julianctl/pkg/journal"
	"github.com/julianctl/julianctl/pkg/receive"
	"github.com/julianctl/julianctl/pkg/report"
	"github.com/julianctl/julianctl/pkg/safetext"
	"github.com/spf13/cobra"
)

type logOptions struct {
	filter logFilter
	limit  int
	format string
}

// defaultLimit is how many deliveries are listed unless it is said.
const defaultLimit = 50

func newLogCmd(a *app) *cobra.Command {
	var o logOptions
	cmd := &cobra.Command{
		Use:   "log",
		Short: "Look into the delivery log: what came, and what became of it",
		Long: `log lists the deliveries that "julianctl listen" took in, the newest at the end.
It may be looked at while listeners write to it. The commands below show one
delivery, compare two, give exact bytes, sum up, and account for what a consumer
says that it got.

Each delivery has a number, which it keeps. A mark says what became of it: ✓ was
acknowledged, ! has a warning, ✗ was refused, failed, or has a payload with an
error, ? ended with the listener before its answer was known.`,
		Example: `  julianctl log
  julianctl log --since 2h --failed
  julianctl log --call call.abc123 --format json
  julianctl log --text 'guten tag' --limit 0
  julianctl log show 12
  julianctl log stats --since 24h --fail-over 1%`,
		Args: noArgs,
		RunE: func(cmd *cobra.Command, _ []string) error { return runLog(cmd.Context(), a, o) },
	}
	configFlag(cmd, "log")
	o.filter.declare(cmd.Flags())
	cmd.Flags().IntVar(&o.limit, "limit", defaultLimit, "list so many of the newest; 0 lists all")
	formatFlag(cmd, &o.format, "text", "json")
	for _, make := range []func(*app) *cobra.Command{
		newLogShowCmd, newLogDiffCmd, newLogRawCmd, newLogCurlCmd, newLogExportCmd, newLogStatsCmd,
		newLogReconcileCmd, newLogVerifyCmd, newLogPruneCmd, newLogPathCmd, newLogUICmd,
	} {
		cmd.AddCommand(make(a))
	}
	return cmd
}

func runLog(ctx context.Context, a *app, o logOptions) error {
	c, err := o.filter.read(a.now())
	if err != nil {
		return err
	}
	if o.limit < 0 {
		return usage(fmt.Errorf(`--limit "%d" is negative`, o.limit), "0 lists all")
	}
	l, err := a.openLog(ctx)
	if err != nil {
		return err
	}
	defer l.Close()
	p := &logLister{a: a, records: report.NewRecords(a.out, "log")}
	show := p.line
	if o.format == "json" {
		show = p.record
	}
	all := c.entries(ctx, a, l)
	if o.limit > 0 {
		// The newest, in the order they came in.
		c.Newest, c.Limit = true, o.limit+1
		var newest []*journal.Entry
		for e, err := range c.entries(ctx, a, l) {
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
	}
	return p.end(o)
}

// logLister writes one line or record a delivery.
type logLister struct {
	a       *app
	records *report.Records
	day     string // of the line before
	listed  int
	more    bool // there are older ones
}

// logRecord is one line of --format json.
type logRecord struct {
	ID         int64          `json:"id"`
	Received   time.Time      `json:"received"`
	Verdict    string         `json:"verdict"`          // ok, warning, invalid, refused, failed, unanswered
	Status     int            `json:"status,omitempty"` // answered; absent: not known, or none was given
	Refusal    string         `json:"refusal,omitempty"`
	Fault      string         `json:"fault,omitempty"`
	Method     string         `json:"method"`
	URI        string         `json:"uri"`
	Remote     string         `json:"remote"`
	CallID     string         `json:"callId"`
	ResultType string         `json:"resultType"`
	Seconds    *float64       `json:"duration,omitempty"` // of the call
	Name       string         `json:"name,omitempty"`
	Direction  string         `json:"direction,omitempty"`
	Copy       int            `json:"copy"`
	First      int64          `json:"first,omitempty"` // id of the first delivery of the call
	Size       int64          `json:"size"`
	TookMS     float64        `json:"tookMs,omitempty"`
	Forward    *listenForward `json:"forward,omitempty"`
	Errors     int            `json:"errors"`
	Warnings   int            `json:"warnings"`
}

func (p *logLister) record(e *journal.Entry) error {
	p.listed++
	r := logRecord{
		ID: e.ID, Received: e.Received, Verdict: e.Verdict(), Refusal: e.Refusal, Method: e.Method, URI: e.URI, Remote: e.Remote,
		CallID: e.CallID, ResultType: e.ResultType, Seconds: e.Seconds, Name: e.Name, Direction: e.Direction, Copy: e.Copy, First: e.First, Size: e.Size,
	}
	if o := e.Outcome; o != nil {
		r.Status, r.TookMS, r.Fault, r.Errors, r.Warnings = o.Status, milliseconds(o.Took), o.Fault, o.Errors, o.Warnings
		if f := o.Forward; f != nil {
			r.Forward = &listenForward{Status: f.Status, TookMS: milliseconds(f.Took), Error: f.Err, Attempts: f.Attempts}
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

func (p *logLister) line(e *journal.Entry) error {
	st, width := p.a.style, p.a.out.width()
	at := e.Received.In(p.a.now().Location())
	if day := at.Format("Mon 2 Jan 2006"); day != p.day {
		p.day = day
		if _, err := fmt.Fprintln(p.a.out, st.faint(day)); err != nil {
			return err
		}
	}
	p.listed++
	mark, colour := markOf(e.Verdict(), st)
	call, result := listCall, listResult
	id := orDash(safetext.Line(e.CallID))
	switch {
	case !p.a.out.isTTY(): // for grep and its like: whole
		width, call, result = pipeWidth, max(len("call.")+36, cells(id)), 20
	case width >= 120:
		call, result = len("call.")+36, 20
	}
	status := " - "
	if e.Outcome != nil && e.Outcome.Status > 0 {
		status = strconv.Itoa(e.Outcome.Status)
	}
	length := "-"
	if e.Seconds != nil {
		length = callTime(*e.Seconds)
	}
	columns := fmt.Sprintf("%5d  %s %s %s  %s  %s  %s %s",
		e.ID, at.Format(time.TimeOnly), colour(mark), colour(status),
		pad(fitMiddle(id, call), call),
		pad(fit(orDash(safetext.Line(e.ResultType)), result), result),
		padLeft(length, 6), padLeft(bytesText(e.Size), 6))
	used := 5 + 2 + 8 + 1 + 1 + 1 + 3 + 2 + call + 2 + result + 2 + 6 + 1 + 6
	if rest := p.rest(e, width-used-2); rest != "" {
		columns += "  " + st.faint(rest)
	}
	_, err := fmt.Fprintln(p.a.out, columns)
	return err
}

// rest is what stands at the end of a line, the rarest first, as far as there
// is room for it.
func (p *logLister) rest(e *journal.Entry, room int) string {
	const least = 8 // columns of a word that is cut
	dup, method, fault := "", "", ""
	if e.Copy > 1 {
		dup = fmt.Sprintf("DUP %d", e.Copy)
	}
	if e.Method != http.MethodPost {
		method = safetext.Line(e.Method)
	}
	if e.Outcome != nil {
		fault = safetext.Line(e.Outcome.Fault)
	}
	rest := ""
	for _, word := range []string{dup, safetext.Line(e.Refusal), method, fault, safetext.Line(e.Name)} {
		longer := join(", ", rest, word)
		if cells(longer) > room && room-cells(longer)+cells(word) < least {
			break
		}
		rest = longer
	}
	return fit(rest, room)
}

func (p *logLister) end(o logOptions) error {
	if o.format == "json" {
		return p.records.Write("summary", struct {
			Deliveries int  `json:"deliveries"`
			More       bool `json:"more"` // --limit left older ones out
		}{p.listed, p.more})
	}
	switch {
	case p.listed == 0:
		p.a.note("no deliveries")
	case p.more:
		p.a.note("%s", p.a.errStyle.faint(fmt.Sprintf("the newest %d; --limit 0 lists all", p.listed)))
	}
	return nil
}

// entries are the deliveries that c chooses, without bodies where it does not
// need them.
func (c chosen) entries(ctx context.Context, a *app, l *journal.Log) func(yield func(*journal.Entry, error) bool) {
	if c.payload.Any() {
		return c.deliveries(ctx, a, l)
	}
	return func(yield func(*journal.Entry, error) bool) {
		for e, err := range l.Entries(ctx, c.Filter) {
			if err != nil {
				err = logFault(l.Path(), err)
			}
			if !yield(e, err) {
				return
			}
		}
	}
}

// entry opens the log and returns the delivery that a word names.
func (a *app) entry(ctx context.Context, word string) (*journal.Log, *journal.Entry, error) {
	l, err := a.openLog(ctx)
	if err != nil {
		return nil, nil, err
	}
	e, err := a.entryOf(ctx, l, word)
	if err != nil {
		return nil, nil, errors.Join(err, l.Close())
	}
	return l, e, nil
}

func (a *app) entryOf(ctx context.Context, l *journal.Log, word string) (*journal.Entry, error) {
	id, err := strconv.ParseInt(word, 10, 64)
	if err != nil || id < 1 {
		return nil, usage(fmt.Errorf("%q is no number of a delivery", word), `"julianctl log" lists them`)
	}
	e, err := l.Get(ctx, id)
	if errors.Is(err, journal.ErrNotFound) {
		return nil, unable(fmt.Errorf("delivery %d is not in the log %q", id, l.Path()), `"julianctl log" lists what is`)
	}
	if err != nil {
		return nil, logFault(l.Path(), err)
	}
	return e, nil
}

// receivedOf is e as it was received.
func receivedOf(e *journal.Entry) *receive.Delivery {
	d := &receive.Delivery{
		Seq: e.ID, Received: e.Received, Method: e.Method, URI: e.URI, Proto: e.Proto, Scheme: e.Scheme, Host: e.Host, Remote: e.Remote,
		Header: e.Header, Body: e.Body, Size: e.Size, CallID: e.CallID, ResultType: e.ResultType, Seconds: e.Seconds,
		Copy: e.Copy, Refusal: receive.Refusal(e.Refusal), Reason: e.Reason,
	}
	if o := e.Outcome; o != nil {
		d.Status, d.Took = o.Status, o.Took
		if f := o.Forward; f != nil {
			d.Forward = &receive.Forwarded{Status: f.Status, Took: f.Took, Attempts: f.Attempts}
			if f.Err != "" {
				d.Forward.Err = errors.New(f.Err)
			}
		}
	}
	return d
}
