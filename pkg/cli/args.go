package cli

import (
	"fmt"

	"github.com/julianctl/julianctl/pkg/spelling"
	"github.com/spf13/cobra"
)

// NoArgs refuses words after a command that takes none; after one that has
// commands of its own, such a word is an unknown command.
func NoArgs(cmd *cobra.Command, args []string) error {
	if len(args) == 0 {
		return nil
	}
	if cmd.HasSubCommands() {
		var known []string
		for _, c := range cmd.Commands() {
			known = append(known, c.Name())
		}
		return UsageError(fmt.Errorf("unknown command %q", args[0]), DidYouMean(args[0], known, SeeHelp(cmd)))
	}
	return MaxArgs(0)(cmd, args)
}

// MaxArgs refuses more than n words.
func MaxArgs(n int) cobra.PositionalArgs {
	return func(cmd *cobra.Command, args []string) error {
		if len(args) > n {
			return UsageError(fmt.Errorf("%q is one word too many for %s", args[n], cmd.CommandPath()), SeeHelp(cmd))
		}
		return nil
	}
}

// SeeHelp is the hint that names a command's own help.
func SeeHelp(cmd *cobra.Command) string { return fmt.Sprintf(`see "%s --help"`, cmd.CommandPath()) }

// DidYouMean is the hint for a word that is none of known: the nearest one,
// or otherwise the text given.
func DidYouMean(word string, known []string, otherwise string) string {
	near := spelling.Nearest(word, known)
	if near == "" {
		return otherwise
	}
	return fmt.Sprintf("did you mean %q?", near)
}

// OneArg wants exactly one word.
func OneArg(what, hint string) cobra.PositionalArgs {
	return func(cmd *cobra.Command, args []string) error {
		if len(args) == 0 {
			return UsageError(fmt.Errorf("%s needs %s", cmd.CommandPath(), what), hint)
		}
		return MaxArgs(1)(cmd, args)
	}
}
