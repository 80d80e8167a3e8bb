package index

import (
	"context"
	"errors"

	"github.com/julianctl/julianctl/pkg/record"
	"github.com/julianctl/julianctl/pkg/segment"
)

// wordsOfSome takes the next deliveries of the table into the search index. It
// reports whether there may be more.
func (x *Index) wordsOfSome(ctx context.Context, c *conn, most int) (more bool, err error) {
	var done int64
	if err := c.scan(ctx, "SELECT worded FROM state", nil, &done); err != nil {
		return false, err
	}
	found, err := selectRows(ctx, c, Filter{After: done, Limit: most}, false)
	if err != nil || len(found) == 0 {
		return false, err
	}
	words := make([]string, len(found))
	all := readersOf(x.folder)
	defer all.close()
	all.share(len(found), func(files *reader, i int) {
		words[i], found[i].err = wordsOf(ctx, c, files, found[i])
	})
	for i, r := range found {
		if r.err == nil {
			r.err = c.exec(ctx, "INSERT OR REPLACE INTO words (rowid, tokens) VALUES (?, ?)", r.ID, words[i])
		}
		if r.err != nil {
			return false, r.err
		}
	}
	return len(found) == most, c.exec(ctx, "UPDATE state SET worded = ?", found[len(found)-1].ID)
}

// wordsOf are those of a delivery, as far as it can be read.
func wordsOf(ctx context.Context, q querier, files *reader, r *row) (string, error) {
	f, err := files.at(ctx, q, r.at)
	var d *record.Delivery
	var header []byte
	if err == nil {
		d, header, err = record.DeliveryOf(f)
	}
	switch {
	case errors.Is(err, segment.ErrCorrupt) || errors.Is(err, segment.ErrVoid):
		return string(record.WordsOf(r.CallID, nil, r.Contact)), nil
	case err != nil:
		return "", err
	}
	return string(record.WordsOf(r.CallID, record.PayloadOf(d, header), r.Contact)), nil
}

// FollowWords takes the words of all deliveries that are in the table into the
// search index.
func (x *Index) FollowWords(ctx context.Context, most int, goOn func() bool) error {
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
