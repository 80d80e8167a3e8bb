package copies

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/julianctl/julianctl/pkg/jsonscan"
)

// Kind is how much a copy differs from the first.
type Kind string

// The kinds of [Change].
const (
	NoCopy  Kind = ""        // the first, or not a copy
	Same    Kind = "same"    // the same bytes
	Layout  Kind = "layout"  // the same values: order of keys, white space or spelling differ
	Values  Kind = "values"  // values differ: Fields says which
	Unknown Kind = "unknown" // the bytes differ, and the first is no longer in memory
)

// maxFields is how many changes are listed.
const maxFields = 100

// Change is how a copy differs from the first delivery of its call.
type Change struct {
	Kind   Kind
	Fields []FieldChange // in the order of their pointers, at most 100
	More   int           // changes beyond those in Fields
}

// FieldChange is one value that was added, removed or replaced.
type FieldChange struct {
	Pointer string // RFC 6901; empty: the whole payload
	Old     string // compact JSON; empty if the value was added
	New     string // compact JSON; empty if it was removed
}

// Compare returns the differences between two payloads. Numbers and strings are
// compared by value: 1, 1.0 and 10e-1 are equal, and so are "a" and "\u0061". Items
// of arrays are compared by index.
func Compare(first, second []byte) Change {
	if bytes.Equal(first, second) {
		return Change{Kind: Same}
	}
	old, err1 := Decode(first)
	now, err2 := Decode(second)
	if err1 != nil || err2 != nil {
		return Change{Kind: Unknown}
	}
	d := differ{change: Change{Kind: Layout}}
	d.compare(old, now)
	return d.change
}

// ErrNotJSON is returned for a payload that is not JSON in UTF-8.
var ErrNotJSON = errors.New("not JSON in UTF-8")

// Decode returns a payload as maps, slices, strings, bools, nil and json.Number. If a
// key is repeated, the last one counts. Everything that encoding/json refuses,
// including nesting deeper than 10,000, is [ErrNotJSON].
func Decode(payload []byte) (value any, err error) {
	if !utf8.Valid(payload) {
		return nil, ErrNotJSON
	}
	dec := json.NewDecoder(bytes.NewReader(payload))
	dec.UseNumber()
	if err := dec.Decode(&value); err != nil {
		return nil, fmt.Errorf("%w: %w", ErrNotJSON, err)
	}
	if _, err := dec.Token(); err != io.EOF {
		return nil, fmt.Errorf("%w: more follows", ErrNotJSON)
	}
	return value, nil
}

type differ struct {
	change Change
	path   []byte // JSON pointer of the current values
}

func (d *differ) compare(old, now any) {
	switch old := old.(type) {
	case map[string]any:
		if now, ok := now.(map[string]any); ok {
			d.objects(old, now)
			return
		}
	case []any:
		if now, ok := now.([]any); ok {
			d.arrays(old, now)
			return
		}
	case json.Number:
		if now, ok := now.(json.Number); ok && number(string(old)) == number(string(now)) {
			return
		}
	case string:
		if now, ok := now.(string); ok && old == now {
			return
		}
	case bool:
		if now, ok := now.(bool); ok && old == now {
			return
		}
	case nil:
		if now == nil {
			return
		}
	}
	d.add(encode(old), encode(now))
}

func (d *differ) objects(old, now map[string]any) {
	keys := slices.Collect(maps.Keys(old))
	for key := range now {
		if _, both := old[key]; !both {
			keys = append(keys, key)
		}
	}
	slices.Sort(keys)
	for _, key := range keys {
		before, was := old[key]
		after, is := now[key]
		d.at(jsonscan.PointerToken(key), before, was, after, is)
	}
}

func (d *differ) arrays(old, now []any) {
	for i := range max(len(old), len(now)) {
		var before, after any
		was, is := i < len(old), i < len(now)
		if was {
			before = old[i]
		}
		if is {
			after = now[i]
		}
		d.at(strconv.Itoa(i), before, was, after, is)
	}
}

// at compares the member called token, which may exist on one side only.
func (d *differ) at(token string, before any, was bool, after any, is bool) {
	length := len(d.path)
	d.path = append(append(d.path, '/'), token...)
	switch {
	case was && is:
		d.compare(before, after)
	case was:
		d.add(encode(before), "")
	default:
		d.add("", encode(after))
	}
	d.path = d.path[:length]
}

func (d *differ) add(old, now string) {
	d.change.Kind = Values
	if len(d.change.Fields) == maxFields {
		d.change.More++
		return
	}
	d.change.Fields = append(d.change.Fields, FieldChange{string(d.path), old, now})
}

func encode(v any) string {
	b, _ := jsonscan.Append(nil, v) // decoded JSON can always be encoded
	return string(b)
}

// number returns the canonical form of a JSON number: its digits without zeros at
// either end, and the exponent of the last digit. It works on text, so that
// 1e999999999 costs nothing.
func number(literal string) string {
	mantissa, exponent := literal, int64(0)
	if i := strings.IndexAny(literal, "eE"); i >= 0 {
		e, err := strconv.ParseInt(strings.TrimPrefix(literal[i+1:], "+"), 10, 32)
		if err != nil {
			return literal // only the same literal is equal
		}
		mantissa, exponent = literal[:i], e
	}
	digits, negative := strings.CutPrefix(mantissa, "-")
	whole, fraction, _ := strings.Cut(digits, ".")
	digits = strings.TrimLeft(whole+fraction, "0")
	exponent -= int64(len(fraction))
	trimmed := strings.TrimRight(digits, "0")
	exponent += int64(len(digits) - len(trimmed))
	if trimmed == "" {
		return "0"
	}
	if negative {
		trimmed = "-" + trimmed
	}
	return trimmed + "e" + strconv.FormatInt(exponent, 10)
}
