package root

import (
	"bytes"
	"encoding/json"
	"slices"
	"strings"
	"testing"

	"github.com/julianctl/julianctl/pkg/cli"
	"github.com/julianctl/julianctl/pkg/cli/clitest"
	"github.com/julianctl/julianctl/pkg/terminal"
	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
)

// eachCommand calls f for the root and all commands below it.
func eachCommand(t *testing.T, f func(*cobra.Command)) {
	t.Helper()
	seen := 0
	var walk func(*cobra.Command)
	walk = func(c *cobra.Command) {
		seen++
		f(c)
		for _, sub := range c.Commands() {
			walk(sub)
		}
	}
	walk(New(clitest.App(t), ""))
	if seen < 20 {
		t.Fatalf("saw only %d commands", seen)
	}
}

// A page of help fits two screens of 80 columns; with --all no line is cut off.
func TestHelpFits(t *testing.T) {
	eachCommand(t, func(c *cobra.Command) {
		for _, all := range []bool{false, true} {
			var out bytes.Buffer
			a := clitest.App(t)
			a.Out = terminal.NewOutput(&out)
			a.Style, a.ErrStyle = a.Styles("never")
			printHelp(a, c, all)
			if lines := strings.Count(out.String(), "\n"); !all && lines > twoScreens && !c.IsAdditionalHelpTopicCommand() {
				t.Errorf("%s: %d lines of help, want %d", c.CommandPath(), lines, twoScreens)
			}
			for line := range strings.Lines(out.String()) {
				if strings.HasPrefix(line, "    --probe") {
					continue // one word of a shell
				}
				if n := terminal.Cells(strings.TrimSuffix(line, "\n")); n > 80 {
					t.Errorf("%s: a line of %d columns: %s", c.CommandPath(), n, line)
				}
			}
		}
	})
}

// What help writes for a value is given by type or by the name of a flag that exists.
func TestPlaceholders(t *testing.T) {
	var named []string
	for name := range cli.Placeholders() {
		named = append(named, name)
	}
	eachCommand(t, func(c *cobra.Command) {
		c.Flags().AddFlagSet(c.PersistentFlags())
		c.Flags().VisitAll(func(f *pflag.Flag) {
			named = slices.DeleteFunc(named, func(name string) bool {
				return name == f.Name || name == "type "+f.Value.Type()
			})
			if f.Value.Type() != "bool" && cli.Placeholder(f) == "" {
				t.Errorf("%s --%s: no placeholder for a %s", c.CommandPath(), f.Name, f.Value.Type())
			}
		})
	})
	if len(named) > 0 {
		t.Errorf("no flag is of these: %q", named)
	}
}

// help --json holds every command that can be typed, each flag with its group and type,
// and the exit codes of the page.
func TestDescription(t *testing.T) {
	var out bytes.Buffer
	a := clitest.App(t)
	a.Out = terminal.NewOutput(&out)
	if code := Run(t.Context(), a, []string{"help", "--json"}); code != 0 {
		t.Fatalf("exit code %d", code)
	}
	var got description
	if err := json.Unmarshal(out.Bytes(), &got); err != nil {
		t.Fatal(err)
	}
	described := map[string]commandRecord{}
	for _, c := range got.Commands {
		described[c.Command] = c
	}
	eachCommand(t, func(c *cobra.Command) {
		if !c.HasParent() || c.IsAdditionalHelpTopicCommand() {
			return
		}
		record, ok := described[below(c)]
		if !ok {
			t.Errorf("%s is not described", c.CommandPath())
			return
		}
		flags := map[string]flagRecord{}
		for _, f := range record.Flags {
			flags[f.Name] = f
		}
		c.LocalNonPersistentFlags().VisitAll(func(f *pflag.Flag) {
			if d, ok := flags[f.Name]; f.Name != "help" && (!ok || d.Type == "" || d.Doc == "" || d.Group == "") {
				t.Errorf("%s --%s is described as %+v", c.CommandPath(), f.Name, d)
			}
		})
	})
	if !bytes.Contains(got.Records, []byte(`"julianctl.validate/v1"`)) {
		t.Errorf("no records: %s", got.Records)
	}
	if len(got.ExitCodes) != 6 || len(got.Topics) < 4 || len(got.Flags) != 2 || len(got.Settings) < 10 {
		t.Errorf("%d exit codes, %d topics, %d flags, %d settings", len(got.ExitCodes), len(got.Topics), len(got.Flags), len(got.Settings))
	}
}
