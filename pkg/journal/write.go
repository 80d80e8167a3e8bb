package journal

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"time"

	"github.com/julianctl/julianctl/pkg/copies"
	"github.com/julianctl/julianctl/pkg/index"
	"github.com/julianctl/julianctl/pkg/record"
	"github.com/julianctl/julianctl/pkg/segment"
)

const (
	maxBatch      = 256     // deliveries a transaction
	maxBatchBytes = 8 << 20 // of bodies, unless one is larger
	maxOutcomes   = 4096    // that are to be written
	maxWaiting    = 1024    // outcomes that nobody looks at yet
	// maxAnswers is how many bytes of answers wait in outcomes to be written.
	maxAnswers = 32 << 20
	// outcomeWait is how long outcomes wait for deliveries to share their
	// transaction with.
	outcomeWait = 10 * time.Millisecond
	// batchWait is how long a batch waits to become half of what is usual.
	batchWait = time.Millisecond
	// maxBody leaves room for the rest of a frame, whose length is in 32 bits.
	maxBody = 999_000_000
)

// writer makes deliveries durable. One goroutine, run, does all of it, many
// deliveries at a time: whatever came while those before were on their way to
// the disk.
type writer struct {
	folder  *segment.Folder
	opts    Options
	base    context.Context // never ends: what was begun is completed
	noted   func(n int)     // is told how many deliveries were written at a time
	queue   queue
	results chan finished
	asks    chan ask
	ended   chan struct{} // closed when run has returned
	packers sync.Pool

	// How many deliveries there are, and how many bytes of segments: no fewer. What
	// was deleted since is counted.
	deliveries, bytes atomic.Int64

	mu     sync.RWMutex
	closed atomic.Bool // changes under mu

	// What follows belongs to run.
	tail     *segment.Tail    // what this process appends to; nil: none yet
	ends     map[string]int64 // of segments, as far as they were looked at
	turn     segment.Turn     // as far as this process knows
	batch    *batch
	usual    int // how many come at a time: the largest batch of late
	outcomes []finished
	answers  int    // bytes of answers in outcomes
	buf      []byte // a frame
	calls    *copies.Counter
	lost     int   // outcomes that were given up
	err      error // why
	failed   error // of the last batch
	begun    bool  // it has had a segment
	fresh    bool  // go on in a new segment
	anyway   bool  // where the log was moved away, too: nobody will come again
}

// finished is what became of a delivery, at first or later.
type finished struct {
	id int64
	Outcome
	packed   []byte           // its findings; nil: they are as they are
	attempt  *Attempt         // nil: this is the outcome
	deletion *record.Deletion // nil: it is none
}

// answerSize is how many bytes of an answer f holds.
func (f *finished) answerSize() int {
	answer := (*Answer)(nil)
	switch {
	case f.attempt != nil:
		answer = f.attempt.Answer
	case f.Forward != nil:
		answer = f.Forward.Answer
	}
	return answer.Room()
}

// ask is other work for run.
type ask struct {
	do   func() error
	done chan error
}

// newWriter begins where the index stands: it learns from it, and from what is in
// the segments and not in it yet.
func newWriter(ctx context.Context, f *segment.Folder, opts Options, x *index.Index, noted func(int)) (*writer, error) {
	w := &writer{
		folder: f, opts: opts, base: context.WithoutCancel(ctx), noted: noted,
		queue:   newQueue(),
		results: make(chan finished, maxWaiting),
		asks:    make(chan ask),
		ended:   make(chan struct{}),
		calls:   copies.New(opts.Window, copies.MaxCalls),
		batch:   new(batch),
	}
	var err error
	var listed int64
	if w.ends, w.turn, listed, err = x.Ends(ctx); err == nil {
		w.deliveries.Store(listed)
		err = x.Calls(ctx, opts.Now().Add(-opts.Window), w.calls.Add)
	}
	if err == nil {
		err = w.recover()
	}
	if err != nil {
		return nil, err
	}
	go w.run()
	return w, nil
}

// Append stores d and returns once it is on disk, with its ID, Copy and First
// set. When it fails, nothing of d is stored, these are 0, and a later Append may
// succeed again.
func (l *Log) Append(ctx context.Context, d *Delivery) error {
	if l.write == nil {
		return ErrReadOnly
	}
	if len(d.Body) > maxBody {
		return ErrTooLarge
	}
	if d.Hash == nil {
		d.Hash = record.Hash(d.Body)
	}
	b, err := l.write.add(ctx, appended{d, l.opts.storedHeader(d.Header)})
	if err != nil {
		return err
	}
	<-b.done
	if b.err != nil {
		d.ID, d.Copy, d.First = 0, 0, 0
	}
	return b.err
}

// Finish adds what became of the delivery called id. It returns before that is
// on disk; [Log.Close] waits for it.
func (l *Log) Finish(ctx context.Context, id int64, o Outcome) error {
	if l.write == nil {
		return ErrReadOnly
	}
	if o.Forward != nil && o.Forward.Answer != nil {
		forward := *o.Forward
		forward.Answer = l.opts.kept(forward.Answer)
		o.Forward = &forward
	}
	w := l.write
	p, _ := w.packers.Get().(*record.Packer)
	if p == nil {
		p = new(record.Packer)
	}
	packed := p.Pack(o.Findings)
	w.packers.Put(p)
	return enqueue(ctx, &w.mu, &w.closed, w.results, finished{id: id, Outcome: o, packed: packed})
}

// Attempt adds a redelivery of the delivery called id. It returns before that is
// on disk; [Log.Close] waits for it.
func (l *Log) Attempt(ctx context.Context, id int64, a Attempt) error {
	if l.write == nil {
		return ErrReadOnly
	}
	a.Answer = l.opts.kept(a.Answer)
	w := l.write
	return enqueue(ctx, &w.mu, &w.closed, w.results, finished{id: id, attempt: &a})
}

// ask runs do between batches.
func (w *writer) ask(ctx context.Context, do func() error) error {
	a := ask{do, make(chan error, 1)}
	if err := enqueue(ctx, &w.mu, &w.closed, w.asks, a); err != nil {
		return err
	}
	return <-a.done
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

// enqueue hands v over, unless the log is closed.
func enqueue[T any](ctx context.Context, mu *sync.RWMutex, closed *atomic.Bool, to chan<- T, v T) error {
	mu.RLock()
	defer mu.RUnlock()
	if closed.Load() {
		return ErrClosed
	}
	select {
	case to <- v:
		return nil
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}

// end writes what is waiting.
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
	}
	// Nobody will come again for what could not be written.
	w.commit()
	if n := len(w.outcomes); n > 0 && errors.Is(w.failed, ErrGone) {
		w.anyway = true
		if w.commit(); len(w.outcomes) == 0 {
			// One that was moved away has them, and one that was deleted has not.
			w.err = fmt.Errorf("what became of %s went into a file that is not there: %w", several(n, "delivery", "deliveries"), ErrGone)
		}
	}
	if len(w.outcomes) > 0 {
		w.giveUp(w.failed)
	}
	if w.lost > 0 {
		w.err = fmt.Errorf("what became of %s is not stored: %w", several(w.lost, "delivery", "deliveries"), w.err)
	}
	if w.tail != nil {
		_ = w.tail.Close() // what was not cut off, the next that writes cuts off
	}
}

func several(n int, one, many string) string {
	if n == 1 {
		return "1 " + one
	}
	return fmt.Sprint(n, " ", many)
}

// giveUp forgets the outcomes that wait.
func (w *writer) giveUp(err error) {
	w.lost += len(w.outcomes)
	w.err = err
	w.forgetOutcomes()
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
	for w.takeOutcomes(); !w.queue.holds(1) && !w.closed.Load(); {
		if len(w.outcomes) > 0 && results != nil {
			// They are in no hurry, a delivery may come to share their
			// frame, and more of them need not wake anybody.
			results, wait = nil, time.After(outcomeWait)
		}
		select {
		case <-w.queue.enough:
		case f := <-results:
			w.takeOutcome(f)
		case a := <-w.asks:
			w.takeOutcomes()
			w.commit() // it may look at them
			a.done <- a.do()
			return false
		case <-wait:
			return true
		}
	}
	return true
}

// gather waits for half of what is usual. Those who were answered just now are about to
// send again; one that went ahead alone would keep them waiting for the disk
// twice.
func (w *writer) gather() {
	half := max(1, w.usual/2)
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
	for len(w.results) > 0 && !w.manyOutcomes() {
		w.takeOutcome(<-w.results) // nobody else takes them
	}
}

func (w *writer) takeOutcome(f finished) {
	w.outcomes = append(w.outcomes, f)
	w.answers += f.answerSize()
}

// manyOutcomes reports whether as many wait to be written as may.
func (w *writer) manyOutcomes() bool {
	return len(w.outcomes) >= maxOutcomes || w.answers >= maxAnswers
}

func (w *writer) forgetOutcomes() {
	clear(w.outcomes)
	w.outcomes, w.answers = w.outcomes[:0], 0
}

// commit writes the batch and the outcomes as one frame.
func (w *writer) commit() {
	if len(w.batch.deliveries)+len(w.outcomes) == 0 {
		return
	}
	undo := w.calls.Begin()
	err := w.store()
	if w.failed = err; err != nil {
		undo()
	}
	// A batch that is small by chance does not change what is usual.
	w.usual = max(len(w.batch.deliveries), w.usual*7/8)
	w.batch.end(err)
	w.batch = new(batch)
	switch {
	case err == nil:
		w.forgetOutcomes()
		w.noted(w.usual)
	case w.manyOutcomes():
		// A disk that stays full must not fill the memory too.
		w.giveUp(err)
	}
}
