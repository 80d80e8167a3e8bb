package cli

import (
	"errors"
	"strings"
)

// SplitCommand cuts a command line into words as a POSIX shell does, and does
// nothing else of what a shell does: no variable, no pattern, no pipe. Words are
// parted by white space; '…' is taken as it stands; in "…" a backslash goes
// before " and itself; elsewhere a backslash takes the next character as it is.
func SplitCommand(s string) (argv []string, err error) {
	var word strings.Builder
	started := false // a word, which may be empty: ''
	for i := 0; i < len(s); i++ {
		switch c := s[i]; {
		case c == ' ' || c == '\t' || c == '\n':
			if started {
				argv = append(argv, word.String())
				word.Reset()
			}
			started = false
			continue
		case c == '\'':
			end := strings.IndexByte(s[i+1:], '\'')
			if end < 0 {
				return nil, errors.New("has a ' that is not closed")
			}
			word.WriteString(s[i+1 : i+1+end])
			i += end + 1
		case c == '"':
			for i++; i < len(s) && s[i] != '"'; i++ {
				if s[i] == '\\' && i+1 < len(s) && (s[i+1] == '"' || s[i+1] == '\\') {
					i++
				}
				word.WriteByte(s[i])
			}
			if i == len(s) {
				return nil, errors.New("has a \" that is not closed")
			}
		case c == '\\' && i+1 == len(s):
			return nil, errors.New("ends with a backslash")
		case c == '\\':
			i++
			word.WriteByte(s[i])
		default:
			word.WriteByte(c)
		}
		started = true
	}
	if started {
		argv = append(argv, word.String())
	}
	if len(argv) == 0 {
		return nil, errors.New("names no program")
	}
	return argv, nil
}
