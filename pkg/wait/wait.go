// Package wait waits for a time, and between attempts.
package wait

import (
	"context"
	"math/rand/v2"
	"time"
)

// For waits for d, or until ctx is done: then it returns why.
func For(ctx context.Context, d time.Duration) error {
	if d > 0 {
		timer := time.NewTimer(d)
		defer timer.Stop()
		select {
		case <-timer.C:
		case <-ctx.Done():
		}
	}
	return context.Cause(ctx)
}

// Between returns how long to wait before another attempt, after that many
// retries: first, doubled each time up to longest, less a random part of up to a
// half, so that no two senders keep in step. first is at least 2 ns.
func Between(retries int, first, longest time.Duration) time.Duration {
	d := min(longest, first<<min(retries, 10))
	return d/2 + rand.N(d/2)
}
