// Package version is the command version.
package version

import (
	"fmt"
	"runtime"

	"github.com/julianctl/julianctl/pkg/cli"
	"github.com/spf13/cobra"
)

// NewCmd is the command.
func NewCmd(a *cli.App) *cobra.Command {
	return &cobra.Command{
		Use:         "version",
		Short:       "Print the version",
		Example:     "  julianctl version",
		Args:        cli.NoArgs,
		Annotations: map[string]string{"config": "none"},
		RunE: func(*cobra.Command, []string) error {
			line := "julianctl " + cli.Version()
			if cli.Commit != "" {
				line += fmt.Sprintf(" (%.7s, %s)", cli.Commit, cli.Date)
			}
			fmt.Fprintf(a.Out, "%s %s/%s %s\n", line, runtime.GOOS, runtime.GOARCH, runtime.Version())
			return nil
		},
	}
}
