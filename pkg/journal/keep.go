package journal

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"net/url"
	"os"
	"sync"
	"sync/atomic"
	"time"

	"modernc.org/sqlite"
)

const (
	// With fewDeliveries at a time there is time to move and index them soon;
	// with more, that waits until nothing came for idleAfter.
	fewDeliveries = 4
	idleAfter     = 20 * time.Millisecond
	// indexAtOnce is how many deliveries are indexed in one transaction, while
	// others may wait.
	indexAtOnce = 64
	// walPages is how long the write-ahead log gets before it is copied into
	// the file.
	walPages = 256
)

// keeper owns the connection that writes. One goroutine, run, does all of it:
// it takes what is in the intake into the table of segments, indexes it, and
// does the work of whoever asks.
type keeper struct {
	path  string
	opts  Options
	base  context.Context // never ends: what was begun is completed
	jobs  chan job
	noted chan struct{} // has a value when something was appended
	stop  chan struct{}
	ended chan struct{} // closed when run has returned

	// Positions in the intake, as far as this process knows.
	moved, written atomic.Int64
	busy           atomic.Bool // many deliveries come at a time

	mu     sync.RWMutex
	closed atomic.Bool // changes under mu

	log  int64 // what tells this log from others
	room int64 // of an intake that this process makes

	// What follows belongs to run.
	db     *sql.DB
	conn   *conn
	file   os.FileInfo // what path was when it was opened
	behind bool        // something may be left to move or to index
	fresh  fresh       // since the bounds were looked at
}

// job is work for the connection that writes.
type job struct {
	do   func() error
	done chan error
}

func newKeeper(ctx context.Context, path string, opts Options) (*keeper, error) {
	k := &keeper{
		path: path, opts: opts, base: context.WithoutCancel(ctx),
		jobs:   make(chan job),
		noted:  make(chan struct{}, 1),
		stop:   make(chan struct{}),
		ended:  make(chan struct{}),
		behind: true,
		room:   roomFor(opts.MaxBytes),
	}
	if err := k.open(ctx); err != nil {
		return nil, errors.Join(err, k.shut())
	}
	go k.run()
	return k, nil
}

// open opens path, and makes it a delivery log if it is empty.
func (k *keeper) open(ctx context.Context) (err error) {
	settings := []string{
		"journal_mode = wal", "synchronous = full", "cache_size = -8000",
		fmt.Sprintf("wal_autocheckpoint = %d", walPages), "journal_size_limit = 67108864",
	}
	// What fsync writes beyond fdatasync are times of the file. Where there is
	// no fdatasync, fsync it is.
	_, _ = sqlite.Fdatasync(true)
	k.db, err = openDB(k.path, k.opts.Busy, url.Values{})
	if err != nil {
		return err
	}
	if k.file, err = os.Stat(k.path); err != nil {
		return err
	}
	k.db.SetMaxOpenConns(1)
	c, err := k.db.Conn(ctx)
	if err != nil {
		return err
	}
	k.conn = newConn(c)
	if k.file.Size() > 0 {
		// Before anything is set: that would change the file.
		if _, err := fileVersion(ctx, c); err != nil {
			return err
		}
	} else {
		// These count only before the first page is written.
		settings = append([]string{fmt.Sprintf("page_size = %d", pageSize), "auto_vacuum = incremental"}, settings...)
	}
	for _, set := range settings {
		if _, err := c.ExecContext(ctx, "PRAGMA "+set); err != nil {
			return err
		}
	}
	if err := migrate(ctx, c, true); err != nil {
		return err
	}
	return k.conn.scan(ctx, "SELECT log FROM state", nil, &k.log)
}

// shut closes the file.
func (k *keeper) shut() (err error) {
	if k.conn != nil {
		if errors.Is(k.present(), ErrGone) {
			// SQLite does not take its write-ahead log into a file that was
			// moved, and nobody would find the one without the other.
			err = k.conn.exec(k.base, "PRAGMA wal_checkpoint(TRUNCATE)")
		}
		err = errors.Join(err, k.conn.Close())
	}
	if k.db != nil {
		err = errors.Join(err, k.db.Close())
	}
	k.db, k.conn = nil, nil
	return err
}

// end waits for what is under way.
func (k *keeper) end() {
	k.mu.Lock()
	if !k.closed.Swap(true) {
		close(k.stop)
	}
	k.mu.Unlock()
	<-k.ended
}

// exec runs do as one transaction, between others.
func (k *keeper) exec(ctx context.Context, do func(context.Context) error) error {
	return k.work(ctx, func() error { return k.transaction(do) })
}

// plain runs a statement that stands outside of transactions.
func (k *keeper) plain(ctx context.Context, statement string) error {
	return k.work(ctx, func() error {
		if err := k.present(); err != nil {
			return err
		}
		return k.conn.exec(k.base, statement)
	})
}

// work has run do it, and waits.
func (k *keeper) work(ctx context.Context, do func() error) error {
	j := job{do, make(chan error, 1)}
	if err := enqueue(ctx, &k.mu, &k.closed, k.jobs, j); err != nil {
		return err
	}
	return typed(<-j.done)
}

// note says up to where the intake is written, and whether many come at a time.
func (k *keeper) note(end int64, busy bool) {
	k.written.Store(end)
	k.busy.Store(busy)
	k.nudge()
}

func (k *keeper) nudge() {
	select {
	case k.noted <- struct{}{}:
	default: // it will look anyway
	}
}

func (k *keeper) run() {
	defer close(k.ended)
	idle := time.NewTimer(idleAfter)
	defer idle.Stop()
	armed := true
	for {
		select {
		case j := <-k.jobs:
			j.done <- j.do()
			if armed {
				idle.Reset(idleAfter)
			}
		case <-k.noted:
			k.behind = true
			if k.crammed() {
				k.moveSlice()
			}
			if !armed || k.busy.Load() {
				idle.Reset(idleAfter)
				armed = true
			}
		case <-idle.C:
			armed = false
			k.tidy()
			if k.behind {
				idle.Reset(idleAfter)
				armed = true
			}
		case <-k.stop:
			for k.bound() {
			}
			return
		}
		if k.bound() {
			k.nudge()
		}
	}
}

// transaction runs f between BEGIN and COMMIT. It is on disk when the error is
// nil, and undone otherwise.
func (k *keeper) transaction(f func(context.Context) error) error {
	if err := k.present(); err != nil {
		return err
	}
	return k.anyway(f)
}

// anyway is transaction for a file that was moved away, too.
func (k *keeper) anyway(f func(context.Context) error) error {
	ctx := k.base
	if err := k.conn.exec(ctx, "BEGIN IMMEDIATE"); err != nil {
		return err
	}
	err := f(ctx)
	if err == nil {
		err = k.conn.exec(ctx, "COMMIT")
	}
	if err != nil {
		// It fails when SQLite has rolled back by itself.
		_ = k.conn.exec(ctx, "ROLLBACK")
	}
	return err
}

// present reports an error when the file was moved away or deleted: what is
// written to a file that nobody finds is lost.
func (k *keeper) present() error {
	if now, err := os.Stat(k.path); err != nil || !os.SameFile(now, k.file) {
		return ErrGone
	}
	return nil
}

// insert adds a segment.
func (k *keeper) insert(ctx context.Context, last int64, data []byte) error {
	var id, before int64
	err := k.conn.scan(ctx, lastSegment, nil, &id, &before)
	if err != nil && !errors.Is(err, sql.ErrNoRows) {
		return err
	}
	k.fresh.deliveries += int(last - before)
	k.fresh.bytes += int64(len(data))
	return k.conn.exec(ctx, "INSERT INTO segments VALUES (?, ?, ?, ?)", id+1, max(last, before), checksum(data), data)
}

const lastSegment = "SELECT id, last FROM segments ORDER BY id DESC LIMIT 1"
