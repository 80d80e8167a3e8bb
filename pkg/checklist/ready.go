package checklist

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/julianctl/julianctl/pkg/deliver"
	"github.com/julianctl/julianctl/pkg/wait"
)

// Ready waits until the target answers an HTTP request, whatever the answer
// says. The requests are HEAD: they deliver nothing. The error is the last
// reason that it did not.
func Ready(ctx context.Context, client *deliver.Client, timeout time.Duration) error {
	const every = 100 * time.Millisecond
	waiting, cancel := context.WithTimeout(ctx, timeout)
	defer cancel()
	var last error
	for {
		a := client.Send(waiting, deliver.Request{Method: "HEAD"})
		if a.Status != 0 {
			return nil
		}
		if waiting.Err() == nil {
			last = a.Err
		}
		switch {
		case wait.For(waiting, every) == nil:
		case ctx.Err() != nil:
			return context.Cause(ctx)
		default:
			return fmt.Errorf("no answer within %s: %w", timeout, errors.Join(last))
		}
	}
}
