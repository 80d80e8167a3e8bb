package validate

import "github.com/julianctl/julianctl/pkg/payload"

// Look is the long way alone.
func (v *Validator) Look(doc payload.Document) []Issue { return v.look(doc) }

// Passes is the short way alone.
func (v *Validator) Passes(body []byte) bool { return newSprint(v).passes(body) }

// Sprint is the short way for one body after another.
func (v *Validator) Sprint() func(body []byte) bool { return newSprint(v).passes }

// IsUsualTime and IsDateTime look at a time with quotes, and without.
func IsUsualTime(text string) bool { return isUsualTime([]byte(text)) }
func IsDateTime(text string) bool  { return isDateTime([]byte(text)) }

// Widest is the number of documented keys of the object that has most.
func (v *Validator) Widest() int { return widest(v.root) }

func widest(n *node) int {
	if n == nil {
		return 0
	}
	most := max(len(n.children), widest(n.item))
	for _, c := range n.children {
		most = max(most, widest(c))
	}
	return most
}

// Meaning is the two fields of a rule on what they say together.
type Meaning struct{ Rule, Place, Given, PlaceScope, GivenScope string }

// Meanings is every such rule.
func Meanings() (all []Meaning) {
	for _, m := range meanings() {
		all = append(all, Meaning{m.rule, m.place, m.given, scopeOf(m.place), scopeOf(m.given)})
	}
	return all
}

// Slots is how many values a document is remembered by, and how many there is
// room for.
func (v *Validator) Slots() (used, room int) { return mostSlots(v.root), slots }

func mostSlots(n *node) int {
	if n == nil {
		return 0
	}
	most := max(n.slot, mostSlots(n.item))
	for _, c := range n.children {
		most = max(most, mostSlots(c))
	}
	return most
}

// IsBefore compares moments.
func IsBefore(value, than string) bool { return isBefore([]byte(value), []byte(than)) }

// CompileSchema is LoadSchema for a document that was read already, from a
// folder that has any URI.
func CompileSchema(name string, body []byte, folder string, read func(name string) (path string, body []byte, err error)) (*Schema, error) {
	c := newCompiler()
	c.folder, c.read = folder, read
	return c.compile(name, folder+name, body)
}

// Recalls holds a body against the schema as if much had been asked already:
// no question is looked into twice.
func (v *Validator) Recalls(body []byte) bool {
	w := &walker{v: &Validator{}, b: body, tape: &tape{b: body}}
	w.document()
	r := &run{tape: *w.tape, program: v.options.Schema, steps: 1 << 30, many: 1 << 30, limit: maxFound, loud: true}
	return r.check(r.program.root, 0, nil) && !r.gaveUp
}
