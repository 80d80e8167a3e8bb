package index

import (
	"cmp"
	"context"
	"database/sql"
	"errors"
	"fmt"
	"hash/crc32"
	"io"
	"io/fs"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/julianctl/julianctl/pkg/segment"
	"modernc.org/sqlite"
	sqlite3 "modernc.org/sqlite/lib"
)

// Index is the SQLite file that queries read. It is made of segments and may be
// thrown away: one that is missing, damaged, of another version or of another log
// is replaced by an empty one with a higher number in its name, which is filled like
// any other.
//
// SQLite notices little of what is changed behind its back. So a file that was
// closed by who wrote to it has a stamp beside it with its size, time and check sum,
// and one that has a stamp and does not look like it is damaged. After a kill there is no
// stamp, and SQLite recovers.
type Index struct {
	folder *segment.Folder
	busy   time.Duration // how long to wait for another process that writes

	mu      sync.Mutex // held while something is written, and over what follows
	path    string
	private *segment.Temp // the folder that it has to itself, where that of the log cannot be written to; mostly nil
	read    *sql.DB
	db      *sql.DB // to write; nil: not open
	conn    *conn   // of db
	old     []*sql.DB
}

const (
	indexPrefix, indexSuffix = "index-", ".db"
	stampSuffix              = "-stamp"
	// walPages is how long the write-ahead log gets before it is copied into
	// the file.
	walPages = 256
)

// indexEnds are the files of an index.
var indexEnds = []string{"", "-wal", "-shm", "-journal", stampSuffix}

// errIndex says that an index is not one of this log and this version.
var errIndex = errors.New("it is no index of this log")

// useless reports whether err says that an index cannot be used.
func useless(err error) bool {
	var failed *sqlite.Error
	if errors.Is(err, errIndex) || !errors.As(err, &failed) {
		return errors.Is(err, errIndex)
	}
	switch failed.Code() & 0xff {
	case sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB, sqlite3.SQLITE_ERROR, sqlite3.SQLITE_MISMATCH, sqlite3.SQLITE_CONSTRAINT:
		return true
	case sqlite3.SQLITE_IOERR:
		return failed.Code() != sqlite3.SQLITE_IOERR_SHMSIZE // the disk is full
	}
	return false
}

// Open opens the newest index of the log in a folder, or makes one.
func Open(ctx context.Context, f *segment.Folder, busy time.Duration) (*Index, error) {
	x := &Index{folder: f, busy: busy}
	err := x.open(ctx)
	if useless(err) || errors.Is(err, fs.ErrNotExist) || errors.Is(Typed(err), segment.ErrReadOnly) {
		err = x.replace(ctx, x.read)
	}
	if err != nil {
		return nil, errors.Join(Typed(err), x.Close())
	}
	return x, nil
}

// numbers are those of the indexes that are there, the newest last.
func numbers(f *segment.Folder) (all []int, err error) {
	names, err := segment.ReadNames(f.Path)
	for _, name := range names {
		stem, is := strings.CutPrefix(name, indexPrefix)
		if stem, ends := strings.CutSuffix(stem, indexSuffix); is && ends {
			if n, err := strconv.Atoi(stem); err == nil && n > 0 {
				all = append(all, n)
			}
		}
	}
	slices.Sort(all)
	return all, err
}

func indexAt(f *segment.Folder, n int) string {
	return f.At(indexPrefix + strconv.Itoa(n) + indexSuffix)
}

// open opens the newest index that is there to read.
func (x *Index) open(ctx context.Context) error {
	all, err := numbers(x.folder)
	if err != nil {
		return err
	}
	if len(all) == 0 {
		return fs.ErrNotExist
	}
	return x.use(ctx, indexAt(x.folder, all[len(all)-1]))
}

func (x *Index) use(ctx context.Context, path string) (err error) {
	x.path = path
	x.retire()
	if x.private != nil && filepath.Dir(path) != x.private.Path {
		_ = x.private.Delete() // it is of no use any more
		x.private = nil
	}
	if !stampFits(path) {
		return errIndex
	}
	if x.read, err = OpenDB(path, x.busy, url.Values{"_pragma": {"query_only(1)", "cache_size(-4000)"}}); err != nil {
		return err
	}
	x.read.SetMaxOpenConns(4)
	var application, version int
	var log int64
	err = x.read.QueryRowContext(ctx, "SELECT application_id, user_version FROM pragma_application_id, pragma_user_version").Scan(&application, &version)
	if err == nil && (application != applicationID || version != indexVersion) {
		return errIndex
	}
	if err == nil {
		err = x.read.QueryRowContext(ctx, "SELECT log FROM state").Scan(&log)
	}
	if err == nil && log != x.folder.ID || errors.Is(err, sql.ErrNoRows) {
		err = errIndex
	}
	return err
}

// stamp is what a file was when it was closed.
type stamp struct {
	size, modified int64
	sum            uint32
}

func stampFits(path string) bool {
	text, err := os.ReadFile(path + stampSuffix)
	if err != nil {
		return true // it was not closed
	}
	var was stamp
	info, err := os.Stat(path)
	if n, _ := fmt.Sscan(string(text), &was.size, &was.modified, &was.sum); n != 3 || err != nil || info.Size() != was.size {
		return false
	}
	if info.ModTime().UnixNano() == was.modified {
		return true
	}
	sum, err := sumOf(path) // it may be a copy
	return err == nil && sum == was.sum
}

// setStamp is not needed: without it, the file is taken as it is.
func setStamp(path string) {
	sum, err := sumOf(path)
	if err != nil {
		return
	}
	if info, err := os.Stat(path); err == nil {
		_ = os.WriteFile(path+stampSuffix, []byte(fmt.Sprintln(info.Size(), info.ModTime().UnixNano(), sum)), 0o600)
	}
}

func sumOf(path string) (uint32, error) {
	file, err := os.Open(path)
	if err != nil {
		return 0, err
	}
	defer file.Close()
	sum := crc32.New(segment.Castagnoli())
	_, err = io.CopyBuffer(struct{ io.Writer }{sum}, struct{ io.Reader }{file}, make([]byte, 1<<20))
	return sum.Sum32(), err
}

// retire lets go of what is open. Those who read it may be in the middle.
func (x *Index) retire() {
	if x.read != nil {
		x.old = append(x.old, x.read)
	}
	if x.db != nil {
		_ = x.conn.Close() // it is of no use any more
		x.old = append(x.old, x.db)
	}
	x.read, x.db, x.conn = nil, nil, nil
}

// replace begins a new index in place of one that cannot be used, unless somebody
// else has done so.
func (x *Index) replace(ctx context.Context, was *sql.DB) error {
	x.mu.Lock()
	defer x.mu.Unlock()
	if x.read != was {
		return nil
	}
	if x.private != nil {
		return x.beginPrivate(ctx)
	}
	err := x.folder.Take(ctx, x.busy)
	if err != nil {
		return err
	}
	defer x.folder.Release()
	all, err := numbers(x.folder)
	if err != nil {
		return err
	}
	// A name is never used again: SQLite goes by names.
	next := int(time.Now().UnixMicro())
	if len(all) > 0 {
		newest := all[len(all)-1]
		if path := indexAt(x.folder, newest); path != x.path {
			return x.use(ctx, path)
		}
		next = max(next, newest+1)
	}
	path := indexAt(x.folder, next)
	if err = x.begin(ctx, path); err == nil {
		for _, n := range all {
			removeIndex(indexAt(x.folder, n))
		}
		return x.use(ctx, path)
	}
	removeIndex(path)
	if err = Typed(err); !segment.Writable(x.folder.Path) || errors.Is(err, segment.ErrFull) {
		return x.beginPrivate(ctx)
	}
	return err
}

func removeIndex(path string) {
	for _, end := range indexEnds {
		_ = os.Remove(path + end) // what is left is not looked at
	}
}

// beginPrivate begins an index outside of the folder of the log.
func (x *Index) beginPrivate(ctx context.Context) error {
	temp, err := segment.MakeTemp("julianctl-index-")
	if err != nil {
		return err
	}
	_ = x.private.Delete() // it is of no use any more
	x.private, x.path = temp, filepath.Join(temp.Path, indexPrefix+"1"+indexSuffix)
	if err := x.begin(ctx, x.path); err != nil {
		return err
	}
	return x.use(ctx, x.path)
}

// begin makes an empty index.
func (x *Index) begin(ctx context.Context, path string) error {
	file, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return segment.OSFault(err)
	}
	if err := file.Close(); err != nil {
		return err
	}
	db, err := OpenDB(path, x.busy, url.Values{})
	if err != nil {
		return err
	}
	db.SetMaxOpenConns(1)
	for _, set := range []string{
		fmt.Sprintf("PRAGMA page_size = %d", pageSize), "PRAGMA auto_vacuum = incremental", "PRAGMA synchronous = normal", "BEGIN", schema,
		fmt.Sprintf("INSERT INTO state VALUES (1, %d, 0, 0, 0)", x.folder.ID),
		fmt.Sprintf("PRAGMA application_id = %d", applicationID), fmt.Sprintf("PRAGMA user_version = %d", indexVersion), "COMMIT",
	} {
		if _, err := db.ExecContext(ctx, set); err != nil {
			return errors.Join(err, db.Close())
		}
	}
	return db.Close()
}

// OpenDB opens a connection pool. The pragmas go to each connection.
func OpenDB(path string, busy time.Duration, query url.Values) (*sql.DB, error) {
	query["_pragma"] = append([]string{fmt.Sprintf("busy_timeout(%d)", busy.Milliseconds())}, query["_pragma"]...)
	name := (&url.URL{Scheme: "file", Path: filepath.ToSlash(path), RawQuery: query.Encode()}).String()
	return sql.Open("sqlite", name)
}

// current makes sure that the index is the one in use: another process may have
// replaced it.
func (x *Index) current(ctx context.Context) error {
	if !x.replaced() {
		return nil
	}
	if err := x.open(ctx); !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	return errIndex
}

// replaced reports whether the file of the index is gone, and the log is not.
func (x *Index) replaced() bool { return !exists(x.path) && x.folder.Present() == nil }

// transaction runs do between BEGIN and COMMIT.
func (x *Index) transaction(ctx context.Context, do func(c *conn) error) (err error) {
	x.mu.Lock()
	defer x.mu.Unlock()
	if err := x.current(ctx); err != nil {
		return err
	}
	if err := x.openWrite(ctx); err != nil {
		return err
	}
	ctx = context.WithoutCancel(ctx) // what was begun is completed
	if err := x.conn.exec(ctx, "BEGIN IMMEDIATE"); err != nil {
		return err
	}
	if err = do(x.conn); err == nil {
		err = x.conn.exec(ctx, "COMMIT")
	}
	if err != nil {
		_ = x.conn.exec(ctx, "ROLLBACK") // it fails when SQLite has rolled back by itself
	}
	return err
}

// openWrite opens the connection that writes. From then on there is no stamp.
func (x *Index) openWrite(ctx context.Context) (err error) {
	if x.conn != nil {
		return nil
	}
	if !segment.Writable(x.path) {
		return segment.ErrReadOnly
	}
	_ = os.Remove(x.path + stampSuffix) // mostly there is none
	db, err := OpenDB(x.path, x.busy, url.Values{})
	if err != nil {
		return err
	}
	db.SetMaxOpenConns(1)
	c, err := db.Conn(ctx)
	if err != nil {
		return errors.Join(err, db.Close())
	}
	for _, set := range []string{
		"journal_mode = wal", "synchronous = normal", "cache_size = -8000", "secure_delete = 1",
		fmt.Sprintf("wal_autocheckpoint = %d", walPages), "journal_size_limit = 67108864",
	} {
		if _, err = c.ExecContext(ctx, "PRAGMA "+set); err != nil {
			return errors.Join(err, c.Close(), db.Close())
		}
	}
	x.db, x.conn = db, newConn(c)
	return nil
}

// ask runs do, which queries the index and may be run again: on a new index when the
// one that is there cannot be used.
func (x *Index) ask(ctx context.Context, do func(db *sql.DB) error) error {
	for try := 1; ; try++ {
		x.mu.Lock()
		db := x.read
		x.mu.Unlock()
		err := do(db)
		if try == 5 || !useless(err) && !x.deleted(err) {
			return Typed(err)
		}
		if err = x.replace(ctx, db); err == nil {
			err = x.catchUp(ctx)
		}
		if err != nil && !useless(err) && !x.deleted(err) {
			return Typed(err)
		}
	}
}

// deleted reports whether SQLite has failed with err and the index is not there any
// more: it may say anything then.
func (x *Index) deleted(err error) bool {
	if _, ok := errors.AsType[*sqlite.Error](err); !ok {
		return false
	}
	x.mu.Lock()
	defer x.mu.Unlock()
	return !exists(x.path)
}

// exists reports whether there is a file at path.
func exists(path string) bool {
	_, err := os.Lstat(path)
	return err == nil
}

// Ends says up to where each segment is in the index, and how many deliveries are.
func (x *Index) Ends(ctx context.Context) (ends map[string]int64, t segment.Turn, listed int64, err error) {
	err = x.ask(ctx, func(db *sql.DB) error {
		known, err := segmentsOf(ctx, db)
		ends = map[string]int64{}
		for _, s := range known {
			ends[s.name] = s.done
		}
		return cmp.Or(err, db.QueryRowContext(ctx, "SELECT seq, last, (SELECT count(*) FROM deliveries) FROM state").Scan(&t.Seq, &t.Last, &listed))
	})
	return ends, t, listed, err
}

// Close closes the file. When nobody else has it open, it gets a stamp.
func (x *Index) Close() (err error) {
	x.mu.Lock()
	defer x.mu.Unlock()
	for _, db := range append(x.old, x.read) {
		if db != nil {
			err = errors.Join(err, db.Close())
		}
	}
	if x.db != nil {
		// This needs the file for itself, and takes the write-ahead log into it.
		var mode string
		ctx := context.Background() //nolint:forbidigo // what closes has no caller that waits
		_, _ = x.conn.ExecContext(ctx, "PRAGMA busy_timeout = 0")
		alone := x.conn.QueryRowContext(ctx, "PRAGMA journal_mode = delete").Scan(&mode) == nil && mode == "delete"
		err = errors.Join(err, x.conn.Close(), x.db.Close())
		if alone && x.private == nil {
			setStamp(x.path)
		}
	}
	x.read, x.db, x.conn, x.old = nil, nil, nil, nil
	return errors.Join(err, x.private.Delete())
}

// CatchUp brings what queries read up to date. They do so themselves.
func (x *Index) CatchUp(ctx context.Context) error {
	return Typed(x.ask(ctx, func(*sql.DB) error { return x.catchUp(ctx) }))
}

// ready brings what f asks for up to date, as far as this process may.
func (x *Index) ready(ctx context.Context, f Filter) error {
	err := x.CatchUp(ctx)
	if err == nil && strings.TrimSpace(f.Text) != "" {
		err = Typed(x.ask(ctx, func(*sql.DB) error { return x.FollowWords(ctx, fillAtOnce, always) }))
	}
	if errors.Is(err, segment.ErrReadOnly) || errors.Is(err, segment.ErrLocked) || errors.Is(err, segment.ErrFull) {
		return nil // what is in it is shown
	}
	return err
}

// askFor runs do on what f asks for. It may be run again.
func (x *Index) askFor(ctx context.Context, f Filter, do func(db *sql.DB) error) error {
	if err := x.ready(ctx, f); err != nil {
		return err
	}
	return Typed(x.ask(ctx, do))
}
