package listen

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"net"
	"net/url"
	"strings"
	"time"

	"github.com/julianctl/julianctl/pkg/cli"
	"github.com/julianctl/julianctl/pkg/deliver"
	"github.com/julianctl/julianctl/pkg/receive"
	"github.com/julianctl/julianctl/pkg/wait"
	"github.com/spf13/cobra"
)

const firstBackOff = 200 * time.Millisecond

const longestWait = 5 * time.Second // between two attempts

// forwardFlags are the endpoint that listen forwards to.
type forwardFlags struct {
	to         string // URL or name
	allowHosts []string
	retries    int
	timeout    time.Duration // 0: the endpoint's
}

func (f *forwardFlags) declare(cmd *cobra.Command) {
	flags := cmd.Flags()
	flags.StringVar(&f.to, "forward-to", "", "endpoint that gets each delivery and whose answer is returned: a URL or a configured name")
	flags.StringArrayVar(&f.allowHosts, "allow-host", nil, "another host that --forward-to may reach (repeatable)")
	flags.IntVar(&f.retries, "forward-retries", 0, "retries after a 5xx or no answer, with growing pauses; the sender waits")
	flags.DurationVar(&f.timeout, "forward-timeout", 0, "time limit for forwarding one delivery, retries included (default the endpoint's, or the configured one)")
}

func (f *forwardFlags) check() error {
	switch {
	case f.retries < 0:
		return cli.UsageError(fmt.Errorf("--forward-retries %d is negative", f.retries), "")
	case f.timeout < 0:
		return cli.UsageError(fmt.Errorf("--forward-timeout %s is negative", f.timeout), "")
	case f.to == "" && (f.retries > 0 || f.timeout > 0):
		return cli.UsageError(errors.New("--forward-retries and --forward-timeout need an endpoint"), "add --forward-to URL")
	}
	return nil
}

// forwarder forwards deliveries to one endpoint.
type forwarder struct {
	client  *deliver.Client
	to      *url.URL
	name    string         // of the endpoint in the log: its URL without a password
	header  deliver.Header // the endpoint's own
	retries int
	timeout time.Duration
}

// newForwarder returns nil if nothing is forwarded. The caller closes its client.
func newForwarder(a *cli.App, f forwardFlags) (*forwarder, error) {
	if f.to == "" {
		return nil, nil
	}
	to, err := a.Target(f.to, f.allowHosts)
	if err != nil {
		return nil, err
	}
	header, err := cli.ParseHeaders(to.Headers, nil)
	if err != nil {
		return nil, err
	}
	timeout := cmp.Or(f.timeout, to.Timeout)
	client, err := deliver.New(to.Guarded, deliver.Options{Timeout: timeout, MaxAnswer: cli.MaxForwardAnswer, MaxExcerpt: cli.MaxForwardAnswer})
	if err != nil {
		return nil, cli.UsageError(err, "")
	}
	return &forwarder{client, to.URL, cli.WithoutPassword(to.URL.String()), header, f.retries, timeout}, nil
}

// hook returns nil if nothing is forwarded.
func (f *forwarder) hook() func(context.Context, *receive.Delivery) (receive.ForwardAnswer, error) {
	if f == nil {
		return nil
	}
	return f.forward
}

// leadsTo reports whether deliveries are forwarded to addr on this machine.
func (f *forwarder) leadsTo(addr net.Addr) bool {
	if f == nil || !f.client.Target().Loopback() {
		return false
	}
	port := f.to.Port()
	if port == "" {
		port = map[string]string{"http": "80", "https": "443"}[strings.ToLower(f.to.Scheme)]
	}
	return cli.SameAddress(net.JoinHostPort(f.to.Hostname(), port), addr.String())
}

func (f *forwarder) close() {
	if f != nil {
		f.client.Close()
	}
}

// forward delivers d until the endpoint answers with a status below 500. After the last
// attempt, or when the time is over, the last answer counts.
func (f *forwarder) forward(ctx context.Context, d *receive.Delivery) (receive.ForwardAnswer, error) {
	ctx, cancel := context.WithTimeout(ctx, f.timeout)
	defer cancel()
	request := cli.ForwardRequest(f.to, f.header, &d.Delivery)
	for attempt := 1; ; attempt++ {
		answer := f.client.Send(ctx, request)
		failed := answer.Err != nil || answer.Status >= 500
		if failed && attempt <= f.retries && pause(ctx, attempt) {
			continue
		}
		back := receive.ForwardAnswer{To: f.name, Status: answer.Status, Header: answer.Header.HTTP(), Body: answer.Body, Attempts: attempt}
		return back, answer.Err
	}
}

// pause waits before the next attempt: twice as long each time, with jitter. It returns
// false if no time is left.
func pause(ctx context.Context, attempt int) bool {
	d := wait.Between(attempt-1, firstBackOff, longestWait)
	if deadline, ok := ctx.Deadline(); ok && time.Until(deadline) <= d {
		return false
	}
	return wait.For(ctx, d) == nil
}
