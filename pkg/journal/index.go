package journal

import (
	"context"
	"database/sql"
	"errors"
	"strings"
)

// indexed is one row of the table deliveries.
type indexed struct {
	segment int64
	record  record
	*Delivery
	Contact
	outcome *Outcome // nil: not known yet
}

// deliveryColumns is how many columns the table has.
const deliveryColumns = 30

// indexSome takes the next segments, with about so many deliveries, into the
// table that queries read. It reports whether there may be more.
func indexSome(ctx context.Context, c *conn, most int) (more bool, err error) {
	var done int64
	if err := c.scan(ctx, "SELECT indexed FROM state", nil, &done); err != nil {
		return false, err
	}
	var rows []*indexed
	known := map[int64]*indexed{}
	late := map[int64]*Outcome{} // of deliveries that are in the table
	before := done
	for len(rows)+len(late) < most {
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
			if r.kind == outcomeRecord {
				id, o, err := r.outcome()
				if err != nil {
					return false, err
				}
				if row := known[id]; row != nil {
					row.outcome = o
				} else {
					late[id] = o
				}
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
		if err := c.exec(ctx, `UPDATE deliveries SET (status, took, forward_status, forward_took, forward_tries, forward_error,
			fault, errors, warnings, findings) = (?,?,?,?,?,?,?,?,?,?) WHERE id = ?`, args...); err != nil {
			return false, err
		}
	}
	return more, c.exec(ctx, "UPDATE state SET indexed = ?", done)
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
		row := ",(?" + strings.Repeat(",?", deliveryColumns-1) + ")"
		if err := c.exec(ctx, "INSERT OR REPLACE INTO deliveries VALUES "+strings.Repeat(row, n)[1:], args...); err != nil {
			return err
		}
		rows = rows[n:]
	}
	return nil
}

func outcomeColumns(args []any, o *Outcome) []any {
	if o == nil {
		return append(args, make([]any, 10)...)
	}
	var forward [4]any
	if f := o.Forward; f != nil {
		forward = [4]any{f.Status, int64(f.Took), f.Attempts, f.Err}
	}
	return append(args, o.Status, int64(o.Took), forward[0], forward[1], forward[2], forward[3],
		o.Fault, o.Errors, o.Warnings, o.Findings)
}

// tidy does what can wait: nothing has come for a while.
func (w *writer) tidy() {
	w.behind = false
	for _, some := range indexers {
		more := false
		err := w.transaction(func(ctx context.Context) (err error) {
			more, err = some(ctx, w.conn, wordsAtOnce)
			return err
		})
		// What fails is tried again after the next delivery.
		w.behind = more && err == nil
		if w.behind {
			return
		}
	}
}

// indexer takes some deliveries into an index, and reports whether there may be
// more.
type indexer func(ctx context.Context, c *conn, most int) (more bool, err error)

// indexers make what is made of segments, the later of the earlier.
var indexers = []indexer{indexSome, indexWordsOfSome}

// Index brings what queries read up to date. They do so themselves; without
// the right to write, they see what others have indexed.
func (l *Log) Index(ctx context.Context) error {
	return l.index(ctx, indexSome, "SELECT indexed < (SELECT coalesce(max(id), 0) FROM segments) FROM state")
}

func (l *Log) indexWords(ctx context.Context) error {
	return l.index(ctx, indexWordsOfSome, "SELECT worded < (SELECT coalesce(max(id), 0) FROM deliveries) FROM state")
}

// index runs some until all is indexed. The query tells whether it is not.
func (l *Log) index(ctx context.Context, some indexer, query string) (err error) {
	behind := false
	if err := l.read.QueryRowContext(ctx, query).Scan(&behind); err != nil || !behind {
		return typed(err)
	}
	w := l.write
	if w == nil {
		if w, err = newWriter(ctx, l.path, l.opts); err != nil {
			return typed(err)
		}
		defer func() { err = errors.Join(err, w.end(), w.shut()) }()
	}
	for more := true; more; {
		err := w.exec(ctx, func(ctx context.Context) (err error) {
			more, err = some(ctx, w.conn, 4*indexAtOnce)
			return err
		})
		if err != nil {
			return err
		}
	}
	return nil
}
