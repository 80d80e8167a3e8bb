package main

import (
	"bufio"
	"context"
	"errors"
	"io"
	"os/exec"
	"strings"
	"time"
)

// A child is a program that this one starts: a tunnel, or what --on-failure
// names. It is started directly, never by a shell, and in a group of its own:
// Ctrl-C is for this program to act on, and what the child starts ends with it.

// childGrace is how long a child has to end once it was asked to.
const childGrace = 3 * time.Second

// newChild prepares argv. When ctx ends the child is asked to end, then made to.
func newChild(ctx context.Context, argv []string) *exec.Cmd {
	cmd := exec.CommandContext(ctx, argv[0], argv[1:]...) //nolint:gosec // the person's own command
	cmd.WaitDelay = childGrace
	ownGroup(cmd)
	return cmd
}

// eachLine calls do with every line of r, cut to a length that can be shown, and
// reads to the end whatever comes.
func eachLine(r io.Reader, do func(line string)) {
	const longest = 4 << 10
	lines := bufio.NewReaderSize(r, longest)
	for {
		line, cut, err := lines.ReadLine()
		if err != nil {
			return
		}
		do(string(line))
		for cut && err == nil {
			_, cut, err = lines.ReadLine()
		}
	}
}

// splitCommand cuts a command line into words as a POSIX shell does, and does
// nothing else of what a shell does: no variable, no pattern, no pipe. Words are
// parted by white space; '…' is taken as it stands; in "…" a backslash goes
// before " and itself; elsewhere a backslash takes the next character as it is.
func splitCommand(s string) (argv []string, err error) {
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
