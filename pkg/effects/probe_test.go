package effects_test

import (
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/julianctl/julianctl/pkg/deliver"

	"github.com/julianctl/julianctl/pkg/effects"
	"github.com/julianctl/julianctl/pkg/needs"
)

func TestProbesOverHTTP(t *testing.T) {
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch r.URL.Path {
		case "/plain/call.a b":
			fmt.Fprintln(w, " 2 ")
		case "/json":
			fmt.Fprintf(w, `{"rows": [{"id": %q}, {}], "n": 3, "text": "4"}`, r.URL.Query().Get("id"))
		case "/long":
			io.WriteString(w, strings.Repeat(" ", 2<<20)+"1")
		case "/redirect":
			http.Redirect(w, r, "/json", http.StatusFound)
		default:
			http.NotFound(w, r)
		}
	}))
	defer srv.Close()
	u, err := url.Parse(srv.URL)
	if err != nil {
		t.Fatal(err)
	}
	target, err := deliver.Guard{}.Target(u)
	if err != nil {
		t.Fatal(err)
	}
	client, err := deliver.New(target, deliver.Options{Timeout: 30 * time.Second})
	if err != nil {
		t.Fatal(err)
	}
	defer client.Close()
	for _, tt := range []struct {
		uri, path string
		want      int // -1: an error
	}{
		{"/json?id={callId}", "rows.#", 2}, {"/json?id={callId}", "rows", 2}, {"/json", "n", 3}, {"/json", "text", 4},
		{"/json", "", -1}, {"/json", "nothing", -1}, {"/gone/{callId}", "", -1}, {"/redirect", "n", -1}, {"/long", "", -1},
	} {
		r, err := effects.URLProbe(client, tt.uri, tt.path, nil)(t.Context(), "call.a b")
		if err != nil {
			r.Count = -1
		}
		if r.Count != tt.want {
			t.Errorf("%s %q: %d (%v), want %d", tt.uri, tt.path, r.Count, err, tt.want)
		}
	}
}

// A command gets the id in its words and in its environment, and no shell sees
// it.
func TestCommandProbe(t *testing.T) {
	needs.Program(t, "sh")
	for _, tt := range []struct {
		argv []string
		want int
	}{
		{[]string{"sh", "-c", `test "$1" = "$JULIANCTL_CALL_ID" && echo 7`, "sh", "{callId}"}, 7},
		{[]string{"echo", "{callId}"}, -1},
	} {
		r, err := effects.CommandProbe(tt.argv, "")(t.Context(), "call.$(echo x); `y`")
		if err != nil {
			r.Count = -1
		}
		if r.Count != tt.want {
			t.Errorf("%v: %d (%v), want %d", tt.argv, r.Count, err, tt.want)
		}
	}
}

func TestCleanUp(t *testing.T) {
	needs.Program(t, "sh")
	ids := []string{"call.a", "call.b"}
	ok := []string{"sh", "-c", `test "$(cat)" = "$(cat "$JULIANCTL_CALL_IDS_FILE")" && test "$(wc -l <"$JULIANCTL_CALL_IDS_FILE")" -eq 2`}
	if err := effects.CleanUp(t.Context(), ok, ids); err != nil {
		t.Error(err)
	}
	if err := effects.CleanUp(t.Context(), []string{"sh", "-c", "echo no such table >&2; exit 3"}, ids); err == nil || !strings.Contains(err.Error(), "no such table") {
		t.Errorf("%v", err)
	}
}

func TestErrorLine(t *testing.T) {
	for want, said := range map[string]string{
		"": " \n",
		"Error: Connection terminated unexpectedly": "events.js:5\n      throw er; // Unhandled 'error' event\n      ^\n\nError: Connection terminated unexpectedly\n    at a.js:1 {\n  client: {\n    error: [Function: reportStreamError],\n  severity: 'FATAL'\n}\n\nNode.js v20.20.2\n",
		"error: terminating connection":             "error: terminating connection\n    at Parser.parseErrorMessage {\n  severity: 'FATAL',\n}\n\nNode.js v20.20.2",
		"psycopg2.OperationalError: it is gone":     "Traceback (most recent call last):\n  File \"a.py\", line 1\n    raise Error()\npsycopg2.OperationalError: it is gone\n",
		"<ref *1> Error: read ECONNRESET":           "      throw er;\n\n<ref *1> Error: read ECONNRESET\n    at a.js {\n    error: [Function],\n}",
		"listening":                                 "started\nlistening\n",
	} {
		if got := effects.ErrorLine(said); got != want {
			t.Errorf("%q: %q, want %q", said, got, want)
		}
	}
}
