package page

import (
	"bytes"
	"html"
)

// Node is a part of a page: text, or an element with its children. Text can become
// neither markup nor an attribute.
//
// html/template would make the program 3.6 MB larger: it calls methods by name, so the
// linker keeps all methods of all types.
type Node struct {
	text     string
	tag      string // empty: text
	class    string
	children []Node
}

// Text returns a text node; s is escaped.
func Text(s string) Node { return Node{text: s} }

// El returns an element. class may be empty. tag and class must be constants.
func El(tag, class string, children ...Node) Node {
	return Node{tag: tag, class: class, children: children}
}

// write writes the node. Lines end where browsers show no space.
func (n Node) write(b *bytes.Buffer) {
	if n.tag == "" {
		b.WriteString(html.EscapeString(n.text))
		return
	}
	b.WriteString("<" + n.tag)
	if n.class != "" {
		b.WriteString(` class="` + html.EscapeString(n.class) + `"`)
	}
	b.WriteByte('>')
	block := isBlock(n.tag)
	if block {
		b.WriteByte('\n')
	}
	for _, c := range n.children {
		c.write(b)
		if block {
			b.WriteByte('\n')
		}
	}
	b.WriteString("</" + n.tag + ">")
}

// isBlock reports whether an element has only children for which white space between
// them is not shown.
func isBlock(tag string) bool {
	switch tag {
	case "main", "header", "section", "div", "ul", "dl", "details", "table", "thead", "tbody", "tr":
		return true
	}
	return false
}
