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
	var indexed int64
	if err := l.read.QueryRowContext(ctx, "SELECT indexed FROM state").Scan(&indexed); err != nil {
		return v, typed(err)
	}
	for after := int64(0); ; {
		ids, err := l.segmentIDs(ctx, after)
		if err != nil || len(ids) == 0 {
			return v, typed(err)
		}
		for _, id := range ids {
			if err := l.verifySegment(ctx, id, id <= indexed, &v, tell); err != nil {
				return v, typed(err)
			}
		}
		after = ids[len(ids)-1]
	}
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
	for r, err := range records(data) {
		if err != nil {
			tell(0, "segment %d: %s", id, err)
			break
		}
		if r.kind != deliveryRecord {
			continue
		}
		d, _, err := r.delivery()
		if err != nil {
			tell(0, "segment %d: %s", id, err)
			continue
		}
		if !bytes.Equal(hash(d.Body), d.Hash) {
			tell(d.ID, "the body is not what was received: its SHA-256 differs")
			continue
		}
		v.Deliveries++
		v.Bytes += int64(len(d.Body))
		if !indexed {
			continue
		}
		var right int
		err = tx.QueryRowContext(ctx, "SELECT count(*) FROM deliveries WHERE id = ? AND segment = ? AND place = ? AND length = ? AND call_id = ? AND copy = ? AND size = ?",
			d.ID, id, r.place, r.length, d.CallID, d.Copy, d.Size).Scan(&right)
		if err != nil {
			return err
		}
		if right != 1 {
			tell(d.ID, "the list says something else than the record")
		}
	}
	return nil
}
