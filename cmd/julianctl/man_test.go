package main

import (
	"flag"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

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
	if err := doc.GenManTree(root, header, dir); err != nil {
		t.Fatal(err)
	}
	var walk func(*cobra.Command)
	walk = func(c *cobra.Command) {
		page := filepath.Join(dir, strings.ReplaceAll(c.CommandPath(), " ", "-")+".1")
		if text, err := os.ReadFile(page); err != nil || !strings.Contains(string(text), "EXAMPLE") && !c.IsAdditionalHelpTopicCommand() {
			t.Errorf("%s: no manual page with examples (%v)", c.CommandPath(), err)
		}
		for _, sub := range c.Commands() {
			if sub.IsAvailableCommand() {
				walk(sub)
			}
		}
	}
	walk(root)
}
