package index

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"time"

	"github.com/julianctl/julianctl/pkg/record"
	"github.com/julianctl/julianctl/pkg/segment"
)

// mergePages is how much of the search index is rewritten in one transaction.
const mergePages = 256

// Prune says what is to go. Zero fields ask for nothing.
type Prune struct {
	Before time.Time // all up to the first that came at or after this time
	Keep   int       // all but so many of the newest; negative: all
	Bytes  int64     // the oldest, until the log needs about this much
}

// Prunable is what a [Prune] would delete.
type Prunable struct {
	Deliveries int64
	Bytes      int64     // of their records
	First      time.Time // when the first of them came; zero where there is none
	Last       time.Time // and the last, by id
	Through    int64     // its id; 0 where there is none
}

// Prunable tells what p would delete now, and changes nothing.
func (x *Index) Prunable(ctx context.Context, p Prune) (found Prunable, err error) {
	err = x.askFor(ctx, Filter{}, func(db *sql.DB) error {
		found = Prunable{}
		cut, err := x.cut(ctx, db, p)
		if err != nil || cut == 0 {
			return err
		}
		found.Through = cut
		var first, last sql.NullInt64
		err = db.QueryRowContext(ctx, `SELECT count(*), coalesce(sum(length), 0), (SELECT received FROM deliveries ORDER BY id LIMIT 1),
			(SELECT received FROM deliveries WHERE id <= ?1 ORDER BY id DESC LIMIT 1) FROM deliveries WHERE id <= ?1`, cut).
			Scan(&found.Deliveries, &found.Bytes, &first, &last)
		if found.Deliveries > 0 {
			found.First, found.Last = time.Unix(0, first.Int64), time.Unix(0, last.Int64)
		}
		return err
	})
	return found, err
}

// cut is the id of the last delivery that is to go, 0 when none is.
func (x *Index) cut(ctx context.Context, q querier, p Prune) (cut int64, err error) {
	look := func(query string, args ...any) {
		var id sql.NullInt64
		if found := q.QueryRowContext(ctx, query, args...).Scan(&id); found != nil && !errors.Is(found, sql.ErrNoRows) {
			err = errors.Join(err, found)
		}
		cut = max(cut, id.Int64)
	}
	if !p.Before.IsZero() {
		// Ids are in order; times need not be.
		look("SELECT coalesce((SELECT min(id) - 1 FROM deliveries WHERE received >= ?), max(id)) FROM deliveries", p.Before.UnixNano())
	}
	if p.Keep != 0 {
		look("SELECT id FROM deliveries ORDER BY id DESC LIMIT 1 OFFSET ?", max(0, p.Keep))
	}
	if p.Bytes > 0 {
		all, sizeErr := x.folder.Segments()
		err = errors.Join(err, sizeErr)
		var size int64
		for _, s := range all {
			size += s.Size
		}
		// As much of what is used as the records are of all records.
		look(`SELECT id FROM (SELECT id, CAST(sum(length + coalesce(outcome_length, 0)) OVER (ORDER BY id) AS REAL) / sum(length + coalesce(outcome_length, 0)) OVER () AS share FROM deliveries),
			(SELECT ?2 + (page_count - freelist_count) * page_size AS used FROM pragma_page_count, pragma_freelist_count, pragma_page_size)
			WHERE used > ?1 AND share >= (used - ?1) * 1.0 / used ORDER BY id LIMIT 1`, p.Bytes, size)
	}
	return cut, err
}

// erase deletes what a record asks for, from the segments and from the index. When it
// is cut off, whoever reads the record next does it.
func (x *Index) erase(ctx context.Context, c *conn, d record.Deletion) error {
	ids, err := json.Marshal(append([]int64{}, d.IDs...))
	if err != nil {
		return err
	}
	const which = "(%s <= ?1 OR %[1]s IN (SELECT value FROM json_each(?2)))"
	ofDelivery, ofID := fmt.Sprintf(which, "delivery"), fmt.Sprintf(which, "id")
	frames, err := locations(ctx, c, "SELECT segment, place, length FROM deliveries WHERE "+ofID+
		" UNION ALL SELECT outcome_segment, outcome_place, outcome_length FROM deliveries WHERE outcome_segment IS NOT NULL AND "+ofID+
		" UNION ALL SELECT segment, place, length FROM attempts WHERE "+ofDelivery, d.Through, string(ids))
	if err != nil {
		return err
	}
	in := map[int64][]location{}
	for _, at := range frames {
		in[at.segment] = append(in[at.segment], at)
	}
	known, err := segmentsOf(ctx, c)
	if err != nil {
		return err
	}
	for _, s := range known {
		if x.private != nil {
			break // nothing of the log can be written to
		}
		if s.last > 0 && s.last <= d.Through && x.folder.Drop(s.name, s.done) {
			if err := forgetSegment(ctx, c, s); err != nil {
				return err
			}
		} else if err := overwrite(x.folder, s.name, in[s.id]); err != nil {
			return err
		}
	}
	for _, query := range []string{
		"DELETE FROM attempts WHERE " + ofDelivery,
		"DELETE FROM words WHERE rowid IN (SELECT id FROM deliveries WHERE " + ofID + ")",
		"DELETE FROM deliveries WHERE " + ofID,
	} {
		if err := c.exec(ctx, query, d.Through, string(ids)); err != nil {
			return err
		}
	}
	return nil
}

// overwrite deletes the bytes of frames.
func overwrite(f *segment.Folder, name string, frames []location) error {
	if len(frames) == 0 {
		return nil
	}
	s, _ := segment.ParseName(name)
	file, err := os.OpenFile(f.At(name), os.O_RDWR, 0)
	if errors.Is(err, os.ErrNotExist) {
		return nil
	}
	if err != nil {
		return segment.OSFault(err)
	}
	defer file.Close()
	for _, at := range frames {
		if err := s.Void(file, at.place, at.length); err != nil {
			return err
		}
	}
	return segment.OSFault(segment.SyncData(file))
}

// forgetSegment takes a segment that is gone out of the index.
func forgetSegment(ctx context.Context, c *conn, s *listedSegment) error {
	for _, d := range []struct {
		query string
		args  []any
	}{
		{"DELETE FROM attempts WHERE segment = ?1 OR delivery IN (SELECT id FROM deliveries WHERE id BETWEEN ?2 AND ?3 AND segment = ?1)", []any{s.id, s.first, s.last}},
		{"DELETE FROM words WHERE rowid IN (SELECT id FROM deliveries WHERE id BETWEEN ?2 AND ?3 AND segment = ?1)", []any{s.id, s.first, s.last}},
		{"DELETE FROM deliveries WHERE id BETWEEN ?2 AND ?3 AND segment = ?1", []any{s.id, s.first, s.last}},
		{"DELETE FROM damage WHERE segment = ?", []any{s.id}},
		{"DELETE FROM segments WHERE id = ?", []any{s.id}},
	} {
		if err := c.exec(ctx, d.query, d.args...); err != nil {
			return err
		}
	}
	return nil
}

// forgetWords takes what was pruned out of the search index, which only marks
// it as deleted at first. It does so a little at a time.
func (x *Index) forgetWords(ctx context.Context) error {
	for pages := -mergePages; ; pages = mergePages { // negative: begin
		var before, after int64
		err := x.transaction(ctx, func(c *conn) error {
			const changes = "SELECT total_changes()"
			return errors.Join(
				c.scan(ctx, changes, nil, &before),
				c.exec(ctx, "INSERT INTO words (words, rank) VALUES ('merge', ?)", pages),
				c.scan(ctx, changes, nil, &after),
			)
		})
		if err != nil || after-before < 2 { // it is documented to tell so that it is done
			return err
		}
	}
}

// shrink makes the index smaller, and empties its write-ahead log.
func (x *Index) shrink(ctx context.Context) error {
	if err := x.transaction(ctx, func(*conn) error { return nil }); err != nil {
		return err
	}
	x.mu.Lock()
	defer x.mu.Unlock()
	if x.conn == nil {
		return nil // another index took its place, which is small
	}
	for _, statement := range []string{"PRAGMA incremental_vacuum", "PRAGMA wal_checkpoint(TRUNCATE)"} {
		if err := x.conn.exec(ctx, statement); err != nil {
			return err
		}
	}
	return nil
}

// Shrink takes deletions in, and gives the room of what is gone back.
func (x *Index) Shrink(ctx context.Context) error {
	return x.ask(ctx, func(*sql.DB) error {
		if err := x.catchUp(ctx); err != nil {
			return err
		}
		if err := x.forgetWords(ctx); err != nil {
			return err
		}
		return x.shrink(ctx)
	})
}

// Bound deletes the oldest segments as long as there is more than p allows without
// them. It returns what is left, and the id of the last delivery that should be gone:
// some may be in segments that hold newer ones, too.
func (x *Index) Bound(ctx context.Context, p Prune) (left, bytes, cut int64, err error) {
	if err := x.catchUp(ctx); err != nil {
		return 0, 0, 0, err
	}
	err = x.transaction(ctx, func(c *conn) error {
		if cut, err = x.cut(ctx, c, p); err != nil {
			return err
		}
		known, err := segmentsOf(ctx, c)
		if err != nil {
			return err
		}
		for _, s := range known {
			if s.last > 0 && s.last <= cut && x.folder.Drop(s.name, s.done) {
				if err := forgetSegment(ctx, c, s); err != nil {
					return err
				}
			}
		}
		all, err := x.folder.Segments()
		for _, s := range all {
			bytes += s.Size
		}
		return errors.Join(err, c.scan(ctx, "SELECT count(*) FROM deliveries", nil, &left))
	})
	return left, bytes, cut, err
}
