package log

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"os"
	"slices"
	"strings"

	"github.com/julianctl/julianctl/pkg/cli"
	"github.com/julianctl/julianctl/pkg/deliveryview"
	"github.com/julianctl/julianctl/pkg/journal"
	"github.com/julianctl/julianctl/pkg/report"
	"github.com/julianctl/julianctl/pkg/safetext"
	"github.com/julianctl/julianctl/pkg/units"
	"github.com/spf13/cobra"
	"github.com/tidwall/gjson"
)

type reconcileOptions struct {
	filter  deliveryview.LogFilter
	against string
	format  string
}

func newReconcileCmd(a *cli.App) *cobra.Command {
	var o reconcileOptions
	cmd := &cobra.Command{
		Use:   "reconcile --against FILE|-",
		Short: "Hold the log against the calls that a consumer says it has",
		Long: `reconcile compares the calls in the log, those that were acknowledged, with what a
consumer stored: a file with one call id a line, or one JSON object a line with a
callId, as a database exports them. It tells which are missing at the consumer,
which it has more than once, and which the log does not know. Exit code 1 means
that there are any.`,
		Example: `  psql -Atc 'select call_id from calls' | julianctl log reconcile --against -
  julianctl log reconcile --against calls.ndjson --since 24h`,
		Args: cli.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error { return runReconcile(cmd.Context(), a, o) },
	}
	cli.ConfigFlag(cmd, "log")
	o.filter.Declare(cmd.Flags())
	cmd.Flags().StringVar(&o.against, "against", "", "the consumer's call ids; - is stdin")
	cli.FormatFlag(cmd, &o.format, "text", "json")
	cli.GroupFlags(cmd,
		"Most used: against since until filter format",
		"Choose: call | text ids failed dups invalid result-type",
		"Log: log",
	)
	return cmd
}

// reconciled is what became of one call.
type reconciled struct {
	CallID  string `json:"callId"`
	Problem string `json:"problem"`         // missing, doubled, unknown
	Logged  int    `json:"logged"`          // acknowledged deliveries in the log
	Has     int    `json:"has"`             // times that the consumer has it
	First   int64  `json:"first,omitempty"` // its first delivery in the log
}

type reconcileSummary struct {
	Calls   int `json:"calls"`   // in the log, acknowledged
	Right   int `json:"right"`   // of them, the consumer has once
	Missing int `json:"missing"` // of them, it does not have
	Doubled int `json:"doubled"` // it has more than once
	Unknown int `json:"unknown"` // the log does not have
}

func runReconcile(ctx context.Context, a *cli.App, o reconcileOptions) error {
	if o.against == "" {
		return cli.UsageError(errors.New("nothing to hold the log against"), "--against FILE names the consumer's call ids; - is stdin")
	}
	c, err := o.filter.Read(a.Now())
	if err != nil {
		return err
	}
	l, err := a.OpenLog(ctx)
	if err != nil {
		return err
	}
	defer l.Close()
	has, err := consumerCalls(ctx, a, o.against)
	if err != nil {
		return err
	}
	logged, err := loggedCalls(c.Entries(ctx, a, l))
	if err != nil {
		return err
	}
	if len(logged)+len(has) == 0 {
		return cli.Failure(errors.New("nothing to compare: the log holds no acknowledged call, and the list no id"), "look whether --log and --against name what you mean")
	}
	return tellReconciled(a, o, logged, has)
}

// loggedCalls are the calls that were acknowledged, with the number of times
// and their first delivery.
func loggedCalls(entries func(func(*journal.Entry, error) bool)) (map[string]reconciled, error) {
	logged := map[string]reconciled{}
	for e, err := range entries {
		if err != nil {
			return nil, err
		}
		if e.CallID == "" || e.Refusal != "" || e.Outcome == nil || e.Failed() {
			continue
		}
		r := logged[e.CallID]
		if r.Logged == 0 {
			r.First = e.ID
		}
		r.Logged++
		logged[e.CallID] = r
	}
	return logged, nil
}

// consumerCalls counts the call ids of a file.
func consumerCalls(ctx context.Context, a *cli.App, path string) (map[string]int, error) {
	var in io.Reader
	if path == "-" {
		stdin, done := a.Stdin(ctx)
		defer done()
		in = stdin
	} else {
		f, err := os.Open(path)
		if err != nil {
			return nil, cli.Failure(fmt.Errorf("--against: %w", err), "")
		}
		defer f.Close()
		in = f
	}
	has := map[string]int{}
	lines := bufio.NewScanner(in)
	lines.Buffer(nil, 64<<20)
	n := 0
	for lines.Scan() {
		n++
		line := strings.TrimSpace(strings.TrimPrefix(lines.Text(), "\ufeff"))
		if line == "" {
			continue
		}
		if line[0] == '{' {
			id := gjson.Get(line, "callId")
			if !gjson.Valid(line) || id.Type != gjson.String {
				return nil, cli.Failure(fmt.Errorf("--against %q line %d is no JSON object with a callId", path, n), "one call id a line is enough")
			}
			line = id.Str
		}
		has[strings.Trim(line, `"`)]++
	}
	if err := lines.Err(); err != nil && !errors.Is(err, io.EOF) {
		return nil, cli.Failure(fmt.Errorf("--against %q: %w", path, err), "")
	}
	return has, nil
}

func tellReconciled(a *cli.App, o reconcileOptions, logged map[string]reconciled, has map[string]int) error {
	records := report.NewRecords(a.Out, "log")
	sum := reconcileSummary{Calls: len(logged)}
	for id := range has {
		if _, known := logged[id]; !known {
			logged[id] = reconciled{}
		}
	}
	for _, id := range slices.Sorted(maps.Keys(logged)) {
		r := logged[id]
		r.CallID, r.Has = id, has[id]
		switch {
		case r.Logged == 0:
			r.Problem, sum.Unknown = "unknown", sum.Unknown+1
		case r.Has == 0:
			r.Problem, sum.Missing = "missing", sum.Missing+1
		case r.Has > 1:
			r.Problem, sum.Doubled = "doubled", sum.Doubled+1
		default:
			sum.Right++
			continue
		}
		if err := tellCall(a, o, records, r); err != nil {
			return err
		}
	}
	wrong := sum.Missing + sum.Doubled + sum.Unknown
	if o.format == "json" {
		if err := records.Write("summary", sum); err != nil {
			return err
		}
	} else {
		paint := a.Style.Good
		if wrong > 0 {
			paint = a.Style.Bad
		}
		fmt.Fprintf(a.Out, "%s: %d missing, %d doubled, %d unknown\n", paint(fmt.Sprintf("%d of %s right", sum.Right, units.Count(sum.Calls, "call"))), sum.Missing, sum.Doubled, sum.Unknown)
	}
	if wrong > 0 {
		return cli.Verdict(cli.ExitNo)
	}
	return nil
}

func tellCall(a *cli.App, o reconcileOptions, records *report.Records, r reconciled) error {
	if o.format == "json" {
		return records.Write("call", r)
	}
	what := "the log does not know it"
	switch r.Problem {
	case "missing":
		what = fmt.Sprintf("acknowledged %s, first as delivery %d", units.Count(r.Logged, "time"), r.First)
	case "doubled":
		what = fmt.Sprintf("the consumer has it %d times; acknowledged %s", r.Has, units.Count(r.Logged, "time"))
	}
	_, err := fmt.Fprintf(a.Out, "%s  %s  %s\n", a.Style.Bad(r.Problem), safetext.Line(r.CallID), what)
	return err
}
