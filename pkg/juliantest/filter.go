package juliantest

import (
	"flag"
	"regexp"
	"strings"
)

// wanted reports whether -run and -skip of go test let a subtest run, so that what
// they leave out need not be delivered.
func wanted(name string) bool {
	value := func(name string) string {
		if f := flag.Lookup(name); f != nil {
			return f.Value.String()
		}
		return ""
	}
	run, skip := value("test.run"), value("test.skip")
	return (run == "" || matches(run, name, false)) && (skip == "" || !matches(skip, name, true))
}

// matches reports whether a pattern of -run or -skip matches a name: alternatives of
// patterns for each level, as package testing reads them. A whole match has a pattern
// for no more levels than the name has.
func matches(pattern, name string, whole bool) bool {
	for _, alternative := range split(pattern, '|') {
		levels, names := split(alternative, '/'), strings.Split(name, "/")
		all := !whole || len(levels) <= len(names)
		for i := range min(len(levels), len(names)) {
			re, err := regexp.Compile(levels[i])
			all = all && err == nil && re.MatchString(names[i])
		}
		if all {
			return true
		}
	}
	return false
}

// split splits a pattern where sep is outside of brackets.
func split(pattern string, sep byte) []string {
	var parts []string
	begin, square, round := 0, 0, 0
	for i := 0; i < len(pattern); i++ {
		switch c := pattern[i]; {
		case c == '\\':
			i++
		case c == '[':
			square++
		case c == ']':
			square = max(0, square-1)
		case c == '(' && square == 0:
			round++
		case c == ')' && square == 0:
			round--
		case c == sep && square == 0 && round == 0:
			parts = append(parts, pattern[begin:i])
			begin = i + 1
		}
	}
	return append(parts, pattern[begin:])
}
