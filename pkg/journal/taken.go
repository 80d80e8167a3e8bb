package journal

import (
	"context"
	"database/sql"
	"errors"
	"net/url"

	"github.com/julianctl/julianctl/pkg/index"
	"github.com/julianctl/julianctl/pkg/migrate"
)

// takeOver makes a folder of a log that is a file of an older version.
func (l *Log) takeOver(ctx context.Context, path string) (err error) {
	l.taken, err = migrate.File(ctx, path, migrate.Options{
		Busy: l.opts.Busy, SegmentBytes: l.opts.segmentBytes(), SegmentDeliveries: l.opts.segmentDeliveries(),
		OpenDB: func(path string) (*sql.DB, error) { return index.OpenDB(path, l.opts.Busy, url.Values{}) },
		Verify: l.verifyCopy,
		Typed:  index.Typed,
	})
	return err
}

// verifyCopy is Verify of the log at path.
func (l *Log) verifyCopy(ctx context.Context, path string, problem func(id int64, what string)) (deliveries int64, problems int, err error) {
	made, err := Open(ctx, path, Options{ReadOnly: true, Busy: l.opts.Busy})
	if err != nil {
		return 0, 0, err
	}
	v, err := made.Verify(ctx, problem)
	return v.Deliveries, v.Problems, errors.Join(err, made.Close())
}

// Taken is the file that the log was before it became a folder, if that was just
// now; otherwise empty.
func (l *Log) Taken() string { return l.taken }
