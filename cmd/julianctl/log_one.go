package main

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/julianctl/julianctl/pkg/journal"
	"github.com/julianctl/julianctl/pkg/receive"
	"github.com/julianctl/julianctl/pkg/report"
	"github.com/julianctl/julianctl/pkg/safetext"
	"github.com/spf13/cobra"
)

func newLogShowCmd(a *app) *cobra.Command {
	var format string
	var whole bool
	cmd := &cobra.Command{
		Use:   "show ID",
		Short: "Show one delivery with all of its fields",
		Long: `show prints a delivery with all of its fields. On a terminal a value of more than
4,000 characters is cut, and says so; --full shows all of it.`,
		Example: "  julianctl log show 12\n  julianctl log show 12 --full | less\n  julianctl log show 12 --format json",
		Args:    oneArg("ID", `"julianctl log" lists them`),
		RunE: func(cmd *cobra.Command, args []string) error {
			return runLogShow(cmd.Context(), a, args[0], format, whole)
		},
	}
	configFlag(cmd, "log")
	cmd.Flags().BoolVar(&whole, "full", false, "show long values whole")
	formatFlag(cmd, &format, "text", "json")
	return cmd
}

// oneArg wants exactly one word.
func oneArg(what, hint string) cobra.PositionalArgs {
	return func(cmd *cobra.Command, args []string) error {
		if len(args) == 0 {
			return usage(fmt.Errorf("%s needs %s", cmd.CommandPath(), what), hint)
		}
		return maxArgs(1)(cmd, args)
	}
}

func runLogShow(ctx context.Context, a *app, word, format string, whole bool) error {
	l, e, err := a.entry(ctx, word)
	if err != nil {
		return err
	}
	defer l.Close()
	p, err := newListenPrinter(a, showOptions{format: "pretty", full: true, whole: whole})
	if err != nil {
		return err
	}
	s, err := p.logged(e)
	if err != nil {
		return err
	}
	if e.Copy > 1 {
		s.Change = changeSince(ctx, l, e.First, s.Delivery)
	}
	if format == "json" {
		s.Header = safetext.MaskHeader(s.Header, a.cfg.RedactHeader...)
		return report.NewRecords(a.out, "log").Write("delivery", loggedRecordOf(e, s))
	}
	p.heading(fmt.Sprintf("%s, %s, from %s", a.style.bold(fmt.Sprintf("delivery %d", e.ID)), e.Received.In(a.now().Location()).Format("Mon 2 Jan 2006"), orDash(safetext.Line(e.Remote))))
	p.write(s)
	p.flush()
	if e.Outcome == nil {
		a.note("%s the listener ended before its answer was known", a.errStyle.warn("unanswered:"))
	}
	return nil
}

// changeSince compares d with the first delivery of its call.
func changeSince(ctx context.Context, l *journal.Log, first int64, d *receive.Delivery) receive.Change {
	unknown := receive.Change{Kind: receive.Unknown}
	e, err := l.Get(ctx, first)
	if err != nil {
		return unknown // pruned
	}
	old, err := payloadOf(e)
	if err != nil {
		return unknown
	}
	payload, err := d.Payload()
	if err != nil {
		return unknown
	}
	return receive.Compare(old, payload)
}

// payloadOf is what e holds, inflated.
func payloadOf(e *journal.Entry) ([]byte, error) { return receivedOf(e).Payload() }

func newLogDiffCmd(a *app) *cobra.Command {
	var whole bool
	cmd := &cobra.Command{
		Use:   "diff A [B]",
		Short: "Tell what differs between two deliveries",
		Long: `diff tells what differs between two payloads of the log; with one number, between
the first delivery of that call and this one. Exit code 1 means that values differ,
0 that they are the same, even if they are written differently. Each value stands
in one line, as far as there is room; --full shows all of it.`,
		Example: "  julianctl log diff 12 15\n  julianctl log diff 15\n  julianctl log diff 15 --full",
		Args: func(cmd *cobra.Command, args []string) error {
			if len(args) == 0 {
				return usage(errors.New("julianctl log diff needs one or two IDs"), `"julianctl log --dups" lists duplicates`)
			}
			return maxArgs(2)(cmd, args)
		},
		RunE: func(cmd *cobra.Command, args []string) error { return runLogDiff(cmd.Context(), a, args, whole) },
	}
	configFlag(cmd, "log")
	cmd.Flags().BoolVar(&whole, "full", false, "show long values whole")
	return cmd
}

func runLogDiff(ctx context.Context, a *app, words []string, whole bool) error {
	l, now, err := a.entry(ctx, words[len(words)-1])
	if err != nil {
		return err
	}
	defer l.Close()
	first := words[0]
	if len(words) == 1 {
		if now.First == 0 || now.First == now.ID {
			return unable(fmt.Errorf("delivery %d has no earlier one to compare with", now.ID), "name two: julianctl log diff A B")
		}
		first = fmt.Sprint(now.First)
	}
	old, err := a.entryOf(ctx, l, first)
	if err != nil {
		return err
	}
	change := changeSince(ctx, l, old.ID, receivedOf(now))
	var b strings.Builder
	pair := fmt.Sprintf("%d and %d", old.ID, now.ID)
	switch change.Kind {
	case receive.Same:
		b.WriteString(pair + " are the same bytes\n")
	case receive.Layout:
		b.WriteString(pair + " hold the same values, written differently\n")
	case receive.Values:
		b.WriteString(a.changesText(change, whole))
		b.WriteString(count(len(change.Fields)+change.More, "value") + " changed from " + fmt.Sprint(old.ID) + " to " + fmt.Sprint(now.ID) + "\n")
	default:
		b.WriteString(pair + " differ; they are not both JSON\n")
	}
	if _, err := a.out.Write([]byte(b.String())); err != nil {
		return err
	}
	if change.Kind == receive.Same || change.Kind == receive.Layout {
		return nil
	}
	return verdict(exitNo)
}

func newLogRawCmd(a *app) *cobra.Command {
	cmd := &cobra.Command{
		Use:     "raw ID",
		Short:   "Write the exact bytes of a body",
		Example: "  julianctl log raw 12 > body.json",
		Args:    oneArg("ID", `"julianctl log" lists them`),
		RunE: func(cmd *cobra.Command, args []string) error {
			l, e, err := a.entry(cmd.Context(), args[0])
			if err != nil {
				return err
			}
			defer l.Close()
			body := e.Body
			if a.out.isTTY() {
				// Bytes that a stranger chose do not command a terminal.
				body = []byte(safetext.Text(string(body)) + "\n")
			}
			_, err = a.out.Write(body)
			return err
		},
	}
	configFlag(cmd, "log")
	return cmd
}

func newLogCurlCmd(a *app) *cobra.Command {
	var to string
	cmd := &cobra.Command{
		Use:   "curl ID",
		Short: "Print a curl command that sends a delivery again",
		Long: `curl prints a command for a POSIX shell that sends exactly the bytes of a delivery
and its header again; secrets in it were masked before it was stored, and are left
out. A body that a command line cannot hold comes out of the log through a pipe.`,
		Example: "  julianctl log curl 12 --to http://127.0.0.1:8080/webhook\n  julianctl log curl 12 | sh",
		Args:    oneArg("ID", `"julianctl log" lists them`),
		RunE: func(cmd *cobra.Command, args []string) error {
			l, e, err := a.entry(cmd.Context(), args[0])
			if err != nil {
				return err
			}
			defer l.Close()
			_, err = fmt.Fprintln(a.out, curlCommand(e, to, l.Path()))
			return err
		},
	}
	configFlag(cmd, "log")
	cmd.Flags().StringVar(&to, "to", "", "URL to send to (default where it came to)")
	return cmd
}

// maxInline is how long a body in a command line may be.
const maxInline = 8 << 10

// urlOf is where e came to. A log from before the scheme was kept says http.
func urlOf(e *journal.Entry) string {
	if !strings.HasPrefix(e.URI, "/") && strings.Contains(e.URI, "://") {
		return e.URI // as to a proxy
	}
	return cmp.Or(e.Scheme, "http") + "://" + e.Host + e.URI
}

func curlCommand(e *journal.Entry, to, path string) string {
	if to == "" {
		to = urlOf(e)
	}
	words := []string{"curl"}
	if e.Method != "POST" {
		words = append(words, "-X", safetext.Shell(e.Method))
	}
	d := receivedOf(e)
	header := receive.EndToEnd(d.Header)
	for _, name := range []string{"Content-Length", "Host", "Expect"} {
		header.Del(name)
	}
	for _, name := range slices.Sorted(maps.Keys(header)) {
		for _, value := range header[name] {
			if value == safetext.Masked {
				continue
			}
			field := name + ": " + value
			if value == "" {
				field = name + ";" // curl's way to send an empty one
			}
			words = append(words, "-H", safetext.Shell(field))
		}
	}
	pipe := ""
	switch {
	case len(e.Body) == 0 && e.Method != "POST":
	case inline(e.Body):
		words = append(words, "--data-binary", safetext.Shell(string(e.Body)))
	default:
		pipe = "julianctl log raw --log " + safetext.Shell(path) + " " + fmt.Sprint(e.ID) + " | "
		words = append(words, "--data-binary", "@-")
	}
	return pipe + strings.Join(append(words, safetext.Shell(to)), " ")
}

// inline reports whether body may stand in a command line: curl would read a
// file if it began with @, and what is not plain text does not survive being
// shown and copied.
func inline(body []byte) bool {
	return len(body) <= maxInline && utf8.Valid(body) && !bytes.HasPrefix(body, []byte("@")) &&
		safetext.Text(string(body)) == string(body) && !bytes.ContainsAny(body, "\r\n\t")
}
