package main

import (
	"bytes"
	"io"
	"os"
	"path/filepath"
	"testing"

	"github.com/spf13/cobra"
)

// shells are the files under completions/, each with what makes it.
var shells = map[string]func(*cobra.Command, io.Writer) error{
	"julianctl.bash": func(c *cobra.Command, w io.Writer) error { return c.GenBashCompletionV2(w, true) },
	"julianctl.fish": func(c *cobra.Command, w io.Writer) error { return c.GenFishCompletion(w, true) },
	"julianctl.ps1":  func(c *cobra.Command, w io.Writer) error { return c.GenPowerShellCompletionWithDesc(w) },
	"julianctl.zsh":  func(c *cobra.Command, w io.Writer) error { return c.GenZshCompletion(w) },
}

func TestCompletionsAreCurrent(t *testing.T) {
	dir := filepath.Join("..", "..", "completions")
	for name, generate := range shells {
		var want bytes.Buffer
		if err := generate(newRoot(testApp(t), ""), &want); err != nil {
			t.Fatal(err)
		}
		path := filepath.Join(dir, name)
		if *update {
			if err := os.WriteFile(path, want.Bytes(), 0o644); err != nil {
				t.Fatal(err)
			}
		}
		got, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		if !bytes.Equal(got, want.Bytes()) {
			t.Errorf("%s is not current; run: go test ./cmd/julianctl -run Completions -update", path)
		}
	}
	entries, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	if len(entries) != len(shells) {
		t.Errorf("completions/ holds %d files, want %d", len(entries), len(shells))
	}
}

// Every command a person can reach says what it does, shows how, and every
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
		if !topic && c.Args == nil {
			t.Errorf("%s takes any words", c.CommandPath())
		}
		for _, sub := range c.Commands() {
			walk(sub)
		}
	}
	walk(newRoot(testApp(t), ""))
	if len(seen) < 10 {
		t.Errorf("saw only %d commands", len(seen))
	}
}

// A command line that begins with a command finds it, alone in the tree, by the
// name that the registry has for it.
func TestRegistryNames(t *testing.T) {
	for _, c := range commands() {
		made := newRoot(testApp(t), c.name).Commands()
		if len(made) != 1 || made[0].Name() != c.name {
			t.Errorf("%s: the tree holds %d commands, the first is %s", c.name, len(made), made[0].Name())
		}
	}
	if n := len(newRoot(testApp(t), "").Commands()); n < len(commands()) {
		t.Errorf("the whole tree holds %d commands", n)
	}
}
