package juliantest

import (
	"cmp"
	"context"
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/julianctl/julianctl/pkg/deliver"
)

// Endpoint is the webhook under test: a Handler, or the URL of a service that is
// running already.
type Endpoint struct {
	// Handler is served on a loopback port for as long as it is tested.
	Handler http.Handler
	// Path is where Handler expects deliveries, such as "/webhooks/julian"; default
	// "/".
	Path string

	// URL is used where Handler is nil. It has to be on this machine, or its host
	// in AllowHosts; the provider's own host is always refused.
	URL        string
	AllowHosts []string

	// Secret has the headers that the endpoint insists on, such as
	// {"X-Webhook-Secret": {"s3cret"}}. They are sent with every delivery, and the
	// check "secret" delivers without them and with wrong values.
	Secret http.Header
	// Header is sent with every delivery, too, and need not be insisted on.
	Header http.Header

	// Probe counts how often a call was processed. Without one nothing shows that a
	// repeat is harmless, and the checks of that fail, unless [AllowUndecided] is given.
	Probe Probe
}

// Probe returns how often a call was processed: rows, messages, tickets. Zero is a
// count; an error is none. It must be safe for concurrent use.
type Probe func(ctx context.Context, callID string) (effects int, err error)

// answerTimeout is how long an answer is waited for; as julianctl check does.
const answerTimeout = 10 * time.Second

// open serves the handler and returns a client for the endpoint. The caller calls
// done, which waits for requests that are under way.
func (e Endpoint) open(t testing.TB) (client *deliver.Client, done func()) {
	t.Helper()
	to, stop := e.URL, func() {}
	switch {
	case e.Handler != nil && e.URL != "":
		t.Fatal("juliantest: Endpoint has both a Handler and a URL: give one of them")
	case e.Handler != nil:
		srv := httptest.NewUnstartedServer(e.Handler)
		// A panic of the handler shows with the test that it belongs to.
		srv.Config.ErrorLog = slog.NewLogLogger(slog.NewTextHandler(t.Output(), nil), slog.LevelError)
		srv.Start()
		to, stop = srv.URL+"/"+strings.TrimPrefix(e.Path, "/"), srv.Close
	case e.URL == "":
		t.Fatal("juliantest: Endpoint has neither a Handler nor a URL")
	}
	fail := func(err error) {
		t.Helper()
		stop()
		t.Fatalf("juliantest: %v", err)
	}
	u, err := url.Parse(to)
	if err != nil {
		fail(err)
	}
	target, err := deliver.Guard{Allow: e.AllowHosts}.Target(u)
	if err != nil {
		if _, refused := (deliver.Guard{Allow: []string{u.Hostname()}}).Target(u); refused == nil {
			err = fmt.Errorf("%w: Endpoint.AllowHosts would allow it", err)
		}
		fail(err)
	}
	header := fields(e.Header).Override(fields(e.Secret))
	client, err = deliver.New(target, deliver.Options{UserAgent: "juliantest", Header: header, Timeout: answerTimeout})
	if err != nil {
		fail(err)
	}
	return client, func() { client.Close(); stop() }
}

// fields are a header's in alphabetical order.
func fields(h http.Header) deliver.Header {
	var all deliver.Header
	for name, values := range h {
		for _, value := range values {
			all = append(all, deliver.Field{Name: name, Value: value})
		}
	}
	slices.SortStableFunc(all, func(a, b deliver.Field) int { return cmp.Compare(a.Name, b.Name) })
	return all
}
