package log

import (
	"context"
	"errors"

	"github.com/julianctl/julianctl/pkg/cli"
	"github.com/julianctl/julianctl/pkg/deliveryview"
	"github.com/julianctl/julianctl/pkg/journal"
	"github.com/spf13/cobra"
)

func newUICmd(a *cli.App) *cobra.Command {
	var server cli.ServerFlags
	cmd := &cobra.Command{
		Use:   "ui",
		Short: "Look at the log in the browser",
		Long: `ui serves a page that lists the deliveries of the log, newest first, and new ones as they
come in. It searches as you type, shows a delivery as a person reads it, as JSON and as it
was received, and how a duplicate differs. It can send one again: to --to, to a named
endpoint, or to another address on this machine. It ends with Ctrl-C.

Only this machine can open the page, unless --expose is given. The page loads nothing from
the network.`,
		Example: `  julianctl log ui
  julianctl log ui --to http://127.0.0.1:8080/webhook --fixtures testdata/calls`,
		Args: cli.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error { return runUI(cmd.Context(), a, server) },
	}
	server.Declare(cmd, "127.0.0.1:4041")
	for _, key := range []string{"log", "to", "fixtures", "redact-header"} {
		cli.ConfigFlag(cmd, key)
	}
	return cmd
}

func runUI(ctx context.Context, a *cli.App, server cli.ServerFlags) error {
	// Deleting wants a log that can be written to; looking does not.
	log, err := a.OpenLogWith(ctx, journal.Options{Existing: true, MaxDeliveries: -1, MaxBytes: -1})
	writable := true
	if errors.Is(err, journal.ErrReadOnly) || errors.Is(err, journal.ErrLocked) {
		log, err = a.OpenLog(ctx)
		writable = false
	}
	if err != nil {
		return err
	}
	defer log.Close()
	ln, err := server.Listen(ctx)
	if err != nil {
		return err
	}
	ctx, stop := context.WithCancel(ctx)
	defer stop()
	end, err := deliveryview.ServeInspector(ctx, a, ln, log, deliveryview.Inspected{Writable: writable, Ready: &server})
	if err != nil {
		return err
	}
	<-ctx.Done()
	end()
	return nil
}
