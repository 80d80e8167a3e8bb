package terminal

import (
	"cmp"
	"iter"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/julianctl/julianctl/pkg/safetext"
	"github.com/rivo/uniseg"
)

// This file is all that measures, cuts, pads and wraps text in the columns of a
// terminal. Text comes in safe (see safetext), and colours come on after it is
// laid out; only cells and WrapList take text that has them. Untrusted text may be
// very long, so every function runs in linear time (TestPrintingIsLinear).

// maxCluster is how many bytes one character may have. Four people with a skin
// tone each, joined to one picture, have 41; Unicode's stream-safe text has no
// more than 30 marks upon a letter.
const maxCluster = 64

// clusters yields the visible characters of s (a letter with its accents, a flag, a
// family), each with its columns. One of more than maxCluster bytes is split into parts
// of at least one column, so that no line is endless.
func clusters(s string) iter.Seq2[string, int] {
	return func(yield func(string, int) bool) {
		for state := -1; s != ""; {
			if n, columns := simple(s); n > 0 {
				if !yield(s[:n], columns) {
					return
				}
				s, state = s[n:], -1
				continue
			}
			cluster, rest, columns, next := uniseg.FirstGraphemeClusterInString(s, state)
			s, state = rest, next
			whole := min(len(cluster), maxCluster)
			if columns > 4 {
				whole = 0 // Unicode takes any number of some Arabic signs for one character
			}
			for whole < len(cluster) && !utf8.RuneStart(cluster[whole]) {
				whole--
			}
			if whole > 0 && !yield(cluster[:whole], columns) {
				return
			}
			for cluster = cluster[whole:]; cluster != ""; {
				_, n := utf8.DecodeRuneInString(cluster)
				if !yield(cluster[:n], max(1, uniseg.StringWidth(cluster[:n]))) {
					return
				}
				cluster = cluster[n:]
			}
		}
	}
}

// simple is the length and the columns of what s begins with if that is ASCII
// without an accent, or a colour; otherwise 0.
func simple(s string) (n, columns int) {
	if s[0] >= utf8.RuneSelf || len(s) > 1 && s[1] >= utf8.RuneSelf {
		return 0, 0
	}
	if strings.HasPrefix(s, "\x1b[") {
		if end := strings.IndexByte(s, 'm'); end > 0 {
			return end + 1, 0
		}
	}
	if s[0] < ' ' || s[0] == 0x7f {
		return 1, 0
	}
	return 1, 1
}

// Cells is how many columns text takes, coloured or not.
func Cells(s string) int {
	plain := true
	for i := 0; i < len(s) && plain; i++ {
		plain = ' ' <= s[i] && s[i] <= '~'
	}
	if plain {
		return len(s)
	}
	width := 0
	for _, columns := range clusters(s) {
		width += columns
	}
	return width
}

// Split cuts s behind the characters that fit into so many columns, and tells
// how many those take.
func Split(s string, columns int) (head, rest string, width int) {
	end := 0
	for c, n := range clusters(s) {
		if width+n > columns {
			break
		}
		end, width = end+len(c), width+n
	}
	return s[:end], s[end:], width
}

// Fit cuts s to so many columns, with an ellipsis in place of what is missing.
func Fit(s string, columns int) string {
	if columns < 1 {
		return ""
	}
	if _, rest, _ := Split(s, columns); rest == "" {
		return s
	}
	head, _, _ := Split(s, columns-1)
	return head + "…"
}

// FitMiddle cuts s in its middle: the ends of an id tell more.
func FitMiddle(s string, columns int) string {
	width := Cells(s)
	if width <= columns || columns < 3 {
		return Fit(s, columns)
	}
	tail := (columns - 1) / 2
	return Fit(s, columns-tail) + DropCells(s, width-tail)
}

// DropCells leaves out so many columns at the beginning. Half of a wide
// character becomes a space.
func DropCells(s string, columns int) string {
	_, rest, width := Split(s, columns)
	if width == columns || rest == "" {
		return rest
	}
	for c, n := range clusters(rest) {
		return Spaces(width+n-columns) + rest[len(c):]
	}
	return ""
}

// CutText is the first so many characters of s, and how many more there are. It
// cuts no character apart that a reader sees as one.
func CutText(s string, most int) (head string, more int) {
	if len(s) <= most {
		return s, 0
	}
	end, n := 0, 0
	for c := range clusters(s) {
		if n += utf8.RuneCountInString(c); n > most {
			break
		}
		end += len(c)
	}
	return s[:end], utf8.RuneCountInString(s[end:])
}

// Spaces is n spaces; none for a number below 1.
func Spaces(n int) string { return strings.Repeat(" ", max(0, n)) }

// Pad fills s up to so many columns.
func Pad(s string, columns int) string { return s + Spaces(columns-Cells(s)) }

// PadLeft is pad for numbers.
func PadLeft(s string, columns int) string { return Spaces(columns-Cells(s)) + s }

// closing are characters that do not stand alone on a line.
const closing = ")]}.,;:!?\"'"

// Wrap breaks safe text at spaces into lines of so many columns. A longer word
// is broken between characters. There is one line at least.
func Wrap(s string, columns int) []string {
	var lines []string
	var line []byte
	width := 0
	end := func() {
		// What was harmless in the middle of a line may be a command to a CI
		// system at its beginning.
		lines = append(lines, safetext.Line(string(line)))
		line, width = line[:0], 0
	}
	for word := range strings.FieldsSeq(s) {
		w := Cells(word)
		if len(line) > 0 {
			if width+1+w > columns {
				end()
			} else {
				line, width = append(line, ' '), width+1
			}
		}
		if w <= columns {
			line, width = append(line, word...), width+w
			continue
		}
		before, at := "", 0 // the character before, and where c begins in word
		for c, n := range clusters(word) {
			at += len(c)
			if width+n > columns && len(line) > 0 {
				carried := ""
				if at == len(word) && strings.ContainsAny(c, closing) && len(before) < len(line) {
					carried = before // it would stand alone on its line
					line = line[:len(line)-len(carried)]
				}
				end()
				line, width = append(line, carried...), Cells(carried)
			}
			line, width = append(line, c...), width+n
			before = c
		}
	}
	end()
	return lines
}

// WrapList breaks a list, which may be coloured, behind its commas into lines
// of so many columns.
func WrapList(s string, columns int) []string {
	var lines []string
	begin, end, width := 0, 0, 0
	for part := range strings.SplitAfterSeq(s, ", ") {
		w := Cells(part)
		if end > begin && width+Cells(strings.TrimSpace(part)) > columns {
			lines = append(lines, strings.TrimSpace(s[begin:end]))
			begin, width = end, 0
		}
		end, width = end+len(part), width+w
	}
	return append(lines, s[begin:])
}

// Hang puts head before the first of lines, and room of its width before the
// others.
func Hang(head string, lines []string) []string {
	room := Spaces(Cells(head))
	out := make([]string, len(lines))
	for i, line := range lines {
		out[i] = room + line
	}
	if len(lines) > 0 {
		out[0] = head + lines[0]
	}
	return out
}

// OrDash is s, or a dash in its place when it is empty.
func OrDash(s string) string { return cmp.Or(s, "-") }

// Join joins what is not empty.
func Join(sep string, parts ...string) string {
	return strings.Join(slices.DeleteFunc(parts, func(s string) bool { return s == "" }), sep)
}
