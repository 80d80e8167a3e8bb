// Package check is the command check: it checks an endpoint.
// The package is the program's own.
package check

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"slices"
	"time"

	"github.com/julianctl/julianctl/pkg/check"
	"github.com/julianctl/julianctl/pkg/checklist"
	"github.com/julianctl/julianctl/pkg/cli"
	"github.com/julianctl/julianctl/pkg/deliver"
	"github.com/julianctl/julianctl/pkg/effects"
	"github.com/julianctl/julianctl/pkg/safetext"
	"github.com/julianctl/julianctl/pkg/units"
	"github.com/spf13/cobra"
)

// Profiles of check.
const (
	profileDefault  = "default"
	profileSmoke    = "smoke"
	profileThorough = "thorough"
)

type options struct {
	delivery       cli.DeliveryFlags
	probe          probeFlags
	only, skip     []string
	profile        string
	budget         string
	seed           uint64
	pause          time.Duration
	maxRequests    int
	cleanup        string
	readyTimeout   time.Duration
	baseline       string
	agentShape     string // a file
	agent          string // its id
	sets           cli.SetFlags
	also           string // a command
	config         string // the file of --config
	format         string
	reports        []string // FORMAT=FILE
	list           bool
	explain        string
	allowUndecided bool
	drill          drillFlags
	supervise      superviseFlags
	fromConfig     []string // names of flags that a named endpoint has set
}

// NewCmd makes the command.
func NewCmd(a *cli.App) *cobra.Command {
	var o options
	cmd := &cobra.Command{
		Use:   "check URL|NAME",
		Short: "Prove that an endpoint is idempotent, fast and robust",
		Long: `check delivers synthetic calls in the ways that break endpoints, and examines the
answers. Each check ends in PASS, WARN, FAIL, UNDECIDED or SKIP. Without evidence there
is not a PASS.

Two answers of 200 do not show whether a duplicate was processed twice. A probe does. It
says how often a call was processed, as a whole number, or as JSON with --probe-path.
--probe is a command, --probe-url a URL. --probe-batch is a command that counts many calls
at once: it reads ids, one a line, and prints "id count". No shell runs these commands;
use "sh -c '…'" for one. Without a probe the checks of idempotency can fail, but not pass.
Some probes:

` + recipeText() + `
The first call shows how long processing takes, and so how long to wait for it; --settle
is the longest wait. An acknowledged call has to be processed once. --expect-effects
Busy=0 names result types for which that is not so.

Payloads are easy to recognise: the family name of every contact is Test, phone numbers
are reserved for fiction, and call ids begin with call.julianctl-. Ids are new in every
run, even with the same --seed, so that a check can be run again at any time. --cleanup
CMD removes the calls afterwards: it gets their ids, one a line.

If the endpoint does not answer at all, that is reported once, and the checks are not run.

--exec starts the endpoint on a free port. The checks of the group crashes then kill it,
lose the answers of its database, hold one delivery inside another, run two processes of
it, and take its database away. --through names the variable with the URL of its
database, --spy the one with the URL of what it calls; the endpoint gets URLs of proxies
instead. --steps prints the steps of one delivery. An endpoint that keeps its data in
files, such as SQLite, needs neither (Linux). Use a test database: nothing is deleted
from it.

--drill runs an outage drill instead: it delivers on a schedule while you, or --down and
--up, stop and start the endpoint, redelivers what was not acknowledged, and accounts for
every call. With --sender it delivers as a platform does: what that platform gives up is
lost, however right the endpoint is. "julianctl help senders" lists the platforms.`,
		Example: `  julianctl check --to http://127.0.0.1:8080/webhook
  julianctl check --to http://127.0.0.1:8080/webhook \
    --probe-url 'http://127.0.0.1:8080/calls/{callId}/count'
  julianctl check --to staging --probe './count-calls {callId}' --cleanup ./remove-calls
  julianctl check --to staging --profile smoke --budget p99=500ms --format junit > check.xml
  julianctl check --to http://127.0.0.1:8080/ --only idempotency --seed 7
  julianctl check --to staging --format json > before.json; julianctl check --to staging --baseline before.json
  julianctl check --to http://127.0.0.1:8080/ --drill --probe './count-calls {callId}'
  julianctl check --to http://127.0.0.1:8080/ --drill --sender worst --probe './count-calls {callId}'
  julianctl check --exec 'gunicorn -b 127.0.0.1:{port} app:app' --to /webhook --through DATABASE_URL \
    --probe-url 'http://127.0.0.1:{port}/calls/{callId}/count' --only crashes
  julianctl check --exec 'npm start' --to /webhook --through REDIS_URL --spy CRM_URL --steps
  julianctl check --explain crashes`,
		Args: cli.TargetArg,
		RunE: func(cmd *cobra.Command, _ []string) error {
			o.config, _ = cmd.Flags().GetString("config")
			if !cmd.Flags().Changed("seed") {
				o.seed = uint64(rand.Uint32())
			}
			if cmd.Flags().Changed("settle") && o.probe.settle <= 0 {
				return cli.UsageError(fmt.Errorf("--settle %s is not a time to wait", o.probe.settle), "")
			}
			if err := o.fromEndpoint(a, cmd); err != nil {
				return err
			}
			if err := o.drill.alone(cmd, o.supervise.supervises(o)); err != nil {
				return err
			}
			if err := o.supervise.alone(cmd, o); err != nil {
				return err
			}
			if o.drill.on {
				return runDrill(cmd.Context(), a, o)
			}
			return run(cmd.Context(), a, o)
		},
	}
	o.delivery.Declare(cmd)
	cmd.Flags().Lookup("timeout").Usage = "time limit for an answer (default 10s, or five times the highest --budget if that is more)"
	o.probe.declare(cmd)
	f := cmd.Flags()
	f.StringSliceVar(&o.only, "only", nil, "run only these checks or groups")
	f.StringSliceVar(&o.skip, "skip", nil, "skip these checks or groups")
	cli.ChoiceFlag(cmd, &o.profile, "profile", "how much to check: smoke sends the least, thorough takes over 90s", profileDefault, profileSmoke, profileThorough)
	f.StringVar(&o.budget, "budget", "p99=2s", "limits of latency: p50=100ms,p99=2s,max=5s")
	f.Uint64Var(&o.seed, "seed", 0, "seed of the payloads, not of ids (default random)")
	f.DurationVar(&o.pause, "pause", 2*time.Second, "how long after the first delivery the late duplicate is sent")
	f.IntVar(&o.maxRequests, "max-requests", 0, "most requests to send; checks that need more are skipped (default no limit)")
	f.StringVar(&o.cleanup, "cleanup", "", "command to run at the end; gets the call ids on stdin and in the file $"+effects.IDsFileEnv)
	f.DurationVar(&o.readyTimeout, "ready-timeout", 0, "how long to wait for the endpoint to answer at all (default 0; 30s after it was started)")
	f.StringVar(&o.baseline, "baseline", "", "JSON report of an earlier run: fail only on what got worse")
	cli.AgentShapeFlag(cmd, &o.agentShape, "use this agent's own variables and outcomes")
	f.StringVar(&o.agent, "agent", "", "id of the agent of every call (default agent.julianctl)")
	o.sets.Declare(cmd, "every call")
	f.StringVar(&o.also, "also", "", "command that writes a call from elsewhere, as an import would; it gets the payload on stdin and the id as $"+effects.ProbeEnv)
	f.BoolVar(&o.allowUndecided, "allow-undecided", false, "exit 0 even if a check stays undecided")
	f.BoolVar(&o.list, "list", false, "list the checks")
	f.StringVar(&o.explain, "explain", "", "explain a check, or the checks of a group")
	o.drill.declare(cmd)
	o.supervise.declare(cmd)
	o.profile = profileDefault
	cli.ReportFlags(cmd, &o.format, &o.reports, cli.ReportFormats(false))
	cli.GroupFlags(cmd,
		"Most used: to probe-url probe exec only",
		"Choose checks: list explain | skip profile steps at sweep-time max-requests",
		"Count effects: settle | probe-batch probe-path probe-missing probe-header expect-effects also",
		"Start it: through spy | env ready-url ready-timeout reset spy-answer show-values down up",
		"Payloads: seed | set set-new agent agent-shape pause",
		"Deliver: header timeout | allow-host insecure cacert",
		"Verdict: budget | baseline allow-undecided cleanup",
		"Output: format report",
		"Outage drill: drill | drill-phase drill-patience drill-rate sender",
	)
	return cmd
}

func run(ctx context.Context, a *cli.App, o options) error {
	switch {
	case o.list:
		return listChecks(a, o.format)
	case o.explain != "":
		return explainChecks(a, o.explain, o.format)
	}
	plan, err := planCheck(a, o)
	if err != nil {
		return err
	}
	defer plan.close()
	if o.supervise.steps {
		return printSteps(ctx, a, o, plan)
	}
	p, err := newPrinter(a, o, plan)
	if err != nil {
		return err
	}
	if plan.options.Supervision != nil {
		plan.options.Supervision.Tell = p.tell
	} else if err := waitReady(ctx, a, plan.options.Client, o.readyTimeout); err != nil {
		return err
	}
	plan.options.Ready = func(ctx context.Context, client *deliver.Client) error {
		return tryProbe(ctx, plan.options.Probe, client)
	}
	plan.options.Begin = p.begin()
	plan.options.Say = func(text string) { p.progress.Above(func() { a.Note("%s", text) }) }
	sum, err := checklist.Run(ctx, plan.options, p.result)
	p.end()
	code := cleanUp(ctx, a, plan.cleanup, sum.CallIDs)
	if sum.Unlisted > 0 && plan.cleanup != nil {
		a.Hint("%s with quotes and the like in their ids are not in the list: what begins with call.julianctl- is of this program", units.Count(sum.Unlisted, "call"))
	}
	if err != nil {
		if o.format == "text" {
			p.results() // as far as it came
		}
		return err
	}
	if err := p.summary(sum); err != nil {
		return err
	}
	code = cli.Worst(code, p.reports.Write(ctx))
	return p.exit(sum, code)
}

// checkTimeout is how long an answer is waited for where --timeout does not say:
// an endpoint that answers nothing must not hold a run up for minutes, and one
// that takes five times its budget has failed it.
func checkTimeout(budget []deliver.Limit) time.Duration {
	timeout := 10 * time.Second
	for _, l := range budget {
		timeout = max(timeout, 5*l.Max)
	}
	return timeout
}

// checkPlan is what a check was asked to do.
type checkPlan struct {
	options  check.Options
	cleanup  []string // words of the command; nil: none
	baseline checklist.Baseline
	closing  []func()
}

func (p *checkPlan) close() {
	for _, f := range p.closing {
		f()
	}
}

// planCheck reads the flags. The caller closes the plan.
func planCheck(a *cli.App, o options) (*checkPlan, error) {
	limits, err := cli.ParseLimits("--budget", o.budget)
	if err != nil {
		return nil, err
	}
	if o.maxRequests < 0 {
		return nil, cli.UsageError(fmt.Errorf("--max-requests %d is less than 0", o.maxRequests), "0 is no limit")
	}
	for _, name := range slices.Concat(o.only, o.skip) {
		if names := checklist.Names(); !slices.Contains(names, name) {
			return nil, cli.UsageError(fmt.Errorf("%q %w", name, checklist.ErrUnknown), nearCheck(name))
		}
	}
	if o.pause <= 0 {
		return nil, cli.UsageError(fmt.Errorf("--pause %s is not a time to wait", o.pause), "")
	}
	p := &checkPlan{}
	if o.cleanup != "" {
		if p.cleanup, err = cli.SplitCommand(o.cleanup); err != nil {
			return nil, cli.UsageError(fmt.Errorf("--cleanup %q %w", o.cleanup, err), "")
		}
	}
	if o.baseline != "" {
		if p.baseline, err = readBaseline(o.baseline); err != nil {
			return nil, err
		}
	}
	o.delivery.DefaultTimeout = checkTimeout(limits)
	if profile, err := o.drill.profile(); err != nil {
		return nil, cli.UsageError(err, "")
	} else if profile != nil {
		o.delivery.DefaultTimeout = profile.Timeout
	}
	p.options = check.Options{
		Settle: o.probe.settle, Pause: o.pause, Budget: limits,
		Only: o.only, Skip: o.skip, Smoke: o.profile == profileSmoke, Thorough: o.profile == profileThorough,
		MaxRequests: o.maxRequests, Seed: o.seed,
	}
	if err := planTarget(a, p, o); err != nil {
		p.close()
		return nil, err
	}
	if err := p.planCalls(o); err != nil {
		p.close()
		return nil, err
	}
	if o.agentShape != "" {
		id, shape, err := cli.ReadAgentShape(o.agentShape)
		if err != nil {
			p.close()
			return nil, err
		}
		p.options.Agent, p.options.Shape = cmp.Or(o.agent, id), shape
	}
	return p, nil
}

// planTarget says what is checked and how effects are counted: an endpoint that
// is there, or a consumer that --exec starts.
func planTarget(a *cli.App, p *checkPlan, o options) (err error) {
	if o.supervise.supervises(o) {
		header, err := cli.ParseHeaders(nil, o.delivery.Headers)
		if err != nil {
			return err
		}
		p.options.Secrets = secretHeaders(a, header)
		s, supervision, err := supervision(a, o)
		p.closing = append(p.closing, s.close)
		if err != nil {
			return err
		}
		p.options.Supervision = supervision
		if p.options.Probe, err = s.probe(o.probe, o.delivery.AllowHosts); err != nil {
			return err
		}
		return p.planBatch(o.probe)
	}
	client, err := a.DeliveryClient(o.delivery)
	if err != nil {
		return err
	}
	p.closing = append(p.closing, client.Close)
	p.options.Client, p.options.Secrets = client, secretHeaders(a, client.Header())
	probe, done, err := newProbe(a, o.probe, o.delivery.AllowHosts)
	if err != nil {
		return err
	}
	p.closing = append(p.closing, done)
	p.options.Probe = probe
	return p.planBatch(o.probe)
}

// secretHeaders are the names of those headers that are secrets.
func secretHeaders(a *cli.App, h deliver.Header) []string {
	var names []string
	for _, f := range h {
		if safetext.SecretHeader(f.Name, a.Config.RedactHeader...) || cli.SoundsSecret(f.Name) {
			names = append(names, f.Name)
		}
	}
	return names
}

func readBaseline(path string) (checklist.Baseline, error) {
	file, err := os.Open(path)
	if err != nil {
		return nil, cli.Failure(fmt.Errorf("--baseline: %w", err), "")
	}
	defer file.Close()
	b, err := checklist.ReadBaseline(file)
	if errors.Is(err, checklist.ErrBaseline) {
		return nil, cli.UsageError(fmt.Errorf("--baseline %q: %w", path, err), "write one with --format json > FILE")
	}
	if err != nil {
		return nil, cli.Failure(fmt.Errorf("--baseline %q: %w", path, err), "")
	}
	return b, nil
}

// waitReady waits until the endpoint answers, if that was asked for.
func waitReady(ctx context.Context, a *cli.App, client *deliver.Client, timeout time.Duration) error {
	if timeout <= 0 {
		return nil
	}
	err := checklist.Ready(ctx, client, timeout)
	if err == nil || ctx.Err() != nil {
		return err
	}
	return cli.Failure(fmt.Errorf("endpoint %q: %w", a.Config.To, err), "start the endpoint, or wait longer with --ready-timeout")
}

// cleanUp runs --cleanup, also after an interrupt, and returns the exit code of
// that.
func cleanUp(ctx context.Context, a *cli.App, argv, callIDs []string) int {
	if argv == nil || len(callIDs) == 0 {
		return cli.ExitYes
	}
	if ctx.Err() != nil {
		a.Note("interrupted: cleaning up; once more stops at once")
	}
	if err := effects.CleanUp(context.WithoutCancel(ctx), argv, callIDs); err != nil {
		return a.Report(ctx, cli.Failure(fmt.Errorf("--cleanup %w", err), "the calls that were delivered are still there: their ids begin with call.julianctl-"))
	}
	a.Note("cleaned up: %s", units.Count(len(callIDs), "call"))
	return cli.ExitYes
}
