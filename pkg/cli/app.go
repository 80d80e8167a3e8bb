// Package cli has what all commands share: the App with the streams and settings, exit
// codes, flag types, configuration, target checks, files and child processes.
package cli

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"time"

	"github.com/julianctl/julianctl/pkg/safetext"
	"github.com/julianctl/julianctl/pkg/terminal"
)

// App is the environment of every command: streams, clock, network. Only main touches
// the process, so a test can build its own App.
type App struct {
	In  io.Reader
	Out *terminal.Output // results
	Err *terminal.Output // banner, progress, hints, errors
	Env func(string) string
	Now func() time.Time
	// HTTP carries API calls; nil means Go's own transport.
	HTTP http.RoundTripper

	// Config, Style and ErrStyle are set before a command runs and read after.
	Config   Config
	Style    terminal.Style // for out
	ErrStyle terminal.Style // for err
	// secrets is what Hide takes out; nil: nothing.
	secrets *strings.Replacer
}

// Report prints err, if it has a message, and returns its exit code.
func (a *App) Report(ctx context.Context, err error) int {
	if err == nil {
		return ExitYes
	}
	var f *ExitError
	switch known := errors.As(err, &f); {
	case ctx.Err() != nil && errors.Is(err, context.Canceled):
		// Whatever could not be done for that.
		f = &ExitError{Code: ExitInterrupted, Err: errors.New("interrupted")}
	case !known:
		f = &ExitError{Code: ExitFailure, Err: err}
	}
	if f.Err != nil {
		fmt.Fprintf(a.Err, "%s %s\n", a.ErrStyle.Bad("julianctl:"), safetext.WithoutPasswords(safetext.Line(f.Err.Error())))
	}
	if hint := cmp.Or(f.Hint, MissingFileHint(err)); hint != "" {
		a.Hint("%s", hint)
	}
	return f.Code
}

// Also is err. Where there are two, it says the other at once: none is lost.
func (a *App) Also(ctx context.Context, err, other error) error {
	if err == nil {
		return other
	}
	if other != nil {
		a.Report(ctx, other)
	}
	return err
}

// Note prints one line for the user on stderr.
func (a *App) Note(format string, args ...any) {
	fmt.Fprintln(a.Err, safetext.WithoutPasswords(fmt.Sprintf(format, args...)))
}

// Hint prints one line that says what to do next, on stderr.
func (a *App) Hint(format string, args ...any) {
	fmt.Fprintf(a.Err, "%s %s\n", a.ErrStyle.Faint("hint:"), safetext.WithoutPasswords(safetext.Line(fmt.Sprintf(format, args...))))
}

// Progress starts showing state on stderr. The caller ends it.
func (a *App) Progress(state terminal.ProgressState) *terminal.Progress {
	return terminal.NewProgress(a.Err, a.Err.IsTTY() && a.Env("TERM") != "dumb", state)
}

// Styles sets the colours of both streams, from --color, then NO_COLOR, then whether it
// is a terminal.
func (a *App) Styles(when string) (out, err terminal.Style) {
	on := func(o *terminal.Output) bool {
		switch when {
		case "always":
			return true
		case "never":
			return false
		}
		return a.Env("NO_COLOR") == "" && a.Env("TERM") != "dumb" && o.IsTTY()
	}
	return terminal.NewStyle(a.Out, on(a.Out)), terminal.NewStyle(a.Err, on(a.Err))
}
