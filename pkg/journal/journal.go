package journal

import (
	"cmp"
	"context"
	"database/sql"
	"errors"
	"fmt"
	"io/fs"
	"net/url"
	"os"
	"path/filepath"
	"time"
)

// Defaults of [Options].
const (
	DefaultMaxDeliveries       = 100_000
	DefaultMaxBytes      int64 = 1 << 30
	DefaultWindow              = 24 * time.Hour
	DefaultBusy                = 5 * time.Second
)

// Options adjusts a [Log]. Zero values stand for the defaults.
type Options struct {
	// ReadOnly opens a log that is there, to look at it. Nothing is created or
	// changed.
	ReadOnly bool
	// Existing refuses to create a log.
	Existing bool
	// MaxDeliveries and MaxBytes bound the log; past them the oldest deliveries
	// go. Negative: no bound. Bytes are those of the file in use.
	MaxDeliveries int
	MaxBytes      int64
	// Window is how far back copies of a call are counted: a delivery that
	// comes longer after the one before is a first again.
	Window time.Duration
	// KeepSecrets stores headers as they came. Otherwise the values of headers
	// that safetext calls secret, and of those named in Secrets, are masked.
	KeepSecrets bool
	Secrets     []string
	// Busy is how long to wait for another process that writes.
	Busy time.Duration
	// Now is the clock of the window; time.Now when nil.
	Now func() time.Time
}

func (o Options) withDefaults() Options {
	o.MaxDeliveries = cmp.Or(o.MaxDeliveries, DefaultMaxDeliveries)
	o.MaxBytes = cmp.Or(o.MaxBytes, DefaultMaxBytes)
	o.Window = cmp.Or(o.Window, DefaultWindow)
	o.Busy = cmp.Or(o.Busy, DefaultBusy)
	if o.Now == nil {
		o.Now = time.Now
	}
	return o
}

// Log is an open delivery log. Its methods are safe for concurrent use.
type Log struct {
	path  string
	opts  Options
	read  *sql.DB
	write *writer // nil when opened to read only
}

// Open opens the log at path. Unless opts say otherwise it is created, with its
// folder, readable by its owner only. An error is one of this package's, or
// fs.ErrNotExist, or from the operating system.
func Open(ctx context.Context, path string, opts Options) (*Log, error) {
	path, err := filepath.Abs(path)
	if err != nil {
		return nil, err
	}
	l := &Log{path: path, opts: opts.withDefaults()}
	if !opts.ReadOnly && !opts.Existing {
		if err := create(path); err != nil {
			return nil, err
		}
	}
	// SQLite would only say that it cannot open it.
	if info, err := os.Stat(path); err != nil {
		return nil, err
	} else if !info.Mode().IsRegular() {
		return nil, &fs.PathError{Op: "open", Path: path, Err: errors.New("not a regular file")}
	}
	if !opts.ReadOnly {
		if l.write, err = newWriter(ctx, path, l.opts); err != nil {
			return nil, typed(err)
		}
	}
	if err := l.openRead(ctx); err != nil {
		return nil, errors.Join(typed(err), l.Close())
	}
	return l, nil
}

// create makes an empty file that is its owner's alone. SQLite gives the files
// beside it the same permissions.
func create(path string) error {
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		return fmt.Errorf("%w: %w", ErrFolder, err)
	}
	f, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE, 0o600)
	if errors.Is(err, fs.ErrPermission) {
		return fmt.Errorf("%w (%w)", ErrReadOnly, err)
	}
	if err != nil {
		return err
	}
	return f.Close()
}

func (l *Log) openRead(ctx context.Context) (err error) {
	pragmas := []string{"query_only(1)", "cache_size(-4000)"}
	l.read, err = openDB(l.path, l.opts.Busy, url.Values{"_pragma": pragmas})
	if err != nil {
		return err
	}
	l.read.SetMaxOpenConns(4)
	c, err := l.read.Conn(ctx)
	if err != nil {
		return err
	}
	defer c.Close()
	return migrate(ctx, c, false)
}

// openDB opens a connection pool. The pragmas go to each connection.
func openDB(path string, busy time.Duration, query url.Values) (*sql.DB, error) {
	query["_pragma"] = append([]string{fmt.Sprintf("busy_timeout(%d)", busy.Milliseconds())}, query["_pragma"]...)
	name := (&url.URL{Scheme: "file", Path: filepath.ToSlash(path), RawQuery: query.Encode()}).String()
	return sql.Open("sqlite", name)
}

// Path is the file, absolute.
func (l *Log) Path() string { return l.path }

// Close writes what is waiting and closes the file. Appends that come later
// fail with [ErrClosed].
func (l *Log) Close() error {
	var err error
	if l.write != nil {
		err = l.write.end()
		l.write.keeper.end()
	}
	// The connection that may write is the last: it takes the write-ahead log
	// into the file.
	if l.read != nil {
		err = errors.Join(err, l.read.Close())
	}
	if l.write != nil {
		err = errors.Join(err, l.write.keeper.shut())
	}
	return err
}
