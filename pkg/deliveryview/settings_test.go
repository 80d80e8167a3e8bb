package deliveryview

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/julianctl/julianctl/pkg/cli"
	"github.com/spf13/cobra"
)

// settingsAt loads the configuration with a user file, a project file, an
// environment and a command line.
func settingsAt(t *testing.T, user, project string, environ map[string]string, args ...string) (cli.Config, error) {
	t.Helper()
	dir := t.TempDir()
	t.Chdir(dir)
	write := func(path, text string) {
		if text == "" {
			return
		}
		if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	write(filepath.Join(dir, "xdg", "julianctl", "config.yaml"), user)
	write(".julianctl.yaml", project)
	cmd := &cobra.Command{Use: "x"}
	cmd.Flags().String("config", "", "")
	for _, s := range cli.Settings() {
		if s.Key != "endpoints" {
			cli.ConfigFlag(cmd, s.Key)
		}
	}
	if err := cmd.ParseFlags(args); err != nil {
		t.Fatal(err)
	}
	return cli.LoadConfig(func(name string) string {
		if name == "XDG_CONFIG_HOME" {
			return filepath.Join(dir, "xdg")
		}
		return environ[name]
	}, cmd)
}
