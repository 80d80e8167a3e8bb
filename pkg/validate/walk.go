package validate

import (
	"bytes"
	"cmp"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/julianctl/julianctl/pkg/jsonscan"
	"github.com/julianctl/julianctl/pkg/julian"
	"github.com/julianctl/julianctl/pkg/payload"
)

// walker goes through one document, grammar and field table side by side. It
// is exact about places and takes its time; methods that read something report
// whether the walk may go on.
type walker struct {
	v     *Validator
	b     []byte
	i     int // the next byte
	depth int
	path  []step
	found []finding
	// counts bounds what a hostile document can make of one rule.
	counts []tally
	// toldBytes and toldHalf: one finding of a kind says enough of a document.
	toldBytes, toldHalf bool
	tape                *tape // what is read, for a schema; nil: nobody asks
	values              [slots]value
}

// value is one that a meaning asks for.
type value struct {
	text   []byte // JSON, but that a string has no escapes; empty: there is none
	offset int
}

// step is one part of a JSON pointer: a key, or an index.
type step struct {
	key   []byte // nil for an index
	index int
}

// finding is an issue whose line and column are not worked out yet.
type finding struct {
	offset int
	Issue
}

// tally counts what was found.
type tally struct {
	rule     string
	severity Severity
	count    int
}

// count is that of a rule and severity, until the next one is asked for.
func (w *walker) count(rule string, severity Severity) *int {
	for i := range w.counts {
		if t := &w.counts[i]; t.rule == rule && t.severity == severity {
			return &t.count
		}
	}
	w.counts = append(w.counts, tally{rule, severity, 0})
	return &w.counts[len(w.counts)-1].count
}

const maxPerRule = 100

// report notes a break of a rule that is usually as bad as severity says.
func (w *walker) report(offset int, rule string, severity Severity, message, hint string) {
	w.add(offset, rule, w.v.severity(rule, severity), message, hint)
}

// wants reports whether report would note a break of the rule: where words or
// hints cost much, a hostile document must not get them without end.
func (w *walker) wants(rule string, usual Severity) bool {
	severity := w.v.severity(rule, usual)
	return severity != Off && *w.count(rule, severity) < maxPerRule
}

// stop notes what makes it impossible to read on, and returns false.
func (w *walker) stop(offset int, rule string, message, hint string) bool {
	w.add(offset, rule, Error, message, hint)
	return false
}

func (w *walker) add(offset int, rule string, severity Severity, message, hint string) {
	if severity == Off {
		return
	}
	count := w.count(rule, severity)
	if *count == maxPerRule {
		return
	}
	*count++
	w.found = append(w.found, finding{offset, Issue{Pointer: w.pointer(), Rule: rule, Severity: severity, Message: message, Hint: hint}})
}

// pointer is the way to where the walk is.
func (w *walker) pointer() string { return pointerOf(w.path) }

// pointerOf is a way as a JSON pointer, after RFC 6901.
func pointerOf(path []step) string {
	var b strings.Builder
	for _, s := range path {
		b.WriteByte('/')
		if s.key == nil {
			b.WriteString(strconv.Itoa(s.index))
			continue
		}
		key := strings.ReplaceAll(shorten(s.key, 100), "~", "~0")
		b.WriteString(strings.ReplaceAll(key, "/", "~1"))
	}
	return b.String()
}

func (w *walker) push(s step) { w.path = append(w.path, s) }
func (w *walker) pop()        { w.path = w.path[:len(w.path)-1] }

// issuesOf puts what was found in order and works out lines and columns.
func (w *walker) issuesOf(doc payload.Document) []Issue {
	if len(w.found) == 0 {
		return nil
	}
	slices.SortStableFunc(w.found, func(a, b finding) int { return cmp.Compare(a.offset, b.offset) })
	at := doc.Place()
	at.Line, at.Column = max(at.Line, 1), max(at.Column, 1) // of a document without a place
	issues := make([]Issue, len(w.found))
	behind := 0
	for i, f := range w.found {
		at = at.After(w.b[behind:f.offset])
		behind = f.offset
		issues[i] = f.Issue
		issues[i].File, issues[i].Line, issues[i].Column, issues[i].Offset = doc.Source, at.Line, at.Column, at.Offset
		issues[i].Excerpt = excerpt(w.b, f.offset)
	}
	return issues
}

// document walks all of b.
func (w *walker) document() {
	switch {
	case isUTF16(w.b):
		w.stop(0, RuleEncoding, "is UTF-16, want UTF-8", "save it as UTF-8 without a byte order mark")
		return
	case bytes.HasPrefix(w.b, []byte("\xef\xbb\xbf")):
		w.report(0, RuleEncoding, Error, "begins with a byte order mark", "save it as UTF-8 without a byte order mark")
		w.i = 3
	}
	if w.space(); w.i == len(w.b) {
		w.stop(0, RuleEmpty, "holds no payload", "")
		return
	}
	if !w.value(w.v.root) {
		return
	}
	if w.space(); w.i < len(w.b) {
		w.stop(w.i, RuleSyntax, w.here()+" after the end of the payload", w.syntaxHint())
		return
	}
	if w.v.options.Schema != nil {
		w.conform()
	}
}

func isUTF16(b []byte) bool {
	if len(b) < 2 {
		return false
	}
	mark := string(b[:2])
	return mark == "\xff\xfe" || mark == "\xfe\xff" || b[0] == 0 && b[1] != 0 || b[0] != 0 && b[1] == 0
}

// space leaves out white space.
func (w *walker) space() {
	for w.i < len(w.b) {
		switch w.b[w.i] {
		case ' ', '\t', '\r', '\n':
			w.i++
		default:
			return
		}
	}
}

// value walks one value. What n says is checked; nil is any value.
func (w *walker) value(n *node) bool {
	if w.tape == nil {
		return w.valueOf(n)
	}
	if w.tape.full() {
		return w.stop(w.i, RuleSchema, fmt.Sprintf("is more than %d values in one document: too many for a schema", maxElements), "")
	}
	at := w.tape.open(w.i)
	ok := w.valueOf(n)
	if ok {
		w.tape.close(at, w.i)
	}
	return ok
}

func (w *walker) valueOf(n *node) bool {
	begin := w.i
	if w.i == len(w.b) {
		return w.cutOff()
	}
	switch c := w.b[w.i]; {
	case c == '{':
		return w.enter(n, julian.Object, w.object)
	case c == '[':
		return w.enter(n, julian.Array, w.array)
	case c == '"':
		stated := n != nil && n.Kind == julian.String && !n.anyText
		text, ok := w.str(stated)
		if ok && w.kind(n, julian.String, begin) && stated {
			w.remember(n, begin, text)
			w.text(n, begin, text)
		}
		return ok
	case c == '-' || '0' <= c && c <= '9':
		if !w.number() {
			return false
		}
		if w.kind(n, julian.Number, begin) {
			w.remember(n, begin, nil)
		}
		return true
	case w.literal("true"), w.literal("false"):
		w.kind(n, "boolean", begin)
		return true
	case w.literal("null"):
		if n != nil && n.Nullable || w.kind(n, "null", begin) {
			w.remember(n, begin, nil)
		}
		return true
	}
	return w.stop(w.i, RuleSyntax, w.here()+", want a value", w.syntaxHint())
}

// remember keeps the value between begin and w.i if a meaning asks for it. Of a
// string it takes the text, from which escapes are gone.
func (w *walker) remember(n *node, begin int, text []byte) {
	if n == nil || n.slot == 0 {
		return
	}
	raw := w.b[begin:w.i]
	if raw[0] == '"' && len(text) != len(raw)-len(`""`) {
		raw = slices.Concat([]byte{'"'}, text, []byte{'"'})
	}
	w.values[n.slot] = value{raw, begin}
}

// kind checks the type of the value that ends before w.i.
func (w *walker) kind(n *node, is julian.Kind, begin int) bool {
	if n == nil || n.Kind == is {
		return true
	}
	what := "is " + w.shown(is, begin)
	want := article(n.Kind)
	if n.Nullable {
		want += " or null"
	}
	w.report(begin, RuleType, Error, what+", want "+want, "")
	return false
}

// shown is a value in a message: short ones as they stand in the document.
func (w *walker) shown(is julian.Kind, begin int) string {
	switch is {
	case julian.Object, julian.Array:
		return article(is)
	case julian.String:
		return quote(w.b[begin+1 : w.i-1])
	}
	return shorten(w.b[begin:w.i], 40)
}

func article(k julian.Kind) string {
	if k == julian.Object || k == julian.Array {
		return "an " + string(k)
	}
	return "a " + string(k)
}

// enter walks an object or array, by walk.
func (w *walker) enter(n *node, is julian.Kind, walk func(*node) bool) bool {
	if w.depth == maxDepth {
		return w.stop(w.i, RuleDepth, fmt.Sprintf("is more than %d arrays and objects deep", maxDepth), "")
	}
	if n != nil && n.Kind != is {
		w.kind(n, is, w.i)
		n = nil // the right children of a wrong parent say nothing
	}
	w.depth++
	ok := walk(n)
	w.depth--
	return ok
}

// key is where a key of an object stood.
type key struct {
	name   []byte
	offset int
}

// keySet is the keys of an object. Few are compared each with each: that costs
// less than a map.
type keySet struct {
	size int
	few  [32]key
	many map[string]int // offsets of those that came later
}

// add returns where the key stood before, if it did.
func (s *keySet) add(k key) (first int, twice bool) {
	for i := range min(s.size, len(s.few)) {
		if string(s.few[i].name) == string(k.name) {
			return s.few[i].offset, true
		}
	}
	if s.size < len(s.few) {
		s.few[s.size] = k
		s.size++
		return 0, false
	}
	if first, twice = s.many[string(k.name)]; twice {
		return first, true
	}
	if s.many == nil {
		s.many = map[string]int{}
	}
	s.many[string(k.name)] = k.offset
	s.size++
	return 0, false
}

// object walks from { to }.
func (w *walker) object(n *node) bool {
	begin := w.i
	w.i++
	var unknown []string // the first of them
	var there uint64     // bits of documented keys, by index
	var seen keySet
	if n != nil {
		for _, h := range n.holds {
			w.values[h.placeSlot], w.values[h.givenSlot] = value{}, value{}
		}
	}
	for w.space(); ; w.space() {
		if w.i == len(w.b) {
			return w.cutOff()
		}
		if w.b[w.i] == '}' && seen.size == 0 {
			w.i++
			break
		}
		if w.b[w.i] != '"' {
			return w.stop(w.i, RuleSyntax, w.here()+", want a key in double quotes", w.keyHint())
		}
		k := key{offset: w.i}
		var ok bool
		if k.name, ok = w.str(true); !ok {
			return false
		}
		if w.tape != nil {
			w.tape.close(w.tape.open(k.offset), w.i)
		}
		if w.space(); w.i == len(w.b) {
			return w.cutOff()
		} else if w.b[w.i] != ':' {
			return w.stop(w.i, RuleSyntax, fmt.Sprintf("%s, want : after the key %s", w.here(), quote(k.name)), w.syntaxHint())
		}
		w.i++
		w.space()
		w.push(step{key: k.name})
		if first, twice := seen.add(k); twice && w.wants(RuleDuplicateKey, Error) {
			where := "on the same line"
			if lines := bytes.Count(w.b[first:k.offset], []byte{'\n'}); lines > 0 {
				where = fmt.Sprintf("%d lines above", lines)
			}
			w.report(k.offset, RuleDuplicateKey, Error, "is given twice, first "+where, "")
		}
		child := w.child(n, k, &unknown)
		if child != nil {
			there |= 1 << child.index
		}
		if ok = w.value(child); !ok {
			return false
		}
		w.pop()
		if w.space(); w.i == len(w.b) {
			return w.cutOff()
		}
		c := w.b[w.i]
		if c != ',' && c != '}' {
			return w.stop(w.i, RuleSyntax, w.here()+", want , or }", w.missingComma())
		}
		w.i++
		if c == '}' {
			break
		}
	}
	if n.documented() {
		w.missing(n, begin, there, unknown)
		w.meanings(n)
	}
	return true
}

// meanings holds the values of an object against one another.
func (w *walker) meanings(n *node) {
	for i := range n.holds {
		h := &n.holds[i]
		place, given := w.values[h.placeSlot], w.values[h.givenSlot]
		if !h.broken(place.text, given.text) || !w.wants(h.rule, h.severity) {
			continue
		}
		outside := len(w.path)
		w.path = append(w.path, h.path...)
		w.report(place.offset, h.rule, h.severity, h.message(place.text, given.text), "")
		w.path = w.path[:outside]
	}
}

// child is the documented place of a key, nil if there is none.
func (w *walker) child(n *node, k key, unknown *[]string) *node {
	if !n.documented() {
		return nil
	}
	if child := n.byName[string(k.name)]; child != nil {
		return child
	}
	if len(*unknown) < maxUnknown {
		*unknown = append(*unknown, string(k.name))
	}
	for _, c := range n.children {
		if strings.EqualFold(c.name, string(k.name)) {
			w.report(k.offset, RuleCaseVariantKey, Warning, fmt.Sprintf("differs from %q only by case", c.name), fmt.Sprintf("rename it to %q", c.name))
			return nil
		}
	}
	if w.wants(RuleUnknownField, Off) {
		w.report(k.offset, RuleUnknownField, Off, "is no documented field", didYouMean(string(k.name), n.names()))
	}
	return nil
}

// maxUnknown is how many undocumented keys of an object are looked at for the
// name of a missing one.
const maxUnknown = 32

// missing reports the fields that the object at begin lacks.
func (w *walker) missing(n *node, begin int, there uint64, unknown []string) {
	for _, c := range n.children {
		if (n.must&^there)&(1<<c.index) == 0 {
			continue
		}
		severity := Warning
		if c.Presence == julian.Required {
			severity = Error
		}
		hint := ""
		if near := Nearest(c.name, unknown); near != "" {
			hint = fmt.Sprintf("rename %s to %q", quote([]byte(near)), c.name)
		}
		w.push(step{key: []byte(c.name)})
		w.report(begin, RuleRequired, severity, "is missing", hint)
		w.pop()
	}
}

// array walks from [ to ].
func (w *walker) array(n *node) bool {
	w.i++
	var item *node
	if n != nil {
		item = n.item
	}
	if w.space(); w.i < len(w.b) && w.b[w.i] == ']' {
		w.i++
		return true
	}
	for index := 0; ; index++ {
		if w.space(); w.i < len(w.b) && w.b[w.i] == ']' && index > 0 {
			return w.stop(w.i, RuleSyntax, w.here()+", want a value", "remove the comma before it")
		}
		w.push(step{index: index})
		if !w.value(item) {
			return false
		}
		w.pop()
		if w.space(); w.i == len(w.b) {
			return w.cutOff()
		}
		c := w.b[w.i]
		if c != ',' && c != ']' {
			return w.stop(w.i, RuleSyntax, w.here()+", want , or ]", w.missingComma())
		}
		w.i++
		if c == ']' {
			return true
		}
	}
}

// text checks a string against what is stated for it.
func (w *walker) text(n *node, begin int, text []byte) {
	if len(text) == 0 && n.nonEmpty() {
		w.report(begin, RuleRequired, Error, "is empty", "")
		return
	}
	if n.Enum != nil && !slices.Contains(n.Enum, string(text)) && w.wants(RuleEnum, Error) {
		want, hint := "a documented value", didYouMean(string(text), n.Enum)
		if last := len(n.Enum) - 1; last < maxNamed {
			want = strings.Join(n.Enum[:last], ", ") + " or " + n.Enum[last]
		} else if hint == "" {
			hint = "one of: " + strings.Join(n.Enum, ", ")
		}
		w.report(begin, RuleEnum, Error, "is "+quote(text)+", want "+want, hint)
	}
	if f := n.format; f != nil && !f.ok(text) && (len(text) > 0 || !n.Empty) && w.wants(RuleFormat, Error) {
		hint := ""
		if f.name == julian.Zone {
			hint = didYouMean(string(text), zoneNames())
		}
		w.report(begin, RuleFormat, Error, "is "+quote(text)+", want "+f.want, hint)
	}
	if !hasPrefix(text, n.Prefix) && w.wants(RuleIDPrefix, Warning) {
		w.report(begin, RuleIDPrefix, Warning, fmt.Sprintf("is %s, want it to begin with %q", quote(text), n.Prefix), "")
	}
}

// maxNamed is how many values of an enumeration a message names.
const maxNamed = 4

func didYouMean(word string, known []string) string {
	if near := Nearest(word, known); near != "" {
		return fmt.Sprintf("did you mean %q?", near)
	}
	return ""
}

// str reads a string and returns its text, escapes resolved, if it is wanted: a
// transcript may be long. Bytes that are not UTF-8 stay; half a surrogate pair
// becomes U+FFFD, as in encoding/json.
func (w *walker) str(wanted bool) ([]byte, bool) {
	begin := w.i
	w.i++
	clean := w.i // text before it is in out already
	var out []byte
	for w.i < len(w.b) {
		switch c := w.b[w.i]; {
		case c == '"':
			text := w.b[clean:w.i]
			if out != nil {
				text = append(out, text...)
			}
			w.i++
			return text, true
		case c == '\\':
			end := w.i
			r, ok := w.escape()
			if !ok {
				return nil, false
			}
			if wanted {
				out = append(out, w.b[clean:end]...)
				out = utf8.AppendRune(out, r)
				clean = w.i
			}
		case c == '\n' || c == '\r':
			return nil, w.stop(w.i, RuleSyntax, "line end in a string", `close the string, or write the line end as \n`)
		case c < ' ':
			return nil, w.stop(w.i, RuleSyntax, fmt.Sprintf("control character U+%04X in a string", c), fmt.Sprintf(`write it as \u%04x`, c))
		case c < utf8.RuneSelf:
			w.i++
		default:
			r, size := utf8.DecodeRune(w.b[w.i:])
			if r == utf8.RuneError && size == 1 && !w.toldBytes {
				w.toldBytes = true
				w.report(w.i, RuleEncoding, Error, fmt.Sprintf("byte 0x%02X is not UTF-8", c), "save it as UTF-8")
			}
			w.i += size
		}
	}
	return nil, w.stop(begin, RuleSyntax, "string is not closed", "is the document cut off?")
}

// escape reads what begins with a backslash.
func (w *walker) escape() (rune, bool) {
	begin := w.i
	if w.i+1 == len(w.b) {
		w.i++
		return 0, w.cutOff()
	}
	c := w.b[w.i+1]
	if c != 'u' {
		at := strings.IndexByte(`"\/bfnrt`, c)
		if at < 0 {
			w.i++
			return 0, w.stop(begin, RuleSyntax, fmt.Sprintf(`%s after \ in a string`, w.here()), `write a backslash as \\`)
		}
		w.i += 2
		return rune("\"\\/\b\f\n\r\t"[at]), true
	}
	high, ok := w.hex4(begin)
	if !ok {
		return 0, false
	}
	if high < 0xd800 || high > 0xdfff {
		return high, true
	}
	if high < 0xdc00 && w.i+1 < len(w.b) && w.b[w.i] == '\\' && w.b[w.i+1] == 'u' {
		second := w.i
		low, ok := w.hex4(second)
		if !ok {
			return 0, false
		}
		if 0xdc00 <= low && low <= 0xdfff {
			return (high-0xd800)<<10 + (low - 0xdc00) + 0x10000, true
		}
		w.i = second // it stands for itself
	}
	if !w.toldHalf {
		w.toldHalf = true
		w.report(begin, RuleEncoding, Warning, fmt.Sprintf(`\u%04x is half of a surrogate pair`, high), "it stands for no character: the text was probably cut in the middle of one")
	}
	return utf8.RuneError, true
}

// hex4 reads \uXXXX at begin.
func (w *walker) hex4(begin int) (rune, bool) {
	var r rune
	w.i = begin + 2
	for range 4 {
		if w.i == len(w.b) {
			return 0, w.cutOff()
		}
		d := jsonscan.Unhex(w.b[w.i])
		if d < 0 {
			return 0, w.stop(begin, RuleSyntax, fmt.Sprintf(`%s in \u, want four hexadecimal digits`, w.here()), "")
		}
		r = r<<4 | rune(d)
		w.i++
	}
	return r, true
}

// number reads a number of any size and precision.
func (w *walker) number() bool {
	begin := w.i
	if w.b[w.i] == '-' {
		w.i++
	}
	if w.i < len(w.b) && w.b[w.i] == '0' {
		w.i++
		if w.i < len(w.b) && '0' <= w.b[w.i] && w.b[w.i] <= '9' {
			return w.stop(begin, RuleSyntax, "number begins with 0", "remove the zero, or put the value in double quotes")
		}
	} else if !w.digits() {
		return false
	}
	if w.i < len(w.b) && w.b[w.i] == '.' {
		w.i++
		if !w.digits() {
			return false
		}
	}
	if w.i < len(w.b) && w.b[w.i]|0x20 == 'e' {
		w.i++
		if w.i < len(w.b) && (w.b[w.i] == '+' || w.b[w.i] == '-') {
			w.i++
		}
		return w.digits()
	}
	return true
}

// digits reads at least one.
func (w *walker) digits() bool {
	begin := w.i
	for w.i < len(w.b) && '0' <= w.b[w.i] && w.b[w.i] <= '9' {
		w.i++
	}
	switch {
	case w.i > begin:
		return true
	case w.i == len(w.b):
		return w.cutOff()
	}
	return w.stop(w.i, RuleSyntax, w.here()+" in a number, want a digit", w.syntaxHint())
}

// literal reads word if it is there.
func (w *walker) literal(word string) bool {
	rest := w.b[w.i:]
	if len(rest) < len(word) || string(rest[:len(word)]) != word {
		return false
	}
	w.i += len(word)
	return true
}
