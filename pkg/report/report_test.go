package report_test

import (
	"bytes"
	"encoding/json"
	"encoding/xml"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/julianctl/julianctl/pkg/report"
)

func ExampleRecords() {
	r := report.NewRecords(os.Stdout, "replay")
	_ = r.Write("delivery", struct {
		CallID string `json:"callId"`
		Status int    `json:"status"`
	}{"call.abc123", 204})
	_ = r.Write("summary", struct {
		Sent int `json:"sent"`
	}{1})
	// Output:
	// {"schema":"julianctl.replay/v1","kind":"delivery","callId":"call.abc123","status":204}
	// {"schema":"julianctl.replay/v1","kind":"summary","sent":1}
}

// A record holds nothing that acts on a terminal or a CI log, and decodes to
// what went in.
func TestRecordsAreSafeAndFaithful(t *testing.T) {
	hostile := "a\x1b[31m\x07\r\n\t\x7f\u0085\u009b\u200b\u202e\u2066\ufeff\u061c\U000e0041é😀 ::error:: ##[error] ### </script>"
	var b bytes.Buffer
	if err := report.NewRecords(&b, "listen").Write("delivery", map[string]string{"name": hostile}); err != nil {
		t.Fatal(err)
	}
	line := b.String()
	for _, r := range "\x1b\x07\r\t\x7f\u0085\u009b\u200b\u202e\u2066\ufeff\u061c\U000e0041" {
		if strings.ContainsRune(line, r) {
			t.Errorf("record holds %U: %q", r, line)
		}
	}
	if strings.Contains(line, "##[") {
		t.Errorf("record holds ##[: %q", line)
	}
	if !strings.Contains(line, "é😀") {
		t.Errorf("ordinary text was escaped: %q", line)
	}
	var got struct{ Schema, Kind, Name string }
	if err := json.Unmarshal(b.Bytes(), &got); err != nil {
		t.Fatal(err)
	}
	if got.Name != hostile || got.Schema != "julianctl.listen/v1" || got.Kind != "delivery" {
		t.Errorf("record decodes to %+q", got)
	}
}

func TestRecordsRefuseWhatIsNoObject(t *testing.T) {
	var b bytes.Buffer
	r := report.NewRecords(&b, "x")
	for _, v := range []any{[]int{1}, "text", nil, make(chan int)} {
		if err := r.Write("k", v); err == nil {
			t.Errorf("%v was written as %q", v, b.String())
		}
	}
	if err := r.Write("empty", struct{}{}); err != nil || b.String() != "{\"schema\":\"julianctl.x/v1\",\"kind\":\"empty\"}\n" {
		t.Errorf("empty object: %v, %q", err, b.String())
	}
}

func TestJUnit(t *testing.T) {
	r := report.Report{
		Name: "check", Started: time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC), Took: 1500 * time.Millisecond,
		Cases: []report.Case{
			{Name: "sample", Group: "accepts", Verdict: report.Pass, Took: 12 * time.Millisecond},
			{Name: "sample", Group: "accepts", Verdict: report.Fail, Message: "answered 500", Detail: "body: <b>\x1b[0m"},
			{Name: "late", Verdict: report.Undecided, Message: "nobody answered"},
			{Name: "slow", Verdict: report.Warn, Message: "close to the budget"},
			{Name: "off", Verdict: report.Skip, Message: "not asked for"},
		},
	}
	var b bytes.Buffer
	if err := format(t, "junit").Write(&b, r); err != nil {
		t.Fatal(err)
	}
	want := `<?xml version="1.0" encoding="UTF-8"?>
<testsuites>
  <testsuite name="julianctl check" tests="5" failures="1" errors="1" skipped="1" time="1.500" timestamp="2026-01-02T03:04:05">
    <testcase name="sample" classname="julianctl.check.accepts" time="0.012"></testcase>
    <testcase name="sample (2)" classname="julianctl.check.accepts" time="0.000">
      <failure message="answered 500" type="fail"><![CDATA[body: <b>\x1b[0m]]></failure>
    </testcase>
    <testcase name="late" classname="julianctl.check" time="0.000">
      <error message="nobody answered" type="undecided"></error>
    </testcase>
    <testcase name="slow" classname="julianctl.check" time="0.000">
      <system-out><![CDATA[warning: close to the budget]]></system-out>
    </testcase>
    <testcase name="off" classname="julianctl.check" time="0.000">
      <skipped message="not asked for"></skipped>
    </testcase>
  </testsuite>
</testsuites>
`
	if diff := cmp.Diff(want, b.String()); diff != "" {
		t.Errorf("JUnit (-want +got):\n%s", diff)
	}
	if err := xml.Unmarshal(b.Bytes(), new(any)); err != nil {
		t.Errorf("no XML: %v", err)
	}
}

func format(t testing.TB, name string) report.Format {
	t.Helper()
	for _, f := range report.Formats {
		if f.Name == name {
			return f
		}
	}
	t.Fatalf("no format %s", name)
	return report.Format{}
}

func write(t testing.TB, name string, r report.Report) string {
	t.Helper()
	var b bytes.Buffer
	if err := format(t, name).Write(&b, r); err != nil {
		t.Fatalf("%s: %v", name, err)
	}
	return b.String()
}
