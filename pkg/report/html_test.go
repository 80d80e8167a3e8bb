package report_test

import (
	"encoding/json"
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/julianctl/julianctl/pkg/deliver"
	"github.com/julianctl/julianctl/pkg/report"
	"github.com/julianctl/julianctl/pkg/safetext"
	"github.com/julianctl/julianctl/pkg/timeline"
)

// readHTML reads the page as strictly as XML: every element ends, attributes
// are those of the layout, and what the cases say is there as text. It skips
// the scripts and styles, which are the same in all pages.
func readHTML(t testing.TB, r report.Report, out string) {
	t.Helper()
	_, body, _ := strings.Cut(out, "<body>")
	body, _, found := strings.Cut(body, "</main>")
	if !found {
		t.Fatalf("there is no page: %.2000q", out)
	}
	if n := strings.Count(strings.ToLower(out), "<script"); n != 0 && n != 4 {
		t.Errorf("%d script elements", n)
	}
	dec := xml.NewDecoder(strings.NewReader(body + "</main>"))
	var text strings.Builder
	for {
		token, err := dec.Token()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			t.Fatalf("%v in %.3000q", err, body)
		}
		switch token := token.(type) {
		case xml.StartElement:
			if !slices.Contains(strings.Fields("main header p h1 h2 span small dl div dt dd section ul li details summary code pre figure table thead tbody tr th td footer"), token.Name.Local) {
				t.Errorf("element %s", token.Name.Local)
			}
			for _, a := range token.Attr {
				if a.Name.Local != "class" && a.Name.Local != "colspan" {
					t.Errorf("attribute %s=%q of %s", a.Name.Local, a.Value, token.Name.Local)
				}
			}
		case xml.CharData:
			text.Write(token)
		case xml.Comment, xml.ProcInst, xml.Directive:
			t.Errorf("%T in the page", token)
		}
	}
	for _, c := range r.Cases {
		if c.Verdict == report.Pass || c.Verdict == report.Skip || len(r.Cases) > 100 {
			continue
		}
		fullMessage := []string{c.Name, c.Message}
		for i, f := range c.Findings { // they say more than the message
			fullMessage = append(fullMessage[:1+i], f.Message)
		}
		for _, want := range fullMessage {
			if want = safetext.Line(want); !strings.Contains(text.String(), strings.ReplaceAll(want, "\x00", "")) {
				t.Errorf("the page does not say %.200q", want)
			}
		}
	}
}

// naughty is the Big List of Naughty Strings, or what this package knows of
// such where the suites are not here.
func naughty(t *testing.T) []string {
	t.Helper()
	dir := os.Getenv("JULIANCTL_SUITES")
	if dir == "" {
		t.Log("JULIANCTL_SUITES is not set: the Big List of Naughty Strings is not read")
		return hostile
	}
	body, err := os.ReadFile(filepath.Join(dir, "blns", "blns.json"))
	if err != nil {
		t.Fatal(err)
	}
	var texts []string
	if err := json.Unmarshal(body, &texts); err != nil || len(texts) < 400 {
		t.Fatalf("%d naughty strings: %v", len(texts), err)
	}
	return append(texts, hostile...)
}

// hostileAll holds hostile text wherever a page may hold what others wrote.
func hostileAll(t *testing.T) report.Report {
	r := report.Report{Name: "check", Version: "</footer><script>"}
	o := &report.Overview{Verdict: report.Fail, Title: "</title><script>document.title = 'owned'</script>"}
	table := report.Table{Columns: []report.Column{{Name: hostile[0]}, {Name: "<script>"}}, Open: 5, More: "</table><img src=x>"}
	plot := report.Plot{Title: "<img src=x onerror=alert(1)>", Along: report.Elapsed, Up: report.Count, X: report.Values{0, 1, 2}}
	for i, text := range naughty(t) {
		r.Add(report.Case{Name: text, Title: text, Group: hostile[i/100], Verdict: report.Fail, Message: text, Detail: text + "\n" + text})
		o.Facts = append(o.Facts, report.Fact{Name: text, Value: text})
		o.Figures = append(o.Figures, report.Figure{Name: text, Value: text})
		table.Rows = append(table.Rows, []report.Cell{{Text: text, Code: true}, {Text: text, Verdict: report.Warn}})
		if i%40 == 0 {
			plot.Series = append(plot.Series, report.Series{Label: text, Ink: report.Ink1, Y: report.Values{1, float64(i), math.NaN()}})
			plot.Marks = append(plot.Marks, report.Mark{Label: text, At: float64(i), Ink: report.InkBad})
		}
	}
	o.Sections = []report.Section{{Title: hostile[0], Note: "</p><script>", Plots: []report.Plot{plot}, Table: table}}
	o.Facts, o.Figures = o.Facts[max(0, len(o.Facts)-60):], o.Figures[max(0, len(o.Figures)-20):]
	r.Overview = o
	return r
}

func TestNaughtyTextStaysText(t *testing.T) {
	r := hostileAll(t)
	out := write(t, "html", r)
	checkShown(t, "html", out)
	readHTML(t, r, out)
}

// checkedWithPlots is a report of checks as large as they come.
func checkedWithPlots() report.Report {
	r := report.Report{Name: "check", Version: "1.2.3", Started: time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC), Took: 12400 * time.Millisecond}
	for _, c := range []report.Case{
		{Name: "sample", Group: "accepts", Title: "accepts the documented sample", Verdict: report.Pass, Message: "204 in 1.2 ms", Detail: "the sample: 204 in 1.2 ms"},
		{Name: "result-types", Group: "accepts", Title: "accepts every result type", Verdict: report.Pass, Message: "13 of 13 acknowledged"},
		{Name: "unknown-result-type", Group: "accepts", Title: "accepts a result type of tomorrow", Verdict: report.Warn, Message: "422 for \"Callback Requested\": a new type would be lost", Detail: "unknown result type: 422 in 0.8 ms"},
		{Name: "repeat", Group: "idempotency", Title: "handles a repeat once", Verdict: report.Pass, Message: "1 effect after 2 deliveries"},
		{Name: "together", Group: "idempotency", Title: "handles copies at one instant once", Verdict: report.Fail, Message: "2 effects for one callId: 8 copies within 84 µs raced", Detail: "copy 1: 204 in 1.4 ms\ncopy 2: 204 in 1.5 ms\neffects before: 0, after: 2\nrepeat: julianctl check --to http://127.0.0.1:8080/webhooks/julian --only together --seed 1"},
		{Name: "budget", Group: "speed", Title: "acknowledges in time", Verdict: report.Pass, Message: "p99 is 3.1 ms, within 2 s"},
		{Name: "slope", Group: "speed", Title: "answers before it works", Verdict: report.Undecided, Message: "too few answers to tell"},
		{Name: "secret", Group: "security", Title: "refuses a wrong secret", Verdict: report.Skip, Message: "no secret was given with -H"},
	} {
		c.Took = 31 * time.Millisecond
		r.Add(c)
	}
	size := report.Plot{
		Title: "Latency by size of the transcript", Along: report.Bytes, Up: report.Millisecond, Half: true,
		X: report.Values{1 << 10, 64 << 10, 256 << 10, 512 << 10, 1 << 20}, Series: []report.Series{{Label: "median of 5", Ink: report.Ink1, Y: report.Values{1.1, 1.3, 2.2, 3.9, 7.4}, Weight: 2}},
	}
	burst := report.Plot{
		Title: "Latency in a burst of 50", Along: report.Number, Up: report.Millisecond, Half: true,
		Series: []report.Series{{Label: "cold", Ink: report.Ink2, Dots: true}, {Label: "warm", Ink: report.Ink1, Dots: true}},
		Marks:  []report.Mark{{Label: "p99 at most 20 ms", At: 20, Ink: report.InkBad}},
	}
	for i := range 50 {
		burst.X = append(burst.X, float64(i+1))
		burst.Series[0].Y = append(burst.Series[0].Y, 4+3*math.Sin(float64(i*i)))
		burst.Series[1].Y = append(burst.Series[1].Y, 2+math.Cos(float64(i*i)))
	}
	r.Overview = &report.Overview{
		Title:    "The endpoint is not ready: 1 of 8 checks failed",
		Facts:    []report.Fact{{Name: "Target", Value: "http://127.0.0.1:8080/webhooks/julian"}, {Name: "Probe", Value: "./count-effects {callId}"}, {Name: "Seed", Value: "1"}},
		Sections: []report.Section{{Title: "Speed", Plots: []report.Plot{size, burst}}},
	}
	return r
}

// A page stays small however long the run was.
func TestPagesAreBounded(t *testing.T) {
	start := time.Now()
	line := timeline.New(start)
	r := report.Report{Name: "replay"}
	view := report.Replay{Copies: 2}
	for i := range 100_000 {
		at := start.Add(time.Duration(i) * 50 * time.Millisecond)
		a := deliver.Answer{Status: 500, Due: at, Sent: at, Answered: at.Add(time.Duration(1+i%7919) * time.Microsecond)}
		line.Add(deliver.Result{Answer: a, Err: errFull})
		view.Summary.Latency.Record(a.Latency())
		message := "status 500"
		if i >= 1000 {
			message = fmt.Sprint("no two alike ", i%300)
		}
		r.Add(report.Case{Name: fmt.Sprint("calls.ndjson:", i), Group: "delivery", Verdict: report.Fail, Message: message, Detail: strings.Repeat("long ", 40)})
	}
	for i := range deliver.KeptGroups {
		g := deliver.Group{Source: "calls.ndjson", Line: i}
		for n := range 50 {
			g.Copies = append(g.Copies, deliver.Copy{Number: n + 1, Status: 200, BodyHash: [32]byte{byte(n)}, Answer: strings.Repeat("x", 200)})
		}
		view.Summary.Groups.Worst = append(view.Summary.Groups.Worst, g)
	}
	view.Summary.Groups.Total = 1_000_000
	view.Series = line.Series()
	r.Overview = view.Overview()
	out := write(t, "html", r)
	t.Logf("%d bytes", len(out))
	if len(out) > 400_000 {
		t.Errorf("a page of %d bytes", len(out))
	}
	readHTML(t, r, out)
	for _, fullMessage := range []string{"999,900 more not listed", "and 900 more", "and 2,614 more", "not listed: 95,000 failed", "46 other answers"} {
		if !strings.Contains(out, fullMessage) {
			t.Errorf("the page does not say %q", fullMessage)
		}
	}
}

// What an endpoint answered is told apart by status and body, the most frequent
// first, and without secrets.
func TestReplayGroups(t *testing.T) {
	start := time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)
	answer := func(n, status int, body string, took time.Duration) deliver.Copy {
		c := deliver.Copy{Number: n, Status: status, Due: start, Answered: start.Add(took), Answer: body}
		c.BodyHash[0] = byte(len(body))
		return c
	}
	r := report.Replay{
		Copies: 4, Hide: func(s string) string { return strings.ReplaceAll(s, "s3cret", "***") },
		Summary: deliver.Summary{Groups: deliver.Groups{Total: 5, Acknowledged: 3, Partial: 2, Cut: 1, Unsent: 2, Differ: 2, DifferStatus: 1, DifferBody: 2, Worst: []deliver.Group{
			{Source: "a.json", Line: 1, CallID: "call.1", First: 2, DifferStatus: true, DifferBody: true, Copies: []deliver.Copy{
				answer(1, 500, "who is s3cret?", 9*time.Millisecond), answer(2, 200, "", time.Millisecond), answer(3, 200, "", 2*time.Millisecond),
				{Number: 4, Class: deliver.Timeout, Due: start, Answered: start.Add(5 * time.Second)},
			}},
			{Source: "c.json", Line: 3, Copies: []deliver.Copy{{Number: 1, Class: deliver.Unreachable, Due: start, Answered: start}}},
			{Source: "d.json", Line: 4, First: 1, Acknowledged: true, Unsent: []int{3, 4}, Copies: []deliver.Copy{answer(1, 204, "", 0), answer(2, 204, "", 0)}},
			{Source: "b.json", Line: 2, First: 1, Acknowledged: true, DifferBody: true, Skew: 84 * time.Microsecond, Copies: []deliver.Copy{answer(1, 200, "{\n}", 0), answer(2, 200, "{}", 0)}},
		}}},
	}
	code := func(s string) report.Cell { return report.Cell{Text: s, Code: true} }
	want := []report.Section{{
		Title: "Duplicates",
		Note:  "5 groups of 4 copies, 3 acknowledged, 2 not answered to the last copy, 1 not sent to the last copy, answers differ in 2 (1 by status, 2 by body).",
		Table: report.Table{
			Columns: []report.Column{{Name: "Payload"}, {}, {Name: "Answers"}, {Name: "First", Number: true}, {Name: "Slowest", Number: true}, {Name: "Skew", Number: true}},
			Rows: [][]report.Cell{
				{code("call.1\na.json:1"), {Text: "statuses differ", Verdict: report.Fail}, code("2 × 200\n1 × 500 who is ***?\n1 × timeout"), {Text: "copy 2"}, {Text: "5s"}, {Text: "–"}},
				{code("c.json:3"), {Text: "could not be sent", Verdict: report.Undecided}, code("1 × unreachable"), {Text: "–"}, {Text: "0s"}, {Text: "–"}},
				{code("d.json:4"), {Text: "2 of 4 not sent", Verdict: report.Skip}, code("2 × 204\n2 × not sent"), {Text: "copy 1"}, {Text: "0s"}, {Text: "–"}},
				{code("b.json:2"), {Text: "bodies differ", Verdict: report.Warn}, code("1 × 200 { }\n1 × 200 {}"), {Text: "copy 1"}, {Text: "0s"}, {Text: "84µs"}},
			},
			Open: 10, More: "These are the worst; 1 more not listed.",
		},
	}}
	if diff := cmp.Diff(want, r.Overview().Sections); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

// A limit has its row and its mark, kept or missed.
func TestReplayLimits(t *testing.T) {
	limits, err := deliver.ParseLimits("p50=5ms,p99=20ms,p80=1s")
	if err != nil {
		t.Fatal(err)
	}
	r := report.Replay{Limits: limits}
	for i := range 100 {
		r.Summary.Latency.Record(time.Duration(1+i/2) * time.Millisecond)
	}
	var got [][]string
	o := r.Overview()
	for _, row := range o.Sections[0].Table.Rows {
		var texts []string
		for _, c := range row {
			texts = append(texts, c.Text+string(c.Verdict))
		}
		got = append(got, texts)
	}
	want := [][]string{
		{"p50", "25ms", "5ms", "missedFAIL"}, {"p75", "38ms", "", ""}, {"p80", "40ms", "1s", "keptPASS"}, {"p90", "45ms", "", ""},
		{"p95", "48ms", "", ""}, {"p99", "50ms", "20ms", "missedFAIL"}, {"max", "50ms", "", ""},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("rows (-want +got):\n%s", diff)
	}
	figures := []report.Figure{
		{Name: "Sent", Value: "0"}, {Name: "As expected", Value: "0"}, {Name: "Failed", Value: "0"},
		{Name: "p50", Value: "25ms", Verdict: report.Fail}, {Name: "p90", Value: "45ms"}, {Name: "p99", Value: "50ms", Verdict: report.Fail}, {Name: "max", Value: "50ms"},
	}
	if diff := cmp.Diff(figures, o.Figures); diff != "" {
		t.Errorf("figures (-want +got):\n%s", diff)
	}
}

// One delivery has no course over time, however long it took.
func TestOneDeliveryHasNoCharts(t *testing.T) {
	series := timeline.Series{Width: 10 * time.Millisecond, Buckets: make([]timeline.Bucket, 30)}
	series.Buckets[29].Classes[2] = 1
	for ok, want := range map[int]int{1: 0, 2: 1} {
		r := report.Replay{Summary: deliver.Summary{Planned: ok, Sent: ok, OK: ok}, Series: series}
		plots := 0
		for _, section := range r.Overview().Sections {
			plots += len(section.Plots)
		}
		if plots != want {
			t.Errorf("%d deliveries have %d charts, want %d", ok, plots, want)
		}
	}
}
