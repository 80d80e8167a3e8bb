package main

import (
	"bytes"
	"io"
	"os"
	"path/filepath"
	"testing"

	"github.com/julianctl/julianctl/pkg/cli/clitest"
	"github.com/julianctl/julianctl/pkg/cmd/root"
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
		if err := generate(root.New(clitest.App(t), ""), &want); err != nil {
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
