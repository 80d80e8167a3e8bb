// Package clitest makes an App for tests.
package clitest

import (
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/julianctl/julianctl/pkg/cli"
	"github.com/julianctl/julianctl/pkg/terminal"
	"github.com/spf13/cobra"
)

// App is an App that touches nothing: no environment, no terminal.
func App(t *testing.T) *cli.App {
	t.Helper()
	return &cli.App{
		In:  strings.NewReader(""),
		Out: terminal.NewOutput(io.Discard),
		Err: terminal.NewOutput(io.Discard),
		Env: func(string) string { return "" },
		Now: func() time.Time { return time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC) },
	}
}

// LoadConfig loads the configuration with a user file, a project file, an
// environment and a command line.
func LoadConfig(t *testing.T, user, project string, environ map[string]string, args ...string) (cli.Config, error) {
	t.Helper()
	dir := t.TempDir()
	t.Chdir(dir)
	write := func(path, text string) {
		if text == "" {
			return
		}
		if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	write(filepath.Join(dir, "xdg", "julianctl", "config.yaml"), user)
	write(".julianctl.yaml", project)
	cmd := &cobra.Command{Use: "x"}
	cmd.Flags().String("config", "", "")
	for _, s := range cli.Settings() {
		if s.Key != "endpoints" {
			cli.ConfigFlag(cmd, s.Key)
		}
	}
	if err := cmd.ParseFlags(args); err != nil {
		t.Fatal(err)
	}
	return cli.LoadConfig(func(name string) string {
		if name == "XDG_CONFIG_HOME" {
			return filepath.Join(dir, "xdg")
		}
		return environ[name]
	}, cmd)
}

// ProjectApp is an App that has read a user's and a project's file, in a folder
// with links to places outside.
func ProjectApp(t *testing.T, user, project string, args ...string) *cli.App {
	t.Helper()
	a := App(t)
	a.Style, a.ErrStyle = a.Styles("never")
	a.In = strings.NewReader("some-key")
	var err error
	if a.Config, err = LoadConfig(t, user, project, nil, args...); err != nil {
		t.Fatal(err)
	}
	outside := t.TempDir()
	for _, dir := range []string{"inner/deep", "inner/logs"} {
		if err := os.MkdirAll(dir, 0o700); err != nil {
			t.Fatal(err)
		}
	}
	for link, to := range map[string]string{
		"out": outside, "nowhere": filepath.Join(outside, "none"), "inner/up": "../..", "linked.db-intake": filepath.Join(outside, "x"),
		"inner/logs/1": filepath.Join(outside, "x"),
	} {
		if err := os.Symlink(to, link); err != nil {
			t.Skip(err)
		}
	}
	return a
}
