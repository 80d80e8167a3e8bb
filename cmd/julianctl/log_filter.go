package main

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"strconv"
	"strings"
	"time"

	"github.com/julianctl/julianctl/pkg/journal"
	"github.com/julianctl/julianctl/pkg/julian"
	"github.com/julianctl/julianctl/pkg/payload"
	"github.com/spf13/pflag"
)

// logFilter chooses deliveries of the log. Its flags are the same wherever that
// is done.
type logFilter struct {
	since, until string
	call, text   string
	types        []string
	dups         bool
	failed       bool
	invalid      bool
	conditions   []string // of the payload
	ids          string   // 12 or 12..20
}

func (f *logFilter) declare(flags *pflag.FlagSet) {
	flags.StringVar(&f.since, "since", "", "only what came since then: 90m, 24h, 7d, 2026-01-31 or 2026-01-31T15:04")
	flags.StringVar(&f.until, "until", "", "only what came before then")
	flags.StringArrayVar(&f.types, "result-type", nil, "only this result type (repeatable)")
	flags.StringVar(&f.call, "call", "", "only deliveries of this call id")
	flags.BoolVar(&f.dups, "dups", false, "only duplicates")
	flags.BoolVar(&f.failed, "failed", false, "only what was not answered with 2xx")
	flags.BoolVar(&f.invalid, "invalid", false, "only payloads with an error or a warning")
	flags.StringVar(&f.text, "text", "", "only what has these words in call id, names, summary or transcript")
	flags.StringArrayVar(&f.conditions, "filter", nil, "only payloads that meet this condition: "+payload.FilterSyntax+" (repeatable: all must be met)")
	flags.StringVar(&f.ids, "ids", "", "only these numbers in the log: 12 or 12..20")
}

// chosen is a filter that was read.
type chosen struct {
	journal.Filter
	payload payload.Filter
}

// read turns words into values.
func (f *logFilter) read(now time.Time) (c chosen, err error) {
	c.Filter = journal.Filter{CallID: f.call, ResultTypes: f.types, Dups: f.dups, Failed: f.failed, Findings: f.invalid, Text: f.text}
	for _, t := range f.types {
		if !julian.ResultType(t).Known() {
			var known []string
			for _, v := range julian.ResultTypes() {
				known = append(known, string(v.Name))
			}
			return c, usage(fmt.Errorf("--result-type %q is none that is documented", t), didYouMean(t, known, "another one can be asked for with --filter callResult.resultType=…"))
		}
	}
	if c.payload, err = parseFilter("filter", f.conditions); err != nil {
		return c, err
	}
	for _, m := range []struct {
		name, value string
		into        *time.Time
	}{{"since", f.since, &c.Since}, {"until", f.until, &c.Until}} {
		if *m.into, err = parseMoment(m.value, now); err != nil {
			return c, usage(fmt.Errorf("--%s %q: %w", m.name, m.value, err), "write it like 90m, 24h, 7d, 2026-01-31 or 2026-01-31T15:04")
		}
	}
	if f.since != "" && f.until != "" && !c.Since.Before(c.Until) {
		return c, usage(fmt.Errorf("--since %q is not before --until %q", f.since, f.until), "")
	}
	if f.ids != "" {
		from, to, ok := parseRange(f.ids)
		if !ok {
			return c, usage(fmt.Errorf("--ids %q is no range", f.ids), "write it like 12 or 12..20")
		}
		c.After, c.Before = from-1, to+1
	}
	return c, nil
}

// parseMoment reads a time: so long ago, or a date with or without a time of
// the day, in the zone of now. Empty is no time.
func parseMoment(s string, now time.Time) (time.Time, error) {
	if s == "" {
		return time.Time{}, nil
	}
	var ago timeSpan
	if ago.Set(s) == nil {
		return now.Add(-ago.duration()), nil
	}
	for _, layout := range []string{time.RFC3339, time.DateOnly, "2006-01-02T15:04", "2006-01-02 15:04", "2006-01-02T15:04:05", time.DateTime} {
		if t, err := time.ParseInLocation(layout, s, now.Location()); err == nil {
			return t, nil
		}
	}
	return time.Time{}, errors.New("that is no time")
}

func parseRange(s string) (from, to int64, ok bool) {
	first, last, isRange := strings.Cut(s, "..")
	if !isRange {
		last = first
	}
	from, err1 := strconv.ParseInt(first, 10, 64)
	to, err2 := strconv.ParseInt(last, 10, 64)
	return from, to, err1 == nil && err2 == nil && 0 < from && from <= to
}

// parseLogFilter reads a filter from one word, for --from-log: the flags of
// "julianctl log" without their dashes, with commas between them, such as
// "failed,since=2h" or "call=call.abc123"; "all"; or numbers, "12" or "12..20".
func parseLogFilter(name, word string, now time.Time) (chosen, error) {
	var f logFilter
	flags := pflag.NewFlagSet(name, pflag.ContinueOnError)
	f.declare(flags)
	var known []string
	flags.VisitAll(func(f *pflag.Flag) { known = append(known, f.Name) })
	hint := "it is all, numbers such as 12..20, or some of " + strings.Join(known, ", ") + `, such as "failed,since=2h"`
	for part := range strings.SplitSeq(word, ",") {
		if part = strings.TrimSpace(part); part == "all" {
			continue
		}
		key, value, given := strings.Cut(part, "=")
		if _, _, ok := parseRange(part); ok {
			key, value, given = "ids", part, true
		}
		flag := flags.Lookup(key)
		if flag == nil {
			return chosen{}, usage(fmt.Errorf("--%s %q: there is no %q", name, word, key), didYouMean(key, known, hint))
		}
		if !given {
			value = flag.NoOptDefVal // true, of those that take no value
		}
		if err := flag.Value.Set(value); err != nil || value == "" {
			return chosen{}, usage(fmt.Errorf("--%s %q: %q needs a value", name, word, key), hint)
		}
	}
	return f.read(now)
}

// deliveries are those of the log that c chooses, with bodies.
func (c chosen) deliveries(ctx context.Context, l *journal.Log) iter.Seq2[*journal.Entry, error] {
	return func(yield func(*journal.Entry, error) bool) {
		f := c.Filter
		if c.payload.Any() {
			f.Limit = 0 // of those that meet the condition
		}
		n := 0
		for e, err := range l.Deliveries(ctx, f) {
			if err != nil {
				yield(nil, logFault(l.Path(), err))
				return
			}
			if c.payload.Any() {
				if p, err := payloadOf(e); err != nil || !c.payload.Match(p) {
					continue
				}
			}
			if n++; !yield(e, nil) || n == c.Limit {
				return
			}
		}
	}
}

// loggedDocuments are the payloads of the log that --from-log chooses, oldest
// first: those that were taken in, inflated, each called after its number in
// the log. Done closes the log.
func (a *app) loggedDocuments(ctx context.Context, word string) (docs iter.Seq2[payload.Document, error], done func(), err error) {
	c, err := parseLogFilter("from-log", word, a.now())
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
		for e, err := range c.deliveries(ctx, l) {
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
