package index

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"iter"
	"slices"
	"strings"
	"time"

	"github.com/julianctl/julianctl/pkg/record"
	"github.com/julianctl/julianctl/pkg/segment"
)

// Filter chooses deliveries. The zero value chooses all, oldest first.
type Filter struct {
	Since, Until time.Time // of Received: from Since on, before Until
	CallIDs      []string  // any of them
	ResultTypes  []string  // any of them
	Dups         bool      // only copies of an earlier delivery
	Acknowledged bool      // only those answered with 2xx, at first or when they were redelivered
	Failed       bool      // only those that still fail, see [Entry.Failed]
	Unanswered   bool      // only those without an outcome
	Findings     bool      // only those with an error or a warning
	Accepted     bool      // only those that were not refused
	// Text is words that all must occur in call id, names, summary or
	// transcript; the last one may be the beginning of a word.
	Text string
	// IDs are those that may be; nil: any. Empty and not nil: none.
	IDs []IDs
	// After and Before are ids, exclusive: cursors for going on from where a
	// page ended. 0: no bound.
	After, Before int64
	// Damaged is told of deliveries that cannot be read, which are left out, by their
	// id, or 0 where that is not known; nil: the first ends the sequence.
	Damaged func(id int64, err error)
	Newest  bool // newest first
	Limit   int  // 0: no limit
}

// IDs are the ids from one to another, both included.
type IDs struct{ From, To int64 }

// Up to fewIDs spans are asked for by an expression, and up to manyIDs ids by a
// list.
const (
	fewIDs  = 100
	manyIDs = 1_000_000
)

// pageRows is how many deliveries a query reads at a time. No reading
// transaction lasts longer: a reader that waits, for a pager or a network, does
// not keep the write-ahead log from being reused.
const pageRows = 256

// pageBytes is about how much of whole deliveries is read at a time.
const pageBytes = 4 << 20

// The columns that a frame does not have, and those that it has, too.
const (
	columns = `segment, place, length, id, name, phone, agent, direction, lifecycle,
	status, took, forward_status, forward_took, forward_tries, forward_error, fault, errors, warnings,
	forward_to, coalesce(outcome_segment, 0), coalesce(outcome_place, 0), coalesce(outcome_length, 0), redeliveries, redelivered`
	frameColumns = `, received, call_id, result_type, seconds, refusal, copy, first, size, method, uri, remote`
)

// Entries returns the deliveries that f chooses, by id, without what [Entry]
// says. Memory does not grow with their number. The sequence
// ends after an error. Deliveries that are appended meanwhile may be in it.
func (x *Index) Entries(ctx context.Context, f Filter) iter.Seq2[*record.Entry, error] {
	return x.entries(ctx, f, false)
}

// Deliveries is [Index.Entries] with everything that is stored of each.
func (x *Index) Deliveries(ctx context.Context, f Filter) iter.Seq2[*record.Entry, error] {
	return x.entries(ctx, f, true)
}

// Get returns everything that is stored of one delivery, or [ErrNotFound].
func (x *Index) Get(ctx context.Context, id int64) (*record.Entry, error) {
	// It, or what became of it, may not be in the table yet.
	if err := x.ready(ctx, Filter{}); err != nil {
		return nil, err
	}
	r, err := x.row(ctx, id, true)
	if err != nil {
		return nil, err
	}
	return &r.Entry, nil
}

// Received returns one delivery as it came, or [ErrNotFound]. It is quicker than
// [Index.Get] while deliveries come: what became of it does not matter.
func (x *Index) Received(ctx context.Context, id int64) (*record.Delivery, error) {
	r, err := x.row(ctx, id, false)
	if errors.Is(err, ErrNotFound) {
		// It may not be in the table yet.
		if err = x.ready(ctx, Filter{}); err == nil {
			r, err = x.row(ctx, id, false)
		}
	}
	if err != nil {
		return nil, err
	}
	return &r.Delivery, nil
}

// row is a delivery with its bytes, as far as it is in the table.
func (x *Index) row(ctx context.Context, id int64, story bool) (r *row, err error) {
	files := &reader{folder: x.folder}
	defer files.close()
	err = x.ask(ctx, func(db *sql.DB) error {
		found, err := selectRows(ctx, db, Filter{After: id - 1, Before: id + 1}, true)
		if err != nil {
			return err
		}
		if err = segment.ErrVoid; len(found) > 0 {
			r = found[0]
			err = r.fill(ctx, db, files)
		}
		if err == nil && story {
			err = r.story(ctx, db, files)
		}
		return err
	})
	if errors.Is(err, segment.ErrVoid) {
		err = fmt.Errorf("%w: %d", ErrNotFound, id)
	}
	return r, err
}

// Last is the highest id in the log, 0 when it is empty: where to begin to
// follow it with [Filter.After].
func (x *Index) Last(ctx context.Context) (id int64, err error) {
	p, err := x.Position(ctx)
	return p.Last, err
}

// Unlisted is how many deliveries are in the log and not in what queries
// return: more than 0 only where this process could not bring that up to date.
func (x *Index) Unlisted(ctx context.Context) (n int64, err error) {
	err = x.ask(ctx, func(db *sql.DB) error {
		return db.QueryRowContext(ctx, "SELECT last FROM state").Scan(&n)
	})
	return max(0, x.folder.Turn().Last-n), err
}

func (x *Index) entries(ctx context.Context, f Filter, whole bool) iter.Seq2[*record.Entry, error] {
	return func(yield func(*record.Entry, error) bool) {
		if err := x.ready(ctx, f); err != nil {
			yield(nil, err)
			return
		}
		ctx, cancel := context.WithCancel(ctx)
		defer cancel()
		pages := make(chan page, 1) // the next is read while the last is looked at
		go x.pages(ctx, f, whole, pages)
		for p := range pages {
			for _, row := range p.rows {
				switch {
				case row.err == nil:
				case errors.Is(row.err, segment.ErrVoid):
					continue // deleted in the meantime
				case f.Damaged != nil && errors.Is(row.err, segment.ErrCorrupt):
					f.Damaged(row.ID, row.err)
					continue
				default:
					yield(nil, row.err)
					return
				}
				if !yield(&row.Entry, nil) {
					return
				}
			}
			if p.err != nil {
				yield(nil, p.err)
				return
			}
		}
		if whole && f.Damaged != nil {
			if err := x.damage(ctx, f.Damaged); err != nil {
				yield(nil, err)
			}
		}
	}
}

// damage tells of what could not be read when the index was made: nobody knows which
// deliveries that was.
func (x *Index) damage(ctx context.Context, tell func(id int64, err error)) error {
	var all []location
	names := map[int64]string{}
	err := x.ask(ctx, func(db *sql.DB) (err error) {
		if all, err = locations(ctx, db, "SELECT segment, place, length FROM damage ORDER BY segment, place"); err != nil || all == nil {
			return err
		}
		known, err := segmentsOf(ctx, db)
		for _, s := range known {
			names[s.id] = s.name
		}
		return err
	})
	for _, at := range all {
		tell(0, fmt.Errorf("%w: %d bytes cannot be read: %s, at %d", segment.ErrCorrupt, at.length, names[at.segment], at.place))
	}
	return err
}

// page is what was read at a time. After an error there is none.
type page struct {
	rows []*row
	err  error
}

// pages reads what f chooses until ctx ends.
func (x *Index) pages(ctx context.Context, f Filter, whole bool, to chan<- page) {
	defer close(to)
	files := readersOf(x.folder)
	defer files.close()
	for left := f.Limit; ; {
		part := f
		part.Limit = pageRows
		if f.Limit > 0 {
			part.Limit = min(pageRows, left)
		}
		var p page
		cut := false
		p.err = x.ask(ctx, func(db *sql.DB) (err error) {
			if p.rows, err = selectRows(ctx, db, part, whole); !whole || err != nil {
				return err
			}
			bytes := int64(0)
			for i, row := range p.rows {
				if cut = bytes > pageBytes; cut {
					p.rows = p.rows[:i]
					break
				}
				bytes += row.at.length + row.outcome.length
			}
			files.share(len(p.rows), func(files *reader, i int) {
				row := p.rows[i]
				if row.err = row.fill(ctx, db, files); row.err == nil {
					row.err = row.story(ctx, db, files)
				}
			})
			return nil
		})
		select {
		case to <- p:
		case <-ctx.Done():
			return
		}
		left -= len(p.rows)
		if p.err != nil || !cut && len(p.rows) < part.Limit || f.Limit > 0 && left == 0 {
			return
		}
		last := p.rows[len(p.rows)-1].ID
		if f.Newest {
			f.Before = last
		} else {
			f.After = last
		}
	}
}

// selectRows leaves out what a frame has where the frame will be read.
func selectRows(ctx context.Context, q querier, f Filter, framed bool) (found []*row, err error) {
	query, args := f.sql()
	what := "SELECT " + columns + frameColumns
	if framed {
		what = "SELECT " + columns
	}
	rows, err := q.QueryContext(ctx, what+" FROM deliveries"+query, args...)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	for rows.Next() {
		r, err := scan(rows, framed)
		if err != nil {
			return found, err
		}
		found = append(found, r)
	}
	return found, rows.Err()
}

func scan(rows *sql.Rows, framed bool) (*row, error) {
	r := &row{}
	o := &record.Outcome{}
	var received int64
	var status, took, forwardStatus, forwardTook, tries, failures, warnings sql.NullInt64
	var forwardError, fault, forwardTo sql.NullString
	into := []any{
		&r.at.segment, &r.at.place, &r.at.length, &r.ID, &r.Name, &r.Phone, &r.Agent, &r.Direction, &r.Lifecycle,
		&status, &took, &forwardStatus, &forwardTook, &tries, &forwardError, &fault, &failures, &warnings,
		&forwardTo, &r.outcome.segment, &r.outcome.place, &r.outcome.length, &r.Redeliveries, &r.Redelivered,
	}
	if !framed {
		into = append(into, &received, &r.CallID, &r.ResultType, &r.Seconds, (*string)(&r.Refusal), &r.Copy, &r.First, &r.Size, &r.Method, &r.URI, &r.Remote)
	}
	if err := rows.Scan(into...); err != nil {
		return nil, err
	}
	r.Received = time.Unix(0, received)
	if !status.Valid {
		return r, nil
	}
	r.Outcome = o
	o.Fault = fault.String
	o.Status, o.Took = int(status.Int64), time.Duration(took.Int64)
	o.Errors, o.Warnings = int(failures.Int64), int(warnings.Int64)
	if forwardStatus.Valid {
		o.Forward = &record.Forward{
			To: forwardTo.String, Status: int(forwardStatus.Int64), Took: time.Duration(forwardTook.Int64),
			Attempts: int(tries.Int64), Err: forwardError.String,
		}
	}
	return r, nil
}

// where is the condition of f.
func (f *Filter) where() (condition string, args []any) {
	var all []string
	add := func(on bool, condition string, values ...any) {
		if on {
			all = append(all, condition)
			args = append(args, values...)
		}
	}
	add(!f.Since.IsZero(), "received >= ?", f.Since.UnixNano())
	add(!f.Until.IsZero(), "received < ?", f.Until.UnixNano())
	add(f.Dups, "copy > 1")
	add(f.Acknowledged, "(status BETWEEN 200 AND 299 OR redelivered)")
	add(f.Failed, "status NOT BETWEEN 200 AND 299 AND NOT redelivered")
	add(f.Unanswered, "status IS NULL")
	add(f.Findings, "errors + warnings > 0")
	add(f.Accepted, "refusal = ''")
	add(f.After != 0, "id > ?", f.After)
	add(f.Before != 0, "id < ?", f.Before)
	if len(f.CallIDs) > 0 {
		add(true, "call_id IN (SELECT value FROM json_each(?))", jsonList(f.CallIDs))
	}
	if len(f.ResultTypes) > 0 {
		add(true, "result_type IN (SELECT value FROM json_each(?))", jsonList(f.ResultTypes))
	}
	if f.IDs != nil {
		condition, values := whereIDs(f.IDs)
		add(true, condition, values...)
	}
	if words := record.QueryOf(f.Text); words != "" {
		add(true, "id IN (SELECT rowid FROM words WHERE words MATCH ?)", words)
	}
	if all == nil {
		return "", nil
	}
	return " WHERE " + strings.Join(all, " AND "), args
}

// whereIDs chooses the form that is quick: the depth of an expression is limited,
// and a list has to be made.
func whereIDs(ids []IDs) (condition string, args []any) {
	if len(ids) <= fewIDs {
		condition = "(0" // none
		for _, span := range ids {
			condition += " OR id BETWEEN ? AND ?"
			args = append(args, span.From, span.To)
		}
		return condition + ")", args
	}
	var all []int64
	var spans [][2]int64
	for _, span := range ids {
		spans = append(spans, [2]int64{span.From, span.To})
		for id := span.From; id <= span.To && len(all) <= manyIDs; id++ {
			all = append(all, id)
		}
	}
	if len(all) <= manyIDs {
		return "id IN (SELECT value FROM json_each(?))", []any{jsonList(all)}
	}
	return "EXISTS (SELECT 1 FROM json_each(?) AS span WHERE deliveries.id BETWEEN span.value ->> 0 AND span.value ->> 1)", []any{jsonList(spans)}
}

func jsonList[T any](values []T) string {
	text, _ := json.Marshal(values) // words or numbers
	return string(text)
}

// Match reports whether e is one of those that f chooses. It does not look for
// Text.
func (f *Filter) Match(e *record.Entry) bool {
	o := e.Outcome
	switch {
	case !f.Since.IsZero() && e.Received.Before(f.Since), !f.Until.IsZero() && !e.Received.Before(f.Until):
	case len(f.CallIDs) > 0 && !slices.Contains(f.CallIDs, e.CallID):
	case len(f.ResultTypes) > 0 && !slices.Contains(f.ResultTypes, e.ResultType):
	case f.Dups && e.Copy < 2:
	case f.Acknowledged && (o == nil || o.Failed()) && !e.Redelivered:
	case f.Failed && !e.Failed():
	case f.Unanswered && o != nil:
	case f.Findings && (o == nil || o.Errors+o.Warnings == 0):
	case f.Accepted && e.Refusal != "":
	case f.IDs != nil && !slices.ContainsFunc(f.IDs, func(span IDs) bool { return span.From <= e.ID && e.ID <= span.To }):
	case f.After != 0 && e.ID <= f.After, f.Before != 0 && e.ID >= f.Before:
	default:
		return true
	}
	return false
}

// sql is what follows FROM.
func (f *Filter) sql() (string, []any) {
	query, args := f.where()
	query += " ORDER BY id"
	if f.Newest {
		query += " DESC"
	}
	if f.Limit > 0 {
		query += " LIMIT ?"
		args = append(args, f.Limit)
	}
	return query, args
}
