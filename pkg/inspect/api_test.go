package inspect_test

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/julianctl/julianctl/pkg/inspect"
	"github.com/julianctl/julianctl/pkg/journal"
)

var noon = time.Date(2026, 1, 2, 12, 0, 0, 0, time.UTC)

// logged appends a delivery and what became of it.
func logged(t testing.TB, l *journal.Log, d journal.Delivery, o *journal.Outcome) int64 {
	t.Helper()
	if d.Received.IsZero() {
		d.Received = noon
	}
	if d.Method == "" {
		d.Method, d.URI, d.Proto, d.Host, d.Remote = "POST", "/hook", "HTTP/1.1", "127.0.0.1:4040", "127.0.0.1:9"
	}
	d.Size = int64(len(d.Body))
	if err := l.Append(t.Context(), &d); err != nil {
		t.Fatal(err)
	}
	if o != nil {
		if err := l.Finish(t.Context(), d.ID, *o); err != nil {
			t.Fatal(err)
		}
		for range 2000 {
			if e, err := l.Get(t.Context(), d.ID); err == nil && e.Outcome != nil {
				return d.ID
			}
			if err := l.CatchUp(t.Context()); err != nil {
				t.Fatal(err)
			}
			<-time.After(time.Millisecond)
		}
		t.Fatal("the outcome is never there")
	}
	return d.ID
}

var acknowledged = &journal.Outcome{Status: 204, Took: 1500 * time.Microsecond}

// calls are two copies of a call that differ, and one delivery that was refused.
func calls(t testing.TB, l *journal.Log) {
	t.Helper()
	anna := func(summary string) []byte {
		return []byte(`{"callId":"call.a","name":"Anna Perch","phoneNumber":"+15550100","direction":"outbound","duration":61.5,"callResult":{"resultType":"Busy","summary":"` + summary + `"}}`)
	}
	seconds := 61.5
	header := http.Header{"X-Api-Key": {"k-secret"}, "X-Hook": {"own-secret"}, "User-Agent": {"julian/1"}}
	logged(t, l, journal.Delivery{CallID: "call.a", ResultType: "Busy", Seconds: &seconds, Header: header, Body: anna("spoke of salmon")}, acknowledged)
	logged(t, l, journal.Delivery{CallID: "call.a", ResultType: "Busy", Seconds: &seconds, Header: header, Body: anna("spoke of trout")}, &journal.Outcome{
		Status: 502, Took: time.Second, Errors: 1, Findings: []byte(`[{"rule":"type","severity":"error","pointer":"/name","message":"is a fish"},{"rule":"required","severity":"warning","pointer":"/callResult/outcomes","message":"is missing"}]`),
		Forward: &journal.Forward{Err: "connection refused", Attempts: 2, Took: time.Second},
	})
	logged(t, l, journal.Delivery{Refusal: "method", Method: "PUT", URI: "/", Body: []byte("\xff\xfe")}, &journal.Outcome{Status: 405})
}

// get reads an answer.
func get[T any](t *testing.T, address string) (value T) {
	t.Helper()
	status, body, _ := ask(t, "GET", address, "")
	if status != 200 {
		t.Fatalf("%s: %d %s", address, status, body)
	}
	if err := json.Unmarshal([]byte(body), &value); err != nil {
		t.Fatal(err)
	}
	return value
}

type listed struct {
	First, Last int64
	Whole       bool
	Rows        []map[string]any
	Runs        [][2]int64
}

func idsOf(rows []map[string]any) (ids []float64) {
	for _, r := range rows {
		ids = append(ids, r["id"].(float64))
	}
	return ids
}

func TestList(t *testing.T) {
	l := openLog(t)
	calls(t, l)
	link := serve(t, inspect.Options{Log: l})
	for query, want := range map[string][]float64{
		"":                         {3, 2, 1},
		"?limit=2":                 {3, 2},
		"?after=2":                 {3},
		"?text=salmon":             {1},
		"?text=perc&only=findings": {2},
		"?only=duplicates":         {2},
		"?only=failed":             {3, 2},
		"?only=acknowledged":       {1},
		"?type=Busy":               {2, 1},
		"?type=Busy&type=Voicemail&since=" + ms(noon): {2, 1},
		"?until=" + ms(noon):                          nil,
		"?text=nothing":                               nil,
	} {
		got := get[listed](t, link+"api/list"+query)
		if diff := cmp.Diff(want, idsOf(got.Rows)); diff != "" {
			t.Errorf("%q: %s", query, diff)
		}
		if got.First != 1 || got.Last != 3 || got.Whole != (query != "?limit=2") {
			t.Errorf("%q: %d to %d, whole %v", query, got.First, got.Last, got.Whole)
		}
	}
	if diff := cmp.Diff([][2]int64{{3, 1}, {1, 1}}, func() [][2]int64 {
		if _, err := l.Delete(t.Context(), 2); err != nil {
			t.Fatal(err)
		}
		return get[listed](t, link+"api/index").Runs
	}()); diff != "" {
		t.Error(diff)
	}
	want := map[string]any{
		"id": 1., "at": float64(noon.UnixMilli()), "verdict": "ok", "type": "Busy", "call": "call.a", "name": "Anna Perch", "phone": "+15550100",
		"direction": "outbound", "seconds": 61.5, "size": 167., "status": 204., "took": 1.5, "copy": 1., "first": 1., "errors": 0., "warnings": 0., "method": "POST",
	}
	if diff := cmp.Diff([]map[string]any{want}, get[listed](t, link+"api/rows?ids=1,2").Rows); diff != "" {
		t.Error(diff)
	}
}

func ms(at time.Time) string { return strconv.FormatInt(at.UnixMilli(), 10) }

func TestDelivery(t *testing.T) {
	l := openLog(t)
	calls(t, l)
	link := serve(t, inspect.Options{Log: l, Secrets: []string{"X-Hook"}, Curl: func(e *journal.Entry) string { return "curl " + e.URI }})
	second := get[map[string]any](t, link+"api/delivery/2")
	for name, want := range map[string]any{
		"header":   []any{[]any{"User-Agent", "julian/1"}, []any{"X-Api-Key", "[masked]"}, []any{"X-Hook", "[masked]"}},
		"findings": []any{map[string]any{"rule": "type", "severity": "error", "pointer": "/name", "message": "is a fish"}, map[string]any{"rule": "required", "severity": "warning", "pointer": "/callResult/outcomes", "message": "is missing"}},
		"forward":  map[string]any{"status": 0., "took": 1000., "attempts": 2., "error": "connection refused"},
		"verdict":  "failed",
		"copy":     2.,
	} {
		if diff := cmp.Diff(want, second[name]); diff != "" {
			t.Errorf("%s: %s", name, diff)
		}
	}
	if payload, _ := second["payload"].(string); !strings.Contains(payload, "spoke of trout") {
		t.Errorf("the payload is %q", payload)
	}
	if copies, _ := second["copies"].([]any); len(copies) != 2 {
		t.Errorf("the copies are %v", copies)
	}
	third := get[map[string]any](t, link+"api/delivery/3")
	if third["payload"] != nil || third["base64"] != "//4=" || third["refusal"] != "method" {
		t.Errorf("the refused one: %v", third)
	}
	if diff := cmp.Diff(map[string]any{"kind": "values", "more": 0., "fields": []any{map[string]any{
		"pointer": "/callResult/summary", "old": `"spoke of salmon"`, "new": `"spoke of trout"`}}},
		get[map[string]any](t, link+"api/compare?a=1&b=2")); diff != "" {
		t.Error(diff)
	}
	if got := get[map[string]string](t, link+"api/curl/1")["command"]; got != "curl /hook" {
		t.Errorf("the command is %q", got)
	}
	if _, body, _ := ask(t, "GET", link+"api/body/3", ""); body != "\xff\xfe" {
		t.Errorf("the body is %q", body)
	}
}

func TestTimeline(t *testing.T) {
	l := openLog(t)
	calls(t, l)
	link := serve(t, inspect.Options{Log: l})
	got := get[map[string]any](t, link+"api/timeline")
	span := got["spans"].([]any)[0].(map[string]any)
	delete(span, "took")
	if diff := cmp.Diff(map[string]any{"at": float64(noon.Unix()), "first": 1., "duplicates": 0., "failed": 2.}, span); diff != "" {
		t.Error(diff)
	}
	if empty := get[map[string]any](t, link+"api/timeline?text=nothing"); len(empty["spans"].([]any)) != 0 || len(empty["types"].([]any)) != 0 {
		t.Errorf("of nothing: %v", empty)
	}
}

func TestActions(t *testing.T) {
	l := openLog(t)
	calls(t, l)
	var sent []any
	link := serve(t, inspect.Options{
		Log: l, Delete: true,
		Send: func(_ context.Context, s inspect.Sending) ([]inspect.Answer, error) {
			if s.To == "elsewhere" {
				return nil, errors.New("refused")
			}
			sent = append(sent, s.To, s.Entry.ID, s.Copies, s.Together, s.Edited, len(s.Entry.Body), s.Entry.Header.Get("Content-Encoding"))
			return []inspect.Answer{{Status: 204, TookMS: 1}}, nil
		},
		Fixture: func(_ context.Context, e *journal.Entry) (string, error) { return e.CallID + ".json", nil },
	})
	logged(t, l, journal.Delivery{Header: http.Header{"Content-Encoding": {"gzip"}}, Body: []byte("packed")}, acknowledged)
	token := tokenOf(t, link)
	for _, tt := range []struct {
		path, body string
		status     int
		want       string
	}{
		{"send", `{"id":1,"to":"http://127.0.0.1:1/","copies":3,"together":true}`, 200, `{"answers":[{"status":204,"took":1}]}`},
		{"send", `{"id":4,"to":"staging","copies":1}`, 200, `{"answers":[{"status":204,"took":1}]}`},
		{"send", `{"id":4,"to":"staging","copies":1,"body":" {\r\n"}`, 200, `{"answers":[{"status":204,"took":1}]}`},
		{"send", `{"id":4,"to":"staging","copies":1,"body":"` + strings.Repeat("x", 100<<10) + `"}`, 200, `{"answers":[{"status":204,"took":1}]}`},
		{"send", `{"id":1,"to":"elsewhere","copies":1}`, 400, `{"error":"refused"}`},
		{"send", `{"id":1,"to":"x","copies":51}`, 400, `{"error":"copies are 1 to 50"}`},
		{"send", `{"id":1,"to":"x","copies":0}`, 400, `{"error":"copies are 1 to 50"}`},
		{"send", `{"id":1,"copies":1}`, 400, `{"error":"the target is missing"}`},
		{"send", `{"id":77,"to":"x","copies":1}`, 404, `{"error":"no such delivery in the log: 77"}`},
		{"send", `{"id":"1"`, 400, ""},
		{"fixture", `{"id":1}`, 200, `{"path":"call.a.json"}`},
		{"fixture", `{"id":1,"path":"/etc/passwd"}`, 400, ""},
		{"delete", `{"ids":[]}`, 400, `{"error":"ids are 1 to 500"}`},
		{"delete", `{"ids":[1,77]}`, 200, `{"deleted":1}`},
		{"delete", strings.Repeat(" ", 70<<10) + `{"ids":[2]}`, 400, ""},
	} {
		status, body, _ := ask(t, "POST", link+"api/"+tt.path, tt.body, "X-Julianctl-Token", token, "Content-Type", "application/json")
		if status != tt.status || tt.want != "" && strings.TrimSpace(body) != tt.want {
			t.Errorf("%s %.60s: %d %s", tt.path, tt.body, status, body)
		}
	}
	if diff := cmp.Diff([]any{
		"http://127.0.0.1:1/", int64(1), 3, true, false, 167, "",
		"staging", int64(4), 1, false, false, len("packed"), "gzip",
		"staging", int64(4), 1, false, true, len(" {\r\n"), "", // what is typed is not compressed
		"staging", int64(4), 1, false, true, 100 << 10, "",
	}, sent); diff != "" {
		t.Error(diff)
	}
	if e, err := l.Get(t.Context(), 4); err != nil || string(e.Body) != "packed" {
		t.Errorf("the log has %q now, %v", e.Body, err)
	}
	if ids, err := l.IDs(t.Context(), journal.Filter{}); err != nil || len(ids) != 3 {
		t.Errorf("left are %v, %v", ids, err)
	}
	bare := serve(t, inspect.Options{Log: l})
	for _, path := range []string{"send", "fixture", "delete"} {
		body := map[string]string{"send": `{"id":2,"to":"x","copies":1}`, "fixture": `{"id":2}`, "delete": `{"ids":[2]}`}[path]
		if status, got, _ := ask(t, "POST", bare+"api/"+path, body, "X-Julianctl-Token", tokenOf(t, bare)); status != 400 || !strings.Contains(got, "not available") {
			t.Errorf("%s: %d %s", path, status, got)
		}
	}
}

// What comes is told once, and what became of it later, too.
func TestLive(t *testing.T) {
	l := openLog(t)
	calls(t, l)
	link := serve(t, inspect.Options{Log: l})
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	defer cancel()
	r, err := http.NewRequestWithContext(ctx, "GET", link+"api/live?after=2", nil)
	if err != nil {
		t.Fatal(err)
	}
	res, err := client.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	lines := bufio.NewScanner(res.Body)
	next := func() (n struct {
		First, Last int64
		Changed     []int64
	}) {
		for lines.Scan() {
			if data, ok := strings.CutPrefix(lines.Text(), "data: "); ok {
				if err := json.Unmarshal([]byte(data), &n); err != nil {
					t.Error(err)
				}
				return n
			}
		}
		t.Errorf("the stream ended: %v", lines.Err())
		return n
	}
	if n := next(); n.First != 1 || n.Last != 3 {
		t.Fatalf("at first: %+v", n)
	}
	id := logged(t, l, journal.Delivery{CallID: "call.b", Body: []byte("{}")}, nil)
	if n := next(); n.Last != id || n.Changed != nil {
		t.Errorf("when it came: %+v", n)
	}
	if err := l.Finish(t.Context(), id, *acknowledged); err != nil {
		t.Fatal(err)
	}
	if n := next(); len(n.Changed) != 1 || n.Changed[0] != id {
		t.Errorf("when it was answered: %+v", n)
	}
}

// redelivered is a delivery that an endpoint did not take, and did later.
func redelivered(t testing.TB, l *journal.Log) int64 {
	t.Helper()
	id := logged(t, l, journal.Delivery{CallID: "call.r", ResultType: "Busy", Body: []byte(`{"callId":"call.r","name":"Rita Roach"}`)}, &journal.Outcome{
		Status: 503, Took: time.Second,
		Forward: &journal.Forward{To: "http://127.0.0.1:8080/hook", Status: 503, Took: time.Second, Attempts: 1, Answer: &journal.Answer{
			Header: http.Header{"Content-Type": {"text/plain"}, "X-Hook": {"own-secret"}}, Body: []byte("no database: <b>ask Olga</b>"), Size: 28,
		}},
	})
	for _, a := range []journal.Attempt{
		{At: noon.Add(time.Minute), By: "log resend", To: "http://127.0.0.1:8080/hook", Err: "connection refused"},
		{At: noon.Add(time.Hour), By: "inspector", To: "http://127.0.0.1:8080/hook", Status: 200, Took: time.Millisecond, Answer: &journal.Answer{Body: []byte("\xff\xfe"), Size: 2}},
	} {
		if err := l.Attempt(t.Context(), id, a); err != nil {
			t.Fatal(err)
		}
	}
	for range 2000 {
		if e, err := l.Get(t.Context(), id); err == nil && len(e.Attempts) == 2 {
			return id
		}
		<-time.After(time.Millisecond)
	}
	t.Fatal("the attempts are never there")
	return 0
}

// What the endpoint answered, and each attempt to deliver again, is part of a
// delivery, without secrets.
func TestResponses(t *testing.T) {
	l := openLog(t)
	redelivered(t, l)
	link := serve(t, inspect.Options{Log: l, Secrets: []string{"X-Hook"}})
	got := get[map[string]any](t, link+"api/delivery/1")
	answer := map[string]any{"header": []any{[]any{"Content-Type", "text/plain"}, []any{"X-Hook", "[masked]"}}, "body": "no database: <b>ask Olga</b>", "size": 28.}
	for name, want := range map[string]any{
		"verdict": "redelivered",
		"forward": map[string]any{"to": "http://127.0.0.1:8080/hook", "status": 503., "took": 1000., "attempts": 1., "answer": answer},
		"attempts": []any{
			map[string]any{"at": float64(noon.Add(time.Minute).UnixMilli()), "by": "log resend", "to": "http://127.0.0.1:8080/hook", "status": 0., "took": 0., "error": "connection refused"},
			map[string]any{"at": float64(noon.Add(time.Hour).UnixMilli()), "by": "inspector", "to": "http://127.0.0.1:8080/hook", "status": 200., "took": 1.,
				"answer": map[string]any{"header": []any{}, "body": nil, "base64": "//4=", "size": 2.}},
		},
	} {
		if diff := cmp.Diff(want, got[name]); diff != "" {
			t.Errorf("%s: %s", name, diff)
		}
	}
	if rows := get[listed](t, link+"api/list?only=failed").Rows; len(rows) != 0 {
		t.Errorf("what was redelivered still fails: %v", rows)
	}
}
