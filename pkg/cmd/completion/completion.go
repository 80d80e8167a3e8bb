// Package completion is the command completion: scripts for shells, and a file that
// tells coding agents how to use the program.
package completion

import (
	_ "embed"
	"io"

	"github.com/julianctl/julianctl/pkg/cli"
	"github.com/spf13/cobra"
)

// skill is written by hand: what an agent needs to choose a command. All flags are in
// julianctl help --json.
//
//go:embed skill.md
var skill string

// scripts are what the subcommands print.
var scripts = []struct {
	name, short, use string
	write            func(root *cobra.Command, w io.Writer, describe bool) error
}{
	{"bash", "Print the script for bash", `Every shell: add this line to ~/.bashrc (it needs the package bash-completion):

  source <(julianctl completion bash)`,
		(*cobra.Command).GenBashCompletionV2},
	{"zsh", "Print the script for zsh", `Every shell: add these lines to ~/.zshrc:

  autoload -U compinit && compinit
  source <(julianctl completion zsh)`,
		func(root *cobra.Command, w io.Writer, describe bool) error {
			if !describe {
				return root.GenZshCompletionNoDesc(w)
			}
			return root.GenZshCompletion(w)
		}},
	{"fish", "Print the script for fish", `Every shell:

  julianctl completion fish > ~/.config/fish/completions/julianctl.fish`,
		(*cobra.Command).GenFishCompletion},
	{"powershell", "Print the script for PowerShell", `Every shell: add this line to $PROFILE:

  julianctl completion powershell | Out-String | Invoke-Expression`,
		func(root *cobra.Command, w io.Writer, describe bool) error {
			if !describe {
				return root.GenPowerShellCompletion(w)
			}
			return root.GenPowerShellCompletionWithDesc(w)
		}},
	{"skill", "Print a file that tells coding agents how to use julianctl", `It is Markdown for the place where your agent looks:

  julianctl completion skill >> AGENTS.md
  julianctl completion skill > .claude/skills/julianctl/SKILL.md

"julianctl help --json" has every command, flag, exit code and record for programs.`,
		func(_ *cobra.Command, w io.Writer, _ bool) error { _, err := io.WriteString(w, skill); return err }},
}

// NewCmd is the command.
func NewCmd(a *cli.App) *cobra.Command {
	cmd := &cobra.Command{
		Use:   "completion",
		Short: "Print completion for a shell, or a skill file for coding agents",
		Long: `completion prints a script that completes commands, flags and their values: checks,
rules, formats, configured endpoints, and call ids of the log.`,
		Example: `  source <(julianctl completion bash)
  julianctl completion fish > ~/.config/fish/completions/julianctl.fish
  julianctl completion skill >> AGENTS.md`,
		Args:        cli.NoArgs,
		Annotations: map[string]string{"config": "none"},
		RunE:        func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
	}
	for _, s := range scripts {
		var plain bool
		sub := &cobra.Command{
			Use: s.name, Short: s.short, Long: s.use,
			Example:     "  julianctl completion " + s.name,
			Args:        cli.NoArgs,
			Annotations: map[string]string{"config": "none"},
			RunE:        func(cmd *cobra.Command, _ []string) error { return s.write(cmd.Root(), a.Out, !plain) },
		}
		if s.name != "skill" {
			sub.Flags().BoolVar(&plain, "no-descriptions", false, "complete names without descriptions")
		}
		cmd.AddCommand(sub)
	}
	return cmd
}
