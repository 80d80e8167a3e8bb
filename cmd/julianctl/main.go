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
)

func main() { os.Exit(start()) }

func start() int {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	// The first signal asks for an orderly end; the next one kills.
	context.AfterFunc(ctx, stop)
	a := &app{
		in:  os.Stdin,
		out: newOutput(os.Stdout),
		err: newOutput(os.Stderr),
		env: os.Getenv,
		now: time.Now,
	}
	return a.main(ctx, os.Args[1:])
}
