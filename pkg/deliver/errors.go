package deliver

import (
	"errors"
	"fmt"
)

// Class says why a delivery is not as it should be. It is an error itself, so
// that errors.Is(err, deliver.Timeout) decides.
type Class string

// The classes.
const (
	// Unreadable: there was no document to send; nothing was sent.
	Unreadable Class = "unreadable"
	// Unreachable: no connection, or one that was closed before a byte could
	// be handed to it. Nothing was sent.
	Unreachable Class = "unreachable"
	// Unknown: bytes of the request were sent, and the connection closed before
	// an answer. Whether the endpoint acted on it nobody can tell.
	Unknown Class = "unknown"
	// Timeout: the request was sent, wholly or in part, and the answer was not
	// there in time. Its fate is unknown too.
	Timeout Class = "timeout"
	// Malformed: what came is not a whole HTTP/1 answer.
	Malformed Class = "malformed"
	// TooLarge: header or body of the answer is past its limit.
	TooLarge Class = "too-large"
	// Redirect: the answer is a 3xx, which is never followed.
	Redirect Class = "redirect"
	// Status: the answer is whole and its status is not an expected one.
	Status Class = "status"
)

func (c Class) Error() string { return string(c) }

// Error is why one delivery is not as it should be.
type Error struct {
	Class Class
	// Text is one line without the cause; it may be empty. It may quote the endpoint, shortened
	// and with Go's escapes.
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

// ClassOf returns the class of err, empty when err is nil or not of this
// package.
func ClassOf(err error) Class {
	if e, ok := errors.AsType[*Error](err); ok {
		return e.Class
	}
	return ""
}
