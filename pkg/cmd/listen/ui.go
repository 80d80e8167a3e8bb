package listen

import (
	"context"
	"errors"

	"github.com/julianctl/julianctl/pkg/cli"
	"github.com/julianctl/julianctl/pkg/deliveryview"
	"github.com/julianctl/julianctl/pkg/journal"
	"github.com/julianctl/julianctl/pkg/safetext"
	"github.com/spf13/cobra"
)

// uiFlags are the flags of the inspector.
type uiFlags struct {
	on   bool
	addr string
}

func (f *uiFlags) declare(cmd *cobra.Command) {
	cmd.Flags().BoolVar(&f.on, "ui", false, "also show deliveries in the browser")
	cmd.Flags().StringVar(&f.addr, "ui-addr", "127.0.0.1:4041", "address of --ui; never part of a tunnel")
	cli.ConfigFlag(cmd, "fixtures")
}

// openUI serves the inspector of --ui, next to the listener at url.
func openUI(ctx context.Context, a *cli.App, opts options, log *journal.Log, url string) (end func(), err error) {
	if !opts.ui.on {
		return func() {}, nil
	}
	if log == nil {
		return nil, cli.UsageError(errors.New("--ui needs the delivery log, and --log is off"), "--log PATH says where to keep one")
	}
	ln, err := cli.ListenAt(ctx, "--ui-addr", opts.ui.addr, opts.server.Expose)
	if err != nil {
		return nil, err
	}
	return deliveryview.ServeInspector(ctx, a, ln, log, deliveryview.Inspected{
		To: opts.forward.to, Allow: opts.forward.allowHosts, Try: "julianctl replay --dup --to " + safetext.Shell(url), Writable: true,
	})
}
