// Package completion is the command completion: scripts for shells, and a file that
// tells coding agents how to use the program.
package completion

import (
	"bytes"
	_ "embed"
	"io"
	"strings"

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
	{"bash", "Print the script for bash", `Every shell: add this line to ~/.bashrc:

  source <(julianctl completion bash)`,
		writeBash},
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

// bashWords stands in for the package bash-completion, which macOS does not have:
// the words before the cursor, with "=" and ":" inside of words.
const bashWords = `
# What follows needs these functions of the package bash-completion, if it is absent.
if ! declare -F _get_comp_words_by_ref >/dev/null 2>&1; then
    _get_comp_words_by_ref()
    {
        local line="${COMP_LINE:0:COMP_POINT}"
        read -r -a words <<<"$line"
        [[ -z $line || ${line: -1} == [[:space:]] ]] && words+=("")
        cword=$((${#words[@]} - 1))
        cur="${words[cword]}"
        prev="${words[cword > 0 ? cword - 1 : 0]}"
    }
fi
if ! declare -F __ltrim_colon_completions >/dev/null 2>&1; then
    __ltrim_colon_completions()
    {
        if [[ $1 == *:* && $COMP_WORDBREAKS == *:* ]]; then
            local prefix="${1%"${1##*:}"}" i
            for i in "${!COMPREPLY[@]}"; do COMPREPLY[i]="${COMPREPLY[i]#"$prefix"}"; done
        fi
    }
fi
`

func writeBash(root *cobra.Command, w io.Writer, describe bool) error {
	var script bytes.Buffer
	if err := root.GenBashCompletionV2(&script, describe); err != nil {
		return err
	}
	// The script compares what was typed with values as a shell escapes them, so that
	// nothing is found behind a comma.
	const escaped, plain = `[[ $comp == "$cur"* ]] || continue`, `[[ $comp == "$cur"* || $compline == "$cur"* ]] || continue`
	_, err := io.WriteString(w, strings.Replace(script.String(), escaped, plain, 1)+bashWords)
	return err
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
