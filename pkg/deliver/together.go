package deliver

import (
	"context"
	"sync"
	"sync/atomic"
	"time"
)

// Together sends requests at one instant: each has its own connection and holds
// back its last byte until all are ready; then the last bytes are released in
// one go. Answers are in the order of requests; skew is the time from before
// the first release to after the last one, 0 when fewer than two were ready.
//
// Timeout runs anew from the release, for all of them, and so does
// FirstByteTimeout.
func (c *Client) Together(ctx context.Context, requests []Request) (answers []Answer, skew time.Duration) {
	answers = make([]Answer, len(requests))
	copies := make([]*held, len(requests))
	deadline := time.Now().Add(c.opts.Timeout)
	var ready, answered sync.WaitGroup
	released := make(chan struct{})
	for i, r := range requests {
		ready.Add(1)
		answered.Go(func() {
			h := c.hold(ctx, r, deadline)
			copies[i] = h
			ready.Done()
			if h.conn != nil {
				h.readErr = h.conn.receive(&h.answer, h.limits)
				h.answer.Answered = time.Now()
			}
			<-released
			c.finish(ctx, h)
			answers[i] = h.answer
		})
	}
	ready.Wait()
	skew = c.releaseAll(copies)
	close(released)
	answered.Wait()
	return answers, skew
}

// held is a request that is sent but for its last byte.
type held struct {
	conn     *conn // nil: there is none, and answer.Err says why
	answer   Answer
	limits   limits
	planned  bool   // the request said when it was due
	last     []byte // one byte
	before   int64  // what the connection had carried before
	writeErr error
	readErr  error
	stop     func() bool
	deadline atomic.Int64 // of the whole answer, in ns since 1970
}

// hold connects and sends all of r but its last byte.
func (c *Client) hold(ctx context.Context, r Request, deadline time.Time) *held {
	h := &held{answer: Answer{Due: r.Due}, limits: c.limits(r)}
	if h.limits.first < h.limits.total {
		h.limits.deadline = func() time.Time { return time.Unix(0, h.deadline.Load()) }
	}
	h.deadline.Store(deadline.UnixNano())
	if h.planned = !r.Due.IsZero(); !h.planned {
		h.answer.Due = time.Now()
	}
	if err := r.check(); err != nil {
		h.fail(err)
		return h
	}
	for fresh := false; ; fresh = true {
		conn, err := c.connect(ctx, deadline, fresh)
		if err != nil {
			h.fail(err)
			return h
		}
		h.conn = conn
		h.before = conn.wire.wrote.Load()
		_ = conn.SetDeadline(deadline)
		conn.endsAt = time.Time{} // the release sets others
		h.stop = closeOnDone(ctx, conn.wire)
		h.writeErr = h.write(c.prepare(conn, r))
		// As in Send: refused before one byte left is no resend.
		stale := h.writeErr != nil && conn.refused(h.writeErr, h.before) && ctx.Err() == nil
		if !stale {
			h.answer.Reused = conn.used
			return h
		}
		h.stop()
		_ = conn.Close()
	}
}

func (h *held) fail(err error) {
	h.answer.Answered, h.answer.Err = time.Now(), err
}

func (h *held) write(rest []byte) error {
	head := h.conn.out
	if len(rest) == 0 {
		head, h.last = head[:len(head)-1], head[len(head)-1:]
		_, err := h.conn.Write(head)
		return err
	}
	rest, h.last = rest[:len(rest)-1], rest[len(rest)-1:]
	_, err := h.conn.Write(head)
	if err == nil && len(rest) > 0 {
		_, err = h.conn.Write(rest)
	}
	return err
}

// releaseAll writes the last bytes, one directly after the other: a write is a
// few microseconds, waking a goroutine for each would be more.
func (c *Client) releaseAll(copies []*held) (skew time.Duration) {
	var ready []*held
	now := time.Now()
	for _, h := range copies {
		if h.conn != nil && h.writeErr == nil {
			h.deadline.Store(now.Add(h.limits.total).UnixNano())
			_ = h.conn.SetWriteDeadline(now.Add(h.limits.total))
			_ = h.conn.SetReadDeadline(now.Add(h.limits.first))
			ready = append(ready, h)
		}
	}
	start := time.Now()
	for _, h := range ready {
		h.writeErr = h.conn.put(h.last)
		h.answer.Sent = time.Now()
		if !h.planned {
			h.answer.Due = start
		}
	}
	if len(ready) < 2 {
		return 0
	}
	return ready[len(ready)-1].answer.Sent.Sub(start)
}

// finish gives a copy its verdict and its connection back.
func (c *Client) finish(ctx context.Context, h *held) {
	if h.conn == nil {
		return
	}
	h.answer.BytesSent = h.conn.wire.wrote.Load() - h.before
	again := h.conn.conclude(&h.answer, h.limits, h.writeErr, h.readErr)
	h.conn.used = true
	c.release(h.conn, settle(ctx, &h.answer, h.stop) && again)
}
