package segment

import "errors"

// What may be wrong with a log; test with errors.Is.
var (
	ErrFull     = errors.New("the disk is full")
	ErrReadOnly = errors.New("the delivery log cannot be written to")
	ErrFolder   = errors.New("its folder cannot be made")
	ErrCorrupt  = errors.New("the delivery log is damaged")
	ErrForeign  = errors.New("this is no delivery log")
	ErrNewer    = errors.New("the delivery log was written by a newer version of this program")
	ErrLocked   = errors.New("another process is holding the delivery log")
	ErrGone     = errors.New("the delivery log was moved away or deleted while it was in use")
)
