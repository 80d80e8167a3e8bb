package cli

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"strings"
	"testing"
	"time"

	"github.com/julianctl/julianctl/pkg/terminal"
)

// testApp is an App that touches nothing: no environment, no terminal.
func testApp(t *testing.T) *App {
	t.Helper()
	return &App{
		In:  strings.NewReader(""),
		Out: terminal.NewOutput(io.Discard),
		Err: terminal.NewOutput(io.Discard),
		Env: func(string) string { return "" },
		Now: func() time.Time { return time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC) },
	}
}

func TestExitCodes(t *testing.T) {
	cancelled, cancel := context.WithCancel(t.Context())
	cancel()
	for _, tt := range []struct {
		name   string
		ctx    context.Context
		err    error
		code   int
		stderr string
	}{
		{"none", t.Context(), nil, 0, ""},
		{"verdict", t.Context(), Verdict(ExitNo), 1, ""},
		{"usage", t.Context(), UsageError(errors.New("unknown flag"), "see help"), 2, "julianctl: unknown flag\nhint: see help\n"},
		{"wrapped", t.Context(), fmt.Errorf("reading: %w", UsageError(errors.New("x"), "")), 2, "julianctl: x\n"},
		{"plain", t.Context(), errors.New("no such file"), 3, "julianctl: no such file\n"},
		{"hostile", t.Context(), errors.New("server said \x1b[2J\r\n::error::x"), 3, `julianctl: server said \x1b[2J\r\n::error::x` + "\n"},
		{"interrupted", cancelled, cancelled.Err(), 130, "julianctl: interrupted\n"},
		{"cancelled from inside", t.Context(), context.Canceled, 3, "julianctl: context canceled\n"},
	} {
		a := testApp(t)
		var stderr bytes.Buffer
		a.Err = terminal.NewOutput(&stderr)
		a.Style, a.ErrStyle = a.Styles("auto")
		if got := a.Report(tt.ctx, tt.err); got != tt.code || stderr.String() != tt.stderr {
			t.Errorf("%s: exit %d, stderr %q; want %d, %q", tt.name, got, stderr.String(), tt.code, tt.stderr)
		}
	}
}

func TestWorst(t *testing.T) {
	for _, tt := range []struct{ a, b, want int }{
		{ExitYes, ExitYes, ExitYes},
		{ExitYes, ExitFailure, ExitFailure},
		{ExitFailure, ExitNo, ExitNo},
		{ExitNo, ExitFailure, ExitNo},
		{ExitNo, ExitYes, ExitNo},
	} {
		if got := Worst(tt.a, tt.b); got != tt.want {
			t.Errorf("worst(%d, %d) = %d, want %d", tt.a, tt.b, got, tt.want)
		}
	}
}

func TestColourDecision(t *testing.T) {
	for _, tt := range []struct {
		when, noColor string
		want          bool
	}{
		{"auto", "", false}, // no terminal
		{"always", "", true},
		{"always", "1", true},
		{"never", "", false},
	} {
		a := testApp(t)
		a.Env = func(name string) string {
			if name == "NO_COLOR" {
				return tt.noColor
			}
			return ""
		}
		s, _ := a.Styles(tt.when)
		if got := s.Good("x") != "x"; got != tt.want {
			t.Errorf("--color=%s NO_COLOR=%s: coloured is %t, want %t", tt.when, tt.noColor, got, tt.want)
		}
	}
}
