package main

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

	"github.com/julianctl/julianctl/pkg/deliver"
	"github.com/julianctl/julianctl/pkg/inspect"
	"github.com/julianctl/julianctl/pkg/journal"
	"github.com/julianctl/julianctl/pkg/redact"
	"github.com/julianctl/julianctl/pkg/safetext"
)

// sendingTime is how long all copies of one delivery may take together.
const sendingTime = 100 * time.Second

// inspected is what an inspector shows, and what it may do.
type inspected struct {
	to       string       // of --forward-to; may be empty
	allow    []string     // hosts that it may reach
	try      string       // a command that makes deliveries; may be empty
	writable bool         // deliveries can be deleted
	ready    *serverFlags // announces the page; may be nil
}

// serveInspector serves the inspector of a log on ln until ctx ends. The
// returned function waits until it has.
func (a *app) serveInspector(ctx context.Context, ln net.Listener, log *journal.Log, of inspected) (end func(), err error) {
	i := &inspector{app: a, log: log, to: of.to, allow: of.allow}
	opts := inspect.Options{
		Log: log, Addr: ln.Addr(), Version: versionNumber(), Try: of.try, Secrets: a.cfg.RedactHeader,
		Targets: i.targets(), Send: i.send, Delete: of.writable,
		Curl: func(e *journal.Entry) string { return curlCommand(e, "", log.Path()) },
	}
	opts.Filter = i.filter
	if a.cfg.Fixtures != "" {
		if err := a.cfg.allow("fixtures", a.cfg.Fixtures); err != nil {
			return nil, errors.Join(err, ln.Close())
		}
		opts.Fixture = i.fixture
	}
	s := a.errStyle
	if tcp, ok := ln.Addr().(*net.TCPAddr); ok && !tcp.IP.IsLoopback() {
		opts.Key = rand.Text()
		a.note("%s other machines can reach the inspector with the key in its link, and nothing is encrypted", s.warn("warning:"))
	}
	page, err := inspect.New(opts)
	if err != nil {
		return nil, errors.Join(err, ln.Close())
	}
	remove := func() {}
	if of.ready != nil {
		if remove, err = of.ready.announce(page.Link()); err != nil {
			return nil, errors.Join(err, ln.Close())
		}
	}
	a.note("%s %s  %s", s.good("inspector at"), s.bold(page.Link()), s.faint("open it in a browser"))
	ctx, stop := context.WithCancel(ctx)
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		defer remove()
		if err := page.Serve(ctx, ln); err != nil {
			a.note("%s the inspector has ended: %s", s.bad("julianctl:"), safetext.Line(err.Error()))
		}
	}()
	return func() { stop(); <-ended }, nil
}

// inspector does what a person asks for on its page.
type inspector struct {
	*app
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
	c, err := readFilters("filter", []string{text}, i.now())
	if err != nil {
		return nil, withHint(err)
	}
	c.doubts = nil // as it is typed, nearly everything is in doubt
	return func(ctx context.Context, after int64) ([]journal.IDs, error) {
		c := c
		c.After = after
		return c.ids(ctx, i.app, i.log)
	}, nil
}

// targets are where deliveries may be sent again by name, the likeliest first.
func (i *inspector) targets() []string {
	var all []string
	var headers []string
	for _, to := range []string{i.to, i.cfg.To} {
		if to != "" && !slices.Contains(all, to) {
			all = append(all, to)
		}
	}
	for _, e := range i.cfg.Endpoints {
		headers = append(headers, e.Headers...)
		if !slices.Contains(all, e.Name) {
			all = append(all, e.Name)
		}
	}
	if header, err := parseHeaders(headers, nil); err == nil {
		i.keepSecret(header)
	}
	return all
}

// send delivers the exact bytes of e again. A URL that nobody configured has to
// be on this machine.
func (i *inspector) send(ctx context.Context, to string, e *journal.Entry, copies int, together bool) ([]inspect.Answer, error) {
	var allow []string
	if to == i.to {
		allow = i.allow
	}
	find := i.target
	if to == i.cfg.To && to != i.to {
		find = func(_ string, allow []string) (target, error) { return i.configuredTarget(allow) }
	}
	t, err := find(to, allow)
	if err != nil {
		return nil, withHint(err)
	}
	own, err := parseHeaders(t.Headers, nil)
	if err != nil {
		return nil, withHint(err)
	}
	client, err := deliver.New(t.Guarded, deliver.Options{Timeout: t.Timeout, MaxAnswer: forwardAnswer, MaxExcerpt: 1 << 10})
	if err != nil {
		return nil, err
	}
	defer client.Close()
	d := receivedOf(e)
	for name, values := range d.Header {
		if slices.Contains(values, safetext.Masked) {
			d.Header.Del(name)
		}
	}
	request := forwardRequest(t.URL, own, d)
	ctx, cancel := context.WithTimeout(ctx, sendingTime)
	defer cancel()
	var answers []deliver.Answer
	if together {
		answers, _ = client.Together(ctx, slices.Repeat([]deliver.Request{request}, copies))
	}
	for len(answers) < copies {
		answers = append(answers, client.Send(ctx, request))
	}
	out := make([]inspect.Answer, copies)
	for n, answer := range answers {
		out[n] = inspect.Answer{Status: answer.Status, TookMS: milliseconds(answer.Latency()), Body: i.hide(string(answer.Body))}
		if answer.Err != nil {
			out[n].Error = i.hide(answer.Err.Error())
		}
	}
	return out, nil
}

// withHint is err as one line with what to do next.
func withHint(err error) error {
	if f, ok := errors.AsType[*fault](err); ok && f.hint != "" {
		return fmt.Errorf("%w; %s", err, f.hint)
	}
	return err
}

// fixture writes e with pseudonyms into the folder of fixtures. In one run the
// same person is the same stranger.
func (i *inspector) fixture(_ context.Context, e *journal.Entry) (path string, err error) {
	payload, err := payloadOf(e)
	if err != nil {
		return "", err
	}
	i.mu.Lock()
	defer i.mu.Unlock()
	if i.redact == nil {
		if i.redact, err = i.redactor(""); err != nil {
			return "", err
		}
	}
	body, err := i.redact.Payload(payload)
	if err != nil {
		return "", fmt.Errorf("%w; nothing is redacted by guess", err)
	}
	dir := i.cfg.Fixtures
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return "", err
	}
	kind := strings.ReplaceAll(strings.ToLower(e.ResultType), " ", "-")
	path = filepath.Join(dir, safetext.Filename(kind+"-"+deliver.CallID(body))+".json")
	return path, writeFile(path, body)
}
