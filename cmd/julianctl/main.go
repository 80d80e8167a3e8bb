// Command julianctl tests services that receive Julian's call webhooks.
//
// This package turns words into values, calls one package under pkg/, prints
// what came and gives the verdict. It is the only place that knows the command
// framework, the configuration, colour and exit codes.
package main

import (
	"context"
	"os"
	"os/signal"
	"syscall"
	"time"

	"github.com/julianctl/julianctl/pkg/supervise"
)

func main() { os.Exit(start()) }

func start() int {
	if len(os.Args) > 2 && os.Args[1] == supervise.ShimArg {
		// Between check and the consumer that it started.
		if err := supervise.Shim(os.Args[2:]); err != nil {
			return exitUnable
		}
		return exitYes
	}
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	signals := make(chan os.Signal, 2)
	signal.Notify(signals, os.Interrupt, syscall.SIGTERM)
	go func() {
		<-signals // asks for an orderly end
		cancel()
		<-signals // insists
		os.Exit(exitInterrupted)
	}()
	a := &app{
		in:  os.Stdin,
		out: newOutput(os.Stdout),
		err: newOutput(os.Stderr),
		env: os.Getenv,
		now: time.Now,
	}
	return a.main(ctx, os.Args[1:])
}
