package main

import (
	"bytes"
	"context"
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/julianctl/julianctl/pkg/cli"
	"github.com/julianctl/julianctl/pkg/cmd/root"
	"github.com/julianctl/julianctl/pkg/julian"
	"github.com/julianctl/julianctl/pkg/page/browsertest"
	"github.com/julianctl/julianctl/pkg/terminal"
)

// listenUI runs "listen --ui" until the test ends, and returns where deliveries
// go and where the inspector is.
func listenUI(t *testing.T, args ...string) (hook, page string) {
	t.Helper()
	dir := t.TempDir()
	var shown buffer
	out := terminal.NewOutput(&shown)
	a := &cli.App{In: strings.NewReader(""), Out: out, Err: out, Now: time.Now, Env: func(name string) string { return map[string]string{"HOME": dir}[name] }}
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan int, 1)
	go func() {
		done <- root.Run(ctx, a, append([]string{"listen", "--addr", "127.0.0.1:0", "--ui", "--ui-addr", "127.0.0.1:0", "--config", os.DevNull}, args...))
	}()
	t.Cleanup(func() {
		cancel()
		if code := <-done; code != cli.ExitYes {
			t.Errorf("exit %d: %s", code, shown.String())
		}
	})
	place := func(before string) string {
		pattern := regexp.MustCompile(before + ` (http://\S+)`)
		for range 2000 {
			if found := pattern.FindStringSubmatch(shown.String()); found != nil {
				return found[1]
			}
			<-time.After(5 * time.Millisecond)
		}
		t.Fatalf("it does not say %q: %s", before, shown.String())
		return ""
	}
	return place("listening on"), place("inspector at")
}

// behindUI is an endpoint that remembers what it got.
type behindUI struct {
	*httptest.Server
	mu     sync.Mutex
	bodies [][]byte
	header []http.Header
}

func newBehindUI(t *testing.T) *behindUI {
	e := &behindUI{}
	e.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(r.Body)
		if err != nil {
			t.Error(err)
		}
		e.mu.Lock()
		defer e.mu.Unlock()
		e.bodies, e.header = append(e.bodies, body), append(e.header, r.Header)
		w.WriteHeader(http.StatusAccepted)
		_, _ = io.WriteString(w, "taken")
	}))
	t.Cleanup(e.Close)
	return e
}

func (e *behindUI) got() [][]byte {
	e.mu.Lock()
	defer e.mu.Unlock()
	return slices.Clone(e.bodies)
}

func deliverTo(t *testing.T, url string, body []byte) {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), http.MethodPost, url, bytes.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("X-Api-Key", "secret-of-the-organization")
	r.Header.Set("X-Attempt", "1")
	res, err := http.DefaultClient.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	res.Body.Close()
	if res.StatusCode/100 != 2 {
		t.Fatalf("status %d", res.StatusCode)
	}
}

func inPage(p *browsertest.Page, script string) {
	browsertest.Eval[bool](p, "(() => {"+script+"})() || true")
}

// The whole way: what comes in is on the page at once, goes out again byte for
// byte, and becomes a fixture without the person in it.
func TestListenUI(t *testing.T) {
	browser := browsertest.Start(t)
	behind := newBehindUI(t)
	fixtures := filepath.Join(t.TempDir(), "fixtures")
	hook, page := listenUI(t, "--forward-to", behind.URL+"/webhook", "--fixtures", fixtures)
	p := browser.Open(t, page, browsertest.View{})
	p.Until(t, `document.querySelector(".live.good")`)
	p.Until(t, `document.querySelector("#none").textContent.includes("julianctl replay --dup --to `+hook+`")`)

	// How long it takes to be seen, from when the sender began.
	inPage(p, `window.seen = {}; new MutationObserver(() => { for (const e of document.querySelectorAll(".room .row:not(.waiting)")) seen[e.id] ??= performance.timeOrigin + performance.now(); })
		.observe(document.querySelector(".room"), { childList: true, subtree: true })`)
	best := time.Hour
	sample := julian.Sample()
	for _, id := range []string{"d1", "d2", "d3", "d4", "d5"} {
		began := time.Now()
		deliverTo(t, hook, sample)
		p.Until(t, `seen.`+id)
		at := time.UnixMicro(int64(1000 * browsertest.Eval[float64](p, "seen."+id)))
		t.Logf("seen %v after the sender began", at.Sub(began))
		best = min(best, at.Sub(began))
	}
	if best > 200*time.Millisecond {
		t.Errorf("a delivery is seen only after %v", best)
	}

	inPage(p, `document.querySelector("#d5").click()`)
	p.Until(t, `document.querySelector(".actions .main")`)
	before := len(behind.got())
	inPage(p, `document.querySelector(".actions .main").click(); const d = document.querySelector("dialog");
		d.querySelector("input[type=number]").value = 3; d.querySelector("input[type=checkbox]").checked = true; d.querySelector("form .main").click()`)
	p.Until(t, `document.querySelectorAll(".answers .badge.good").length === 3 && document.querySelector(".answers").textContent.includes("taken")`)
	sent := behind.got()[before:]
	if len(sent) != 3 {
		t.Fatalf("the endpoint got %d", len(sent))
	}
	for i, body := range sent {
		if header := behind.header[before+i]; !bytes.Equal(body, sample) || header.Get("X-Attempt") != "1" || header["X-Api-Key"] != nil {
			t.Errorf("copy %d: header %v, body %q", i, header, body)
		}
	}
	p.CheckQuiet() // browsers log what is refused below
	inPage(p, `const d = document.querySelector("dialog"); const to = d.querySelector("select"); to.value = ""; to.dispatchEvent(new Event("change"));
		d.querySelector("input[type=url]").value = "https://example.com/hook"; d.querySelector("form .main").click()`)
	p.Until(t, `document.querySelector(".answers .bad").textContent.includes("example.com")`)
	inPage(p, `document.querySelector("dialog").close()`)

	inPage(p, `[...document.querySelectorAll(".actions button")].find((b) => b.textContent === "Make a fixture").click()`)
	p.Until(t, `document.querySelector("#toast").textContent.includes("pseudonyms")`)
	files, err := filepath.Glob(filepath.Join(fixtures, "*.json"))
	if err != nil || len(files) != 1 {
		t.Fatalf("fixtures are %v, %v", files, err)
	}
	fixture, err := os.ReadFile(files[0])
	if err != nil || bytes.Contains(fixture, []byte("Wembly")) || !bytes.Contains(fixture, []byte("Goal Completed")) {
		t.Errorf("the fixture is %s, %v", fixture, err)
	}
	if info, err := os.Stat(files[0]); err != nil || info.Mode().Perm()&0o077 != 0 {
		t.Errorf("others can read it: %v, %v", info.Mode(), err)
	}
}

// The inspector is not where deliveries are taken, so no tunnel leads to it.
func TestListenUIIsApart(t *testing.T) {
	hook, page := listenUI(t)
	for _, path := range []string{"", "api/list", "assets/main.js"} {
		r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, hook+path, nil)
		if err != nil {
			t.Fatal(err)
		}
		res, err := http.DefaultClient.Do(r)
		if err != nil {
			t.Fatal(err)
		}
		res.Body.Close()
		if res.StatusCode != http.StatusMethodNotAllowed {
			t.Errorf("GET %s of the listener: %d", path, res.StatusCode)
		}
	}
	res, err := http.DefaultClient.Do(func() *http.Request {
		r, err := http.NewRequestWithContext(t.Context(), http.MethodPost, page, bytes.NewReader(julian.Sample()))
		if err != nil {
			t.Fatal(err)
		}
		return r
	}())
	if err != nil {
		t.Fatal(err)
	}
	res.Body.Close()
	if res.StatusCode != http.StatusForbidden {
		t.Errorf("a delivery to the inspector: %d", res.StatusCode)
	}
}

// What is typed into the search field is a filter where it has an operator, and
// words otherwise.
func TestInspectorFilter(t *testing.T) {
	hook, page := listenUI(t, "--log", filepath.Join(t.TempDir(), "log.db"))
	for _, body := range []string{
		`{"callId": "call.1", "name": "Ann", "duration": 30, "callResult": {"resultType": "Busy"}}`,
		`{"callId": "call.2", "name": "Bob", "duration": 60, "callResult": {"resultType": "Voicemail"}}`,
		`{"callId": "call.3", "name": "Ann", "duration": 90, "callResult": {"resultType": "Voicemail"}}`,
	} {
		deliverTo(t, hook, []byte(body))
	}
	ask := func(path, text, more string) (answer struct {
		Error string
		Rows  []struct{ ID int64 }
		Runs  [][2]int64
		Types []struct {
			Name  string
			Count int
		}
	}) {
		t.Helper()
		r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, page+"api/"+path+"?text="+url.QueryEscape(text)+more, nil)
		if err != nil {
			t.Fatal(err)
		}
		res, err := http.DefaultClient.Do(r)
		if err != nil {
			t.Fatal(err)
		}
		defer res.Body.Close()
		if err := json.NewDecoder(res.Body).Decode(&answer); err != nil {
			t.Fatal(err)
		}
		return answer
	}
	for _, tt := range []struct {
		text, more string
		want       []int64
	}{
		{"duration>50", "", []int64{3, 2}},
		{"duration>50,callResult.resultType=Voicemail,name=Ann", "", []int64{3}},
		{"duration>50", "&after=2", []int64{3}},
		{"duration>50", "&only=failed", nil},
		{"call=call.1,call=call.2,since=1h", "", []int64{2, 1}},
		{"callResult.resultTyp=Busy", "", nil},
		{"ann", "", []int64{3, 1}},
		{"", "", []int64{3, 2, 1}},
	} {
		var got []int64
		for _, row := range ask("list", tt.text, tt.more).Rows {
			got = append(got, row.ID)
		}
		if !slices.Equal(got, tt.want) {
			t.Errorf("%q%s lists %v, want %v", tt.text, tt.more, got, tt.want)
		}
	}
	if got := ask("index", "duration>50", "").Runs; !slices.Equal(got, [][2]int64{{3, 2}}) {
		t.Errorf("the index is %v", got)
	}
	if got := ask("timeline", "duration>50", "").Types; len(got) != 1 || got[0].Name != "Voicemail" || got[0].Count != 2 {
		t.Errorf("the chart is of %v", got)
	}
	if got := ask("list", "duration>>5", "").Error; !strings.Contains(got, `"duration>>5" has >>; the operators are`) {
		t.Errorf("a mistake is told as %q", got)
	}
	// What comes meanwhile is found, too.
	deliverTo(t, hook, []byte(`{"callId": "call.4", "duration": 70}`))
	if got := ask("index", "duration>50", "").Runs; !slices.Equal(got, [][2]int64{{4, 3}}) {
		t.Errorf("then the index is %v", got)
	}
}
