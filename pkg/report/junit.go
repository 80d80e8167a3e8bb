package report

import (
	"bufio"
	"encoding/xml"
	"fmt"
	"io"
	"slices"
	"strings"
	"time"

	"github.com/julianctl/julianctl/pkg/safetext"
)

// The strict subset of JUnit XML that its readers share: no attribute beyond
// those of the common schema.
type (
	junitCase struct {
		XMLName xml.Name   `xml:"testcase"`
		Name    string     `xml:"name,attr"`
		Class   string     `xml:"classname,attr"`
		Time    string     `xml:"time,attr"`
		Failure *junitNote `xml:"failure"`
		Error   *junitNote `xml:"error"`
		Skipped *junitNote `xml:"skipped"`
		Out     *junitText `xml:"system-out"`
	}
	junitNote struct {
		Message string `xml:"message,attr"`
		Type    string `xml:"type,attr,omitempty"`
		Text    string `xml:",cdata"` // lines stay lines
	}
	junitText struct {
		Text string `xml:",cdata"`
	}
)

// writeJUnit maps fail to failure, undecided to error (it could not be
// answered) and skip to skipped. A warning passes, with its message in
// system-out, and so does a verdict that was accepted: readers know no more. What
// is not listed is one skipped case that says how much.
func writeJUnit(w io.Writer, r Report) error {
	cases := r.Cases
	if len(r.Unlisted.Cases) > 0 {
		cases = append(slices.Clip(cases), Case{Name: "not listed", Verdict: Skip, Message: "not listed: " + r.Unlisted.Text()})
	}
	out := bufio.NewWriter(w)
	// bufio.Writer keeps its first error for Flush.
	_, _ = out.WriteString(xml.Header)
	enc := xml.NewEncoder(out)
	enc.Indent("", "  ")
	suites := xml.StartElement{Name: xml.Name{Local: "testsuites"}}
	suite := junitSuite(r, cases)
	for _, start := range []xml.StartElement{suites, suite} {
		if err := enc.EncodeToken(start); err != nil {
			return err
		}
	}
	names := uniqueNames{}
	for _, c := range cases {
		if err := enc.Encode(junitOf(r, c, names)); err != nil {
			return err
		}
	}
	for _, start := range []xml.StartElement{suite, suites} {
		if err := enc.EncodeToken(start.End()); err != nil {
			return err
		}
	}
	if err := enc.Close(); err != nil {
		return err
	}
	_ = out.WriteByte('\n')
	return out.Flush()
}

// junitSuite is the element that holds the cases. Its numbers are those of the
// cases in it: strict readers compare.
func junitSuite(r Report, cases []Case) xml.StartElement {
	var t Tally
	for _, c := range cases {
		c.Verdict = junitVerdict(c)
		t.add(c)
	}
	start := xml.StartElement{Name: xml.Name{Local: "testsuite"}}
	for _, a := range []struct {
		name  string
		value any
	}{
		{"name", "julianctl " + r.Name},
		{"tests", len(cases)},
		{"failures", t.Cases[Fail]},
		{"errors", t.Cases[Undecided]},
		{"skipped", t.Cases[Skip]},
		{"time", seconds(r.Took)},
		{"timestamp", r.Started.UTC().Format("2006-01-02T15:04:05")},
	} {
		start.Attr = append(start.Attr, xml.Attr{Name: xml.Name{Local: a.name}, Value: fmt.Sprint(a.value)})
	}
	return start
}

func junitOf(r Report, c Case, names uniqueNames) junitCase {
	jc := junitCase{Name: names.next(safetext.Line(c.Name)), Class: "julianctl." + r.Name, Time: seconds(c.Took)}
	if c.Group != "" {
		jc.Class += "." + c.Group
	}
	note := &junitNote{Message: safetext.Line(c.fullMessage()), Text: detail(c)}
	switch junitVerdict(c) {
	case Fail:
		note.Type = "fail"
		jc.Failure = note
	case Undecided:
		note.Type = "undecided"
		jc.Error = note
	case Skip:
		jc.Skipped = &junitNote{Message: note.Message}
	case Warn:
		switch {
		case note.Text == "":
			note.Text = "warning: " + note.Message
		case c.Accepted != "":
			note.Text = "warning: " + note.Message + "\n" + note.Text
		}
		jc.Out = &junitText{note.Text}
	}
	return jc
}

// junitVerdict is the verdict that readers of JUnit act on.
func junitVerdict(c Case) Verdict {
	if c.Accepted != "" {
		return Warn
	}
	return c.Verdict
}

// detail is what is known of a case: what was given, then its findings.
func detail(c Case) string {
	var b strings.Builder
	b.WriteString(safetext.Text(c.lines()))
	for _, f := range c.Findings {
		fmt.Fprintf(&b, "%s: %s[%s] %s\n", place(f), f.Severity, f.Rule, messageWithHint(f))
	}
	return b.String()
}

// uniqueNames numbers names that repeat, since readers drop repeats.
type uniqueNames map[string]int

func (u uniqueNames) next(name string) string {
	unique := name
	for u[unique] > 0 {
		u[name]++
		unique = fmt.Sprintf("%s (%d)", name, u[name])
	}
	u[unique]++
	return unique
}

func seconds(d time.Duration) string { return fmt.Sprintf("%.3f", d.Seconds()) }
