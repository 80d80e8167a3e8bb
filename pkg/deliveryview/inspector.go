package deliveryview

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/julianctl/julianctl/pkg/cli"
	"github.com/julianctl/julianctl/pkg/deliver"
	"github.com/julianctl/julianctl/pkg/inspect"
	"github.com/julianctl/julianctl/pkg/journal"
	"github.com/julianctl/julianctl/pkg/redact"
	"github.com/julianctl/julianctl/pkg/safetext"
	"github.com/julianctl/julianctl/pkg/units"
)

// sendingTime is how long all copies of one delivery may take together.
const sendingTime = 100 * time.Second

// Inspected is what an inspector shows, and what it may do.
type Inspected struct {
	To       string           // of --forward-to; may be empty
	Allow    []string         // hosts that it may reach
	Try      string           // a command that makes deliveries; may be empty
	Writable bool             // deliveries can be deleted
	Ready    *cli.ServerFlags // announces the page; may be nil
}

// ServeInspector serves the inspector of a log on ln until ctx ends. The
// returned function waits until it has.
func ServeInspector(ctx context.Context, a *cli.App, ln net.Listener, log *journal.Log, of Inspected) (end func(), err error) {
	i := &inspector{App: a, log: log, to: of.To, allow: of.Allow}
	opts := inspect.Options{
		Log: log, Addr: ln.Addr(), Version: cli.Version(), Try: of.Try, Secrets: a.Config.RedactHeader,
		Targets: i.targets(), Send: i.send, Delete: of.Writable,
		Curl: func(e *journal.Entry) string { return CurlCommand(e, "", log.Path()) },
	}
	opts.Filter = i.filter
	if a.Config.Fixtures != "" {
		if err := a.Config.Allow("fixtures", a.Config.Fixtures); err != nil {
			return nil, errors.Join(err, ln.Close())
		}
		opts.Fixture = i.fixture
	}
	s := a.ErrStyle
	if tcp, ok := ln.Addr().(*net.TCPAddr); ok && !tcp.IP.IsLoopback() {
		opts.Key = rand.Text()
		a.Note("%s other machines can reach the inspector with the key in its link, and nothing is encrypted", s.Warn("warning:"))
	}
	page, err := inspect.New(opts)
	if err != nil {
		return nil, errors.Join(err, ln.Close())
	}
	remove := func() {}
	if of.Ready != nil {
		if remove, err = of.Ready.Announce(page.Link()); err != nil {
			return nil, errors.Join(err, ln.Close())
		}
	}
	a.Note("%s %s  %s", s.Good("inspector at"), s.Bold(page.Link()), s.Faint("open it in a browser"))
	ctx, stop := context.WithCancel(ctx)
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		defer remove()
		if err := page.Serve(ctx, ln); err != nil {
			a.Note("%s the inspector has ended: %s", s.Bad("julianctl:"), safetext.Line(err.Error()))
		}
	}()
	return func() { stop(); <-ended }, nil
}

// inspector does what the user requests on the page.
type inspector struct {
	*cli.App
	log   *journal.Log
	to    string   // of --forward-to
	allow []string // hosts that it may reach

	mu     sync.Mutex // of what follows
	redact *redact.Redactor
}

// filter reads what was typed into the search field; nil where that is words to
// search for.
func (i *inspector) filter(text string) (find func(context.Context, int64) ([]journal.IDs, error), err error) {
	if !strings.ContainsAny(text, "=~<>") {
		return nil, nil
	}
	c, err := readFilters("filter", []string{text}, i.Now())
	if err != nil {
		return nil, withHint(err)
	}
	c.PossibleTypos = nil // incomplete words are often not known
	return func(ctx context.Context, after int64) ([]journal.IDs, error) {
		c := c
		c.After = after
		return c.ids(ctx, i.App, i.log)
	}, nil
}

// targets are where deliveries may be sent again by name, the likeliest first.
func (i *inspector) targets() []string {
	var all []string
	var headers []string
	for _, to := range []string{i.to, i.Config.To} {
		if to != "" && !slices.Contains(all, to) {
			all = append(all, to)
		}
	}
	for _, e := range i.Config.Endpoints {
		headers = append(headers, e.Headers...)
		if !slices.Contains(all, e.Name) {
			all = append(all, e.Name)
		}
	}
	if header, err := cli.ParseHeaders(headers, nil); err == nil {
		i.KeepSecret(header)
	}
	return all
}

// send delivers one delivery again. A URL that is not configured must be on this machine.
func (i *inspector) send(ctx context.Context, s inspect.Sending) ([]inspect.Answer, error) {
	var allow []string
	if s.To == i.to {
		allow = i.allow
	}
	find := i.Target
	if s.To == i.Config.To && s.To != i.to {
		find = func(_ string, allow []string) (cli.Target, error) { return i.ConfiguredTarget(allow) }
	}
	t, err := find(s.To, allow)
	if err != nil {
		return nil, withHint(err)
	}
	own, err := cli.ParseHeaders(t.Headers, nil)
	if err != nil {
		return nil, withHint(err)
	}
	client, err := deliver.New(t.Guarded, deliver.Options{Timeout: t.Timeout, MaxAnswer: cli.MaxForwardAnswer, MaxExcerpt: journal.MaxAnswer})
	if err != nil {
		return nil, err
	}
	defer client.Close()
	request := Redelivery(t.URL, own, s.Entry)
	ctx, cancel := context.WithTimeout(ctx, sendingTime)
	defer cancel()
	var answers []deliver.Answer
	if s.Together {
		answers, _ = client.Together(ctx, slices.Repeat([]deliver.Request{request}, s.Copies))
	}
	for len(answers) < s.Copies {
		answers = append(answers, client.Send(ctx, request))
	}
	out := make([]inspect.Answer, s.Copies)
	for n, answer := range answers {
		if !s.Edited {
			if err := i.log.Attempt(ctx, s.Entry.ID, AttemptFrom(i.App, "inspector", t.URL.String(), answer)); err != nil && !readOnly(err) {
				return nil, fmt.Errorf("it was sent, and that is not in the log: %w", err)
			}
		}
		out[n] = inspect.Answer{Status: answer.Status, TookMS: units.Milliseconds(answer.Latency()), Body: i.Hide(string(answer.Body[:min(len(answer.Body), 1<<10)]))}
		if answer.Err != nil {
			out[n].Error = i.Hide(answer.Err.Error())
		}
	}
	return out, nil
}

// withHint is err as one line with what to do next.
func withHint(err error) error {
	if f, ok := errors.AsType[*cli.ExitError](err); ok && f.Hint != "" {
		return fmt.Errorf("%w; %s", err, f.Hint)
	}
	return err
}

// fixture writes e with pseudonyms to the folder of fixtures. In one run, the same
// value has the same pseudonym.
func (i *inspector) fixture(_ context.Context, e *journal.Entry) (path string, err error) {
	payload, err := e.Payload()
	if err != nil {
		return "", err
	}
	i.mu.Lock()
	defer i.mu.Unlock()
	if i.redact == nil {
		if i.redact, err = i.Redactor("", redact.Options{}); err != nil {
			return "", err
		}
	}
	body, err := i.redact.Payload(payload)
	if err != nil {
		return "", fmt.Errorf("%w; nothing is redacted by guess", err)
	}
	dir := i.Config.Fixtures
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return "", err
	}
	kind := strings.ReplaceAll(strings.ToLower(e.ResultType), " ", "-")
	path = filepath.Join(dir, safetext.Filename(kind+"-"+deliver.CallID(body))+".json")
	return path, cli.WriteFile(path, body)
}
