package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"time"

	"github.com/julianctl/julianctl/pkg/safetext"
)

// app is what every command reaches the world through. Nothing else in the
// program touches the process: a test builds its own.
type app struct {
	in  io.Reader
	out *output // results
	err *output // banner, progress, hints, errors
	env func(string) string
	now func() time.Time
	// http carries API calls; nil means Go's own transport.
	http http.RoundTripper

	// cfg, style and errStyle are set before a command runs and read after.
	cfg      config
	style    style // for out
	errStyle style // for err
	// secrets is what hide takes out; nil: nothing.
	secrets *strings.Replacer
}

// main runs one command line and returns the exit code.
func (a *app) main(ctx context.Context, args []string) int {
	first := ""
	if len(args) > 0 {
		first = args[0]
	}
	root := newRoot(a, first)
	root.SetArgs(args)
	root.SetIn(a.in)
	root.SetOut(a.out)
	root.SetErr(a.err)
	a.style, a.errStyle = a.styles("auto")
	err := root.ExecuteContext(ctx)
	if err == nil {
		err = a.out.Err()
	}
	return a.report(ctx, err)
}

// report prints err, if there is anything to say, and returns its exit code.
func (a *app) report(ctx context.Context, err error) int {
	if err == nil {
		return exitYes
	}
	var f *fault
	switch known := errors.As(err, &f); {
	case ctx.Err() != nil && errors.Is(err, context.Canceled):
		// Whatever could not be done for that.
		f = &fault{code: exitInterrupted, err: errors.New("interrupted")}
	case !known:
		f = &fault{code: exitUnable, err: err}
	}
	if f.err != nil {
		fmt.Fprintf(a.err, "%s %s\n", a.errStyle.bad("julianctl:"), safetext.Line(f.err.Error()))
	}
	if f.hint != "" {
		a.hint("%s", f.hint)
	}
	return f.code
}

// also is err. Where there are two, it says the other at once: none is lost.
func (a *app) also(ctx context.Context, err, other error) error {
	if err == nil {
		return other
	}
	if other != nil {
		a.report(ctx, other)
	}
	return err
}

// note prints one line for the person on stderr.
func (a *app) note(format string, args ...any) {
	fmt.Fprintf(a.err, format+"\n", args...)
}

// hint prints one line that says what to do next, on stderr.
func (a *app) hint(format string, args ...any) {
	fmt.Fprintf(a.err, "%s %s\n", a.errStyle.faint("hint:"), safetext.Line(fmt.Sprintf(format, args...)))
}
