package juliantest_test

import (
	"bytes"
	"net/http"
	"net/http/httptest"
	"os/exec"
	"slices"
	"strings"
	"testing"

	"github.com/julianctl/julianctl/pkg/julian"
	"github.com/julianctl/julianctl/pkg/juliantest"
	"github.com/julianctl/julianctl/pkg/needs"
	"github.com/julianctl/julianctl/pkg/payload"
	"github.com/julianctl/julianctl/pkg/validate"
)

func TestPayloadIsCorrect(t *testing.T) {
	v, err := validate.New(validate.Options{Strict: true})
	if err != nil {
		t.Fatal(err)
	}
	for _, result := range julian.ResultTypes() {
		body := juliantest.Payload(t, juliantest.Call{ResultType: result.Name, Set: map[string]any{"customInputVariables.crm": 4}})
		if issues := v.Issues(payload.Document{Body: body}); len(issues) > 0 || !bytes.Contains(body, []byte(`"crm":4`)) {
			t.Errorf("%s: %v\n%s", result.Name, issues, body)
		}
	}
}

func TestSeedOfPayload(t *testing.T) {
	of := func(seed uint64) string { return string(juliantest.Payload(t, juliantest.Call{Seed: seed})) }
	first, unseeded := of(1), of(0)
	if of(1) != first || of(2) == first || of(0) == unseeded {
		t.Error("want the same bytes for the same seed, and others for another and for none")
	}
}

// Answers are those of the endpoint, in a number that was asked for.
func TestDuplicate(t *testing.T) {
	t.Parallel()
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path != "/hook" || r.Header.Get("X-Tenant") != "a" {
			panic(http.ErrAbortHandler)
		}
		http.Error(w, "no", http.StatusTeapot)
	}))
	defer srv.Close()
	e := juliantest.Endpoint{URL: srv.URL + "/hook", Header: http.Header{"X-Tenant": {"a"}}}
	for _, a := range juliantest.Duplicate(t, e, []byte("{}"), 3) {
		if a.Status != http.StatusTeapot || string(a.Body) != "no\n" || a.Err != nil {
			t.Errorf("got %+v", a)
		}
	}
	if a := juliantest.Deliver(t, juliantest.Endpoint{URL: srv.URL}, []byte("{}")); a.Status != 0 || a.Err == nil {
		t.Errorf("got %+v, want no answer", a)
	}
}

// What a user's tests are built with is no more than the package says.
func TestDependencies(t *testing.T) {
	t.Parallel()
	needs.Program(t, "go")
	out, err := exec.Command("go", "list", "-deps", "-f", "{{if and .Module (not .Module.Main)}}{{.Module.Path}}{{end}}", ".").Output()
	if err != nil {
		t.Fatal(err)
	}
	modules := strings.Fields(string(out))
	slices.Sort(modules)
	got := strings.Join(slices.Compact(modules), " ")
	want := "github.com/HdrHistogram/hdrhistogram-go github.com/klauspost/compress github.com/molecule-man/go-brrr " +
		"github.com/tidwall/gjson github.com/tidwall/match github.com/tidwall/pretty github.com/tidwall/sjson " +
		"github.com/valyala/bytebufferpool github.com/valyala/fasthttp golang.org/x/sync golang.org/x/sys"
	if got != want {
		t.Errorf("got %s\nwant %s", got, want)
	}
}
