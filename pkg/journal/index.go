package journal

import (
	"context"
	"database/sql"
	"errors"
	"math"
	"strings"
)

// indexed is one row of the table deliveries.
type indexed struct {
	segment int64
	record  record
	*Delivery
	Contact
	outcome *located // nil: not known yet
}

// located is an outcome, and where its record is.
type located struct {
	*Outcome
	segment int64
	record  record
}

// insertedColumns are those that a delivery is listed with, and outcomeSet those
// of its outcome.
const (
	insertedCount   = 20 + outcomeCount
	insertedColumns = `id, segment, place, length, received, call_id, result_type, seconds, refusal, copy, first, size,
		method, uri, remote, name, phone, agent, direction, lifecycle, ` + outcomeSet
	outcomeSet = `status, took, forward_status, forward_took, forward_tries, forward_error,
		fault, errors, warnings, findings, forward_to, answer_segment, answer_place, answer_length`
	outcomeCount = 14
)

// indexSome takes the next segments, with about so many deliveries, into the
// table that queries read. It reports whether there may be more.
func indexSome(ctx context.Context, c *conn, most int) (more bool, err error) {
	var done int64
	if err := c.scan(ctx, "SELECT indexed FROM state", nil, &done); err != nil {
		return false, err
	}
	var rows []*indexed
	known := map[int64]*indexed{}
	late := map[int64]*located{} // of deliveries that are in the table
	var attempts []located       // of any; Outcome is nil
	before := done
	for len(rows)+len(late)+len(attempts) < most {
		var id int64
		var data []byte
		err := c.scan(ctx, "SELECT id, data FROM segments WHERE id > ? ORDER BY id LIMIT 1", []any{done}, &id, &data)
		if errors.Is(err, sql.ErrNoRows) {
			break
		}
		if err != nil {
			return false, err
		}
		done, more = id, true
		for r, err := range records(data) {
			if err != nil {
				return false, err
			}
			switch r.kind {
			case outcomeRecord:
				of, o, err := r.outcome()
				if err != nil {
					return false, err
				}
				if row := known[of]; row != nil {
					row.outcome = &located{o, id, r}
				} else {
					late[of] = &located{o, id, r}
				}
				continue
			case attemptRecord:
				attempts = append(attempts, located{nil, id, r})
				continue
			}
			d, header, err := r.delivery()
			if err != nil {
				return false, err
			}
			row := &indexed{id, r, d, contactOf(payloadOf(d, header)), nil}
			rows = append(rows, row)
			known[d.ID] = row
		}
	}
	if done == before {
		return false, nil
	}
	if err := insertIndexed(ctx, c, rows); err != nil {
		return false, err
	}
	for id, o := range late {
		args := append(outcomeColumns(nil, o), id)
		if err := c.exec(ctx, "UPDATE deliveries SET ("+outcomeSet+") = (?"+strings.Repeat(",?", outcomeCount-1)+") WHERE id = ?", args...); err != nil {
			return false, err
		}
	}
	for _, a := range attempts {
		if err := insertAttempt(ctx, c, a); err != nil {
			return false, err
		}
	}
	return more, c.exec(ctx, "UPDATE state SET indexed = ?", done)
}

// insertAttempt lists an attempt with its delivery, unless that was deleted.
func insertAttempt(ctx context.Context, c *conn, at located) error {
	id, a, err := at.record.attempt()
	if err != nil {
		return err
	}
	return errors.Join(
		c.exec(ctx, "INSERT INTO attempts (delivery, segment, place, length) SELECT id, ?, ?, ? FROM deliveries WHERE id = ?",
			at.segment, at.record.place, at.record.length, id),
		c.exec(ctx, "UPDATE deliveries SET redeliveries = redeliveries + 1, redelivered = redelivered OR ? WHERE id = ?", a.Acknowledged(), id),
	)
}

// rowsAtOnce are how many rows one statement inserts: several cost little more
// than one.
var rowsAtOnce = []int{16, 1}

func insertIndexed(ctx context.Context, c *conn, rows []*indexed) error {
	var args []any
	for len(rows) > 0 {
		n := rowsAtOnce[0]
		if len(rows) < n {
			n = rowsAtOnce[1]
		}
		args = args[:0]
		for _, r := range rows[:n] {
			d := r.Delivery
			args = append(args, d.ID, r.segment, r.record.place, r.record.length, d.Received.UnixNano(), d.CallID, d.ResultType,
				d.Seconds, d.Refusal, d.Copy, d.First, d.Size, d.Method, d.URI, d.Remote,
				r.Name, r.Phone, r.Agent, r.Direction, r.Lifecycle)
			args = outcomeColumns(args, r.outcome)
		}
		row := ",(?" + strings.Repeat(",?", insertedCount-1) + ")"
		if err := c.exec(ctx, "INSERT OR REPLACE INTO deliveries ("+insertedColumns+") VALUES "+strings.Repeat(row, n)[1:], args...); err != nil {
			return err
		}
		rows = rows[n:]
	}
	return nil
}

func outcomeColumns(args []any, o *located) []any {
	if o == nil {
		return append(args, make([]any, outcomeCount)...)
	}
	var forward [5]any
	var answer [3]any
	if f := o.Forward; f != nil {
		forward = [5]any{f.Status, int64(f.Took), f.Attempts, f.Err, f.To}
		if f.Answer != nil {
			answer = [3]any{o.segment, o.record.place, o.record.length}
		}
	}
	return append(args, o.Status, int64(o.Took), forward[0], forward[1], forward[2], forward[3],
		o.Fault, o.Errors, o.Warnings, o.Findings, forward[4], answer[0], answer[1], answer[2])
}

// tidy does what can wait: nothing has come for a while.
func (k *keeper) tidy() {
	k.behind = false
	more, err := k.move(nil, math.MaxInt64, (*keeper).transaction)
	for _, some := range indexers {
		if more || err != nil {
			break
		}
		err = k.transaction(func(ctx context.Context) (err error) {
			more, err = some(ctx, k.conn, wordsAtOnce)
			return err
		})
	}
	// What fails is tried again after the next delivery.
	k.behind = more && err == nil
}

// indexer takes some deliveries into an index, and reports whether there may be
// more.
type indexer func(ctx context.Context, c *conn, most int) (more bool, err error)

// indexers make what is made of segments, the later of the earlier.
var indexers = []indexer{indexSome, indexWordsOfSome}

// Index brings what queries read up to date. They do so themselves; without
// the right to write, they see what others have indexed.
func (l *Log) Index(ctx context.Context) error {
	return l.index(ctx, indexSome, "SELECT (SELECT coalesce(max(id), 0) FROM segments), indexed FROM state")
}

func (l *Log) indexWords(ctx context.Context) error {
	return l.index(ctx, indexWordsOfSome, "SELECT (SELECT coalesce(max(id), 0) FROM deliveries), worded FROM state")
}

// index runs some until all is indexed that is there now. The query tells the
// id up to which there is something, and that up to which it is indexed.
func (l *Log) index(ctx context.Context, some indexer, query string) error {
	pending, err := l.pending(ctx)
	if err != nil {
		return typed(err)
	}
	var last, done int64
	if err := l.read.QueryRowContext(ctx, query).Scan(&last, &done); err != nil || !pending && done >= last {
		return typed(err)
	}
	return l.keep(ctx, func(k *keeper) error {
		if err := k.moveAll(ctx, nil, (*keeper).transaction); err != nil {
			return err
		}
		until := int64(-1)
		for more := true; more; {
			err := k.exec(ctx, func(ctx context.Context) (err error) {
				if more, err = some(ctx, k.conn, 16*indexAtOnce); err != nil {
					return err
				}
				// Who writes meanwhile must not keep this from ending.
				if err := k.conn.scan(ctx, query, nil, &last, &done); err != nil {
					return err
				}
				if until < 0 {
					until = last
				}
				more = more && done < until
				return nil
			})
			if err != nil {
				return err
			}
		}
		return nil
	})
}

// keep lends what may write to the log.
func (l *Log) keep(ctx context.Context, do func(*keeper) error) error {
	if l.write != nil {
		return do(l.write.keeper)
	}
	k, err := newKeeper(ctx, l.path, l.opts)
	if err != nil {
		return typed(err)
	}
	err = do(k)
	k.end()
	return errors.Join(err, k.shut())
}

// pending reports whether deliveries in the intake are not in the table yet.
func (l *Log) pending(ctx context.Context) (bool, error) {
	if !hasIntake {
		return false, nil
	}
	var moved, log, now int64
	const query = "SELECT intake, log FROM state"
	for {
		if err := l.read.QueryRowContext(ctx, query).Scan(&moved, &log); err != nil {
			return false, err
		}
		in, err := lookIntake(l.path+intakeSuffix, log)
		if err != nil {
			return false, err
		}
		if in != nil {
			f, err := in.read(moved, nil)
			_ = in.file.Close() // it was only read
			if err != nil || f != nil {
				return f != nil, err
			}
		}
		// They may have been moved, and what is there now may be what came
		// long after.
		if err := l.read.QueryRowContext(ctx, query).Scan(&now, &log); err != nil || now == moved {
			return false, err
		}
	}
}

// arrive moves what is in the intake, as far as this process may.
func (l *Log) arrive(ctx context.Context) error {
	pending, err := l.pending(ctx)
	if err != nil || !pending {
		return typed(err)
	}
	return forgive(l.keep(ctx, func(k *keeper) error {
		return k.moveAll(ctx, nil, (*keeper).transaction)
	}))
}

// forgive is err, unless that only says that the log cannot be written to now.
func forgive(err error) error {
	if errors.Is(err, ErrReadOnly) || errors.Is(err, ErrLocked) || errors.Is(err, ErrFull) {
		return nil
	}
	return err
}
