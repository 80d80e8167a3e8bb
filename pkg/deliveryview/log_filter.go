package deliveryview

import (
	"context"
	"fmt"
	"iter"
	"time"

	"github.com/julianctl/julianctl/pkg/cli"
	"github.com/julianctl/julianctl/pkg/journal"
	"github.com/julianctl/julianctl/pkg/payload"
	"github.com/spf13/pflag"
)

// LogFilter chooses deliveries of the log. Its flags are the same wherever that
// is done, and add up.
type LogFilter struct{ given []givenTerm }

// givenTerm is a flag and its value.
type givenTerm struct {
	flag  string
	term  *FilterTerm // nil: the value is a whole filter
	value string
}

// Declare declares the flags.
func (f *LogFilter) Declare(flags *pflag.FlagSet) {
	for i := range FilterTerms {
		t := &FilterTerms[i]
		flag := flags.VarPF(&termFlag{f, t.Name, t}, t.Name, "", t.Doc)
		if t.Bare {
			flag.NoOptDefVal = "true"
		}
	}
	flags.Var(&termFlag{f, "filter", nil}, "filter", "only what meets this: "+FilterDoc)
}

// termFlag is a flag that adds to a filter.
type termFlag struct {
	f    *LogFilter
	name string
	term *FilterTerm
}

func (t *termFlag) String() string { return "" }

func (t *termFlag) Type() string {
	if t.term != nil && t.term.Bare {
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

// Read turns words into values.
func (f *LogFilter) Read(now time.Time) (c Chosen, err error) {
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

// Deliveries are those of the log that c chooses, with bodies.
func (c Chosen) Deliveries(ctx context.Context, a *cli.App, l *journal.Log) iter.Seq2[*journal.Entry, error] {
	return func(yield func(*journal.Entry, error) bool) {
		f := c.Filter
		if c.payload.Any() {
			f.Limit = 0 // of those that meet the condition
		}
		n, looked := 0, false
		for e, err := range l.Deliveries(ctx, f) {
			if err != nil {
				yield(nil, cli.LogError(l.Path(), err))
				return
			}
			if c.payload.Any() {
				p, err := payloadOf(e)
				if err != nil {
					continue
				}
				looked = true
				for _, d := range c.Doubts {
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
			TellDoubts(a, c.Doubts, "none of the payloads looked at has ", "")
		}
	}
}

// Resolve returns c as what the log alone can answer: conditions of the payload
// become the numbers of those that meet them.
func (c Chosen) Resolve(ctx context.Context, a *cli.App, l *journal.Log) (f journal.Filter, err error) {
	f = c.Filter
	if c.payload.Any() {
		f.IDs, err = c.ids(ctx, a, l)
	}
	return f, err
}

// ids are the numbers of those that c chooses, oldest first.
func (c Chosen) ids(ctx context.Context, a *cli.App, l *journal.Log) ([]journal.IDs, error) {
	spans := []journal.IDs{}
	for e, err := range c.Entries(ctx, a, l) {
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

// LoggedDocuments are the payloads of the log that --from-log chooses, oldest
// first: those that were taken in, inflated, each called after its number in
// the log. Done closes the log.
func LoggedDocuments(ctx context.Context, a *cli.App, words []string) (docs iter.Seq2[payload.Document, error], done func(), err error) {
	c, err := readFilters("from-log", words, a.Now())
	if err != nil {
		return nil, nil, err
	}
	c.Accepted = true
	l, err := a.OpenLog(ctx)
	if err != nil {
		return nil, nil, err
	}
	return func(yield func(payload.Document, error) bool) {
		i := 0
		for e, err := range c.Deliveries(ctx, a, l) {
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
