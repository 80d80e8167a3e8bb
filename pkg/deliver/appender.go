package deliver

import (
	"errors"
	"os"
	"sync"
	"time"
)

// appender appends lines to a file. Those that arrive while a write is under
// way are written together with the next one, so that many senders share few
// system calls.
type appender struct {
	file *os.File

	mu      sync.Mutex
	turn    sync.Cond // a write has ended
	pending []byte
	spare   []byte // for the next pending
	writing bool
	taken   int // lines so far, written or pending
	written int
	err     error // of the first write that failed; nothing is written after it
	later   *time.Timer
	armed   bool // later is to come
}

// unwritten is how long a line waits that nobody waits for.
const unwritten = 5 * time.Millisecond

func newAppender(file *os.File) *appender {
	a := &appender{file: file}
	a.turn.L = &a.mu
	a.later = time.AfterFunc(time.Hour, func() {
		a.mu.Lock()
		defer a.mu.Unlock()
		a.armed = false
		a.flush(a.taken)
	})
	a.later.Stop()
	return a
}

// write takes what add appends. If it is to wait, it returns once that is
// written; otherwise it returns at once, and with the error of earlier ones.
func (a *appender) write(wait bool, add func([]byte) []byte) error {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.err != nil {
		return a.err
	}
	a.pending = add(a.pending)
	a.taken++
	if wait {
		a.flush(a.taken)
	} else if !a.armed {
		a.armed = true
		a.later.Reset(unwritten)
	}
	return a.err
}

// flush returns once everything up to a line is written, or cannot be. The lock
// is the caller's.
func (a *appender) flush(upTo int) {
	for a.written < upTo && a.err == nil {
		if a.writing {
			a.turn.Wait()
			continue
		}
		batch, last := a.pending, a.taken
		a.pending, a.writing = a.spare[:0], true
		a.mu.Unlock()
		_, err := a.file.Write(batch)
		a.mu.Lock()
		a.spare, a.writing, a.written = batch, false, last
		if err != nil {
			a.err = err
		}
		a.turn.Broadcast()
	}
}

// close writes the rest. It returns the error of any write.
func (a *appender) close() error {
	a.later.Stop()
	a.mu.Lock()
	defer a.mu.Unlock()
	a.flush(a.taken)
	return errors.Join(a.err, a.file.Close())
}
