package payload

import (
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/julianctl/julianctl/pkg/jsonscan"
	"github.com/tidwall/gjson"
)

// Filter is a list of conditions that a payload must all meet. The zero value has
// none.
type Filter struct{ all []Condition }

// Condition is one expression of a [Filter].
type Condition struct {
	Path  string // gjson
	Op    string // = != ~ < > <= >= exists
	Value string // as typed, without quotes
}

// FilterError is returned for an expression that is not a condition.
type FilterError struct {
	Expr string
	Err  error // follows the expression in the message
}

func (e *FilterError) Error() string { return fmt.Sprintf("filter %q %v", e.Expr, e.Err) }
func (e *FilterError) Unwrap() error { return e.Err }

// operators, longer ones first.
var operators = []string{"!=", "<=", ">=", "=", "~", "<", ">"}

const exists = "exists"

const allOperators = "= != ~ < > <= >= exists"

// ParseFilter reads conditions that must all hold. Each is a gjson path, an
// operator and a value, with or without spaces around the operator:
//
//	callResult.resultType=Goal Completed
//	duration >= 60
//	callResult.outcomes.#.name = interested
//	callResult.summary ~ follow-up
//	sequence exists
//
// The operator is the first one outside of parentheses (gjson queries) without a
// backslash before it. A value in double quotes is a JSON string, for values that
// begin or end with a space.
//
// If the path leads to an array, one item that meets the condition is enough. =
// compares numbers by value and everything else as text. != is the opposite of =, so
// a missing field differs from any value. ~ ignores case. <, >, <= and >= compare
// numbers by value, and strings, such as timestamps, by bytes. exists is true for
// null.
func ParseFilter(exprs ...string) (Filter, error) {
	var f Filter
	for _, expr := range exprs {
		c, err := parseCondition(expr)
		if err != nil {
			return Filter{}, &FilterError{expr, err}
		}
		f.all = append(f.all, c)
	}
	return f, nil
}

func parseCondition(expr string) (Condition, error) {
	depth := 0
	for i := 0; i < len(expr); i++ {
		switch expr[i] {
		case '\\':
			i++
			continue
		case '"':
			if depth > 0 {
				i = jsonscan.StringEnd(expr, i) - 1
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
		return Condition{}, errors.New("has a parenthesis that is not closed")
	}
	if path, found := strings.CutSuffix(strings.TrimSpace(expr), " "+exists); found {
		return newCondition(path, exists, "")
	}
	return Condition{}, errors.New("has no operator: want = != ~ < > <= >= and a value, or exists")
}

func newCondition(path, op, value string) (Condition, error) {
	c := Condition{strings.TrimSpace(path), op, strings.TrimSpace(value)}
	switch {
	case c.Path == "":
		return c, fmt.Errorf("has no path before %s", op)
	case op == "=" && strings.HasPrefix(value, "="):
		return c, errors.New("has ==; equal is one =")
	case strings.HasSuffix(c.Path, "!"):
		return c, fmt.Errorf("has !%s; the operators are %s", op, allOperators)
	case value != "" && op != exists && strings.IndexByte("=!~<>", value[0]) >= 0:
		return c, fmt.Errorf("has %s%c; the operators are %s, and a value that begins like one stands in quotes", op, value[0], allOperators)
	case op == "~" && c.Value == "":
		return c, errors.New("has no value: any text contains nothing")
	case strings.ContainsAny(op, "<>") && c.Value == "":
		return c, fmt.Errorf("has no value after %s", op)
	case strings.HasPrefix(c.Value, `"`):
		if json.Unmarshal([]byte(c.Value), &c.Value) != nil {
			return c, fmt.Errorf("has a value in quotes that is not a JSON string: %s", c.Value)
		}
	case strings.Contains(c.Value, " && "), strings.Contains(c.Value, " || "):
		return c, errors.New("has && or || in its value: a comma joins conditions, and a value with these stands in quotes")
	}
	return c, nil
}

// Any reports whether there are conditions.
func (f Filter) Any() bool { return len(f.all) > 0 }

// And returns a filter with the conditions of f and g.
func (f Filter) And(g Filter) Filter { return Filter{slices.Concat(f.all, g.all)} }

// Conditions returns the conditions of f, in order.
func (f Filter) Conditions() []Condition { return slices.Clone(f.all) }

// Match reports whether payload meets every condition. A payload that is not JSON in
// UTF-8, or nested deeper than encoding/json allows (10,000), meets none. If a key is
// repeated, the first one counts.
func (f Filter) Match(payload []byte) bool {
	if len(f.all) == 0 {
		return true
	}
	// gjson does not check its input.
	if !utf8.Valid(payload) || !jsonscan.Valid(payload) {
		return false
	}
	for _, c := range f.all {
		if !c.holds(gjson.GetBytes(payload, c.Path)) {
			return false
		}
	}
	return true
}

func (c Condition) holds(found gjson.Result) bool {
	switch {
	case c.Op == exists:
		return found.Exists()
	case c.Op == "!=":
		return !Condition{c.Path, "=", c.Value}.holds(found)
	case found.IsArray():
		met := false
		found.ForEach(func(_, item gjson.Result) bool {
			met = c.meets(item)
			return !met
		})
		return met || c.Op == "=" && c.Value == found.Raw
	}
	return found.Exists() && c.meets(found)
}

// meets compares one value that is not an array.
func (c Condition) meets(v gjson.Result) bool {
	if c.Op == "~" {
		return strings.Contains(strings.ToLower(v.String()), strings.ToLower(c.Value))
	}
	order, comparable := compare(v, c.Value)
	switch c.Op {
	case "=":
		return comparable && order == 0 || v.Type != gjson.String && v.Raw == c.Value
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

// compare orders the JSON value and the typed value. It returns false if they are of
// different types.
func compare(v gjson.Result, typed string) (int, bool) {
	switch v.Type {
	case gjson.String:
		return strings.Compare(v.Str, typed), true
	case gjson.Number:
		// Integers are compared exactly; a float would round them.
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
