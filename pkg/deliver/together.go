package deliver

import (
	"context"
	"slices"
	"sync"
	"sync/atomic"
	"time"
)

// Together sends all requests at the same moment: each on its own connection, all
// but its last byte, until all are ready; then the last bytes are written one
// after the other. Answers are in the order of requests. skew is the time between
// the first and the last of these writes, 0 if fewer than two were ready.
//
// Timeout and FirstByteTimeout start again with the last bytes.
func (c *Client) Together(ctx context.Context, requests []Request) (answers []Answer, skew time.Duration) {
	answers = make([]Answer, len(requests))
	copies := make([]*heldRequest, len(requests))
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

// SendCopies sends n copies of a request, at the same moment if there are several,
// and waits for their answers.
func (c *Client) SendCopies(ctx context.Context, r Request, n int) []Answer {
	if n == 1 {
		return []Answer{c.Send(ctx, r)}
	}
	answers, _ := c.Together(ctx, slices.Repeat([]Request{r}, n))
	return answers
}

// heldRequest is a request of which all but the last byte is sent.
type heldRequest struct {
	conn     *conn // nil: no connection; see answer.Err
	answer   Answer
	limits   limits
	planned  bool   // the request had a due time
	last     []byte // one byte
	before   int64  // bytes that the connection had written before
	writeErr error
	readErr  error
	stop     func() bool
	deadline atomic.Int64 // of the complete answer, in ns since 1970
}

// hold connects and sends all of r but its last byte.
func (c *Client) hold(ctx context.Context, r Request, deadline time.Time) *heldRequest {
	h := &heldRequest{answer: Answer{Due: r.Due}, limits: c.limits(r)}
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
		conn.endsAt = time.Time{} // releaseAll sets others
		h.stop = closeOnDone(ctx, conn.wire)
		h.writeErr = h.write(c.prepare(conn, r))
		// As in Send: if no byte was sent, trying again is not a resend.
		stale := h.writeErr != nil && conn.refused(h.writeErr, h.before) && ctx.Err() == nil
		if !stale {
			h.answer.Reused = conn.used
			return h
		}
		h.stop()
		_ = conn.Close()
	}
}

func (h *heldRequest) fail(err error) {
	h.answer.Answered, h.answer.Err = time.Now(), err
}

func (h *heldRequest) write(rest []byte) error {
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

// releaseAll writes the last bytes in one loop: a write takes a few
// microseconds, waking a goroutine for each would take longer.
func (c *Client) releaseAll(copies []*heldRequest) (skew time.Duration) {
	var ready []*heldRequest
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
		h.writeErr = h.conn.writeWhileReading(h.last)
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

// finish sets the result of a copy and releases its connection.
func (c *Client) finish(ctx context.Context, h *heldRequest) {
	if h.conn == nil {
		return
	}
	h.answer.BytesSent = h.conn.wire.wrote.Load() - h.before
	again := h.conn.conclude(&h.answer, h.limits, h.writeErr, h.readErr)
	h.conn.used = true
	c.release(h.conn, endWatch(ctx, &h.answer, h.stop) && again)
}
