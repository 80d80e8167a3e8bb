// Package sample is the command sample: it fetches the sample payload of an agent.
package sample

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/julianctl/julianctl/pkg/cli"
	"github.com/julianctl/julianctl/pkg/julian"
	"github.com/julianctl/julianctl/pkg/redact"
	"github.com/julianctl/julianctl/pkg/report"
	"github.com/julianctl/julianctl/pkg/safetext"
	"github.com/julianctl/julianctl/pkg/terminal"
	"github.com/julianctl/julianctl/pkg/units"
	"github.com/spf13/cobra"
	"golang.org/x/sync/errgroup"
)

type options struct {
	agents  []string
	offline bool
	output  string // a file, a folder, or "-"; empty: stdout
	save    string // a folder
	check   bool
	redact  cli.RedactFlags
	format  string
	sets    cli.SetFlags
}

// NewCmd is the command.
func NewCmd(a *cli.App) *cobra.Command {
	var opts options
	cmd := &cobra.Command{
		Use:   "sample [AGENT_ID…]",
		Short: "Fetch the sample payload of an agent",
		Long: `sample fetches what the provider shows as the webhook payload of an agent. On a terminal
it is formatted and coloured; in a pipe and with -o it is the exact bytes of the answer.
Without AGENT_ID the agent is that of JULIAN_AGENT_ID.

--check compares the sample with the documentation. It lists on stderr what is new, missing,
of another type or has a new value. With --format json that list is on stdout, and the
payload only where -o or --save puts it.

A value of --set is JSON if it is valid JSON, and a string otherwise. Its path must be
documented or in the payload; --set-new sets any other.`,
		Example: `  julianctl sample agent.abc123 -o sample.json
  julianctl sample agent.one agent.two -o samples/     one file for each agent
  julianctl sample --offline                           the documented sample; no key needed
  julianctl sample agent.abc123 --check --format json  is it still as documented?
  julianctl sample agent.one agent.two --save fixtures  renewed only where they changed
  julianctl sample --offline --set callResult.resultType=Busy --set duration=0`,
		Args: cobra.ArbitraryArgs,
		RunE: func(cmd *cobra.Command, args []string) error {
			opts.agents = args
			return run(cmd.Context(), a, opts)
		},
	}
	cli.APIFlags(cmd)
	cli.ConfigFlag(cmd, "key-store")
	flags := cmd.Flags()
	flags.BoolVar(&opts.offline, "offline", false, "use the embedded sample: no key, no network")
	flags.StringVarP(&opts.output, "output", "o", "", "file or folder for the exact bytes; - is stdout")
	flags.StringVar(&opts.save, "save", "", "folder of fixtures: write AGENT_ID.json if it is new or changed")
	flags.BoolVar(&opts.check, "check", false, "compare with the documentation; exit 1 unless it is as documented")
	opts.redact.Declare(cmd)
	opts.sets.Declare(cmd, "the payload")
	cli.FormatFlag(cmd, &opts.format, "text", "json")
	cli.GroupFlags(cmd,
		"Most used: output offline check save format",
		"Edit: set redact | set-new redact-key-file",
		"API: base-url timeout | api-key-file key-store",
	)
	return cmd
}

// sample is the payload of one agent, or why there is none.
type sample struct {
	agent string
	body  []byte // as it came
	err   error
}

func run(ctx context.Context, a *cli.App, opts options) error {
	edits, err := opts.sets.Edits()
	if err != nil {
		return err
	}
	if err := checkSampleOutput(opts); err != nil {
		return err
	}
	if err := cli.WriteApart([]cli.FileUse{{Flag: "--redact-key-file", Path: opts.redact.KeyFile}, {Flag: "-o", Path: opts.output}}); err != nil {
		return err
	}
	samples, err := fetch(ctx, a, opts)
	if err != nil {
		return err
	}
	if ctx.Err() != nil {
		return ctx.Err()
	}
	redactor, err := opts.redact.Redactor(a)
	if err != nil {
		return err
	}
	drift := &driftReport{a: a}
	if opts.format == "json" {
		drift.records = report.NewRecords(a.Out, "sample")
	}
	code := cli.ExitYes
	for _, s := range samples {
		err := s.err
		if err == nil {
			err = deliverSample(a, s, opts, edits, redactor)
		}
		if err == nil && opts.check {
			err = drift.look(s)
		}
		if err != nil {
			code = cli.Worst(code, a.Report(ctx, err))
		}
	}
	if redactor != nil {
		a.Redacted(redactor, len(samples))
	}
	if opts.check && drift.records != nil {
		if err := drift.records.Write("summary", drift.sum); err != nil {
			return err
		}
	}
	return cli.Verdict(code)
}

// checkSampleOutput refuses what cannot be written so before anything is
// fetched.
func checkSampleOutput(opts options) error {
	switch {
	case opts.format == "json" && !opts.check:
		return cli.UsageError(errors.New("--format json is the form of --check"), "a sample is JSON as it is")
	case opts.format == "json" && opts.output == "-":
		return cli.UsageError(errors.New("use only one of -o - and --format json: both write to stdout"), "")
	case opts.save != "" && opts.output != "":
		return cli.UsageError(errors.New("use only one of -o and --save"), "")
	case len(opts.agents) < 2 || opts.output == "" || opts.output == "-":
		return nil
	}
	if info, err := os.Stat(opts.output); err == nil && !info.IsDir() {
		return cli.UsageError(fmt.Errorf("-o %q is a file, and %d samples are asked for", opts.output, len(opts.agents)), "give a folder")
	}
	return nil
}

// fetch fetches what opts asks for. It returns an error only if it could not
// begin: the failure of an agent is in that agent's sample.
func fetch(ctx context.Context, a *cli.App, opts options) ([]sample, error) {
	if opts.offline {
		if len(opts.agents) > 0 {
			return nil, cli.UsageError(fmt.Errorf("--offline has no agent %q", opts.agents[0]), "it prints the embedded sample: leave the id out")
		}
		return []sample{{agent: "sample", body: julian.Sample()}}, nil
	}
	agents := opts.agents
	if len(agents) == 0 && a.Config.AgentID != "" {
		agents = []string{a.Config.AgentID}
	}
	if len(agents) == 0 {
		return nil, cli.UsageError(errors.New("no agent id"), `"julianctl sample agent.abc123", or set JULIAN_AGENT_ID; --offline needs neither agent nor key`)
	}
	client, source, err := a.APIClient(ctx)
	if err != nil {
		return nil, err
	}
	defer client.CloseIdleConnections()
	samples := make([]sample, len(agents))
	var group errgroup.Group
	group.SetLimit(10) // of the API's 10 requests a second
	for i, agent := range agents {
		group.Go(func() error {
			ctx, cancel := context.WithTimeout(ctx, a.Config.Timeout)
			defer cancel()
			body, err := client.CallEventSample(ctx, agent)
			if errors.Is(err, julian.ErrNotFound) {
				err = &cli.ExitError{Code: cli.ExitNo, Err: err, Hint: cmp.Or(a.BaseURLHint(), "check the id; an agent of another organization cannot be seen with this key")}
			} else if err != nil {
				err = a.APIError(err, source)
			}
			samples[i] = sample{agent, body, err}
			return nil
		})
	}
	return samples, group.Wait()
}

// deliverSample writes a sample before it is validated, so that the user can see what is
// wrong.
func deliverSample(a *cli.App, s sample, opts options, edits []cli.Edit, redactor *redact.Redactor) error {
	body := s.body
	if redactor != nil {
		var err error
		if body, err = redactor.Payload(body); err != nil {
			return cli.Failure(fmt.Errorf("sample of agent %q %w; nothing is redacted by guess", s.agent, err), "")
		}
	}
	body, err := cli.ApplyEdits(body, edits)
	if err != nil {
		return err
	}
	switch {
	case opts.save != "":
		err = saveFixture(a, s.agent, body, opts.save)
	case opts.output != "" && opts.output != "-":
		err = saveSample(a, s.agent, body, opts)
	case opts.format == "json":
	case opts.output == "" && a.Out.IsTTY():
		var text string
		if text, err = terminal.PrettyJSON(body, a.Style); err == nil {
			_, err = io.WriteString(a.Out, text)
		}
	default:
		if len(opts.agents) > 1 && !bytes.HasSuffix(body, []byte("\n")) {
			body = append(body, '\n') // keeps the samples apart
		}
		_, err = a.Out.Write(body)
	}
	return err
}

// saveFixture writes to the folder of fixtures, unless it is there already: a
// file that did not change keeps its time.
func saveFixture(a *cli.App, agent string, body []byte, dir string) error {
	path := filepath.Join(dir, safetext.Filename(agent)+".json")
	was, err := os.ReadFile(path)
	state := "changed"
	switch {
	case err == nil && bytes.Equal(was, body):
		a.Note("unchanged  %s", safetext.Line(path))
		return nil
	case errors.Is(err, fs.ErrNotExist):
		state = "new"
		err = os.MkdirAll(dir, 0o700)
	}
	if err == nil {
		err = cli.WriteFile(path, body)
	}
	if err != nil {
		return cli.Failure(fmt.Errorf("--save: %w", err), "")
	}
	a.Note("%-9s  %s", state, safetext.Line(path))
	return nil
}

// saveSample writes to the file that -o names, or to one named after the agent
// in the folder that it names.
func saveSample(a *cli.App, agent string, body []byte, opts options) error {
	path := opts.output
	info, err := os.Stat(path)
	folder := err == nil && info.IsDir() || os.IsPathSeparator(path[len(path)-1]) || len(opts.agents) > 1
	if folder {
		if err := os.MkdirAll(path, 0o700); err != nil {
			return cli.Failure(fmt.Errorf("-o: %w", err), "")
		}
		path = filepath.Join(path, safetext.Filename(agent)+".json")
	}
	if err := a.WritePayload(path, body); err != nil {
		return cli.Failure(fmt.Errorf("-o: %w", err), "")
	}
	a.Note("wrote %s, %s", safetext.Line(path), units.Size(len(body)))
	return nil
}
