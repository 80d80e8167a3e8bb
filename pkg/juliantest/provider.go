package juliantest

import (
	"cmp"
	"math"
	"net/http/httptest"
	"slices"
	"sync"
	"testing"

	"github.com/julianctl/julianctl/pkg/mockapi"
	"github.com/julianctl/julianctl/pkg/sender"
)

// Provider is a stand-in for the provider, as httptest.Server is one for a server: it
// has the API, and calls the contacts that are enrolled there. It ends with the test.
type Provider struct {
	// URL is the base URL of its API, for [julian.ClientOptions] and for your own client.
	URL   string
	Key   string // the API key that it accepts, in x-api-key
	Agent string // the id of its agent

	t       testing.TB
	mock    *mockapi.Provider
	webhook *mockapi.Webhook
}

// Sender says how a [Provider] delivers.
type Sender string

// The senders are those of "julianctl mock --sender", which names their sources: what
// other platforms do, since the provider documents no retries.
const (
	Once       Sender = "once"       // one try
	Retell     Sender = "retell"     // up to 3 more tries
	ElevenLabs Sender = "elevenlabs" // more tries within 40 minutes, after 5xx, 429 and 408
	Dialpad    Sender = "dialpad"    // more tries within 14 s, after 5xx
	Telnyx     Sender = "telnyx"     // out of order, doubled, older content after newer
	Worst      Sender = "worst"      // all of that, and once more a day later
)

// NewProvider starts a provider on a loopback port. It refuses what the real one refuses:
// wrong keys, unknown agents, more than 10 requests a second.
func NewProvider(t testing.TB, s Sender) *Provider {
	t.Helper()
	profile, err := sender.Find(string(s))
	if err != nil {
		t.Fatalf("juliantest: %v", err)
	}
	webhook := &mockapi.Webhook{
		Sender: profile, Speed: math.Inf(1),
		Calls: func(func([]byte, error) bool) {}, // none but to contacts: Run ends after them
	}
	mock, err := mockapi.New(mockapi.Options{Webhook: webhook})
	if err != nil {
		t.Fatalf("juliantest: %v", err)
	}
	srv := httptest.NewServer(mock)
	t.Cleanup(srv.Close)
	return &Provider{
		URL: srv.URL + "/api/v1", Key: mockapi.DefaultKey, Agent: mockapi.DefaultAgent,
		t: t, mock: mock, webhook: webhook,
	}
}

// Delivered is what became of a call that a [Provider] made.
type Delivered struct {
	CallID       string
	Payload      []byte // its newest content
	Acknowledged bool   // that content was; otherwise the provider gave it up
	Tries        int    // deliveries of the call; copies count
}

// MakeCalls calls the contacts that are enrolled, again where they were busy, until the
// sequence of each has ended, and delivers the webhooks to the endpoint as the sender
// does. Nothing is waited for but answers: days pass at once. It returns what became of
// each call, in the order in which they ended.
func (p *Provider) MakeCalls(e Endpoint) []Delivered {
	p.t.Helper()
	client, done := e.open(p.t)
	defer done()
	var mu sync.Mutex
	var results []sender.Result
	p.webhook.Client = client
	p.webhook.Done = func(r sender.Result) {
		mu.Lock()
		defer mu.Unlock()
		results = append(results, r)
	}
	if _, err := p.mock.Run(p.t.Context()); err != nil {
		p.t.Fatalf("juliantest: %v", err)
	}
	slices.SortFunc(results, func(a, b sender.Result) int {
		return cmp.Or(a.Call.Ended.Compare(b.Call.Ended), cmp.Compare(a.Call.ID, b.Call.ID))
	})
	var all []Delivered
	for _, r := range results {
		all = append(all, Delivered{CallID: r.Call.ID, Payload: r.Call.Body, Acknowledged: r.Delivered, Tries: r.Tries})
	}
	return all
}
