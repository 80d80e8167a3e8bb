package journal

import (
	"context"
	"database/sql"
	"errors"
	"os"
	"time"
)

// segmentsAtOnce is how many segments are pruned in one transaction, while
// deliveries may wait.
const segmentsAtOnce = 64

// mergePages is how much of the search index is rewritten in one transaction.
const mergePages = 256

// Prune says what is to go. Zero fields ask for nothing.
type Prune struct {
	Before time.Time // all up to the first that came at or after this time
	Keep   int       // all but so many of the newest; negative: all
	Bytes  int64     // the oldest, until the file needs no more than this
}

// Prune deletes deliveries, oldest first, and gives what they took of the disk
// back. Their bytes are overwritten. It returns how many went.
func (l *Log) Prune(ctx context.Context, p Prune) (pruned int64, err error) {
	if l.write == nil {
		return 0, ErrReadOnly
	}
	if err := l.Index(ctx); err != nil {
		return 0, err
	}
	k := l.write.keeper
	var until there // what comes after it began stays
	err = l.write.erase(ctx, func() error {
		for more := true; more; {
			err := k.exec(ctx, func(ctx context.Context) error {
				if until == (there{}) {
					if err := until.look(ctx, k.conn); err != nil {
						return err
					}
				}
				cut, err := p.cut(ctx, k.conn, false)
				if err != nil {
					return err
				}
				cut = min(cut, until.last)
				var n int64
				n, more, err = deleteThrough(ctx, k.conn, cut, true)
				pruned += n
				return err
			})
			if err != nil {
				return err
			}
		}
		return nil
	})
	return pruned, err
}

// Prunable is what [Log.Prune] would delete.
type Prunable struct {
	Deliveries int64
	Bytes      int64     // of their records
	First      time.Time // when the first of them came; zero where there is none
	Last       time.Time // and the last, by id
}

// Prunable tells what Prune would delete now, and changes nothing. With
// [Prune.Bytes] that is about right: how small the file gets is known when it
// is.
func (l *Log) Prunable(ctx context.Context, p Prune) (found Prunable, err error) {
	if err := l.ready(ctx, Filter{}); err != nil {
		return found, typed(err)
	}
	cut := int64(0)
	look := func(query string, args ...any) error {
		var id sql.NullInt64
		err := l.read.QueryRowContext(ctx, query, args...).Scan(&id)
		if errors.Is(err, sql.ErrNoRows) {
			return nil
		}
		cut = max(cut, id.Int64)
		return err
	}
	if !p.Before.IsZero() {
		err = look("SELECT coalesce((SELECT min(id) - 1 FROM deliveries WHERE received >= ?), max(id)) FROM deliveries", p.Before.UnixNano())
	}
	if p.Keep != 0 {
		err = errors.Join(err, look("SELECT id FROM deliveries ORDER BY id DESC LIMIT 1 OFFSET ?", max(0, p.Keep)))
	}
	if p.Bytes > 0 {
		// As much of what is used as the records are of all records.
		err = errors.Join(err, look(`SELECT id FROM (SELECT id, CAST(sum(length) OVER (ORDER BY id) AS REAL) / sum(length) OVER () AS share FROM deliveries),
			(SELECT (page_count - freelist_count) * page_size AS used FROM pragma_page_count, pragma_freelist_count, pragma_page_size)
			WHERE used > ?1 AND share >= (used - ?1) * 1.0 / used ORDER BY id LIMIT 1`, p.Bytes))
	}
	if err != nil || cut == 0 {
		return found, typed(err)
	}
	var first, last sql.NullInt64
	err = l.read.QueryRowContext(ctx, `SELECT count(*), coalesce(sum(length), 0), (SELECT received FROM deliveries ORDER BY id LIMIT 1),
		(SELECT received FROM deliveries WHERE id <= ?1 ORDER BY id DESC LIMIT 1) FROM deliveries WHERE id <= ?1`, cut).
		Scan(&found.Deliveries, &found.Bytes, &first, &last)
	if found.Deliveries > 0 {
		found.First, found.Last = time.Unix(0, first.Int64), time.Unix(0, last.Int64)
	}
	return found, typed(err)
}

// erase runs what deletes, so that nothing of it is left on the disk.
func (w *writer) erase(ctx context.Context, do func() error) (err error) {
	k := w.keeper
	if err := k.plain(ctx, "PRAGMA secure_delete(1)"); err != nil {
		return err
	}
	defer func() { err = errors.Join(err, k.plain(ctx, "PRAGMA secure_delete(0)")) }()
	if err := do(); err != nil {
		return err
	}
	if hasIntake {
		// It holds deliveries long after they were moved.
		if err := w.ask(ctx, w.retire); err != nil {
			return err
		}
	}
	return errors.Join(k.forgetWords(ctx), k.shrink(ctx))
}

// forgetWords takes what was pruned out of the search index, which only marks
// it as deleted at first. It does so a little at a time.
func (k *keeper) forgetWords(ctx context.Context) error {
	for pages := -mergePages; ; pages = mergePages { // negative: begin
		var before, after int64
		err := k.exec(ctx, func(ctx context.Context) error {
			const changes = "SELECT total_changes()"
			return errors.Join(
				k.conn.scan(ctx, changes, nil, &before),
				k.conn.exec(ctx, "INSERT INTO words (words, rank) VALUES ('merge', ?)", pages),
				k.conn.scan(ctx, changes, nil, &after),
			)
		})
		if err != nil || after-before < 2 { // it is documented to tell so that it is done
			return err
		}
	}
}

// cut is the id of the last delivery that is to go, 0 when none is. Whole says
// that only whole segments will.
func (p Prune) cut(ctx context.Context, c *conn, whole bool) (cut int64, err error) {
	var t there
	if err := t.look(ctx, c); err != nil {
		return 0, err
	}
	if !p.Before.IsZero() {
		// Ids are in order; times need not be. What is not in the table came
		// just now.
		if err := c.scan(ctx, "SELECT coalesce(min(id), ?) - 1 FROM deliveries WHERE received >= ?", []any{t.listed + 1, p.Before.UnixNano()}, &cut); err != nil {
			return 0, err
		}
	}
	switch {
	case p.Keep < 0:
		cut = max(cut, t.last)
	case p.Keep > 0 && t.last-t.first >= int64(p.Keep): // otherwise there cannot be more than that
		n, err := t.count(ctx, c)
		if err != nil {
			return 0, err
		}
		oldest, err := t.oldest(ctx, c, n-int64(p.Keep))
		if err != nil {
			return 0, err
		}
		cut = max(cut, oldest)
	}
	if p.Bytes > 0 {
		used, err := bytesUsed(ctx, c)
		if err != nil {
			return 0, err
		}
		if used > p.Bytes {
			// A little at a time: nobody knows how large the oldest are.
			n, err := t.count(ctx, c)
			if err != nil {
				return 0, err
			}
			oldest, err := t.oldest(ctx, c, min(n, n/64+1))
			if err != nil {
				return 0, err
			}
			cut = max(cut, oldest)
			if whole {
				cut = max(cut, t.segment)
			}
		}
	}
	return cut, nil
}

// there says which deliveries are in the segments. Those in the table may have
// any ids: others between them were deleted. Those after them, which are not in
// it yet, have all ids from one to the next, since nothing deletes them but from
// the oldest on.
type there struct {
	first   int64 // no delivery has a smaller id
	listed  int64 // up to this id, all that are there are in the table
	last    int64 // id of the last; first-1 or less when there is none
	segment int64 // id of the last in the first segment
	rows    int64 // how many are in the table, once counted
}

func (t *there) look(ctx context.Context, c *conn) error {
	var indexed, listed, first sql.NullInt64
	err := c.scan(ctx, `SELECT indexed, (SELECT last FROM segments WHERE id <= indexed ORDER BY id DESC LIMIT 1),
		(SELECT min(id) FROM deliveries),
		coalesce((SELECT last FROM segments ORDER BY id DESC LIMIT 1), 0), coalesce((SELECT last FROM segments ORDER BY id LIMIT 1), 0)
		FROM state`, nil, &indexed, &listed, &first, &t.last, &t.segment)
	if err != nil {
		return err
	}
	t.listed = listed.Int64
	if !listed.Valid {
		// All segments that are in the table are gone, with their deliveries.
		if t.listed, err = beforeSegments(ctx, c, indexed.Int64, t.last); err != nil {
			return err
		}
	}
	t.first = t.listed + 1
	if first.Valid {
		t.first = first.Int64
	}
	return nil
}

// beforeSegments is the id before that of the first delivery in the segments
// after one; none when they hold none.
func beforeSegments(ctx context.Context, c *conn, after, none int64) (int64, error) {
	for {
		var data []byte
		err := c.scan(ctx, "SELECT id, data FROM segments WHERE id > ? ORDER BY id LIMIT 1", []any{after}, &after, &data)
		if errors.Is(err, sql.ErrNoRows) {
			return none, nil
		}
		if err != nil {
			return 0, err
		}
		for r, err := range records(data) {
			if err != nil {
				return 0, err
			}
			if r.kind == deliveryRecord {
				id, err := r.id()
				return id - 1, err
			}
		}
	}
}

// count is how many deliveries are there.
func (t *there) count(ctx context.Context, c *conn) (int64, error) {
	// Of 100,000 rows SQLite counts the cells of pages, in 0.7 ms.
	err := c.scan(ctx, "SELECT count(*) FROM deliveries", nil, &t.rows)
	return t.rows + t.last - t.listed, err
}

// oldest is the id of the n-th delivery from the oldest on, of as many as count
// has said; 0 when n is.
func (t *there) oldest(ctx context.Context, c *conn, n int64) (id int64, err error) {
	if n < 1 {
		return 0, nil
	}
	if n > t.rows {
		return t.listed + n - t.rows, nil
	}
	err = c.scan(ctx, "SELECT id FROM deliveries ORDER BY id LIMIT 1 OFFSET ?", []any{n - 1}, &id)
	return id, err
}

// bytesUsed is how much of the file holds something.
func bytesUsed(ctx context.Context, c *conn) (n int64, err error) {
	err = c.scan(ctx, "SELECT (page_count - freelist_count) * page_size FROM pragma_page_count, pragma_freelist_count, pragma_page_size", nil, &n)
	return n, err
}

// deleteThrough deletes some of the oldest deliveries up to cut, and returns
// how many. Of a segment that goes beyond cut, part is deleted only when exact.
func deleteThrough(ctx context.Context, c *conn, cut int64, exact bool) (n int64, more bool, err error) {
	whole, err := oldSegments(ctx, c, cut)
	if err != nil {
		return 0, false, err
	}
	through := whole.last
	if exact && whole.n < segmentsAtOnce {
		if err := trim(ctx, c, whole.id, cut); err != nil {
			return 0, false, err
		}
		through = cut
	}
	if err := c.scan(ctx, "SELECT count(*) FROM deliveries WHERE id <= ?", []any{through}, &n); err != nil {
		return 0, false, err
	}
	if err := forgetLater(ctx, c, through, whole.id); err != nil {
		return 0, false, err
	}
	for _, d := range []struct {
		query string
		id    int64
	}{
		{"DELETE FROM segments WHERE id <= ?", whole.id},
		{"DELETE FROM attempts WHERE delivery <= ?", through},
		{"DELETE FROM words WHERE rowid IN (SELECT id FROM deliveries WHERE id <= ?)", through},
		{"DELETE FROM deliveries WHERE id <= ?", through},
	} {
		if err := c.exec(ctx, d.query, d.id); err != nil {
			return 0, false, err
		}
	}
	return n, n > 0 || whole.n > 0, nil
}

// old are segments that go as a whole.
type old struct {
	n    int
	id   int64 // of the last of them
	last int64 // its last delivery
}

// oldSegments finds the first segments that hold no delivery after cut. The
// last one of all is not among them.
func oldSegments(ctx context.Context, c *conn, cut int64) (o old, err error) {
	rows, err := c.QueryContext(ctx, "SELECT id, last FROM segments WHERE id < (SELECT max(id) FROM segments) ORDER BY id LIMIT ?", segmentsAtOnce)
	if err != nil {
		return o, err
	}
	defer rows.Close()
	for rows.Next() {
		var id, last int64
		if err := rows.Scan(&id, &last); err != nil {
			return o, err
		}
		if last > cut {
			break
		}
		o = old{o.n + 1, id, last}
	}
	return o, rows.Err()
}

// trim deletes what is of deliveries up to cut from the segment after one that
// goes as a whole.
func trim(ctx context.Context, c *conn, segment, cut int64) error {
	var id int64
	var data []byte
	err := c.scan(ctx, "SELECT id, data FROM segments WHERE id > ? ORDER BY id LIMIT 1", []any{segment}, &id, &data)
	if errors.Is(err, sql.ErrNoRows) {
		return nil
	}
	if err != nil {
		return err
	}
	return without(ctx, c, id, data, func(_ byte, of int64) bool { return of <= cut })
}

// forgetLater deletes what endpoints answered to deliveries up to one, and the
// attempts to deliver them again, from the segments after one that goes as a
// whole.
func forgetLater(ctx context.Context, c *conn, through, segment int64) error {
	rows, err := c.QueryContext(ctx, `SELECT answer_segment FROM deliveries WHERE id <= ?1 AND answer_segment > ?2
		UNION SELECT segment FROM attempts WHERE delivery <= ?1 AND segment > ?2`, through, segment)
	if err != nil {
		return err
	}
	defer rows.Close()
	var later []int64
	for rows.Next() {
		var id int64
		if err := rows.Scan(&id); err != nil {
			return err
		}
		later = append(later, id)
	}
	if err := errors.Join(rows.Err(), rows.Close()); err != nil {
		return err
	}
	for _, id := range later {
		if err := withoutIn(ctx, c, id, func(_ byte, of int64) bool { return of <= through }); err != nil {
			return err
		}
	}
	return nil
}

// withoutIn is without for a segment that may be gone.
func withoutIn(ctx context.Context, c *conn, segment int64, gone func(kind byte, id int64) bool) error {
	var data []byte
	err := c.scan(ctx, "SELECT data FROM segments WHERE id = ?", []any{segment}, &data)
	if errors.Is(err, sql.ErrNoRows) {
		return nil
	}
	if err != nil {
		return err
	}
	return without(ctx, c, segment, data, gone)
}

// moved says, for each kind of record, where the table has its place.
var moved = map[byte]string{
	deliveryRecord: "UPDATE deliveries SET place = ? WHERE id = ? AND segment = ? AND place = ?",
	outcomeRecord:  "UPDATE deliveries SET answer_place = ? WHERE id = ? AND answer_segment = ? AND answer_place = ?",
	attemptRecord:  "UPDATE attempts SET place = ? WHERE delivery = ? AND segment = ? AND place = ?",
}

// without writes a segment, which the table is made of already, again without
// the records that are gone, by their kinds and the deliveries that they are of.
func without(ctx context.Context, c *conn, segment int64, data []byte, gone func(kind byte, id int64) bool) error {
	kept := make([]byte, 0, len(data))
	for r, err := range records(data) {
		if err != nil {
			return err
		}
		of, err := r.id()
		if err != nil {
			return err
		}
		if gone(r.kind, of) {
			continue
		}
		if set := moved[r.kind]; set != "" && len(kept) != r.place {
			if err := c.exec(ctx, set, len(kept), of, segment, r.place); err != nil {
				return err
			}
		}
		kept = append(kept, data[r.place:r.place+r.length]...)
	}
	if len(kept) == len(data) {
		return nil
	}
	return c.exec(ctx, "UPDATE segments SET data = ?, crc = ? WHERE id = ?", kept, checksum(kept), segment)
}

// shrink makes the file smaller, a little at a time, and empties the
// write-ahead log.
func (k *keeper) shrink(ctx context.Context) error {
	for {
		var free int64
		if err := k.exec(ctx, func(ctx context.Context) error {
			return k.conn.scan(ctx, "PRAGMA freelist_count", nil, &free)
		}); err != nil {
			return err
		}
		if free == 0 {
			return k.plain(ctx, "PRAGMA wal_checkpoint(TRUNCATE)")
		}
		if err := k.plain(ctx, "PRAGMA incremental_vacuum(256)"); err != nil {
			return err
		}
	}
}

// fresh is what was appended of late.
type fresh struct {
	deliveries int
	bytes      int64
}

// slack is the part of the bounds that may be exceeded before something is
// pruned.
const slack = 100

// bound prunes some of what is beyond the bounds of the log, whole segments at a
// time, now and then. It reports whether there is more.
func (k *keeper) bound() (more bool) {
	p := Prune{Keep: max(k.opts.MaxDeliveries, 0), Bytes: max(k.opts.MaxBytes, 0)}
	if (p.Keep == 0 || k.fresh.deliveries <= p.Keep/slack) && (p.Bytes == 0 || k.fresh.bytes <= p.Bytes/slack) {
		return false
	}
	if info, err := os.Stat(k.path + intakeSuffix); err == nil && p.Bytes > 0 {
		p.Bytes = max(p.Bytes-info.Size(), 1)
	}
	err := k.transaction(func(ctx context.Context) error {
		cut, err := p.cut(ctx, k.conn, true)
		if err == nil {
			_, more, err = deleteThrough(ctx, k.conn, cut, false)
		}
		return err
	})
	if err != nil || !more {
		k.fresh = fresh{}
		return false
	}
	return true
}
