package main

import (
	"testing"

	"github.com/julianctl/julianctl/pkg/cli"
	"github.com/julianctl/julianctl/pkg/cli/clitest"
	"github.com/julianctl/julianctl/pkg/cmd/root"
	"github.com/spf13/cobra"
)

// mostUngrouped is how many flags a command may have without headings.
const mostUngrouped = 10

// Each flag stands under a heading, and each name in a heading's list is a flag.
func TestDocumentedFlagGroups(t *testing.T) {
	grouped := 0
	var walk func(*cobra.Command)
	walk = func(c *cobra.Command) {
		for _, sub := range c.Commands() {
			walk(sub)
		}
		groups, unknown := cli.FlagGroups(c)
		if len(unknown) > 0 {
			t.Errorf("%s: its groups name %q, which are no flags of it, or are named twice", c.CommandPath(), unknown)
		}
		n := 0
		for _, g := range groups {
			for _, f := range g.Flags {
				if g.Title == "" {
					t.Errorf("%s: --%s is in no line of cli.GroupFlags", c.CommandPath(), f.Name)
				}
			}
			n += len(g.Flags) + len(g.More)
		}
		if n > mostUngrouped && len(groups) < 2 {
			t.Errorf("%s: %d flags and no groups; see cli.GroupFlags", c.CommandPath(), n)
		}
		if len(groups) > 1 {
			grouped++
			if first := len(groups[0].Flags); groups[0].Title != "Most used" || first != 5 || len(groups[0].More) > 0 {
				t.Errorf("%s: the first group is %q with %d flags, want the five most used", c.CommandPath(), groups[0].Title, first)
			}
		}
	}
	walk(root.New(clitest.App(t), ""))
	if grouped < 8 {
		t.Errorf("only %d commands have groups", grouped)
	}
}
