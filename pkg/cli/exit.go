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

// ExitError is an error with an exit code and a hint. All other errors exit with
// ExitFailure.
type ExitError struct {
	Code int
	Err  error  // nil if the result is already printed
	Hint string // one line; may be empty
}

func (f *ExitError) Error() string {
	if f.Err == nil {
		return fmt.Sprintf("exit %d", f.Code)
	}
	return f.Err.Error()
}

func (f *ExitError) Unwrap() error { return f.Err }

// Verdict ends a command whose result is already printed.
func Verdict(code int) error {
	if code == ExitYes {
		return nil
	}
	return &ExitError{Code: code}
}

// UsageError is for a mistake in the command line or the configuration.
func UsageError(err error, hint string) error {
	return &ExitError{Code: ExitUsage, Err: err, Hint: hint}
}

// Failure is for a command that could not get its answer.
func Failure(err error, hint string) error {
	return &ExitError{Code: ExitFailure, Err: err, Hint: hint}
}

// Worst returns the exit code of two results together: no comes before failure, failure
// before yes.
func Worst(a, b int) int {
	if a == ExitNo || b == ExitNo {
		return ExitNo
	}
	return max(a, b)
}
