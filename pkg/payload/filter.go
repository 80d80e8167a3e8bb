package payload

import (
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/tidwall/gjson"
)

// FilterSyntax is the form of a condition, for help pages.
const FilterSyntax = "PATH OPERATOR VALUE, such as callResult.resultType=Busy; operators are = != ~ (contains) < > <= >= exists"

// Filter is what a payload must be like: conditions that all hold. The zero
// value is no condition.
type Filter struct{ all []condition }

// condition is one expression.
type condition struct {
	path  string // gjson
	op    string // of operators
	value string // as it was typed, or what the quotes enclose
}

// operators, longer ones before those that they begin with.
var operators = []string{"!=", "<=", ">=", "=", "~", "<", ">"}

const exists = "exists"

// ParseFilter reads conditions that must all hold. Each is a gjson path, an
// operator and a value, with or without spaces around the operator:
//
//	callResult.resultType=Goal Completed
//	duration >= 60
//	callResult.outcomes.#.name = interested
//	callResult.summary ~ follow-up
//	sequence exists
//
// The operator is the first one outside of parentheses, where gjson has its
// queries, that no backslash stands before. A value in double quotes is a JSON
// string, for one that begins or ends with a space.
//
// A path that leads to an array is met by any one of its items. = compares
// numbers by value and all else as text; != is whatever = is not, so that a
// field that is missing is different from any value. ~ takes upper and lower
// case for the same. < and its kin compare numbers with numbers and strings, of
// which timestamps are some, by their bytes. exists takes null for a value.
func ParseFilter(exprs ...string) (Filter, error) {
	var f Filter
	for _, expr := range exprs {
		c, err := parseCondition(expr)
		if err != nil {
			return Filter{}, fmt.Errorf("filter %q %w", expr, err)
		}
		f.all = append(f.all, c)
	}
	return f, nil
}

func parseCondition(expr string) (condition, error) {
	depth := 0
	for i := 0; i < len(expr); i++ {
		switch expr[i] {
		case '\\':
			i++
			continue
		case '"':
			if depth > 0 {
				i += quotedLen(expr[i:]) - 1
				continue
			}
		case '(':
			depth++
		case ')':
			depth--
		}
		if depth > 0 {
			continue
		}
		for _, op := range operators {
			if value, found := strings.CutPrefix(expr[i:], op); found {
				return newCondition(expr[:i], op, value)
			}
		}
	}
	if depth > 0 {
		return condition{}, errors.New("has a parenthesis that is not closed")
	}
	if path, found := strings.CutSuffix(strings.TrimSpace(expr), " "+exists); found {
		return newCondition(path, exists, "")
	}
	return condition{}, errors.New("has no operator: want = != ~ < > <= >= and a value, or exists")
}

func newCondition(path, op, value string) (condition, error) {
	c := condition{strings.TrimSpace(path), op, strings.TrimSpace(value)}
	switch {
	case c.path == "":
		return c, fmt.Errorf("has no path before %s", op)
	case op == "=" && strings.HasPrefix(c.value, "="):
		return c, errors.New("has ==; equal is one =")
	case op == "~" && c.value == "":
		return c, errors.New("has no value: any text contains nothing")
	case strings.HasPrefix(c.value, `"`):
		if json.Unmarshal([]byte(c.value), &c.value) != nil {
			return c, fmt.Errorf("has a value in quotes that is no JSON string: %s", c.value)
		}
	}
	return c, nil
}

// quotedLen is the length of the quoted text that s begins with; all of s when
// it does not end.
func quotedLen(s string) int {
	for i := 1; i < len(s); i++ {
		switch s[i] {
		case '\\':
			i++
		case '"':
			return i + 1
		}
	}
	return len(s)
}

// Any reports whether there is a condition at all.
func (f Filter) Any() bool { return len(f.all) > 0 }

// Match reports whether payload meets every condition. What is no JSON in
// UTF-8, or nested deeper than encoding/json allows (10,000), meets none. Of
// duplicate keys the first counts.
func (f Filter) Match(payload []byte) bool {
	if len(f.all) == 0 {
		return true
	}
	// gjson reads anything: it must not be asked before this.
	if !utf8.Valid(payload) || !json.Valid(payload) {
		return false
	}
	for _, c := range f.all {
		if !c.holds(gjson.GetBytes(payload, c.path)) {
			return false
		}
	}
	return true
}

func (c condition) holds(found gjson.Result) bool {
	switch {
	case c.op == exists:
		return found.Exists()
	case c.op == "!=":
		return !condition{c.path, "=", c.value}.holds(found)
	case found.IsArray():
		met := false
		found.ForEach(func(_, item gjson.Result) bool {
			met = c.meets(item)
			return !met
		})
		return met || c.op == "=" && c.value == found.Raw
	}
	return found.Exists() && c.meets(found)
}

// meets compares one value that is no array.
func (c condition) meets(v gjson.Result) bool {
	if c.op == "~" {
		return strings.Contains(strings.ToLower(v.String()), strings.ToLower(c.value))
	}
	order, comparable := compare(v, c.value)
	switch c.op {
	case "=":
		return comparable && order == 0 || v.Type != gjson.String && v.Raw == c.value
	case "<":
		return comparable && order < 0
	case ">":
		return comparable && order > 0
	case "<=":
		return comparable && order <= 0
	default:
		return comparable && order >= 0
	}
}

// compare says which comes first, the JSON value or the one that was typed;
// false when they are not of one kind.
func compare(v gjson.Result, typed string) (int, bool) {
	switch v.Type {
	case gjson.String:
		return strings.Compare(v.Str, typed), true
	case gjson.Number:
		// Exactly where a float would round.
		a, err1 := strconv.ParseInt(v.Raw, 10, 64)
		b, err2 := strconv.ParseInt(typed, 10, 64)
		if err1 == nil && err2 == nil {
			return cmp.Compare(a, b), true
		}
		number, err := strconv.ParseFloat(typed, 64)
		return cmp.Compare(v.Num, number), err == nil && !math.IsNaN(number)
	}
	return 0, false
}
