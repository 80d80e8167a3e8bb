package index

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io/fs"

	"github.com/julianctl/julianctl/pkg/record"
	"github.com/julianctl/julianctl/pkg/segment"
)

// Verified is what a log was found to hold.
type Verified struct {
	Deliveries int64 // whose bodies are what was received
	Bytes      int64 // of these bodies
	Problems   int
}

// Verify reads the whole log: the check sum of each frame, the SHA-256 of each body,
// and whether the index says the same. It calls problem with each thing that is wrong,
// for a person; id is 0 when that is about no one delivery. An index that is wrong is
// made again by who reads it next.
func (x *Index) Verify(ctx context.Context, problem func(id int64, what string)) (v Verified, err error) {
	for try := 1; ; try++ {
		// Another process may have begun a new index, and deleted this one.
		if v, err = x.verify(ctx, problem); err == nil || try == 3 || !x.deleted(err) {
			return v, err
		}
	}
}

func (x *Index) verify(ctx context.Context, problem func(id int64, what string)) (v Verified, err error) {
	if err := x.ready(ctx, Filter{}); err != nil {
		return v, err
	}
	t := &verifying{Index: x, problem: problem}
	x.mu.Lock()
	db := x.read
	x.mu.Unlock()
	// All of one moment: what is deleted meanwhile would seem to be missing.
	tx, err := db.BeginTx(ctx, nil)
	if err != nil {
		return v, Typed(err)
	}
	defer func() { _ = tx.Rollback() }() // it only reads
	if err := t.integrity(ctx, tx); err != nil && !useless(err) {
		return v, Typed(err)
	} else if err != nil {
		t.wrongIndex("%s", err)
	}
	known, err := segmentsOf(ctx, tx)
	if err != nil && !useless(err) {
		return v, Typed(err)
	}
	byName := map[string]*listedSegment{}
	for _, s := range known {
		byName[s.name] = s
	}
	there, err := x.folder.Segments()
	if err != nil {
		return v, err
	}
	t.limit = x.folder.Turn().Seq
	for _, s := range there {
		if ctx.Err() != nil {
			return v, context.Cause(ctx)
		}
		if err := t.segment(ctx, tx, s, byName[s.Name]); err != nil {
			return v, Typed(err)
		}
	}
	if t.badIndex {
		_ = tx.Rollback() // it only reads
		err = x.replace(ctx, db)
	}
	return t.Verified, Typed(err)
}

type verifying struct {
	*Index
	Verified
	problem  func(id int64, what string)
	limit    int64 // batches after it may be being written
	badIndex bool
}

func (t *verifying) tell(id int64, format string, args ...any) {
	t.Problems++
	t.problem(id, fmt.Sprintf(format, args...))
}

func (t *verifying) wrongIndex(format string, args ...any) {
	t.badIndex = true
	t.tell(0, "the index: "+format, args...)
}

// integrity asks for each table: what SQLite's full-text search says of its own is
// wrong at times when others write.
func (t *verifying) integrity(ctx context.Context, q querier) error {
	for _, table := range []string{"state", "segments", "damage", "deliveries", "attempts", "words_data", "words_idx", "words_docsize"} {
		var what string
		if err := q.QueryRowContext(ctx, "PRAGMA integrity_check('"+table+"')").Scan(&what); err != nil {
			return err
		}
		if what != "ok" {
			t.wrongIndex("%s", what)
		}
	}
	return nil
}

// listedFrame is a delivery in the index.
type listedFrame struct {
	location
	call string
	copy int
	size int64
}

// segment looks at one. It may be nil in the index.
func (t *verifying) segment(ctx context.Context, q querier, s segment.Segment, l *listedSegment) error {
	c, err := t.folder.Open(s, 0)
	if errors.Is(err, fs.ErrNotExist) {
		return nil // deleted in the meantime
	}
	if err != nil {
		return segment.OSFault(err)
	}
	defer c.Close()
	listed := map[int64]listedFrame{}
	if l != nil {
		if listed, err = t.listed(ctx, q, l); err != nil {
			return err
		}
	}
	for {
		f, ok, err := c.Next()
		if err != nil {
			return err
		}
		if !ok || f.Seq > t.limit && f.Bad {
			break
		}
		where := fmt.Sprintf("%s, at %d", s.Name, f.Place)
		switch {
		case f.Bad:
			t.damaged(listed, f.Place, f.Length, where)
		case f.Kind == record.DeliveryKind:
			err = t.delivery(f, l, listed)
		case f.Kind == record.OutcomeKind:
			_, _, _, err = record.OutcomeOf(f)
		case f.Kind == record.AttemptKind:
			_, _, err = record.AttemptOf(f)
		case f.Kind == record.DeletionKind:
			_, err = record.DeletionOf(f)
		}
		if err != nil {
			t.tell(0, "%s: %s", where, err)
		}
	}
	if err := t.end(ctx, c, listed); err != nil {
		return err
	}
	return t.missing(ctx, q, c, listed)
}

// end looks at what is behind the last frame.
func (t *verifying) end(ctx context.Context, c *segment.Cursor, listed map[int64]listedFrame) error {
	_, torn, err := c.Tail()
	if err != nil || torn {
		return err
	}
	// It may be in the middle of being written.
	if err := t.folder.Take(ctx, t.busy); err != nil {
		return err
	}
	defer t.folder.Release()
	c.Buf = nil
	if _, ok, err := c.Next(); ok || err != nil {
		return err
	}
	end, torn, err := c.Tail()
	if err == nil && !torn {
		t.damaged(listed, c.At, end-c.At, fmt.Sprintf("%s, at %d", c.Name, c.At))
	}
	return err
}

// damaged tells of bytes that cannot be read, and of the deliveries that were there.
func (t *verifying) damaged(listed map[int64]listedFrame, place, length int64, where string) {
	said := false
	for id, at := range listed {
		if place < at.place+at.length && at.place < place+length {
			t.tell(id, "%d bytes cannot be read: %s", at.length, where)
			delete(listed, id)
			said = true
		}
	}
	if !said {
		t.tell(0, "%d bytes cannot be read: %s", length, where)
	}
}

// listed are the deliveries that the index has in a segment.
func (t *verifying) listed(ctx context.Context, q querier, l *listedSegment) (map[int64]listedFrame, error) {
	all := map[int64]listedFrame{}
	var id int64
	at := listedFrame{location: location{segment: l.id}}
	err := eachRow(ctx, q, func() { all[id] = at }, []any{&id, &at.place, &at.length, &at.call, &at.copy, &at.size},
		"SELECT id, place, length, call_id, copy, size FROM deliveries WHERE id BETWEEN ? AND ? AND segment = ?", l.first, l.last, l.id)
	return all, err
}

// delivery looks at one, and takes it off what is listed.
func (t *verifying) delivery(f segment.Frame, l *listedSegment, listed map[int64]listedFrame) error {
	d, _, err := record.DeliveryOf(f)
	if err != nil {
		return err
	}
	at, is := listed[d.ID]
	delete(listed, d.ID)
	if !bytes.Equal(record.Hash(d.Body), d.Hash) {
		t.tell(d.ID, "the body is not what was received: its SHA-256 differs")
		return nil
	}
	t.Verified.Deliveries++
	t.Verified.Bytes += int64(len(d.Body))
	if l == nil || f.Place >= l.done || !is && t.private != nil {
		return nil // it came after the index was looked at, or is deleted by who may
	}
	if want := (listedFrame{location{l.id, f.Place, f.Length}, d.CallID, d.Copy, d.Size}); !is || at != want {
		t.badIndex = true
		t.tell(d.ID, "the index says something else than the record")
	}
	return nil
}

// missing tells of what is listed and was not found. Its bytes may have been deleted
// in the meantime.
func (t *verifying) missing(ctx context.Context, q querier, c *segment.Cursor, listed map[int64]listedFrame) error {
	files := &reader{folder: t.folder}
	defer files.close()
	for id, at := range listed {
		_, err := files.at(ctx, q, at.location)
		switch {
		case errors.Is(err, segment.ErrCorrupt):
			t.badIndex = true
			t.tell(id, "it is not where the index says: %s, at %d", c.Name, at.place)
		case err != nil && !errors.Is(err, segment.ErrVoid):
			return err
		}
	}
	return nil
}
