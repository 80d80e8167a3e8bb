package main

import (
	"fmt"
	"os"
	"time"

	"github.com/spf13/cobra"
	"github.com/spf13/cobra/doc"
)

// newManCmd writes the manual pages that packages ship.
func newManCmd(a *app) *cobra.Command {
	return &cobra.Command{
		Use:         "man DIR",
		Short:       "Write the manual pages into a folder",
		Example:     "  julianctl man ./man",
		Hidden:      true,
		Args:        exactArgs(1),
		Annotations: map[string]string{"config": "none"},
		RunE: func(cmd *cobra.Command, args []string) error {
			if err := os.MkdirAll(args[0], 0o755); err != nil {
				return unable(err, "")
			}
			// A fixed date keeps builds of one version identical.
			epoch := time.Unix(0, 0).UTC()
			header := &doc.GenManHeader{Section: "1", Source: "julianctl " + versionNumber(), Manual: "julianctl manual", Date: &epoch}
			if err := doc.GenManTree(cmd.Root(), header, args[0]); err != nil {
				return unable(fmt.Errorf("writing manual pages: %w", err), "")
			}
			a.note("wrote manual pages into %s", args[0])
			return nil
		},
	}
}
