package report

import (
	"encoding/xml"
	"fmt"
	"io"
	"time"

	"github.com/julianctl/julianctl/pkg/safetext"
)

// The strict subset of JUnit XML that its readers share: no attribute beyond
// those of the common schema.
type (
	junitSuites struct {
		XMLName xml.Name   `xml:"testsuites"`
		Suite   junitSuite `xml:"testsuite"`
	}
	junitSuite struct {
		Name     string      `xml:"name,attr"`
		Tests    int         `xml:"tests,attr"`
		Failures int         `xml:"failures,attr"`
		Errors   int         `xml:"errors,attr"`
		Skipped  int         `xml:"skipped,attr"`
		Time     string      `xml:"time,attr"`
		Stamp    string      `xml:"timestamp,attr"`
		Cases    []junitCase `xml:"testcase"`
	}
	junitCase struct {
		Name    string     `xml:"name,attr"`
		Class   string     `xml:"classname,attr"`
		Time    string     `xml:"time,attr"`
		Failure *junitNote `xml:"failure"`
		Error   *junitNote `xml:"error"`
		Skipped *junitNote `xml:"skipped"`
		Out     string     `xml:"system-out,omitempty"`
	}
	junitNote struct {
		Message string `xml:"message,attr"`
		Type    string `xml:"type,attr,omitempty"`
		Text    string `xml:",chardata"`
	}
)

// writeJUnit maps fail to failure, undecided to error (it could not be
// answered) and skip to skipped. A warning passes, with its message in
// system-out. Names that occur twice get a number, since readers drop repeats.
func writeJUnit(w io.Writer, r Report) error {
	s := junitSuite{
		Name:  "julianctl " + r.Name,
		Tests: len(r.Cases),
		Time:  seconds(r.Took),
		Stamp: r.Started.UTC().Format("2006-01-02T15:04:05"),
	}
	used := map[string]int{}
	for _, c := range r.Cases {
		name := safetext.Line(c.Name)
		used[name]++
		if n := used[name]; n > 1 {
			name = fmt.Sprintf("%s (%d)", name, n)
		}
		jc := junitCase{Name: name, Class: "julianctl." + r.Name, Time: seconds(c.Took)}
		if c.Group != "" {
			jc.Class += "." + c.Group
		}
		note := &junitNote{Message: safetext.Line(c.Message), Text: safetext.Text(c.Detail)}
		switch c.Verdict {
		case Fail:
			note.Type = "fail"
			jc.Failure = note
			s.Failures++
		case Undecided:
			note.Type = "undecided"
			jc.Error = note
			s.Errors++
		case Skip:
			jc.Skipped = &junitNote{Message: note.Message}
			s.Skipped++
		case Warn:
			jc.Out = "warning: " + note.Message
		}
		s.Cases = append(s.Cases, jc)
	}
	if _, err := io.WriteString(w, xml.Header); err != nil {
		return err
	}
	enc := xml.NewEncoder(w)
	enc.Indent("", "  ")
	if err := enc.Encode(junitSuites{Suite: s}); err != nil {
		return err
	}
	_, err := io.WriteString(w, "\n")
	return err
}

func seconds(d time.Duration) string { return fmt.Sprintf("%.3f", d.Seconds()) }
