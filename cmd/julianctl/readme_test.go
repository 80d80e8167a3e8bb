package main

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/julianctl/julianctl/pkg/cli/clitest"
	"github.com/julianctl/julianctl/pkg/cmd/root"
)

// Every command line in the documents is one that the program takes: the
// command is there and so is every flag. Only their effect is not tried here.
func TestDocumentedCommandLines(t *testing.T) {
	seen := 0
	for _, name := range []string{"README.md", "CONTRIBUTING.md", "SECURITY.md", "CHANGELOG.md"} {
		text, err := os.ReadFile(filepath.Join("..", "..", name))
		if err != nil {
			t.Fatal(err)
		}
		for _, line := range commandLines(string(text)) {
			seen++
			cmd, rest, err := root.New(clitest.App(t), "").Find(line)
			if err == nil {
				err = cmd.ParseFlags(rest)
			}
			if err == nil && !cmd.HasSubCommands() {
				err = cmd.ValidateArgs(cmd.Flags().Args())
			}
			if err != nil {
				t.Errorf("%s: julianctl %s: %v", name, strings.Join(line, " "), err)
			}
		}
	}
	if seen < 10 {
		t.Errorf("found only %d command lines", seen)
	}
}

var commandLine = regexp.MustCompile("(?m)(?:`|^|- run: |- )(?:julianctl|go run ./cmd/julianctl) ([^`\n]*)")

// commandLines finds command lines in code blocks and between backquotes, and
// splits each into words as a shell would, without expanding anything.
func commandLines(text string) [][]string {
	var lines [][]string
	text = strings.ReplaceAll(text, "\\\n", " ") // one line goes on in the next
	for _, match := range commandLine.FindAllStringSubmatch(text, -1) {
		line, _, _ := strings.Cut(match[1], "#") // a comment
		for part := range strings.SplitSeq(line, "| julianctl") {
			part, _, _ = strings.Cut(part, " > ")
			part, _, _ = strings.Cut(part, " && ")
			part = strings.TrimSuffix(strings.TrimSpace(part), "&")
			lines = append(lines, shellWords(part))
		}
	}
	return lines
}

// shellWords splits at spaces outside of quotes.
func shellWords(line string) []string {
	var words []string
	word, quote, open := "", rune(0), false
	escaped := false
	for _, c := range line + " " {
		switch {
		case escaped, c == '\\' && quote == '"':
			escaped = !escaped
			if !escaped {
				word += string(c)
			}
		case quote == 0 && (c == '\'' || c == '"'):
			quote, open = c, true
		case c == quote:
			quote = 0
		case quote == 0 && c == ' ':
			if open || word != "" {
				words = append(words, word)
			}
			word, open = "", false
		default:
			word += string(c)
		}
	}
	return words
}
