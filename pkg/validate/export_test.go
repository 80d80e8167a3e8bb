package validate

import (
	"github.com/julianctl/julianctl/pkg/jsonscan"
	"github.com/julianctl/julianctl/pkg/payload"
)

// SlowIssues is the slow path alone.
func (v *Validator) SlowIssues(doc payload.Document) []Issue { return v.slowIssues(doc) }

// FastAccepts is the fast path alone.
func (v *Validator) FastAccepts(body []byte) bool { return newFastPath(v).accepts(body) }

// FastPath is the fast path for one body after another.
func (v *Validator) FastPath() func(body []byte) bool { return newFastPath(v).accepts }

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

// Relation is the two fields of a rule on what they say together.
type Relation struct{ Rule, Place, Given, PlaceScope, GivenScope string }

// Relations is every such rule.
func Relations() (all []Relation) {
	for _, r := range relations() {
		all = append(all, Relation{r.rule, r.place, r.given, scopeOf(r.place), scopeOf(r.given)})
	}
	return all
}

// Slots is how many values of a document are remembered, and how many there is
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
	r := &run{program: v.options.Schema, steps: 1 << 30, many: 1 << 30, limit: maxFound, loud: true}
	reader := jsonscan.NewReader(body, "payload", &r.Index, func(jsonscan.Problem) {})
	reader.Document(reader.Any)
	return r.check(r.program.root, 0, nil) && !r.gaveUp
}
