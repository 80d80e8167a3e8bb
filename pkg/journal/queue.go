package journal

import "sync"

// queue holds deliveries that wait to be written, in the order in which they
// came. There is no bound: whoever adds one waits for it.
type queue struct {
	enough chan struct{} // gets a value when there are as many as wanted

	mu      sync.Mutex
	want    int
	batches []*batch // the last may grow
}

// batch is deliveries that share a transaction.
type batch struct {
	deliveries []appended
	bytes      int           // of their bodies
	done       chan struct{} // closed when they are on disk, or
	err        error         // says why not
}

// appended is a delivery on its way to the disk.
type appended struct {
	*Delivery
	header string // as stored
}

func newQueue() queue { return queue{enough: make(chan struct{}, 1)} }

// add returns the batch that a has become part of.
func (q *queue) add(a appended) *batch {
	q.mu.Lock()
	defer q.mu.Unlock()
	n := len(q.batches)
	if n == 0 || q.batches[n-1].full() {
		q.batches = append(q.batches, &batch{done: make(chan struct{})})
		n++
	}
	b := q.batches[n-1]
	b.deliveries = append(b.deliveries, a)
	b.bytes += len(a.Body)
	// Waking costs more than all else here: not at each delivery.
	if q.filled() {
		q.wake()
	}
	return b
}

// wake makes whoever waits look again.
func (q *queue) wake() {
	select {
	case q.enough <- struct{}{}:
	default: // it will anyway
	}
}

// holds reports whether n deliveries, or as many as a transaction takes, are
// waiting. From now on, enough says so when they are.
func (q *queue) holds(n int) bool {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.want = n
	return q.filled()
}

func (q *queue) filled() bool {
	return len(q.batches) > 0 && (len(q.batches[0].deliveries) >= q.want || q.batches[0].full())
}

// take removes the first batch, which may be empty.
func (q *queue) take() *batch {
	q.mu.Lock()
	defer q.mu.Unlock()
	if len(q.batches) == 0 {
		return new(batch)
	}
	b := q.batches[0]
	q.batches = q.batches[1:]
	return b
}

func (b *batch) full() bool { return len(b.deliveries) >= maxBatch || b.bytes >= maxBatchBytes }

// end tells those who wait for b.
func (b *batch) end(err error) {
	b.err = err
	if b.done != nil {
		close(b.done)
	}
}
