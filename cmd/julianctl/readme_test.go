package main

import (
	"os"
	"path"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/julianctl/julianctl/pkg/cli/clitest"
	"github.com/julianctl/julianctl/pkg/cmd/root"
)

// Every command line in the documents is one that the program takes: the
// command is there and so is every flag. Only their effect is not tried here.
func TestDocumentedCommandLines(t *testing.T) {
	seen := 0
	for name, text := range documents(t) {
		for _, line := range commandLines(text) {
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
	if seen < 60 {
		t.Errorf("found only %d command lines", seen)
	}
}

// documents are the texts that people read, by their paths from the root.
func documents(t *testing.T) map[string]string {
	t.Helper()
	texts := map[string]string{}
	top := filepath.Join("..", "..")
	for _, pattern := range []string{"*.md", ".github/docs/*.md", "testdata/consumers/*.md", "pkg/cmd/completion/*.md"} {
		names, err := filepath.Glob(filepath.Join(top, filepath.FromSlash(pattern)))
		if err != nil || len(names) == 0 {
			t.Fatalf("%s: no documents (%v)", pattern, err)
		}
		for _, name := range names {
			text, err := os.ReadFile(name)
			if err != nil {
				t.Fatal(err)
			}
			name, _ = filepath.Rel(top, name)
			texts[filepath.ToSlash(name)] = string(text)
		}
	}
	return texts
}

var (
	docLink = regexp.MustCompile(`\]\(([^)]+)\)|src(?:set)?="([^"]+)"`)
	heading = regexp.MustCompile(`(?m)^#+ (.+)$`)
	noSlug  = regexp.MustCompile(`[^\p{L}\p{N} -]`)
)

// Every link inside the repository leads to a file that is there, and to a
// heading of it. Every page under .github/docs is linked from the README.
func TestDocumentsLink(t *testing.T) {
	texts := documents(t)
	seen, linked := 0, map[string]bool{}
	for name, text := range texts {
		for _, match := range docLink.FindAllStringSubmatch(text, -1) {
			target := match[1] + match[2]
			if strings.Contains(target, "://") {
				continue
			}
			seen++
			file, anchor, _ := strings.Cut(target, "#")
			file = path.Join(path.Dir(name), file)
			if strings.HasPrefix(target, "#") {
				file = name
			}
			if name == "README.md" {
				linked[file] = true
			}
			if _, err := os.Stat(filepath.Join("..", "..", filepath.FromSlash(file))); err != nil {
				t.Errorf("%s links to %s: %v", name, target, err)
			}
			if anchor != "" && !slices.ContainsFunc(heading.FindAllStringSubmatch(texts[file], -1), func(h []string) bool {
				return strings.ReplaceAll(noSlug.ReplaceAllString(strings.ToLower(h[1]), ""), " ", "-") == anchor
			}) {
				t.Errorf("%s links to %s, and no heading is called so", name, target)
			}
		}
	}
	for name := range texts {
		if strings.HasPrefix(name, ".github/docs/") && !linked[name] {
			t.Errorf("the README does not link to %s", name)
		}
	}
	if seen < 20 {
		t.Errorf("found only %d links", seen)
	}
}

// The README's table has every command.
func TestReadmeHasCommands(t *testing.T) {
	readme := documents(t)["README.md"]
	_, table, _ := strings.Cut(readme, "\n## Commands\n")
	table, _, _ = strings.Cut(table, "\n## ")
	for _, c := range root.New(clitest.App(t), "").Commands() {
		if c.IsAvailableCommand() && c.Name() != "help" && !strings.Contains(table, "`"+c.Name()+"`") {
			t.Errorf("%s is not in the table of commands", c.Name())
		}
	}
}

var topicBlock = regexp.MustCompile("(?s)(<!-- topic: ([a-z-]+) -->\n```text\n)(.*?)(```\n)")

// What a page says of exit codes, formats and settings is what the help says.
func TestDocumentedTopics(t *testing.T) {
	seen := 0
	for name, text := range documents(t) {
		current := topicBlock.ReplaceAllStringFunc(text, func(block string) string {
			seen++
			part := topicBlock.FindStringSubmatch(block)
			cmd, _, err := root.New(clitest.App(t), "").Find([]string{part[2]})
			if err != nil {
				t.Errorf("%s: %v", name, err)
				return block
			}
			return part[1] + strings.TrimSpace(cmd.Long) + "\n" + part[4]
		})
		if current == text {
			continue
		}
		if !*update {
			t.Errorf("%s is not what the help says: go test ./cmd/julianctl -run TestDocumentedTopics -update", name)
		} else if err := os.WriteFile(filepath.Join("..", "..", filepath.FromSlash(name)), []byte(current), 0o644); err != nil {
			t.Error(err)
		}
	}
	if seen < 3 {
		t.Errorf("found only %d help topics", seen)
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
