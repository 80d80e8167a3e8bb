package validate

import (
	"encoding/binary"
	"slices"
	"strings"

	"github.com/julianctl/julianctl/pkg/jsonscan"
	"github.com/julianctl/julianctl/pkg/jsonschema"
	"github.com/julianctl/julianctl/pkg/julian"
)

// node is one documented place of the payload with what may stand below it.
type node struct {
	julian.Field
	name     string
	children []*node // of an object, in documented order
	byName   map[string]*node
	item     *node // of an array
	index    int   // among its parent's children

	// What the fast path wants ready at hand.
	opens   byte    // first byte of a value: " { [ or, for every number, 0
	token   token   // the key, in double quotes
	values  []token // of an enumeration, in double quotes
	id      int     // counts the nodes of a tree
	must    uint64  // bits of the children that have to be there, by index
	format  *jsonschema.Format
	anyText bool // a string of which nothing more is stated

	slot      int            // where its value is remembered; 0: it is not
	relations []nodeRelation // of an object
	needed    uint64         // bits of the slots that they need
}

// fieldTree is the nodes by pointer, "" for the payload itself.
type fieldTree struct {
	nodes map[string]*node
	slots int // in use
}

// newFieldTree makes a tree of the field table, in which parents come first.
func newFieldTree(fields []julian.Field) *fieldTree {
	nodes := map[string]*node{"": {Field: julian.Field{Kind: julian.Object}, opens: '{'}}
	for _, f := range fields {
		at := strings.LastIndexByte(f.Pointer, '/')
		parent := nodes[f.Pointer[:at]]
		n := &node{Field: f, name: f.Pointer[at+1:], index: len(parent.children), format: formatNamed(f.Format)}
		n.opens = map[julian.Kind]byte{julian.String: '"', julian.Object: '{', julian.Array: '[', julian.Number: '0'}[f.Kind]
		n.token, n.id = newToken(n.name), len(nodes)
		for _, value := range n.Enum {
			n.values = append(n.values, newToken(value))
		}
		n.anyText = n.Kind == julian.String && n.Enum == nil && n.format == nil && n.Prefix == "" && !n.nonEmpty()
		nodes[f.Pointer] = n
		if n.name == "*" {
			parent.item = n
			continue
		}
		if parent.byName == nil {
			parent.byName = map[string]*node{}
		}
		parent.byName[n.name] = n
		parent.children = append(parent.children, n)
		if f.Presence != julian.Optional {
			parent.must |= 1 << n.index
		}
	}
	return &fieldTree{nodes: nodes}
}

// token is a key or another string as it stands in JSON, for comparison in words
// of 8 bytes.
type token struct {
	text, mask [3]uint64
	size       int // with the quotes
}

// tokenSize is how many bytes a token is compared with.
const tokenSize = 24

// newToken returns a token that begins nothing if the name is too long.
func newToken(name string) (t token) {
	if len(name)+len(`""`) > tokenSize {
		return token{text: [3]uint64{1}}
	}
	var text, mask [tokenSize]byte
	t.size = copy(text[:], `"`+name+`"`)
	for i := range t.size {
		mask[i] = 0xff
	}
	for i := range t.text {
		t.text[i], t.mask[i] = binary.LittleEndian.Uint64(text[8*i:]), binary.LittleEndian.Uint64(mask[8*i:])
	}
	return t
}

// begins reports whether b begins with the token. It is false for a b of less
// than tokenSize bytes.
func (t *token) begins(b []byte) bool {
	if len(b) < tokenSize {
		return false
	}
	x, y, z := binary.LittleEndian.Uint64(b), binary.LittleEndian.Uint64(b[8:]), binary.LittleEndian.Uint64(b[16:])
	return (x&t.mask[0]^t.text[0])|(y&t.mask[1]^t.text[1])|(z&t.mask[2]^t.text[2]) == 0
}

// nonEmpty reports whether "" is as good as missing.
func (n *node) nonEmpty() bool {
	return n.Presence == julian.Required && n.Kind == julian.String && n.Enum == nil
}

// names is the keys of an object's children.
func (n *node) names() []string {
	names := make([]string, len(n.children))
	for i, c := range n.children {
		names[i] = c.name
	}
	return names
}

// nodeRelation is a relation that is checked when the object that both fields
// stand in ends.
type nodeRelation struct {
	needed               uint64 // bits of both slots
	results              uint64 // among as bits of given's enumeration; 0: it has none
	placeSlot, givenSlot int
	relation
	severity Severity      // the usual one
	path     jsonscan.Path // from the object to the place
}

// slots is how many values of a document are remembered, at most. Slot 0 is for
// those that no rule needs.
const slots = 16

// addRelation adds a rule to the node of the object that both fields stand in.
func (t *fieldTree) addRelation(r relation, usual Severity) {
	added := nodeRelation{relation: r, placeSlot: t.slot(r.place), givenSlot: t.slot(r.given), severity: usual}
	added.needed = 1<<added.placeSlot | 1<<added.givenSlot
	if enum := t.nodes[r.given].Enum; len(enum) <= 64 {
		for _, value := range r.among {
			if i := slices.Index(enum, value); i >= 0 {
				added.results |= 1 << i
			}
		}
	}
	scope := scopeOf(r.place)
	for name := range strings.SplitSeq(r.place[len(scope)+1:], "/") {
		added.path = append(added.path, jsonscan.Step{Key: []byte(name)})
	}
	n := t.nodes[scope]
	n.relations = append(n.relations, added)
	n.needed |= added.needed
}

// slot is where the value of a field is remembered.
func (t *fieldTree) slot(pointer string) int {
	n := t.nodes[pointer]
	if n.slot == 0 {
		t.slots++
		n.slot = t.slots
		n.anyText = false // a rule reads it
	}
	return n.slot
}

// scopeOf is the item of a list that a field stands in, or else the payload.
func scopeOf(pointer string) string { return pointer[:strings.LastIndexByte(pointer, '*')+1] }

func hasPrefix(b []byte, prefix string) bool {
	return len(b) >= len(prefix) && string(b[:len(prefix)]) == prefix
}
