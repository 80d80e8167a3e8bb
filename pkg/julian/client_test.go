package julian_test

import (
	"bytes"
	"compress/gzip"
	"context"
	"crypto/tls"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"strings"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"github.com/julianctl/julianctl/pkg/julian"
)

// canary is a key that must show up nowhere but in the header.
const canary = "canary/Key+7f3a%"

// serve returns a client, without retries, of a server that answers with h.
func serve(t *testing.T, h http.HandlerFunc) *julian.Client {
	t.Helper()
	srv := httptest.NewServer(h)
	t.Cleanup(srv.Close)
	return newClient(t, julian.ClientOptions{BaseURL: srv.URL + "/api/v1/", Retries: -1})
}

func newClient(t *testing.T, opts julian.ClientOptions) *julian.Client {
	t.Helper()
	c, err := julian.NewClient(canary, opts)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(c.CloseIdleConnections)
	return c
}

func answer(status int, contentType, body string) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", contentType)
		w.WriteHeader(status)
		io.WriteString(w, body)
	}
}

// Each method sends the documented request and nothing else, and hands over
// the bytes as they came.
func TestClientRequests(t *testing.T) {
	type request struct{ Method, URI, Key, Accept, Agent, Cookie, Body string }
	for _, tt := range []struct {
		name, uri string
		call      func(*julian.Client) ([]byte, error)
	}{
		{"sample", "/api/v1/agent/agent.abc123/call_event_sample", func(c *julian.Client) ([]byte, error) {
			return c.CallEventSample(t.Context(), "agent.abc123")
		}},
		{"outcomes", "/api/v1/agents/agent.abc123/outcomes", func(c *julian.Client) ([]byte, error) {
			return c.Outcomes(t.Context(), "agent.abc123")
		}},
		{"hostile id", "/api/v1/agent/a%2Fb%3Fc%23d%25%20%C3%A4/call_event_sample", func(c *julian.Client) ([]byte, error) {
			return c.CallEventSample(t.Context(), "a/b?c#d% ä")
		}},
		{"usage", "/api/v1/credits/usage", func(c *julian.Client) ([]byte, error) {
			_, err := c.CreditsUsage(t.Context())
			return []byte(odd), err
		}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			var got []request
			c := serve(t, func(w http.ResponseWriter, r *http.Request) {
				body, _ := io.ReadAll(r.Body)
				got = append(got, request{r.Method, r.RequestURI, r.Header.Get("x-api-key"), r.Header.Get("Accept"), r.UserAgent(), r.Header.Get("Cookie"), string(body)})
				http.SetCookie(w, &http.Cookie{Name: "session", Value: "1"})
				w.Header().Set("Content-Type", "text/plain") // not trusted
				io.WriteString(w, odd)
			})
			for range 2 {
				body, err := tt.call(c)
				if err != nil {
					t.Fatal(err)
				}
				if string(body) != odd {
					t.Errorf("got %q, want %q", body, odd)
				}
			}
			want := request{Method: "GET", URI: tt.uri, Key: canary, Accept: "application/json", Agent: "julianctl"}
			if diff := cmp.Diff([]request{want, want}, got); diff != "" {
				t.Errorf("requests (-want +got):\n%s", diff)
			}
		})
	}
}

// odd is JSON whose bytes a decoder would not give back.
const odd = "\n{\"period\" :{ \"month\":\"\\u0032025\"},\"x\":1.0e+0,\"x\":\"\\/\"}\r\n\n"

func TestClientCreditsUsage(t *testing.T) {
	ptr := func(s string) *string { return &s }
	num := func(f float64) *float64 { return &f }
	for _, tt := range []struct {
		name, body string
		want       julian.CreditsUsage
	}{
		{
			"month",
			`{"period":{"startDate":"2025-01-01T00:00:00.000Z","endDate":"2025-01-31T23:59:59.999Z","month":"2025-01"},
			  "organization":{"allocatedCredits":1000,"spentCredits":12.5,"remainingCredits":987.5,"percentageUsed":1.25},
			  "agents":[{"agentId":"agent.abc123","agentName":"Inbound Agent","spentCredits":12.5,"transactionCount":3}],"new":1}`,
			julian.CreditsUsage{
				Period:       julian.UsagePeriod{StartDate: ptr("2025-01-01T00:00:00.000Z"), EndDate: ptr("2025-01-31T23:59:59.999Z"), Month: "2025-01"},
				Organization: julian.OrganizationCredits{AllocatedCredits: num(1000), SpentCredits: num(12.5), RemainingCredits: num(987.5), PercentageUsed: num(1.25)},
				Agents:       []julian.AgentCredits{{AgentID: ptr("agent.abc123"), AgentName: ptr("Inbound Agent"), SpentCredits: num(12.5), TransactionCount: num(3)}},
			},
		},
		{
			"range, with nulls",
			`{"period":{"startDate":"2025-01-01","endDate":"2025-01-02"},"organization":{"allocatedCredits":null,"spentCredits":0,"remainingCredits":null,"percentageUsed":null},"agents":[]}`,
			julian.CreditsUsage{
				Period:       julian.UsagePeriod{StartDate: ptr("2025-01-01"), EndDate: ptr("2025-01-02")},
				Organization: julian.OrganizationCredits{SpentCredits: num(0)},
				Agents:       []julian.AgentCredits{},
			},
		},
	} {
		t.Run(tt.name, func(t *testing.T) {
			got, err := serve(t, answer(200, "application/json", tt.body)).CreditsUsage(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(&tt.want, got); diff != "" {
				t.Errorf("usage (-want +got):\n%s", diff)
			}
		})
	}
	_, err := serve(t, answer(200, "application/json", `{"period":"January"}`)).CreditsUsage(t.Context())
	if !errors.Is(err, julian.ErrUnexpectedAnswer) {
		t.Errorf("a period that is a string: %v, want ErrUnexpectedAnswer", err)
	}
}

// What the server says becomes a typed error; what it echoes of the key does
// not come along.
func TestClientErrors(t *testing.T) {
	html := "<!DOCTYPE html>\n<title>Log in</title>"
	for _, tt := range []struct {
		name    string
		handler http.HandlerFunc
		kind    error
		want    julian.Error
		text    string
	}{
		{
			"rejected key", answer(401, "application/json", `{"error":"INVALID_API_KEY","message":"The key is not valid"}`), julian.ErrUnauthorized,
			julian.Error{Status: 401, Code: "INVALID_API_KEY", Message: "The key is not valid"},
			"API key rejected: 401 Unauthorized: INVALID_API_KEY: The key is not valid",
		},
		{
			"key in the message", answer(401, "application/json", `{"error":"`+canary+`","message":"no \u0063anary/Key+7f3a% nor canary%2FKey%2B7f3a%25"}`), julian.ErrUnauthorized,
			julian.Error{Status: 401, Code: "[API key]", Message: "no [API key] nor [API key]"},
			"API key rejected: 401 Unauthorized: [API key]: no [API key] nor [API key]",
		},
		{
			"terminal controls", answer(404, "application/json", `{"error":"NOT_FOUND","message":"\u001b]0;x\u0007\r\n::error::\u202e\u009b\"é\""}`), julian.ErrNotFound,
			julian.Error{Status: 404, Code: "NOT_FOUND", Message: "\x1b]0;x\a\r\n::error::\u202e\u009b\"é\""},
			`not found: 404 Not Found: NOT_FOUND: \x1b]0;x\a\r\n::error::\u202e\u009b"é"`,
		},
		{
			"plain text", answer(403, "text/plain", " no entry \n"), julian.ErrStatus,
			julian.Error{Status: 403, Message: "no entry"},
			"unexpected status: 403 Forbidden: no entry",
		},
		{
			"JSON of another shape", answer(400, "application/json", `{"error":{"code":7}}`), julian.ErrStatus,
			julian.Error{Status: 400, Message: `{"error":{"code":7}}`},
			`unexpected status: 400 Bad Request: {"error":{"code":7}}`,
		},
		{
			"no words", answer(599, "", ""), julian.ErrServer,
			julian.Error{Status: 599},
			"server error: 599",
		},
		{
			"many words", answer(500, "text/plain", strings.Repeat("é", 3000)), julian.ErrServer,
			julian.Error{Status: 500, Message: strings.Repeat("é", 512) + "…"},
			"server error: 500 Internal Server Error: " + strings.Repeat("é", 100) + "…",
		},
		{
			"too many words", answer(500, "text/plain", strings.Repeat("x", 64<<10+1)), julian.ErrServer,
			julian.Error{Status: 500},
			"server error: 500 Internal Server Error",
		},
		{
			"no content", answer(204, "", ""), julian.ErrStatus,
			julian.Error{Status: 204},
			"unexpected status: 204 No Content",
		},
		{
			"login page", answer(200, "text/html; charset=utf-8", html), julian.ErrNotJSON,
			julian.Error{Status: 200, ContentType: "text/html; charset=utf-8", Message: html},
			`answer is not JSON but text/html; charset=utf-8: <!DOCTYPE html>\n<title>Log in</title>`,
		},
		{
			"empty answer", answer(200, "application/json", ""), julian.ErrNotJSON,
			julian.Error{Status: 200, ContentType: "application/json"},
			"answer is not JSON but application/json",
		},
		{
			"redirect", func(w http.ResponseWriter, r *http.Request) {
				http.Redirect(w, r, "https://user:pass@evil.example/canary%2fKey%2b7f3a%25/x?token=1#f", http.StatusFound)
			}, julian.ErrRedirect,
			julian.Error{Status: 302, Location: "https://evil.example/[API key]/x"},
			"redirect refused: 302 Found to https://evil.example/[API key]/x",
		},
		{
			"redirect to nowhere", answer(304, "", ""), julian.ErrRedirect,
			julian.Error{Status: 304},
			"redirect refused: 304 Not Modified",
		},
		{
			"asked to wait", func(w http.ResponseWriter, _ *http.Request) {
				w.Header().Set("Retry-After", "7")
				w.WriteHeader(429)
			}, julian.ErrRateLimited,
			julian.Error{Status: 429, RetryAfter: 7 * time.Second},
			"too many requests: 429 Too Many Requests",
		},
	} {
		t.Run(tt.name, func(t *testing.T) {
			_, err := serve(t, tt.handler).CallEventSample(t.Context(), "agent.abc123")
			var got *julian.Error
			if !errors.As(err, &got) || !errors.Is(err, tt.kind) {
				t.Fatalf("%v (%T), want an Error that is %v", err, err, tt.kind)
			}
			if diff := cmp.Diff(&tt.want, got, cmpopts.IgnoreUnexported(julian.Error{})); diff != "" {
				t.Errorf("error (-want +got):\n%s", diff)
			}
			if want := `sample of agent "agent.abc123": ` + tt.text; err.Error() != want {
				t.Errorf("text\n got %s\nwant %s", err, want)
			}
		})
	}
}

// rawServer answers each connection with the same bytes and hangs up.
func rawServer(t *testing.T, reply string) (url string) {
	t.Helper()
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	done := make(chan struct{})
	go func() {
		defer close(done)
		for {
			conn, err := ln.Accept()
			if err != nil {
				return
			}
			conn.Read(make([]byte, 4096))
			io.WriteString(conn, reply)
			conn.Close()
		}
	}()
	t.Cleanup(func() { ln.Close(); <-done })
	return "http://" + ln.Addr().String()
}

func TestClientUnreachable(t *testing.T) {
	for _, tt := range []struct {
		name, url string
		is        error
	}{
		{"nobody listens", deadURL(t), syscall.ECONNREFUSED},
		{"cut short", rawServer(t, "HTTP/1.1 200 OK\r\nContent-Length: 99\r\n\r\n{}"), io.ErrUnexpectedEOF},
		{"hung up", rawServer(t, ""), io.EOF},
		{"key in the status line", rawServer(t, canary+" 200 OK\r\n\r\n"), julian.ErrUnreachable},
		{"broken gzip", rawServer(t, "HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\n\r\n{}"), io.ErrUnexpectedEOF},
	} {
		t.Run(tt.name, func(t *testing.T) {
			c := newClient(t, julian.ClientOptions{BaseURL: tt.url, Retries: -1})
			_, err := c.CreditsUsage(t.Context())
			if !errors.Is(err, julian.ErrUnreachable) || !errors.Is(err, tt.is) {
				t.Fatalf("%v, want ErrUnreachable and %v", err, tt.is)
			}
			if !strings.Contains(err.Error(), tt.url) {
				t.Errorf("%v does not name %s", err, tt.url)
			}
			assertHidden(t, err)
		})
	}
}

// deadURL is an address where nobody listens.
func deadURL(t *testing.T) string {
	t.Helper()
	srv := httptest.NewServer(nil)
	srv.Close()
	return srv.URL
}

func assertHidden(t *testing.T, values ...any) {
	t.Helper()
	for _, v := range values {
		for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%x", "%d"} {
			text := fmt.Sprintf(verb, v)
			for _, form := range []string{canary, "7f3a", fmt.Sprintf("%x", canary)} {
				if strings.Contains(text, form) {
					t.Errorf("%s of %T shows the key: %s", verb, v, text)
				}
			}
		}
		if text, err := json.Marshal(v); err == nil && bytes.Contains(text, []byte("7f3a")) {
			t.Errorf("JSON of %T shows the key: %s", v, text)
		}
	}
}

func TestClientNeverShowsKey(t *testing.T) {
	c := newClient(t, julian.ClientOptions{})
	type holder struct {
		Client *julian.Client
		inner  *julian.Client
		list   []any
	}
	assertHidden(t, c, holder{c, c, []any{c}}, &holder{c, c, []any{c}}, map[string]any{"c": c})
	for _, bad := range []string{canary + "\n", "\x00" + canary, canary + "é", " " + canary, strings.Repeat(canary, 1000)} {
		_, err := julian.NewClient(bad, julian.ClientOptions{})
		if !errors.Is(err, julian.ErrBadKey) {
			t.Fatalf("%q: %v, want ErrBadKey", bad, err)
		}
		assertHidden(t, err)
	}
	for _, u := range []string{"https://me:" + canary + "@h", "https://me:7f3a@h", "http://7f3a:7f3a@h:x/", "://me:7f3a@h", "me:7f3a@h/api", "https:/me:7f3a@h/"} {
		_, err := julian.NewClient("k", julian.ClientOptions{BaseURL: u})
		if !errors.Is(err, julian.ErrBadBaseURL) || strings.Contains(fmt.Sprint(err), ":7f3a") {
			t.Errorf("%q: %v, want ErrBadBaseURL without the password", u, err)
		}
	}
}

func TestClientKey(t *testing.T) {
	for _, tt := range []struct {
		key  string
		kind error
		text string
	}{
		{"", julian.ErrNoKey, "no API key"},
		{"k", nil, ""},
		{"!~" + strings.Repeat("x", 4094), nil, ""},
		{strings.Repeat("x", 4097), julian.ErrBadKey, "this cannot be an API key: it is longer than 4096 bytes"},
		{"ab\n", julian.ErrBadKey, "this cannot be an API key: byte 3 of 3 is a line break"},
		{"a\rb", julian.ErrBadKey, "this cannot be an API key: byte 2 of 3 is a line break"},
		{"a b", julian.ErrBadKey, "this cannot be an API key: byte 2 of 3 is white space"},
		{"\x7f", julian.ErrBadKey, "this cannot be an API key: byte 1 of 1 is a control character"},
		{"ké", julian.ErrBadKey, "this cannot be an API key: byte 2 of 3 is not ASCII"},
	} {
		err := julian.CheckKey(tt.key)
		if !errors.Is(err, tt.kind) || err != nil && err.Error() != tt.text {
			t.Errorf("CheckKey(%.9q) = %v, want %s", tt.key, err, tt.text)
		}
		if _, err2 := julian.NewClient(tt.key, julian.ClientOptions{}); !errors.Is(err2, tt.kind) {
			t.Errorf("NewClient(%.9q) = %v, want %v", tt.key, err2, tt.kind)
		}
	}
}

func TestClientBaseURL(t *testing.T) {
	for _, tt := range []struct {
		in, want string
		kind     error
	}{
		{"", julian.DefaultBaseURL, nil},
		{"https://staging.example/api/v1//", "https://staging.example/api/v1", nil},
		{"http://127.0.0.1:4141/api/v1", "http://127.0.0.1:4141/api/v1", nil},
		{"http://127.9.9.9", "http://127.9.9.9", nil},
		{"http://[::1]:1", "http://[::1]:1", nil},
		{"HTTP://LocalHost:1/", "http://LocalHost:1", nil},
		{"http://julian.11x.ai/api/v1", "", julian.ErrInsecureBaseURL},
		{"http://0.0.0.0", "", julian.ErrInsecureBaseURL},
		{"http://localhost.evil.example", "", julian.ErrInsecureBaseURL},
		{"http://127.0.0.1.evil.example", "", julian.ErrInsecureBaseURL},
		{"http://2130706433", "", julian.ErrInsecureBaseURL},
		{"http://[fe80::1]", "", julian.ErrInsecureBaseURL},
		{"julian.11x.ai/api", "", julian.ErrBadBaseURL},
		{"ftp://127.0.0.1", "", julian.ErrBadBaseURL},
		{"https:///api", "", julian.ErrBadBaseURL},
		{"https://u@h", "", julian.ErrBadBaseURL},
		{"https://h/?a=b", "", julian.ErrBadBaseURL},
		{"https://h/?", "", julian.ErrBadBaseURL},
		{"https://h/#f", "", julian.ErrBadBaseURL},
		{"https://h\n/", "", julian.ErrBadBaseURL},
	} {
		got := ""
		c, err := julian.NewClient("k", julian.ClientOptions{BaseURL: tt.in})
		if err == nil {
			got = c.BaseURL()
		}
		if got != tt.want || !errors.Is(err, tt.kind) {
			t.Errorf("%q: %q, %v; want %q, %v", tt.in, got, err, tt.want, tt.kind)
		}
	}
}

// roundTrip is a transport.
type roundTrip func(*http.Request) (*http.Response, error)

func (f roundTrip) RoundTrip(r *http.Request) (*http.Response, error) { return f(r) }

func TestClientRefusesAgentIDs(t *testing.T) {
	c := newClient(t, julian.ClientOptions{Transport: roundTrip(func(r *http.Request) (*http.Response, error) {
		t.Errorf("sent %s", r.URL)
		return nil, errors.New("no")
	})})
	for _, id := range []string{"", ".", "..", "../x", "x/..", "a/../../credits", `..\x`, "a//b", "/a", "a/", "a\nb", "a\x00", "a\u009b", "\xff", strings.Repeat("a", 257)} {
		_, err := c.CallEventSample(t.Context(), id)
		_, err2 := c.Outcomes(t.Context(), id)
		if !errors.Is(err, julian.ErrBadAgentID) || !errors.Is(err2, julian.ErrBadAgentID) {
			t.Errorf("%q: %v, %v; want ErrBadAgentID", id, err, err2)
		}
	}
}

// The key stays with the one origin: no other server hears of it.
func TestClientFollowsNoRedirect(t *testing.T) {
	other := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		t.Errorf("a redirect was followed, with key %q", r.Header.Get("X-Api-Key"))
	}))
	defer other.Close()
	for _, status := range []int{301, 302, 303, 307, 308} {
		requests := 0
		c := serve(t, func(w http.ResponseWriter, r *http.Request) {
			requests++
			target := other.URL + "/login"
			if status == 307 {
				target = "/elsewhere" // not even on the same origin
			}
			http.Redirect(w, r, target, status)
		})
		_, err := c.CreditsUsage(t.Context())
		var e *julian.Error
		if !errors.Is(err, julian.ErrRedirect) || !errors.As(err, &e) || e.Status != status || requests != 1 {
			t.Errorf("%d: %v after %d requests, want ErrRedirect after 1", status, err, requests)
		}
	}
}

// A small answer that inflates past the cap is cut off, not read.
func TestClientCapsInflatedAnswer(t *testing.T) {
	var bomb bytes.Buffer
	zip := gzip.NewWriter(&bomb)
	blanks := bytes.Repeat([]byte(" "), 1<<20)
	for range 40 {
		zip.Write(blanks)
	}
	zip.Close()
	gzipped := func(w http.ResponseWriter, r *http.Request) {
		if r.Header.Get("Accept-Encoding") != "gzip" {
			t.Errorf("Accept-Encoding %q, want gzip", r.Header.Get("Accept-Encoding"))
		}
		w.Header().Set("Content-Encoding", "gzip")
		w.Write(bomb.Bytes())
	}
	_, err := serve(t, gzipped).CallEventSample(t.Context(), "a")
	if !errors.Is(err, julian.ErrTooLarge) || !strings.Contains(err.Error(), "more than 33554432 bytes") {
		t.Errorf("%v, want ErrTooLarge past 32 MiB", err)
	}

	srv := httptest.NewServer(answer(200, "", `{"a":"b"}`))
	defer srv.Close()
	for _, tt := range []struct {
		most int64
		kind error
	}{{9, nil}, {8, julian.ErrTooLarge}} {
		c := newClient(t, julian.ClientOptions{BaseURL: srv.URL, MaxBytes: tt.most})
		if _, err := c.CallEventSample(t.Context(), "a"); !errors.Is(err, tt.kind) {
			t.Errorf("9 bytes with a cap of %d: %v, want %v", tt.most, err, tt.kind)
		}
	}
}

// script answers the n-th request with its n-th step, noting when it came.
type script struct {
	steps []step
	at    []time.Duration // since the start of the test
	start time.Time
}

type step struct {
	status int
	header string // "Name: value"
	err    error
}

func (s *script) RoundTrip(r *http.Request) (*http.Response, error) {
	s.at = append(s.at, time.Since(s.start))
	step := s.steps[min(len(s.at), len(s.steps))-1]
	if step.err != nil {
		return nil, step.err
	}
	rec := httptest.NewRecorder()
	if name, value, ok := strings.Cut(step.header, ": "); ok {
		rec.Header().Set(name, value)
	}
	rec.WriteHeader(step.status)
	rec.WriteString("{}")
	resp := rec.Result()
	resp.Request = r
	return resp, nil
}

func TestClientRetries(t *testing.T) {
	refused := &net.OpError{Op: "dial", Err: syscall.ECONNREFUSED}
	// A bubble's clock starts at midnight UTC on 1 January 2000.
	const inTwoSeconds = "Retry-After: Sat, 01 Jan 2000 00:00:02 GMT"
	for _, tt := range []struct {
		name     string
		steps    []step
		retries  int
		timeout  time.Duration // of the context; 0: none
		requests int
		kind     error
		// when the last request was sent
		from, to time.Duration
	}{
		{"5xx, then an answer", []step{{status: 503}, {status: 500}, {status: 200}}, 0, 0, 3, nil, 0, 750 * time.Millisecond},
		{"network, then an answer", []step{{err: refused}, {status: 200}}, 0, 0, 2, nil, 0, 250 * time.Millisecond},
		{"429, then an answer", []step{{status: 429}, {status: 200}}, 0, 0, 2, nil, 0, 250 * time.Millisecond},
		{"never an answer", []step{{status: 502}}, 0, 0, 4, julian.ErrServer, 0, 1750 * time.Millisecond},
		{"no retries", []step{{status: 502}}, -1, 0, 1, julian.ErrServer, 0, 0},
		{"more retries", []step{{err: refused}}, 8, 0, 9, syscall.ECONNREFUSED, 0, 40 * time.Second},
		{"seconds to wait", []step{{429, "Retry-After: 2", nil}, {status: 200}}, 0, time.Minute, 2, nil, 2 * time.Second, 2250 * time.Millisecond},
		{"a date to wait for", []step{{503, inTwoSeconds, nil}, {status: 200}}, 0, time.Minute, 2, nil, 2 * time.Second, 2250 * time.Millisecond},
		{"a wait past the deadline", []step{{429, "Retry-After: 60", nil}}, 0, time.Minute, 1, julian.ErrRateLimited, 0, 0},
		{"a day to wait, no deadline", []step{{503, "Retry-After: 86400", nil}}, 0, 0, 1, julian.ErrServer, 0, 0},
		{"a wait that cannot be read", []step{{429, "Retry-After: soon", nil}, {status: 200}}, 0, 0, 2, nil, 0, 250 * time.Millisecond},
		{"a negative wait", []step{{429, "Retry-After: -5", nil}, {status: 200}}, 0, 0, 2, nil, 0, 250 * time.Millisecond},
		{"a wait of years", []step{{429, "Retry-After: 99999999999999999999", nil}, {status: 200}}, 0, 0, 2, nil, 0, 250 * time.Millisecond},
		{"400", []step{{status: 400}}, 0, 0, 1, julian.ErrStatus, 0, 0},
		{"401", []step{{status: 401}}, 0, 0, 1, julian.ErrUnauthorized, 0, 0},
		{"404, asked to wait", []step{{404, "Retry-After: 1", nil}}, 0, 0, 1, julian.ErrNotFound, 0, 0},
		{"408", []step{{status: 408}}, 0, 0, 1, julian.ErrStatus, 0, 0},
		{"redirect", []step{{302, "Location: /x", nil}}, 0, 0, 1, julian.ErrRedirect, 0, 0},
		{"no such host", []step{{err: &net.DNSError{IsNotFound: true}}}, 0, 0, 1, julian.ErrUnreachable, 0, 0},
		{"no answer from the name server", []step{{err: &net.DNSError{IsTemporary: true}}, {status: 200}}, 0, 0, 2, nil, 0, 250 * time.Millisecond},
		{"certificate", []step{{err: &tls.CertificateVerificationError{Err: errors.New("expired")}}}, 0, 0, 1, julian.ErrUnreachable, 0, 0},
	} {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s := &script{steps: tt.steps, start: time.Now()}
				told := 0
				c := newClient(t, julian.ClientOptions{Transport: s, Retries: tt.retries, OnRetry: func(error, time.Duration) { told++ }})
				ctx := t.Context()
				if tt.timeout > 0 {
					var cancel context.CancelFunc
					ctx, cancel = context.WithTimeout(ctx, tt.timeout)
					defer cancel()
				}
				_, err := c.CallEventSample(ctx, "a")
				if !errors.Is(err, tt.kind) {
					t.Errorf("%v, want %v", err, tt.kind)
				}
				if len(s.at) != tt.requests || told != tt.requests-1 {
					t.Fatalf("%d requests, told of %d retries; want %d requests", len(s.at), told, tt.requests)
				}
				if last := s.at[len(s.at)-1]; last < tt.from || last > tt.to {
					t.Errorf("last request after %v, want %v to %v", last, tt.from, tt.to)
				}
				if ended := time.Since(s.start); ended != s.at[len(s.at)-1] {
					t.Errorf("returned %v after the start, the last request was at %v", ended, s.at)
				}
			})
		})
	}
}

// Waits are spread over the whole range, or those turned away together would
// come back together.
func TestClientJitter(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var early, late int
		for range 200 {
			s := &script{steps: []step{{status: 500}, {status: 200}}, start: time.Now()}
			if _, err := newClient(t, julian.ClientOptions{Transport: s}).CallEventSample(t.Context(), "a"); err != nil {
				t.Fatal(err)
			}
			switch wait := s.at[1]; {
			case wait < 80*time.Millisecond:
				early++
			case wait > 170*time.Millisecond:
				late++
			}
		}
		// A third each; fewer than 30 of 200 happens once in 10^8 runs.
		if early < 30 || late < 30 {
			t.Errorf("%d of 200 waits early, %d late", early, late)
		}
	})
}

// The context ends a wait, and its error keeps what was being retried.
func TestClientCancelledWait(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := &script{steps: []step{{429, "Retry-After: 50", nil}}, start: time.Now()}
		ctx, cancel := context.WithCancel(t.Context())
		time.AfterFunc(time.Second, cancel)
		_, err := newClient(t, julian.ClientOptions{Transport: s}).CallEventSample(ctx, "a")
		if !errors.Is(err, context.Canceled) || !errors.Is(err, julian.ErrRateLimited) {
			t.Errorf("%v, want context.Canceled and ErrRateLimited", err)
		}
		if took := time.Since(s.start); took != time.Second {
			t.Errorf("returned after %v, want 1s", took)
		}
	})
}

// No second sees more than 10 requests of one client, and 10 go out at once.
func TestClientRateLimit(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const calls = 35
		start := time.Now()
		times := make(chan time.Duration, calls)
		c := newClient(t, julian.ClientOptions{Transport: roundTrip(func(r *http.Request) (*http.Response, error) {
			times <- time.Since(start)
			return &http.Response{StatusCode: 200, Header: http.Header{}, Body: io.NopCloser(strings.NewReader("[]")), Request: r}, nil
		})})
		failed := make(chan error, calls)
		for range calls {
			go func() {
				_, err := c.Outcomes(t.Context(), "a")
				failed <- err
			}()
		}
		for range calls {
			if err := <-failed; err != nil {
				t.Fatal(err)
			}
		}
		var at []time.Duration
		for range calls {
			at = append(at, <-times)
		}
		for i := range at[10:] {
			if gap := at[i+10] - at[i]; gap <= time.Second {
				t.Fatalf("11 requests within %v: %v", gap, at)
			}
		}
		if at[9] != 0 || at[calls-1] > 4*time.Second {
			t.Errorf("slower than need be: %v", at)
		}
		// A turn that would come too late is not waited for.
		ctx, cancel := context.WithTimeout(t.Context(), time.Millisecond)
		defer cancel()
		for range 10 {
			c.Outcomes(t.Context(), "a")
		}
		before := time.Now()
		if _, err := c.Outcomes(ctx, "a"); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("%v, want context.DeadlineExceeded", err)
		}
		if waited := time.Since(before); waited != 0 {
			t.Errorf("waited %v for a turn past the deadline", waited)
		}
	})
}

func TestClientRefusesUnknownCertificate(t *testing.T) {
	srv := httptest.NewUnstartedServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {
		t.Error("a request was sent to a server that nobody vouches for")
	}))
	srv.Config.ErrorLog = log.New(io.Discard, "", 0)
	srv.StartTLS()
	defer srv.Close()
	c := newClient(t, julian.ClientOptions{BaseURL: srv.URL, OnRetry: func(err error, _ time.Duration) { t.Errorf("retried after %v", err) }})
	var certificate *tls.CertificateVerificationError
	if _, err := c.CreditsUsage(t.Context()); !errors.As(err, &certificate) {
		t.Errorf("%v, want a certificate error", err)
	}
}

// Proxies of the environment carry https, and never plain http, whose hosts
// are loopback. net/http reads the environment once, so this runs on its own.
func TestClientProxy(t *testing.T) {
	const child = "JULIAN_TEST_PROXY"
	requests := 0
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		requests++
		http.Error(w, "no", http.StatusTeapot)
	}))
	defer srv.Close()
	if os.Getenv(child) == "" {
		cmd := exec.Command(os.Args[0], "-test.run=^TestClientProxy$")
		cmd.Env = append(os.Environ(), child+"=1", "HTTP_PROXY="+deadURL(t), "http_proxy="+deadURL(t), "HTTPS_PROXY="+srv.URL, "NO_PROXY=", "no_proxy=")
		if out, err := cmd.CombinedOutput(); err != nil {
			t.Fatalf("%v\n%s", err, out)
		}
		if requests != 1 {
			t.Errorf("the https proxy saw %d requests, want 1 CONNECT", requests)
		}
		return
	}
	port := srv.URL[strings.LastIndexByte(srv.URL, ':'):]
	for _, host := range []string{"localhost", "LocalHost", "127.0.0.1"} {
		_, err := newClient(t, julian.ClientOptions{BaseURL: "http://" + host + port, Retries: -1}).CreditsUsage(t.Context())
		var e *julian.Error
		if !errors.As(err, &e) || e.Status != http.StatusTeapot {
			t.Errorf("%s: %v, want the server's own 418", host, err)
		}
	}
	_, err := newClient(t, julian.ClientOptions{BaseURL: "https://api.example", Retries: -1}).CreditsUsage(t.Context())
	if !errors.Is(err, julian.ErrUnreachable) || !strings.Contains(err.Error(), "teapot") {
		t.Errorf("%v, want the proxy's refusal", err)
	}
}

// The handler that the package comment begins with is the one that the example
// runs.
func TestDocHandlerIsExample(t *testing.T) {
	doc, err := os.ReadFile("doc.go")
	if err != nil {
		t.Fatal(err)
	}
	example, err := os.ReadFile("example_test.go")
	if err != nil {
		t.Fatal(err)
	}
	lines := 0
	for line := range strings.Lines(string(doc)) {
		code, ok := strings.CutPrefix(line, "//\t\t") // the body, without its func line
		if !ok {
			continue
		}
		lines++
		if !strings.Contains(string(example), "\t\t"+code) {
			t.Errorf("the example lacks %s", code)
		}
	}
	if lines < 10 {
		t.Errorf("found only %d lines of the handler", lines)
	}
}
