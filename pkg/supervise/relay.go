package supervise

import (
	"bufio"
	"errors"
	"io"
	"net"
	"os"
	"sync"
	"time"
)

// protocol cuts what one connection says into requests and answers. It never
// changes a byte. Request and response are called from two goroutines, but a
// response to a request is never read before the request was.
type protocol interface {
	// request reads from the consumer until there is something to pass on.
	request(*frameReader) (unit, error)
	// response reads the next part of what the target says.
	response(*frameReader) (part, error)
}

// unit is what the consumer says at one go: the bytes are in the reader.
type unit struct {
	text    string // what it asks, values blanked; "" where it is no step
	raw     string
	hash    uint64 // of text and of what came before it in the transaction
	write   bool
	changes bool
	ends    bool // COMMIT, or an HTTP request
	awaits  bool // the next request is read after its answer only
	passAll bool // from here on nothing is framed
}

// part says what the bytes in the reader are to the answer.
type part struct {
	last    bool   // the answer is complete
	apart   bool   // no part of an answer, such as a notification
	wants   bool   // the consumer has to say more before the answer goes on
	answer  string // short, with last
	passAll bool
}

// frameReader keeps every byte that was read through it until they are taken.
type frameReader struct {
	r    *bufio.Reader
	data []byte
}

// next reads n bytes and returns them; they stay as they are until taken.
func (f *frameReader) next(n int) ([]byte, error) {
	start := len(f.data)
	for n > 0 {
		// Memory follows what comes, not what a length claims.
		chunk := min(n, 64<<10)
		at := len(f.data)
		f.data = append(f.data, make([]byte, chunk)...)
		got, err := io.ReadFull(f.r, f.data[at:])
		f.data = f.data[:at+got]
		if err != nil {
			return nil, err
		}
		n -= chunk
	}
	return f.data[start:], nil
}

// maxLine is the longest line of a text protocol that is framed, in bytes.
const maxLine = 64 << 10

// line reads up to and with the next line feed.
func (f *frameReader) line() ([]byte, error) {
	start := len(f.data)
	for {
		piece, err := f.r.ReadSlice('\n')
		f.data = append(f.data, piece...)
		switch {
		case errors.Is(err, bufio.ErrBufferFull) && len(f.data)-start < maxLine:
			continue
		case errors.Is(err, bufio.ErrBufferFull):
			return nil, errUnframed
		}
		return f.data[start:], err
	}
}

// some reads what is there, at least one byte.
func (f *frameReader) some() error {
	if _, err := f.r.Peek(1); err != nil {
		return err
	}
	_, err := f.next(min(f.r.Buffered(), 64<<10))
	return err
}

func (f *frameReader) take() []byte {
	data := f.data
	f.data = nil
	return data
}

// errUnframed says that the bytes do not follow the protocol: they are passed on
// as they are, and so is all that comes after them.
var errUnframed = errors.New("not framed")

// maxHeld is how much of an answer is kept back until it is complete. What is
// longer goes on as it comes.
const maxHeld = 1 << 20

// relay passes the bytes of one connection on, a step at a time.
type relay struct {
	conn   *proxyConn
	server net.Conn
	inbox  *inbox // from the consumer
	up     *frameReader
	down   *frameReader

	mu       sync.Mutex
	proto    protocol
	passAll  bool
	pending  bool  // an answer is due
	step     *Step // what is open; nil where it is not counted
	held     []byte
	answered chan struct{} // a token for each answer that a request waits for
}

func newRelay(conn *proxyConn, server net.Conn) *relay {
	r := &relay{conn: conn, server: server, inbox: newInbox(), answered: make(chan struct{}, 1)}
	r.up = &frameReader{r: bufio.NewReaderSize(r.inbox, 16<<10)}
	r.down = &frameReader{r: bufio.NewReaderSize(interruptedReader{r}, 16<<10)}
	return r
}

// run returns when both sides are done.
func (r *relay) run() {
	var sides sync.WaitGroup
	drained := make(chan struct{})
	sides.Go(func() { r.inbox.fill(r.conn.client) })
	sides.Go(func() {
		defer close(drained)
		defer r.inbox.close(io.EOF)
		err := r.answers()
		// What is not cut ends as the target ended it.
		if errors.Is(err, errCut) {
			resetConn(r.conn.client)
		} else {
			_ = r.conn.client.Close()
		}
		_ = r.server.SetDeadline(time.Now().Add(targetTimeout))
		if half, ok := r.server.(interface{ CloseWrite() error }); ok {
			_ = half.CloseWrite()
		}
		_, _ = io.Copy(io.Discard, r.server)
		r.finishAnswer()
	})
	err := r.requests(drained)
	if errors.Is(err, errCut) {
		resetConn(r.conn.client)
	}
	finish(r.server, drained)
	_ = r.server.Close()
	_ = r.conn.client.Close()
	sides.Wait()
}

// requests passes on what the consumer says.
func (r *relay) requests(drained <-chan struct{}) error {
	if err := r.sniff(); err != nil {
		return err
	}
	for {
		r.mu.Lock()
		proto, passAll := r.proto, r.passAll
		r.mu.Unlock()
		if passAll {
			if err := r.up.some(); err != nil {
				return err
			}
			if _, err := r.server.Write(r.up.take()); err != nil {
				return err
			}
			continue
		}
		u, err := proto.request(r.up)
		if err != nil || u.passAll {
			// Also what was read of an incomplete request is passed on.
			r.passThrough()
			if _, werr := r.server.Write(r.up.take()); werr != nil {
				return werr
			}
			if errors.Is(err, errUnframed) || err == nil {
				continue
			}
			return err
		}
		if err := r.request(u, drained); err != nil {
			return err
		}
	}
}

// request passes one request on, and waits for its answer where the next one
// depends on it.
func (r *relay) request(u unit, drained <-chan struct{}) error {
	r.mu.Lock()
	open := r.pending
	r.mu.Unlock()
	data := r.up.take()
	if open && !u.awaits {
		_, err := r.server.Write(data) // more of a request that is under way
		return err
	}
	if d := r.conn.proxy.delay.Load(); d > 0 && u.text != "" {
		select {
		case <-time.After(time.Duration(d)):
		case <-drained:
		}
	}
	var step *Step
	if u.text != "" {
		step = &Step{
			Proxy: r.conn.proxy.name, Conn: r.conn.number, Text: u.text, Raw: u.raw,
			Write: u.write, Changes: u.changes, Ends: u.ends, Began: time.Now(), Point: Point{Hash: u.hash},
		}
		if r.conn.proxy.hook.Before(step) == Cut {
			return errCut
		}
	}
	select {
	case <-r.answered: // of one that did not wait
	default:
	}
	r.mu.Lock()
	r.pending, r.step = u.awaits || step != nil, step
	r.mu.Unlock()
	if _, err := r.server.Write(data); err != nil {
		return err
	}
	if !u.awaits {
		return nil
	}
	select {
	case <-r.answered:
	case <-drained:
	case <-r.inbox.gone:
		// The consumer has ended: the target learns of it at once, but gets what
		// was said before.
		if r.up.r.Buffered() == 0 && r.inbox.empty() {
			return io.EOF
		}
	}
	return nil
}

// answers passes on what the target says, until it ends.
func (r *relay) answers() error {
	// Whoever speaks first says what protocol it is.
	if _, err := r.down.r.Peek(1); err != nil && !r.passesAll() {
		return err
	}
	r.mu.Lock()
	if r.proto == nil {
		r.proto = &rawProtocol{}
	}
	r.mu.Unlock()
	for {
		if r.passesAll() {
			return r.copyAnswers()
		}
		p, err := r.proto.response(r.down)
		switch {
		case errors.Is(err, errUnframed), errors.Is(err, errPassAll), p.passAll:
			r.passThrough()
			continue
		case err != nil:
			r.mu.Lock()
			r.held = append(r.held, r.down.take()...)
			r.mu.Unlock()
			_ = r.flush()
			return err
		}
		if err := r.answer(p); err != nil {
			return err
		}
	}
}

// answer passes one part of an answer on, or keeps it until the answer is whole.
func (r *relay) answer(p part) error {
	r.mu.Lock()
	r.held = append(r.held, r.down.take()...)
	pending, step := r.pending, r.step
	keep := pending && step != nil && !p.apart && !p.last && !p.wants && len(r.held) < maxHeld
	r.mu.Unlock()
	if keep {
		return nil
	}
	if !pending || !p.last {
		if p.wants {
			r.signal()
		}
		return r.flush()
	}
	if step != nil {
		step.Answer, step.Ended = p.answer, time.Now()
		if r.conn.proxy.hook.After(step) == Cut {
			r.mu.Lock()
			r.pending, r.step, r.held = false, nil, nil
			r.mu.Unlock()
			return errCut
		}
	}
	r.mu.Lock()
	r.pending, r.step = false, nil
	r.mu.Unlock()
	// First the signal: the consumer may answer what it gets at once.
	r.signal()
	return r.flush()
}

// signal lets a request that waits for an answer go on.
func (r *relay) signal() {
	select {
	case r.answered <- struct{}{}:
	default:
	}
}

// finishAnswer tells the hook that a step that is still open has no answer.
func (r *relay) finishAnswer() {
	r.mu.Lock()
	step := r.step
	r.step, r.pending = nil, false
	r.mu.Unlock()
	if step != nil {
		r.conn.proxy.hook.After(step) // Ended is zero: nothing came
	}
}

func (r *relay) flush() error {
	r.mu.Lock()
	data := r.held
	r.held = nil
	r.mu.Unlock()
	if len(data) == 0 {
		return nil
	}
	_, err := r.conn.client.Write(data)
	return err
}

func (r *relay) passesAll() bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.passAll
}

// passThrough ends the framing of both sides.
func (r *relay) passThrough() {
	r.mu.Lock()
	r.passAll = true
	r.mu.Unlock()
	// An answer that is being read, or waited for, is let go as it is.
	_ = r.server.SetReadDeadline(time.Now())
	r.signal()
}

func (r *relay) copyAnswers() error {
	r.mu.Lock()
	r.held = append(r.held, r.down.take()...)
	r.mu.Unlock()
	if err := r.flush(); err != nil {
		return err
	}
	r.finishAnswer()
	for {
		if err := r.down.some(); err != nil && !errors.Is(err, errPassAll) {
			return err
		}
		if _, err := r.conn.client.Write(r.down.take()); err != nil {
			return err
		}
	}
}

// errPassAll breaks off a read because framing has ended.
var errPassAll = errors.New("framing has ended")

// interruptedReader reads from the target; passThrough breaks a read off.
type interruptedReader struct{ r *relay }

func (i interruptedReader) Read(p []byte) (int, error) {
	n, err := i.r.server.Read(p)
	if n == 0 && errors.Is(err, os.ErrDeadlineExceeded) && i.r.passesAll() {
		_ = i.r.server.SetReadDeadline(time.Time{})
		return 0, errPassAll
	}
	return n, err
}

// inbox holds what the consumer has said. It is read from the connection as it
// comes, so that the consumer's end is seen also while a step is held.
type inbox struct {
	mu    sync.Mutex
	wake  *sync.Cond
	data  []byte
	err   error
	gone  chan struct{} // closed when the consumer has ended its side
	ended bool
}

// maxInbox is how much is read ahead, in bytes.
const maxInbox = 4 << 20

func newInbox() *inbox {
	b := &inbox{gone: make(chan struct{})}
	b.wake = sync.NewCond(&b.mu)
	return b
}

// fill reads conn to its end.
func (b *inbox) fill(conn io.Reader) {
	buf := make([]byte, 32<<10)
	for {
		n, err := conn.Read(buf)
		b.mu.Lock()
		b.data = append(b.data, buf[:n]...)
		b.wake.Broadcast()
		for err == nil && b.err == nil && len(b.data) > maxInbox {
			b.wake.Wait()
		}
		closed := b.err != nil
		b.mu.Unlock()
		if err != nil || closed {
			b.close(err)
			return
		}
	}
}

func (b *inbox) close(err error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if err == nil {
		err = io.EOF
	}
	if b.err == nil {
		b.err = err
	}
	if !b.ended {
		b.ended = true
		close(b.gone)
	}
	b.wake.Broadcast()
}

func (b *inbox) empty() bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	return len(b.data) == 0
}

func (b *inbox) Read(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	for len(b.data) == 0 && b.err == nil {
		b.wake.Wait()
	}
	if len(b.data) == 0 {
		return 0, b.err
	}
	n := copy(p, b.data)
	b.data = b.data[n:]
	b.wake.Broadcast()
	return n, nil
}
