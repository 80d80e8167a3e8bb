// Package cli is what every command has: the App through which it reaches the
// world, exit codes, types of flags, the configuration, the guard before
// targets, files and child processes. The package is the program's own.
package cli

import (
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

// App is what every command reaches the world through. Nothing else in the
// program touches the process: a test builds its own.
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

// Report prints err, if there is anything to say, and returns its exit code.
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
		fmt.Fprintf(a.Err, "%s %s\n", a.ErrStyle.Bad("julianctl:"), safetext.Line(f.Err.Error()))
	}
	if f.Hint != "" {
		a.Hint("%s", f.Hint)
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

// Note prints one line for the person on stderr.
func (a *App) Note(format string, args ...any) {
	fmt.Fprintf(a.Err, format+"\n", args...)
}

// Hint prints one line that says what to do next, on stderr.
func (a *App) Hint(format string, args ...any) {
	fmt.Fprintf(a.Err, "%s %s\n", a.ErrStyle.Faint("hint:"), safetext.Line(fmt.Sprintf(format, args...)))
}

// Progress begins to tell of state. The caller ends it.
func (a *App) Progress(state terminal.ProgressState) *terminal.Progress {
	return terminal.NewProgress(a.Err, a.Err.IsTTY() && a.Env("TERM") != "dumb", state)
}

// Styles decides on colour for both streams: --color above all, then NO_COLOR,
// then whether a terminal is there.
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
