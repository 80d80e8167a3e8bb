package terminal

import (
	"encoding/json"
	"errors"
	"strings"

	"github.com/julianctl/julianctl/pkg/jsonscan"
	"github.com/julianctl/julianctl/pkg/safetext"
)

// maxIndent is how many levels are indented. What is nested deeper stands
// below each other: ten thousand levels would be a hundred megabytes of spaces.
const maxIndent = 40

// PrettyJSON formats valid JSON for display: two spaces per level, coloured, safe for a
// terminal.
func PrettyJSON(text []byte, s Style) (string, error) {
	if !json.Valid(text) {
		return "", errors.New("not JSON")
	}
	var out strings.Builder
	depth := 0
	line := func() { out.WriteString("\n" + Spaces(2*min(depth, maxIndent))) }
	for rest := trimJSON(string(safetext.JSON(text))); rest != ""; {
		token := rest[:tokenLen(rest)]
		rest = trimJSON(rest[len(token):])
		switch token[0] {
		case '{', '[':
			out.WriteString(s.Faint(token))
			if rest[0] == '}' || rest[0] == ']' { // valid JSON goes on
				out.WriteString(s.Faint(rest[:1]))
				rest = trimJSON(rest[1:])
				continue
			}
			depth++
			line()
		case '}', ']':
			depth--
			line()
			out.WriteString(s.Faint(token))
		case ',':
			out.WriteString(s.Faint(token))
			line()
		case ':':
			out.WriteString(s.Faint(token) + " ")
		case '"':
			colour := s.Good
			if strings.HasPrefix(rest, ":") {
				colour = s.Accent
			}
			out.WriteString(colour(token))
		default:
			out.WriteString(s.Warn(token))
		}
	}
	return out.String() + "\n", nil
}

func trimJSON(s string) string { return strings.TrimLeft(s, " \t\r\n") }

// tokenLen is the length of the token that s, valid JSON, begins with: a
// string, a literal, or one character of punctuation.
func tokenLen(s string) int {
	if s[0] == '"' {
		return jsonscan.StringEnd(s, 0)
	}
	if strings.IndexByte("{}[],:", s[0]) >= 0 {
		return 1
	}
	if end := strings.IndexAny(s, "{}[],:\" \t\r\n"); end >= 0 {
		return end
	}
	return len(s)
}
