package mockapi_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math"
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"github.com/julianctl/julianctl/pkg/deliver"
	"github.com/julianctl/julianctl/pkg/julian"
	"github.com/julianctl/julianctl/pkg/mockapi"
	"github.com/julianctl/julianctl/pkg/sender"
)

// endpoint keeps what is delivered to it.
type endpoint struct {
	mu       sync.Mutex
	bodies   []string
	received func(e julian.CallEvent) (status int) // nil: 204
}

func (e *endpoint) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body, _ := io.ReadAll(r.Body)
	var event julian.CallEvent
	_ = json.Unmarshal(body, &event)
	e.mu.Lock()
	defer e.mu.Unlock()
	e.bodies = append(e.bodies, string(body))
	status := http.StatusNoContent
	if e.received != nil {
		status = e.received(event)
	}
	w.WriteHeader(status)
}

// events are the deliveries, in order.
func (e *endpoint) events(t *testing.T) (events []julian.CallEvent) {
	t.Helper()
	for _, body := range e.bodies {
		var event julian.CallEvent
		if err := json.Unmarshal([]byte(body), &event); err != nil {
			t.Fatal(err)
		}
		events = append(events, event)
	}
	return events
}

// calling returns a mock that calls at infinite speed and delivers to the endpoint.
func calling(t *testing.T, e *endpoint, profile string, change func(*mockapi.Options)) *mockapi.Provider {
	t.Helper()
	srv := httptest.NewServer(e)
	t.Cleanup(srv.Close)
	u, err := url.Parse(srv.URL)
	if err != nil {
		t.Fatal(err)
	}
	target, err := deliver.Guard{}.Target(u)
	if err != nil {
		t.Fatal(err)
	}
	c, err := deliver.New(target, deliver.Options{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(c.Close)
	p, err := sender.Find(profile)
	if err != nil {
		t.Fatal(err)
	}
	opts := mockapi.Options{Rate: -1, Now: february, Webhook: &mockapi.Webhook{Client: c, Sender: p, Speed: math.Inf(1)}}
	if change != nil {
		change(&opts)
	}
	mock, err := mockapi.New(opts)
	if err != nil {
		t.Fatal(err)
	}
	return mock
}

func enrol(t *testing.T, mock *mockapi.Provider, body string) {
	t.Helper()
	if w := post(mock, oneURI, body); w.Code != 200 {
		t.Fatalf("%s: %d %s", body, w.Code, w.Body)
	}
}

func phone(i int) string { return fmt.Sprintf("+44207946%04d", i) }

// Each contact is called until its story ends: in order, with what was given, an hour or
// more between calls, and the same bytes for the same seed.
func TestStories(t *testing.T) {
	const contacts = 40
	run := func(seed uint64) (*endpoint, mockapi.Summary) {
		e := &endpoint{}
		mock := calling(t, e, "once", func(o *mockapi.Options) { o.Seed, o.Webhook.Contacts = seed, contacts })
		for i := range contacts {
			enrol(t, mock, fmt.Sprintf(`{"name":"Ada %d","phoneNumber":%q,"timezone":"Europe/Paris","scheduledAt":"2025-03-01T10:00:00.000Z","lead_id":"%d"}`, i, phone(i), i))
		}
		sum, err := mock.Run(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		usage := send(mock, "GET", "/api/v1/credits/usage", "test-key").Body.String()
		if want := fmt.Sprintf(`"spentCredits":%d,"transactionCount":%d}`, 10+2*sum.Calls, 5+sum.Calls); !strings.Contains(usage, want) {
			t.Errorf("%s, want %s", usage, want)
		}
		return e, sum
	}
	e, sum := run(1)
	stories := map[string]string{}
	last := map[string]julian.CallEvent{}
	for _, event := range e.events(t) {
		n, _ := event.CustomInputVariables["lead_id"].(string)
		if event.Name != "Ada "+n || event.Timezone != "Europe/Paris" || event.AgentID != "agent.abc123" {
			t.Errorf("%+v", event)
		}
		before, again := last[n]
		switch gap := event.ScheduledAt.Sub(before.ScheduledAt.Time); {
		case !again && event.ScheduledAt.Format(time.RFC3339) != "2025-03-01T10:00:00Z":
			t.Errorf("first call at %s", event.ScheduledAt)
		case again && (gap < time.Hour || gap > 4*time.Hour || before.Sequence.LifecycleStatus != julian.SequenceInProgress || before.Sequence.SequenceID != event.Sequence.SequenceID):
			t.Errorf("%s after %+v", gap, before)
		case again && before.RescheduledAt != nil && !before.RescheduledAt.Equal(event.ScheduledAt.Time):
			t.Errorf("rescheduled to %s, called at %s", before.RescheduledAt, event.ScheduledAt)
		}
		last[n] = event
		stories[n] += string(event.CallResult.ResultType) + ", "
	}
	for n, event := range last {
		if event.Sequence.LifecycleStatus == julian.SequenceInProgress {
			t.Errorf("%s ends with %s", n, stories[n])
		}
	}
	found := false
	for _, story := range stories {
		found = found || story == "Busy, Rescheduled, Goal Completed, "
	}
	if len(stories) != contacts || !found {
		t.Errorf("%d stories: %v", len(stories), stories)
	}
	want := mockapi.Summary{Calls: len(e.bodies), Delivered: len(e.bodies), First: len(e.bodies), Deliveries: len(e.bodies), Contacts: contacts}
	if diff := cmp.Diff(want, sum, cmpopts.IgnoreFields(mockapi.Summary{}, "Done", "Failures", "Latest")); diff != "" || sum.Done+sum.Failures != contacts {
		t.Errorf("%+v (-want +got):\n%s", sum, diff)
	}
	again, _ := run(1)
	slices.Sort(e.bodies)
	slices.Sort(again.bodies)
	if diff := cmp.Diff(e.bodies, again.bodies); diff != "" {
		t.Errorf("same seed, other bytes:\n%s", diff)
	}
	if other, _ := run(2); cmp.Equal(len(e.bodies), len(other.bodies)) && strings.Join(e.bodies, "") == strings.Join(other.bodies, "") {
		t.Error("another seed, same bytes")
	}
}

// A cancelled contact is called no more, one that is not cancelled goes on.
func TestCancel(t *testing.T) {
	for _, deliverCancelled := range []bool{false, true} {
		e := &endpoint{}
		var mock *mockapi.Provider
		cancelled := map[string]bool{}
		e.received = func(event julian.CallEvent) int {
			if id, _ := event.CustomInputVariables["lead_id"].(string); id < "10" && event.Sequence.LifecycleStatus == julian.SequenceInProgress && !cancelled[event.Sequence.SequenceID] {
				cancelled[event.Sequence.SequenceID] = true
				w := post(mock, "/api/v1/sequences/cancel", `{"referenceKey":"lead_id","referenceValue":"`+id+`","reason":"enough"}`)
				if w.Code != 200 {
					t.Errorf("%d %s", w.Code, w.Body)
				}
			}
			return 204
		}
		mock = calling(t, e, "once", func(o *mockapi.Options) { o.Webhook.Contacts, o.Webhook.CallCancelled = 20, deliverCancelled })
		for i := range 20 {
			enrol(t, mock, fmt.Sprintf(`{"name":"Ada","phoneNumber":%q,"lead_id":"%02d"}`, phone(i), i))
		}
		sum, err := mock.Run(t.Context())
		if err != nil || sum.Cancelled != 10 || sum.Active != 0 {
			t.Errorf("%+v, %v", sum, err)
		}
		calls := map[string][]julian.CallEvent{}
		for _, event := range e.events(t) {
			id, _ := event.CustomInputVariables["lead_id"].(string)
			calls[id] = append(calls[id], event)
		}
		for id, events := range calls {
			want := 1
			if deliverCancelled {
				want = 2
			}
			last := events[len(events)-1]
			switch {
			case id < "10" && len(events) != want:
				t.Errorf("%s: %d calls", id, len(events))
			case id < "10" && deliverCancelled && (last.CallResult.ResultType != julian.Cancelled || last.Sequence.LifecycleStatus != julian.SequenceCancelled):
				t.Errorf("%s: %+v", id, last)
			case id >= "10" && len(events) < 2:
				t.Errorf("%s: %d calls", id, len(events))
			}
		}
	}
}

// Of a group one contact is called at a time, the next when an earlier one was not
// reached, and none after one that was.
func TestGroups(t *testing.T) {
	for _, single := range []bool{false, true} {
		e := &endpoint{}
		mock := calling(t, e, "once", func(o *mockapi.Options) { o.Webhook.Contacts, o.Seed = 60, 4 })
		var list []string
		for i := range 60 {
			c := fmt.Sprintf(`{"name":"Ada","phoneNumber":%q,"company":"Company %d","lead_id":"%d","scheduledAt":"2025-03-01T10:00:00.000Z"`, phone(i), i%10, i)
			if single {
				enrol(t, mock, c+`,"groupByField":"company"}`)
			}
			list = append(list, c+"}")
		}
		if !single {
			if w := post(mock, batchURI, `{"groupByField":"company","timezone":"Europe/Paris","contacts":[`+strings.Join(list, ",")+`]}`); w.Code != 202 {
				t.Fatalf("%d %s", w.Code, w.Body)
			}
		}
		sum, err := mock.Run(t.Context())
		if err != nil || sum.Active != 0 || sum.NotCalled == 0 {
			t.Errorf("%+v, %v", sum, err)
		}
		current, reached, called := map[string]julian.CallEvent{}, map[string]bool{}, map[string]bool{}
		for _, event := range e.events(t) {
			company, _ := event.CustomInputVariables["company"].(string)
			if zone := map[bool]string{true: "UTC", false: "Europe/Paris"}[single]; event.Timezone != zone {
				t.Errorf("time zone %s, want %s", event.Timezone, zone)
			}
			before, busy := current[company]
			if reached[company] {
				t.Errorf("%s: called after it was reached", company)
			}
			if busy && before.Sequence.SequenceID != event.Sequence.SequenceID && before.Sequence.LifecycleStatus == julian.SequenceInProgress {
				t.Errorf("%s: two at a time", company)
			}
			if busy && event.ScheduledAt.Before(before.ScheduledAt.Time) {
				t.Errorf("%s: %s after %s", company, event.ScheduledAt, before.ScheduledAt)
			}
			current[company] = event
			called[event.PhoneNumber] = true
			reached[company] = reached[company] || event.CallResult.ResultType == julian.GoalCompleted
		}
		if len(called) != 60-sum.NotCalled || len(current) != 10 {
			t.Errorf("%d contacts of %d groups were called, %d not", len(called), len(current), sum.NotCalled)
		}
	}
}

// Every call is accounted for: delivered at first, later, or given up.
func TestAccount(t *testing.T) {
	e := &endpoint{}
	tries := map[string]int{}
	e.received = func(event julian.CallEvent) int {
		tries[event.CallID]++
		switch event.CallID[len(event.CallID)-1] {
		case '0', '1':
			return 500
		case '2', '3':
			if tries[event.CallID] < 3 {
				return 503
			}
		case '4':
			return 400
		}
		return 200
	}
	results := map[string]sender.Result{}
	var mu sync.Mutex
	mock := calling(t, e, "dialpad", func(o *mockapi.Options) {
		o.Webhook.Calls = mockapi.Generated(3, mockapi.DefaultAgent, nil, 300)
		o.Webhook.Every = time.Second
		o.Webhook.Done = func(r sender.Result) {
			mu.Lock()
			defer mu.Unlock()
			results[r.Call.ID] = r
		}
	})
	sum, err := mock.Run(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	want := mockapi.Summary{Calls: 300, Deliveries: len(e.bodies), Latest: 6 * time.Second}
	for id, r := range results {
		var tried int
		switch id[len(id)-1] {
		case '0', '1':
			want.GivenUp, want.Failed, tried = want.GivenUp+1, want.Failed+4, 4
		case '2', '3':
			want.Delivered, want.Failed, tried = want.Delivered+1, want.Failed+2, 3
		case '4':
			want.GivenUp, want.Failed, tried = want.GivenUp+1, want.Failed+1, 1
		default:
			want.Delivered, want.First, tried = want.Delivered+1, want.First+1, 1
		}
		if r.Tries != tried {
			t.Errorf("%s: %+v", id, r)
		}
	}
	if diff := cmp.Diff(want, sum); diff != "" || len(results) != 300 || want.GivenUp == 0 || want.First == 300 {
		t.Errorf("%d results (-want +got):\n%s", len(results), diff)
	}
}

// Calls that are given come with the same bytes, one each Every; what ends them ends Run.
func TestCalls(t *testing.T) {
	broken := errors.New("no such file")
	e := &endpoint{}
	var mu sync.Mutex
	at := map[string]time.Time{}
	mock := calling(t, e, "once", func(o *mockapi.Options) {
		o.Webhook.Every = time.Minute
		o.Webhook.Before = func(_ context.Context, d *mockapi.Delivery) error {
			mu.Lock()
			defer mu.Unlock()
			at[string(d.Body)] = d.At
			return nil
		}
		o.Webhook.Calls = func(yield func([]byte, error) bool) {
			_ = yield([]byte(`{ "callId": "call.1" }`), nil) && yield([]byte(`not JSON`), nil) && yield([]byte(`{"callId":"call.3"}`), nil) && yield(nil, broken)
		}
	})
	sum, err := mock.Run(t.Context())
	if !errors.Is(err, broken) || sum.Calls != 3 {
		t.Errorf("%+v, %v", sum, err)
	}
	begins := february()
	want := map[string]time.Time{`{ "callId": "call.1" }`: begins, `not JSON`: begins.Add(time.Minute), `{"callId":"call.3"}`: begins.Add(2 * time.Minute)}
	if diff := cmp.Diff(want, at); diff != "" || len(e.bodies) != 3 {
		t.Errorf("%d arrived (-want +got):\n%s", len(e.bodies), diff)
	}
	full := errors.New("disk full")
	mock = calling(t, &endpoint{}, "once", func(o *mockapi.Options) {
		o.Webhook.Calls = mockapi.Generated(1, "agent.x", nil, -1)
		o.Webhook.Before = func(context.Context, *mockapi.Delivery) error { return full }
	})
	if sum, err := mock.Run(t.Context()); !errors.Is(err, full) || sum.Deliveries != 0 {
		t.Errorf("%+v, %v", sum, err)
	}
}

// A sender that doubles says of each delivery which one of its call it is, and which has
// an older content.
func TestDeliveries(t *testing.T) {
	var mu sync.Mutex
	var got []string
	mock := calling(t, &endpoint{}, "worst", func(o *mockapi.Options) {
		o.Webhook.Sender.Spread = 0
		o.Webhook.Calls = mockapi.Generated(1, "agent.x", nil, 1)
		o.Webhook.After = func(_ context.Context, d *mockapi.Delivery) {
			mu.Lock()
			defer mu.Unlock()
			analysed := !strings.Contains(string(d.Body), `"Processing Analysis"`)
			got = append(got, fmt.Sprint(d.Number, " ", d.Older, " ", analysed, " ", d.Answer.Status, " ", d.At.Sub(february())))
		}
	})
	if _, err := mock.Run(t.Context()); err != nil {
		t.Fatal(err)
	}
	want := []string{"1 false true 204 0s", "2 false true 204 0s", "3 true false 204 1m0s", "4 false true 204 24h0m0s", "5 true false 204 24h0m0s"}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

// Interrupted, it says what is on the way.
func TestRunInterrupted(t *testing.T) {
	e := &endpoint{}
	mock := calling(t, e, "once", func(o *mockapi.Options) { o.Webhook.Speed = 1 })
	enrol(t, mock, `{"name":"Ada","phoneNumber":"+442079460001","scheduledAt":"2025-03-01T10:00:00.000Z"}`)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	sum, err := mock.Run(ctx)
	if err != nil || sum.Contacts != 1 || sum.Active != 1 || len(e.bodies) != 0 {
		t.Errorf("%+v, %v", sum, err)
	}
}

func TestWebhookOptionErrors(t *testing.T) {
	for _, w := range []mockapi.Webhook{{Speed: -1}, {Speed: math.NaN()}, {MinPause: 2, MaxPause: 1}, {MinPause: -1, MaxPause: 1}, {Every: -1}} {
		if _, err := mockapi.New(mockapi.Options{Webhook: &w}); err == nil {
			t.Errorf("%+v was accepted", w)
		}
	}
}
