// Package clitest makes an App for tests.
package clitest

import (
	"io"
	"strings"
	"testing"
	"time"

	"github.com/julianctl/julianctl/pkg/cli"
	"github.com/julianctl/julianctl/pkg/terminal"
)

// App is an App that touches nothing: no environment, no terminal.
func App(t *testing.T) *cli.App {
	t.Helper()
	return &cli.App{
		In:  strings.NewReader(""),
		Out: terminal.NewOutput(io.Discard),
		Err: terminal.NewOutput(io.Discard),
		Env: func(string) string { return "" },
		Now: func() time.Time { return time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC) },
	}
}
