package journal

import (
	"errors"
	"fmt"
	"slices"

	"modernc.org/sqlite"
	sqlite3 "modernc.org/sqlite/lib"
)

// What may be wrong with a log; test with errors.Is.
var (
	ErrFull     = errors.New("the disk is full")
	ErrReadOnly = errors.New("the delivery log cannot be written to")
	ErrFolder   = errors.New("its folder cannot be made")
	ErrCorrupt  = errors.New("the delivery log is damaged")
	ErrForeign  = errors.New("this file is no delivery log")
	ErrNewer    = errors.New("the delivery log was written by a newer version of this program")
	ErrLocked   = errors.New("another process is holding the delivery log")
	ErrGone     = errors.New("the delivery log was moved away or deleted while it was in use")
	ErrTooLarge = errors.New("the body is larger than a delivery log can hold")
	ErrNotFound = errors.New("no such delivery in the log")
	ErrClosed   = errors.New("the delivery log is closed")
)

var errStray = fmt.Errorf("%w: deliveries in its intake are behind one that cannot be read", ErrCorrupt)

// kinds tells what SQLite's primary result codes mean here.
var kinds = map[int]error{
	sqlite3.SQLITE_FULL:     ErrFull,
	sqlite3.SQLITE_READONLY: ErrReadOnly,
	sqlite3.SQLITE_CANTOPEN: ErrReadOnly,
	sqlite3.SQLITE_PERM:     ErrReadOnly,
	sqlite3.SQLITE_IOERR:    ErrReadOnly,
	sqlite3.SQLITE_CORRUPT:  ErrCorrupt,
	sqlite3.SQLITE_NOTADB:   ErrForeign,
	sqlite3.SQLITE_BUSY:     ErrLocked,
	sqlite3.SQLITE_LOCKED:   ErrLocked,
	sqlite3.SQLITE_TOOBIG:   ErrTooLarge,
}

// osFault joins what the operating system said of the intake with what it means.
func osFault(err error) error {
	if err == nil {
		return nil
	}
	kind := ErrReadOnly
	if slices.ContainsFunc(fullErrors, func(full error) bool { return errors.Is(err, full) }) {
		kind = ErrFull
	}
	return fmt.Errorf("%w (%w)", kind, err)
}

// typed joins what SQLite said with what it means.
func typed(err error) error {
	var failed *sqlite.Error
	if !errors.As(err, &failed) {
		return err
	}
	if kind := kinds[failed.Code()&0xff]; kind != nil && !errors.Is(err, kind) {
		return fmt.Errorf("%w (%w)", kind, err)
	}
	return err
}
