package deliveryview

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/julianctl/julianctl/pkg/cli"
	"github.com/julianctl/julianctl/pkg/journal"
	"github.com/julianctl/julianctl/pkg/julian"
	"github.com/julianctl/julianctl/pkg/payload"
	"github.com/julianctl/julianctl/pkg/terminal"
)

// FilterTerm is a word of the filter language. Those of the log are flags of
// "julianctl log", too.
type FilterTerm struct {
	Name string
	Doc  string
	Bare bool // takes no value
	set  func(c *Chosen, value string, now time.Time) error
}

// FilterTerms are the words, in the order of the help page. What else there is
// are numbers and conditions of the payload.
var FilterTerms = []FilterTerm{
	{"since", "only deliveries since then: 90m, 24h, 7d, 2026-01-31 or 2026-01-31T15:04", false, (*Chosen).setSince},
	{"until", "only deliveries before then", false, (*Chosen).setUntil},
	{"result-type", "only this result type (repeatable: any of them)", false, (*Chosen).setResultType},
	{"call", "only deliveries of this call id (repeatable: any of them)", false, func(c *Chosen, value string, _ time.Time) error {
		c.CallIDs = append(c.CallIDs, value)
		return nil
	}},
	{"dups", "only duplicates", true, func(c *Chosen, _ string, _ time.Time) error { c.Dups = true; return nil }},
	{"acknowledged", "only deliveries answered with 2xx, at once or when sent again", true, func(c *Chosen, _ string, _ time.Time) error { c.Acknowledged = true; return nil }},
	{"failed", "only deliveries that failed and were not acknowledged later", true, func(c *Chosen, _ string, _ time.Time) error { c.Failed = true; return nil }},
	{"invalid", "only payloads with an error or a warning", true, func(c *Chosen, _ string, _ time.Time) error { c.Findings = true; return nil }},
	{"text", "only deliveries with these words in call id, names, summary or transcript", false, func(c *Chosen, value string, _ time.Time) error {
		c.Text = terminal.Join(" ", c.Text, value)
		return nil
	}},
	{"ids", "only these numbers in the log: 12, 12..20 or 4,5,7..9 (repeatable: any of them)", false, (*Chosen).setIDs},
}

// allTerm is the filter that leaves nothing out.
const allTerm = "all"

// filterHint says what a filter is made of.
const filterHint = `such as 4,5,7..9 or failed,since=2h or duration>60; see "julianctl help filters"`

// FilterDoc is the doc of a flag that takes a filter.
const FilterDoc = `such as callResult.resultType=Busy, duration>60 or failed,dups; see "julianctl help filters" (repeatable: all must match)`

// Chosen is a filter that was read.
type Chosen struct {
	journal.Filter
	payload payload.Filter
	// PossibleTypos are conditions that may be mistyped.
	PossibleTypos []*PossibleTypo

	since, until string // as typed
}

// filterExpr reads a filter from the value of a flag: terms with commas between
// them. All must be met; of numbers, calls and result types any one.
func (c *Chosen) filterExpr(flag, value string, now time.Time) error {
	terms := splitTerms(value)
	for _, term := range terms {
		term = strings.TrimSpace(term)
		err := c.term(term, now)
		if err == nil {
			continue
		}
		return withText(err, func(err error) error {
			if len(terms) > 1 && term != "" {
				return fmt.Errorf("--%s %q: %q %w", flag, value, term, err)
			}
			return fmt.Errorf("--%s %q %w", flag, value, err)
		})
	}
	return nil
}

// withText replaces the text of an error and keeps its exit code and hint.
func withText(err error, change func(error) error) error {
	if err == nil {
		return nil
	}
	if f, ok := errors.AsType[*cli.ExitError](err); ok {
		return &cli.ExitError{Code: f.Code, Err: change(f.Err), Hint: f.Hint}
	}
	return change(err)
}

// splitTerms cuts at commas that stand neither in quotes nor in brackets.
func splitTerms(s string) []string {
	for _, brackets := range []bool{true, false} { // one that is not closed is a character like others
		var terms []string
		start, depth := 0, 0
		for i := 0; i < len(s); i++ {
			switch c := s[i]; {
			case c == '\\':
				i++
			case c == '"':
				i += quotedText(s[i:])
			case brackets && strings.IndexByte("([{", c) >= 0:
				depth++
			case brackets && strings.IndexByte(")]}", c) >= 0:
				depth = max(0, depth-1)
			case c == ',' && depth == 0:
				terms = append(terms, s[start:i])
				start = i + 1
			}
		}
		if depth == 0 {
			return append(terms, s[start:])
		}
	}
	return nil // the second time there is no depth
}

// quotedText is the place of the quote that ends the text s begins with; 0 when
// none does.
func quotedText(s string) int {
	for i := 1; i < len(s); i++ {
		switch s[i] {
		case '\\':
			i++
		case '"':
			return i
		}
	}
	return 0
}

// term reads one term. Its error reads on from the term.
func (c *Chosen) term(word string, now time.Time) error {
	switch {
	case word == "":
		return cli.UsageError(errors.New("has an empty term"), filterHint)
	case word == allTerm:
		return nil
	case word[0] >= '0' && word[0] <= '9' && !strings.ContainsAny(word, "=!~<>"):
		return c.setIDs(word, now)
	}
	name := word[:len(word)-len(strings.TrimLeft(word, "abcdefghijklmnopqrstuvwxyz-"))]
	rest := strings.TrimSpace(word[len(name):])
	at := slices.IndexFunc(FilterTerms, func(t FilterTerm) bool { return t.Name == name })
	if at < 0 || rest != "" && strings.IndexByte("=!~<>", rest[0]) < 0 {
		return c.condition(word)
	}
	t := FilterTerms[at]
	value, equal := strings.CutPrefix(rest, "=")
	value = strings.TrimSpace(value)
	switch {
	case t.Bare && rest == "":
		return t.set(c, "", now)
	case t.Bare:
		return cli.UsageError(fmt.Errorf("has a value, and %s takes none", name), fmt.Sprintf("write %s alone", name))
	case rest == "", equal && value == "":
		return cli.UsageError(fmt.Errorf("has no value for %s", name), fmt.Sprintf("write %s=…: %s", name, t.Doc))
	case !equal || strings.IndexByte("=!~<>", value[0]) >= 0:
		return cli.UsageError(fmt.Errorf("has an operator that %s does not take", name), fmt.Sprintf("write %s=…: %s", name, t.Doc))
	}
	if value[0] == '"' {
		if err := json.Unmarshal([]byte(value), &value); err != nil {
			return cli.UsageError(errors.New("has a value in quotes that is not a JSON string"), "")
		}
	}
	return withText(t.set(c, value, now), func(err error) error { return fmt.Errorf("has a value that cannot be used: %w", err) })
}

// condition reads a condition of the payload.
func (c *Chosen) condition(expr string) error {
	f, err := payload.ParseFilter(expr)
	if bad, ok := errors.AsType[*payload.FilterError](err); ok {
		names := []string{allTerm, "exists"}
		for _, t := range FilterTerms {
			names = append(names, t.Name)
		}
		return cli.UsageError(bad.Err, cli.DidYouMean(expr, names, filterHint))
	}
	if err != nil {
		return cli.UsageError(err, filterHint)
	}
	for _, one := range f.Conditions() {
		typo, err := examineCondition(one)
		if err != nil {
			return err
		}
		if typo != nil {
			c.PossibleTypos = append(c.PossibleTypos, typo)
		}
	}
	c.payload = c.payload.And(f)
	return nil
}

func (c *Chosen) setSince(value string, now time.Time) error {
	t, err := moment(value, now)
	if err == nil && (c.Since.IsZero() || t.After(c.Since)) {
		c.Since, c.since = t, value
	}
	return err
}

func (c *Chosen) setUntil(value string, now time.Time) error {
	t, err := moment(value, now)
	if err == nil && (c.Until.IsZero() || t.Before(c.Until)) {
		c.Until, c.until = t, value
	}
	return err
}

func (c *Chosen) setResultType(value string, _ time.Time) error {
	if !julian.ResultType(value).Known() {
		var known []string
		for _, v := range julian.ResultTypes() {
			known = append(known, string(v.Name))
		}
		return cli.UsageError(errors.New("no result type that is documented"), cli.DidYouMean(value, known, "another one can be asked for with --filter callResult.resultType=…"))
	}
	c.ResultTypes = append(c.ResultTypes, value)
	return nil
}

// setIDs reads numbers and ranges with commas between them.
func (c *Chosen) setIDs(value string, _ time.Time) error {
	for word := range strings.SplitSeq(value, ",") {
		from, to, ok := parseRange(strings.TrimSpace(word))
		if !ok {
			return cli.UsageError(fmt.Errorf("no number of a delivery, and no range: %q", word), "write it like 12, 12..20 or 4,5,7..9")
		}
		c.IDs = append(c.IDs, journal.IDs{From: from, To: to})
	}
	// Neighbours become one span.
	slices.SortFunc(c.IDs, func(a, b journal.IDs) int { return cmp.Compare(a.From, b.From) })
	merged := c.IDs[:1]
	for _, next := range c.IDs[1:] {
		if last := &merged[len(merged)-1]; next.From-1 <= last.To {
			last.To = max(last.To, next.To)
			continue
		}
		merged = append(merged, next)
	}
	c.IDs = merged
	return nil
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

// moment is a time that a term gives.
func moment(value string, now time.Time) (time.Time, error) {
	t, err := parseMoment(value, now)
	if err != nil {
		return t, cli.UsageError(err, "such as 24h, 90m, 7d, 2026-01-31 or 2026-01-31T15:04")
	}
	return t, nil
}

// parseMoment reads a time: so long ago, or a date with or without a time of
// the day, in the zone of now.
func parseMoment(s string, now time.Time) (time.Time, error) {
	var ago cli.TimeSpan
	if ago.Set(s) == nil {
		return now.Add(-ago.Duration()), nil
	}
	for _, layout := range []string{time.RFC3339, time.DateOnly, "2006-01-02T15:04", "2006-01-02 15:04", "2006-01-02T15:04:05", time.DateTime} {
		if t, err := time.ParseInLocation(layout, s, now.Location()); err == nil {
			return t, nil
		}
	}
	return time.Time{}, errors.New("that is not a time")
}

// check finds what no single term shows.
func (c *Chosen) check() error {
	if !c.Since.IsZero() && !c.Until.IsZero() && !c.Since.Before(c.Until) {
		return cli.UsageError(fmt.Errorf("--since %q is not before --until %q", c.since, c.until), "")
	}
	return nil
}

// readFilters reads the words of a flag, each a filter. All must be met.
func readFilters(name string, words []string, now time.Time) (c Chosen, err error) {
	for _, word := range words {
		if err := c.filterExpr(name, word, now); err != nil {
			return c, err
		}
	}
	return c, c.check()
}

// ReadLiveFilters is readFilters for deliveries that have just come: terms that
// are about a log are refused.
func ReadLiveFilters(name string, words []string) (Chosen, error) {
	c, err := readFilters(name, words, time.Time{})
	if err != nil {
		return c, err
	}
	for _, t := range []struct {
		name  string
		given bool
	}{{"since", !c.Since.IsZero()}, {"until", !c.Until.IsZero()}, {"text", c.Text != ""}, {"a number", c.IDs != nil}} {
		if t.given {
			return c, cli.UsageError(fmt.Errorf("--%s %q: %s is about deliveries that are in the log", name, strings.Join(words, ","), t.name),
				`"julianctl log" lists those; here are dups, failed, invalid, call=…, result-type=… and conditions such as duration>60`)
		}
	}
	return c, nil
}

// Any reports whether c leaves anything out.
func (c *Chosen) Any() bool {
	return c.payload.Any() || c.Dups || c.Failed || c.Findings || len(c.CallIDs) > 0 || len(c.ResultTypes) > 0
}

// Matches reports whether a delivery that has just come is meant.
func (c *Chosen) Matches(s *Shown) bool {
	if !c.Any() {
		return true
	}
	return c.Match(&s.Entry) && c.payload.Match(s.Inflated)
}

// Entries are the deliveries that c chooses, without bodies where it does not
// need them.
func (c Chosen) Entries(ctx context.Context, a *cli.App, l *journal.Log) func(yield func(*journal.Entry, error) bool) {
	if c.payload.Any() {
		return c.Deliveries(ctx, a, l)
	}
	return func(yield func(*journal.Entry, error) bool) {
		for e, err := range l.Entries(ctx, c.Filter) {
			if err != nil {
				err = cli.LogError(l.Path(), err)
			}
			if !yield(e, err) {
				return
			}
		}
	}
}
