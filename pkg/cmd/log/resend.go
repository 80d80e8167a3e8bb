package log

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"time"

	"github.com/julianctl/julianctl/pkg/cli"
	"github.com/julianctl/julianctl/pkg/deliver"
	"github.com/julianctl/julianctl/pkg/deliveryview"
	"github.com/julianctl/julianctl/pkg/effects"
	"github.com/julianctl/julianctl/pkg/journal"
	"github.com/julianctl/julianctl/pkg/report"
	"github.com/julianctl/julianctl/pkg/safetext"
	"github.com/julianctl/julianctl/pkg/terminal"
	"github.com/julianctl/julianctl/pkg/units"
	"github.com/julianctl/julianctl/pkg/wait"
	"github.com/spf13/cobra"
)

type resendOptions struct {
	filter   deliveryview.LogFilter
	ids      []string
	delivery cli.DeliveryFlags
	rate     float64
	probe    string
	unless   bool
	dryRun   bool
	format   string

	toGiven bool // --to
}

func newResendCmd(a *cli.App) *cobra.Command {
	o := resendOptions{delivery: cli.DeliveryFlags{MaxExcerpt: journal.MaxAnswer}}
	cmd := &cobra.Command{
		Use:   "resend [ID…]",
		Short: "Deliver received deliveries again, byte for byte",
		Long: `resend sends deliveries of the log again: the exact bytes with their headers, one after the
other, oldest first. Secrets in headers were masked before they were stored, and are left
out; the headers of the configuration and of -H are sent.

They go where "listen --forward-to" sent them, unless --to says otherwise. The results are
added to the log: "log show" lists each attempt, and what was acknowledged is no longer
--failed. So a cron job with --failed ends. Requests that were refused are left out.

With --unless-effect and --probe, calls that are processed already are left out. Exit code
1: a delivery was not acknowledged. Exit code 0: all were, or there was nothing to send.`,
		Example: `  julianctl log resend 12
  julianctl log resend --failed
  julianctl log resend --failed --since 2h --to http://127.0.0.1:8080/webhook --rate 5
  julianctl log resend --failed --probe 'count-calls {callId}' --unless-effect`,
		Args: cobra.ArbitraryArgs,
		RunE: func(cmd *cobra.Command, args []string) error {
			o.ids, o.toGiven = args, cmd.Flags().Changed("to")
			return runResend(cmd.Context(), a, o)
		},
	}
	cli.ConfigFlag(cmd, "log")
	o.filter.Declare(cmd.Flags())
	o.delivery.Declare(cmd)
	f := cmd.Flags()
	f.Float64Var(&o.rate, "rate", 0, "most deliveries a second; 0 sends each after the answer to the one before")
	f.StringVar(&o.probe, "probe", "", "command that prints how often a call was processed; "+effects.Placeholder+" and $"+effects.ProbeEnv+" are its id")
	f.BoolVar(&o.unless, "unless-effect", false, "skip calls that are processed already, as --probe counts")
	f.BoolVar(&o.dryRun, "dry-run", false, "show what would be sent, and where, and send nothing")
	cli.FormatFlag(cmd, &o.format, "text", "json")
	cli.GroupFlags(cmd,
		"Most used: failed to dry-run since rate",
		"Choose: call filter | until text ids dups acknowledged invalid result-type",
		"Deliver: header timeout | allow-host insecure cacert",
		"Effects: unless-effect probe",
		"Output: format",
		"Log: log",
	)
	return cmd
}

func runResend(ctx context.Context, a *cli.App, o resendOptions) error {
	c, probe, err := o.read(a)
	if err != nil {
		return err
	}
	opts := journal.Options{Existing: true, MaxDeliveries: -1, MaxBytes: -1}
	if o.dryRun {
		opts = journal.Options{ReadOnly: true}
	}
	l, err := a.OpenLogWith(ctx, opts)
	if err != nil {
		return err
	}
	r := &resender{a: a, o: o, log: l, probe: probe, records: report.NewRecords(a.Out, "log"), endpoints: map[string]*endpoint{}}
	err = r.run(ctx, c)
	r.close()
	if closing := l.Close(); closing != nil {
		err = a.Also(ctx, err, cli.LogError(l.Path(), closing))
	}
	return err
}

// read checks what the flags say together.
func (o *resendOptions) read(a *cli.App) (c deliveryview.Chosen, probe effects.Probe, err error) {
	if c, err = o.filter.Read(a.Now()); err != nil {
		return c, nil, err
	}
	for _, word := range o.ids {
		if err := c.AddIDs(word); err != nil {
			return c, nil, err
		}
	}
	switch {
	case !o.filter.Given() && len(o.ids) == 0:
		return c, nil, cli.UsageError(errors.New("which deliveries to send again is not said"), "name them by number, such as 12, or write --failed")
	case o.rate < 0:
		return c, nil, cli.UsageError(fmt.Errorf(`--rate "%g" is negative`, o.rate), "")
	case o.unless != (o.probe != ""):
		return c, nil, cli.UsageError(errors.New("--unless-effect and --probe are needed together"), "--probe CMD counts the effects that --unless-effect looks for")
	}
	if o.probe != "" {
		words, err := cli.SplitCommand(o.probe)
		if err != nil {
			return c, nil, cli.UsageError(fmt.Errorf("--probe %q %w", o.probe, err), "")
		}
		probe = effects.CommandProbe(words, "")
	}
	return c, probe, nil
}

// resender sends deliveries again.
type resender struct {
	a         *cli.App
	o         resendOptions
	log       *journal.Log
	probe     effects.Probe // nil: none
	records   *report.Records
	endpoints map[string]*endpoint // by what they are called in the log; "" is that of --to

	sent, acknowledged, refused, effects int
}

// endpoint is where deliveries go.
type endpoint struct {
	cli.Target
	header deliver.Header
	client *deliver.Client
}

func (r *resender) close() {
	for _, e := range r.endpoints {
		e.client.Close()
	}
}

func (r *resender) run(ctx context.Context, c deliveryview.Chosen) error {
	ids, err := r.choose(ctx, c)
	if err != nil {
		return err
	}
	// Where one cannot go is found out before the first is sent.
	for _, id := range ids {
		e, err := r.get(ctx, id)
		if err == nil && e.Refusal == "" {
			_, err = r.endpoint(e)
		}
		if err != nil {
			return err
		}
	}
	due := time.Now()
	for _, id := range ids {
		e, err := r.get(ctx, id)
		if err != nil {
			return err
		}
		switch {
		case e.Refusal != "":
			r.refused++
			continue
		case c.Failed && !e.Failed():
			continue // another process was quicker
		}
		if r.probe != nil && e.CallID != "" {
			reading, err := r.probe(ctx, e.CallID)
			if err != nil {
				return cli.Failure(fmt.Errorf("delivery %d: %w", id, err), "a delivery is not sent if it is not known whether its call was processed")
			}
			if reading.Count > 0 {
				r.effects++
				continue
			}
		}
		if r.o.rate > 0 && !r.o.dryRun {
			if err := wait.For(ctx, time.Until(due)); err != nil {
				return err
			}
			due = due.Add(time.Duration(float64(time.Second) / r.o.rate))
		}
		if err := r.send(ctx, e); err != nil {
			return err
		}
	}
	return r.end()
}

// choose returns the numbers of what is to be sent, oldest first. One that was
// named has to be there.
func (r *resender) choose(ctx context.Context, c deliveryview.Chosen) ([]int64, error) {
	for _, word := range r.o.ids {
		if strings.Contains(word, "..") || strings.Contains(word, ",") {
			continue
		}
		if _, err := entryOf(ctx, r.log, word); err != nil {
			return nil, err
		}
	}
	f, err := c.Resolve(ctx, r.a, r.log)
	if err != nil {
		return nil, err
	}
	ids, err := r.log.IDs(ctx, f)
	if err != nil {
		return nil, cli.LogError(r.log.Path(), err)
	}
	return ids, nil
}

func (r *resender) get(ctx context.Context, id int64) (*journal.Entry, error) {
	e, err := r.log.Get(ctx, id)
	if err != nil {
		return nil, cli.LogError(r.log.Path(), err)
	}
	return e, nil
}

// endpoint is where e goes.
func (r *resender) endpoint(e *journal.Entry) (*endpoint, error) {
	to := ""
	switch {
	case r.o.toGiven:
	case e.Outcome != nil && e.Outcome.Forward != nil && e.Outcome.Forward.To != "":
		to = e.Outcome.Forward.To
	case r.a.Config.To == "":
		return nil, cli.UsageError(fmt.Errorf("delivery %d was not passed on to an endpoint, so it is not known where it belongs", e.ID), "say where: --to http://127.0.0.1:8080/webhook or a name from the configuration")
	}
	if known := r.endpoints[to]; known != nil {
		return known, nil
	}
	t, err := r.target(to)
	if err != nil {
		return nil, err
	}
	found := &endpoint{Target: t}
	if found.header, err = cli.ParseHeaders(t.Headers, r.o.delivery.Headers); err != nil {
		return nil, err
	}
	if found.client, err = r.a.ClientTo(t, r.o.delivery); err != nil {
		return nil, err
	}
	r.endpoints[to] = found
	return found, nil
}

func (r *resender) target(to string) (cli.Target, error) {
	if to == "" {
		return r.a.ConfiguredTarget(r.o.delivery.AllowHosts)
	}
	// A name has the endpoint's header and allows its host.
	for _, e := range r.a.Config.Endpoints {
		if cli.WithoutPassword(e.URL) == to {
			return r.a.Target(e.Name, r.o.delivery.AllowHosts)
		}
	}
	if strings.Contains(to, "://***@") {
		return cli.Target{}, cli.UsageError(fmt.Errorf("the password of %q is not in the log", to), "say it again with --to, or name the endpoint in the configuration")
	}
	return r.a.Target(to, r.o.delivery.AllowHosts)
}

// resent is a record of --format json.
type resent struct {
	ID           int64  `json:"id"`
	CallID       string `json:"callId"`
	Acknowledged bool   `json:"acknowledged"`
	deliveryview.Attempt
}

func (r *resender) send(ctx context.Context, e *journal.Entry) error {
	to, err := r.endpoint(e)
	if err != nil {
		return err
	}
	r.sent++
	name := cli.WithoutPassword(to.URL.String())
	if r.o.dryRun {
		if r.o.format == "json" {
			return r.records.Write("planned", struct {
				ID     int64  `json:"id"`
				CallID string `json:"callId"`
				To     string `json:"to"`
			}{e.ID, e.CallID, name})
		}
		_, err := fmt.Fprintf(r.a.Out, "%5d  %s  would go to %s\n", e.ID, terminal.OrDash(safetext.Line(e.CallID)), safetext.Line(name))
		return err
	}
	answer := to.client.Send(ctx, deliveryview.Redelivery(to.URL, to.header, e))
	if ctx.Err() != nil && answer.Sent.IsZero() {
		return context.Cause(ctx)
	}
	attempt := deliveryview.AttemptFrom(r.a, "log resend", name, answer)
	if err := r.log.Attempt(context.WithoutCancel(ctx), e.ID, attempt); err != nil {
		return cli.LogError(r.log.Path(), fmt.Errorf("delivery %d was sent, and that is not in the log: %w", e.ID, err))
	}
	if attempt.Acknowledged() {
		r.acknowledged++
	}
	if r.o.format == "json" {
		return r.records.Write("attempt", resent{e.ID, e.CallID, attempt.Acknowledged(), deliveryview.AttemptOf(r.a, &attempt)})
	}
	return r.line(e, &attempt)
}

func (r *resender) line(e *journal.Entry, t *journal.Attempt) error {
	st := r.a.Style
	mark, colour, came := "✗", st.Bad, safetext.Line(t.Err)
	if t.Err == "" {
		came = strings.TrimSpace(fmt.Sprint(t.Status, " ", http.StatusText(t.Status))) + " in " + units.Time(t.Took)
	}
	if t.Acknowledged() {
		mark, colour = "✓", st.Good
	} else if said := deliveryview.AnswerText(r.a, t.Answer, 100); said != "" {
		came += ": " + said
	}
	_, err := fmt.Fprintf(r.a.Out, "%5d  %s %s  %s\n", e.ID, colour(mark), terminal.OrDash(safetext.Line(e.CallID)), came)
	return err
}

func (r *resender) end() error {
	if r.o.format == "json" {
		err := r.records.Write("summary", struct {
			Sent         int  `json:"sent"`
			Acknowledged int  `json:"acknowledged"`
			Refused      int  `json:"refused"` // left out: no deliveries
			Effects      int  `json:"effects"` // left out: --unless-effect
			DryRun       bool `json:"dryRun"`
		}{r.sent, r.acknowledged, r.refused, r.effects, r.o.dryRun})
		if err != nil {
			return err
		}
	}
	for _, left := range []struct {
		n    int
		what string
	}{{r.refused, "refused by the listener"}, {r.effects, "already processed"}} {
		if left.n > 0 {
			r.a.Note("%s left out: %s", units.Count(left.n, "delivery"), left.what)
		}
	}
	switch {
	case r.sent == 0:
		r.a.Note("nothing to send again")
	case r.o.dryRun:
		r.a.Note("%s would be sent again", units.Count(r.sent, "delivery"))
	default:
		r.a.Note("%s sent again, %d acknowledged", units.Count(r.sent, "delivery"), r.acknowledged)
	}
	if !r.o.dryRun && r.acknowledged < r.sent {
		return cli.Verdict(cli.ExitNo)
	}
	return nil
}
