package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"strings"
	"testing"
	"time"
)

// testApp is an app that touches nothing: no environment, no terminal.
func testApp(t *testing.T) *app {
	t.Helper()
	return &app{
		in:  strings.NewReader(""),
		out: newOutput(io.Discard),
		err: newOutput(io.Discard),
		env: func(string) string { return "" },
		now: func() time.Time { return time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC) },
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
		{"verdict", t.Context(), verdict(exitNo), 1, ""},
		{"usage", t.Context(), usage(errors.New("unknown flag"), "see help"), 2, "julianctl: unknown flag\nhint: see help\n"},
		{"wrapped", t.Context(), fmt.Errorf("reading: %w", usage(errors.New("x"), "")), 2, "julianctl: x\n"},
		{"plain", t.Context(), errors.New("no such file"), 3, "julianctl: no such file\n"},
		{"hostile", t.Context(), errors.New("server said \x1b[2J\r\n::error::x"), 3, `julianctl: server said \x1b[2J\r\n::error::x` + "\n"},
		{"interrupted", cancelled, cancelled.Err(), 130, "julianctl: interrupted\n"},
		{"cancelled from inside", t.Context(), context.Canceled, 3, "julianctl: context canceled\n"},
	} {
		a := testApp(t)
		var stderr bytes.Buffer
		a.err = newOutput(&stderr)
		a.style, a.errStyle = a.styles("auto")
		if got := a.report(tt.ctx, tt.err); got != tt.code || stderr.String() != tt.stderr {
			t.Errorf("%s: exit %d, stderr %q; want %d, %q", tt.name, got, stderr.String(), tt.code, tt.stderr)
		}
	}
}

func TestWorst(t *testing.T) {
	for _, tt := range []struct{ a, b, want int }{
		{exitYes, exitYes, exitYes},
		{exitYes, exitUnable, exitUnable},
		{exitUnable, exitNo, exitNo},
		{exitNo, exitUnable, exitNo},
		{exitNo, exitYes, exitNo},
	} {
		if got := worst(tt.a, tt.b); got != tt.want {
			t.Errorf("worst(%d, %d) = %d, want %d", tt.a, tt.b, got, tt.want)
		}
	}
}

// A write that fails makes the program fail, whatever the command thought.
func TestFullDisk(t *testing.T) {
	a := testApp(t)
	var stderr bytes.Buffer
	a.err = newOutput(&stderr)
	a.out = newOutput(fullDisk{})
	if got := a.main(t.Context(), []string{"version"}); got != exitUnable {
		t.Errorf("exit %d, want %d", got, exitUnable)
	}
	if want := "julianctl: writing output: no space left on device\n"; stderr.String() != want {
		t.Errorf("stderr %q, want %q", stderr.String(), want)
	}
}

type fullDisk struct{}

func (fullDisk) Write([]byte) (int, error) { return 0, errors.New("no space left on device") }

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
		a.env = func(name string) string {
			if name == "NO_COLOR" {
				return tt.noColor
			}
			return ""
		}
		s, _ := a.styles(tt.when)
		if got := s.good("x") != "x"; got != tt.want {
			t.Errorf("--color=%s NO_COLOR=%s: coloured is %t, want %t", tt.when, tt.noColor, got, tt.want)
		}
	}
}
