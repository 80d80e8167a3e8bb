package journal

import (
	"bytes"
	"context"
	"fmt"
)

// Verified is what a log was found to hold.
type Verified struct {
	Deliveries int64 // whose bodies are what was received
	Bytes      int64 // of these bodies
	Problems   int
}

// Verify reads the whole log: SQLite's own check of the file, the check sum of
// each segment, the SHA-256 of each body, and whether the table that queries
// read says the same. It calls problem with each thing that is wrong, for a
// person; id is 0 when that is about no one delivery.
func (l *Log) Verify(ctx context.Context, problem func(id int64, what string)) (v Verified, err error) {
	tell := func(id int64, format string, args ...any) {
		v.Problems++
		problem(id, fmt.Sprintf(format, args...))
	}
	if err := l.integrity(ctx, tell); err != nil {
		return v, typed(err)
	}
	if err := l.arrive(ctx); err != nil {
		return v, err
	}
	var after int64
	for {
		if after, err = l.verifySegments(ctx, after, &v, tell); err != nil {
			return v, typed(err)
		}
		// What is in the intake still: all, where nobody may move it.
		whole, err := l.verifyIntake(ctx, &v, tell)
		if err != nil || whole {
			return v, typed(err)
		}
	}
}

// verifySegments looks at those after one, and returns the last.
func (l *Log) verifySegments(ctx context.Context, after int64, v *Verified, tell func(int64, string, ...any)) (int64, error) {
	var indexed int64
	if err := l.read.QueryRowContext(ctx, "SELECT indexed FROM state").Scan(&indexed); err != nil {
		return 0, err
	}
	for {
		ids, err := l.segmentIDs(ctx, after)
		if err != nil || len(ids) == 0 {
			return after, err
		}
		for _, id := range ids {
			if err := l.verifySegment(ctx, id, id <= indexed, v, tell); err != nil {
				return 0, err
			}
		}
		after = ids[len(ids)-1]
	}
}

// verifyIntake looks at what is not in the table of segments yet. It reports
// false, and has looked at nothing, when it was moved there meanwhile.
func (l *Log) verifyIntake(ctx context.Context, v *Verified, tell func(int64, string, ...any)) (whole bool, err error) {
	var moved, log, now int64
	const query = "SELECT intake, log FROM state"
	if err := l.read.QueryRowContext(ctx, query).Scan(&moved, &log); err != nil {
		return false, err
	}
	in, err := lookIntake(l.path+intakeSuffix, log)
	if err != nil || in == nil {
		return err == nil, err
	}
	defer in.file.Close() // it was only read
	found := *v
	var problems []func()
	later := func(id int64, format string, args ...any) {
		problems = append(problems, func() { tell(id, format, args...) })
	}
	stray := int64(-1)
	for end := moved; ; {
		f, err := in.read(end, nil)
		if err != nil {
			return false, err
		}
		if f != nil {
			end, stray = f.next, -1
			if err := found.records(f.data, "the intake", later, nil); err != nil {
				return false, err
			}
			continue
		}
		if stray >= 0 {
			later(0, "the intake: what is at %d cannot be read, and deliveries are behind it", end)
			break
		}
		if stray, err = in.stray(moved, end); err != nil {
			return false, err
		}
		if stray < 0 {
			break
		} // otherwise look again: it may have been written meanwhile
	}
	if err := l.read.QueryRowContext(ctx, query).Scan(&now, &log); err != nil || now != moved {
		return false, err
	}
	*v = found
	for _, problem := range problems {
		problem()
	}
	return true, nil
}

func (l *Log) integrity(ctx context.Context, tell func(int64, string, ...any)) error {
	rows, err := l.read.QueryContext(ctx, "PRAGMA integrity_check")
	if err != nil {
		return err
	}
	defer rows.Close()
	for rows.Next() {
		var what string
		if err := rows.Scan(&what); err != nil {
			return err
		}
		if what != "ok" {
			tell(0, "%s", what)
		}
	}
	return rows.Err()
}

func (l *Log) segmentIDs(ctx context.Context, after int64) (ids []int64, err error) {
	rows, err := l.read.QueryContext(ctx, "SELECT id FROM segments WHERE id > ? ORDER BY id LIMIT 1000", after)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	for rows.Next() {
		var id int64
		if err := rows.Scan(&id); err != nil {
			return nil, err
		}
		ids = append(ids, id)
	}
	return ids, rows.Err()
}

func (l *Log) verifySegment(ctx context.Context, id int64, indexed bool, v *Verified, tell func(int64, string, ...any)) error {
	var crc int64
	var data []byte
	// In one transaction: a segment may be pruned meanwhile.
	tx, err := l.read.BeginTx(ctx, nil)
	if err != nil {
		return err
	}
	defer func() { _ = tx.Rollback() }() // it only reads
	found, err := tx.QueryContext(ctx, "SELECT crc, data FROM segments WHERE id = ?", id)
	if err != nil {
		return err
	}
	defer found.Close()
	if !found.Next() {
		return found.Err()
	}
	if err := found.Scan(&crc, &data); err != nil {
		return err
	}
	if err := found.Close(); err != nil {
		return err
	}
	if checksum(data) != crc {
		tell(0, "segment %d: its check sum differs", id)
	}
	listed := func(d *Delivery, r record) error {
		var right int
		err := tx.QueryRowContext(ctx, "SELECT count(*) FROM deliveries WHERE id = ? AND segment = ? AND place = ? AND length = ? AND call_id = ? AND copy = ? AND size = ?",
			d.ID, id, r.place, r.length, d.CallID, d.Copy, d.Size).Scan(&right)
		if err == nil && right != 1 {
			tell(d.ID, "the list says something else than the record")
		}
		return err
	}
	if !indexed {
		listed = nil
	}
	return v.records(data, fmt.Sprintf("segment %d", id), tell, listed)
}

// records looks at those of one segment or frame. Where it is not nil, listed
// compares a delivery with the table that queries read.
func (v *Verified) records(data []byte, where string, tell func(int64, string, ...any), listed func(*Delivery, record) error) error {
	for r, err := range records(data) {
		if err != nil {
			tell(0, "%s: %s", where, err)
			break
		}
		switch r.kind {
		case outcomeRecord:
			_, _, err = r.outcome()
		case attemptRecord:
			_, _, err = r.attempt()
		}
		if r.kind != deliveryRecord {
			if err != nil {
				tell(0, "%s: %s", where, err)
			}
			continue
		}
		d, _, err := r.delivery()
		if err != nil {
			tell(0, "%s: %s", where, err)
			continue
		}
		if !bytes.Equal(hash(d.Body), d.Hash) {
			tell(d.ID, "the body is not what was received: its SHA-256 differs")
			continue
		}
		v.Deliveries++
		v.Bytes += int64(len(d.Body))
		if listed == nil {
			continue
		}
		if err := listed(d, r); err != nil {
			return err
		}
	}
	return nil
}
