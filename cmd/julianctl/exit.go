package main

import "fmt"

// The exit codes; there are no others. 1 outranks 3 when both occur.
const (
	exitYes         = 0   // the answer is yes
	exitNo          = 1   // the answer is no: invalid payload, failed delivery or check
	exitUsage       = 2   // usage or configuration
	exitUnable      = 3   // could not answer: unreadable file, unreachable endpoint, API down
	exitKey         = 4   // API key missing or rejected
	exitInterrupted = 130 // stopped by a signal
)

// fault is an error with its exit code and what to do next. An error that is
// no fault exits with exitUnable.
type fault struct {
	code int
	err  error  // nil when the verdict is printed already
	hint string // one line; may be empty
}

func (f *fault) Error() string {
	if f.err == nil {
		return fmt.Sprintf("exit %d", f.code)
	}
	return f.err.Error()
}

func (f *fault) Unwrap() error { return f.err }

// verdict ends a command whose answer is printed already.
func verdict(code int) error {
	if code == exitYes {
		return nil
	}
	return &fault{code: code}
}

// usage is a mistake in the command line or the configuration.
func usage(err error, hint string) error { return &fault{code: exitUsage, err: err, hint: hint} }

// unable is a question that could not be answered.
func unable(err error, hint string) error { return &fault{code: exitUnable, err: err, hint: hint} }

// worst is the exit code of two outcomes together: no outranks unable, and
// both outrank yes.
func worst(a, b int) int {
	if a == exitNo || b == exitNo {
		return exitNo
	}
	return max(a, b)
}
