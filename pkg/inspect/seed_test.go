package inspect_test

import (
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"net/http"
	"sync"
	"testing"
	"time"

	"github.com/julianctl/julianctl/pkg/generate"
	"github.com/julianctl/julianctl/pkg/journal"
	"github.com/julianctl/julianctl/pkg/payload"
	"github.com/julianctl/julianctl/pkg/validate"
)

// fill appends n deliveries of made-up calls that came up to now, some of them
// copies, some with findings, some that failed.
func fill(t testing.TB, l *journal.Log, n int, now time.Time, gap time.Duration) {
	t.Helper()
	v, err := validate.New(validate.Options{})
	if err != nil {
		t.Fatal(err)
	}
	g := generate.New(1)
	rng := rand.New(rand.NewPCG(1, 2))
	turn := make(chan struct{}, min(64, 1+n/1000)) // few come in order
	var all sync.WaitGroup
	var last []byte
	at := now.Add(-time.Duration(n) * gap)
	for i := range n {
		at = at.Add(time.Duration(rng.ExpFloat64() * float64(gap)))
		spec := g.Draw(generate.Spec{})
		body, err := g.Payload(spec)
		if err != nil {
			t.Fatal(err)
		}
		if rng.IntN(12) == 0 && last != nil {
			body = last
		}
		if rng.IntN(40) == 0 {
			body = []byte(`{"callId":"call.julianctl-broken` + fmt.Sprint(i) + `","name":7,"callResult":{"resultType":"goal completed"}}`)
		}
		last = body
		var seen struct {
			CallID     string
			Duration   *float64
			CallResult struct{ ResultType string }
		}
		if err := json.Unmarshal(body, &seen); err != nil && seen.CallID == "" {
			t.Fatal(err)
		}
		issues := v.Issues(payload.Document{Source: "delivery", Line: 1, Column: 1, Body: body})
		o := journal.Outcome{Status: 204, Took: time.Duration(rng.ExpFloat64() * float64(3*time.Millisecond))}
		if rng.IntN(60) == 0 {
			o.Status = 502
			o.Forward = &journal.Forward{Err: "connection refused", Attempts: 3, Took: time.Second}
		} else if rng.IntN(2) == 0 {
			o.Forward = &journal.Forward{Status: 204, Attempts: 1, Took: o.Took / 2}
		}
		for _, issue := range issues {
			if issue.Severity == validate.Error {
				o.Errors++
			} else {
				o.Warnings++
			}
		}
		if len(issues) > 0 {
			o.Findings, _ = json.Marshal(issues)
		}
		d := &journal.Delivery{
			Received: at, Remote: "127.0.0.1:50312", Method: "POST", URI: "/webhooks/julian", Proto: "HTTP/1.1", Host: "127.0.0.1:4040",
			Header: http.Header{"Content-Type": {"application/json"}, "User-Agent": {"julianctl-test"}, "X-Api-Key": {"secret-of-the-organization"}},
			Body:   body, Size: int64(len(body)), CallID: seen.CallID, ResultType: seen.CallResult.ResultType, Seconds: seen.Duration,
		}
		turn <- struct{}{}
		all.Go(func() {
			defer func() { <-turn }()
			if err := l.Append(t.Context(), d); err != nil {
				t.Error(err)
				return
			}
			if err := l.Finish(t.Context(), d.ID, o); err != nil {
				t.Error(err)
			}
		})
	}
	all.Wait()
}
