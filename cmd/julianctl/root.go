package main

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"

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
	make        func(*app) *cobra.Command
}

// commands is the registry, in the order of the help page. It is a function
// because demo, in it, runs the others.
func commands() []registered {
	return []registered{
		{groupJob, "sample", newSampleCmd},
		{groupJob, "validate", newValidateCmd},
		{groupJob, "replay", newReplayCmd},
		{groupJob, "listen", newListenCmd},
		{groupJob, "log", newLogCmd},
		{groupJob, "check", newCheckCmd},
		{groupJob, "export", newExportCmd},
		{groupHelp, "demo", func(a *app) *cobra.Command {
			return newDemoCmd(a, func(ctx context.Context, a *app, args []string) int { return a.main(ctx, args) })
		}},
		{groupHelp, "generate", newGenerateCmd},
		{groupHelp, "redact", newRedactCmd},
		{groupHelp, "mock", newMockCmd},
		{groupHelp, "schema", newSchemaCmd},
		{groupSetup, "auth", newAuthCmd},
		{groupSetup, "config", newConfigCmd},
		{groupSetup, "version", newVersionCmd},
	}
}

// newRoot makes the command tree. Where the first word of the command line is a
// command, the others are left out: declaring all their flags takes longer
// than all else at start.
func newRoot(a *app, first string) *cobra.Command {
	root := &cobra.Command{
		Use:   "julianctl",
		Short: "Test services that receive Julian's call webhooks",
		Long: `julianctl answers one question, on a laptop and in CI: is my webhook endpoint
right before it goes live, and is it still right today?`,
		Example: `  julianctl demo                                          all of it, offline, in seconds
  julianctl sample agent.abc123 -o sample.json            fetch a sample payload
  julianctl validate sample.json                          check it against the schema
  julianctl replay sample.json --dup=2 --to http://127.0.0.1:4040/
  julianctl listen                                        stand in place of the endpoint
  julianctl check --to http://127.0.0.1:8080/webhook      is the endpoint right?`,
		Args:          noArgs,
		RunE:          func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
		SilenceErrors: true,
		SilenceUsage:  true,
		PersistentPreRunE: func(cmd *cobra.Command, _ []string) (err error) {
			if cmd.Annotations["config"] == "none" {
				return nil
			}
			if a.cfg, err = loadConfig(a.env, cmd); err != nil {
				return err
			}
			a.style, a.errStyle = a.styles(a.cfg.Color)
			return nil
		},
	}
	root.PersistentFlags().String("config", "", "configuration file, in place of the user's and the project's")
	root.PersistentFlags().String("color", "auto", "when to use colour: auto, always, never")
	isSetting(root.PersistentFlags(), "color")
	root.AddGroup(
		&cobra.Group{ID: groupJob, Title: "The main job:"},
		&cobra.Group{ID: groupHelp, Title: "Helpers:"},
		&cobra.Group{ID: groupSetup, Title: "Set-up:"},
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
	if !known {
		root.AddCommand(newHelpTopics()...)
	}
	root.SetHelpCommandGroupID(groupSetup)
	root.SetCompletionCommandGroupID(groupSetup)
	root.SetFlagErrorFunc(flagError)
	root.SetHelpFunc(func(cmd *cobra.Command, _ []string) { printHelp(a, cmd) })
	root.SetUsageFunc(func(cmd *cobra.Command) error { printHelp(a, cmd); return nil })
	return root
}

// flagError turns the framework's words into ours, with the nearest flag.
func flagError(cmd *cobra.Command, err error) error {
	hint := seeHelp(cmd)
	if unknown, ok := errors.AsType[*pflag.NotExistError](err); ok {
		name := "--" + unknown.GetSpecifiedName()
		if unknown.GetSpecifiedShortnames() != "" {
			name = "-" + unknown.GetSpecifiedName()
		}
		var known []string
		cmd.Flags().VisitAll(func(f *pflag.Flag) { known = append(known, "--"+f.Name) })
		return usage(fmt.Errorf("unknown flag %q", name), didYouMean(name, known, hint))
	}
	if invalid, ok := errors.AsType[*pflag.InvalidValueError](err); ok {
		return usage(fmt.Errorf("--%s %q: %w", invalid.GetFlag().Name, invalid.GetValue(), flagWants(invalid)), hint)
	}
	return usage(err, hint)
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

// formatFlag declares --format with its values; the first is the default.
func formatFlag(cmd *cobra.Command, into *string, values ...string) {
	*into = values[0]
	choiceFlag(cmd, into, "format", "form of the results on stdout", values...)
}

// choiceFlag declares a flag that takes one of values.
func choiceFlag(cmd *cobra.Command, into *string, name, doc string, values ...string) {
	cmd.Flags().Var(&choice{into, values}, name, doc+": "+strings.Join(values, ", "))
	// The only error is a flag that is not there, and it was declared above.
	_ = cmd.RegisterFlagCompletionFunc(name, cobra.FixedCompletions(values, cobra.ShellCompDirectiveNoFileComp))
}

// choice is a pflag.Value with a fixed set of values.
type choice struct {
	value  *string
	values []string
}

func (c *choice) String() string { return *c.value }
func (c *choice) Type() string   { return "name" }
func (c *choice) Set(s string) error {
	if !slices.Contains(c.values, s) {
		return fmt.Errorf("want one of %s", strings.Join(c.values, ", "))
	}
	*c.value = s
	return nil
}
