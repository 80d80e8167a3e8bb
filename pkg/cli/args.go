package cli

import (
	"fmt"

	"github.com/julianctl/julianctl/pkg/spelling"
	"github.com/spf13/cobra"
)

// NoArgs refuses arguments. If the command has subcommands, the error is about an
// unknown command.
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

// MaxArgs refuses more than n arguments.
func MaxArgs(n int) cobra.PositionalArgs {
	return func(cmd *cobra.Command, args []string) error {
		if len(args) > n {
			return UsageError(fmt.Errorf("unexpected argument %q", args[n]), SeeHelp(cmd))
		}
		return nil
	}
}

// SeeHelp is the hint that names a command's own help.
func SeeHelp(cmd *cobra.Command) string { return fmt.Sprintf(`see "%s --help"`, cmd.CommandPath()) }

// DidYouMean returns the hint for an unknown word: the nearest known one, or otherwise.
func DidYouMean(word string, known []string, otherwise string) string {
	near := spelling.Nearest(word, known)
	if near == "" {
		return otherwise
	}
	return fmt.Sprintf("did you mean %q?", near)
}

// OneArg requires exactly one argument.
func OneArg(what, hint string) cobra.PositionalArgs {
	return func(cmd *cobra.Command, args []string) error {
		if len(args) == 0 {
			return UsageError(fmt.Errorf("%s needs %s", cmd.CommandPath(), what), hint)
		}
		return MaxArgs(1)(cmd, args)
	}
}
