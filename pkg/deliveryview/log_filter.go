package deliveryview

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"strconv"
	"time"

	"github.com/julianctl/julianctl/pkg/cli"
	"github.com/julianctl/julianctl/pkg/deliver"
	"github.com/julianctl/julianctl/pkg/journal"
	"github.com/julianctl/julianctl/pkg/payload"
	"github.com/julianctl/julianctl/pkg/safetext"
	"github.com/spf13/pflag"
)

// LogFilter selects deliveries of the log. All commands have the same flags for it, which
// can be combined.
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
	flags.Var(&termFlag{f, "filter", nil}, "filter", "only matching deliveries: "+FilterDoc)
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

// Given reports whether there is any.
func (f *LogFilter) Given() bool { return len(f.given) > 0 }

// AddIDs adds numbers of deliveries, such as 12, 12..20 or 4,5,7..9.
func (c *Chosen) AddIDs(word string) error {
	return c.setIDs(word, time.Time{})
}

// Read turns words into values.
func (f *LogFilter) Read(now time.Time) (c Chosen, err error) {
	for _, g := range f.given {
		switch {
		case g.term == nil:
			err = c.filterExpr(g.flag, g.value, now)
		case g.value != "":
			err = withText(g.term.set(&c, g.value, now), func(err error) error { return fmt.Errorf("--%s %q: %w", g.flag, g.value, err) })
		}
		if err != nil {
			return c, err
		}
	}
	return c, c.check()
}

// Open reads the words and opens the log. The caller closes it.
func (f *LogFilter) Open(ctx context.Context, a *cli.App) (Chosen, *journal.Log, error) {
	c, err := f.Read(a.Now())
	if err != nil {
		return c, nil, err
	}
	l, err := a.OpenLog(ctx)
	return c, l, err
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
				p, err := e.Payload()
				if err != nil {
					continue
				}
				looked = true
				for _, d := range c.PossibleTypos {
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
			NotePossibleTypos(a, c.PossibleTypos, "none of the payloads looked at has ", "")
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

// LoggedDocuments are payloads of the log, and what came of delivering them is
// added to it.
type LoggedDocuments struct {
	a   *cli.App
	log *journal.Log
	c   Chosen
	err error // the first of Add
}

// NewLoggedDocuments opens the log for what --from-log chooses. Add says that
// attempts will be added. The caller closes it.
func NewLoggedDocuments(ctx context.Context, a *cli.App, words []string, add bool) (*LoggedDocuments, error) {
	c, err := readFilters("from-log", words, a.Now())
	if err != nil {
		return nil, err
	}
	c.Accepted = true
	l := &LoggedDocuments{a: a, c: c}
	if add {
		l.log, err = a.OpenLogWith(ctx, journal.Options{Existing: true, MaxDeliveries: -1, MaxBytes: -1})
		if err == nil || !readOnly(err) {
			return l, err
		}
		a.Note("%s what comes of it is not added to the log: %s", a.ErrStyle.Warn("warning:"), safetext.Line(err.Error()))
	}
	l.log, err = a.OpenLog(ctx)
	return l, err
}

// Close returns the first error that kept an attempt from being added.
func (l *LoggedDocuments) Close() error {
	err := errors.Join(l.err, l.log.Close())
	if err != nil {
		err = cli.LogError(l.log.Path(), fmt.Errorf("not every attempt is added: %w", err))
	}
	return err
}

// Add adds what came of delivering a document that All gave. It is used by one
// goroutine at a time.
func (l *LoggedDocuments) Add(to, source string, answer deliver.Answer) {
	id, ok := loggedID(source)
	if !ok {
		return
	}
	// What was delivered is recorded also where the run is interrupted.
	ctx := context.Background() //nolint:forbidigo // for that reason
	err := l.log.Attempt(ctx, id, AttemptFrom(l.a, "replay", to, answer))
	if l.err == nil && !errors.Is(err, journal.ErrReadOnly) {
		l.err = err
	}
}

// All are the payloads, oldest first: those that were taken in, inflated, each
// called after its number in the log.
func (l *LoggedDocuments) All(ctx context.Context) iter.Seq2[payload.Document, error] {
	return func(yield func(payload.Document, error) bool) {
		for e, err := range l.c.Deliveries(ctx, l.a, l.log) {
			doc := payload.Document{Line: 1, Column: 1}
			if err == nil {
				doc.Source = loggedSource + strconv.FormatInt(e.ID, 10)
				if doc.Body, err = e.Payload(); err != nil {
					err = &payload.Error{Source: doc.Source, Line: 1, Column: 1, Err: err}
				}
			}
			if !yield(doc, err) {
				return
			}
		}
	}
}
