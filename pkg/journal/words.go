package journal

import (
	"context"
	"errors"

	"github.com/julianctl/julianctl/pkg/record"
	"github.com/julianctl/julianctl/pkg/segment"
)

// wordsOfSome takes the next deliveries of the table into the search index. It
// reports whether there may be more.
func (x *index) wordsOfSome(ctx context.Context, c *conn, most int) (more bool, err error) {
	var done int64
	if err := c.scan(ctx, "SELECT worded FROM state", nil, &done); err != nil {
		return false, err
	}
	found, err := selectRows(ctx, c, Filter{After: done, Limit: most})
	if err != nil || len(found) == 0 {
		return false, err
	}
	files := &reader{folder: x.folder}
	defer files.close()
	for _, r := range found {
		contact := r.Contact
		var payload []byte
		f, err := files.at(ctx, c, r.at)
		if err == nil {
			var d *Delivery
			var header []byte
			if d, header, err = record.DeliveryOf(f); err == nil {
				payload = record.PayloadOf(d, header)
			}
		}
		if err != nil && !errors.Is(err, ErrCorrupt) && !errors.Is(err, segment.ErrVoid) {
			return false, err
		}
		people, talk := record.WordsOf(payload, contact)
		if err := c.exec(ctx, "INSERT OR REPLACE INTO words (rowid, call_id, people, talk) VALUES (?, ?, ?, ?)", r.ID, r.CallID, people, talk); err != nil {
			return false, err
		}
	}
	return len(found) == most, c.exec(ctx, "UPDATE state SET worded = ?", found[len(found)-1].ID)
}

// followWords takes the words of all deliveries that are in the table into the
// search index.
func (x *index) followWords(ctx context.Context, most int, goOn func() bool) error {
	var last, done int64
	x.mu.Lock()
	db := x.read
	x.mu.Unlock()
	if err := db.QueryRowContext(ctx, "SELECT (SELECT coalesce(max(id), 0) FROM deliveries), worded FROM state").Scan(&last, &done); err != nil {
		return err
	}
	for more := done < last; more; {
		if ctx.Err() != nil {
			return context.Cause(ctx)
		}
		err := x.transaction(ctx, func(c *conn) (err error) {
			if more, err = x.wordsOfSome(ctx, c, most); err == nil {
				err = c.scan(ctx, "SELECT worded FROM state", nil, &done)
			}
			return err
		})
		if err != nil {
			return err
		}
		more = more && done < last && goOn() // who writes meanwhile must not keep this from ending
	}
	return nil
}
