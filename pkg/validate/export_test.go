package validate

import "github.com/julianctl/julianctl/pkg/payload"

// SlowIssues is the slow path alone.
func (v *Validator) SlowIssues(doc payload.Document) []Issue { return v.slowIssues(doc) }

// FastAccepts is the fast path alone.
func (v *Validator) FastAccepts(body []byte) bool { return newFastPath(v.rules).accepts(body) }

// FastPath is the fast path for one body after another.
func (v *Validator) FastPath() func(body []byte) bool { return newFastPath(v.rules).accepts }

// Widest is the number of documented keys of the object that has most.
func (v *Validator) Widest() int { return widest(v.rules.root) }

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
func (v *Validator) Slots() (used, room int) { return mostSlots(v.rules.root), slots }

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
