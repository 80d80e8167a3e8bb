// Package config is the command config: it shows settings and where they come from.
package config

import (
	"cmp"
	_ "embed"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"time"

	"github.com/julianctl/julianctl/pkg/cli"
	"github.com/julianctl/julianctl/pkg/report"
	"github.com/julianctl/julianctl/pkg/safetext"
	"github.com/julianctl/julianctl/pkg/terminal"
	"github.com/spf13/cobra"
)

// NewCmd is the command.
func NewCmd(a *cli.App) *cobra.Command {
	cmd := &cobra.Command{
		Use:   "config",
		Short: "Show where settings come from, or write a configuration file",
		Example: `  julianctl config list --origin      every setting and where it came from
  julianctl config init               write a commented .julianctl.yaml
  julianctl config trust              let the .julianctl.yaml here decide where things go
  julianctl config path               the files that are read`,
		Args: cli.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
	}
	cmd.AddCommand(newListCmd(a), newPathCmd(a), newInitCmd(a), newSchemaCmd(a), newTrustCmd(a), newUntrustCmd(a))
	return cmd
}

func newListCmd(a *cli.App) *cobra.Command {
	var origin bool
	var format string
	cmd := &cobra.Command{
		Use:     "list",
		Short:   "List every setting and its value",
		Example: "  julianctl config list --origin",
		Args:    cli.NoArgs,
		RunE:    func(*cobra.Command, []string) error { return runList(a, origin, format) },
	}
	cmd.Flags().BoolVar(&origin, "origin", false, "also say where each value came from")
	cli.FormatFlag(cmd, &format, "text", "json")
	return cmd
}

// settingRecord is one line of config list --format json.
type settingRecord struct {
	Key    string `json:"key"`
	Value  any    `json:"value"`
	Origin string `json:"origin"`
	// Trust is there for values of the project file.
	Trust cli.TrustState `json:"trust,omitempty"`
}

func runList(a *cli.App, origin bool, format string) error {
	value := reflect.ValueOf(a.Config)
	records := report.NewRecords(a.Out, "config")
	for i, s := range cli.Settings() {
		shown := showSetting(value.Field(i).Interface())
		record := settingRecord{Key: s.Key, Value: shown, Origin: a.Config.Origin[s.Key].String()}
		if a.Config.Project.Keys[s.Key] {
			record.Trust = a.Config.Project.Trust
		}
		if format == "json" {
			if err := records.Write("setting", record); err != nil {
				return err
			}
			continue
		}
		text, ok := shown.(string)
		if !ok {
			text = cli.CompactJSON(shown)
		}
		text = safetext.Line(cmp.Or(text, "-"))
		if origin {
			from := safetext.Line(record.Origin)
			if record.Trust != "" {
				from += fmt.Sprintf(" (%s)", record.Trust)
			}
			text = terminal.Pad(text, 34) + " " + a.Style.Faint(from)
		}
		fmt.Fprintln(a.Out, terminal.Pad(s.Key, 14), text)
	}
	return nil
}

// showSetting is a value as it may be seen: header values may be secrets.
func showSetting(value any) any {
	switch v := value.(type) {
	case string:
		return cli.WithoutPassword(v)
	case time.Duration:
		return v.String()
	case []string:
		if v == nil {
			return ""
		}
		return v
	case []cli.Endpoint:
		if v == nil {
			return ""
		}
		out := []map[string]any{}
		for _, e := range v {
			shown := map[string]any{"name": e.Name, "url": cli.WithoutPassword(e.URL)}
			if len(e.Headers) > 0 {
				names := []string{}
				for _, h := range e.Headers {
					name, _, _ := strings.Cut(h, ":")
					names = append(names, name+": ***")
				}
				shown["headers"] = names
			}
			if e.Timeout > 0 {
				shown["timeout"] = e.Timeout.String()
			}
			out = append(out, shown)
		}
		return out
	}
	return value
}

func newPathCmd(a *cli.App) *cobra.Command {
	return &cobra.Command{
		Use:         "path",
		Short:       "Print the configuration files, and whether they exist",
		Example:     "  julianctl config path",
		Args:        cli.NoArgs,
		Annotations: map[string]string{"config": "none"},
		RunE: func(cmd *cobra.Command, _ []string) error {
			explicit, _ := cmd.Flags().GetString("config")
			for _, f := range cli.ConfigFiles(a.Env, explicit) {
				state := "not found"
				if _, err := os.Stat(f.Path); err == nil {
					state = "read"
				} else if !errors.Is(err, fs.ErrNotExist) {
					state = "unreadable"
				}
				path := f.Path
				if abs, err := filepath.Abs(path); err == nil {
					path = abs
				}
				fmt.Fprintf(a.Out, "%-8s %-10s %s\n", f.Name, state, safetext.Line(path))
			}
			return nil
		},
	}
}

// schema describes the file; a test makes it from the types of the settings.
//
//go:embed config.schema.json
var schema []byte

// schemaURL is where editors find the schema.
const schemaURL = "https://raw.githubusercontent.com/julianctl/julianctl/main/pkg/cmd/config/config.schema.json"

func newSchemaCmd(a *cli.App) *cobra.Command {
	return &cobra.Command{
		Use:   "schema",
		Short: "Print the JSON Schema of the configuration file, for editors",
		Long: `schema prints the JSON Schema of a configuration file. The first line of what "config
init" writes names it, so that editors with a YAML language server complete and check
the file. Offline, save it and name the file in that line:

  # yaml-language-server: $schema=julianctl.schema.json`,
		Example:     "  julianctl config schema > julianctl.schema.json",
		Args:        cli.NoArgs,
		Annotations: map[string]string{"config": "none"},
		RunE: func(*cobra.Command, []string) error {
			_, err := a.Out.Write(schema)
			return err
		},
	}
}

func newInitCmd(a *cli.App) *cobra.Command {
	var force bool
	cmd := &cobra.Command{
		Use:   "init [FILE]",
		Short: "Write a commented configuration file (default .julianctl.yaml)",
		Example: `  julianctl config init
  julianctl config init ~/.config/julianctl/config.yaml`,
		Args:        cli.MaxArgs(1),
		Annotations: map[string]string{"config": "none"},
		RunE: func(_ *cobra.Command, args []string) error {
			path := cli.ProjectFile
			if len(args) == 1 {
				path = args[0]
			}
			if _, err := os.Lstat(path); err == nil && !force {
				return cli.UsageError(fmt.Errorf("%q already exists", path), "--force replaces it")
			}
			if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
				return cli.Failure(err, "")
			}
			if err := cli.WriteFile(path, []byte(configTemplate())); err != nil {
				return cli.Failure(err, "")
			}
			a.Note("wrote %s", safetext.Line(path))
			if filepath.Base(path) == cli.ProjectFile {
				a.Hint(`an endpoint beyond this machine needs "julianctl config trust" once it is in the file`)
			}
			return nil
		},
	}
	cmd.Flags().BoolVar(&force, "force", false, "replace a file that is there")
	return cmd
}

// configTemplate is a file with every key commented out: it changes nothing
// until the user removes a #.
func configTemplate() string {
	var b strings.Builder
	b.WriteString("# yaml-language-server: $schema=" + schemaURL + "\n# julianctl configuration. A flag takes precedence over the environment, the\n# environment over this file. See: julianctl help environment\n" +
		"# A project's " + cli.ProjectFile + " is trusted with: julianctl config trust\n")
	for _, s := range cli.Settings() {
		fmt.Fprintf(&b, "\n# %s (environment %s)\n", s.Doc, strings.Join(s.Env, " or "))
		switch s.Key {
		case "endpoints":
			b.WriteString("#endpoints:\n#  - name: staging\n#    url: https://staging.example.com/webhooks/julian\n#    headers: [\"X-Webhook-Secret: …\"]\n#    timeout: 10s\n")
		case "redact-header":
			b.WriteString("#redact-header: [X-Webhook-Secret]\n")
		default:
			fmt.Fprintf(&b, "#%s: %s\n", s.Key, s.Def)
		}
	}
	return b.String()
}
