package main

import (
	"fmt"
	"runtime"
	"runtime/debug"

	"github.com/spf13/cobra"
)

// Set by the linker in releases; a build from source reads its own build
// information instead.
var (
	version = ""
	commit  = ""
	date    = ""
)

func newVersionCmd(a *app) *cobra.Command {
	return &cobra.Command{
		Use:         "version",
		Short:       "Print the version",
		Example:     "  julianctl version",
		Args:        noArgs,
		Annotations: map[string]string{"config": "none"},
		RunE: func(*cobra.Command, []string) error {
			line := "julianctl " + versionNumber()
			if commit != "" {
				line += fmt.Sprintf(" (%.7s, %s)", commit, date)
			}
			fmt.Fprintf(a.out, "%s %s/%s %s\n", line, runtime.GOOS, runtime.GOARCH, runtime.Version())
			return nil
		},
	}
}

// versionNumber is the release's number, the module's version, or "dev".
func versionNumber() string {
	if version != "" {
		return version
	}
	if info, ok := debug.ReadBuildInfo(); ok && info.Main.Version != "" && info.Main.Version != "(devel)" {
		return info.Main.Version
	}
	return "dev"
}
