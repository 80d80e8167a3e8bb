package journal

import (
	"context"
	"database/sql"
	"fmt"
)

const (
	applicationID = 0x4a434c47 // "JCLG", in the file's header
	// pageSize holds several deliveries a page: fewer pages to log and to
	// check per delivery than with SQLite's 4096.
	pageSize = 16 << 10
)

// migrations[n] takes a file from version n to n+1; user_version counts them.
//
// Rows of segments are written before deliveries are answered and never change.
// The last one stays even when all deliveries are pruned: ids go on from it.
//
// deliveries is made of segments; the columns from status on are NULL until
// the outcome is known. It holds no bodies of deliveries or answers, so going through it is quick, and
// has no index but its ids: one on call ids would cost more, at each of them,
// than going through all rows does at the few questions.
var migrations = []string{`
CREATE TABLE segments (
	id   INTEGER PRIMARY KEY,
	last INTEGER NOT NULL, -- id of the last delivery up to here
	crc  INTEGER NOT NULL, -- CRC-32C of data
	data BLOB NOT NULL     -- records, see record.go
) STRICT;
CREATE TABLE deliveries (
	id             INTEGER PRIMARY KEY,
	segment        INTEGER NOT NULL, -- where the record is: the row,
	place          INTEGER NOT NULL, -- the offset in its data,
	length         INTEGER NOT NULL, -- and how many bytes from there
	received       INTEGER NOT NULL, -- nanoseconds since 1970
	call_id        TEXT NOT NULL,
	result_type    TEXT NOT NULL,
	seconds        REAL,
	refusal        TEXT NOT NULL,
	copy           INTEGER NOT NULL,
	first          INTEGER NOT NULL,
	size           INTEGER NOT NULL,
	method         TEXT NOT NULL,
	uri            TEXT NOT NULL,
	remote         TEXT NOT NULL,
	name           TEXT NOT NULL,
	phone          TEXT NOT NULL,
	agent          TEXT NOT NULL,
	direction      TEXT NOT NULL,
	lifecycle      TEXT NOT NULL,
	status         INTEGER,
	took           INTEGER, -- nanoseconds, as all durations
	forward_status INTEGER, -- NULL: not forwarded
	forward_took   INTEGER,
	forward_tries  INTEGER,
	forward_error  TEXT,
	fault          TEXT,
	errors         INTEGER,
	warnings       INTEGER,
	findings       BLOB
) STRICT;
CREATE TABLE state (
	one     INTEGER PRIMARY KEY CHECK (one = 1),
	indexed INTEGER NOT NULL, -- segments up to this id are in deliveries
	worded  INTEGER NOT NULL  -- deliveries up to this id are in words
) STRICT;
INSERT INTO state VALUES (1, 0, 0);
CREATE VIRTUAL TABLE words USING fts5 (call_id, people, talk, content='', contentless_delete=1);
`, `
ALTER TABLE state ADD COLUMN log INTEGER NOT NULL DEFAULT 0;    -- random: tells this log from others
ALTER TABLE state ADD COLUMN intake INTEGER NOT NULL DEFAULT 0; -- frames of the intake up to this position are in segments
UPDATE state SET log = random() WHERE log = 0;
`, `
ALTER TABLE deliveries ADD COLUMN forward_to TEXT;
ALTER TABLE deliveries ADD COLUMN answer_segment INTEGER; -- where the record of the outcome is; NULL: it has no answer
ALTER TABLE deliveries ADD COLUMN answer_place INTEGER;
ALTER TABLE deliveries ADD COLUMN answer_length INTEGER;
ALTER TABLE deliveries ADD COLUMN redeliveries INTEGER NOT NULL DEFAULT 0;
ALTER TABLE deliveries ADD COLUMN redelivered INTEGER NOT NULL DEFAULT 0; -- 1: one of them was acknowledged
CREATE TABLE attempts ( -- made of segments, too
	number   INTEGER PRIMARY KEY,
	delivery INTEGER NOT NULL,
	segment  INTEGER NOT NULL,
	place    INTEGER NOT NULL,
	length   INTEGER NOT NULL
) STRICT;
CREATE INDEX attempts_delivery ON attempts (delivery);
`}

// migrate brings a file to the version of this program. It refuses a file that
// is something else, or newer.
func migrate(ctx context.Context, c *sql.Conn, write bool) error {
	version, err := fileVersion(ctx, c)
	switch {
	case err != nil:
		return err
	case version > len(migrations):
		return fmt.Errorf("%w (version %d, and this one knows %d)", ErrNewer, version, len(migrations))
	case version == len(migrations):
		return nil
	case !write:
		return fmt.Errorf("%w: it is of version %d and has to become version %d", ErrReadOnly, version, len(migrations))
	}
	if _, err := c.ExecContext(ctx, "BEGIN IMMEDIATE"); err != nil {
		return err
	}
	defer func() {
		_, _ = c.ExecContext(context.WithoutCancel(ctx), "ROLLBACK") // nothing to roll back once committed
	}()
	// Another process may have been here in the meantime.
	if version, err = fileVersion(ctx, c); err != nil {
		return err
	}
	for ; version < len(migrations); version++ {
		if _, err := c.ExecContext(ctx, migrations[version]); err != nil {
			return err
		}
	}
	for _, set := range []string{
		fmt.Sprintf("PRAGMA application_id = %d", applicationID),
		fmt.Sprintf("PRAGMA user_version = %d", len(migrations)),
		"COMMIT",
	} {
		if _, err := c.ExecContext(ctx, set); err != nil {
			return err
		}
	}
	return nil
}

// fileVersion is 0 for an empty file.
func fileVersion(ctx context.Context, c *sql.Conn) (int, error) {
	var application, version, tables int
	err := c.QueryRowContext(ctx, `SELECT application_id, user_version, (SELECT count(*) FROM sqlite_schema)
		FROM pragma_application_id, pragma_user_version`).Scan(&application, &version, &tables)
	if err == nil && application != applicationID && (tables > 0 || version > 0 || application > 0) {
		err = ErrForeign
	}
	return version, err
}
