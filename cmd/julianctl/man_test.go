package main

import (
	"bytes"
	"cmp"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/julianctl/julianctl/pkg/cli"
	"github.com/julianctl/julianctl/pkg/cli/clitest"
	"github.com/julianctl/julianctl/pkg/cmd/root"
	"github.com/spf13/cobra"
	"github.com/spf13/cobra/doc"
)

// The library that makes manual pages costs every start of the program half a
// millisecond, so releases make them here: go test -run TestManPages -man DIR.
var manDir = flag.String("man", "", "write the manual pages into this folder")

func TestManPages(t *testing.T) {
	dir := *manDir
	if dir == "" {
		dir = t.TempDir()
	} else if err := os.MkdirAll(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	root := root.New(clitest.App(t), "")
	root.DisableAutoGenTag = true
	// A fixed date keeps builds of one version identical.
	epoch := time.Unix(0, 0).UTC()
	header := &doc.GenManHeader{Section: "1", Source: "julianctl", Manual: "julianctl manual", Date: &epoch}
	plainText(root)
	if err := doc.GenManTree(root, header, dir); err != nil {
		t.Fatal(err)
	}
	var walk func(*cobra.Command)
	walk = func(c *cobra.Command) {
		page := filepath.Join(dir, strings.ReplaceAll(c.CommandPath(), " ", "-")+".1")
		text, err := os.ReadFile(page)
		if err != nil || !bytes.Contains(text, []byte("EXAMPLE")) && !c.IsAdditionalHelpTopicCommand() {
			t.Errorf("%s: no manual page with examples (%v)", c.CommandPath(), err)
		}
		if bytes.Contains(text, []byte(`JULIANCTL\fI`)) || bytes.Contains(text, []byte(`JULIANCTL\fP`)) {
			t.Errorf("%s: a name with underscores is markup in the manual page", c.CommandPath())
		}
		if groups, _ := cli.FlagGroups(c); len(groups) > 1 {
			text = groupOptions(text, groups)
			if err := os.WriteFile(page, text, 0o644); err != nil {
				t.Fatal(err)
			}
			for _, g := range groups {
				for _, f := range slices.Concat(g.Flags, g.More) {
					if n := bytes.Count(text, []byte(`\fB\-\-`+roff.Replace(f.Name)+`\fP`)); n != 1 {
						t.Errorf("%s: --%s is %d times in the manual page", c.CommandPath(), f.Name, n)
					}
				}
				if !bytes.Contains(text, []byte(".SS "+roff.Replace(cmp.Or(g.Title, "Other flags"))+"\n")) {
					t.Errorf("%s: no flags under %q in the manual page", c.CommandPath(), g.Title)
				}
			}
		}
		for _, sub := range c.Commands() {
			if sub.IsAvailableCommand() {
				walk(sub)
			}
		}
	}
	walk(root)
}

// plainText keeps what is markup to the library from being taken for it. A line that
// is laid out is one of code.
func plainText(c *cobra.Command) {
	lines := strings.Split(c.Long, "\n")
	for i, line := range lines {
		if strings.HasPrefix(line, "  ") {
			lines[i] = "    " + line
			continue
		}
		lines[i] = strings.NewReplacer("_", `\_`, "*", `\*`, "<", `\<`).Replace(line)
	}
	c.Long = strings.Join(lines, "\n")
	for _, sub := range c.Commands() {
		plainText(sub)
	}
}

// roff escapes text for a manual page.
var roff = strings.NewReplacer(`\`, `\e`, "-", `\-`, "\n.", "\n\\&.", "\n'", "\n\\&'")

var optionsSection = regexp.MustCompile(`(?s)\n\.SH OPTIONS\n.*?(\n\.SH )`)

// groupOptions puts the flags of a page under the headings that help has.
func groupOptions(page []byte, groups []cli.FlagGroup) []byte {
	var b strings.Builder
	b.WriteString("\n.SH OPTIONS\n")
	for _, g := range groups {
		fmt.Fprintf(&b, ".SS %s\n", roff.Replace(cmp.Or(g.Title, "Other flags")))
		for _, f := range slices.Concat(g.Flags, g.More) {
			head := ""
			if f.Shorthand != "" {
				head = `\fB\-` + f.Shorthand + `\fP, `
			}
			head += `\fB\-\-` + roff.Replace(f.Name) + `\fP`
			if value := cli.Placeholder(f); value != "" {
				head += ` \fI` + roff.Replace(value) + `\fP`
			}
			fmt.Fprintf(&b, ".TP\n%s\n%s\n", head, roff.Replace(cli.FlagDoc(f)))
		}
	}
	return optionsSection.ReplaceAllFunc(page, func(old []byte) []byte {
		return append([]byte(b.String()), optionsSection.FindSubmatch(old)[1]...)
	})
}
