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

// Filter is what a payload must be like: conditions that all hold. The zero
// value is no condition.
type Filter struct{ all []Condition }

// Condition is one expression of a [Filter].
type Condition struct {
	Path  string // gjson
	Op    string // = != ~ < > <= >= exists
	Value string // as it was typed, or what the quotes enclose
}

// FilterError is an expression that is no condition.
type FilterError struct {
	Expr string
	Err  error // reads on from the expression
}

func (e *FilterError) Error() string { return fmt.Sprintf("filter %q %v", e.Expr, e.Err) }
func (e *FilterError) Unwrap() error { return e.Err }

// operators, longer ones before those that they begin with.
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
			return c, fmt.Errorf("has a value in quotes that is no JSON string: %s", c.Value)
		}
	case strings.Contains(c.Value, " && "), strings.Contains(c.Value, " || "):
		return c, errors.New("has && or || in its value: a comma joins conditions, and a value with these stands in quotes")
	}
	return c, nil
}

// Any reports whether there is a condition at all.
func (f Filter) Any() bool { return len(f.all) > 0 }

// And returns what meets both f and g.
func (f Filter) And(g Filter) Filter { return Filter{slices.Concat(f.all, g.all)} }

// Conditions are those of f, in their order.
func (f Filter) Conditions() []Condition { return slices.Clone(f.all) }

// Match reports whether payload meets every condition. What is no JSON in
// UTF-8, or nested deeper than encoding/json allows (10,000), meets none. Of
// duplicate keys the first counts.
func (f Filter) Match(payload []byte) bool {
	if len(f.all) == 0 {
		return true
	}
	// gjson reads anything: it must not be asked before this.
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

// meets compares one value that is no array.
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
