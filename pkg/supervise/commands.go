package supervise

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"time"

	"github.com/julianctl/julianctl/pkg/wait"
)

// Commanded is a consumer that commands stop and start, such as one in a
// container.
type Commanded struct {
	Down func(context.Context) error // ends it
	Addr string                      // host:port where it listens
}

// Kill runs the command that ends the consumer, and returns when its port
// refuses connections.
func (c *Commanded) Kill() error {
	// The consumer is ended also where the run was interrupted.
	ctx, cancel := context.WithTimeout(context.Background(), endTimeout) //nolint:forbidigo // for that reason
	defer cancel()
	if err := c.Down(ctx); err != nil {
		return err
	}
	for {
		if !accepts(c.Addr) {
			return nil
		}
		if wait.For(ctx, readyPoll) != nil {
			return fmt.Errorf("%s still accepts connections %s after the consumer was stopped", c.Addr, endTimeout)
		}
	}
}

// Signal is not supported: what signal the command sends is its own affair.
func (*Commanded) Signal() error {
	return fmt.Errorf("SIGTERM for a consumer that commands stop: %w", errors.ErrUnsupported)
}

// Exited never comes: nobody sees the process.
func (*Commanded) Exited() <-chan struct{} { return nil }

// Gone never comes either.
func (*Commanded) Gone() <-chan struct{} { return nil }

// Output is empty.
func (*Commanded) Output() string { return "" }

// WaitReady waits until url gives any HTTP answer. When gone is closed the wait
// is over: the process has ended.
func WaitReady(ctx context.Context, url string, timeout time.Duration, gone <-chan struct{}) error {
	waiting, cancel := context.WithTimeout(ctx, timeout)
	defer cancel()
	client := &http.Client{
		Timeout:       readyAnswer,
		Transport:     &http.Transport{DisableKeepAlives: true},
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
	var last error
	for {
		request, err := http.NewRequestWithContext(waiting, http.MethodGet, url, nil)
		if err != nil {
			return err
		}
		response, err := client.Do(request)
		if err == nil {
			_ = response.Body.Close()
			select {
			case <-gone:
				return ErrEnded // it was somebody else who answered
			default:
				return nil
			}
		}
		if waiting.Err() == nil {
			last = err
		}
		select {
		case <-gone:
			return ErrEnded
		case <-time.After(readyPoll):
		case <-waiting.Done():
			if ctx.Err() != nil {
				return context.Cause(ctx)
			}
			return fmt.Errorf("no HTTP answer from %s within %s: %w", url, timeout, errors.Join(last))
		}
	}
}

// ErrEnded says that the consumer is not there any more.
var ErrEnded = errors.New("the consumer ended before it answered")
