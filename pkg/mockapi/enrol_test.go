package mockapi_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/julianctl/julianctl/pkg/generate"
	"github.com/julianctl/julianctl/pkg/mockapi"
)

const (
	oneURI   = "/api/v1/agents/agent.abc123/schedule/sequence"
	batchURI = "/api/v1/agents/agent.abc123/schedule/sequences"
)

// post sends a body with the right key and these headers, "Name: value".
func post(h http.Handler, uri, body string, headers ...string) *httptest.ResponseRecorder {
	w := httptest.NewRecorder()
	r := httptest.NewRequest("POST", uri, strings.NewReader(body))
	r.Header.Set("x-api-key", "test-key")
	for _, line := range headers {
		name, value, _ := strings.Cut(line, ": ")
		r.Header.Set(name, value)
	}
	h.ServeHTTP(w, r)
	return w
}

func february() time.Time { return time.Date(2025, 2, 14, 9, 0, 0, 0, time.UTC) }

// What scheduling, cancelling and the credits answer, for what is right and for each
// field that is not.
func TestScheduling(t *testing.T) {
	h := newMock(t, mockapi.Options{Rate: -1, Now: february, RequireEmail: true, Shape: &generate.AgentShape{Inputs: []generate.Variable{{Name: "lead_id", Always: true}, {Name: "extra"}}}})
	bad := func(message string) string { return `{"error":"VALIDATION_ERROR","message":"` + message + `"}` }
	const ada = `"name":"Ada","phoneNumber":"+442079460001","toEmailAddress":"ada@example.com","lead_id":"7"`
	for _, tt := range []struct {
		uri, body string
		status    int
		want      string // exactly, with ID for the id of a sequence
	}{
		{oneURI, `{` + ada + `,"timezone":"Europe/London","scheduledAt":"2025-03-01T10:00:00.000Z","company":"Engines"}`, 200,
			`{"sequence":{"sequenceId":"ID","name":"Ada","phoneNumber":"+442079460001","scheduledAt":"2025-03-01T10:00:00.000Z","toEmailAddress":"ada@example.com",` +
				`"customInputVariables":{"company":"Engines","lead_id":"7"},"timezone":"Europe/London","scheduledBy":"API","steps":[{"stepType":"CALL","delaySeconds":0}]}}`},
		{oneURI, `{` + ada + `}`, 200,
			`{"sequence":{"sequenceId":"ID","name":"Ada","phoneNumber":"+442079460001","scheduledAt":"2025-02-14T09:00:00.000Z","toEmailAddress":"ada@example.com",` +
				`"customInputVariables":{"lead_id":"7"},"timezone":"UTC","scheduledBy":"API","steps":[{"stepType":"CALL","delaySeconds":0}]}}`},
		{oneURI, `{}`, 400, bad("name: is required; phoneNumber: is required; toEmailAddress: is required; lead_id: is required, as a variable of the agent")},
		{oneURI, `{` + ada + `,"phoneNumber":"0207 946","timezone":"London","scheduledAt":"tomorrow","toEmailAddress":"ada","extra":7}`, 400,
			bad("phoneNumber: wants a phone number such as +15551234567; toEmailAddress: wants an e-mail address; timezone: wants a time zone such as Europe/London; " +
				"scheduledAt: wants a date and time such as 2025-01-20T14:00:00.000Z; extra: wants a string")},
		{batchURI, `[{"name": "x"}]`, 400, bad(`body: is not a JSON object; a batch is {\"contacts\": [{\"name\": …, \"phoneNumber\": …}]}`)},
		{oneURI, `[]`, 400, bad("body: is not a JSON object")},
		{oneURI, `{`, 400, bad("body: is not a JSON object")},
		{oneURI, strings.Repeat(" ", 5<<20), 413, `{"error":"PAYLOAD_TOO_LARGE","message":"The body is over 4 MiB"}`},
		{strings.Replace(oneURI, "abc123", "none", 1), `{` + ada + `}`, 404, `{"error":"AGENT_NOT_FOUND","message":"The organization has no such agent"}`},

		// A number is normalised, and its second contact is not scheduled.
		{batchURI, `{"timezone":"Europe/Paris","contacts":[{` + ada + `},{"name":"Bob","phoneNumber":"+44 (20) 7946-0001","toEmailAddress":"b@example.com","lead_id":"8"},` +
			`{"name":"Cy","phoneNumber":"12","toEmailAddress":"c@example.com","lead_id":"9"},{` + strings.Replace(ada, "0001", "0002", 1) + `}]}`, 202,
			`{"batchId":"batch.julianctl-1","total":4,"accepted":2,"rejected":[{"index":1,"phoneNumber":"+442079460001","error":"phoneNumber: is that of an earlier contact"},` +
				`{"index":2,"phoneNumber":"12","error":"phoneNumber: wants a phone number such as +15551234567"}]}`},
		{batchURI, `{"allowDuplicates":true,"contacts":[{` + ada + `},{` + ada + `}]}`, 202, `{"batchId":"batch.julianctl-2","total":2,"accepted":2,"rejected":[]}`},
		{batchURI, `{"contacts":[{"name":"Cy"}]}`, 400, bad("contacts: none is valid; phoneNumber: is required; toEmailAddress: is required; lead_id: is required, as a variable of the agent")},
		{batchURI, `{"contacts":[]}`, 400, bad("contacts: has 0, wants 1 to 1000")},
		{batchURI, `{"contacts":[` + strings.TrimSuffix(strings.Repeat(`{},`, 1001), ",") + `]}`, 400, bad("contacts: has 1001, wants 1 to 1000")},
		{batchURI, `{"groupByField":"company","allowDuplicates":true,"contacts":[{` + ada + `}]}`, 400, bad("groupByField: does not go with allowDuplicates")},
		{batchURI, `{"contacts":7}`, 400, bad("contacts: cannot be a number")},
		{strings.Replace(batchURI, "abc123", "none", 1), `{}`, 404, `{"error":"AGENT_NOT_FOUND","message":"The organization has no such agent"}`},

		{"/api/v1/sequences/cancel", `{"referenceKey":"lead_id","referenceValue":"none"}`, 200, `{"success":true}`},
		{"/api/v1/sequences/cancel", `{}`, 400, bad("referenceKey: is required; referenceValue: is required")},
	} {
		w := post(h, tt.uri, tt.body)
		got := w.Body.String()
		var answer struct{ Sequence struct{ SequenceID string } }
		_ = json.Unmarshal(w.Body.Bytes(), &answer)
		if id := answer.Sequence.SequenceID; strings.HasPrefix(id, "call-sequence.") {
			got = strings.Replace(got, id, "ID", 1)
		}
		if w.Code != tt.status || got != tt.want {
			t.Errorf("%s %.200s: %d %s\nwant %d %s", tt.uri, tt.body, w.Code, got, tt.status, tt.want)
		}
	}
}

// HEAD schedules nothing: it says whether key and agent are right.
func TestHead(t *testing.T) {
	h := newMock(t, mockapi.Options{Rate: -1})
	for _, tt := range []struct {
		uri, key string
		want     int
	}{{oneURI, "test-key", 200}, {oneURI, "", 401}, {oneURI, "wrong", 401}, {strings.Replace(oneURI, "abc123", "none", 1), "test-key", 404}, {batchURI, "test-key", 405}} {
		if w := send(h, "HEAD", tt.uri, tt.key); w.Code != tt.want {
			t.Errorf("%s with key %q: %d, want %d", tt.uri, tt.key, w.Code, tt.want)
		}
	}
	if w := send(h, "GET", oneURI, "test-key"); w.Code != 405 || w.Header().Get("Allow") != "HEAD, POST" {
		t.Errorf("GET: %d, Allow %q", w.Code, w.Header().Get("Allow"))
	}
}

// A batch with the key of an earlier one is not scheduled, whatever is in it.
func TestIdempotencyKey(t *testing.T) {
	h := newMock(t, mockapi.Options{Rate: -1, Now: february})
	contacts := func(phone int) string {
		return fmt.Sprintf(`{"contacts":[{"name":"Ada","phoneNumber":"+44207946%04d"}]}`, phone)
	}
	first := post(h, batchURI, contacts(1), "Idempotency-Key: a")
	again := post(h, batchURI, contacts(2), "Idempotency-Key: a")
	other := post(h, batchURI, contacts(2), "Idempotency-Key: b")
	none := post(h, batchURI, contacts(2))
	if first.Code != 202 || again.Body.String() != first.Body.String() || other.Body.String() == first.Body.String() || none.Body.String() == other.Body.String() {
		t.Errorf("%s, %s, %s, %s", first.Body, again.Body, other.Body, none.Body)
	}
	if refused := post(h, batchURI, contacts(3), "Idempotency-Key: "+strings.Repeat("k", 256)); refused.Code != 400 {
		t.Errorf("256 characters: %d", refused.Code)
	}
	if long := post(h, batchURI, contacts(3), "Idempotency-Key: "+strings.Repeat("k", 255)); long.Code != 202 {
		t.Errorf("255 characters: %d %s", long.Code, long.Body)
	}
	// A refused one can be sent again.
	if refused := post(h, batchURI, `{"contacts":[]}`, "Idempotency-Key: c"); refused.Code != 400 {
		t.Errorf("empty: %d", refused.Code)
	}
	if mended := post(h, batchURI, contacts(4), "Idempotency-Key: c"); mended.Code != 202 {
		t.Errorf("mended: %d %s", mended.Code, mended.Body)
	}
}

func TestCreditsUsage(t *testing.T) {
	h := newMock(t, mockapi.Options{Rate: -1, Now: february})
	for _, tt := range []struct {
		query  string
		status int
		want   string // in the answer
	}{
		{"month=2024-02", 200, `{"period":{"startDate":"2024-02-01T00:00:00.000Z","endDate":"2024-02-29T23:59:59.999Z","month":"2024-02"},"organization":{"allocatedCredits":1000,"spentCredits":10,`},
		{"startDate=2024-01-01&endDate=2024-12-31", 200, `{"period":{"startDate":"2024-01-01T00:00:00.000Z","endDate":"2024-12-31T23:59:59.999Z"},"organization":{"allocatedCredits":null,"spentCredits":10,"remainingCredits":null,"percentageUsed":null}`},
		{"startDate=2024-01-01&endDate=2025-01-01", 400, "endDate: is more than 366 days after startDate"},
		{"startDate=2024-01-02&endDate=2024-01-01", 400, "endDate: is before startDate"},
		{"startDate=2024-01-02", 400, "endDate: wants a day"},
		{"endDate=2024-01-02", 400, "startDate: wants a day"},
		{"month=2024", 400, "month: wants a month"},
		{"month=2024-01&startDate=2024-01-01&endDate=2024-01-02", 400, "month: does not go with"},
	} {
		w := send(h, "GET", "/api/v1/credits/usage?"+tt.query, "test-key")
		if w.Code != tt.status || !strings.Contains(w.Body.String(), tt.want) {
			t.Errorf("%s: %d %s, want %d and %s", tt.query, w.Code, w.Body, tt.status, tt.want)
		}
	}
	// Without credits nobody is scheduled.
	h = newMock(t, mockapi.Options{Rate: -1, Now: february, Credits: 10})
	for _, uri := range []string{oneURI, batchURI} {
		body := `{"name":"Ada","phoneNumber":"+442079460001","contacts":[{"name":"Ada","phoneNumber":"+442079460001"}]}`
		if uri == oneURI {
			body = `{"name":"Ada","phoneNumber":"+442079460001"}`
		}
		if w := post(h, uri, body); w.Code != 402 || !strings.Contains(w.Body.String(), "INSUFFICIENT_CREDITS") {
			t.Errorf("%s: %d %s", uri, w.Code, w.Body)
		}
	}
}

// Everything under /api/v1 wants the key and keeps to the rate.
func TestGuarded(t *testing.T) {
	h := newMock(t, mockapi.Options{Rate: 1})
	for _, uri := range []string{oneURI, batchURI, "/api/v1/sequences/cancel"} {
		w := httptest.NewRecorder()
		h.ServeHTTP(w, httptest.NewRequest("POST", uri, strings.NewReader("{}")))
		if w.Code != 401 || !strings.Contains(w.Body.String(), `"UNAUTHORIZED"`) {
			t.Errorf("%s without a key: %d %s", uri, w.Code, w.Body)
		}
	}
	post(h, oneURI, `{}`)
	w := post(h, batchURI, `{}`)
	if diff := cmp.Diff([]string{"429", "1", `{"error":"RATE_LIMITED","message":"Too many requests in this second"}`}, []string{fmt.Sprint(w.Code), w.Header().Get("Retry-After"), w.Body.String()}); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}
