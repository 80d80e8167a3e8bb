package journal

import (
	"errors"
	"fmt"

	"github.com/julianctl/julianctl/pkg/segment"
	"modernc.org/sqlite"
	sqlite3 "modernc.org/sqlite/lib"
)

// What may be wrong with a log; test with errors.Is.
var (
	ErrFull     = segment.ErrFull
	ErrReadOnly = segment.ErrReadOnly
	ErrFolder   = segment.ErrFolder
	ErrCorrupt  = segment.ErrCorrupt
	ErrForeign  = segment.ErrForeign
	ErrNewer    = segment.ErrNewer
	ErrLocked   = segment.ErrLocked
	ErrGone     = segment.ErrGone
	ErrTooLarge = errors.New("the body is larger than a delivery log can hold")
	ErrNotFound = errors.New("no such delivery in the log")
	ErrClosed   = errors.New("the delivery log is closed")
)

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
