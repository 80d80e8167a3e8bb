// Command julianctl tests services that receive Julian's call webhooks.
//
// This package is the process alone: signals, the real streams and the exit
// code. The command tree is in pkg/cmd/root.
package main

import (
	"context"
	"os"
	"os/signal"
	"syscall"
	"time"

	"github.com/julianctl/julianctl/pkg/cli"
	"github.com/julianctl/julianctl/pkg/cmd/root"
	"github.com/julianctl/julianctl/pkg/supervise"
	"github.com/julianctl/julianctl/pkg/terminal"
)

func main() { os.Exit(start()) }

func start() int {
	if len(os.Args) > 2 && os.Args[1] == supervise.ShimArg {
		// Between check and the consumer that it started.
		if err := supervise.Shim(os.Args[2:]); err != nil {
			return cli.ExitFailure
		}
		return cli.ExitYes
	}
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	signals := make(chan os.Signal, 2)
	signal.Notify(signals, os.Interrupt, syscall.SIGTERM)
	go func() {
		<-signals // asks for an orderly end
		cancel()
		<-signals // insists
		os.Exit(cli.ExitInterrupted)
	}()
	a := &cli.App{
		In:  os.Stdin,
		Out: terminal.NewOutput(os.Stdout),
		Err: terminal.NewOutput(os.Stderr),
		Env: os.Getenv,
		Now: time.Now,
	}
	return root.Run(ctx, a, os.Args[1:])
}
