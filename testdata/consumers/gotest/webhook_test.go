package gotest_test

import (
	"net/http"
	"os"
	"testing"

	"github.com/julianctl/julianctl/pkg/juliantest"
	"github.com/julianctl/julianctl/testdata/consumers/gotest"
)

func TestWebhook(t *testing.T) {
	const secret = "a secret of the tests"
	webhook := gotest.New(secret)
	if fault := os.Getenv("FAULT"); fault != "" {
		gotest.Faults[fault](webhook)
	}
	juliantest.Check(t, juliantest.Endpoint{
		Handler: webhook,
		Secret:  http.Header{"X-Webhook-Secret": {secret}},
		Probe:   webhook.Bookings,
	})
}
