package page

import (
	"bytes"
	"html"
)

// Node is a piece of a page: text, or an element with what is in it. There is
// no way to make markup of text, nor an attribute of it.
//
// A template library would do the same, and make the program 3.6 MB larger: it
// calls methods by their names, so that the linker keeps those of every type.
type Node struct {
	text     string
	tag      string // empty: text
	class    string
	children []Node
}

// Text is text, whatever is in it.
func Text(s string) Node { return Node{text: s} }

// El is an element of a class, which may be empty. Tag and class are words of
// the program.
func El(tag, class string, children ...Node) Node {
	return Node{tag: tag, class: class, children: children}
}

// write writes the node; lines are broken where browsers show no space.
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

// isBlock reports whether an element holds nothing but elements that stand below
// or beside each other, so that a space between them is none.
func isBlock(tag string) bool {
	switch tag {
	case "main", "header", "section", "div", "ul", "dl", "details", "table", "thead", "tbody", "tr":
		return true
	}
	return false
}
