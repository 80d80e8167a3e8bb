package replay

import (
	"bytes"
	"os"
	"strings"
	"testing"

	"github.com/julianctl/julianctl/pkg/cli"
	"github.com/julianctl/julianctl/pkg/terminal"
)

// A row keeps within the terminal's width, and loses nothing. Into a file it is
// one line.
func TestReplayRowWraps(t *testing.T) {
	text := strings.Repeat("\x1b[31m200\x1b[0m × 17, ", 20) + "500 × 1"
	var file bytes.Buffer
	p := &printer{a: &cli.App{Out: terminal.NewOutput(&file), Style: terminal.NewStyle(&file, false)}}
	p.row("answers", text)
	if want := "answers     " + text + "\n"; file.String() != want {
		t.Errorf("a file has %q, want %q", file.String(), want)
	}

	null, err := os.Open(os.DevNull)
	if err != nil {
		t.Fatal(err)
	}
	defer null.Close()
	var screen bytes.Buffer
	p.a.Out = terminal.NewTerminalOutput(&screen, null)
	p.row("answers", text)
	lines := strings.Split(strings.TrimSuffix(screen.String(), "\n"), "\n")
	if len(lines) < 3 {
		t.Errorf("%d lines of %d columns", len(lines), p.a.Out.Width())
	}
	for i, line := range lines {
		if cells := terminal.Cells(line); cells > p.a.Out.Width() {
			t.Errorf("line %d takes %d of %d columns: %q", i+1, cells, p.a.Out.Width(), line)
		}
	}
	if got := strings.Join(strings.Fields(screen.String()), " "); got != "answers "+text {
		t.Errorf("the screen has %q, want %q", got, "answers "+text)
	}
}
