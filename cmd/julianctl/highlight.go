package main

import (
	"bytes"
	"encoding/json"
	"strings"

	"github.com/julianctl/julianctl/pkg/safetext"
)

// prettyJSON lays out valid JSON for a person: two spaces a level, coloured,
// nothing in it that acts on a terminal. Its bytes are for eyes only.
func prettyJSON(text []byte, s style) (string, error) {
	var indented bytes.Buffer
	if err := json.Indent(&indented, safetext.JSON(text), "", "  "); err != nil {
		return "", err
	}
	var out strings.Builder
	for rest := indented.String(); rest != ""; {
		token := rest[:tokenLen(rest)]
		rest = rest[len(token):]
		paint := s.faint // punctuation
		switch c := token[0]; {
		case c == ' ' || c == '\n':
			out.WriteString(token)
			continue
		case c == '"' && strings.HasPrefix(rest, ":"):
			paint = s.accent
		case c == '"':
			paint = s.good
		case c == '-' || '0' <= c && c <= '9', c == 't', c == 'f', c == 'n':
			paint = s.warn
		}
		out.WriteString(paint(token))
	}
	return strings.TrimSpace(out.String()) + "\n", nil
}

// tokenLen is the length of the token that s, indented JSON, begins with: a
// string, white space, a literal, or one character of punctuation.
func tokenLen(s string) int {
	if s[0] == '"' {
		for i := 1; i < len(s); i++ {
			switch s[i] {
			case '\\':
				i++
			case '"':
				return i + 1
			}
		}
		return len(s)
	}
	const punctuation = `{}[],:`
	if strings.IndexByte(punctuation, s[0]) >= 0 {
		return 1
	}
	blank := s[0] == ' ' || s[0] == '\n'
	for i := 1; i < len(s); i++ {
		if c := s[i]; strings.IndexByte(punctuation, c) >= 0 || (c == ' ' || c == '\n') != blank || c == '"' {
			return i
		}
	}
	return len(s)
}
