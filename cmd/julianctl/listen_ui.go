package main

import (
	"context"
	"errors"

	"github.com/julianctl/julianctl/pkg/journal"
	"github.com/julianctl/julianctl/pkg/safetext"
	"github.com/spf13/cobra"
)

// uiFlags ask listen for the inspector.
type uiFlags struct {
	on   bool
	addr string
}

func (f *uiFlags) declare(cmd *cobra.Command) {
	cmd.Flags().BoolVar(&f.on, "ui", false, "show deliveries in the browser, too")
	cmd.Flags().StringVar(&f.addr, "ui-addr", "127.0.0.1:4041", "address of --ui; no tunnel leads there")
	configFlag(cmd, "fixtures")
}

// openUI serves the inspector that --ui asks for beside the listener at url.
func (a *app) openUI(ctx context.Context, opts listenOptions, log *journal.Log, url string) (end func(), err error) {
	if !opts.ui.on {
		return func() {}, nil
	}
	if log == nil {
		return nil, usage(errors.New("--ui shows the delivery log, and --log is off"), "--log FILE says where to keep one")
	}
	ln, err := listenAt(ctx, "--ui-addr", opts.ui.addr, opts.server.expose)
	if err != nil {
		return nil, err
	}
	return a.serveInspector(ctx, ln, log, inspected{
		to: opts.forward.to, allow: opts.forward.allowHosts, try: "julianctl replay --dup --to " + safetext.Shell(url), writable: true,
	})
}
