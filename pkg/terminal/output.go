// Package terminal writes to the user's terminal: output streams, colours, layout of
// text, and progress.
package terminal

import (
	"fmt"
	"io"
	"os"
	"sync"

	"golang.org/x/term"
)

// Output is one of the two streams. It keeps the first write error, so that a
// full disk is never taken for success, and is safe for concurrent use.
type Output struct {
	mu  sync.Mutex
	w   io.Writer
	tty *os.File // nil when w is not a terminal
	err error
}

// NewOutput writes to w, and knows when that is a terminal.
func NewOutput(w io.Writer) *Output {
	o := new(Output)
	o.w = w
	if f, ok := w.(*os.File); ok && term.IsTerminal(int(f.Fd())) {
		o.tty = f
	}
	return o
}

// NewTerminalOutput writes to w as to the terminal tty; nil: to none.
func NewTerminalOutput(w io.Writer, tty *os.File) *Output {
	o := new(Output)
	o.w, o.tty = w, tty
	return o
}

// Write implements io.Writer. After a failed write the rest is dropped.
func (o *Output) Write(p []byte) (int, error) {
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
func (o *Output) Err() error {
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.err != nil {
		return fmt.Errorf("writing output: %w", o.err)
	}
	return nil
}

// IsTTY reports whether the output is a terminal.
func (o *Output) IsTTY() bool { return o.tty != nil }

// Width returns the number of columns, 80 if it is not known.
func (o *Output) Width() int {
	if o.tty != nil {
		if w, _, err := term.GetSize(int(o.tty.Fd())); err == nil && w > 0 {
			return w
		}
	}
	return 80
}

// IsPipe reports whether r is a pipe.
func IsPipe(r io.Reader) bool {
	f, ok := r.(*os.File)
	if !ok {
		return false
	}
	info, err := f.Stat()
	return err == nil && info.Mode()&os.ModeNamedPipe != 0
}

// IsTerminal reports whether r is a terminal.
func IsTerminal(r io.Reader) bool {
	f, ok := r.(*os.File)
	return ok && term.IsTerminal(int(f.Fd()))
}
