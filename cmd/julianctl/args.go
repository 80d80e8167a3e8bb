package main

import (
	"fmt"

	"github.com/spf13/cobra"
)

// noArgs refuses words after a command that takes none; after one that has
// commands of its own, such a word is an unknown command.
func noArgs(cmd *cobra.Command, args []string) error {
	if len(args) == 0 {
		return nil
	}
	if cmd.HasSubCommands() {
		var known []string
		for _, c := range cmd.Commands() {
			known = append(known, c.Name())
		}
		return usage(fmt.Errorf("unknown command %q", args[0]), didYouMean(args[0], known, seeHelp(cmd)))
	}
	return maxArgs(0)(cmd, args)
}

// maxArgs refuses more than n words.
func maxArgs(n int) cobra.PositionalArgs {
	return func(cmd *cobra.Command, args []string) error {
		if len(args) > n {
			return usage(fmt.Errorf("%q is one word too many for %s", args[n], cmd.CommandPath()), seeHelp(cmd))
		}
		return nil
	}
}

func seeHelp(cmd *cobra.Command) string { return fmt.Sprintf(`see "%s --help"`, cmd.CommandPath()) }
