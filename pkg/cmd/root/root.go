// Package root puts the commands together: the tree, the help pages and topics,
// and how one command line is run.
package root

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strconv"

	"github.com/julianctl/julianctl/pkg/cli"
	"github.com/julianctl/julianctl/pkg/cmd/auth"
	"github.com/julianctl/julianctl/pkg/cmd/check"
	"github.com/julianctl/julianctl/pkg/cmd/completion"
	"github.com/julianctl/julianctl/pkg/cmd/config"
	"github.com/julianctl/julianctl/pkg/cmd/demo"
	"github.com/julianctl/julianctl/pkg/cmd/export"
	"github.com/julianctl/julianctl/pkg/cmd/generate"
	"github.com/julianctl/julianctl/pkg/cmd/listen"
	"github.com/julianctl/julianctl/pkg/cmd/log"
	"github.com/julianctl/julianctl/pkg/cmd/mock"
	"github.com/julianctl/julianctl/pkg/cmd/redact"
	"github.com/julianctl/julianctl/pkg/cmd/replay"
	"github.com/julianctl/julianctl/pkg/cmd/sample"
	"github.com/julianctl/julianctl/pkg/cmd/schema"
	"github.com/julianctl/julianctl/pkg/cmd/validate"
	"github.com/julianctl/julianctl/pkg/cmd/version"
	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
)

// Command groups, in the order of the help page.
const (
	groupJob   = "job"
	groupHelp  = "help"
	groupSetup = "setup"
)

// registered is one row of the registry.
type registered struct {
	group, name string
	make        func(*cli.App) *cobra.Command
}

// commands is the registry, in the order of the help page. It is a function
// because demo, in it, runs the others.
func commands() []registered {
	return []registered{
		{groupJob, "sample", sample.NewCmd},
		{groupJob, "validate", validate.NewCmd},
		{groupJob, "replay", replay.NewCmd},
		{groupJob, "listen", listen.NewCmd},
		{groupJob, "log", log.NewCmd},
		{groupJob, "check", check.NewCmd},
		{groupJob, "export", export.NewCmd},
		{groupHelp, "demo", func(a *cli.App) *cobra.Command {
			return demo.NewCmd(a, func(ctx context.Context, a *cli.App, args []string) int { return Run(ctx, a, args) })
		}},
		{groupHelp, "generate", generate.NewCmd},
		{groupHelp, "redact", redact.NewCmd},
		{groupHelp, "mock", mock.NewCmd},
		{groupHelp, "schema", schema.NewCmd},
		{groupSetup, "auth", auth.NewCmd},
		{groupSetup, "config", config.NewCmd},
		{groupSetup, "completion", completion.NewCmd},
		{groupSetup, "version", version.NewCmd},
	}
}

// New makes the command tree. Where the first word of the command line is a
// command, the others are left out: declaring all their flags takes longer
// than all else at start.
func New(a *cli.App, first string) *cobra.Command { return newTree(a, first, nil, false) }

// newTree is New for a command line; allHelp has --help show all there is.
func newTree(a *cli.App, first string, args []string, allHelp bool) *cobra.Command {
	root := &cobra.Command{
		Use:   "julianctl",
		Short: "Test services that receive Julian's call webhooks",
		Long: `julianctl finds the faults of a service that receives Julian's call webhooks:
calls that are lost, processed twice, or acknowledged too early.`,
		Example: `  julianctl demo                                 all of it, offline, in seconds
  julianctl check http://127.0.0.1:8080/webhook  is the endpoint right?
  julianctl listen --forward-to http://127.0.0.1:8080/webhook
  julianctl replay --dup=2 --to http://127.0.0.1:8080/webhook
  julianctl validate sample.json                 check it against the schema`,
		Args:          cli.NoArgs,
		RunE:          func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
		SilenceErrors: true,
		SilenceUsage:  true,
		PersistentPreRunE: func(cmd *cobra.Command, _ []string) (err error) {
			if cmd.Annotations["config"] == "none" {
				return nil
			}
			if a.Config, err = cli.LoadConfig(a.Env, cmd); err != nil {
				return err
			}
			a.Style, a.ErrStyle = a.Styles(a.Config.Color)
			return nil
		},
	}
	root.PersistentFlags().String("config", "", "configuration file, in place of the user's and the project's")
	root.PersistentFlags().String("color", "auto", "when to use colour: auto, always, never")
	cli.MarkSetting(root.PersistentFlags(), "color")
	root.AddGroup(
		&cobra.Group{ID: groupJob, Title: "Main commands:"},
		&cobra.Group{ID: groupHelp, Title: "More commands:"},
		&cobra.Group{ID: groupSetup, Title: "Setup:"},
	)
	known := false
	for _, c := range commands() {
		known = known || c.name == first
	}
	for _, c := range commands() {
		if known && c.name != first {
			continue
		}
		cmd := c.make(a)
		cmd.GroupID = c.group
		root.AddCommand(cmd)
	}
	root.SetHelpCommand(newHelpCmd(a))
	if !known {
		root.AddCommand(newHelpTopics()...)
		root.InitDefaultHelpCmd()
	}
	root.SetHelpCommandGroupID(groupSetup)
	root.CompletionOptions.DisableDefaultCmd = true // it has a package of its own
	if first == cobra.ShellCompRequestCmd || first == cobra.ShellCompNoDescRequestCmd {
		completeValues(a, root)
	}
	root.SetFlagErrorFunc(func(cmd *cobra.Command, err error) error { return flagError(cmd, args, err) })
	root.SetHelpFunc(func(cmd *cobra.Command, _ []string) { printHelp(a, cmd, allHelp) })
	root.SetUsageFunc(func(cmd *cobra.Command) error { printHelp(a, cmd, allHelp); return nil })
	return root
}

// flagError rewrites errors of the framework, and says what to type.
func flagError(cmd *cobra.Command, args []string, err error) error {
	hint := cli.SeeHelp(cmd)
	if unknown, ok := errors.AsType[*pflag.NotExistError](err); ok {
		name := "--" + unknown.GetSpecifiedName()
		if unknown.GetSpecifiedShortnames() != "" {
			name = "-" + unknown.GetSpecifiedName()
		}
		if word := unknownCommand(cmd, args); word != "" {
			return (&cli.UnknownCommandError{Cmd: cmd, Word: word}).Usage()
		}
		return cli.UsageError(fmt.Errorf("unknown flag %q", name), explainFlag(cmd, args, name))
	}
	if invalid, ok := errors.AsType[*pflag.InvalidValueError](err); ok {
		if near := nearValue(invalid.GetFlag(), invalid.GetValue()); near != "" {
			hint = fmt.Sprintf("did you mean %q?", near)
		}
		return cli.UsageError(fmt.Errorf("invalid value for --%s: %q: %w", invalid.GetFlag().Name, invalid.GetValue(), flagWants(invalid)), hint)
	}
	if missing, ok := errors.AsType[*pflag.ValueRequiredError](err); ok {
		f := missing.GetFlag()
		return cli.UsageError(fmt.Errorf("--%s needs a value: --%s %s", f.Name, f.Name, cli.Placeholder(f)), hint)
	}
	return cli.UsageError(err, hint)
}

// flagWants says what the value of a flag should have been. Flags of a type of
// this program say so themselves; those of the framework speak of their parser.
func flagWants(invalid *pflag.InvalidValueError) error {
	if number, ok := errors.AsType[*strconv.NumError](invalid); ok && errors.Is(number, strconv.ErrRange) {
		return errors.New("out of range")
	}
	switch invalid.GetFlag().Value.Type() {
	case "bool":
		return errors.New("want true or false")
	case "duration":
		return errors.New("want a time such as 500ms, 2s or 5m")
	case "float64":
		return errors.New("want a number")
	case "int", "int64", "uint64":
		return errors.New("want a whole number")
	}
	return invalid.Unwrap()
}

// wantsAllHelp takes --all out of a command line that asks for help. It is no flag of
// the commands: log prune has one of its own.
func wantsAllHelp(args []string) (rest []string, all bool) {
	help := len(args) > 0 && args[0] == "help" || slices.Contains(args, "--help") || slices.Contains(args, "-h")
	i := slices.Index(args, "--all")
	if !help || i < 0 {
		return args, false
	}
	return slices.Delete(slices.Clone(args), i, i+1), true
}

// Run runs one command line and returns the exit code.
func Run(ctx context.Context, a *cli.App, args []string) int {
	args, allHelp := wantsAllHelp(args)
	if len(args) > 0 && (args[0] == "--version" || args[0] == "-v") {
		args = append([]string{"version"}, args[1:]...)
	}
	first := ""
	if len(args) > 0 {
		first = args[0]
	}
	root := newTree(a, first, args, allHelp)
	root.SetArgs(args)
	root.SetIn(a.In)
	root.SetOut(a.Out)
	root.SetErr(a.Err)
	a.Style, a.ErrStyle = a.Styles("auto")
	cmd, err := root.ExecuteContextC(ctx)
	if err = explain(cmd, args, err); err == nil {
		err = a.Out.Err()
	}
	return a.Report(ctx, err)
}
