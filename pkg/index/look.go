package index

import (
	"context"
	"database/sql"
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/julianctl/julianctl/pkg/copies"

	"github.com/julianctl/julianctl/pkg/record"
)

// Position is where a log stands: what has changed since is told by comparing.
type Position struct {
	First, Last int64 // ids of deliveries; 0 where there are none
	Writes      int64 // grows with each transaction of deliveries or outcomes
}

// Position asks little of the log, so that it may be asked often.
func (x *Index) Position(ctx context.Context) (p Position, err error) {
	err = x.ask(ctx, func(db *sql.DB) error {
		return db.QueryRowContext(ctx, "SELECT coalesce((SELECT min(id) FROM deliveries), 0), last, seq FROM state").Scan(&p.First, &p.Last, &p.Writes)
	})
	now := x.folder.Turn()
	p.Last, p.Writes = max(p.Last, now.Last), max(p.Writes, now.Seq)
	return p, err
}

// Calls calls add with where the copies of calls stand since a time: with those of each
// delivery, the last of a call last.
func (x *Index) Calls(ctx context.Context, since time.Time, add func(call string, p copies.Place)) error {
	return x.ask(ctx, func(db *sql.DB) error {
		// All from the first that is within the time: where the clock was set
		// back, later ones may seem to be before it.
		var call sql.RawBytes
		var p copies.Place
		return eachRow(ctx, db, func() { add(string(call), p) }, []any{&p.ID, &call, &p.Copies, &p.First, &p.Last},
			"SELECT id, call_id, copy, first, received FROM deliveries WHERE copy > 0 AND id >= (SELECT min(id) FROM deliveries WHERE received >= ?) ORDER BY id", since.UnixNano())
	})
}

// IDs returns the ids of the deliveries that f chooses, in its order: all that a
// list needs to know of what is not looked at.
func (x *Index) IDs(ctx context.Context, f Filter) (ids []int64, err error) {
	query, args := f.idSQL()
	err = x.askFor(ctx, f, func(db *sql.DB) error {
		var text string // one long text takes a tenth of the time of as many rows
		err := db.QueryRowContext(ctx, "SELECT coalesce(group_concat(id), '') FROM ("+query+")", args...).Scan(&text)
		if err == nil {
			ids, err = numbersIn(text)
		}
		return err
	})
	return ids, err
}

// numbersIn are those of group_concat; nil when there are none.
func numbersIn(text string) (all []int64, err error) {
	if text == "" {
		return nil, nil
	}
	all = make([]int64, 0, strings.Count(text, ",")+1)
	for word := range strings.SplitSeq(text, ",") {
		n, err := strconv.ParseInt(word, 10, 64)
		if err != nil {
			return nil, err
		}
		all = append(all, n)
	}
	return all, nil
}

// idSQL asks the search index alone where nothing but words matters.
func (f *Filter) idSQL() (query string, args []any) {
	words := record.QueryOf(f.Text)
	only := Filter{Text: f.Text, After: f.After, Before: f.Before, Newest: f.Newest, Limit: f.Limit}
	where, _ := f.where()
	if onlyWhere, _ := only.where(); words == "" || where != onlyWhere {
		query, args = f.sql()
		return "SELECT id FROM deliveries" + query, args
	}
	before := f.Before
	if before == 0 {
		before = math.MaxInt64
	}
	query, args = "SELECT rowid AS id FROM words WHERE words MATCH ? AND rowid > ? AND rowid < ? ORDER BY rowid", []any{words, f.After, before}
	if f.Newest {
		query += " DESC"
	}
	if f.Limit > 0 {
		query += " LIMIT " + strconv.Itoa(f.Limit)
	}
	return query, args
}

// Some returns the entries with these ids, as [Index.Entries] does, in the order
// of ids; those that are not in the log are left out. There are at most a few
// hundred.
func (x *Index) Some(ctx context.Context, ids []int64) ([]*record.Entry, error) {
	f := Filter{IDs: []IDs{}}
	for _, id := range ids {
		f.IDs = append(f.IDs, IDs{id, id})
	}
	var found []*record.Entry
	err := x.ask(ctx, func(db *sql.DB) error {
		found = nil
		rows, err := selectRows(ctx, db, f, false)
		for _, r := range rows {
			found = append(found, &r.Entry)
		}
		return err
	})
	slices.SortFunc(found, func(a, b *record.Entry) int { return slices.Index(ids, a.ID) - slices.Index(ids, b.ID) })
	return found, err
}

// Span is what came in one span of the time.
type Span struct {
	From       time.Time
	First      int64 // neither failed nor copies
	Duplicates int64 // copies that did not fail
	Failed     int64
	Took       Percentiles // zero where nothing was answered
}

// Timeline is how deliveries came over the time.
type Timeline struct {
	Step        time.Duration // from one span to the next
	Spans       []Span        // without gaps
	Took        Percentiles   // of all
	ResultTypes []Count       // the most frequent first
}

// steps are the widths of spans that people count in.
var steps = []time.Duration{
	time.Second, 5 * time.Second, 15 * time.Second, time.Minute, 5 * time.Minute, 15 * time.Minute,
	time.Hour, 3 * time.Hour, 12 * time.Hour, 24 * time.Hour, 7 * 24 * time.Hour, 28 * 24 * time.Hour,
}

// octave is how many classes of times there are from one to twice it, so that
// percentiles err by 2 % at most.
const octave = 16

// Timeline sums up what f chooses in at most so many spans, at least two. Limit
// and Newest do not matter.
func (x *Index) Timeline(ctx context.Context, f Filter, most int) (t Timeline, err error) {
	err = x.askAtOnce(ctx, f, func(q statsQuery) error {
		t = Timeline{}
		where, args := q.and("")
		var first, last *int64
		if err := q.tx.QueryRowContext(ctx, "SELECT min(received), max(received) FROM deliveries"+where, args...).Scan(&first, &last); err != nil || first == nil {
			return err
		}
		t.Step = steps[len(steps)-1]
		for _, step := range steps {
			if *last/int64(step)-*first/int64(step) < int64(most) {
				t.Step = step
				break
			}
		}
		from := *first / int64(t.Step) * int64(t.Step)
		n := min((*last-from)/int64(t.Step)+1, 100_000) // a clock may have been anywhere
		t.Spans = make([]Span, n)
		for i := range t.Spans {
			t.Spans[i].From = time.Unix(0, from+int64(i)*int64(t.Step))
		}
		if err := q.spans(&t, from); err != nil {
			return err
		}
		return q.counts(&t.ResultTypes, "CASE WHEN refusal <> '' THEN '' ELSE result_type END")
	})
	return t, err
}

// spans fills in the spans from a time on.
func (q statsQuery) spans(t *Timeline, from int64) error {
	// One number for span, kind and class: that takes a third of the time of
	// grouping by three.
	const kinds, most = 3, 64 * octave
	where, args := q.and("")
	query := fmt.Sprintf(`SELECT (min((received - ?) / ?, ?) * %d
		+ CASE WHEN status NOT BETWEEN 200 AND 299 THEN 2 ELSE copy > 1 END) * %d
		+ coalesce(CAST(log2(max(took, 1)) * %d AS INTEGER) + 1, 0) AS class, count(*), coalesce(max(took), 0)
		FROM deliveries%s GROUP BY class`, kinds, most, octave, where)
	all := classes{}
	each := make([]classes, len(t.Spans))
	var key, n, longest int64
	err := eachRow(q.ctx, q.tx, func() {
		span, kind, class := key/most/kinds, key/most%kinds, key%most
		s := &t.Spans[span]
		*[]*int64{&s.First, &s.Duplicates, &s.Failed}[kind] += n
		if class > 0 {
			each[span].add(class-1, n, longest)
			all.add(class-1, n, longest)
		}
	}, []any{&key, &n, &longest}, query, append([]any{from, int64(t.Step), len(t.Spans) - 1}, args...)...)
	for i := range each {
		t.Spans[i].Took = each[i].percentiles()
	}
	t.Took = all.percentiles()
	return err
}

// classes counts times by their logarithms.
type classes struct {
	n       map[int64]int64
	longest int64
}

func (c *classes) add(class, n, longest int64) {
	if c.n == nil {
		c.n = map[int64]int64{}
	}
	c.n[class] += n
	c.longest = max(c.longest, longest)
}

func (c *classes) percentiles() (p Percentiles) {
	var total, sum int64
	order := make([]int64, 0, len(c.n))
	for class, n := range c.n {
		order = append(order, class)
		total += n
	}
	slices.Sort(order)
	for _, class := range order {
		middle := time.Duration(min(math.Exp2((float64(class)+0.5)/octave), float64(c.longest)))
		before := sum
		sum += c.n[class]
		for _, of := range []struct {
			share float64
			into  *time.Duration
		}{{0.5, &p.P50}, {0.95, &p.P95}, {0.99, &p.P99}} {
			// The smallest that so many of all do not exceed.
			if rank := int64(math.Ceil(of.share * float64(total))); rank > before && rank <= sum {
				*of.into = middle
			}
		}
	}
	p.Max = time.Duration(c.longest)
	return p
}
