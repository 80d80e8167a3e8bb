package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/julianctl/julianctl/pkg/cli"
	"github.com/julianctl/julianctl/pkg/journal"
	"github.com/julianctl/julianctl/pkg/julian"
	"github.com/julianctl/julianctl/pkg/needs"
	"github.com/julianctl/julianctl/pkg/sender"
)

// startMock runs a mock and returns the URL of its API. ended waits for its end.
func startMock(t *testing.T, args ...string) (api string, ended func() (code int, stdout string)) {
	t.Helper()
	ready := filepath.Join(t.TempDir(), "ready")
	ctx, cancel := context.WithCancel(context.WithoutCancel(t.Context()))
	var out buffer
	var code int
	var running sync.WaitGroup
	running.Go(func() {
		code, _ = runner(ctx, t, &out, append([]string{"mock", "--addr", "127.0.0.1:0", "--ready-file", ready}, args...)...)
	})
	t.Cleanup(func() { cancel(); running.Wait() })
	return awaitReady(t, ready), func() (int, string) {
		running.Wait()
		return code, out.String()
	}
}

// fetch is the body of a 200.
func fetch(t *testing.T, method, url string) string {
	t.Helper()
	request, err := http.NewRequestWithContext(t.Context(), method, url, nil)
	if err != nil {
		t.Fatal(err)
	}
	answer, err := http.DefaultClient.Do(request)
	if err != nil {
		t.Fatal(err)
	}
	defer answer.Body.Close()
	body, err := io.ReadAll(answer.Body)
	if err != nil || answer.StatusCode != http.StatusOK {
		t.Fatalf("%s: %d %s, %v", url, answer.StatusCode, body, err)
	}
	return string(body)
}

// state is how a contact stands.
type state struct{ Result, Status string }

// sentStates are the states of the contacts by what a mock sent: those of the latest
// call of each.
func sentStates(t *testing.T, path string) map[string]state {
	t.Helper()
	l, err := journal.Open(t.Context(), path, journal.Options{ReadOnly: true})
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	states, latest := map[string]state{}, map[string]julian.CallEvent{}
	for d, err := range l.Deliveries(t.Context(), journal.Filter{}) {
		var e julian.CallEvent
		if err == nil {
			err = json.Unmarshal(d.Body, &e)
		}
		if err != nil {
			t.Fatal(err)
		}
		if e.CallResult.ResultType == julian.ProcessingAnalysis {
			continue // what was known before the analysis
		}
		lead, _ := e.CustomInputVariables["lead_id"].(string)
		if last, known := latest[lead]; !known || e.ScheduledAt.After(last.ScheduledAt.Time) {
			latest[lead] = e
			states[lead] = state{string(e.CallResult.ResultType), string(e.Sequence.LifecycleStatus)}
		}
	}
	return states
}

// A service enrols 200 contacts with the mock and books what the calls to them come to.
// Under every sender the right one ends with 200 right states, each call booked once. One
// that books repeats is caught by every sender that sends some, one that takes what comes
// last for the newest by those that send an older content late. JULIANCTL_LONG makes a
// day a minute.
func TestMockedService(t *testing.T) {
	python := needs.Program(t, "python3")
	speed := "40000x"
	if os.Getenv("JULIANCTL_LONG") != "" {
		speed = "1440x"
	}
	const contacts = 200
	for _, profile := range sender.Profiles {
		for _, tt := range []struct {
			fault  string // empty: none
			caught bool
			says   string // of reconcile
		}{
			{"", false, " calls right: 0 missing, 0 doubled, 0 unknown"},
			{"--repeats", profile.Name != "once", "doubled  "},
			{"--last-wins", profile.SendsOlder(), "outdated  "},
		} {
			if tt.fault != "" && !tt.caught {
				continue
			}
			t.Run(profile.Name+tt.fault, func(t *testing.T) {
				t.Parallel()
				webhook, _ := startConsumer(t, python, "python/outreach.py", "0", "--lossy", tt.fault)
				service := strings.TrimSuffix(webhook, "/webhook")
				dir := t.TempDir()
				sent, calls := filepath.Join(dir, "sent.db"), filepath.Join(dir, "calls.ndjson")
				api, ended := startMock(t, "--webhook-to", webhook, "--sender", profile.Name, "--timeout", "10s", "--speed", speed, "--exit-after", fmt.Sprint(contacts), "--journal", sent)
				if n := fetch(t, "POST", fmt.Sprintf("%s/enrol?n=%d&api=%s", service, contacts, api)); n != fmt.Sprint(contacts) {
					t.Fatalf("%s contacts accepted", n)
				}
				code, stdout := ended()
				// Who tries once gives up the calls whose answer is lost.
				if want := map[bool]int{true: cli.ExitNo}[profile.Name == "once"]; code != want {
					t.Errorf("mock: exit %d, want %d\n%s", code, want, stdout[max(0, len(stdout)-1000):])
				}
				booked := map[string]state{}
				for line := range strings.Lines(fetch(t, "GET", service+"/contacts")) {
					var c struct {
						Lead string
						state
					}
					if err := json.Unmarshal([]byte(line), &c); err != nil {
						t.Fatal(err)
					}
					booked[c.Lead] = c.state
				}
				diff := cmp.Diff(sentStates(t, sent), booked)
				if right := diff == "" && len(booked) == contacts; right != (tt.fault != "--last-wins") {
					t.Errorf("%d states, all right: %t (-sent +booked):\n%s", len(booked), right, diff)
				}
				if err := os.WriteFile(calls, []byte(fetch(t, "GET", service+"/calls")), 0o600); err != nil {
					t.Fatal(err)
				}
				var out buffer
				code, stderr := runner(t.Context(), t, &out, "log", "reconcile", "--log", sent, "--against", calls)
				if want := map[bool]int{true: cli.ExitNo}[tt.caught]; code != want || !strings.Contains(out.String(), tt.says) {
					t.Errorf("reconcile: exit %d, want %d\n%.2000s%s", code, want, out.String(), stderr)
				}
			})
		}
	}
}

// Everything that the mock's API has, as a user tries it: with curl.
func TestMockWithCurl(t *testing.T) {
	t.Parallel()
	curl := needs.Program(t, "curl")
	api, _ := startMock(t, "--agent", "agent.two")
	const (
		key   = "x-api-key: test-key"
		one   = "/agents/agent.two/schedule/sequence"
		batch = "/agents/agent.two/schedule/sequences"
		ada   = `{"name":"Ada","phoneNumber":"+442079460001","company":"Engines"}`
	)
	for _, tt := range []struct {
		args []string // the last one is a path
		want string   // begins with the status
	}{
		{[]string{"-H", key, "/credits/usage"}, `200 {"period":{"startDate":`},
		{[]string{"-H", key, "/credits/usage?startDate=2025-01-01&endDate=2025-01-31"}, `200 {"period":{"startDate":"2025-01-01T00:00:00.000Z","endDate":"2025-01-31T23:59:59.999Z"},"organization":{"allocatedCredits":null`},
		{[]string{"-H", key, "/credits/usage?month=0"}, `400 {"error":"VALIDATION_ERROR","message":"month: wants a month such as 2025-01"}`},
		{[]string{"/credits/usage"}, `401 {"error":"UNAUTHORIZED",`},
		{[]string{"-H", "x-api-key: other", "/credits/usage"}, `401 {"error":"INVALID_API_KEY",`},
		{[]string{"-H", key, "/agent/agent.two/call_event_sample"}, "200 {\n  \"agentId\": \"agent.two\","},
		{[]string{"-H", key, "/agents/agent.two/outcomes"}, `200 {"outcomes":[`},
		{[]string{"-H", key, "/agents/agent.none/outcomes"}, `404 {"error":"AGENT_NOT_FOUND",`},
		{[]string{"-H", key, "-I", one}, `200 `},
		{[]string{"-I", one}, `401 `},
		{[]string{"-H", key, "-d", ada, one}, `200 {"sequence":{"sequenceId":"call-sequence.`},
		{[]string{"-H", key, "-d", `{"name":"Ada"}`, one}, `400 {"error":"VALIDATION_ERROR","message":"phoneNumber: is required"}`},
		{[]string{"-H", key, "-d", ada, "/agents/agent.none/schedule/sequence"}, `404 {"error":"AGENT_NOT_FOUND",`},
		{[]string{"-H", key, "-X", "PUT", "-d", ada, one}, `405 {"error":"METHOD_NOT_ALLOWED",`},
		{[]string{"-H", key, "-H", "Idempotency-Key: a", "-d", `{"contacts":[` + ada + `,{}]}`, batch}, `202 {"batchId":"batch.julianctl-1","total":2,"accepted":1,"rejected":[{"index":1,"phoneNumber":"","error":"name: is required; phoneNumber: is required"}]}`},
		{[]string{"-H", key, "-H", "Idempotency-Key: a", "-d", `{"contacts":[` + ada + `]}`, batch}, `202 {"batchId":"batch.julianctl-1","total":2,`},
		{[]string{"-H", key, "-d", `{"contacts":[` + ada + `]}`, batch}, `202 {"batchId":"batch.julianctl-2","total":1,`},
		{[]string{"-H", key, "-d", `{"contacts":[]}`, batch}, `400 {"error":"VALIDATION_ERROR","message":"contacts: has 0, wants 1 to 1000"}`},
		{[]string{"-H", key, "-d", `{"referenceKey":"company","referenceValue":"Engines","reason":"enough"}`, "/sequences/cancel"}, `200 {"success":true}`},
		{[]string{"-H", key, "-d", `{}`, "/sequences/cancel"}, `400 {"error":"VALIDATION_ERROR",`},
		{[]string{"-H", key, "/calls"}, `404 {"error":"NOT_FOUND",`},
	} {
		// At 10 a second one of them may be refused at first: as the provider says, again.
		var out []byte
		for range 100 {
			args := append([]string{"-sS", "-w", "%{stderr}%{http_code}"}, tt.args...)
			args[len(args)-1] = api + args[len(args)-1]
			var status bytes.Buffer
			cmd := exec.CommandContext(t.Context(), curl, args...)
			cmd.Stderr = &status
			body, err := cmd.Output()
			if err != nil {
				t.Fatalf("%v: %v %s", tt.args, err, status.String())
			}
			if out = append(append(status.Bytes(), ' '), body...); status.String() != "429" {
				break
			}
			<-time.After(50 * time.Millisecond)
		}
		if !strings.HasPrefix(string(out), tt.want) {
			t.Errorf("curl %v\n%.300s\nwant %s", tt.args, out, tt.want)
		}
	}
	// More than ten at once.
	args := []string{"-sS", "-o", os.DevNull, "-w", "%{http_code} ", "-H", key}
	for range 15 {
		args = append(args, "-o", os.DevNull, api+"/credits/usage")
	}
	out, err := exec.CommandContext(t.Context(), curl, args...).Output()
	if err != nil || !strings.Contains(string(out), "429") || !strings.Contains(string(out), "200") {
		t.Errorf("15 requests: %s, %v", out, err)
	}
}
