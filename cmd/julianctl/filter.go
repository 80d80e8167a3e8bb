package main

import (
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/julianctl/julianctl/pkg/journal"
	"github.com/julianctl/julianctl/pkg/julian"
	"github.com/julianctl/julianctl/pkg/payload"
)

// filterTerm is a word of the filter language. Those of the log are flags of
// "julianctl log", too.
type filterTerm struct {
	name string
	doc  string
	bare bool // takes no value
	set  func(c *chosen, value string, now time.Time) error
}

// filterTerms are the words, in the order of the help page. What else there is
// are numbers and conditions of the payload.
var filterTerms = []filterTerm{
	{"since", "only what came since then: 90m, 24h, 7d, 2026-01-31 or 2026-01-31T15:04", false, (*chosen).setSince},
	{"until", "only what came before then", false, (*chosen).setUntil},
	{"result-type", "only this result type (repeatable: any of them)", false, (*chosen).setResultType},
	{"call", "only deliveries of this call id (repeatable: any of them)", false, func(c *chosen, value string, _ time.Time) error {
		c.CallIDs = append(c.CallIDs, value)
		return nil
	}},
	{"dups", "only duplicates", true, func(c *chosen, _ string, _ time.Time) error { c.Dups = true; return nil }},
	{"failed", "only what was not answered with 2xx", true, func(c *chosen, _ string, _ time.Time) error { c.Failed = true; return nil }},
	{"invalid", "only payloads with an error or a warning", true, func(c *chosen, _ string, _ time.Time) error { c.Findings = true; return nil }},
	{"text", "only what has these words in call id, names, summary or transcript", false, func(c *chosen, value string, _ time.Time) error {
		c.Text = join(" ", c.Text, value)
		return nil
	}},
	{"ids", "only these numbers in the log: 12, 12..20 or 4,5,7..9 (repeatable: any of them)", false, (*chosen).setIDs},
}

// allTerm is the filter that leaves nothing out.
const allTerm = "all"

// filterHint says what a filter is made of.
const filterHint = `it is made of numbers such as 4,5,7..9, of dups, failed, since=2h and the like, and of conditions such as duration>60, with commas between them; see "julianctl help filters"`

// filterDoc is the doc of a flag that takes a filter.
const filterDoc = `such as callResult.resultType=Busy, duration>60 or failed,dups; see "julianctl help filters" (repeatable: all must be met)`

// chosen is a filter that was read.
type chosen struct {
	journal.Filter
	payload payload.Filter
	// doubts are conditions that may be mistyped.
	doubts []*doubt

	since, until string // as typed
}

// filterExpr reads a filter from the value of a flag: terms with commas between
// them. All must be met; of numbers, calls and result types any one.
func (c *chosen) filterExpr(flag, value string, now time.Time) error {
	terms := splitTerms(value)
	for _, term := range terms {
		term = strings.TrimSpace(term)
		err := c.term(term, now)
		if err == nil {
			continue
		}
		return withFault(err, func(err error) error {
			if len(terms) > 1 && term != "" {
				return fmt.Errorf("--%s %q: %q %w", flag, value, term, err)
			}
			return fmt.Errorf("--%s %q %w", flag, value, err)
		})
	}
	return nil
}

// withFault changes the text of an error and leaves its exit code and hint.
func withFault(err error, change func(error) error) error {
	if err == nil {
		return nil
	}
	if f, ok := errors.AsType[*fault](err); ok {
		return &fault{f.code, change(f.err), f.hint}
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
func (c *chosen) term(word string, now time.Time) error {
	switch {
	case word == "":
		return usage(errors.New("has an empty term"), filterHint)
	case word == allTerm:
		return nil
	case word[0] >= '0' && word[0] <= '9' && !strings.ContainsAny(word, "=!~<>"):
		return c.setIDs(word, now)
	}
	name := word[:len(word)-len(strings.TrimLeft(word, "abcdefghijklmnopqrstuvwxyz-"))]
	rest := strings.TrimSpace(word[len(name):])
	at := slices.IndexFunc(filterTerms, func(t filterTerm) bool { return t.name == name })
	if at < 0 || rest != "" && strings.IndexByte("=!~<>", rest[0]) < 0 {
		return c.condition(word)
	}
	t := filterTerms[at]
	value, equal := strings.CutPrefix(rest, "=")
	value = strings.TrimSpace(value)
	switch {
	case t.bare && rest == "":
		return t.set(c, "", now)
	case t.bare:
		return usage(fmt.Errorf("has a value, and %s takes none", name), fmt.Sprintf("write %s alone", name))
	case rest == "", equal && value == "":
		return usage(fmt.Errorf("has no value for %s", name), fmt.Sprintf("write %s=…: %s", name, t.doc))
	case !equal || strings.IndexByte("=!~<>", value[0]) >= 0:
		return usage(fmt.Errorf("has an operator that %s does not take", name), fmt.Sprintf("write %s=…: %s", name, t.doc))
	}
	if value[0] == '"' {
		if err := json.Unmarshal([]byte(value), &value); err != nil {
			return usage(errors.New("has a value in quotes that is no JSON string"), "")
		}
	}
	return withFault(t.set(c, value, now), func(err error) error { return fmt.Errorf("has a value that cannot be used: %w", err) })
}

// condition reads a condition of the payload.
func (c *chosen) condition(expr string) error {
	f, err := payload.ParseFilter(expr)
	if bad, ok := errors.AsType[*payload.FilterError](err); ok {
		names := []string{allTerm, "exists"}
		for _, t := range filterTerms {
			names = append(names, t.name)
		}
		return usage(bad.Err, didYouMean(expr, names, filterHint))
	}
	if err != nil {
		return usage(err, filterHint)
	}
	for _, one := range f.Conditions() {
		doubt, err := examineCondition(one)
		if err != nil {
			return err
		}
		if doubt != nil {
			c.doubts = append(c.doubts, doubt)
		}
	}
	c.payload = c.payload.And(f)
	return nil
}

func (c *chosen) setSince(value string, now time.Time) error {
	t, err := moment(value, now)
	if err == nil && (c.Since.IsZero() || t.After(c.Since)) {
		c.Since, c.since = t, value
	}
	return err
}

func (c *chosen) setUntil(value string, now time.Time) error {
	t, err := moment(value, now)
	if err == nil && (c.Until.IsZero() || t.Before(c.Until)) {
		c.Until, c.until = t, value
	}
	return err
}

func (c *chosen) setResultType(value string, _ time.Time) error {
	if !julian.ResultType(value).Known() {
		var known []string
		for _, v := range julian.ResultTypes() {
			known = append(known, string(v.Name))
		}
		return usage(errors.New("no result type that is documented"), didYouMean(value, known, "another one can be asked for with --filter callResult.resultType=…"))
	}
	c.ResultTypes = append(c.ResultTypes, value)
	return nil
}

// setIDs reads numbers and ranges with commas between them.
func (c *chosen) setIDs(value string, _ time.Time) error {
	for word := range strings.SplitSeq(value, ",") {
		from, to, ok := parseRange(strings.TrimSpace(word))
		if !ok {
			return usage(fmt.Errorf("no number of a delivery, and no range: %q", word), "write it like 12, 12..20 or 4,5,7..9")
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
		return t, usage(err, "write it like 90m, 24h, 7d, 2026-01-31 or 2026-01-31T15:04")
	}
	return t, nil
}

// parseMoment reads a time: so long ago, or a date with or without a time of
// the day, in the zone of now.
func parseMoment(s string, now time.Time) (time.Time, error) {
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

// check finds what no single term shows.
func (c *chosen) check() error {
	if !c.Since.IsZero() && !c.Until.IsZero() && !c.Since.Before(c.Until) {
		return usage(fmt.Errorf("--since %q is not before --until %q", c.since, c.until), "")
	}
	return nil
}

// readFilters reads the words of a flag, each a filter. All must be met.
func readFilters(name string, words []string, now time.Time) (c chosen, err error) {
	for _, word := range words {
		if err := c.filterExpr(name, word, now); err != nil {
			return c, err
		}
	}
	return c, c.check()
}

// readLiveFilters is readFilters for deliveries that have just come: terms that
// are about a log are refused.
func readLiveFilters(name string, words []string) (chosen, error) {
	c, err := readFilters(name, words, time.Time{})
	if err != nil {
		return c, err
	}
	for _, t := range []struct {
		name  string
		given bool
	}{{"since", !c.Since.IsZero()}, {"until", !c.Until.IsZero()}, {"text", c.Text != ""}, {"a number", c.IDs != nil}} {
		if t.given {
			return c, usage(fmt.Errorf("--%s %q: %s is about deliveries that are in the log", name, strings.Join(words, ","), t.name),
				`"julianctl log" lists those; here are dups, failed, invalid, call=…, result-type=… and conditions such as duration>60`)
		}
	}
	return c, nil
}

// any reports whether c leaves anything out.
func (c *chosen) any() bool {
	return c.payload.Any() || c.Dups || c.Failed || c.Findings || len(c.CallIDs) > 0 || len(c.ResultTypes) > 0
}

// matches reports whether a delivery that has just come is meant.
func (c *chosen) matches(s *shownDelivery) bool {
	if !c.any() {
		return true
	}
	e := &journal.Entry{Outcome: s.outcome}
	e.CallID, e.ResultType, e.Copy, e.Refusal = s.CallID, s.ResultType, s.Copy, string(s.Refusal)
	return c.Match(e) && c.payload.Match(s.payload)
}
