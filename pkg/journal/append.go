package journal

import (
	"context"
	"errors"
	"io/fs"
	"slices"

	"github.com/julianctl/julianctl/pkg/record"
	"github.com/julianctl/julianctl/pkg/segment"
)

// store makes the batch and the outcomes durable.
func (w *writer) store() error {
	if err := w.folder.Take(w.base, w.opts.Busy); err != nil {
		return err
	}
	next, err := w.place()
	w.folder.Release()
	if err != nil {
		return err
	}
	// Others may write while the disk flushes this.
	if err := segment.SyncData(w.tail.File); err != nil {
		w.takeBack()
		return segment.OSFault(err)
	}
	w.turn = next
	w.deliveries.Add(int64(len(w.batch.deliveries)))
	w.bytes.Add(int64(len(w.buf)))
	w.tail.Count += len(w.batch.deliveries)
	return nil
}

// place gives out ids and numbers, and writes the frames. Nobody else gives any
// out meanwhile.
func (w *writer) place() (next segment.Turn, err error) {
	if !w.anyway {
		if err := w.folder.Present(); err != nil {
			return next, err
		}
	}
	if w.folder.Turn() != w.turn {
		if err := w.catchUp(true); err != nil {
			return next, err
		}
	}
	next = segment.Turn{Seq: w.turn.Seq + 1, Last: w.turn.Last}
	if err := w.openTail(next.Seq); err != nil {
		return next, err
	}
	if cap(w.buf) > 2*maxBatchBytes {
		w.buf = nil // one was very large
	}
	w.buf = w.buf[:0]
	for _, a := range w.batch.deliveries {
		next.Last++
		a.ID = next.Last
		w.calls.Number(a.Delivery)
		w.buf = w.tail.AppendFrame(w.buf, next.Seq, record.DeliveryKind, func(b []byte) []byte { return record.AppendDelivery(b, a.Delivery, a.header) })
	}
	for i := range w.outcomes {
		if d := w.outcomes[i].deletion; d != nil {
			d.Given = next.Last
		}
		kind, fields := w.outcomes[i].record()
		w.buf = w.tail.AppendFrame(w.buf, next.Seq, kind, fields)
	}
	if err := w.tail.Write(w.buf, min(segment.FillStep, w.opts.segmentBytes())); err != nil {
		return next, err
	}
	if err := w.folder.SetTurn(next); err != nil {
		w.takeBack()
		return next, err
	}
	return next, nil
}

// takeBack deletes what was written last: it is not sure to be on the disk, and
// was not acknowledged.
func (w *writer) takeBack() {
	for at := 0; at < len(w.buf); {
		f, _ := w.tail.Head(w.buf[at:])
		_ = w.tail.Void(w.tail.File, w.tail.At-int64(len(w.buf)-at), f.Length) // the disk fails: nothing more can be done
		at += int(f.Length)
	}
	w.leaveTail()
}

// leaveTail lets go of the segment. The next batch goes to another.
func (w *writer) leaveTail() {
	w.ends[w.tail.Name] = w.tail.At
	_ = w.tail.Close() // what was not cut off, the next that writes cuts off
	w.tail = nil
}

// openTail makes sure that there is a segment to append to: at first one that is there,
// is not half full and belongs to nobody, or a new one.
func (w *writer) openTail(seq int64) error {
	if w.tail != nil && (w.tail.At >= w.opts.segmentBytes() || w.tail.Count >= w.opts.segmentDeliveries() || !segment.IsAt(w.tail.File, w.folder.At(w.tail.Name)) && !w.anyway) {
		w.leaveTail()
	}
	if w.tail != nil {
		if !segment.Writable(w.folder.At(w.tail.Name)) && !w.anyway {
			return ErrReadOnly
		}
		return nil
	}
	all, err := w.folder.Segments()
	if err != nil {
		return err
	}
	for _, s := range slices.Backward(all) {
		if w.begun || w.fresh || s.Size != w.ends[s.Name] || s.Size > w.opts.segmentBytes()/2 {
			continue
		}
		if w.tail = w.folder.Own(s, record.DeliveryKind); w.tail != nil && w.tail.Count < w.opts.segmentDeliveries()/2 {
			break
		} else if w.tail != nil {
			w.leaveTail()
		}
	}
	if w.begun = true; w.tail != nil {
		return nil
	}
	w.tail, err = w.folder.Create(seq)
	return err
}

// catchUp finds out what other processes have written: which ids and numbers are
// given out. When it is locked, nobody writes meanwhile.
func (w *writer) catchUp(locked bool) error {
	all, err := w.folder.Segments()
	if err != nil {
		return err
	}
	known := w.folder.Turn()
	w.turn = segment.Turn{Seq: max(w.turn.Seq, known.Seq), Last: max(w.turn.Last, known.Last)}
	for _, s := range all {
		if w.tail != nil && s.Name == w.tail.Name || s.Size <= w.ends[s.Name] {
			continue
		}
		c, err := w.folder.Open(s, w.ends[s.Name])
		if errors.Is(err, fs.ErrNotExist) {
			continue // deleted in the meantime
		}
		if err != nil {
			return segment.OSFault(err)
		}
		w.bytes.Add(s.Size - w.ends[s.Name])
		err = w.learn(c, locked)
		w.ends[s.Name] = c.At
		c.Close()
		if err != nil {
			return err
		}
	}
	return nil
}

// learn reads what is new in a segment.
func (w *writer) learn(c *segment.Cursor, locked bool) error {
	for {
		f, ok, err := c.Next()
		if err != nil || !ok {
			return err
		}
		if f.Bad && !locked {
			c.At = f.Place // it may be in the middle of being written
			return nil
		}
		if f.Bad {
			continue
		}
		w.turn.Seq = max(w.turn.Seq, f.Seq)
		switch f.Kind {
		case record.DeletionKind:
			w.turn.Last = max(w.turn.Last, record.LastOf(f))
		case record.DeliveryKind:
			d, _, err := record.DeliveryOf(f)
			if err != nil {
				return err
			}
			w.turn.Last = max(w.turn.Last, d.ID)
			w.deliveries.Add(1)
			w.calls.Learned(d)
		}
	}
}

// recover looks at what is there when this process begins, and cuts off what others
// that were killed have left behind the last frame.
func (w *writer) recover() error {
	if err := w.catchUp(false); err != nil { // most of it, while others write
		return err
	}
	all, err := w.folder.Segments()
	if err != nil {
		return err
	}
	for _, s := range all {
		if s.Size > w.ends[s.Name] {
			if t := w.folder.Own(s, record.DeliveryKind); t != nil {
				_ = t.Close() // it is cut off already
			}
		}
	}
	if err := w.folder.Take(w.base, w.opts.Busy); err != nil {
		return err
	}
	defer w.folder.Release()
	if err := w.catchUp(true); err != nil || w.turn == w.folder.Turn() {
		return err
	}
	return w.folder.SetTurn(w.turn) // after a power cut, it is behind
}

// remove makes it durable that deliveries are to go. With fresh, it does so in a
// new segment, so that those before can go as a whole.
func (w *writer) remove(ctx context.Context, d record.Deletion, fresh bool) error {
	return w.ask(ctx, func() error {
		if fresh && w.tail != nil {
			w.leaveTail()
		}
		w.fresh = fresh
		w.outcomes = append(w.outcomes, finished{deletion: &d})
		w.commit()
		w.fresh = false
		w.outcomes = slices.DeleteFunc(w.outcomes, func(f finished) bool { return f.deletion != nil })
		return w.failed
	})
}

// record is the kind of f, and what appends its fields.
func (f *finished) record() (kind byte, fields func([]byte) []byte) {
	switch {
	case f.deletion != nil:
		return record.DeletionKind, func(b []byte) []byte { return record.AppendDeletion(b, f.deletion) }
	case f.attempt != nil:
		return record.AttemptKind, func(b []byte) []byte { return record.AppendAttempt(b, f.id, f.attempt) }
	}
	return record.OutcomeKind, func(b []byte) []byte { return record.AppendOutcome(b, f.id, &f.Outcome, f.packed) }
}
