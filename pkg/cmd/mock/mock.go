// Package mock is the command mock: it runs a fake of the provider: its API, the calls
// to the contacts that are enrolled there, and the deliveries of their webhooks.
package mock

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"math/rand/v2"
	"net/http"
	"os"
	"strings"
	"sync"
	"time"

	"github.com/julianctl/julianctl/pkg/cli"
	"github.com/julianctl/julianctl/pkg/mockapi"
	"github.com/julianctl/julianctl/pkg/safetext"
	"github.com/julianctl/julianctl/pkg/serve"
	"github.com/spf13/cobra"
)

type options struct {
	server  cli.ServerFlags
	sample  string // a file
	shape   string // likewise
	api     mockapi.Options
	webhook webhookFlags
	format  string
}

// NewCmd is the command.
func NewCmd(a *cli.App) *cobra.Command {
	var opts options
	cmd := &cobra.Command{
		Use:   "mock",
		Short: "Run a fake of the provider: its API, calls and webhooks",
		Long: `mock stands in for the provider, without an account; its key is ` + mockapi.DefaultKey + `. The API
has the sample of an agent, its outcomes, the credits usage, scheduling and
cancelling, with the documented refusals (400, 401, 404, 429 past 10 a second).

With --webhook-to it calls the contacts that your code enrols, and delivers what
came of it: results that follow one another (Busy, Rescheduled, Goal Completed),
your variables, the status of the sequence; one contact of a group at a time, and
none that is cancelled. --speed 60x turns an hour of the provider into a minute.
--calls makes calls without an enrolment. At the end every call is accounted for.

The provider documents neither when a contact is called again (--pause) nor how
a delivery is tried again: --sender does as other platforms do, see "julianctl
help senders". Exit code 1 means that a call was given up.

The addresses, each with the header x-api-key:
  ` + strings.Join(mockapi.Addresses(), "\n  "),
		Example: `  julianctl mock
  julianctl mock --webhook-to http://127.0.0.1:8080/webhook --speed 1440x
  julianctl mock --webhook-to http://127.0.0.1:8080/webhook --calls 100 --every 1s
  julianctl mock --webhook-to staging --sender worst --speed max --exit-after 200
  julianctl mock --webhook-to staging --calls calls.ndjson --journal sent`,
		Args: cli.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			// The calls of another run would be known to the endpoint.
			if !cmd.Flags().Changed("seed") {
				opts.api.Seed = uint64(rand.Uint32())
			}
			if err := opts.webhook.check(cmd); err != nil {
				return err
			}
			return run(cmd.Context(), a, opts)
		},
	}
	opts.server.Declare(cmd, "127.0.0.1:4141")
	opts.webhook.declare(cmd)
	flags := cmd.Flags()
	flags.StringArrayVar(&opts.api.Agents, "agent", nil, "id of another agent that exists (repeatable)")
	flags.StringVar(&opts.sample, "sample", "", "file with the sample to serve instead of the embedded one")
	cli.AgentShapeFlag(cmd, &opts.shape, "variables and outcomes of the agents; an enrolment must give those that are always there")
	flags.BoolVar(&opts.api.RequireEmail, "require-email", false, "the agents' sequences have e-mail steps: a contact needs toEmailAddress")
	flags.Float64Var(&opts.api.Credits, "credits", 0, "credits of the organization: once they are spent, nobody is scheduled (default 1000, which are never spent)")
	flags.Float64Var(&opts.api.FailRate, "fail-rate", 0, "share of the requests to answer with 500, 0 to 1")
	flags.Uint64Var(&opts.api.Seed, "seed", 0, "same seed: the same requests fail, and the same calls have the same bytes (default another each time)")
	flags.DurationVar(&opts.api.Latency, "latency", 0, "delay before each answer")
	cli.FormatFlag(cmd, &opts.format, "text", "json")
	cli.GroupFlags(cmd,
		"Most used: webhook-to sender speed calls exit-after",
		"API: addr agent sample | agent-shape require-email credits latency fail-rate ready-file expose",
		"Calls: every pause seed | call-cancelled",
		"Deliveries: journal | manifest header timeout allow-host insecure cacert redact-header",
		"Output: format",
	)
	return cmd
}

func run(ctx context.Context, a *cli.App, opts options) (err error) {
	uses := []cli.FileUse{{Flag: "--ready-file", Path: opts.server.ReadyFile}, {Flag: "--journal", Path: opts.webhook.journal}}
	if err := cli.WriteApart(uses, opts.webhook.calls, opts.sample, opts.shape); err != nil {
		return err
	}
	if opts.sample != "" {
		data, err := os.ReadFile(opts.sample)
		if err != nil {
			return cli.Failure(fmt.Errorf("--sample: %w", err), "")
		}
		opts.api.Sample = data
	}
	if opts.shape != "" {
		if _, opts.api.Shape, err = cli.ReadAgentShape(opts.shape); err != nil {
			return err
		}
	}
	ctx, stop := context.WithCancel(ctx)
	defer stop()
	p := newPrinter(a, opts.format, stop)
	opts.api.Now, opts.api.Observe = a.Now, p.request
	closeWebhook, err := opts.webhook.open(ctx, a, &opts.api, p)
	if err != nil {
		return err
	}
	defer func() { err = a.Also(ctx, err, closeWebhook()) }()
	provider, err := mockapi.New(opts.api)
	if err != nil {
		return cli.UsageError(err, "")
	}
	ln, err := opts.server.Listen(ctx)
	if err != nil {
		return err
	}
	defer ln.Close()
	base := "http://" + ln.Addr().String() + "/api/v1"
	remove, err := opts.server.Announce(base)
	if err != nil {
		return err
	}
	defer remove()
	a.Note("fake API at %s; Ctrl-C stops it. To use it:\n", a.ErrStyle.Bold(base))
	a.Note("  export JULIAN_BASE_URL=%s\n  export %s=%s\n  export JULIAN_AGENT_ID=%s\n", base, cli.KeyVariable, mockapi.DefaultKey, mockapi.DefaultAgent)
	a.Note("To enrol a contact:\n\n  %s\n", enrolment(base, opts.api))
	opts.webhook.banner(a, opts.api.Seed)

	var sum mockapi.Summary
	var failed error
	interrupted := false
	var all sync.WaitGroup
	all.Go(func() {
		sum, failed = provider.Run(ctx)
		interrupted = ctx.Err() != nil && failed == nil
		stop()
	})
	err = serve.HTTP(ctx, ln, http.MaxBytesHandler(provider, 5<<20), serve.Options{WriteTimeout: opts.api.Latency + 30*time.Second})
	if err != nil {
		err = cli.Failure(err, "")
	}
	stop()
	all.Wait()
	err = errors.Join(err, p.end(sum, opts.api.Webhook != nil))
	switch {
	case err != nil:
		return err
	case failed != nil:
		return cli.Failure(failed, "")
	case sum.GivenUp > 0 && !interrupted:
		return cli.Verdict(cli.ExitNo)
	}
	return a.Out.Err()
}

// enrolment is the command line that enrols a contact with all that the agents ask for.
func enrolment(base string, api mockapi.Options) string {
	fields := map[string]string{"name": "Ada Test", "phoneNumber": "+46701740605"}
	if api.RequireEmail {
		fields["toEmailAddress"] = "ada@example.com"
	}
	if api.Shape != nil {
		for _, v := range api.Shape.Inputs {
			if v.Always {
				fields[v.Name] = "x"
			}
		}
	}
	body, _ := json.Marshal(fields) // strings always encode
	return fmt.Sprintf("curl %s/agents/%s/schedule/sequence -H 'x-api-key: %s' -d %s", base, mockapi.DefaultAgent, mockapi.DefaultKey, safetext.Shell(string(body)))
}
