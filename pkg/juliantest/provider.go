package juliantest

import (
	"net/http/httptest"
	"testing"

	"github.com/julianctl/julianctl/pkg/mockapi"
)

// Provider is a stand-in for the provider, as httptest.Server is one for a server. It
// ends with the test.
type Provider struct {
	// URL is the base URL of its API: that of [julian.ClientOptions].
	URL   string
	Key   string // the API key that it accepts
	Agent string // the id of its agent
}

// NewProvider starts one on a loopback port. It refuses what the provider refuses: wrong
// keys, unknown agents, more than 10 requests a second.
func NewProvider(t testing.TB) *Provider {
	t.Helper()
	api, err := mockapi.New(mockapi.Options{})
	if err != nil {
		t.Fatalf("juliantest: %v", err)
	}
	srv := httptest.NewServer(api)
	t.Cleanup(srv.Close)
	return &Provider{URL: srv.URL + "/api/v1", Key: mockapi.DefaultKey, Agent: mockapi.DefaultAgent}
}
