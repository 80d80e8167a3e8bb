package log

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/julianctl/julianctl/pkg/cli"
	"github.com/julianctl/julianctl/pkg/copies"
	"github.com/julianctl/julianctl/pkg/deliveryview"
	"github.com/julianctl/julianctl/pkg/report"
	"github.com/julianctl/julianctl/pkg/safetext"
	"github.com/julianctl/julianctl/pkg/terminal"
	"github.com/julianctl/julianctl/pkg/units"
	"github.com/spf13/cobra"
)

func newShowCmd(a *cli.App) *cobra.Command {
	var format string
	var whole bool
	cmd := &cobra.Command{
		Use:   "show ID",
		Short: "Show one delivery with all of its fields",
		Long: `show prints a delivery with all of its fields. On a terminal a value of more than
4,000 characters is cut, and says so; --full shows all of it.`,
		Example: "  julianctl log show 12\n  julianctl log show 12 --full | less\n  julianctl log show 12 --format json",
		Args:    cli.OneArg("ID", `"julianctl log" lists them`),
		RunE: func(cmd *cobra.Command, args []string) error {
			return runShow(cmd.Context(), a, args[0], format, whole)
		},
	}
	cli.ConfigFlag(cmd, "log")
	cmd.Flags().BoolVar(&whole, "full", false, "do not shorten long values")
	cli.FormatFlag(cmd, &format, "text", "json")
	return cmd
}

func runShow(ctx context.Context, a *cli.App, word, format string, whole bool) error {
	l, e, err := entry(ctx, a, word)
	if err != nil {
		return err
	}
	defer l.Close()
	p, err := deliveryview.NewPrinter(a, deliveryview.Options{Format: "pretty", Full: true, Whole: whole})
	if err != nil {
		return err
	}
	s, err := p.Logged(e)
	if err != nil {
		return err
	}
	if e.Copy > 1 {
		s.Change = deliveryview.ChangeSince(ctx, l, e.First, &e.Delivery)
	}
	if format == "json" {
		s.Header = safetext.MaskHeader(s.Header, a.Config.RedactHeader...)
		return report.NewRecords(a.Out, "log").Write("delivery", loggedRecordOf(a, e, s))
	}
	p.Heading(fmt.Sprintf("%s, %s, from %s", a.Style.Bold(fmt.Sprintf("delivery %d", e.ID)), e.Received.In(a.Now().Location()).Format("Mon 2 Jan 2006"), terminal.OrDash(safetext.Line(e.Remote))))
	p.Write(s)
	p.Flush()
	if e.Outcome == nil {
		a.Note("%s the listener ended before its answer was known", a.ErrStyle.Warn("unanswered:"))
	}
	return nil
}

func newDiffCmd(a *cli.App) *cobra.Command {
	var whole bool
	cmd := &cobra.Command{
		Use:   "diff A [B]",
		Short: "Show the differences between two deliveries",
		Long: `diff lists the differences between two payloads of the log; with one number, between the
first delivery of that call and this one. Exit code 1: values differ. Exit code 0: they
are the same, even if they are written differently. Each value is cut to one line; --full
shows all of it.`,
		Example: "  julianctl log diff 12 15\n  julianctl log diff 15\n  julianctl log diff 15 --full",
		Args: func(cmd *cobra.Command, args []string) error {
			if len(args) == 0 {
				return cli.UsageError(errors.New("julianctl log diff needs one or two IDs"), `"julianctl log --dups" lists duplicates`)
			}
			return cli.MaxArgs(2)(cmd, args)
		},
		RunE: func(cmd *cobra.Command, args []string) error { return runDiff(cmd.Context(), a, args, whole) },
	}
	cli.ConfigFlag(cmd, "log")
	cmd.Flags().BoolVar(&whole, "full", false, "do not shorten long values")
	return cmd
}

func runDiff(ctx context.Context, a *cli.App, words []string, whole bool) error {
	l, now, err := entry(ctx, a, words[len(words)-1])
	if err != nil {
		return err
	}
	defer l.Close()
	first := words[0]
	if len(words) == 1 {
		if now.First == 0 || now.First == now.ID {
			return cli.Failure(fmt.Errorf("delivery %d has no earlier one to compare with", now.ID), "name two: julianctl log diff A B")
		}
		first = fmt.Sprint(now.First)
	}
	old, err := entryOf(ctx, l, first)
	if err != nil {
		return err
	}
	change := deliveryview.ChangeSince(ctx, l, old.ID, &now.Delivery)
	var b strings.Builder
	pair := fmt.Sprintf("%d and %d", old.ID, now.ID)
	switch change.Kind {
	case copies.Same:
		b.WriteString(pair + " are the same bytes\n")
	case copies.Layout:
		b.WriteString(pair + " hold the same values, written differently\n")
	case copies.Values:
		b.WriteString(deliveryview.ChangesText(a, change, whole))
		b.WriteString(units.Count(len(change.Fields)+change.More, "value") + " changed from " + fmt.Sprint(old.ID) + " to " + fmt.Sprint(now.ID) + "\n")
	default:
		b.WriteString(pair + " differ; they are not both JSON\n")
	}
	if _, err := a.Out.Write([]byte(b.String())); err != nil {
		return err
	}
	if change.Kind == copies.Same || change.Kind == copies.Layout {
		return nil
	}
	return cli.Verdict(cli.ExitNo)
}

func newRawCmd(a *cli.App) *cobra.Command {
	cmd := &cobra.Command{
		Use:     "raw ID",
		Short:   "Write the exact bytes of a body",
		Example: "  julianctl log raw 12 > body.json",
		Args:    cli.OneArg("ID", `"julianctl log" lists them`),
		RunE: func(cmd *cobra.Command, args []string) error {
			l, e, err := entry(cmd.Context(), a, args[0])
			if err != nil {
				return err
			}
			defer l.Close()
			body := e.Body
			if a.Out.IsTTY() {
				// Bytes that a sender chose do not command a terminal.
				body = []byte(safetext.Text(string(body)) + "\n")
			}
			_, err = a.Out.Write(body)
			return err
		},
	}
	cli.ConfigFlag(cmd, "log")
	return cmd
}

func newCurlCmd(a *cli.App) *cobra.Command {
	var to string
	cmd := &cobra.Command{
		Use:   "curl ID",
		Short: "Print a curl command that sends a delivery again",
		Long: `curl prints a command for a POSIX shell that sends the exact bytes of a delivery and its
headers again. Secrets in headers were masked before they were stored, and are left out. A
body that is too long for a command line is piped out of the log.`,
		Example: "  julianctl log curl 12 --to http://127.0.0.1:8080/webhook\n  julianctl log curl 12 | sh",
		Args:    cli.OneArg("ID", `"julianctl log" lists them`),
		RunE: func(cmd *cobra.Command, args []string) error {
			l, e, err := entry(cmd.Context(), a, args[0])
			if err != nil {
				return err
			}
			defer l.Close()
			_, err = fmt.Fprintln(a.Out, deliveryview.CurlCommand(e, to, l.Path()))
			return err
		},
	}
	cli.ConfigFlag(cmd, "log")
	cmd.Flags().StringVar(&to, "to", "", "URL to send to (default where the delivery arrived)")
	return cmd
}
