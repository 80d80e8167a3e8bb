package cli

import (
	"cmp"
	"fmt"
	"strings"

	"github.com/julianctl/julianctl/pkg/spelling"
	"github.com/spf13/cobra"
)

// UnknownCommandError is for a word in the place of a command.
type UnknownCommandError struct {
	Cmd  *cobra.Command // that it was given to
	Word string
}

func (e *UnknownCommandError) Error() string { return fmt.Sprintf("unknown command %q", e.Word) }

// Usage is e with a hint: the nearest command, or help.
func (e *UnknownCommandError) Usage() error {
	var known []string
	for _, c := range e.Cmd.Commands() {
		known = append(known, c.Name())
	}
	return UsageError(e, DidYouMean(e.Word, known, SeeHelp(e.Cmd)))
}

// UnexpectedArgumentError is for an argument that a command does not take.
type UnexpectedArgumentError struct {
	Cmd  *cobra.Command
	Word string
}

func (e *UnexpectedArgumentError) Error() string {
	return fmt.Sprintf("unexpected argument %q", e.Word)
}

// NoArgs refuses arguments. If the command has subcommands, the error is about an
// unknown command.
func NoArgs(cmd *cobra.Command, args []string) error {
	if len(args) > 0 && cmd.HasSubCommands() {
		return (&UnknownCommandError{cmd, args[0]}).Usage()
	}
	return MaxArgs(0)(cmd, args)
}

// MaxArgs refuses more than n arguments.
func MaxArgs(n int) cobra.PositionalArgs {
	return func(cmd *cobra.Command, args []string) error {
		if len(args) > n {
			return UsageError(&UnexpectedArgumentError{cmd, args[n]}, SeeHelp(cmd))
		}
		return nil
	}
}

// TargetArg takes one argument for --to.
func TargetArg(cmd *cobra.Command, args []string) error {
	if len(args) == 0 {
		return nil
	}
	if err := MaxArgs(1)(cmd, args); err != nil {
		return err
	}
	return targetIs(cmd, args[0])
}

// PathArgs takes paths, and one URL for --to. [PlanFlags.Resolve] leaves that out.
func PathArgs(cmd *cobra.Command, args []string) error {
	for _, arg := range args {
		if isURL(arg) {
			if err := targetIs(cmd, arg); err != nil {
				return err
			}
		}
	}
	return nil
}

func isURL(arg string) bool {
	return strings.HasPrefix(arg, "http://") || strings.HasPrefix(arg, "https://")
}

// targetIs sets --to, which must not be given.
func targetIs(cmd *cobra.Command, to string) error {
	if f := cmd.Flags().Lookup("to"); f.Changed {
		return UsageError(fmt.Errorf("use only one of %q and --to", WithoutPassword(to)), SeeHelp(cmd))
	}
	return cmd.Flags().Set("to", to)
}

// SeeHelp is the hint that names a command's own help.
func SeeHelp(cmd *cobra.Command) string { return fmt.Sprintf(`see "%s --help"`, cmd.CommandPath()) }

// DidYouMean returns the hint for an unknown word: the nearest known one, or otherwise.
func DidYouMean(word string, known []string, otherwise string) string {
	return cmp.Or(spelling.DidYouMean(word, known), otherwise)
}

// OneArg requires exactly one argument.
func OneArg(what, hint string) cobra.PositionalArgs {
	return func(cmd *cobra.Command, args []string) error {
		if len(args) == 0 {
			return UsageError(fmt.Errorf("%s needs %s", strings.TrimPrefix(cmd.CommandPath(), "julianctl "), what), hint)
		}
		return MaxArgs(1)(cmd, args)
	}
}
