package julian_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"time"

	"github.com/julianctl/julianctl/pkg/julian"
)

// calls stands for a table whose primary key is the call id.
type calls map[string][]byte

// insert is INSERT … ON CONFLICT (call_id) DO NOTHING.
func (c calls) insert(_ context.Context, callID string, body []byte) error {
	if _, there := c[callID]; !there {
		c[callID] = body
	}
	return nil
}

// A webhook that is idempotent, quick, and loses nothing: a repeated delivery
// is acknowledged like the first, and has no effect.
func Example() {
	table := calls{}
	store := table.insert
	webhook := func(w http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, 32<<20))
		var event julian.CallEvent
		if err != nil || json.Unmarshal(body, &event) != nil || event.CallID == "" {
			http.Error(w, "not a call event", http.StatusBadRequest)
			return
		}
		// INSERT … ON CONFLICT (call_id) DO NOTHING: a repeat changes nothing.
		if err := store(r.Context(), event.CallID, body); err != nil {
			http.Error(w, "try again", http.StatusServiceUnavailable)
			return
		}
		w.WriteHeader(http.StatusNoContent) // stored first, worked on later
	}

	for _, body := range [][]byte{julian.Sample(), julian.Sample(), []byte("{}")} {
		w := httptest.NewRecorder()
		webhook(w, httptest.NewRequest(http.MethodPost, "/webhooks/julian", bytes.NewReader(body)))
		fmt.Println(w.Code, len(table))
	}
	// Output:
	// 204 1
	// 204 1
	// 400 1
}

// api stands for the provider's: it is busy at first, knows one agent and one
// key.
func api() *httptest.Server {
	busy := true
	return httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch {
		case r.Header.Get("x-api-key") != "test-key":
			w.WriteHeader(http.StatusUnauthorized)
			io.WriteString(w, `{"error": "INVALID_API_KEY", "message": "The API key is not valid"}`)
		case r.URL.Path != "/agent/agent.abc123/call_event_sample":
			w.WriteHeader(http.StatusNotFound)
		case busy:
			busy = false
			w.WriteHeader(http.StatusTooManyRequests)
		default:
			w.Write(julian.Sample())
		}
	}))
}

// A refusal that may pass is repeated until the context ends.
func ExampleClient() {
	server := api()
	defer server.Close()
	client, err := julian.NewClient("test-key", julian.ClientOptions{BaseURL: server.URL})
	if err != nil {
		fmt.Println(err)
		return
	}
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
	defer cancel()
	body, err := client.CallEventSample(ctx, "agent.abc123")
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(bytes.Equal(body, julian.Sample()))
	// Output: true
}

// Failures are told apart with errors.Is; errors.As gives the server's words.
func ExampleError() {
	server := api()
	defer server.Close()
	client, err := julian.NewClient("old-key", julian.ClientOptions{BaseURL: server.URL})
	if err != nil {
		fmt.Println(err)
		return
	}
	_, err = client.CallEventSample(context.Background(), "agent.abc123")
	var refusal *julian.Error
	switch {
	case errors.Is(err, julian.ErrUnauthorized) && errors.As(err, &refusal):
		fmt.Println("time for a new key:", refusal.Code)
	case errors.Is(err, julian.ErrNotFound):
		fmt.Println("no such agent")
	default:
		fmt.Println(err)
	}
	// Output: time for a new key: INVALID_API_KEY
}

// The base URL decides where the key may go: loopback hosts aside, only to an
// https origin.
func ExampleNewClient() {
	_, err := julian.NewClient("test-key", julian.ClientOptions{BaseURL: "http://julian.11x.ai/api/v1"})
	fmt.Println(errors.Is(err, julian.ErrInsecureBaseURL))
	fmt.Println(err)
	// Output:
	// true
	// insecure base URL: "http://julian.11x.ai/api/v1" would send the API key unencrypted; only a loopback host may be http
}
