package julian

import (
	"context"
	"crypto/tls"
	"errors"
	"math/rand/v2"
	"net"
	"net/http"
	"strconv"
	"sync"
	"time"
)

const (
	firstBackoff = 250 * time.Millisecond
	maxBackoff   = 10 * time.Second
	// maxRetryAfter is how long a server may make a call wait when the context
	// has no deadline.
	maxRetryAfter = 2 * time.Minute
)

// retryable reports whether the same request may do better later. A server
// without a valid certificate, or a name that does not exist, stays so.
func retryable(err error) bool {
	var certificate *tls.CertificateVerificationError
	var name *net.DNSError
	if errors.As(err, &certificate) || errors.As(err, &name) && name.IsNotFound {
		return false
	}
	return errors.Is(err, ErrRateLimited) || errors.Is(err, ErrServer) || errors.Is(err, ErrUnreachable)
}

// backoff returns how long to wait after the attempt of that number, from 0,
// failed: full jitter over a bound that doubles, on top of what the server
// requested, so that clients that were refused together do not retry together.
func backoff(attempt int, err error) time.Duration {
	bound := min(firstBackoff<<min(attempt, 16), maxBackoff)
	wait := rand.N(bound)
	var e *Error
	if errors.As(err, &e) && e.RetryAfter > 0 {
		wait = e.RetryAfter + rand.N(firstBackoff)
	}
	return wait
}

// fits reports whether there is time for another attempt after wait.
func fits(ctx context.Context, wait time.Duration) bool {
	deadline, ok := ctx.Deadline()
	if !ok {
		return wait <= maxRetryAfter
	}
	return time.Until(deadline) > wait
}

// retryAfter reads the header of that name (RFC 9110, section 10.2.3): seconds
// or a date. It is 0 when there is none that can be read.
func retryAfter(h http.Header, now time.Time) time.Duration {
	value := h.Get("Retry-After")
	if value == "" {
		return 0
	}
	if seconds, err := strconv.ParseUint(value, 10, 31); err == nil {
		return time.Duration(seconds) * time.Second
	}
	at, err := http.ParseTime(value)
	if err != nil {
		return 0
	}
	// Use the server's clock if it sends the time: the local one may be wrong.
	if date, err := http.ParseTime(h.Get("Date")); err == nil {
		now = date
	}
	return max(at.Sub(now), 0)
}

// sleep returns the context's error if ctx is done first.
func sleep(ctx context.Context, d time.Duration) error {
	if d <= 0 {
		return ctx.Err()
	}
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// The provider's limit is 10 requests a second for each key: no more than
// limitRequests begin within any limitWindow. The window is a little longer
// than a second, since requests may arrive closer together than they left.
const (
	limitRequests = 10
	limitWindow   = 1100 * time.Millisecond
)

// limiter lets at most limitRequests begin within any limitWindow. Its zero
// value is ready.
type limiter struct {
	mu     sync.Mutex
	starts [limitRequests]time.Time // of the latest requests, a ring
	oldest int
}

// wait returns when the caller may send one request, or at once with the
// context's error when its turn does not come before the deadline. A turn that
// is given up while waiting is not given to another.
func (l *limiter) wait(ctx context.Context) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	l.mu.Lock()
	now := time.Now()
	turn := l.starts[l.oldest].Add(limitWindow)
	if turn.Before(now) {
		turn = now
	}
	if deadline, ok := ctx.Deadline(); ok && turn.After(deadline) {
		l.mu.Unlock()
		return context.DeadlineExceeded
	}
	l.starts[l.oldest] = turn
	l.oldest = (l.oldest + 1) % limitRequests
	l.mu.Unlock()
	return sleep(ctx, turn.Sub(now))
}
