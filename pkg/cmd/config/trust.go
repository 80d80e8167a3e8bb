package config

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/julianctl/julianctl/pkg/cli"
	"github.com/julianctl/julianctl/pkg/safetext"
	"github.com/spf13/cobra"
)

func newTrustCmd(a *cli.App) *cobra.Command {
	return &cobra.Command{
		Use:   "trust [PATH]",
		Short: "Let a project's file decide where deliveries and secrets go",
		Long: `trust stores the digest of a project's .julianctl.yaml, so that this file, as it is now, may
do what a file from a checkout may not. It says what that is. A changed file has to be
trusted again. PATH is the file or its folder; the default is .julianctl.yaml here.

Without trust, a project's file names endpoints on this machine only, keeps its log and
fixtures inside its folder, and decides nothing about your API key. A command that would
use more is refused, and nothing is sent or written.

A file that --config names needs no trust: you chose it.`,
		Example: `  julianctl config trust
  julianctl config trust ~/src/hooks
  julianctl config list --origin      trusted, or not?`,
		Args:        cli.MaxArgs(1),
		Annotations: map[string]string{"config": "none"},
		RunE:        func(_ *cobra.Command, args []string) error { return runTrust(a, projectFileAt(args)) },
	}
}

// projectFileAt is the project file that PATH means.
func projectFileAt(args []string) string {
	if len(args) == 0 {
		return cli.ProjectFile
	}
	if filepath.Base(args[0]) == cli.ProjectFile {
		return args[0]
	}
	return filepath.Join(args[0], cli.ProjectFile)
}

func runTrust(a *cli.App, path string) error {
	if info, err := os.Stat(filepath.Dir(path)); err == nil && !info.IsDir() {
		return cli.UsageError(fmt.Errorf("%q is not a project file", filepath.Dir(path)), "only a "+cli.ProjectFile+" is trusted; --config names another file")
	}
	values, content, err := cli.ReadConfigFile(cli.ConfigFile{Name: cli.FromProject, Path: path})
	if err != nil {
		if errors.Is(err, fs.ErrNotExist) {
			return cli.UsageError(fmt.Errorf("there is no %q to trust", path), `"julianctl config trust PATH" names its folder`)
		}
		return err
	}
	cfg, err := cli.ConfigOf(a.Env, path, content, values)
	if err != nil {
		return err
	}
	if err := cli.NewTrustStore(a.Env).Add(cfg.Project.Path, content); err != nil {
		return err
	}
	lines := cfg.NeedsTrust()
	then := "until it changes; it may"
	if lines == nil {
		then = "until it changes; nothing in it needs trust"
	}
	a.Note("%s %s, %s", a.ErrStyle.Good("trusted:"), safetext.Line(cfg.Project.Path), then)
	for _, line := range lines {
		a.Note("  %s", safetext.Line(line))
	}
	a.Hint(`"julianctl config untrust" takes it back`)
	return nil
}

func newUntrustCmd(a *cli.App) *cobra.Command {
	return &cobra.Command{
		Use:         "untrust [PATH]",
		Short:       "Remove the trust in a project's file",
		Example:     "  julianctl config untrust ~/src/hooks",
		Args:        cli.MaxArgs(1),
		Annotations: map[string]string{"config": "none"},
		RunE: func(_ *cobra.Command, args []string) error {
			path, err := cli.TrustedPath(projectFileAt(args))
			if err != nil {
				return cli.Failure(err, "")
			}
			removed, err := cli.NewTrustStore(a.Env).Remove(path)
			switch {
			case err != nil:
				return err
			case removed:
				a.Note("%s %s", a.ErrStyle.Good("no longer trusted:"), safetext.Line(path))
			default:
				a.Note("not trusted before: %s", safetext.Line(path))
			}
			return nil
		},
	}
}
