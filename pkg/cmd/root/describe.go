package root

import (
	"cmp"
	_ "embed"
	"encoding/json"
	"fmt"
	"slices"
	"strings"

	"github.com/julianctl/julianctl/pkg/cli"
	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
)

// description is help --json: all that there is to type, for programs.
type description struct {
	Schema    string           `json:"schema"`
	Version   string           `json:"version"`
	Commands  []commandRecord  `json:"commands"`
	Flags     []flagRecord     `json:"flags"` // of every command
	ExitCodes []exitCodeRecord `json:"exitCodes"`
	Settings  []settingRecord  `json:"settings"` // of the environment and the configuration
	Topics    []topicRecord    `json:"topics"`
	// Records are those of --format json: for each schema and kind the fields and their
	// types. Fields of an object in a field have a dot before them, those of the items of
	// an array "[].".
	Records json.RawMessage `json:"records"`
}

// records is written by a test that runs the commands.
//
//go:embed records.json
var records []byte

type commandRecord struct {
	Command  string       `json:"command"` // without the program: "log show"
	Usage    string       `json:"usage"`
	Short    string       `json:"short"`
	Long     string       `json:"long,omitempty"`
	Examples []string     `json:"examples"`
	Flags    []flagRecord `json:"flags"`
}

type flagRecord struct {
	Name       string   `json:"name"`
	Shorthand  string   `json:"shorthand,omitempty"`
	Group      string   `json:"group,omitempty"`
	Type       string   `json:"type"`
	Value      string   `json:"value,omitempty"` // what stands for it in help
	Values     []string `json:"values,omitempty"`
	Default    string   `json:"default,omitempty"`
	Repeatable bool     `json:"repeatable,omitempty"`
	Doc        string   `json:"doc"`
}

type exitCodeRecord struct {
	Code    int    `json:"code"`
	Meaning string `json:"meaning"`
}

type settingRecord struct {
	Key         string   `json:"key"`
	Environment []string `json:"environment"`
	Default     string   `json:"default,omitempty"`
	Doc         string   `json:"doc"`
}

type topicRecord struct {
	Topic string `json:"topic"`
	Short string `json:"short"`
	Text  string `json:"text"`
}

// exitCodes are all that there are, with what they mean.
var exitCodes = []exitCodeRecord{
	{cli.ExitYes, "yes: valid, delivered, passed"},
	{cli.ExitNo, "no: invalid payload, failed delivery or check, expected deliveries missing"},
	{cli.ExitUsage, "usage or configuration"},
	{cli.ExitFailure, "could not answer: unreadable file, unreachable endpoint, API down, undecided check"},
	{cli.ExitKey, "API key missing or rejected"},
	{cli.ExitInterrupted, "interrupted"},
}

// describe writes the whole tree as JSON.
func describe(a *cli.App, root *cobra.Command) error {
	d := description{Schema: "julianctl.help/v1", Version: cli.Version(), ExitCodes: exitCodes, Records: records}
	root.PersistentFlags().VisitAll(func(f *pflag.Flag) { d.Flags = append(d.Flags, recordOf(f, "")) })
	for _, s := range cli.Settings() {
		d.Settings = append(d.Settings, settingRecord{s.Key, s.Env, s.Def, s.Doc})
	}
	var walk func(*cobra.Command)
	walk = func(c *cobra.Command) {
		switch {
		case c.IsAdditionalHelpTopicCommand():
			d.Topics = append(d.Topics, topicRecord{c.Name(), c.Short, c.Long})
			return
		case c.HasParent() && !c.Hidden:
			d.Commands = append(d.Commands, commandOf(c))
		}
		for _, sub := range ranked(c.Commands()) {
			walk(sub)
		}
	}
	walk(root)
	data, err := json.MarshalIndent(d, "", "  ")
	if err != nil {
		return err
	}
	_, err = fmt.Fprintf(a.Out, "%s\n", data)
	return err
}

func commandOf(c *cobra.Command) commandRecord {
	r := commandRecord{Command: below(c), Usage: c.UseLine(), Short: c.Short, Long: c.Long, Flags: []flagRecord{}}
	for example := range strings.SplitSeq(strings.ReplaceAll(c.Example, "\\\n", ""), "\n") {
		command, _, _ := strings.Cut(strings.TrimSpace(example), "  ")
		r.Examples = append(r.Examples, command)
	}
	groups, _ := cli.FlagGroups(c)
	for _, g := range groups {
		for _, f := range slices.Concat(g.Flags, g.More) {
			r.Flags = append(r.Flags, recordOf(f, g.Title))
		}
	}
	return r
}

func recordOf(f *pflag.Flag, group string) flagRecord {
	kind := map[string]string{"stringArray": "string", "stringSlice": "string", "float64": "number", "int": "integer", "uint64": "integer", "name": "string"}
	r := flagRecord{
		Name: f.Name, Shorthand: f.Shorthand, Group: group, Value: cli.Placeholder(f), Doc: f.Usage,
		Type: cmp.Or(kind[f.Value.Type()], f.Value.Type()), Repeatable: strings.HasPrefix(f.Value.Type(), "stringA") || strings.HasPrefix(f.Value.Type(), "stringS"),
	}
	if f.DefValue != "[]" {
		r.Default = f.DefValue
	}
	r.Values = choices(f)
	return r
}
