package journal

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"hash/crc32"
	"net/url"
	"os"
	"sync"
	"sync/atomic"
	"time"

	"modernc.org/sqlite"
)

const (
	maxBatch      = 256     // deliveries a transaction
	maxBatchBytes = 8 << 20 // of bodies, unless one is larger
	maxOutcomes   = 4096    // that are to be written
	maxWaiting    = 1024    // outcomes that nobody looks at yet
	// outcomeWait is how long outcomes wait for deliveries to share their
	// transaction with.
	outcomeWait = 10 * time.Millisecond
	// batchWait is how long a batch waits to become half a crowd.
	batchWait = time.Millisecond
	// fewDeliveries at a time leave time to index them at once. With more,
	// indexing waits until nothing came for idleAfter.
	fewDeliveries = 4
	idleAfter     = 20 * time.Millisecond
	// indexAtOnce is how many deliveries are indexed in one transaction, while
	// others may wait.
	indexAtOnce = 64
	// maxBody leaves room for the rest of a row under SQLite's limit of 10^9.
	maxBody = 999_000_000
	// walPages is how long the write-ahead log gets before it is copied into
	// the file: short, since deliveries wait meanwhile.
	walPages = 256
)

// writer owns the connection that writes. One goroutine, run, does all of it,
// many deliveries a transaction: whatever came while the one before was on its
// way to the disk.
type writer struct {
	path    string
	opts    Options
	base    context.Context // never ends: what was begun is completed
	queue   queue
	results chan finished
	jobs    chan job
	ended   chan struct{} // closed when run has returned

	mu     sync.RWMutex
	closed atomic.Bool // changes under mu

	// What follows belongs to run.
	db       *sql.DB
	conn     *conn
	file     os.FileInfo // what path was when it was opened
	batch    *batch
	crowd    int // how many come at a time: the largest batch of late
	outcomes []finished
	buf      []byte // a segment
	next     next
	calls    *calls
	behind   bool  // something may be left to index
	fresh    fresh // since the bounds were looked at
	err      error // the last failure to write outcomes
}

// next is where the file ends. It is known until another process writes.
type next struct {
	version int64 // of the data, as SQLite counts it for this connection; 0: not known
	segment int64 // id of the next one
	id      int64 // of the next delivery
}

type finished struct {
	id int64
	Outcome
}

// job is other work for the connection that writes.
type job struct {
	do    func(context.Context) error
	plain bool // not in a transaction
	done  chan error
}

func newWriter(ctx context.Context, path string, opts Options) (*writer, error) {
	w := &writer{
		path: path, opts: opts, base: context.WithoutCancel(ctx),
		queue:   newQueue(),
		results: make(chan finished, maxWaiting),
		jobs:    make(chan job),
		ended:   make(chan struct{}),
		calls:   newCalls(opts.Window),
		batch:   new(batch),
		behind:  true,
	}
	if err := w.open(ctx); err != nil {
		return nil, errors.Join(err, w.shut())
	}
	go w.run()
	return w, nil
}

// open opens path, and makes it a delivery log if it is empty.
func (w *writer) open(ctx context.Context) (err error) {
	settings := []string{
		"journal_mode = wal", "synchronous = full", "cache_size = -8000",
		fmt.Sprintf("wal_autocheckpoint = %d", walPages), "journal_size_limit = 67108864",
	}
	// What fsync writes beyond fdatasync are times of the file. Where there is
	// no fdatasync, fsync it is.
	_, _ = sqlite.Fdatasync(true)
	w.db, err = openDB(w.path, w.opts.Busy, url.Values{})
	if err != nil {
		return err
	}
	if w.file, err = os.Stat(w.path); err != nil {
		return err
	}
	w.db.SetMaxOpenConns(1)
	c, err := w.db.Conn(ctx)
	if err != nil {
		return err
	}
	w.conn = newConn(c)
	if w.file.Size() > 0 {
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
	return migrate(ctx, c, true)
}

// shut closes the file.
func (w *writer) shut() (err error) {
	if w.conn != nil {
		if errors.Is(w.present(), ErrGone) {
			// SQLite does not take its write-ahead log into a file that was
			// moved, and nobody would find the one without the other.
			err = w.conn.exec(w.base, "PRAGMA wal_checkpoint(TRUNCATE)")
		}
		err = errors.Join(err, w.conn.Close())
	}
	if w.db != nil {
		err = errors.Join(err, w.db.Close())
	}
	w.db, w.conn = nil, nil
	return err
}

// Append stores d and returns once it is on disk, with its ID, Copy and First
// set. When it fails, nothing of d is stored, and a later Append may succeed
// again.
func (l *Log) Append(ctx context.Context, d *Delivery) error {
	if l.write == nil {
		return ErrReadOnly
	}
	if len(d.Body) > maxBody {
		return ErrTooLarge
	}
	if d.Hash == nil {
		d.Hash = hash(d.Body)
	}
	b, err := l.write.add(ctx, appended{d, l.opts.storedHeader(d.Header)})
	if err != nil {
		return err
	}
	<-b.done
	return b.err
}

// Finish adds what became of the delivery called id. It returns before that is
// on disk; [Log.Close] waits for it.
func (l *Log) Finish(ctx context.Context, id int64, o Outcome) error {
	if l.write == nil {
		return ErrReadOnly
	}
	return enqueue(ctx, l.write, l.write.results, finished{id, o})
}

// exec runs do as one transaction, between those of deliveries.
func (w *writer) exec(ctx context.Context, do func(context.Context) error) error {
	return w.job(ctx, job{do, false, make(chan error, 1)})
}

// plain runs a statement that stands outside of transactions.
func (w *writer) plain(ctx context.Context, statement string) error {
	return w.job(ctx, job{func(ctx context.Context) error {
		return w.conn.exec(ctx, statement)
	}, true, make(chan error, 1)})
}

func (w *writer) job(ctx context.Context, j job) error {
	if err := enqueue(ctx, w, w.jobs, j); err != nil {
		return err
	}
	return typed(<-j.done)
}

// add hands a to run, unless the log is closed.
func (w *writer) add(ctx context.Context, a appended) (*batch, error) {
	w.mu.RLock()
	defer w.mu.RUnlock()
	switch {
	case w.closed.Load():
		return nil, ErrClosed
	case ctx.Err() != nil:
		return nil, context.Cause(ctx)
	}
	return w.queue.add(a), nil
}

// enqueue hands v to run, unless the log is closed.
func enqueue[T any](ctx context.Context, w *writer, to chan<- T, v T) error {
	w.mu.RLock()
	defer w.mu.RUnlock()
	if w.closed.Load() {
		return ErrClosed
	}
	select {
	case to <- v:
		return nil
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}

// end writes what is waiting. The connection stays open.
func (w *writer) end() error {
	w.mu.Lock()
	w.closed.Store(true)
	w.mu.Unlock()
	w.queue.wake()
	<-w.ended
	return w.err
}

func (w *writer) run() {
	defer close(w.ended)
	for open := true; open; {
		open = w.collect()
		w.commit()
		w.bound()
	}
}

// collect waits for work, and takes what is waiting. It returns false once the
// log is closed and nothing is left.
func (w *writer) collect() (open bool) {
	if !w.idle() {
		return true
	}
	w.gather()
	w.batch = w.queue.take()
	w.takeOutcomes()
	return !w.closed.Load() || w.queue.holds(1) || len(w.results) > 0
}

// idle waits until deliveries are there to be written, or outcomes that have
// waited for them long enough. It returns false when it did something else
// instead.
func (w *writer) idle() bool {
	results := w.results
	var wait <-chan time.Time
	if w.behind {
		wait = time.After(idleAfter)
	}
	for w.takeOutcomes(); !w.queue.holds(1) && !w.closed.Load(); {
		if len(w.outcomes) > 0 && results != nil {
			// They are in no hurry, a delivery may come to share their
			// transaction, and more of them need not wake anybody.
			results, wait = nil, time.After(outcomeWait)
		}
		select {
		case <-w.queue.enough:
		case f := <-results:
			w.outcomes = append(w.outcomes, f)
		case j := <-w.jobs:
			w.takeOutcomes()
			w.commit() // it may look at them
			w.work(j)
			return false
		case <-wait:
			if results == nil {
				return true
			}
			w.tidy()
			return false
		}
	}
	return true
}

// gather waits for half a crowd. Those who were answered just now are about to
// send again; one that went ahead alone would keep them waiting for the disk
// twice.
func (w *writer) gather() {
	half := max(1, w.crowd/2)
	if !w.queue.holds(1) || w.queue.holds(half) {
		return
	}
	wait := time.After(batchWait)
	for !w.queue.holds(half) && !w.closed.Load() {
		select {
		case <-w.queue.enough:
		case <-wait:
			return
		}
	}
}

func (w *writer) takeOutcomes() {
	for len(w.results) > 0 && len(w.outcomes) < maxOutcomes {
		w.outcomes = append(w.outcomes, <-w.results) // nobody else takes them
	}
}

// work does other work than that on deliveries.
func (w *writer) work(j job) {
	run := w.transaction
	if j.plain {
		run = w.outside
	}
	j.done <- run(j.do)
}

// busy reports whether many deliveries come at a time.
func (w *writer) busy() bool { return max(w.crowd, len(w.batch.deliveries)) > fewDeliveries }

// commit writes the batch and the outcomes as one segment.
func (w *writer) commit() {
	if len(w.batch.deliveries)+len(w.outcomes) == 0 {
		return
	}
	undo := w.calls.begin()
	err := w.transaction(func(ctx context.Context) error {
		if err := w.segment(ctx); err != nil {
			return err
		}
		if w.busy() {
			w.behind = true // there are more important things to do
			return nil
		}
		var err error
		w.behind, err = indexSome(ctx, w.conn, indexAtOnce)
		return err
	})
	if err != nil {
		undo()
		w.next = next{}
		err = typed(err)
	}
	// A batch that is small by chance does not make a crowd small.
	w.crowd = max(len(w.batch.deliveries), w.crowd*7/8)
	w.batch.end(err)
	w.batch = new(batch)
	switch {
	case err == nil:
		clear(w.outcomes)
		w.outcomes = w.outcomes[:0]
	case len(w.outcomes) >= maxOutcomes:
		// A disk that stays full must not fill the memory too.
		w.outcomes, w.err = w.outcomes[:0], err
	}
}

// transaction runs f between BEGIN and COMMIT. It is on disk when the error is
// nil, and undone otherwise.
func (w *writer) transaction(f func(context.Context) error) error {
	ctx := w.base
	if err := w.present(); err != nil {
		return err
	}
	if err := w.conn.exec(ctx, "BEGIN IMMEDIATE"); err != nil {
		return err
	}
	err := f(ctx)
	if err == nil {
		err = w.conn.exec(ctx, "COMMIT")
	}
	if err != nil {
		// It fails when SQLite has rolled back by itself.
		_ = w.conn.exec(ctx, "ROLLBACK")
	}
	return err
}

// outside runs f without a transaction of its own.
func (w *writer) outside(f func(context.Context) error) error {
	ctx := w.base
	if err := w.present(); err != nil {
		return err
	}
	return f(ctx)
}

// present reports an error when the file was moved away or deleted: what is
// written to a file that nobody finds is lost.
func (w *writer) present() error {
	if now, err := os.Stat(w.path); err != nil || !os.SameFile(now, w.file) {
		return ErrGone
	}
	return nil
}

// segment writes the batch and the outcomes. Nobody else gives out ids or
// numbers copies until the transaction is over.
func (w *writer) segment(ctx context.Context) error {
	if err := w.catchUp(ctx); err != nil {
		return err
	}
	if cap(w.buf) > maxBatchBytes {
		w.buf = nil // one was very large
	}
	w.buf = w.buf[:0]
	for _, a := range w.batch.deliveries {
		a.ID = w.next.id
		w.next.id++
		w.calls.number(a.Delivery)
		w.buf = appendDelivery(w.buf, a.Delivery, a.header)
	}
	for i := range w.outcomes {
		w.buf = appendOutcome(w.buf, w.outcomes[i].id, &w.outcomes[i].Outcome)
	}
	err := w.conn.exec(ctx, "INSERT INTO segments VALUES (?, ?, ?, ?)", w.next.segment, w.next.id-1, checksum(w.buf), w.buf)
	w.next.segment++
	w.fresh.deliveries += len(w.batch.deliveries)
	w.fresh.bytes += int64(len(w.buf))
	return err
}

// catchUp finds out what other processes have written.
func (w *writer) catchUp(ctx context.Context) error {
	var version int64
	if err := w.conn.scan(ctx, "PRAGMA data_version", nil, &version); err != nil {
		return err
	}
	if version == w.next.version {
		return nil
	}
	w.next = next{version, 1, 1}
	err := w.conn.scan(ctx, "SELECT id+1, last+1 FROM segments ORDER BY id DESC LIMIT 1", nil, &w.next.segment, &w.next.id)
	if err != nil && !errors.Is(err, sql.ErrNoRows) {
		return err
	}
	return w.calls.learn(ctx, w.conn, w.opts.Now())
}

func checksum(data []byte) int64 {
	return int64(crc32.Checksum(data, crc32.MakeTable(crc32.Castagnoli)))
}
