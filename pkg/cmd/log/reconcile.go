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
	"github.com/julianctl/julianctl/pkg/julian"
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
		Short: "Compare the log with the calls that a consumer stored",
		Long: `reconcile compares the acknowledged calls of the log with what a consumer stored: a file
with one call id a line, or one JSON object a line with a callId, as a database exports
them. It lists the calls that the consumer does not have, has more than once, or has and
the log does not. If an object has a resultType too, a call is outdated if its result is
not final and a final one was acknowledged: older content has won.

Exit code 1: there are such calls. A call that the consumer has once and did not
acknowledge is not among them: its answer was lost.`,
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
		"Choose: call | text ids failed dups acknowledged invalid result-type",
		"Log: log",
	)
	return cmd
}

// reconciled is what became of one call.
type reconciled struct {
	CallID  string `json:"callId"`
	Problem string `json:"problem"`         // missing, doubled, unknown, outdated
	Logged  int    `json:"logged"`          // acknowledged deliveries in the log
	Has     int    `json:"has"`             // times that the consumer has it
	First   int64  `json:"first,omitempty"` // its first delivery in the log
	// Result is the final result that was acknowledged, and Says what the consumer has
	// in its place; empty unless outdated.
	Result julian.ResultType `json:"result,omitempty"`
	Says   julian.ResultType `json:"says,omitempty"`

	tried bool // the log has it, acknowledged or not
}

type reconcileSummary struct {
	Calls   int `json:"calls"`   // in the log, acknowledged
	Right   int `json:"right"`   // of them, the consumer has once
	Missing int `json:"missing"` // of them, it does not have
	Doubled int `json:"doubled"` // it has more than once
	Unknown int `json:"unknown"` // the log does not have
	// Outdated are those of which it has a result that is not final, and a final one was
	// acknowledged. Unconfirmed were not acknowledged, and it has them once.
	Outdated    int `json:"outdated"`
	Unconfirmed int `json:"unconfirmed"`
}

func runReconcile(ctx context.Context, a *cli.App, o reconcileOptions) error {
	if o.against == "" {
		return cli.UsageError(errors.New("no list to compare the log with"), "--against FILE names the consumer's call ids; - is stdin")
	}
	c, l, err := o.filter.Open(ctx, a)
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
	sum := reconcileSummary{}
	for _, r := range logged {
		if r.Logged > 0 {
			sum.Calls++
		}
	}
	if sum.Calls+len(has) == 0 {
		return cli.Failure(errors.New("nothing to compare: the log holds no acknowledged call, and the list no id"), "look whether --log and --against name what you mean")
	}
	return tellReconciled(a, o, sum, logged, has)
}

// loggedCalls are the calls of the log, with the number of times that they were
// acknowledged, their first such delivery, and the latest final result of these.
func loggedCalls(entries func(func(*journal.Entry, error) bool)) (map[string]reconciled, error) {
	logged := map[string]reconciled{}
	for e, err := range entries {
		if err != nil {
			return nil, err
		}
		if e.CallID == "" || e.Refusal != "" {
			continue
		}
		r := logged[e.CallID]
		r.tried = true
		if e.Outcome != nil && !e.Failed() {
			if r.Logged == 0 {
				r.First = e.ID
			}
			r.Logged++
			if result := julian.ResultType(e.ResultType); result.Terminal() {
				r.Result = result
			}
		}
		logged[e.CallID] = r
	}
	return logged, nil
}

// consumerCall is what a consumer has of a call.
type consumerCall struct {
	times  int
	result julian.ResultType // the last one; empty: it does not say
}

// consumerCalls counts the call ids of a file.
func consumerCalls(ctx context.Context, a *cli.App, path string) (map[string]consumerCall, error) {
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
	has := map[string]consumerCall{}
	lines := bufio.NewScanner(in)
	lines.Buffer(nil, 64<<20)
	n := 0
	for lines.Scan() {
		n++
		line := strings.TrimSpace(strings.TrimPrefix(lines.Text(), "\ufeff"))
		if line == "" {
			continue
		}
		result := ""
		if line[0] == '{' {
			id := gjson.Get(line, "callId")
			if !gjson.Valid(line) || id.Type != gjson.String {
				return nil, cli.Failure(fmt.Errorf("--against %q line %d is not a JSON object with a callId", path, n), "one call id a line is enough")
			}
			line, result = id.Str, gjson.Get(line, "resultType").String()
		}
		id := strings.Trim(line, `"`)
		has[id] = consumerCall{times: has[id].times + 1, result: julian.ResultType(result)}
	}
	if err := lines.Err(); err != nil && !errors.Is(err, io.EOF) {
		return nil, cli.Failure(fmt.Errorf("--against %q: %w", path, err), "")
	}
	return has, nil
}

func tellReconciled(a *cli.App, o reconcileOptions, sum reconcileSummary, logged map[string]reconciled, has map[string]consumerCall) error {
	records := report.NewRecords(a.Out, "log")
	for id := range has {
		if _, known := logged[id]; !known {
			logged[id] = reconciled{}
		}
	}
	for _, id := range slices.Sorted(maps.Keys(logged)) {
		r := logged[id]
		r.CallID, r.Has, r.Says = id, has[id].times, has[id].result
		switch {
		case r.Logged == 0 && r.Has == 0:
			continue
		case r.Logged == 0 && r.Has == 1 && r.tried:
			sum.Unconfirmed++
			continue
		case r.Logged == 0 && !r.tried:
			r.Problem, sum.Unknown = "unknown", sum.Unknown+1
		case r.Has == 0:
			r.Problem, sum.Missing = "missing", sum.Missing+1
		case r.Has > 1:
			r.Problem, sum.Doubled = "doubled", sum.Doubled+1
		case r.Result != "" && r.Says != "" && !r.Says.Terminal():
			r.Problem, sum.Outdated = "outdated", sum.Outdated+1
		default:
			sum.Right++
			continue
		}
		if r.Problem != "outdated" {
			r.Result, r.Says = "", ""
		}
		if err := tellCall(a, o, records, r); err != nil {
			return err
		}
	}
	wrong := sum.Missing + sum.Doubled + sum.Unknown + sum.Outdated
	if o.format == "json" {
		if err := records.Write("summary", sum); err != nil {
			return err
		}
	} else {
		paint := a.Style.Good
		if wrong > 0 {
			paint = a.Style.Bad
		}
		line := fmt.Sprintf("%s: %d missing, %d doubled, %d unknown", paint(fmt.Sprintf("%d of %s right", sum.Right, units.Count(sum.Calls, "call"))), sum.Missing, sum.Doubled, sum.Unknown)
		if sum.Outdated > 0 {
			line += fmt.Sprintf(", %d outdated", sum.Outdated)
		}
		if sum.Unconfirmed > 0 {
			line += fmt.Sprintf("; %d more not acknowledged, which the consumer has", sum.Unconfirmed)
		}
		fmt.Fprintln(a.Out, line)
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
	case "outdated":
		what = fmt.Sprintf("the consumer has %q; %q was acknowledged", r.Says, r.Result)
	case "doubled":
		what = fmt.Sprintf("the consumer has it %d times; acknowledged %s", r.Has, units.Count(r.Logged, "time"))
	}
	_, err := fmt.Fprintf(a.Out, "%s  %s  %s\n", a.Style.Bad(r.Problem), safetext.Line(r.CallID), safetext.Line(what))
	return err
}
