package main

import (
	"context"
	"errors"
	"fmt"

	"github.com/julianctl/julianctl/pkg/journal"
	"github.com/julianctl/julianctl/pkg/safetext"
	"github.com/spf13/cobra"
)

func newLogPathCmd(a *app) *cobra.Command {
	cmd := &cobra.Command{
		Use:     "path",
		Short:   "Print where the log is",
		Example: "  julianctl log path",
		Long: `While a listener writes, a part of the log is in files beside it that have its
name with -wal, -shm or -intake added. To copy or move it, stop the listener
first: then there is one file.`,
		Args: noArgs,
		RunE: func(*cobra.Command, []string) error {
			path, err := a.logPath()
			if err != nil {
				return err
			}
			if path == "" {
				path = noLog
			}
			_, err = fmt.Fprintln(a.out, safetext.Line(path))
			return err
		},
	}
	configFlag(cmd, "log")
	return cmd
}

func newLogVerifyCmd(a *app) *cobra.Command {
	cmd := &cobra.Command{
		Use:   "verify",
		Short: "Prove that the log is whole and its bodies are what was received",
		Long: `verify reads the whole log: the structure of the file, and the SHA-256 of each
body, which was computed when it came. Exit code 1 means that something is wrong.`,
		Example: "  julianctl log verify",
		Args:    noArgs,
		RunE:    func(cmd *cobra.Command, _ []string) error { return runLogVerify(cmd.Context(), a) },
	}
	configFlag(cmd, "log")
	return cmd
}

func runLogVerify(ctx context.Context, a *app) error {
	l, err := a.openLogWith(ctx, journal.Options{ReadOnly: true})
	if err != nil {
		return err
	}
	defer l.Close()
	v, err := l.Verify(ctx, func(id int64, what string) {
		if id > 0 {
			what = fmt.Sprintf("delivery %d: %s", id, what)
		}
		fmt.Fprintln(a.out, safetext.Line(what))
	})
	if err != nil {
		return logFault(l.Path(), err)
	}
	found := fmt.Sprintf("%s with %s, each as it was received", countOf(int(v.Deliveries), "delivery", "deliveries"), bytesText(v.Bytes))
	if v.Problems > 0 {
		fmt.Fprintf(a.out, "%s: %s; otherwise %s\n", a.style.bad("damaged"), count(v.Problems, "problem"), found)
		return verdict(exitNo)
	}
	_, err = fmt.Fprintf(a.out, "%s: %s\n", a.style.good("whole"), found)
	return err
}

type logPruneOptions struct {
	olderThan timeSpan
	keep      int
	size      byteSize
	all       bool
}

func newLogPruneCmd(a *app) *cobra.Command {
	var o logPruneOptions
	cmd := &cobra.Command{
		Use:   "prune",
		Short: "Delete deliveries, oldest first",
		Long: `prune deletes the oldest deliveries from the log and gives their room on the disk
back. Their bytes are overwritten. It may run while listeners write. What any one
of several flags names is deleted.`,
		Example: `  julianctl log prune --older-than 7d
  julianctl log prune --keep 1000
  julianctl log prune --all`,
		Args: noArgs,
		RunE: func(cmd *cobra.Command, _ []string) error { return runLogPrune(cmd.Context(), a, o) },
	}
	configFlag(cmd, "log")
	f := cmd.Flags()
	f.Var(&o.olderThan, "older-than", "delete what came longer ago, such as 7d")
	f.IntVar(&o.keep, "keep", 0, "delete all but so many of the newest")
	f.Var(&o.size, "size", "delete until the log takes no more than this, such as 100MiB")
	f.BoolVar(&o.all, "all", false, "delete all")
	return cmd
}

func runLogPrune(ctx context.Context, a *app, o logPruneOptions) error {
	p := journal.Prune{Keep: o.keep, Bytes: int64(o.size)}
	switch {
	case o.keep < 0:
		return usage(fmt.Errorf(`--keep "%d" is negative`, o.keep), "--all deletes all")
	case o.all && (o.olderThan != 0 || o.keep != 0 || o.size != 0):
		return usage(errors.New("--all leaves nothing for --older-than, --keep and --size to choose"), "nothing was deleted; leave --all out, or the others")
	case o.all:
		p.Keep = -1
	case o.olderThan == 0 && o.keep == 0 && o.size == 0:
		return usage(errors.New("nothing says what is to be deleted"), "--older-than 7d, --keep N, --size 100MiB or --all")
	}
	if o.olderThan > 0 {
		p.Before = a.now().Add(-o.olderThan.duration())
	}
	l, err := a.openLogWith(ctx, journal.Options{Existing: true})
	if err != nil {
		return err
	}
	n, err := l.Prune(ctx, p)
	err = errors.Join(err, l.Close())
	a.note("%s deleted", countOf(int(n), "delivery", "deliveries"))
	if err != nil {
		return logFault(l.Path(), err)
	}
	return nil
}
