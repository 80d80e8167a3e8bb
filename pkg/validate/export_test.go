package validate

import "github.com/julianctl/julianctl/pkg/payload"

// Look is the long way alone.
func (v *Validator) Look(doc payload.Document) []Issue { return v.look(doc) }

// Passes is the short way alone.
func (v *Validator) Passes(body []byte) bool { return (&sprint{v: v}).passes(body) }

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
