package journal

import (
	"context"
	"database/sql"
	"errors"
)

// Delete deletes deliveries, wherever they stand in the log, and overwrites
// their bytes. It returns how many there were. Others keep their ids and their
// numbers among the copies of a call.
func (l *Log) Delete(ctx context.Context, ids ...int64) (deleted int, err error) {
	if l.write == nil {
		return 0, ErrReadOnly
	}
	if err := l.Index(ctx); err != nil {
		return 0, err
	}
	k := l.write.keeper
	err = l.write.erase(ctx, func() error {
		for _, id := range ids {
			was := false
			err := k.exec(ctx, func(ctx context.Context) (err error) {
				was, err = deleteOne(ctx, k.conn, id)
				return err
			})
			if err != nil {
				return err
			}
			if was {
				deleted++
			}
		}
		return nil
	})
	return deleted, err
}

// deleteOne reports whether there was one.
func deleteOne(ctx context.Context, c *conn, id int64) (was bool, err error) {
	var segment int64
	var answered bool
	err = c.scan(ctx, "SELECT segment, status IS NOT NULL FROM deliveries WHERE id = ?", []any{id}, &segment, &answered)
	if errors.Is(err, sql.ErrNoRows) {
		return false, nil
	}
	if err != nil {
		return false, err
	}
	// Its outcome stands in the same segment or, mostly, soon after.
	whole := false
	for at := segment - 1; !whole; {
		var data []byte
		err := c.scan(ctx, "SELECT id, data FROM segments WHERE id > ? ORDER BY id LIMIT 1", []any{at}, &at, &data)
		if errors.Is(err, sql.ErrNoRows) {
			break
		}
		if err != nil {
			return false, err
		}
		whole = !answered
		err = without(ctx, c, at, data, func(kind byte, of int64) bool {
			whole = whole || kind == outcomeRecord && of == id
			return of == id
		})
		if err != nil {
			return false, err
		}
	}
	later, err := attemptsOf(ctx, c, id)
	if err != nil {
		return false, err
	}
	for _, at := range later {
		if err := withoutIn(ctx, c, at.segment, func(_ byte, of int64) bool { return of == id }); err != nil {
			return false, err
		}
	}
	return true, errors.Join(
		c.exec(ctx, "DELETE FROM attempts WHERE delivery = ?", id),
		c.exec(ctx, "DELETE FROM words WHERE rowid = ?", id),
		c.exec(ctx, "DELETE FROM deliveries WHERE id = ?", id),
	)
}
