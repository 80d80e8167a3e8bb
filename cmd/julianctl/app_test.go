package main

import (
	"bytes"
	"errors"
	"testing"

	"github.com/julianctl/julianctl/pkg/cli"
	"github.com/julianctl/julianctl/pkg/cli/clitest"
	"github.com/julianctl/julianctl/pkg/cmd/root"
	"github.com/julianctl/julianctl/pkg/terminal"
)

// A write that fails makes the program fail, whatever the command thought.
func TestFullDisk(t *testing.T) {
	a := clitest.App(t)
	var stderr bytes.Buffer
	a.Err = terminal.NewOutput(&stderr)
	a.Out = terminal.NewOutput(fullDisk{})
	if got := root.Run(t.Context(), a, []string{"version"}); got != cli.ExitFailure {
		t.Errorf("exit %d, want %d", got, cli.ExitFailure)
	}
	if want := "julianctl: writing output: no space left on device\n"; stderr.String() != want {
		t.Errorf("stderr %q, want %q", stderr.String(), want)
	}
}

type fullDisk struct{}

func (fullDisk) Write([]byte) (int, error) { return 0, errors.New("no space left on device") }
