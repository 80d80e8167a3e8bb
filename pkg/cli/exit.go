package cli

import "fmt"

// The exit codes; there are no others. 1 outranks 3 when both occur.
const (
	ExitYes         = 0   // the answer is yes
	ExitNo          = 1   // the answer is no: invalid payload, failed delivery or check
	ExitUsage       = 2   // usage or configuration
	ExitFailure     = 3   // could not answer: unreadable file, unreachable endpoint, API down
	ExitKey         = 4   // API key missing or rejected
	ExitInterrupted = 130 // stopped by a signal
)

// ExitError is an error with its exit code and what to do next. An error that is
// no ExitError exits with ExitFailure.
type ExitError struct {
	Code int
	Err  error  // nil when the verdict is printed already
	Hint string // one line; may be empty
}

func (f *ExitError) Error() string {
	if f.Err == nil {
		return fmt.Sprintf("exit %d", f.Code)
	}
	return f.Err.Error()
}

func (f *ExitError) Unwrap() error { return f.Err }

// Verdict ends a command whose answer is printed already.
func Verdict(code int) error {
	if code == ExitYes {
		return nil
	}
	return &ExitError{Code: code}
}

// UsageError is a mistake in the command line or the configuration.
func UsageError(err error, hint string) error {
	return &ExitError{Code: ExitUsage, Err: err, Hint: hint}
}

// Failure is a question that could not be answered.
func Failure(err error, hint string) error {
	return &ExitError{Code: ExitFailure, Err: err, Hint: hint}
}

// Worst is the exit code of two outcomes together: no outranks failure, and
// both outrank yes.
func Worst(a, b int) int {
	if a == ExitNo || b == ExitNo {
		return ExitNo
	}
	return max(a, b)
}
