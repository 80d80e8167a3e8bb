package validate

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"github.com/julianctl/julianctl/pkg/jsonscan"
	"github.com/julianctl/julianctl/pkg/jsonschema"
	"github.com/julianctl/julianctl/pkg/julian"
	"github.com/julianctl/julianctl/pkg/payload"
	"github.com/julianctl/julianctl/pkg/spelling"
)

// slowPath goes through one document, grammar and field table side by side, and
// finds every issue. Methods that read something report whether the reading may
// go on.
type slowPath struct {
	jsonscan.Reader
	rules  *ruleSet
	b      []byte
	index  *jsonscan.Index // what is read, for a schema; nil without one
	found  []finding
	counts []ruleCount // bounds what a hostile document can make of one rule
	values [slots]value
}

// value is one that a relation needs.
type value struct {
	text   []byte // JSON, but that a string has no escapes; empty: there is none
	offset int
}

// finding is an issue whose line and column are not worked out yet.
type finding struct {
	offset int
	Issue
}

// ruleCount is how often a rule was broken.
type ruleCount struct {
	rule     string
	severity Severity
	count    int
}

// maxPerRule is how many issues of one rule and severity are kept.
const maxPerRule = 100

// issues checks a document. What it returns has nothing of s, which may be used
// again for other documents.
func (s *slowPath) issues(rules *ruleSet, doc payload.Document) []Issue {
	*s = slowPath{rules: rules, b: doc.Body, found: s.found[:0], counts: s.counts[:0]}
	if rules.Schema != nil {
		s.index = &jsonscan.Index{}
	}
	s.Reader = *jsonscan.NewReader(doc.Body, "payload", s.index, s.problem)
	if s.Document(func() bool { return s.value(rules.root) }) && rules.Schema != nil {
		s.checkSchema(rules.Schema)
	}
	issues := s.sorted(doc)
	clear(s.found)
	*s = slowPath{found: s.found, counts: s.counts} // the body is the caller's
	return issues
}

// sorted puts what was found in order and works out lines and columns.
func (s *slowPath) sorted(doc payload.Document) []Issue {
	if len(s.found) == 0 {
		return nil
	}
	slices.SortStableFunc(s.found, func(a, b finding) int { return cmp.Compare(a.offset, b.offset) })
	at := doc.Position()
	at.Line, at.Column = max(at.Line, 1), max(at.Column, 1) // of a document without a place
	issues := make([]Issue, len(s.found))
	behind := 0
	for i, f := range s.found {
		at = at.After(s.b[behind:f.offset])
		behind = f.offset
		issues[i] = f.Issue
		issues[i].File, issues[i].Line, issues[i].Column, issues[i].Offset = doc.Source, at.Line, at.Column, at.Offset
		issues[i].Excerpt = excerpt(s.b, f.offset)
	}
	return issues
}

// problem reports what is wrong with the document as JSON.
func (s *slowPath) problem(p jsonscan.Problem) {
	rule, severity := RuleSyntax, Error
	switch p.Class {
	case jsonscan.Empty:
		rule = RuleEmpty
	case jsonscan.Encoding:
		rule = RuleEncoding
	case jsonscan.UnpairedSurrogate:
		rule, severity = RuleEncoding, Warning
	case jsonscan.TooDeep:
		rule = RuleDepth
	case jsonscan.TooMany:
		rule = RuleSchema
		p.Message += ": too many for a schema"
	case jsonscan.DuplicateKey:
		rule = RuleDuplicateKey
	}
	if !p.Fatal {
		severity = s.rules.severity(rule, severity)
	}
	s.add(p.Offset, s.Path(), rule, severity, p.Message, p.Hint)
}

// report notes a break of a rule, which is usually as bad as severity says, at
// the value that is being read.
func (s *slowPath) report(offset int, rule string, severity Severity, message, hint string) {
	s.add(offset, s.Path(), rule, s.rules.severity(rule, severity), message, hint)
}

// reportBelow is report for a value below the one that is being read.
func (s *slowPath) reportBelow(path jsonscan.Path, offset int, rule string, severity Severity, message, hint string) {
	s.add(offset, slices.Concat(s.Path(), path), rule, s.rules.severity(rule, severity), message, hint)
}

func (s *slowPath) add(offset int, path jsonscan.Path, rule string, severity Severity, message, hint string) {
	if severity == Off {
		return
	}
	count := s.count(rule, severity)
	if *count == maxPerRule {
		return
	}
	*count++
	s.found = append(s.found, finding{offset, Issue{Pointer: path.Pointer(), Rule: rule, Severity: severity, Message: message, Hint: hint}})
}

// wants reports whether report would note a break of the rule: where words or
// hints cost much, a hostile document must not get them without end.
func (s *slowPath) wants(rule string, usual Severity) bool {
	severity := s.rules.severity(rule, usual)
	return severity != Off && *s.count(rule, severity) < maxPerRule
}

// count is that of a rule and severity, until the next one is asked for.
func (s *slowPath) count(rule string, severity Severity) *int {
	for i := range s.counts {
		if c := &s.counts[i]; c.rule == rule && c.severity == severity {
			return &c.count
		}
	}
	s.counts = append(s.counts, ruleCount{rule, severity, 0})
	return &s.counts[len(s.counts)-1].count
}

// value reads one value. What n says is checked; nil is any value.
func (s *slowPath) value(n *node) bool {
	kind, ok := s.Next()
	if !ok {
		return false
	}
	begin := s.Offset()
	switch kind {
	case '{':
		return s.object(s.ofKind(n, julian.Object, begin), begin)
	case '[':
		return s.array(s.ofKind(n, julian.Array, begin))
	case '"':
		stated := n != nil && n.Kind == julian.String && !n.anyText
		text, ok := s.String(stated)
		if ok && s.ofKind(n, julian.String, begin) != nil && stated {
			s.remember(n, begin, text)
			s.text(n, begin, text)
		}
		return ok
	case '0':
		if !s.Number() {
			return false
		}
		if s.ofKind(n, julian.Number, begin) != nil {
			s.remember(n, begin, nil)
		}
		return true
	}
	s.Literal()
	is := julian.Kind("boolean")
	if kind == 'n' {
		is = "null"
	}
	if kind == 'n' && n != nil && n.Nullable || s.ofKind(n, is, begin) != nil {
		s.remember(n, begin, nil)
	}
	return true
}

// ofKind is n if a value of that kind, which begins there, is of its type. If
// not, it reports that, and returns nil: the right children of a wrong parent
// say nothing.
func (s *slowPath) ofKind(n *node, is julian.Kind, begin int) *node {
	if n == nil || n.Kind == is {
		return n
	}
	want := article(n.Kind)
	if n.Nullable {
		want += " or null"
	}
	s.report(begin, RuleType, Error, "is "+s.shown(is, begin)+", want "+want, "")
	return nil
}

// shown is a value in a message: short ones as they stand in the document.
func (s *slowPath) shown(is julian.Kind, begin int) string {
	switch is {
	case julian.Object, julian.Array:
		return article(is)
	case julian.String:
		return jsonscan.Quote(s.b[begin+1 : s.Offset()-1])
	}
	return jsonscan.Shorten(s.b[begin:s.Offset()], 40)
}

func article(k julian.Kind) string {
	if k == julian.Object || k == julian.Array {
		return "an " + string(k)
	}
	return "a " + string(k)
}

// remember keeps the value that ends here if a relation needs it. Of a string it
// keeps the text, without escapes.
func (s *slowPath) remember(n *node, begin int, text []byte) {
	if n.slot == 0 {
		return
	}
	raw := s.b[begin:s.Offset()]
	if raw[0] == '"' && len(text) != len(raw)-len(`""`) {
		raw = slices.Concat([]byte{'"'}, text, []byte{'"'})
	}
	s.values[n.slot] = value{raw, begin}
}

// object reads the object that begins there.
func (s *slowPath) object(n *node, begin int) bool {
	if n == nil || len(n.children) == 0 {
		return s.Object(func([]byte, int) bool { return s.value(nil) })
	}
	for _, r := range n.relations {
		s.values[r.placeSlot], s.values[r.givenSlot] = value{}, value{}
	}
	var unknown []string // the first of them
	var there uint64     // bits of documented keys, by index
	ok := s.Object(func(key []byte, offset int) bool {
		child := n.byName[string(key)]
		if child != nil {
			there |= 1 << child.index
		} else {
			if len(unknown) < maxUnknown {
				unknown = append(unknown, string(key))
			}
			s.unknownKey(n, key, offset)
		}
		return s.value(child)
	})
	if ok {
		s.missing(n, begin, there, unknown)
		s.relations(n)
	}
	return ok
}

// unknownKey checks a key that is not documented.
func (s *slowPath) unknownKey(n *node, key []byte, offset int) {
	for _, c := range n.children {
		if strings.EqualFold(c.name, string(key)) {
			s.report(offset, RuleCaseVariantKey, Warning, fmt.Sprintf("differs from %q only by case", c.name), fmt.Sprintf("rename it to %q", c.name))
			return
		}
	}
	if s.wants(RuleUnknownField, Off) {
		s.report(offset, RuleUnknownField, Off, "is not a documented field", spelling.DidYouMean(string(key), n.names()))
	}
}

// maxUnknown is how many undocumented keys of an object are looked at for the
// name of a missing one.
const maxUnknown = 32

// missing reports the fields that the object at begin lacks.
func (s *slowPath) missing(n *node, begin int, there uint64, unknown []string) {
	for _, c := range n.children {
		if (n.must&^there)&(1<<c.index) == 0 {
			continue
		}
		severity := Warning
		if c.Presence == julian.Required {
			severity = Error
		}
		hint := ""
		if near := spelling.Nearest(c.name, unknown); near != "" {
			hint = fmt.Sprintf("rename %s to %q", jsonscan.Quote([]byte(near)), c.name)
		}
		s.reportBelow(jsonscan.Path{{Key: []byte(c.name)}}, begin, RuleRequired, severity, "is missing", hint)
	}
}

// relations checks what the values of an object say together.
func (s *slowPath) relations(n *node) {
	for i := range n.relations {
		r := &n.relations[i]
		place, given := s.values[r.placeSlot], s.values[r.givenSlot]
		if r.broken(place.text, given.text) && s.wants(r.rule, r.severity) {
			s.reportBelow(r.path, place.offset, r.rule, r.severity, r.message(place.text, given.text), "")
		}
	}
}

func (s *slowPath) array(n *node) bool {
	var item *node
	if n != nil {
		item = n.item
	}
	return s.Array(func() bool { return s.value(item) })
}

// text checks a string against what is stated for it.
func (s *slowPath) text(n *node, begin int, text []byte) {
	if len(text) == 0 && n.nonEmpty() {
		s.report(begin, RuleRequired, Error, "is empty", "")
		return
	}
	if n.Enum != nil && !slices.Contains(n.Enum, string(text)) && s.wants(RuleEnum, Error) {
		want, hint := "a documented value", spelling.DidYouMean(string(text), n.Enum)
		if last := len(n.Enum) - 1; last < maxNamed {
			want = strings.Join(n.Enum[:last], ", ") + " or " + n.Enum[last]
		} else if hint == "" {
			hint = "one of: " + strings.Join(n.Enum, ", ")
		}
		s.report(begin, RuleEnum, Error, "is "+jsonscan.Quote(text)+", want "+want, hint)
	}
	if f := n.format; f != nil && !f.OK(text) && (len(text) > 0 || !n.Empty) && s.wants(RuleFormat, Error) {
		hint := ""
		if f.Name == string(julian.Zone) {
			hint = spelling.DidYouMean(string(text), zoneNames())
		}
		s.report(begin, RuleFormat, Error, "is "+jsonscan.Quote(text)+", want "+f.Want, hint)
	}
	if !hasPrefix(text, n.Prefix) && s.wants(RuleIDPrefix, Warning) {
		s.report(begin, RuleIDPrefix, Warning, fmt.Sprintf("is %s, want it to begin with %q", jsonscan.Quote(text), n.Prefix), "")
	}
}

// maxNamed is how many values of an enumeration a message names.
const maxNamed = 4

// checkSchema checks the document that was read against the user's schema.
func (s *slowPath) checkSchema(schema *jsonschema.Schema) {
	for f := range schema.Failures(s.index) {
		if rule := ruleOf(f.Keyword); s.wants(rule, Error) {
			x := f.Explain()
			s.reportBelow(x.Path, f.Offset, rule, Error, x.Message, x.Hint)
		}
	}
}

// ruleOf is the rule that a value breaks which does not fit a keyword.
func ruleOf(keyword string) string {
	switch keyword {
	case "type":
		return RuleType
	case "required", "dependentRequired":
		return RuleRequired
	case "const", "enum":
		return RuleEnum
	case "format":
		return RuleFormat
	case "additionalProperties", "unevaluatedProperties":
		return RuleUnknownField
	}
	return RuleSchema
}
