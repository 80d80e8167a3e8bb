package root

import (
	"fmt"
	"slices"
	"strings"

	"github.com/julianctl/julianctl/pkg/checklist"
	"github.com/julianctl/julianctl/pkg/cli"
	"github.com/julianctl/julianctl/pkg/deliveryview"
	"github.com/julianctl/julianctl/pkg/journal"
	"github.com/julianctl/julianctl/pkg/julian"
	"github.com/julianctl/julianctl/pkg/safetext"
	"github.com/julianctl/julianctl/pkg/validate"
	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
)

// valueCompletion is how the values of a flag, or the arguments of a command, are completed.
// Flags with a fixed choice complete themselves; see cli.ChoiceFlag.
type valueCompletion struct {
	values func(*cli.App, *cobra.Command) []string // each with its description behind a tab
	list   bool                                    // several, with commas between them
	goesOn bool                                    // more of the same word follows
}

// flagCompletions are by the name of the flag, or of the command and the flag.
var flagCompletions = map[string]valueCompletion{
	"only":             {values: checkNames, list: true},
	"skip":             {values: checkNames, list: true},
	"check explain":    {values: checkNames},
	"validate explain": {values: ruleNames},
	"rule":             {values: ruleSeverities},
	"report":           {values: reportFormats, goesOn: true},
	"to":               {values: endpointNames},
	"forward-to":       {values: endpointNames},
	"webhook-to":       {values: endpointNames},
	"call":             {values: callIDs},
	"result-type":      {values: resultTypes},
	"from-log":         {values: filterTerms, list: true},
	"filter":           {values: filterTerms, list: true},
	"listen until":     {values: filterTerms, list: true},
	"set":              {values: fieldPaths, goesOn: true},
	"color":            {values: settingValues("color")},
	"key-store":        {values: settingValues("key-store")},
}

// argumentCompletions are by the path of the command.
var argumentCompletions = map[string]valueCompletion{
	"check":      {values: endpointNames},
	"log show":   {values: deliveryNumbers},
	"log raw":    {values: deliveryNumbers},
	"log curl":   {values: deliveryNumbers},
	"log diff":   {values: deliveryNumbers},
	"log resend": {values: deliveryNumbers},
}

// completeValues has the tree complete values. It is called where a shell asks only.
func completeValues(a *cli.App, root *cobra.Command) {
	var walk func(*cobra.Command)
	walk = func(cmd *cobra.Command) {
		if c, ok := argumentCompletions[below(cmd)]; ok {
			cmd.ValidArgsFunction = c.complete(a)
		}
		add := func(f *pflag.Flag) {
			c, ok := flagCompletions[below(cmd)+" "+f.Name]
			if !ok {
				c, ok = flagCompletions[f.Name]
			}
			if ok {
				// One that completes itself keeps that.
				_ = cmd.RegisterFlagCompletionFunc(f.Name, c.complete(a))
			}
		}
		cmd.LocalFlags().VisitAll(add)
		for _, sub := range cmd.Commands() {
			walk(sub)
		}
	}
	walk(root)
}

// complete is c for the framework.
func (c valueCompletion) complete(a *cli.App) cobra.CompletionFunc {
	return func(cmd *cobra.Command, _ []string, begun string) (found []string, directive cobra.ShellCompDirective) {
		before := ""
		if i := strings.LastIndexByte(begun, ','); c.list && i >= 0 {
			before, begun = begun[:i+1], begun[i+1:]
		}
		for _, value := range c.values(a, cmd) {
			if strings.HasPrefix(value, begun) {
				found = append(found, before+value)
			}
		}
		directive = cobra.ShellCompDirectiveNoFileComp
		if c.goesOn || c.list {
			directive |= cobra.ShellCompDirectiveNoSpace
		}
		return found, directive | cobra.ShellCompDirectiveKeepOrder
	}
}

func checkNames(*cli.App, *cobra.Command) (names []string) {
	for _, group := range checklist.Groups {
		names = append(names, group+"\tevery check of the group")
	}
	for _, c := range checklist.Checks {
		names = append(names, c.ID+"\t"+c.Title)
	}
	return names
}

func ruleNames(*cli.App, *cobra.Command) (names []string) {
	for _, r := range validate.Rules {
		names = append(names, r.ID+"\t"+r.Why)
	}
	return names
}

func ruleSeverities(*cli.App, *cobra.Command) (values []string) {
	for _, r := range validate.Rules {
		for _, severity := range []string{"error", "warn", "off"} {
			values = append(values, r.ID+"="+severity)
		}
	}
	return values
}

// reportFormats are those of --format that a file can have.
func reportFormats(_ *cli.App, cmd *cobra.Command) (values []string) {
	if f := cmd.Flags().Lookup("format"); f != nil {
		for _, name := range choices(f) {
			if name != "text" && name != "json" {
				values = append(values, name+"=")
			}
		}
	}
	return values
}

// choices are the values of a flag with a fixed choice; nil for any other.
func choices(f *pflag.Flag) []string {
	if choice, ok := f.Value.(interface{ Values() []string }); ok {
		return choice.Values()
	}
	return nil
}

func resultTypes(*cli.App, *cobra.Command) (values []string) {
	for _, t := range julian.ResultTypes() {
		values = append(values, string(t.Name)+"\t"+t.Meaning)
	}
	return values
}

func filterTerms(a *cli.App, cmd *cobra.Command) (values []string) {
	for _, t := range deliveryview.FilterTerms {
		name := t.Name
		if !t.Bare {
			name += "="
		}
		values = append(values, name+"\t"+t.Doc)
	}
	for _, t := range resultTypes(a, cmd) {
		values = append(values, "callResult.resultType="+t) // with its meaning
	}
	return values
}

func fieldPaths(*cli.App, *cobra.Command) (values []string) {
	for _, f := range julian.Fields {
		if !strings.Contains(f.Pointer, "*") {
			values = append(values, strings.ReplaceAll(strings.TrimPrefix(f.Pointer, "/"), "/", ".")+"=\t"+f.Doc)
		}
	}
	return values
}

// settingValues are those of a setting with a fixed choice.
func settingValues(key string) func(*cli.App, *cobra.Command) []string {
	return func(*cli.App, *cobra.Command) []string {
		for _, s := range cli.Settings() {
			if s.Key == key {
				return s.OneOf
			}
		}
		return nil
	}
}

// endpointNames are those of the configuration.
func endpointNames(a *cli.App, cmd *cobra.Command) (values []string) {
	cfg, err := cli.LoadConfig(a.Env, cmd)
	if err != nil {
		return nil // it is said when the command is run
	}
	for _, e := range cfg.Endpoints {
		values = append(values, safetext.Line(e.Name)+"\t"+safetext.Line(cli.WithoutPassword(e.URL)))
	}
	return values
}

// newest is how many deliveries of the log are completed.
const newest = 50

// deliveries are the newest of the log; none where it cannot be read.
func deliveries(a *cli.App, cmd *cobra.Command) (found []*journal.Entry) {
	var err error
	if a.Config, err = cli.LoadConfig(a.Env, cmd); err != nil {
		return nil
	}
	l, err := a.OpenLog(cmd.Context())
	if err != nil {
		return nil
	}
	defer l.Close()
	for e, err := range l.Entries(cmd.Context(), journal.Filter{Newest: true, Limit: newest}) {
		if err != nil {
			break
		}
		found = append(found, e)
	}
	return found
}

func deliveryNumbers(a *cli.App, cmd *cobra.Command) (values []string) {
	for _, e := range deliveries(a, cmd) {
		values = append(values, fmt.Sprintf("%d\t%s %s", e.ID, safetext.Line(e.CallID), safetext.Line(e.ResultType)))
	}
	return values
}

func callIDs(a *cli.App, cmd *cobra.Command) (values []string) {
	for _, e := range deliveries(a, cmd) {
		id := safetext.Line(e.CallID)
		if id == "" || id != e.CallID || slices.ContainsFunc(values, func(v string) bool { return strings.HasPrefix(v, id+"\t") }) {
			continue
		}
		values = append(values, id+"\t"+safetext.Line(e.ResultType))
	}
	return values
}
