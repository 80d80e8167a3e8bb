package index

import (
	"errors"
	"fmt"

	"github.com/julianctl/julianctl/pkg/segment"
	"modernc.org/sqlite"
	sqlite3 "modernc.org/sqlite/lib"
)

// ErrNotFound says that there is no delivery with an id.
var ErrNotFound = errors.New("no such delivery in the log")

// kinds tells what SQLite's primary result codes mean here.
var kinds = map[int]error{
	sqlite3.SQLITE_FULL:     segment.ErrFull,
	sqlite3.SQLITE_READONLY: segment.ErrReadOnly,
	sqlite3.SQLITE_CANTOPEN: segment.ErrReadOnly,
	sqlite3.SQLITE_PERM:     segment.ErrReadOnly,
	sqlite3.SQLITE_IOERR:    segment.ErrReadOnly,
	sqlite3.SQLITE_CORRUPT:  segment.ErrCorrupt,
	sqlite3.SQLITE_NOTADB:   segment.ErrForeign,
	sqlite3.SQLITE_BUSY:     segment.ErrLocked,
	sqlite3.SQLITE_LOCKED:   segment.ErrLocked,
}

// Typed joins what SQLite said with what it means.
func Typed(err error) error {
	var failed *sqlite.Error
	if !errors.As(err, &failed) {
		return err
	}
	if kind := kinds[failed.Code()&0xff]; kind != nil && !errors.Is(err, kind) {
		return fmt.Errorf("%w (%w)", kind, err)
	}
	return err
}
