package terminal

import "strings"

// nested is 1 in so many arrays; the last level is not indented any more.
func nested(levels int) string {
	var open, shut string
	for i := range levels {
		margin := strings.Repeat("  ", min(i, maxIndent))
		open += margin + "[\n"
		shut = margin + "]\n" + shut
	}
	return open + strings.Repeat("  ", min(levels, maxIndent)) + "1\n" + shut
}
