package juliantest_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"regexp"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	gocmp "github.com/google/go-cmp/cmp"
	"github.com/julianctl/julianctl/pkg/check"
	"github.com/julianctl/julianctl/pkg/checklist"
	"github.com/julianctl/julianctl/pkg/juliantest"
	"github.com/julianctl/julianctl/testdata/consumers/gotest"
)

// scenarios are tests as people write them, which fail. TestChild runs one of them,
// in a process of its own.
var scenarios = map[string]func(*testing.T){
	"no probe": func(t *testing.T) {
		e := right()
		e.Probe = nil
		juliantest.Check(t, e, juliantest.Skip("speed"))
	},
	"no probe, accepted": func(t *testing.T) {
		e := right()
		e.Probe = nil
		juliantest.Check(t, e, juliantest.Skip("speed"), juliantest.AllowUndecided())
	},
	"refused": func(t *testing.T) {
		juliantest.Check(t, broken("summary is a template"), juliantest.Only("meta-characters"))
	},
	"no probe, broken": func(t *testing.T) {
		e := broken("summary is a template")
		e.Probe = nil
		juliantest.Check(t, e, juliantest.Only("meta-characters", "repeat"), juliantest.AllowUndecided())
	},
	"right": func(t *testing.T) { juliantest.Check(t, right()) },
	"smoke": func(t *testing.T) { juliantest.Check(t, right(), juliantest.Profile("smoke")) },
	"default though short": func(t *testing.T) {
		juliantest.Check(t, right(), juliantest.Profile("default"), juliantest.Only("json-forms"))
	},
	"some": func(t *testing.T) {
		juliantest.Check(t, right(), juliantest.Only("idempotency", "methods"), juliantest.Skip("together", "after-pause"))
	},
	"counted": func(t *testing.T) {
		var deliveries atomic.Int32
		e := right()
		handler := e.Handler
		e.Handler = http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			deliveries.Add(1)
			handler.ServeHTTP(w, r)
		})
		juliantest.Check(t, e, juliantest.Skip("speed"))
		t.Logf("%d deliveries in all", deliveries.Load())
	},
	"late": func(t *testing.T) { // acknowledged first, booked a second later
		webhook := gotest.New(secret)
		e := endpoint(webhook)
		e.Handler = http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			body, err := io.ReadAll(r.Body)
			if err != nil {
				w.WriteHeader(http.StatusBadRequest)
				return
			}
			look := httptest.NewRecorder()
			gotest.New(secret).ServeHTTP(look, again(r, body))
			if look.Code == http.StatusNoContent {
				time.AfterFunc(time.Second, func() { webhook.ServeHTTP(httptest.NewRecorder(), again(r, body)) })
			}
			w.WriteHeader(look.Code)
		})
		juliantest.Check(t, e)
	},
	"broken": func(t *testing.T) { juliantest.Check(t, broken("no dedupe")) },
	"probe fails": func(t *testing.T) {
		e := right()
		e.Probe = func(context.Context, string) (int, error) { return 0, errors.New("no such table: bookings") }
		juliantest.Check(t, e)
	},
	"wrong secret": func(t *testing.T) {
		e := right()
		e.Secret = nil
		juliantest.Check(t, e)
	},
	"no path": func(t *testing.T) {
		e := right()
		mux := http.NewServeMux()
		mux.Handle("/webhook", e.Handler)
		e.Handler = mux
		juliantest.Check(t, e)
	},
	"path without a slash": func(t *testing.T) {
		e := right()
		mux := http.NewServeMux()
		mux.Handle("/webhook", e.Handler)
		e.Handler, e.Path = mux, "webhook"
		juliantest.Check(t, e, juliantest.Only("sample"))
	},
	"nobody listens": func(t *testing.T) {
		srv := httptest.NewServer(http.NotFoundHandler())
		srv.Close()
		juliantest.Check(t, juliantest.Endpoint{URL: srv.URL})
	},
	"panics": func(t *testing.T) {
		e := right()
		e.Handler = http.HandlerFunc(func(http.ResponseWriter, *http.Request) { panic("no database") })
		juliantest.Check(t, e, juliantest.Only("sample"))
	},
	"nothing": func(t *testing.T) { juliantest.Check(t, juliantest.Endpoint{}) },
	"both": func(t *testing.T) {
		juliantest.Check(t, juliantest.Endpoint{URL: "http://127.0.0.1/", Handler: http.NotFoundHandler()})
	},
	"elsewhere": func(t *testing.T) { juliantest.Check(t, juliantest.Endpoint{URL: "https://example.com/webhook"}) },
	"the provider": func(t *testing.T) {
		juliantest.Check(t, juliantest.Endpoint{URL: "https://julian.11x.ai/", AllowHosts: []string{"julian.11x.ai"}})
	},
	"unknown check":   func(t *testing.T) { juliantest.Check(t, right(), juliantest.Only("repaet")) },
	"unknown profile": func(t *testing.T) { juliantest.Check(t, right(), juliantest.Profile("quick")) },
	"no check left":   func(t *testing.T) { juliantest.Check(t, right(), juliantest.Only("repeat"), juliantest.Skip("repeat")) },
	"unknown sender":  func(t *testing.T) { juliantest.NewProvider(t, "thrice") },
	"bad value":       func(t *testing.T) { juliantest.Payload(t, juliantest.Call{Set: map[string]any{"name": func() {}}}) },
}

const secret = "a secret of the tests"

func right() juliantest.Endpoint { return endpoint(gotest.New(secret)) }

func broken(fault string) juliantest.Endpoint {
	webhook := gotest.New(secret)
	gotest.Faults[fault](webhook)
	return endpoint(webhook)
}

func endpoint(webhook *gotest.Webhook) juliantest.Endpoint {
	return juliantest.Endpoint{Handler: webhook, Secret: http.Header{"X-Webhook-Secret": {secret}}, Probe: webhook.Bookings}
}

// again is a request with the body that was read.
func again(r *http.Request, body []byte) *http.Request {
	r = r.Clone(context.Background())
	r.Body = io.NopCloser(bytes.NewReader(body))
	return r
}

func TestChild(t *testing.T) {
	scenario := scenarios[os.Getenv("SCENARIO")]
	if scenario == nil {
		t.Skip("this is the test of others")
	}
	scenario(t)
}

func child(t *testing.T, scenario string, args ...string) output {
	t.Helper()
	args = append([]string{"-test.v", "-test.run=^TestChild$"}, args...)
	return ran(t, exec.Command(os.Args[0], args...), "SCENARIO="+scenario)
}

func TestWhatIsSaid(t *testing.T) {
	t.Parallel()
	for scenario, want := range map[string]string{
		"nothing":         "Endpoint has neither a Handler nor a URL",
		"both":            "Endpoint has both a Handler and a URL: give one of them",
		"elsewhere":       `endpoint host "example.com" is not this machine and is not allowed: Endpoint.AllowHosts would allow it`,
		"the provider":    `endpoint host "julian.11x.ai" is the provider's own and is never a target`,
		"unknown check":   `"repaet" is neither a check nor a group; did you mean "repeat"?`,
		"unknown profile": `profile "quick" is not smoke, default or thorough`,
		"no check left":   "Only and Skip leave no check",
		"unknown sender":  `sender "thrice" is not one of once, retell, elevenlabs, dialpad, telnyx, worst`,
		"bad value":       `set "name": json: unsupported type: func()`,
	} {
		got := child(t, scenario)
		if !got.failed || !strings.Contains(got.text, ": juliantest: "+want+"\n") {
			t.Errorf("%s: want %q\n%s", scenario, want, got.text)
		}
		if !strings.Contains(got.text, "check_test.go:") {
			t.Errorf("%s: does not name the line of the test\n%s", scenario, got.text)
		}
	}
}

// A failure names the line of the test, and says what was found, the evidence, and
// what to do.
func TestFailure(t *testing.T) {
	t.Parallel()
	got := child(t, "broken", "-test.run=^TestChild$/^repeat$")
	repeat := checklist.Named("repeat")[0]
	for _, want := range []string{
		"check_test.go:",
		": processed 2 times, expected 1\n        check:  the endpoint " + repeat.Title + "\n        effect: call.julianctl-",
		"        sent:   first delivery call.julianctl-", ": 204 in ",
		"        why:    " + repeat.Why + "\n        hint:   " + repeat.Mend + "\n",
		"        rerun:  go test -run '^TestChild$/^repeat$'\n",
	} {
		if !strings.Contains(got.text, want) {
			t.Errorf("want %q", want)
		}
	}
	if !got.failed || !slices.Equal(got.verdicts["FAIL"], []string{"repeat"}) {
		t.Error("repeat did not fail alone")
	}
	if t.Failed() {
		t.Log(got.text)
	}
}

// A payload that was answered with 5xx is kept where go test keeps artifacts; otherwise a
// line says how.
func TestRefusedPayloadIsKept(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	if got := child(t, "refused"); !strings.Contains(got.text, "        payload: go test -artifacts keeps it\n") {
		t.Errorf("says nothing of it\n%s", got.text)
	}
	got := child(t, "refused", "-test.artifacts", "-test.outputdir="+dir)
	path := regexp.MustCompile(`(?m)^ +payload: ([^,\n]+)`).FindStringSubmatch(got.text)
	if path == nil {
		t.Fatal(got.text)
	}
	body, err := os.ReadFile(path[1])
	if err != nil || !bytes.Contains(body, []byte("{{")) || !strings.HasPrefix(path[1], dir) {
		t.Errorf("%v, %s in %s, want a template\n%s", err, body, path[1], got.text)
	}
}

// Without a probe the checks that need one fail, once, or are skipped where that is
// accepted; what is answered can fail all the same.
func TestNoProbe(t *testing.T) {
	t.Parallel()
	var undecided, skipped []string
	for _, c := range checklist.Selected(check.Options{Skip: []string{"speed"}}) {
		switch {
		case c.Needs == checklist.Effects:
			undecided = append(undecided, c.ID)
			skipped = append(skipped, c.ID)
		case c.ID == "https":
			skipped = append(skipped, c.ID)
		}
	}
	for _, tt := range []struct{ scenario, failed, skipped string }{
		{"no probe", undecided[0], strings.Join(skipped[1:], " ")},
		{"no probe, accepted", "", strings.Join(skipped, " ")},
		{"no probe, broken", "meta-characters", "repeat"},
	} {
		got := child(t, tt.scenario)
		const said = "undecided: answers alone cannot tell; count effects with Endpoint.Probe, or accept that with AllowUndecided\n"
		if d := gocmp.Diff([]string{tt.failed, tt.skipped}, []string{strings.Join(got.verdicts["FAIL"], " "), strings.Join(got.verdicts["SKIP"], " ")}); d != "" || !strings.Contains(got.text, said) {
			t.Errorf("%s: failed and skipped (-want +got):\n%s\n%s", tt.scenario, d, got.text)
		}
	}
}

// What came to no result fails: once for each reason.
func TestUndecidedFails(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct{ scenario, failed, said string }{
		{"probe fails", "repeat", "undecided: no count of effects: no such table: bookings\n"},
		{"wrong secret", "sample result-types", "undecided: a plain call is not acknowledged: 401 Unauthorized; a secret that it wants belongs in Endpoint.Secret\n"},
		{"no path", "sample result-types", `undecided: a plain call is not acknowledged: 404 Not Found; Endpoint.Path is "/": set it to where the handler takes deliveries`},
		{"nobody listens", "sample", "connection refused"},
		{"no path", "sample result-types", `hint:   Endpoint.Path is "/": set it`},
	} {
		got := child(t, tt.scenario)
		failed := strings.Fields(tt.failed)
		if !got.failed || !slices.Equal(got.verdicts["FAIL"], failed) || !strings.Contains(got.text, tt.said) || !strings.Contains(got.text, "undecided, as "+failed[len(failed)-1]+" is: ") {
			t.Errorf("%s: failed %v, want %s and %q\n%s", tt.scenario, got.verdicts["FAIL"], tt.failed, tt.said, got.text)
		}
	}
}

// What -run leaves out is not delivered: beside the check there is the plain call.
func TestFilteredIsNotDelivered(t *testing.T) {
	t.Parallel()
	unicode := checklist.Named("unicode")[0].Requests
	for run, n := range map[string]int{"unicode": unicode + 1, "nothing": 0} {
		want := fmt.Sprintf(": %d deliveries in all\n", n)
		if got := child(t, "counted", "-test.run=^TestChild$/^"+run+"$"); !strings.Contains(got.text, want) {
			t.Errorf("%s: want %q\n%s", run, want, got.text)
		}
	}
}

// A right consumer that books late is not blamed.
func TestLateEffects(t *testing.T) {
	t.Parallel()
	if got := child(t, "late"); got.failed || len(got.verdicts["PASS"]) < 30 {
		t.Errorf("failed %v\n%s", got.verdicts["FAIL"], got.text)
	}
}

// A path is one with or without its slash.
func TestPath(t *testing.T) {
	t.Parallel()
	if got := child(t, "path without a slash"); got.failed || !slices.Equal(got.verdicts["PASS"], []string{"sample"}) {
		t.Error(got.text)
	}
}

// A panic of the handler is printed with the test.
func TestPanicIsPrinted(t *testing.T) {
	t.Parallel()
	got := child(t, "panics")
	if !got.failed || !strings.Contains(got.text, "http: panic serving") || !strings.Contains(got.text, "no database") {
		t.Errorf("got %s", got.text)
	}
}

// Options and flags of go test select checks; what they leave out is not delivered.
func TestSelection(t *testing.T) {
	t.Parallel()
	var some []string
	for _, c := range checklist.Selected(check.Options{Only: []string{"idempotency", "methods"}, Skip: []string{"together", "after-pause"}}) {
		some = append(some, c.ID)
	}
	smoke := child(t, "smoke").verdicts["PASS"]
	if len(smoke) < 10 || slices.Contains(smoke, "json-forms") {
		t.Errorf("smoke: %v", smoke)
	}
	for _, tt := range []struct {
		scenario string
		args     []string
		want     string
	}{
		{"some", nil, strings.Join(some, " ")},
		{"right", []string{"-test.short"}, strings.Join(smoke, " ")},
		{"default though short", []string{"-test.short"}, "json-forms"},
		{"broken", []string{"-test.run=TestChild/sample|TestOther/repeat"}, "sample"},
		{"broken", []string{"-test.run=TestChild/(^sample|unicode)$"}, "sample unicode"},
		{"broken", []string{"-test.run=TestChild/[/a-z]*icode$"}, "unicode"},
		{"some", []string{"-test.skip=TestChild/(e|o)"}, "in-flight missing-call-id"},
		{"some", []string{"-test.skip=TestChild/e|TestChild/o/deeper"}, "lost-ack in-flight missing-call-id"},
		{"broken", []string{"-test.run=TestChild/repeat", "-test.skip=TestOther"}, ""},
	} {
		got := child(t, tt.scenario, tt.args...)
		if passed := got.verdicts["PASS"]; !slices.Equal(passed, strings.Fields(tt.want)) {
			t.Errorf("%s %v: %v, want %s\n%s", tt.scenario, tt.args, passed, tt.want, got.text)
		}
	}
}
