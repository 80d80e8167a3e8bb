package validate

import (
	"bytes"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/julianctl/julianctl/pkg/cli"
	"github.com/julianctl/julianctl/pkg/cli/clitest"
	"github.com/julianctl/julianctl/pkg/terminal"
	"github.com/julianctl/julianctl/pkg/validate"
)

func TestValidateTally(t *testing.T) {
	t.Chdir(t.TempDir())
	for name, size := range map[string]int{"a.json": 3072, "b.ndjson": 1024, "packed.json.gz": 10, "small.json": 100} {
		if err := os.WriteFile(name, make([]byte, size), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	for _, tt := range []struct {
		name  string
		paths []string
		share float64
		done  string
	}{
		{"files", []string{"a.json", "b.ndjson"}, 0.5, "2KiB of 4KiB"},
		{"a pattern", []string{"[ab].*json"}, 0.5, "2KiB of 4KiB"},
		{"one is not there", []string{"a.json", "b.ndjson", "missing.json"}, 0.5, "2KiB of 4KiB"},
		{"compressed", []string{"a.json", "packed.json.gz"}, 0, "2KiB"},
		{"compressed without saying so", []string{"small.json"}, 0, "2KiB"},
		{"stdin", []string{"a.json", "-"}, 0, "2KiB"},
		{"a device", []string{os.DevNull}, 0, "2KiB"},
	} {
		tally := newTally(tt.paths)
		tally.add(validate.Result{Documents: 2, Bytes: 1536, Issues: make([]validate.Issue, 3)})
		tally.add(validate.Result{Documents: 1, Bytes: 512})
		share, words := tally.state(2 * time.Second)
		if d := cmp.Diff([]string{"3 payloads", "3 issues", "1KiB/s", tt.done}, words); d != "" || share != tt.share {
			t.Errorf("%s: share %v, want %v (-want +got):\n%s", tt.name, share, tt.share, d)
		}
	}
}

// What is judged adds up to what there is, with and without reports.
func TestValidateCountsBytes(t *testing.T) {
	dir := t.TempDir()
	var size int64
	for name, body := range map[string]string{"a.ndjson": "{}\n{}\n\n{x\n{}", "b.json": "[{}, {}]\n", "c.json": " {}\n"} {
		put(t, filepath.Join(dir, name), body)
		size += int64(len(body))
	}
	v, err := validate.New(validate.Options{})
	if err != nil {
		t.Fatal(err)
	}
	paths := []string{dir}
	tally := newTally(paths)
	for r := range v.Stream(t.Context(), paths, nil, 2) {
		tally.add(r)
	}
	// Brackets, commas and white space between payloads are not counted.
	if total := tally.total(); total != size || tally.bytes > size || tally.bytes < size-8 {
		t.Errorf("%d bytes of %d, %d in the files", tally.bytes, total, size)
	}
	r, err := cli.NewReports(clitest.App(t), "validate", "text", nil, nil)
	if err != nil {
		t.Fatal(err)
	}
	reported := newTally(paths)
	for result := range r.ByDocument(v.Each(t.Context(), paths, nil, 2)) {
		reported.add(result)
	}
	if reported.bytes > size || reported.bytes < size-12 {
		t.Errorf("%d bytes with reports, %d in the files", reported.bytes, size)
	}
}

// On a terminal issues take the place of the line; into a file they go beside.
func TestIssuesAndProgress(t *testing.T) {
	issue := validate.Issue{File: "a", Line: 1, Column: 2, Rule: "syntax", Severity: validate.Error, Message: "m",
		Excerpt: validate.Excerpt{Text: "{x", At: 1, Width: 1}}
	for _, tt := range []struct {
		name string
		tty  *os.File // any file: it is asked for its width in vain
		want string
	}{
		{"terminal", os.Stdin, "\rone\x1b[K\r\x1b[Ka:1:2: error[syntax]: m\n 1 | {x\n   |  ^\n\n"},
		{"file", nil, "\rone\x1b[Ka:1:2: error[syntax]: m\n\r\x1b[K"},
	} {
		var shown bytes.Buffer
		a := clitest.App(t)
		a.Out, a.Err = terminal.NewTerminalOutput(&shown, tt.tty), terminal.NewOutput(&shown)
		a.Style, a.ErrStyle = a.Styles("never")
		p := newPrinter(a, options{format: "text"})
		p.progress = terminal.NewProgress(a.Err, true, nil)
		p.progress.Show(0, []string{"one"})
		p.result(validate.Result{Documents: 1, Incorrect: 1, Issues: []validate.Issue{issue}})
		if err := p.flush(); err != nil {
			t.Fatal(err)
		}
		p.progress.End()
		if d := cmp.Diff(tt.want, shown.String()); d != "" {
			t.Errorf("%s (-want +got):\n%s", tt.name, d)
		}
	}
}
