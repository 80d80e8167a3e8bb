// Package mock is the command mock: it runs a fake of the provider's API.
package mock

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"os"
	"time"

	"github.com/julianctl/julianctl/pkg/cli"
	"github.com/julianctl/julianctl/pkg/mockapi"
	"github.com/julianctl/julianctl/pkg/safetext"
	"github.com/spf13/cobra"
)

type options struct {
	server cli.ServerFlags
	sample string // a file
	api    mockapi.Options
}

// NewCmd is the command.
func NewCmd(a *cli.App) *cobra.Command {
	var opts options
	cmd := &cobra.Command{
		Use:   "mock",
		Short: "Run a fake of the provider's API on this machine",
		Long: `mock stands in for the provider's API: the sample of an agent, its outcomes and
the credits usage, with the refusals that the provider documents (401, 404, and
429 past 10 requests a second). It needs no account; its key is ` + mockapi.DefaultKey + `.`,
		Example: `  julianctl mock
  julianctl mock --agent agent.support --latency 300ms
  julianctl mock --fail-rate 0.2 --seed 7          a fifth of the calls get 500`,
		Args: cli.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error { return run(cmd.Context(), a, opts) },
	}
	opts.server.Declare(cmd, "127.0.0.1:4141")
	flags := cmd.Flags()
	flags.StringArrayVar(&opts.api.Agents, "agent", nil, "a further agent that is known (repeatable)")
	flags.StringVar(&opts.sample, "sample", "", "file to answer with in place of the embedded sample")
	flags.Float64Var(&opts.api.FailRate, "fail-rate", 0, "share of the calls, 0 to 1, that get 500")
	flags.Uint64Var(&opts.api.Seed, "seed", 0, "choice of the calls that fail: same seed, same calls")
	flags.DurationVar(&opts.api.Latency, "latency", 0, "time before each answer")
	return cmd
}

func run(ctx context.Context, a *cli.App, opts options) error {
	if opts.sample != "" {
		data, err := os.ReadFile(opts.sample)
		if err != nil {
			return cli.Failure(fmt.Errorf("--sample: %w", err), "")
		}
		opts.api.Sample = data
	}
	opts.api.Now = a.Now
	opts.api.Observe = func(r *http.Request, status int) {
		fmt.Fprintf(a.Out, "%s %s %s %s\n", a.Now().Format(time.TimeOnly), statusColour(a, status), r.Method, safetext.Line(r.RequestURI))
	}
	handler, err := mockapi.New(opts.api)
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
	return serveMock(ctx, ln, handler, opts.api.Latency)
}

func statusColour(a *cli.App, status int) string {
	paint := a.Style.Good
	switch {
	case status >= 500:
		paint = a.Style.Bad
	case status >= 400:
		paint = a.Style.Warn
	}
	return paint(fmt.Sprint(status))
}

// serveMock answers until ctx ends, which is no failure.
func serveMock(ctx context.Context, ln net.Listener, h http.Handler, latency time.Duration) error {
	const grace = 2 * time.Second // for answers under way
	srv := &http.Server{
		Handler:           http.MaxBytesHandler(h, 5<<20),
		ReadHeaderTimeout: 5 * time.Second,
		ReadTimeout:       10 * time.Second,
		WriteTimeout:      latency + 30*time.Second,
		IdleTimeout:       time.Minute,
		MaxHeaderBytes:    64 << 10,
		ErrorLog:          slog.NewLogLogger(slog.DiscardHandler, slog.LevelError), // what a broken client does is no news
	}
	served := make(chan error, 1)
	go func() { served <- srv.Serve(ln) }()
	select {
	case err := <-served:
		return cli.Failure(err, "")
	case <-ctx.Done():
	}
	end, cancel := context.WithTimeout(context.WithoutCancel(ctx), grace)
	defer cancel()
	err := srv.Shutdown(end)
	if errors.Is(err, context.DeadlineExceeded) {
		err = srv.Close()
	}
	return errors.Join(err, onlyFailure(<-served))
}

// onlyFailure is err, unless it says that a server was closed.
func onlyFailure(err error) error {
	if errors.Is(err, http.ErrServerClosed) {
		return nil
	}
	return err
}
