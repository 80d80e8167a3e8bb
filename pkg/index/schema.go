package index

const (
	applicationID = 0x4a434c49 // "JCLI", in the file's header
	indexVersion  = 2
	// pageSize holds several deliveries a page: fewer pages to log and to
	// check per delivery than with SQLite's 4096.
	pageSize = 16 << 10
)

// schema is that of the index. All in it is made of segments, and can be made
// again: another version does so.
//
// The columns of deliveries from status on are NULL until the outcome is known. It
// holds no bodies of deliveries or answers, so going through it is quick, and has
// no index but its ids: one on call ids would cost more, at each of them, than
// going through all rows does at the few questions.
const schema = `
CREATE TABLE state (
	one    INTEGER PRIMARY KEY CHECK (one = 1),
	log    INTEGER NOT NULL, -- the log that this is the index of
	seq    INTEGER NOT NULL, -- of the last batch that is in the index
	last   INTEGER NOT NULL, -- id of the last delivery that was seen
	worded INTEGER NOT NULL  -- deliveries up to this id are in words
) STRICT;
CREATE TABLE segments (
	id    INTEGER PRIMARY KEY,
	name  TEXT NOT NULL UNIQUE,
	done  INTEGER NOT NULL, -- frames up to here are in the index
	first INTEGER NOT NULL, -- id of the first delivery in it, 0: none
	last  INTEGER NOT NULL  -- the highest id that is mentioned in it
) STRICT;
CREATE TABLE damage ( -- frames that cannot be read
	segment INTEGER NOT NULL,
	place   INTEGER NOT NULL,
	length  INTEGER NOT NULL
) STRICT;
CREATE TABLE deliveries (
	id             INTEGER PRIMARY KEY,
	segment        INTEGER NOT NULL, -- where the frame is,
	place          INTEGER NOT NULL, -- its offset,
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
	forward_to     TEXT,
	outcome_segment INTEGER, -- where the frame of the outcome is
	outcome_place   INTEGER,
	outcome_length  INTEGER,
	redeliveries   INTEGER NOT NULL DEFAULT 0,
	redelivered    INTEGER NOT NULL DEFAULT 0 -- 1: one of them was acknowledged
) STRICT;
CREATE TABLE attempts (
	number   INTEGER PRIMARY KEY,
	delivery INTEGER NOT NULL,
	outcome  INTEGER NOT NULL, -- 1: it is an outcome, and a later one counts
	segment  INTEGER NOT NULL,
	place    INTEGER NOT NULL,
	length   INTEGER NOT NULL
) STRICT;
CREATE INDEX attempts_delivery ON attempts (delivery);
CREATE VIRTUAL TABLE words USING fts5 (tokens, content='', contentless_delete=1, detail=none, tokenize=ascii);
`
