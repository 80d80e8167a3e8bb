package log

import (
	"context"
	"time"

	"github.com/julianctl/julianctl/pkg/cli"
	"github.com/julianctl/julianctl/pkg/deliveryview"
	"github.com/julianctl/julianctl/pkg/journal"
	"github.com/julianctl/julianctl/pkg/wait"
)

// How often --follow looks for more, and how long it waits for the outcome of a
// delivery before it shows it without one.
const (
	followEvery   = 250 * time.Millisecond
	followOutcome = 10 * time.Second
)

// follow shows what comes after the deliveries that c has chosen before, until ctx
// ends.
func follow(ctx context.Context, a *cli.App, l *journal.Log, c deliveryview.Chosen, show func(*journal.Entry) error) error {
	for wait.For(ctx, followEvery) == nil {
		// What other processes took in is there once it is indexed.
		if err := l.CatchUp(ctx); err != nil && ctx.Err() == nil {
			return cli.LogError(l.Path(), err)
		}
		for e, err := range c.Entries(ctx, a, l) {
			if ctx.Err() != nil {
				return nil
			}
			if err != nil {
				return err
			}
			if e.Outcome == nil && a.Now().Sub(e.Received) < followOutcome {
				break // it is being answered
			}
			if err := show(e); err != nil {
				return err
			}
			c.After = e.ID
		}
	}
	return nil
}
