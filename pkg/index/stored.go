package index

import (
	"bytes"
	"context"
	"database/sql"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"runtime"
	"slices"
	"sync"

	"github.com/julianctl/julianctl/pkg/record"
	"github.com/julianctl/julianctl/pkg/segment"
)

// row is an entry, and where its frame is.
type row struct {
	record.Entry
	at      location
	outcome location // of the frame of the outcome; zero when there is none
	err     error    // it cannot be read
}

// location is where a frame is.
type location struct {
	segment       int64 // in the index
	place, length int64
}

// querier is a pool of connections, or one of them.
type querier interface {
	QueryContext(ctx context.Context, query string, args ...any) (*sql.Rows, error)
	QueryRowContext(ctx context.Context, query string, args ...any) *sql.Row
}

// reader reads frames. What it returns is valid until the next. It is used by one
// goroutine at a time.
type reader struct {
	folder *segment.Folder
	open   map[int64]*opened
	buf    []byte
}

type opened struct {
	segment.Segment
	file *os.File
}

// maxOpen is how many segments a reader has open.
const maxOpen = 64

// readers are one for each core.
type readers []*reader

func readersOf(f *segment.Folder) (r readers) {
	for range runtime.GOMAXPROCS(0) {
		r = append(r, &reader{folder: f})
	}
	return r
}

func (r readers) close() {
	for _, one := range r {
		one.close()
	}
}

// share runs do for each i below n, on all cores.
func (r readers) share(n int, do func(files *reader, i int)) {
	var all sync.WaitGroup
	for core, files := range r {
		all.Go(func() {
			for i := core; i < n; i += len(r) {
				do(files, i)
			}
		})
	}
	all.Wait()
}

func (r *reader) close() {
	for _, o := range r.open {
		_ = o.file.Close() // it was only read
	}
	r.open = nil
}

// at reads a frame. The error is errVoid when it was deleted.
func (r *reader) at(ctx context.Context, q querier, at location) (segment.Frame, error) {
	o := r.open[at.segment]
	if o == nil {
		var name string
		err := q.QueryRowContext(ctx, "SELECT name FROM segments WHERE id = ?", at.segment).Scan(&name)
		if errors.Is(err, sql.ErrNoRows) {
			return segment.Frame{}, segment.ErrVoid
		}
		if err != nil {
			return segment.Frame{}, err
		}
		s, ok := segment.ParseName(name)
		if !ok {
			return segment.Frame{}, errIndex
		}
		file, err := os.Open(r.folder.At(name))
		if errors.Is(err, fs.ErrNotExist) {
			return segment.Frame{}, segment.ErrVoid
		}
		if err != nil {
			return segment.Frame{}, segment.OSFault(err)
		}
		if len(r.open) >= maxOpen {
			r.close()
		}
		if r.open == nil {
			r.open = map[int64]*opened{}
		}
		o = &opened{s, file}
		r.open[at.segment] = o
	}
	f, err := o.Read(o.file, at.place, at.length, r.buf)
	if int64(cap(r.buf)) < at.length && at.length < 1<<20 {
		r.buf = make([]byte, 2*at.length)
	}
	if errors.Is(err, segment.ErrRecord) {
		err = fmt.Errorf("%w: %d bytes at %d of %s", err, at.length, at.place, o.Name)
	}
	return f, err
}

// fill adds what is not in the table. The error is errVoid when the delivery was
// deleted. A body that is not what was received is an error: nobody is to show it,
// let alone send it, as if it were.
func (r *row) fill(ctx context.Context, q querier, files *reader) error {
	f, err := files.at(ctx, q, r.at)
	var d *record.Delivery
	var header []byte
	if err == nil {
		d, header, err = record.DeliveryOf(f)
	}
	if err == nil && (d.ID != r.ID || !bytes.Equal(record.Hash(d.Body), d.Hash)) {
		err = segment.ErrCorrupt
	}
	if errors.Is(err, segment.ErrCorrupt) {
		return fmt.Errorf("%w: delivery %d: the body is not what was received", segment.ErrCorrupt, r.ID)
	}
	if err != nil {
		return err
	}
	r.Delivery = *d
	r.Header = record.ParseHeader(header)
	r.Body, r.Hash = bytes.Clone(d.Body), bytes.Clone(d.Hash)
	return nil
}

// story adds what came after the delivery: the findings, the endpoint's answer, and
// the attempts to deliver it again. What was deleted in the meantime is left out.
func (r *row) story(ctx context.Context, q querier, files *reader) error {
	if o := r.Outcome; o != nil && (o.Errors+o.Warnings > 0 || o.Forward != nil) {
		f, err := files.at(ctx, q, r.outcome)
		if err == nil {
			var of int64
			var packed []byte
			of, o, packed, err = record.OutcomeOf(f)
			switch {
			case err == nil && of != r.ID:
				err = segment.ErrRecord
			case err == nil && len(packed) > 0:
				o.Findings, err = record.Unpack(packed)
			}
		}
		switch {
		case err == nil:
			if len(o.Findings) > 0 {
				r.Outcome.Findings = bytes.Clone(o.Findings)
			}
			if o.Forward != nil && r.Outcome.Forward != nil {
				r.Outcome.Forward.Answer = o.Forward.Answer.Read()
			}
		case !errors.Is(err, segment.ErrVoid):
			return fmt.Errorf("delivery %d: what became of it: %w", r.ID, err)
		}
	}
	if r.Redeliveries == 0 {
		return nil
	}
	all, err := locations(ctx, q, "SELECT segment, place, length FROM attempts WHERE delivery = ? AND NOT outcome ORDER BY number", r.ID)
	if err != nil {
		return err
	}
	for _, at := range all {
		f, err := files.at(ctx, q, at)
		if errors.Is(err, segment.ErrVoid) {
			continue
		}
		var of int64
		var a *record.Attempt
		if err == nil {
			if of, a, err = record.AttemptOf(f); err == nil && of != r.ID {
				err = segment.ErrRecord
			}
		}
		if err != nil {
			return fmt.Errorf("delivery %d: an attempt: %w", r.ID, err)
		}
		a.Answer = a.Answer.Read()
		r.Attempts = append(r.Attempts, *a)
	}
	slices.SortStableFunc(r.Attempts, func(a, b record.Attempt) int { return a.At.Compare(b.At) })
	return nil
}

func locations(ctx context.Context, q querier, query string, args ...any) (all []location, err error) {
	var at location
	err = eachRow(ctx, q, func() { all = append(all, at) }, []any{&at.segment, &at.place, &at.length}, query, args...)
	return all, err
}

// eachRow runs do for each row of what a query finds, when it is in into.
func eachRow(ctx context.Context, q querier, do func(), into []any, query string, args ...any) error {
	rows, err := q.QueryContext(ctx, query, args...)
	if err != nil {
		return err
	}
	defer rows.Close()
	for rows.Next() {
		if err := rows.Scan(into...); err != nil {
			return err
		}
		do()
	}
	return rows.Err()
}
