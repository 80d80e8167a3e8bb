// Package replay is the command replay: it delivers payloads to an endpoint.
package replay

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"slices"

	"github.com/julianctl/julianctl/pkg/cli"
	"github.com/julianctl/julianctl/pkg/deliver"
	"github.com/julianctl/julianctl/pkg/deliveryview"
	"github.com/julianctl/julianctl/pkg/payload"
	"github.com/julianctl/julianctl/pkg/timeline"
	"github.com/spf13/cobra"
)

type options struct {
	cli.PlanFlags
	delivery   cli.DeliveryFlags
	retries    int
	expect     string
	maxLatency string
	limits     []deliver.Limit // of maxLatency
	failFast   bool
	dryRun     bool
	resume     string   // run file; empty: none
	fromLog    []string // filters of the delivery log; none: payloads come from paths
	seedGiven  bool
	format     string
	reports    []string // FORMAT=FILE
}

// NewCmd is the command.
func NewCmd(a *cli.App) *cobra.Command {
	var o options
	cmd := &cobra.Command{
		Use:   "replay [PATH…|-] URL|--to NAME",
		Short: "Deliver payloads to an endpoint, with duplicates on request",
		Long: `replay delivers payloads to an endpoint, byte for byte, and checks every answer. A
PATH is a file, a folder, a glob or - for stdin. A file holds one payload, one on each
line (NDJSON) or an array of them, plain or compressed with gzip or zstd. Without a
PATH it delivers the documented sample. With --from-log it delivers what "julianctl
listen" received, oldest first: all, by number (12..20), or by the filters of
"julianctl log" without their dashes (failed,since=2h).

With --dup every payload is delivered again: after the answer to the delivery before,
all together at one instant, or shuffled into the whole run. Nothing else is ever sent
twice: a delivery without an answer is reported, not repeated. Even --retries only
tries again where no connection was made, so nothing was sent.

With --rate deliveries are due at fixed times, whether or not earlier ones were
answered (an open loop). Latency counts from the time when a delivery was due: if an
endpoint stalls for a second, the latency shows a second. At most --concurrency payloads
are in flight; one that has to wait is sent late and counted as late. None is skipped,
except those still waiting when --duration is over, which are counted.

A run ends after its last payload, after --count payloads, or when --duration is over.
With --loop it starts again with the first payload until then, or until Ctrl-C. To the
endpoint, these are duplicates, unless --new-ids gives each round new values of callId
and sequenceId. --new-ids and --set change only what they name: every other byte stays.

With --resume the run is recorded in a file, and the same command continues it after any
interruption. What was answered is not sent again. What was sent and not answered is sent
again, and named: the endpoint may have seen it twice. Each delivery is in the file
before a byte of it is sent. That survives kill -9, but not a power failure. Another
command, or changed payloads, are refused.

--timeout limits a whole delivery, from its start to the last byte of the answer. Time
in a queue does not count. Deliveries that are sent together start when they are
released. An https endpoint on another machine is reached through the proxy in
HTTPS_PROXY, unless NO_PROXY excludes it. Plain http never is: the proxy could read the
payloads.

Exit code 1: an answer was not as expected, or --max-latency was missed. Exit code 3:
the endpoint could not be reached at all, a payload could not be read, or a report could
not be written. Reports list up to 5,000 deliveries that succeeded and up to 5,000 that
failed, and say how many more there are.`,
		Example: `  julianctl replay --to http://127.0.0.1:4040/                     the sample, once
  julianctl replay s.json --dup=2 --to http://127.0.0.1:4040/      three times
  julianctl replay calls.ndjson --dup --dup-mode together -c 8 --to staging
  julianctl replay calls.ndjson --rate 200 --loop --duration 1m --to http://127.0.0.1:4040/
  julianctl replay --loop --count 1000 -c 8 --max-latency p99=500ms --to staging
  julianctl replay --new-ids --loop --count 50 --set callResult.resultType=Busy --to staging
  julianctl replay s.json --to staging -H 'X-Webhook-Secret: …' --expect 200,204
  julianctl replay calls.ndjson -c 16 --to staging --resume run.txt
  julianctl replay calls.ndjson --to staging --report junit=deliveries.xml
  julianctl replay --from-log failed,since=2h --to staging --dry-run
  julianctl replay calls.ndjson --to staging --report html=run.html --report json=run.ndjson
  zcat calls.ndjson.gz | julianctl replay - --to http://127.0.0.1:4040/ --format json`,
		Args: cli.PathArgs,
		RunE: func(cmd *cobra.Command, args []string) error {
			if err := o.Resolve(cmd, args); err != nil {
				return err
			}
			o.seedGiven = cmd.Flags().Changed("seed")
			return run(cmd.Context(), a, o)
		},
	}
	o.PlanFlags.Declare(cmd)
	o.delivery.Declare(cmd)
	cli.ConfigFlag(cmd, "redact-header")
	f := cmd.Flags()
	f.DurationVar(&o.delivery.ConnectTimeout, "connect-timeout", 0, "time limit for connecting, TLS included (default 10s)")
	f.DurationVar(&o.delivery.FirstByteTimeout, "first-byte-timeout", 0, "time limit for the first byte of an answer (default that of --timeout)")
	f.IntVar(&o.retries, "retries", 0, "retries while no connection can be made; latency includes them")
	f.StringVar(&o.expect, "expect", "2xx", "statuses that count as success: 2xx, 200,204 or 2xx,409")
	f.StringVar(&o.maxLatency, "max-latency", "", "exit 1 if the latency is higher: p99=500ms or p50=100ms,max=2s")
	f.BoolVar(&o.failFast, "fail-fast", false, "start no delivery after the first failure")
	f.BoolVar(&o.dryRun, "dry-run", false, "show what would be sent, and send nothing")
	f.StringVar(&o.resume, "resume", "", "record the run in this file, or continue the run that it holds")
	f.StringArrayVar(&o.fromLog, "from-log", nil, "deliver from the log: all, 4,5,7..9, failed,since=2h or another filter; see \"julianctl help filters\" (repeatable)")
	cli.ConfigFlag(cmd, "log")
	cli.ReportFlags(cmd, &o.format, &o.reports, replayFormats(nil))
	f.Lookup("report").Usage += ", json"
	cli.GroupFlags(cmd,
		"Most used: to dup rate count from-log",
		"Duplicates: dup-mode | dup-delay",
		"Payloads: set new-ids | set-new shuffle seed log",
		"Pace: concurrency | duration loop",
		"Deliver: header timeout | retries connect-timeout first-byte-timeout allow-host insecure cacert",
		"Verdict: expect max-latency | fail-fast",
		"Output: dry-run resume format report | redact-header",
	)
	return cmd
}

func run(ctx context.Context, a *cli.App, o options) (err error) {
	plan, err := o.plan()
	if err != nil {
		return err
	}
	uses := cli.ReportUses(o.reports)
	if err := cli.WriteApart(uses, o.Paths...); err != nil {
		return err
	}
	if err := cli.WriteApart(append(uses, cli.FileUse{Flag: "--resume", Path: o.resume})); err != nil {
		return err
	}
	records, err := o.recordsTo()
	if err != nil {
		return err
	}
	line := new(timeline.Timeline)
	reports, err := cli.NewReports(a, "replay", o.format, o.reports, replayFormats(line))
	if err != nil {
		return err
	}
	client, err := a.DeliveryClient(o.delivery)
	if err != nil {
		return err
	}
	defer client.Close()
	if o.resume != "" {
		if err := resumePlan(ctx, a, o, client, &plan); err != nil {
			return err
		}
		defer func() { err = closed(plan.File, err) }()
	}
	// Reading ends with the run, also if --duration or --fail-fast ends it.
	running := ctx
	if o.Duration > 0 && !o.dryRun {
		var over context.CancelFunc
		running, over = context.WithTimeout(ctx, o.Duration)
		defer over()
	}
	reading, stop := context.WithCancel(running)
	defer stop()
	docs, logged, done, err := o.documents(reading, a, o.adds())
	if err != nil {
		return err
	}
	defer func() { err = a.Also(ctx, err, done()) }()
	plan.Stop = stop
	p := newPrinter(a, o, plan, client, reports)
	p.logged = logged
	if o.dryRun {
		return p.dryRun(ctx, docs)
	}
	if err := p.beginRecords(records); err != nil {
		return err
	}
	p.begin(line)
	sum := p.run(ctx, running, docs)
	p.summary(ctx, sum)
	err = p.outcome(ctx, sum)
	if code := cli.Worst(p.report(ctx, sum), p.endRecords(ctx)); err == nil {
		return cli.Verdict(code)
	}
	return err
}

// run delivers until running ends. The first signal cancels ctx, and with it running.
func (p *printer) run(ctx, running context.Context, docs iter.Seq2[payload.Document, error]) deliver.Summary {
	reported := make(chan struct{})
	quiet := context.AfterFunc(ctx, func() {
		defer close(reported)
		p.progress.Above(func() {
			p.a.Note("interrupted: waiting for the answers on the way; once more stops at once")
		})
	})
	restore := p.a.CollectLess()
	sum := p.client.Run(running, docs, p.plan, p.result)
	restore()
	if !quiet() {
		<-reported
	}
	p.progress.End()
	return sum
}

// plan checks the flags together and returns the plan.
func (o *options) plan() (deliver.Plan, error) {
	plan, err := o.PlanFlags.Plan()
	if err != nil {
		return deliver.Plan{}, err
	}
	expect, err := cli.ParseStatuses(o.expect)
	switch {
	case err != nil:
		return deliver.Plan{}, err
	case o.delivery.ConnectTimeout < 0:
		return deliver.Plan{}, cli.UsageError(fmt.Errorf(`--connect-timeout "%s" is less than 0`, o.delivery.ConnectTimeout), "")
	case o.delivery.FirstByteTimeout < 0:
		return deliver.Plan{}, cli.UsageError(fmt.Errorf(`--first-byte-timeout "%s" is less than 0`, o.delivery.FirstByteTimeout), "")
	case slices.Contains(o.fromLog, ""):
		return deliver.Plan{}, cli.UsageError(errors.New(`--from-log "" chooses nothing`), "write all, 4,5,7..9, or failed,since=2h")
	case o.fromLog != nil && len(o.Paths) > 0:
		return deliver.Plan{}, cli.UsageError(fmt.Errorf("use only one of %q and --from-log", o.Paths[0]), "")
	case o.retries < 0:
		return deliver.Plan{}, cli.UsageError(fmt.Errorf(`--retries "%d" is less than 0`, o.retries), "")
	case o.retries > 0 && o.Dup > 0 && o.DupMode == string(deliver.AtOnce):
		return deliver.Plan{}, cli.UsageError(errors.New("--retries cannot be used with --dup-mode together"), "a copy that is sent again is not sent at the same instant")
	case o.dryRun && (len(o.reports) > 0 || o.format != "text" && o.format != "json"):
		return deliver.Plan{}, cli.UsageError(errors.New("--dry-run has nothing to report"), "--format json lists what would be sent")
	case o.Loop && o.dryRun && o.Count == 0:
		return deliver.Plan{}, cli.UsageError(errors.New("--dry-run of --loop has no end"), "say how many payloads: --count N")
	}
	if o.limits, err = cli.ParseLimits("--max-latency", o.maxLatency); err != nil {
		return deliver.Plan{}, err
	}
	plan.Expect, plan.Retries, plan.FailFast = expect, o.retries, o.failFast
	return plan, nil
}

// adds reports whether results are added to the log: only for unchanged payloads, and not
// with --resume, which must select the same payloads again.
func (o options) adds() bool { return !o.dryRun && o.Edits == nil && !o.NewIDs && o.resume == "" }

// documents returns the payloads, with the edits of --set, and their log, if any. With
// add, results are added to the log. done closes the source.
func (o options) documents(ctx context.Context, a *cli.App, add bool) (docs iter.Seq2[payload.Document, error], logged *deliveryview.LoggedDocuments, done func() error, err error) {
	if o.fromLog != nil {
		if logged, err = deliveryview.NewLoggedDocuments(ctx, a, o.fromLog, add); err != nil {
			return nil, nil, nil, err
		}
		docs, done = logged.All(ctx), logged.Close
	} else {
		var release func()
		docs, release = a.Documents(ctx, o.Paths)
		done = func() error { release(); return nil }
	}
	if docs, err = o.Edited(docs); err != nil {
		return nil, nil, nil, errors.Join(err, done())
	}
	return docs, logged, done, nil
}
