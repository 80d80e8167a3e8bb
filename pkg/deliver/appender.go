package deliver

import (
	"errors"
	"os"
	"sync"
	"time"
)

// appender appends lines to a file. Lines that arrive during a write are written
// together in the next one, so that many senders need few system calls.
type appender struct {
	file *os.File

	mu      sync.Mutex
	done    sync.Cond // a write has ended
	pending []byte
	spare   []byte // reused for the next pending
	writing bool
	added   int // lines so far, written or pending
	written int
	err     error // of the first write that failed; nothing is written after it
	timer   *time.Timer
	armed   bool // timer is running
}

// flushDelay is how long a line may stay unwritten if its caller does not wait.
const flushDelay = 5 * time.Millisecond

func newAppender(file *os.File) *appender {
	a := &appender{file: file}
	a.done.L = &a.mu
	a.timer = time.AfterFunc(time.Hour, func() {
		a.mu.Lock()
		defer a.mu.Unlock()
		a.armed = false
		a.flush(a.added)
	})
	a.timer.Stop()
	return a
}

// write adds the line that add appends. With wait it returns when the line is
// written; otherwise at once, with the error of an earlier write if there was one.
func (a *appender) write(wait bool, add func([]byte) []byte) error {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.err != nil {
		return a.err
	}
	a.pending = add(a.pending)
	a.added++
	if wait {
		a.flush(a.added)
	} else if !a.armed {
		a.armed = true
		a.timer.Reset(flushDelay)
	}
	return a.err
}

// flush returns when all lines up to upTo are written, or cannot be. The caller
// holds the lock.
func (a *appender) flush(upTo int) {
	for a.written < upTo && a.err == nil {
		if a.writing {
			a.done.Wait()
			continue
		}
		batch, last := a.pending, a.added
		a.pending, a.writing = a.spare[:0], true
		a.mu.Unlock()
		_, err := a.file.Write(batch)
		a.mu.Lock()
		a.spare, a.writing, a.written = batch, false, last
		if err != nil {
			a.err = err
		}
		a.done.Broadcast()
	}
}

// close writes the rest. It returns the first error of any write.
func (a *appender) close() error {
	a.timer.Stop()
	a.mu.Lock()
	defer a.mu.Unlock()
	a.flush(a.added)
	return errors.Join(a.err, a.file.Close())
}
