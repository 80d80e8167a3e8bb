package index

import (
	"bytes"
	"context"
	"errors"
	"io/fs"
	"math"
	"strings"

	"github.com/julianctl/julianctl/pkg/record"
	"github.com/julianctl/julianctl/pkg/segment"
)

// indexed is one row of the table deliveries.
type indexed struct {
	at location
	*record.Delivery
	header []byte
	record.Contact
	outcome *located // nil: not known yet
}

// located is an outcome, and where its frame is.
type located struct {
	*record.Outcome
	at location
}

// listedSegment is a row of the table segments.
type listedSegment struct {
	id          int64
	name        string
	done        int64
	first, last int64
	changed     bool
}

func segmentsOf(ctx context.Context, q querier) (all []*listedSegment, err error) {
	var s listedSegment
	err = eachRow(ctx, q, func() { all = append(all, new(s)) }, []any{&s.id, &s.name, &s.done, &s.first, &s.last},
		"SELECT id, name, done, first, last FROM segments ORDER BY name")
	return all, err
}

const (
	// fillAtOnce is how many records get into the index in one transaction, and
	// fillBytes how many bytes of deliveries, while others may wait.
	fillAtOnce = 2048
	fillBytes  = 16 << 20
)

// merge goes through what is in the segments and not in the index yet, in the order
// in which it was written, whoever wrote it.
type merge struct {
	all   []*source
	limit int64 // batches after this one may not be whole yet
}

// source is one segment of a merge.
type source struct {
	*segment.Cursor
	listed *listedSegment
	next   segment.Frame
	ok     bool // there is a next
}

// mergeOf opens the segments that have anything new. What was listed and is not
// there any more is gone.
func mergeOf(f *segment.Folder, listed []*listedSegment) (m *merge, gone []*listedSegment, err error) {
	m = &merge{limit: f.Turn().Seq}
	there, err := f.Segments()
	if err != nil {
		return nil, nil, err
	}
	byName := map[string]*listedSegment{}
	for _, l := range listed {
		byName[l.name] = l
	}
	for _, s := range there {
		l := byName[s.Name]
		delete(byName, s.Name)
		if l == nil {
			l = &listedSegment{name: s.Name}
		}
		if s.Size <= l.done {
			continue
		}
		c, err := f.Open(s, l.done)
		if errors.Is(err, fs.ErrNotExist) {
			continue // deleted in the meantime
		}
		if err != nil {
			m.close()
			return nil, nil, segment.OSFault(err)
		}
		m.all = append(m.all, &source{Cursor: c, listed: l})
		if err := m.all[len(m.all)-1].step(); err != nil {
			m.close()
			return nil, nil, err
		}
	}
	for _, l := range listed {
		if byName[l.name] != nil {
			gone = append(gone, l)
		}
	}
	return m, gone, nil
}

func (s *source) step() (err error) {
	s.next, s.ok, err = s.Cursor.Next()
	return err
}

func (m *merge) close() {
	for _, s := range m.all {
		s.Cursor.Close()
	}
}

// first is the source of the frame that was written first; nil at the end.
func (m *merge) first() (first *source) {
	for _, s := range m.all {
		if s.ok && (first == nil || s.next.Seq < first.next.Seq) {
			first = s
		}
	}
	return first
}

// filling is what one transaction takes into the index.
type filling struct {
	*conn
	x         *Index
	rows      []*indexed
	known     map[int64]*indexed
	outcomes  []located       // of deliveries that are in the table, or are superseded
	ids       []int64         // of these deliveries
	attempts  []segment.Frame // with the segments that they are in
	in        []int64
	damage    []location
	seq, last int64
	bytes     int64
}

// some takes the next records into the index. It reports whether there may be more,
// and, when it has taken all before, the batch that may not be whole yet. When it is locked, nobody writes meanwhile.
func (x *Index) some(ctx context.Context, c *conn, most int, locked bool) (more bool, over int64, err error) {
	listed, err := segmentsOf(ctx, c)
	if err != nil {
		return false, 0, err
	}
	m, gone, err := mergeOf(x.folder, listed)
	if err != nil {
		return false, 0, err
	}
	defer m.close()
	if locked {
		m.limit = math.MaxInt64
	}
	for _, s := range gone {
		if err := forgetSegment(ctx, c, s); err != nil {
			return false, 0, err
		}
	}
	f := &filling{conn: c, x: x, known: map[int64]*indexed{}}
	if err := c.scan(ctx, "SELECT seq, last FROM state", nil, &f.seq, &f.last); err != nil {
		return false, 0, err
	}
	taken := 0
	for s := m.first(); s != nil; s = m.first() {
		if s.next.Seq > m.limit {
			over = s.next.Seq
			break
		}
		if more = taken >= most || f.bytes > fillBytes || s.next.Kind == record.DeletionKind && taken > 0; more {
			break
		}
		taken++
		if s.listed.id == 0 {
			if err := c.scan(ctx, "INSERT INTO segments (name, done, first, last) VALUES (?, 0, 0, 0) RETURNING id", []any{s.Name}, &s.listed.id); err != nil {
				return false, 0, err
			}
		}
		if s.next.Kind == record.DeletionKind {
			d, err := record.DeletionOf(s.next)
			if err == nil {
				err = x.erase(ctx, c, d)
			}
			if err != nil {
				return false, 0, err
			}
			more = true
		}
		if err := f.add(s); err != nil {
			return false, 0, err
		}
		s.listed.done, s.listed.changed = s.next.Place+s.next.Length, true
		f.seq = max(f.seq, s.next.Seq)
		if err := s.step(); err != nil {
			return false, 0, err
		}
		if more {
			break
		}
	}
	if taken == 0 {
		return false, over, nil
	}
	for _, s := range m.all {
		if s.listed.changed {
			if err := c.exec(ctx, "UPDATE segments SET done = ?, first = ?, last = ? WHERE id = ?", s.listed.done, s.listed.first, s.listed.last, s.listed.id); err != nil {
				return false, 0, err
			}
		}
	}
	return more, over, f.insert(ctx)
}

// add takes the next frame of a source.
func (f *filling) add(s *source) error {
	at := location{s.listed.id, s.next.Place, s.next.Length}
	switch {
	case s.next.Bad:
		f.damage = append(f.damage, at)
		return nil
	case s.next.Kind == 0:
		return nil
	}
	s.listed.last = max(s.listed.last, record.LastOf(s.next))
	switch s.next.Kind {
	case record.DeliveryKind:
		d, header, err := record.DeliveryOf(s.next)
		if err != nil {
			return err
		}
		d.Body, d.Hash = bytes.Clone(d.Body), nil
		f.bytes += at.length
		row := &indexed{at: at, Delivery: d, header: bytes.Clone(header)}
		f.rows, f.known[d.ID] = append(f.rows, row), row
		if s.listed.first == 0 || d.ID < s.listed.first {
			s.listed.first = d.ID
		}
	case record.OutcomeKind:
		id, o, _, err := record.OutcomeOf(s.next)
		if err != nil {
			return err
		}
		o.Findings = nil
		if o.Forward != nil {
			o.Forward.Answer = nil
		}
		if row := f.known[id]; row != nil && row.outcome == nil {
			row.outcome = &located{o, at}
		} else {
			f.outcomes, f.ids = append(f.outcomes, located{o, at}), append(f.ids, id)
		}
	case record.AttemptKind:
		fr := s.next
		fr.Fields = bytes.Clone(fr.Fields)
		f.attempts, f.in = append(f.attempts, fr), append(f.in, at.segment)
	case record.DeletionKind:
		f.last = max(f.last, record.LastOf(s.next))
	}
	return nil
}

func (f *filling) insert(ctx context.Context) error {
	readersOf(f.x.folder).share(len(f.rows), func(_ *reader, i int) {
		r := f.rows[i]
		r.Contact = record.ContactOf(record.PayloadOf(r.Delivery, r.header))
		r.Body, r.header = nil, nil
	})
	if err := f.insertRows(ctx); err != nil {
		return err
	}
	for i, o := range f.outcomes {
		// The one before it counts no more, but is still there to be deleted.
		if err := f.exec(ctx, `INSERT INTO attempts (delivery, outcome, segment, place, length)
			SELECT id, 1, outcome_segment, outcome_place, outcome_length FROM deliveries WHERE id = ? AND status IS NOT NULL`, f.ids[i]); err != nil {
			return err
		}
		args := append(outcomeColumns(nil, &o), f.ids[i])
		if err := f.exec(ctx, "UPDATE deliveries SET ("+outcomeSet+") = (?"+strings.Repeat(",?", outcomeCount-1)+") WHERE id = ?", args...); err != nil {
			return err
		}
	}
	for i, fr := range f.attempts {
		if err := f.insertAttempt(ctx, fr, f.in[i]); err != nil {
			return err
		}
	}
	for _, d := range f.damage {
		if err := f.exec(ctx, "INSERT INTO damage VALUES (?, ?, ?)", d.segment, d.place, d.length); err != nil {
			return err
		}
	}
	return f.exec(ctx, "UPDATE state SET seq = ?, last = ?", f.seq, f.last)
}

// insertAttempt lists an attempt with its delivery, unless that was deleted.
func (f *filling) insertAttempt(ctx context.Context, fr segment.Frame, segment int64) error {
	id, a, err := record.AttemptOf(fr)
	if err != nil {
		return err
	}
	if err := f.exec(ctx, "INSERT INTO attempts (delivery, outcome, segment, place, length) SELECT id, 0, ?, ?, ? FROM deliveries WHERE id = ?",
		segment, fr.Place, fr.Length, id); err != nil {
		return err
	}
	return f.exec(ctx, "UPDATE deliveries SET redeliveries = redeliveries + 1, redelivered = redelivered OR ? WHERE id = ?", a.Acknowledged(), id)
}

// insertedColumns are those that a delivery is listed with, and outcomeSet those
// of its outcome.
const (
	insertedCount   = 20 + outcomeCount
	insertedColumns = `id, segment, place, length, received, call_id, result_type, seconds, refusal, copy, first, size,
		method, uri, remote, name, phone, agent, direction, lifecycle, ` + outcomeSet
	outcomeSet = `status, took, forward_status, forward_took, forward_tries, forward_error,
		fault, errors, warnings, forward_to, outcome_segment, outcome_place, outcome_length`
	outcomeCount = 13
)

// rowsAtOnce are how many rows one statement inserts: several cost little more
// than one.
var rowsAtOnce = []int{16, 1}

func (f *filling) insertRows(ctx context.Context) error {
	var args []any
	for rows := f.rows; len(rows) > 0; {
		n := rowsAtOnce[0]
		if len(rows) < n {
			n = rowsAtOnce[1]
		}
		args = args[:0]
		for _, r := range rows[:n] {
			d := r.Delivery
			f.last = max(f.last, d.ID)
			args = append(args, d.ID, r.at.segment, r.at.place, r.at.length, d.Received.UnixNano(), d.CallID, d.ResultType,
				d.Seconds, string(d.Refusal), d.Copy, d.First, d.Size, d.Method, d.URI, d.Remote,
				r.Name, r.Phone, r.Agent, r.Direction, r.Lifecycle)
			args = outcomeColumns(args, r.outcome)
		}
		row := ",(?" + strings.Repeat(",?", insertedCount-1) + ")"
		if err := f.exec(ctx, "INSERT INTO deliveries ("+insertedColumns+") VALUES "+strings.Repeat(row, n)[1:], args...); err != nil {
			return err
		}
		rows = rows[n:]
	}
	return nil
}

func outcomeColumns(args []any, o *located) []any {
	if o == nil {
		return append(args, make([]any, outcomeCount)...)
	}
	var forward [5]any
	if f := o.Forward; f != nil {
		forward = [5]any{f.Status, int64(f.Took), f.Attempts, f.Err, f.To}
	}
	return append(args, o.Status, int64(o.Took), forward[0], forward[1], forward[2], forward[3],
		o.Fault, o.Errors, o.Warnings, forward[4], o.at.segment, o.at.place, o.at.length)
}

// pending reports whether anything is in the segments that is not in the index.
func (x *Index) pending(ctx context.Context) (is bool, err error) {
	x.mu.Lock()
	if err = x.current(ctx); err != nil {
		x.mu.Unlock()
		return false, err
	}
	db := x.read
	x.mu.Unlock()
	listed, err := segmentsOf(ctx, db)
	if err != nil {
		return false, err
	}
	m, gone, err := mergeOf(x.folder, listed)
	if err != nil {
		return false, err
	}
	defer m.close()
	return len(gone) > 0 || m.first() != nil, nil
}

// catchUp takes into the index all that is in the segments now.
func (x *Index) catchUp(ctx context.Context) error { return x.Follow(ctx, fillAtOnce, always) }

func always() bool { return true }

// Follow takes so many records into the index at a time, until it has all that are in
// the segments now, or is told not to go on.
func (x *Index) Follow(ctx context.Context, most int, goOn func() bool) error {
	is, err := x.pending(ctx)
	if err != nil || !is {
		return err
	}
	until := x.folder.Turn().Seq // who writes meanwhile must not keep this from ending
	for ctx.Err() == nil {
		more, over, seq, err := x.pass(ctx, most, false)
		if err != nil {
			return x.forPrivate(ctx, err)
		}
		if over > 0 {
			return x.followStale(ctx, most, over)
		}
		if !more || seq >= until || !goOn() {
			return nil
		}
	}
	return context.Cause(ctx)
}

// pass is some in a transaction. It also returns the last batch that is in the
// index.
func (x *Index) pass(ctx context.Context, most int, locked bool) (more bool, over, seq int64, err error) {
	err = x.transaction(ctx, func(c *conn) (err error) {
		if more, over, err = x.some(ctx, c, most, locked); err == nil {
			err = c.scan(ctx, "SELECT seq FROM state", nil, &seq)
		}
		return err
	})
	return more, over, seq, err
}

// followStale is for a batch after the turn. It was just written, or the turn is
// behind after a power cut. Then nobody writes.
func (x *Index) followStale(ctx context.Context, most int, over int64) error {
	if err := x.folder.Take(ctx, x.busy); err != nil {
		return err
	}
	defer x.folder.Release()
	if x.folder.Turn().Seq >= over {
		return nil
	}
	for more := true; more; {
		var err error
		if more, _, _, err = x.pass(ctx, most, true); err != nil {
			return err
		}
	}
	return nil
}

// forPrivate begins an index elsewhere where that of the log cannot be written to.
func (x *Index) forPrivate(ctx context.Context, err error) error {
	x.mu.Lock()
	private := x.private == nil && x.folder.Present() == nil && errors.Is(Typed(err), segment.ErrReadOnly) && !(segment.Writable(x.folder.Path) && segment.Writable(x.path))
	if private {
		err = x.beginPrivate(ctx)
	}
	x.mu.Unlock()
	if err != nil {
		return err
	}
	return x.catchUp(ctx)
}
