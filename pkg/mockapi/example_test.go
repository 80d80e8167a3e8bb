package mockapi_test

import (
	"context"
	"fmt"
	"net/http/httptest"

	"github.com/julianctl/julianctl/pkg/julian"
	"github.com/julianctl/julianctl/pkg/mockapi"
)

// A test's own API, on a port of its own.
func ExampleNew() {
	mock, err := mockapi.New(mockapi.Options{Agents: []string{"agent.two"}})
	if err != nil {
		fmt.Println(err)
		return
	}
	server := httptest.NewServer(mock)
	defer server.Close()
	client, err := julian.NewClient(mockapi.DefaultKey, julian.ClientOptions{BaseURL: server.URL + "/api/v1"})
	if err != nil {
		fmt.Println(err)
		return
	}
	body, err := client.CallEventSample(context.Background(), "agent.two")
	fmt.Println(len(body) > 0, err)
	// Output: true <nil>
}
