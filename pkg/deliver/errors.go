package deliver

import (
	"errors"
	"fmt"
)

// Class says why a delivery failed. It is an error itself, for
// errors.Is(err, deliver.Timeout).
type Class string

// The classes.
const (
	// Unreadable: the document could not be read; nothing was sent.
	Unreadable Class = "unreadable"
	// Unreachable: no connection, or it was closed before a byte was written.
	// Nothing was sent.
	Unreachable Class = "unreachable"
	// Unknown: bytes of the request were sent, and the connection closed before an
	// answer. The endpoint may or may not have processed it.
	Unknown Class = "unknown"
	// Timeout: at least part of the request was sent, and no complete answer came in
	// time. The endpoint may or may not have processed it.
	Timeout Class = "timeout"
	// Malformed: the answer is not a complete HTTP/1 answer.
	Malformed Class = "malformed"
	// TooLarge: header or body of the answer is over its limit.
	TooLarge Class = "too-large"
	// Redirect: the answer is a 3xx, which is never followed.
	Redirect Class = "redirect"
	// Status: the answer is complete, and its status is not expected.
	Status Class = "status"
)

func (c Class) Error() string { return string(c) }

// Error is why one delivery failed.
type Error struct {
	Class Class
	// Text is one line without the cause; it may be empty. It may quote the answer,
	// shortened and escaped as in Go.
	Text string
	// Location is the answer's Location header, for Redirect; it may be empty.
	Location string
	Err      error // the cause; may be nil
}

func (e *Error) Error() string {
	switch {
	case e.Err == nil:
		return e.Text
	case e.Text == "":
		return e.Err.Error()
	}
	return fmt.Sprintf("%s: %v", e.Text, e.Err)
}

// Is makes errors.Is(err, class) work.
func (e *Error) Is(target error) bool {
	class, ok := target.(Class)
	return ok && class == e.Class
}

func (e *Error) Unwrap() error { return e.Err }

// ClassOf returns the class of err, empty if err is nil or not an [Error].
func ClassOf(err error) Class {
	if e, ok := errors.AsType[*Error](err); ok {
		return e.Class
	}
	return ""
}
