package main

import (
	"context"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"time"

	"github.com/julianctl/julianctl/pkg/deliver"
	"github.com/julianctl/julianctl/pkg/receive"
)

const (
	forwardTimeout = 30 * time.Second // of an endpoint without one of its own
	forwardAnswer  = 1 << 20          // bytes of an endpoint's answer
)

// forwarder returns what passes deliveries on to --forward-to, nil when there
// is none, and what ends it.
func (a *app) forwarder(opts listenOptions) (forward func(context.Context, *receive.Delivery) (receive.ForwardAnswer, error), end func(), err error) {
	if opts.forwardTo == "" {
		return nil, func() {}, nil
	}
	to, err := a.target(opts.forwardTo, opts.allowHosts)
	if err != nil {
		return nil, nil, err
	}
	header, err := parseHeaders(to.Headers, nil)
	if err != nil {
		return nil, nil, err
	}
	if opts.timeout > 0 && to.Timeout == a.cfg.Timeout {
		to.Timeout = forwardTimeout // --timeout of this command is another one
	}
	client, err := deliver.New(to.Guarded, deliver.Options{Timeout: to.Timeout, MaxAnswer: forwardAnswer, MaxExcerpt: forwardAnswer})
	if err != nil {
		return nil, nil, usage(err, "")
	}
	return func(ctx context.Context, d *receive.Delivery) (receive.ForwardAnswer, error) {
		answer := client.Send(ctx, forwardRequest(to.URL, header, d))
		if answer.Err != nil {
			return receive.ForwardAnswer{}, answer.Err
		}
		back := receive.ForwardAnswer{Status: answer.Status, Header: http.Header{}, Body: answer.Body}
		for _, field := range answer.Header {
			back.Header.Add(field.Name, field.Value)
		}
		return back, nil
	}, client.Close, nil
}

// forwardRequest is d as the endpoint would have got it: its bytes, and its
// header but for what is about the connection. A query goes along unless the
// endpoint's URL has its own. What the configuration says of the endpoint's
// header wins.
func forwardRequest(to *url.URL, own deliver.Header, d *receive.Delivery) deliver.Request {
	path := ""
	if received, err := url.ParseRequestURI(d.URI); err == nil && received.RawQuery != "" && to.RawQuery == "" {
		path = to.EscapedPath() + "?" + received.RawQuery
		if to.Path == "" {
			path = "/" + path
		}
	}
	kept := receive.EndToEnd(d.Header)
	for _, name := range []string{"Content-Length", "Expect"} {
		kept.Del(name)
	}
	// Empty takes the client's own away: the endpoint sees what was sent.
	header := deliver.Header{{Name: "User-Agent"}, {Name: "Content-Type"}}
	fields := deliver.Header{}
	for _, name := range slices.Sorted(maps.Keys(kept)) {
		for _, value := range kept[name] {
			fields = append(fields, deliver.Field{Name: name, Value: value})
		}
	}
	return deliver.Request{Path: path, Header: header.Override(fields).Override(own), Body: d.Body}
}
