package main

import (
	"fmt"
	"io"
	"os"
	"sync"

	"golang.org/x/term"
)

// output is one of the two streams. It keeps the first write error, so that a
// full disk is never taken for success, and is safe for concurrent use.
type output struct {
	mu  sync.Mutex
	w   io.Writer
	tty *os.File // nil when w is not a terminal
	err error
}

// newOutput writes to w, and knows when that is a terminal.
func newOutput(w io.Writer) *output {
	o := new(output)
	o.w = w
	if f, ok := w.(*os.File); ok && term.IsTerminal(int(f.Fd())) {
		o.tty = f
	}
	return o
}

// newTerminalOutput writes to w as to the terminal tty; nil: to none.
func newTerminalOutput(w io.Writer, tty *os.File) *output {
	o := new(output)
	o.w, o.tty = w, tty
	return o
}

// Write implements io.Writer. After a failed write the rest is dropped.
func (o *output) Write(p []byte) (int, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.err != nil {
		return 0, o.err
	}
	n, err := o.w.Write(p)
	o.err = err
	return n, err
}

// Err returns the first write error.
func (o *output) Err() error {
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.err != nil {
		return fmt.Errorf("writing output: %w", o.err)
	}
	return nil
}

// isTTY reports whether a person is looking.
func (o *output) isTTY() bool { return o.tty != nil }

// width is the number of columns, 80 when nobody can tell.
func (o *output) width() int {
	if o.tty != nil {
		if w, _, err := term.GetSize(int(o.tty.Fd())); err == nil && w > 0 {
			return w
		}
	}
	return 80
}

// isTerminal reports whether r is a terminal with a person before it.
func isTerminal(r io.Reader) bool {
	f, ok := r.(*os.File)
	return ok && term.IsTerminal(int(f.Fd()))
}
