package deliveryview

import (
	"fmt"
	"math"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"github.com/julianctl/julianctl/pkg/cli"
	"github.com/julianctl/julianctl/pkg/julian"
	"github.com/julianctl/julianctl/pkg/payload"
	"github.com/julianctl/julianctl/pkg/safetext"
	"github.com/julianctl/julianctl/pkg/spelling"
)

// PossibleTypo is a valid condition that may be mistyped: its field or value is not
// documented.
type PossibleTypo struct {
	what    string         // is not there, or not documented
	near    string         // what may be meant; may be empty
	seen    payload.Filter // what a payload is like that settles it
	settled bool
}

// look checks whether a payload has the field or value.
func (d *PossibleTypo) look(body []byte) { d.settled = d.settled || d.seen.Match(body) }

// NotePossibleTypos prints the conditions whose field or value no payload had.
func NotePossibleTypos(a *cli.App, typos []*PossibleTypo, before, after string) {
	for _, d := range typos {
		if d.settled {
			continue
		}
		d.settled = true
		text := before + d.what + after
		if d.near != "" {
			text += fmt.Sprintf("; did you mean %q?", d.near)
		}
		a.Note("%s %s", a.ErrStyle.Warn("warning:"), safetext.Line(text))
	}
}

// datePrefix is the beginning of a timestamp: those are compared as text.
var datePrefix = regexp.MustCompile(`^\d{4}(-\d{2}(-\d{2}([Tt ].*)?)?)?$`)

// examineCondition checks a condition against the documented fields.
func examineCondition(c payload.Condition) (*PossibleTypo, error) {
	f, known := fieldAt(c.Path)
	order := strings.ContainsAny(c.Op, "<>")
	switch {
	case !known:
		exists, err := payload.ParseFilter(c.Path + " exists")
		if err != nil {
			return nil, nil //nolint:nilerr // a path that says something of its own
		}
		return &PossibleTypo{what: fmt.Sprintf("%q", c.Path), near: nearestPath(c.Path), seen: exists}, nil
	case f == nil || c.Op == "~" || c.Op == "exists" || c.Value == "null" && !order:
		return nil, nil
	case f.Kind == julian.Number:
		if number, err := strconv.ParseFloat(c.Value, 64); err != nil || math.IsNaN(number) {
			return nil, cli.UsageError(fmt.Errorf("compares with %q, and %s is a number", c.Value, c.Path), fmt.Sprintf("write it like %s%s60", c.Path, c.Op))
		}
	case order && (f.Kind == julian.Object || f.Kind == julian.Array):
		return nil, cli.UsageError(fmt.Errorf("asks for an order, and %s is neither a number nor text", c.Path), "= != ~ and exists can be asked of it")
	case f.Format == julian.DateTime && !datePrefix.MatchString(c.Value):
		return nil, cli.UsageError(fmt.Errorf("compares with %q, and %s is a time", c.Value, c.Path), fmt.Sprintf("write it like %s>2026-01-31 or %s>2026-01-31T15:04", c.Path, c.Path))
	case f.Enum != nil && !order && !slices.Contains(f.Enum, c.Value):
		seen, err := payload.ParseFilter(c.Path + "=" + cli.CompactJSON(c.Value))
		if err != nil {
			return nil, nil //nolint:nilerr // nothing can be asked of such a value
		}
		return &PossibleTypo{what: fmt.Sprintf("%s %q", c.Path, c.Value), near: spelling.Nearest(c.Value, f.Enum), seen: seen}, nil
	}
	return nil, nil
}

// fieldAt is the documented field that a path leads to; nil and true where the
// path is one of which that cannot be said.
func fieldAt(path string) (*julian.Field, bool) {
	if strings.ContainsAny(path, `@|*?!{[\`) || strings.HasPrefix(path, "..") {
		return nil, true
	}
	var pointer strings.Builder
	var field *julian.Field
	words := pathWords(path)
	for i, word := range words {
		switch {
		case field != nil && field.Free:
			return nil, true
		case field != nil && field.Kind == julian.Array:
			_, err := strconv.Atoi(word)
			if word != "" && word[0] != '#' && err != nil {
				return nil, false
			}
			if word == "#" && i == len(words)-1 {
				return &julian.Field{Kind: julian.Number}, true // how many there are
			}
			word = "*"
		}
		pointer.WriteString("/" + word)
		at := slices.IndexFunc(julian.Fields, func(f julian.Field) bool { return f.Pointer == pointer.String() })
		if at < 0 {
			return nil, false
		}
		field = &julian.Fields[at]
	}
	return field, true
}

// pathWords cuts at the dots that stand in no parenthesis.
func pathWords(path string) (words []string) {
	depth, start := 0, 0
	for i, c := range path {
		switch {
		case c == '(':
			depth++
		case c == ')':
			depth--
		case c == '.' && depth == 0:
			words = append(words, path[start:i])
			start = i + 1
		}
	}
	return append(words, path[start:])
}

// nearestPath is the documented path that was probably meant: one that looks
// alike, or the only one that ends in the same name; "" when there is none.
func nearestPath(path string) string {
	var all, ends []string
	last := path[strings.LastIndexByte(path, '.')+1:]
	for _, f := range julian.Fields {
		known := strings.ReplaceAll(strings.ReplaceAll(f.Pointer[1:], "/", "."), "*", "#")
		all = append(all, known)
		if strings.EqualFold(known[strings.LastIndexByte(known, '.')+1:], last) {
			ends = append(ends, known)
		}
	}
	if near := spelling.Nearest(path, all); near != "" {
		return near
	}
	if len(ends) == 1 {
		return ends[0]
	}
	return ""
}
