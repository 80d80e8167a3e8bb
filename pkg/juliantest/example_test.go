package juliantest_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"strings"
	"sync"
	"testing"

	"github.com/julianctl/julianctl/pkg/julian"
	"github.com/julianctl/julianctl/pkg/juliantest"
)

// exampleT stands for the t of a test: examples have none.
type exampleT struct{ testing.TB }

func (exampleT) Helper()                  {}
func (exampleT) Context() context.Context { return context.Background() }
func (exampleT) Output() io.Writer        { return os.Stderr }
func (exampleT) Cleanup(func())           {}

var t exampleT

// The whole of a test: with -v it prints a subtest for each check.
func ExampleCheck() {
	var (
		webhook http.Handler // of your service
		db      interface {
			Bookings(ctx context.Context, callID string) (int, error)
		}
	)
	_ = func(t *testing.T) { // func TestWebhook(t *testing.T)
		juliantest.Check(t, juliantest.Endpoint{
			Handler: webhook,
			Path:    "/webhooks/julian",
			Secret:  http.Header{"X-Webhook-Secret": {"s3cret"}},
			Probe:   db.Bookings,
		}, juliantest.Skip("burst"))
	}
}

// A payload fits its result type; the same seed makes the same bytes.
func ExamplePayload() {
	payload := juliantest.Payload(t, juliantest.Call{
		ResultType: julian.Busy,
		Seed:       7,
		Set:        map[string]any{"customInputVariables.crmId": "42"},
	})
	var event julian.CallEvent
	if err := json.Unmarshal(payload, &event); err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(event.CallResult.ResultType, event.Duration, event.CustomInputVariables["crmId"])
	// Output: Busy 0 42
}

// calls is a consumer that keeps each call once.
type calls struct{ table sync.Map }

func (c *calls) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	var event julian.CallEvent
	if json.NewDecoder(r.Body).Decode(&event) != nil || event.CallID == "" {
		http.Error(w, "not a call event", http.StatusBadRequest)
		return
	}
	c.table.LoadOrStore(event.CallID, event) // INSERT … ON CONFLICT DO NOTHING
	w.WriteHeader(http.StatusNoContent)
}

func (c *calls) count() (n int) {
	c.table.Range(func(any, any) bool { n++; return true })
	return n
}

// Eight copies at one instant: all are acknowledged, and the call is kept once.
func ExampleDuplicate() {
	webhook := &calls{}
	endpoint := juliantest.Endpoint{Handler: webhook}
	for _, answer := range juliantest.Duplicate(t, endpoint, juliantest.Payload(t, juliantest.Call{}), 8) {
		if answer.Status != http.StatusNoContent {
			fmt.Println(answer.Status, answer.Err)
		}
	}
	fmt.Println(webhook.count(), "call")
	// Output: 1 call
}

// Your code enrols a contact, and what the provider does then arrives at your webhook:
// calls, each delivered in copies, out of order, and once more a day later.
func ExampleProvider() {
	provider := juliantest.NewProvider(t, juliantest.Worst)
	schedule := fmt.Sprintf("%s/agents/%s/schedule/sequence", provider.URL, provider.Agent)
	r, _ := http.NewRequest(http.MethodPost, schedule, strings.NewReader(`{"name": "Ada Test", "phoneNumber": "+442079460018"}`))
	r.Header.Set("x-api-key", provider.Key)
	answer, err := http.DefaultClient.Do(r)
	if err != nil {
		fmt.Println(err)
		return
	}
	answer.Body.Close()

	webhook := &calls{}
	made := provider.MakeCalls(juliantest.Endpoint{Handler: webhook})
	for _, call := range made {
		if !call.Acknowledged {
			fmt.Println(call.CallID, "was given up after", call.Tries, "tries")
		}
	}
	fmt.Println(answer.Status, webhook.count() == len(made), made[0].Tries)
	// Output: 200 OK true 5
}

// A client of the API talks to the stand-in as it would to the provider.
func ExampleNewProvider() {
	provider := juliantest.NewProvider(t, juliantest.Once)
	client, err := julian.NewClient(provider.Key, julian.ClientOptions{BaseURL: provider.URL})
	if err != nil {
		fmt.Println(err)
		return
	}
	sample, err := client.CallEventSample(context.Background(), provider.Agent)
	fmt.Println(len(sample) > 0, err)
	_, err = client.CallEventSample(context.Background(), "agent.unknown")
	fmt.Println(errors.Is(err, julian.ErrNotFound))
	// Output:
	// true <nil>
	// true
}
