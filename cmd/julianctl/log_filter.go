package main

import (
	"context"
	"fmt"
	"iter"
	"time"

	"github.com/julianctl/julianctl/pkg/journal"
	"github.com/julianctl/julianctl/pkg/payload"
	"github.com/spf13/pflag"
)

// logFilter chooses deliveries of the log. Its flags are the same wherever that
// is done, and add up.
type logFilter struct{ given []givenTerm }

// givenTerm is a flag and its value.
type givenTerm struct {
	flag  string
	term  *filterTerm // nil: the value is a whole filter
	value string
}

func (f *logFilter) declare(flags *pflag.FlagSet) {
	for i := range filterTerms {
		t := &filterTerms[i]
		flag := flags.VarPF(&termFlag{f, t.name, t}, t.name, "", t.doc)
		if t.bare {
			flag.NoOptDefVal = "true"
		}
	}
	flags.Var(&termFlag{f, "filter", nil}, "filter", "only what meets this: "+filterDoc)
}

// termFlag is a flag that adds to a filter.
type termFlag struct {
	f    *logFilter
	name string
	term *filterTerm
}

func (t *termFlag) String() string { return "" }

func (t *termFlag) Type() string {
	if t.term != nil && t.term.bare {
		return "bool"
	}
	return "string"
}

func (t *termFlag) Set(value string) error {
	if t.Type() == "bool" {
		switch value {
		case "false":
			return nil
		case "true":
		default:
			return fmt.Errorf("want true or false")
		}
	}
	t.f.given = append(t.f.given, givenTerm{t.name, t.term, value})
	return nil
}

// read turns words into values.
func (f *logFilter) read(now time.Time) (c chosen, err error) {
	for _, g := range f.given {
		switch {
		case g.term == nil:
			err = c.filterExpr(g.flag, g.value, now)
		case g.value != "":
			err = withFault(g.term.set(&c, g.value, now), func(err error) error { return fmt.Errorf("--%s %q: %w", g.flag, g.value, err) })
		}
		if err != nil {
			return c, err
		}
	}
	return c, c.check()
}

// deliveries are those of the log that c chooses, with bodies.
func (c chosen) deliveries(ctx context.Context, a *app, l *journal.Log) iter.Seq2[*journal.Entry, error] {
	return func(yield func(*journal.Entry, error) bool) {
		f := c.Filter
		if c.payload.Any() {
			f.Limit = 0 // of those that meet the condition
		}
		n, looked := 0, false
		for e, err := range l.Deliveries(ctx, f) {
			if err != nil {
				yield(nil, logFault(l.Path(), err))
				return
			}
			if c.payload.Any() {
				p, err := payloadOf(e)
				if err != nil {
					continue
				}
				looked = true
				for _, d := range c.doubts {
					d.look(p)
				}
				if !c.payload.Match(p) {
					continue
				}
			}
			if n++; !yield(e, nil) {
				return
			}
			if n == c.Limit {
				break
			}
		}
		if looked {
			a.tellDoubts(c.doubts, "none of the payloads looked at has ", "")
		}
	}
}

// resolve returns c as what the log alone can answer: conditions of the payload
// become the numbers of those that meet them.
func (c chosen) resolve(ctx context.Context, a *app, l *journal.Log) (f journal.Filter, err error) {
	f = c.Filter
	if c.payload.Any() {
		f.IDs, err = c.ids(ctx, a, l)
	}
	return f, err
}

// ids are the numbers of those that c chooses, oldest first.
func (c chosen) ids(ctx context.Context, a *app, l *journal.Log) ([]journal.IDs, error) {
	spans := []journal.IDs{}
	for e, err := range c.entries(ctx, a, l) {
		if err != nil {
			return nil, err
		}
		if n := len(spans); n > 0 && spans[n-1].To == e.ID-1 {
			spans[n-1].To = e.ID
			continue
		}
		spans = append(spans, journal.IDs{From: e.ID, To: e.ID})
	}
	return spans, nil
}

// loggedDocuments are the payloads of the log that --from-log chooses, oldest
// first: those that were taken in, inflated, each called after its number in
// the log. Done closes the log.
func (a *app) loggedDocuments(ctx context.Context, words []string) (docs iter.Seq2[payload.Document, error], done func(), err error) {
	c, err := readFilters("from-log", words, a.now())
	if err != nil {
		return nil, nil, err
	}
	c.Accepted = true
	l, err := a.openLog(ctx)
	if err != nil {
		return nil, nil, err
	}
	return func(yield func(payload.Document, error) bool) {
		i := 0
		for e, err := range c.deliveries(ctx, a, l) {
			doc := payload.Document{Line: 1, Column: 1, Index: i}
			if err == nil {
				doc.Source = fmt.Sprintf("log %d", e.ID)
				if doc.Body, err = payloadOf(e); err != nil {
					err = &payload.Error{Source: doc.Source, Line: 1, Column: 1, Err: err}
				}
			}
			if !yield(doc, err) {
				return
			}
			i++
		}
	}, func() { _ = l.Close() }, nil // it was read only
}
