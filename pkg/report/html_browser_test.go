package report_test

import (
	"fmt"
	"io"
	"iter"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/julianctl/julianctl/pkg/deliver"
	"github.com/julianctl/julianctl/pkg/page/browsertest"
	"github.com/julianctl/julianctl/pkg/payload"
	"github.com/julianctl/julianctl/pkg/report"
	"github.com/julianctl/julianctl/pkg/timeline"
)

// payloads are n documents with a callId each.
func payloads(n int) iter.Seq2[payload.Document, error] {
	return func(yield func(payload.Document, error) bool) {
		for i := range n {
			body := fmt.Appendf(nil, `{"callId":"call.%06d","agentId":"agent.abc123"}`, i+1)
			if !yield(payload.Document{Source: "calls.ndjson", Line: i + 1, Body: body}, nil) {
				return
			}
		}
	}
}

// replay runs a plan against an endpoint of this process and makes the report
// of it.
func replay(t *testing.T, n int, plan deliver.Plan, limits string, endpoint http.HandlerFunc) report.Report {
	t.Helper()
	server := httptest.NewServer(endpoint)
	t.Cleanup(server.Close)
	u, err := url.Parse(server.URL + "/webhooks/julian")
	if err != nil {
		t.Fatal(err)
	}
	target, err := deliver.Guard{}.Target(u)
	if err != nil {
		t.Fatal(err)
	}
	client, err := deliver.New(target, deliver.Options{Timeout: 5 * time.Second})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(client.Close)
	r := report.Report{Name: "replay", Version: "1.2.3", Started: time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)}
	line := timeline.New(time.Now())
	view := report.Replay{Copies: plan.Duplicates + 1, Verdict: report.Pass}
	view.Summary = client.Run(t.Context(), payloads(n), plan, func(result deliver.Result) {
		line.Add(result)
		c := report.Case{Name: fmt.Sprintf("%s:%d %s", result.Document.Source, result.Document.Line, result.CallID()), Group: "delivery", Verdict: report.Pass, Took: result.Answer.Latency()}
		if result.Err != nil {
			c.Verdict, c.Message = report.Fail, result.Err.Error()
			if len(result.Answer.Body) > 0 {
				c.Detail = "answer: " + string(result.Answer.Body)
			}
		}
		r.Add(c)
	})
	view.Series = line.Series()
	if limits != "" {
		if view.Limits, err = deliver.ParseLimits(limits); err != nil {
			t.Fatal(err)
		}
	}
	view.Title = fmt.Sprintf("%d deliveries answered 2xx", view.Summary.OK)
	if s := view.Summary; s.Failed > 0 {
		view.Verdict, view.Title = report.Fail, fmt.Sprintf("%d of %d deliveries failed", s.Failed, s.Planned)
	}
	view.Facts = []report.Fact{{Name: "Target", Value: target.String()}, {Name: "Payloads", Value: fmt.Sprintf("%d from calls.ndjson", n)}}
	r.Took, r.Overview = view.Summary.Elapsed, view.Overview()
	return r
}

// replays are reports of real runs, and how many charts each has.
var replays = map[string]struct {
	charts int
	make   func(*testing.T) report.Report
}{
	"one": {0, func(t *testing.T) report.Report {
		return replay(t, 1, deliver.Plan{}, "", func(http.ResponseWriter, *http.Request) {})
	}},
	"stall": {3, func(t *testing.T) report.Report {
		var begun atomic.Pointer[time.Time]
		return replay(t, 1000, deliver.Plan{Rate: 1000, Concurrency: 32}, "p50=50ms,p99=100ms", func(_ http.ResponseWriter, r *http.Request) {
			now := time.Now()
			begun.CompareAndSwap(nil, &now)
			if since := now.Sub(*begun.Load()); since > 400*time.Millisecond && since < 600*time.Millisecond {
				<-time.After(600*time.Millisecond - since)
			}
			_, _ = io.Copy(io.Discard, r.Body)
		})
	}},
	"failing": {3, func(t *testing.T) report.Report {
		var n atomic.Int64
		return replay(t, 2000, deliver.Plan{Concurrency: 8}, "", func(w http.ResponseWriter, r *http.Request) {
			_, _ = io.Copy(io.Discard, r.Body)
			switch n := n.Add(1); {
			case n%40 == 0:
				http.Error(w, `{"error":"database is locked"}`, http.StatusInternalServerError)
			case n%90 == 0:
				http.Error(w, "who are you?", http.StatusUnauthorized)
			case n%333 == 0:
				panic(http.ErrAbortHandler)
			}
		})
	}},
	"duplicates": {3, func(t *testing.T) report.Report {
		var n atomic.Int64
		return replay(t, 300, deliver.Plan{Duplicates: 3, Mode: deliver.AtOnce, Concurrency: 4}, "max=10s", func(w http.ResponseWriter, r *http.Request) {
			body, _ := io.ReadAll(r.Body)
			n := n.Add(1)
			switch {
			case strings.Contains(string(body), "7\",") && n%2 == 0:
				w.WriteHeader(http.StatusConflict)
			case strings.Contains(string(body), "05\","):
				_, _ = fmt.Fprintf(w, `{"record":%d,"created":true}`, n)
			}
		})
	}},
}

func TestReplayInBrowser(t *testing.T) {
	browser := browsertest.Start(t)
	for name, run := range replays {
		t.Run(name, func(t *testing.T) {
			p := openReport(t, browser, run.make(t), "replay "+name)
			p.CheckCharts(run.charts)
			if left := browsertest.Eval[int](p, `[...document.querySelectorAll("figure.plot")].filter((f) => !f.querySelector("canvas")).length`); left > 0 {
				t.Errorf("%d figures are empty", left)
			}
		})
	}
}

func TestOtherReportsInBrowser(t *testing.T) {
	browser := browsertest.Start(t)
	for name, r := range map[string]report.Report{"check": checkedWithPlots(), "validate": validated(), "hostile": hostileAll(t)} {
		t.Run(name, func(t *testing.T) {
			p := openReport(t, browser, r, name)
			if n := browsertest.Eval[int](p, `document.querySelectorAll("img, iframe, a, form, input, link, object, main script, main style").length`); n > 0 {
				t.Errorf("%d elements were smuggled in", n)
			}
			if got := browsertest.Eval[string](p, "document.title"); !strings.HasPrefix(got, "julianctl ") {
				t.Errorf("the title is %q", got)
			}
		})
	}
}

// openReport opens the page of a report in every view, and proves what holds of
// every page.
func openReport(t *testing.T, browser *browsertest.Browser, r report.Report, name string) *browsertest.Page {
	t.Helper()
	path := filepath.Join(t.TempDir(), "report.html")
	if err := os.WriteFile(path, []byte(write(t, "html", r)), 0o600); err != nil {
		t.Fatal(err)
	}
	p := browser.Open(t, (&url.URL{Scheme: "file", Path: filepath.ToSlash(path)}).String(), browsertest.View{})
	for view, v := range browsertest.Views {
		p.Show(v)
		p.CheckFits()
		p.Picture(name + " " + view)
	}
	p.CheckQuiet() // in all of them
	return p
}
