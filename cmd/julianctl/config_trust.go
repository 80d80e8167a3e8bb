package main

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/julianctl/julianctl/pkg/safetext"
	"github.com/spf13/cobra"
)

func newConfigTrustCmd(a *app) *cobra.Command {
	return &cobra.Command{
		Use:   "trust [PATH]",
		Short: "Let a project's file decide where deliveries and secrets go",
		Long: `trust keeps the digest of a project's .julianctl.yaml: as it is now, it may do
what a file that came with a checkout may not. It says what that is. A file that
changes has to be trusted again. PATH is the file or its folder, ` + projectFile + `
here without it.

Without trust, a project's file names endpoints on this machine only, keeps its
log and fixtures inside its folder, and decides nothing about your API key. What
a command would use beyond that is refused, and nothing is sent or written.

A file that --config names needs no trust: you chose it.`,
		Example: `  julianctl config trust
  julianctl config trust ~/src/hooks
  julianctl config list --origin      trusted, or not?`,
		Args:        maxArgs(1),
		Annotations: map[string]string{"config": "none"},
		RunE:        func(_ *cobra.Command, args []string) error { return runConfigTrust(a, projectFileAt(args)) },
	}
}

// projectFileAt is the project file that PATH means.
func projectFileAt(args []string) string {
	if len(args) == 0 {
		return projectFile
	}
	if filepath.Base(args[0]) == projectFile {
		return args[0]
	}
	return filepath.Join(args[0], projectFile)
}

func runConfigTrust(a *app, path string) error {
	if info, err := os.Stat(filepath.Dir(path)); err == nil && !info.IsDir() {
		return usage(fmt.Errorf("%q is not a project file", filepath.Dir(path)), "only a "+projectFile+" is trusted; --config names another file")
	}
	values, content, err := readConfigFile(configFile{fromProject, path})
	if err != nil {
		if errors.Is(err, fs.ErrNotExist) {
			return usage(fmt.Errorf("there is no %q to trust", path), `"julianctl config trust PATH" names its folder`)
		}
		return err
	}
	cfg, err := configOf(a.env, path, content, values)
	if err != nil {
		return err
	}
	if err := newTrustStore(a.env).add(cfg.project.path, content); err != nil {
		return err
	}
	lines := cfg.needsTrust()
	then := "until it changes; it may"
	if lines == nil {
		then = "until it changes; nothing in it needs trust"
	}
	a.note("%s %s, %s", a.errStyle.good("trusted:"), safetext.Line(cfg.project.path), then)
	for _, line := range lines {
		a.note("  %s", safetext.Line(line))
	}
	a.hint(`"julianctl config untrust" takes it back`)
	return nil
}

func newConfigUntrustCmd(a *app) *cobra.Command {
	return &cobra.Command{
		Use:         "untrust [PATH]",
		Short:       "Take back what trust allowed a project's file",
		Example:     "  julianctl config untrust ~/src/hooks",
		Args:        maxArgs(1),
		Annotations: map[string]string{"config": "none"},
		RunE: func(_ *cobra.Command, args []string) error {
			path, err := trustedPath(projectFileAt(args))
			if err != nil {
				return unable(err, "")
			}
			removed, err := newTrustStore(a.env).remove(path)
			switch {
			case err != nil:
				return err
			case removed:
				a.note("%s %s", a.errStyle.good("no longer trusted:"), safetext.Line(path))
			default:
				a.note("not trusted before: %s", safetext.Line(path))
			}
			return nil
		},
	}
}
