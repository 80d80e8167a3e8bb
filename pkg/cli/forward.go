package cli

import (
	"maps"
	"net/url"
	"slices"

	"github.com/julianctl/julianctl/pkg/deliver"
	"github.com/julianctl/julianctl/pkg/receive"
	"github.com/julianctl/julianctl/pkg/record"
)

const MaxForwardAnswer = 1 << 20 // bytes of an endpoint's answer

// ForwardRequest is d as the endpoint would have got it: its bytes, and its
// header but for what is about the connection. A query goes along unless the
// endpoint's URL has its own. What the configuration says of the endpoint's
// header wins.
func ForwardRequest(to *url.URL, own deliver.Header, d *record.Delivery) deliver.Request {
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
