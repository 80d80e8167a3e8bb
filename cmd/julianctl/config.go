package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"time"

	"github.com/julianctl/julianctl/pkg/jsonscan"
	"github.com/julianctl/julianctl/pkg/report"
	"github.com/julianctl/julianctl/pkg/safetext"
	"github.com/spf13/cobra"
)

func newConfigCmd(a *app) *cobra.Command {
	cmd := &cobra.Command{
		Use:   "config",
		Short: "Show where settings come from, or write a configuration file",
		Example: `  julianctl config list --origin      every setting and where it came from
  julianctl config init               write a commented .julianctl.yaml
  julianctl config trust              let the .julianctl.yaml here decide where things go
  julianctl config path               the files that are read`,
		Args: noArgs,
		RunE: func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
	}
	cmd.AddCommand(newConfigListCmd(a), newConfigPathCmd(a), newConfigInitCmd(a), newConfigTrustCmd(a), newConfigUntrustCmd(a))
	return cmd
}

func newConfigListCmd(a *app) *cobra.Command {
	var origin bool
	var format string
	cmd := &cobra.Command{
		Use:     "list",
		Short:   "List every setting and its value",
		Example: "  julianctl config list --origin",
		Args:    noArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			return runConfigList(cmd.Context(), a, origin, format)
		},
	}
	cmd.Flags().BoolVar(&origin, "origin", false, "also say where each value came from")
	formatFlag(cmd, &format, "text", "json")
	return cmd
}

// settingRecord is one line of config list --format json.
type settingRecord struct {
	Key    string `json:"key"`
	Value  any    `json:"value"`
	Origin string `json:"origin"`
	// Trust is there for values of the project file.
	Trust trustState `json:"trust,omitempty"`
}

func runConfigList(_ context.Context, a *app, origin bool, format string) error {
	value := reflect.ValueOf(a.cfg)
	records := report.NewRecords(a.out, "config")
	for i, s := range settings() {
		shown := showSetting(value.Field(i).Interface())
		record := settingRecord{Key: s.key, Value: shown, Origin: a.cfg.origin[s.key]}
		if a.cfg.project.keys[s.key] {
			record.Trust = a.cfg.project.trust
		}
		if format == "json" {
			if err := records.Write("setting", record); err != nil {
				return err
			}
			continue
		}
		text, ok := shown.(string)
		if !ok {
			text = compactJSON(shown)
		}
		if text == "" {
			text = "-"
		}
		line := pad(s.key, 14) + " " + safetext.Line(text)
		if origin {
			from := safetext.Line(record.Origin)
			if record.Trust != "" {
				from += fmt.Sprintf(" (%s)", record.Trust)
			}
			line = fmt.Sprintf("%s %s %s", pad(s.key, 14), pad(safetext.Line(text), 34), a.style.faint(from))
		}
		fmt.Fprintln(a.out, line)
	}
	return nil
}

// showSetting is a value as it may be seen: header values may be secrets.
func showSetting(value any) any {
	switch v := value.(type) {
	case string:
		return withoutPassword(v)
	case time.Duration:
		return v.String()
	case []string:
		if v == nil {
			return ""
		}
		return v
	case []endpoint:
		if v == nil {
			return ""
		}
		out := []map[string]any{}
		for _, e := range v {
			shown := map[string]any{"name": e.Name, "url": withoutPassword(e.URL)}
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

// compactJSON is v on one line with HTML characters as they are.
func compactJSON(v any) string {
	b, err := jsonscan.Append(nil, v)
	if err != nil {
		return fmt.Sprint(v)
	}
	return string(b)
}

func newConfigPathCmd(a *app) *cobra.Command {
	return &cobra.Command{
		Use:         "path",
		Short:       "Print the configuration files, lightest first, and whether they are there",
		Example:     "  julianctl config path",
		Args:        noArgs,
		Annotations: map[string]string{"config": "none"},
		RunE: func(cmd *cobra.Command, _ []string) error {
			explicit, _ := cmd.Flags().GetString("config")
			for _, f := range configFiles(a.env, explicit) {
				state := "not there"
				if _, err := os.Stat(f.path); err == nil {
					state = "read"
				} else if !errors.Is(err, fs.ErrNotExist) {
					state = "unreadable"
				}
				path := f.path
				if abs, err := filepath.Abs(path); err == nil {
					path = abs
				}
				fmt.Fprintf(a.out, "%-8s %-10s %s\n", f.name, state, safetext.Line(path))
			}
			return nil
		},
	}
}

func newConfigInitCmd(a *app) *cobra.Command {
	var force bool
	cmd := &cobra.Command{
		Use:   "init [FILE]",
		Short: "Write a commented configuration file (default .julianctl.yaml)",
		Example: `  julianctl config init
  julianctl config init ~/.config/julianctl/config.yaml`,
		Args:        maxArgs(1),
		Annotations: map[string]string{"config": "none"},
		RunE: func(_ *cobra.Command, args []string) error {
			path := projectFile
			if len(args) == 1 {
				path = args[0]
			}
			if _, err := os.Lstat(path); err == nil && !force {
				return usage(fmt.Errorf("%q is there already", path), "--force replaces it")
			}
			if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
				return unable(err, "")
			}
			if err := writeFile(path, []byte(configTemplate())); err != nil {
				return unable(err, "")
			}
			a.note("wrote %s", safetext.Line(path))
			if filepath.Base(path) == projectFile {
				a.hint(`an endpoint beyond this machine needs "julianctl config trust" once it is in the file`)
			}
			return nil
		},
	}
	cmd.Flags().BoolVar(&force, "force", false, "replace a file that is there")
	return cmd
}

// configTemplate is a file with every key commented out: it changes nothing
// until a person takes a # away.
func configTemplate() string {
	var b strings.Builder
	b.WriteString("# julianctl configuration. A flag outweighs the environment, the environment\n# outweighs this file. See: julianctl help environment\n" +
		"# A project's " + projectFile + " is trusted with: julianctl config trust\n")
	for _, s := range settings() {
		fmt.Fprintf(&b, "\n# %s (environment %s)\n", s.doc, strings.Join(s.env, " or "))
		switch s.key {
		case "endpoints":
			b.WriteString("#endpoints:\n#  - name: staging\n#    url: https://staging.example.com/webhooks/julian\n#    headers: [\"X-Webhook-Secret: …\"]\n#    timeout: 10s\n")
		case "redact-header":
			b.WriteString("#redact-header: [X-Webhook-Secret]\n")
		default:
			fmt.Fprintf(&b, "#%s: %s\n", s.key, s.def)
		}
	}
	return b.String()
}
