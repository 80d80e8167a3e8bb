package journal

import (
	"bytes"
	"context"
	"database/sql"
	"errors"
	"fmt"
	"slices"
)

// row is an entry, and where its record is.
type row struct {
	Entry
	at     location
	answer location // of the record of the outcome; zero when it has no answer
}

// location is where a record is.
type location struct {
	segment       int64
	place, length int
}

// segment is the one that was read last: neighbours are often in the same.
type segment struct {
	id   int64
	data []byte
}

// querier is a pool of connections, or one of them.
type querier interface {
	QueryContext(ctx context.Context, query string, args ...any) (*sql.Rows, error)
	QueryRowContext(ctx context.Context, query string, args ...any) *sql.Row
}

// record reads what is not in the table. It shares the memory of s. The error
// is sql.ErrNoRows when the delivery was pruned.
func (s *segment) record(ctx context.Context, q querier, r *row) (d *Delivery, header []byte, err error) {
	found, err := s.at(ctx, q, r.at)
	if errors.Is(err, sql.ErrNoRows) {
		return nil, nil, err
	}
	if err == nil {
		d, header, err = found.delivery()
	}
	if err == nil && d.ID != r.ID {
		err = errRecord
	}
	if err != nil {
		return nil, nil, fmt.Errorf("delivery %d: %w", r.ID, err)
	}
	return d, header, nil
}

// at reads the record at a place. It shares the memory of s.
func (s *segment) at(ctx context.Context, q querier, at location) (record, error) {
	if s.id != at.segment {
		s.id, s.data = 0, nil
		if err := q.QueryRowContext(ctx, "SELECT data FROM segments WHERE id = ?", at.segment).Scan(&s.data); err != nil {
			return record{}, err
		}
		s.id = at.segment
	}
	return recordAt(s.data, at.place, at.length)
}

// story adds what came after the delivery: the endpoint's answer, and the
// attempts to deliver it again. What was pruned in the meantime is left out.
func (r *row) story(ctx context.Context, q querier) error {
	var s segment
	if r.answer != (location{}) && r.Outcome.Forward != nil {
		found, err := s.at(ctx, q, r.answer)
		if err == nil {
			var of int64
			var o *Outcome
			if of, o, err = found.outcome(); err == nil && of == r.ID && o.Forward != nil {
				r.Outcome.Forward.Answer = o.Forward.Answer.read()
			}
		}
		if err != nil && !errors.Is(err, sql.ErrNoRows) {
			return fmt.Errorf("delivery %d: what the endpoint answered: %w", r.ID, err)
		}
	}
	if r.Redeliveries == 0 {
		return nil
	}
	all, err := attemptsOf(ctx, q, r.ID)
	if err != nil {
		return err
	}
	for _, at := range all {
		found, err := s.at(ctx, q, at)
		if errors.Is(err, sql.ErrNoRows) {
			continue
		}
		if err != nil {
			return fmt.Errorf("delivery %d: an attempt: %w", r.ID, err)
		}
		of, a, err := found.attempt()
		if err == nil && of != r.ID {
			err = errRecord
		}
		if err != nil {
			return fmt.Errorf("delivery %d: an attempt: %w", r.ID, err)
		}
		a.Answer = a.Answer.read()
		r.Attempts = append(r.Attempts, *a)
	}
	slices.SortStableFunc(r.Attempts, func(a, b Attempt) int { return a.At.Compare(b.At) })
	return nil
}

// attemptsOf are where the attempts of a delivery are.
func attemptsOf(ctx context.Context, q querier, id int64) (all []location, err error) {
	rows, err := q.QueryContext(ctx, "SELECT segment, place, length FROM attempts WHERE delivery = ? ORDER BY number", id)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	for rows.Next() {
		var at location
		if err := rows.Scan(&at.segment, &at.place, &at.length); err != nil {
			return nil, err
		}
		all = append(all, at)
	}
	return all, rows.Err()
}

// fill adds what is not in the table. A body that is not what was received is
// an error: nobody is to show it, let alone send it, as if it were.
func (r *row) fill(d *Delivery, header []byte) error {
	if !bytes.Equal(hash(d.Body), d.Hash) {
		return fmt.Errorf("%w: delivery %d: the body is not what was received", ErrCorrupt, d.ID)
	}
	r.Delivery = *d
	r.Header = parseHeader(header)
	r.Body, r.Hash = bytes.Clone(d.Body), bytes.Clone(d.Hash)
	return nil
}

func recordAt(data []byte, place, length int) (record, error) {
	if place < 0 || length < 1 || place > len(data) || length > len(data)-place {
		return record{}, errRecord
	}
	r, _, err := nextRecord(data[place:place+length], place)
	return r, err
}
