package root

import (
	"strings"
	"testing"

	"github.com/julianctl/julianctl/pkg/cli/clitest"
	"github.com/spf13/cobra"
)

// Every command a person can reach says what it does, once, shows how, and every
// name is taken once.
func TestEveryCommandHasExamples(t *testing.T) {
	seen := map[string]bool{}
	var walk func(*cobra.Command)
	walk = func(c *cobra.Command) {
		if seen[c.CommandPath()] {
			t.Errorf("%s is there twice", c.CommandPath())
		}
		seen[c.CommandPath()] = true
		topic := c.IsAdditionalHelpTopicCommand()
		if c.Short == "" || c.Example == "" && !topic || c.Long == "" && topic {
			t.Errorf("%s: short %q, example %q", c.CommandPath(), c.Short, c.Example)
		}
		said := map[string]bool{}
		for sentence := range strings.SplitSeq(strings.Join(strings.Fields(c.Long), " "), ". ") {
			if len(sentence) > 40 && said[sentence] {
				t.Errorf("%s says twice: %s", c.CommandPath(), sentence)
			}
			said[sentence] = true
		}
		if !topic && c.Args == nil {
			t.Errorf("%s takes any words", c.CommandPath())
		}
		for _, sub := range c.Commands() {
			walk(sub)
		}
	}
	walk(New(clitest.App(t), ""))
	if len(seen) < 10 {
		t.Errorf("saw only %d commands", len(seen))
	}
}

// A command line that begins with a command finds it, alone in the tree, by the
// name that the registry has for it.
func TestRegistryNames(t *testing.T) {
	for _, c := range commands() {
		made := New(clitest.App(t), c.name).Commands()
		if len(made) != 1 || made[0].Name() != c.name {
			t.Errorf("%s: the tree holds %d commands, the first is %s", c.name, len(made), made[0].Name())
		}
	}
	if n := len(New(clitest.App(t), "").Commands()); n < len(commands()) {
		t.Errorf("the whole tree holds %d commands", n)
	}
}
