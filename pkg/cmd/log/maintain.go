package log

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"strings"

	"github.com/julianctl/julianctl/pkg/cli"
	"github.com/julianctl/julianctl/pkg/journal"
	"github.com/julianctl/julianctl/pkg/safetext"
	"github.com/julianctl/julianctl/pkg/terminal"
	"github.com/julianctl/julianctl/pkg/units"
	"github.com/spf13/cobra"
)

func newPathCmd(a *cli.App) *cobra.Command {
	cmd := &cobra.Command{
		Use:     "path",
		Short:   "Print where the log is",
		Example: "  julianctl log path",
		Long: `The log is a folder. To copy or move it, stop those that listen first. What it holds
is in its files with names that end in .segment; the index beside them is made again
where it is missing.`,
		Args: cli.NoArgs,
		RunE: func(*cobra.Command, []string) error {
			path, err := a.LogPath()
			if err != nil {
				return err
			}
			if path == "" {
				path = cli.NoLog
			}
			_, err = fmt.Fprintln(a.Out, safetext.Line(path))
			return err
		},
	}
	cli.ConfigFlag(cmd, "log")
	return cmd
}

func newVerifyCmd(a *cli.App) *cobra.Command {
	cmd := &cobra.Command{
		Use:   "verify",
		Short: "Verify that the log is complete and unchanged",
		Long: `verify reads the whole log: the check sum of each record, and the SHA-256 of each body, which
was computed when it arrived. What cannot be read is named with its place in the file. Exit
code 3: something is damaged.`,
		Example: "  julianctl log verify",
		Args:    cli.NoArgs,
		RunE:    func(cmd *cobra.Command, _ []string) error { return runVerify(cmd.Context(), a) },
	}
	cli.ConfigFlag(cmd, "log")
	return cmd
}

func runVerify(ctx context.Context, a *cli.App) error {
	l, err := a.OpenLogWith(ctx, journal.Options{ReadOnly: true})
	if err != nil {
		return err
	}
	defer l.Close()
	v, err := l.Verify(ctx, func(id int64, what string) {
		if id > 0 {
			what = fmt.Sprintf("delivery %d: %s", id, what)
		}
		fmt.Fprintln(a.Out, safetext.Line(what))
	})
	if err != nil {
		return cli.LogError(l.Path(), err)
	}
	found := fmt.Sprintf("%s with %s, each as it was received", units.Count(int(v.Deliveries), "delivery"), units.Size(v.Bytes))
	if v.Problems > 0 {
		fmt.Fprintf(a.Out, "%s: %s; otherwise %s\n", a.Style.Bad("damaged"), units.Count(v.Problems, "problem"), found)
		return cli.Verdict(cli.ExitFailure)
	}
	_, err = fmt.Fprintf(a.Out, "%s: %s\n", a.Style.Good("whole"), found)
	return err
}

type logPruneOptions struct {
	olderThan cli.TimeSpan
	keep      int
	size      cli.ByteSize
	all       bool
	dryRun    bool
	yes       bool
}

func newPruneCmd(a *cli.App) *cobra.Command {
	var o logPruneOptions
	cmd := &cobra.Command{
		Use:   "prune",
		Short: "Delete deliveries, oldest first",
		Long: `prune deletes the oldest deliveries from the log, with the answers of endpoints, and frees
their space on the disk. Their bytes are overwritten. It works while listeners write. With
several flags, a delivery is deleted if any one of them applies.

On a terminal it asks first, unless --yes is given. Elsewhere, as in a cron job, it does
not ask.`,
		Example: `  julianctl log prune --older-than 7d
  julianctl log prune --older-than 7d --dry-run
  julianctl log prune --keep 1000
  julianctl log prune --all`,
		Args: cli.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error { return runPrune(cmd.Context(), a, o) },
	}
	cli.ConfigFlag(cmd, "log")
	f := cmd.Flags()
	f.Var(&o.olderThan, "older-than", "delete deliveries older than this, such as 7d")
	f.IntVar(&o.keep, "keep", 0, "keep only the newest N")
	f.Var(&o.size, "size", "delete the oldest until the log is no larger than this, such as 100MiB")
	f.BoolVar(&o.all, "all", false, "delete every delivery")
	f.BoolVar(&o.dryRun, "dry-run", false, "show what would be deleted, and delete nothing")
	f.BoolVar(&o.yes, "yes", false, "do not ask for confirmation")
	return cmd
}

func runPrune(ctx context.Context, a *cli.App, o logPruneOptions) error {
	p := journal.Prune{Keep: o.keep, Bytes: int64(o.size)}
	switch {
	case o.keep < 0:
		return cli.UsageError(fmt.Errorf(`--keep "%d" is negative`, o.keep), "--all deletes all")
	case o.all && (o.olderThan != 0 || o.keep != 0 || o.size != 0):
		return cli.UsageError(errors.New("use only one of --all, --older-than, --keep and --size"), "nothing was deleted")
	case o.all:
		p.Keep = -1
	case o.olderThan == 0 && o.keep == 0 && o.size == 0:
		return cli.UsageError(errors.New("which deliveries to delete is not said"), "name them: --older-than 7d, --keep N, --size 100MiB or --all")
	}
	if o.olderThan > 0 {
		p.Before = a.Now().Add(-o.olderThan.Duration())
	}
	asks := !o.yes && terminal.IsTerminal(a.In)
	if o.dryRun || asks {
		goes, err := prunable(ctx, a, p)
		switch {
		case err != nil:
			return err
		case o.dryRun:
			_, err := fmt.Fprintf(a.Out, "%s would be deleted\n", goes)
			return err
		}
		yes, err := ask(ctx, a, fmt.Sprintf("%s will be deleted, and their bytes overwritten. Go on?", goes))
		if err != nil {
			return err
		}
		if !yes {
			a.Note("nothing was deleted")
			return cli.Verdict(cli.ExitNo)
		}
	}
	l, err := a.OpenLogWith(ctx, journal.Options{Existing: true})
	if err != nil {
		return err
	}
	n, err := l.Prune(ctx, p)
	err = errors.Join(err, l.Close())
	a.Note("%s deleted", units.Count(int(n), "delivery"))
	if err != nil {
		return cli.LogError(l.Path(), err)
	}
	return nil
}

// prunable says what would be deleted.
func prunable(ctx context.Context, a *cli.App, p journal.Prune) (string, error) {
	l, err := a.OpenLog(ctx)
	if err != nil {
		return "", err
	}
	found, err := l.Prunable(ctx, p)
	if err = errors.Join(err, l.Close()); err != nil {
		return "", cli.LogError(l.Path(), err)
	}
	text := units.Count(found.Deliveries, "delivery")
	if found.Deliveries > 0 {
		const layout = "2 Jan 2006 15:04"
		where := a.Now().Location()
		text += fmt.Sprintf(" with %s, from %s to %s,", units.Size(found.Bytes), found.First.In(where).Format(layout), found.Last.In(where).Format(layout))
	}
	return text, nil
}

// ask asks the user on the terminal; only yes is yes.
func ask(ctx context.Context, a *cli.App, question string) (yes bool, err error) {
	fmt.Fprintf(a.Err, "%s [y/N] ", question)
	in, done := a.Stdin(ctx)
	defer done()
	line, err := bufio.NewReader(in).ReadString('\n')
	if err != nil && !errors.Is(err, io.EOF) {
		return false, err
	}
	word := strings.ToLower(strings.TrimSpace(line))
	return word == "y" || word == "yes", nil
}
