package validate

import (
	"encoding/binary"
	"strings"

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

	// What a sprint wants ready at hand.
	opens   byte   // first byte of a value: " { [ or, for every number, 0
	head    head   // the key, in double quotes
	values  []head // of an enumeration, in double quotes
	id      int    // counts the nodes of a tree
	must    uint64 // bits of the children that have to be there, by index
	format  *format
	anyText bool // a string of which nothing more is stated

	slot  int    // where its value is remembered; 0: it is not
	holds []held // of an object
	asked uint64 // bits of the slots that they ask for
}

// tree is the nodes by pointer, "" for the payload itself.
type tree struct {
	nodes map[string]*node
	slots int // in use
}

// compile makes a tree of the field table, in which parents come first.
func compile(fields []julian.Field) *tree {
	nodes := map[string]*node{"": {Field: julian.Field{Kind: julian.Object}, opens: '{'}}
	for _, f := range fields {
		at := strings.LastIndexByte(f.Pointer, '/')
		parent := nodes[f.Pointer[:at]]
		n := &node{Field: f, name: f.Pointer[at+1:], index: len(parent.children), format: formatOf(f.Format)}
		n.opens = map[julian.Kind]byte{julian.String: '"', julian.Object: '{', julian.Array: '[', julian.Number: '0'}[f.Kind]
		n.head, n.id = headOf(n.name), len(nodes)
		for _, value := range n.Enum {
			n.values = append(n.values, headOf(value))
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
	return &tree{nodes: nodes}
}

// head is a key or another string as it stands in JSON, for comparison in words
// of 8 bytes.
type head struct {
	text, mask [3]uint64
	size       int // with the quotes
}

// room is how many bytes a head is compared with.
const room = 24

// headOf is nowhere found if the name is too long.
func headOf(name string) (h head) {
	if len(name)+len(`""`) > room {
		return head{text: [3]uint64{1}}
	}
	var text, mask [room]byte
	h.size = copy(text[:], `"`+name+`"`)
	for i := range h.size {
		mask[i] = 0xff
	}
	for i := range h.text {
		h.text[i], h.mask[i] = binary.LittleEndian.Uint64(text[8*i:]), binary.LittleEndian.Uint64(mask[8*i:])
	}
	return h
}

// stands reports whether b begins with the head. It is silent where b is short.
func (h *head) stands(b []byte) bool {
	if len(b) < room {
		return false
	}
	x, y, z := binary.LittleEndian.Uint64(b), binary.LittleEndian.Uint64(b[8:]), binary.LittleEndian.Uint64(b[16:])
	return (x&h.mask[0]^h.text[0])|(y&h.mask[1]^h.text[1])|(z&h.mask[2]^h.text[2]) == 0
}

// documented reports whether the object's keys are stated.
func (n *node) documented() bool { return n != nil && len(n.children) > 0 }

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
