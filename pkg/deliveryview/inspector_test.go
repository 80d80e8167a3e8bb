package deliveryview

import (
	"io"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/julianctl/julianctl/pkg/cli/clitest"
	"github.com/julianctl/julianctl/pkg/inspect"
	"github.com/julianctl/julianctl/pkg/journal"
)

// The page of the inspector sends nothing where a command would not, by a name
// or by what is configured.
func TestInspectorSendsWhereTrusted(t *testing.T) {
	for project, to := range map[string]string{
		"{to: prod, endpoints: [{name: prod, url: 'https://hooks.example/'}]}": "prod",
		"endpoints: [{name: staging, url: 'https://hooks.example/'}]":          "staging",
		"to: mine": "mine",
	} {
		i := &inspector{App: clitest.ProjectApp(t, "endpoints: [{name: mine, url: 'https://mine.example/'}]", project)}
		_, err := i.send(t.Context(), inspect.Sending{To: to, Entry: &journal.Entry{}, Copies: 1})
		if err == nil || !strings.Contains(err.Error(), "the file is not trusted; read the file") {
			t.Errorf("%s: %v", project, err)
		}
	}
}

// What a user made of a body is sent as it is, and is no redelivery of what is
// in the log.
func TestInspectorSendsEdited(t *testing.T) {
	bodies := make(chan string, 2)
	endpoint := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		bodies <- string(body)
		w.WriteHeader(http.StatusNoContent)
	}))
	defer endpoint.Close()
	l, err := journal.Open(t.Context(), filepath.Join(t.TempDir(), "log.db"), journal.Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	d := &journal.Delivery{Method: "POST", URI: "/", Body: []byte("{}"), Size: 2, CallID: "call.a"}
	if err := l.Append(t.Context(), d); err != nil {
		t.Fatal(err)
	}
	i := &inspector{App: clitest.ProjectApp(t, "", ""), log: l}
	for _, edited := range []bool{true, false} {
		e, err := l.Get(t.Context(), d.ID)
		if err != nil {
			t.Fatal(err)
		}
		if edited {
			e.Body = []byte("{ }\r\n")
		}
		sent := string(e.Body)
		if answers, err := i.send(t.Context(), inspect.Sending{To: endpoint.URL, Entry: e, Copies: 1, Edited: edited}); err != nil || answers[0].Status != http.StatusNoContent {
			t.Fatalf("%v, %v", answers, err)
		}
		if got := <-bodies; got != sent {
			t.Errorf("sent %q, want %q", got, sent)
		}
	}
	for range 2000 {
		after, err := l.Get(t.Context(), d.ID)
		if err != nil || string(after.Body) != "{}" || len(after.Attempts) > 1 {
			t.Fatalf("the log has %q, %d attempts, %v", after.Body, len(after.Attempts), err)
		}
		if len(after.Attempts) == 1 { // of what was not edited, which came last
			return
		}
		if err := l.CatchUp(t.Context()); err != nil {
			t.Fatal(err)
		}
		<-time.After(time.Millisecond)
	}
	t.Error("the redelivery is not in the log")
}
