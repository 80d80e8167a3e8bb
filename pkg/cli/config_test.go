package cli_test

import (
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/julianctl/julianctl/pkg/cli"
	"github.com/julianctl/julianctl/pkg/cli/clitest"
	"github.com/spf13/cobra"
)

func TestSettingPrecedence(t *testing.T) {
	for _, tt := range []struct {
		name, user, project string
		environ             map[string]string
		args                []string
		want, origin        string
	}{
		{"default", "", "", nil, nil, "30s", "default"},
		{"user", "timeout: 1s", "", nil, nil, "1s", filepath.Join("julianctl", "config.yaml")},
		{"project over user", "timeout: 1s", "timeout: 2s", nil, nil, "2s", ".julianctl.yaml"},
		{"environment over project", "timeout: 1s", "timeout: 2s", map[string]string{"JULIANCTL_TIMEOUT": "3s"}, nil, "3s", "environment JULIANCTL_TIMEOUT"},
		{"flag over environment", "timeout: 1s", "timeout: 2s", map[string]string{"JULIANCTL_TIMEOUT": "3s"}, []string{"--timeout", "4s"}, "4s", "flag --timeout"},
		{"file given", "timeout: 1s", "timeout: 2s", nil, []string{"--config", "xdg/julianctl/config.yaml"}, "1s", "xdg/julianctl/config.yaml"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			cfg, err := clitest.LoadConfig(t, tt.user, tt.project, tt.environ, tt.args...)
			if err != nil {
				t.Fatal(err)
			}
			if cfg.Timeout.String() != tt.want || !strings.HasSuffix(cfg.Origin["timeout"].String(), tt.origin) {
				t.Errorf("timeout %s from %q, want %s from %q", cfg.Timeout, cfg.Origin["timeout"], tt.want, tt.origin)
			}
		})
	}
}

func TestSettingValues(t *testing.T) {
	cfg, err := clitest.LoadConfig(t, "", `
endpoints:
  - name: staging
    url: https://staging.example.com/hook
    headers: ["X-Webhook-Secret: s: Cr3t"]
    timeout: 5s
redact-header: [X-Mine]
`, map[string]string{"AGENT_ID": "agent.seed", "JULIAN_BASE_URL": "http://127.0.0.1:1"})
	if err != nil {
		t.Fatal(err)
	}
	if len(cfg.Endpoints) != 1 || cfg.Endpoints[0].Headers[0] != "X-Webhook-Secret: s: Cr3t" || cfg.Endpoints[0].Timeout != 5*time.Second {
		t.Errorf("endpoints %+v", cfg.Endpoints)
	}
	if cfg.AgentID != "agent.seed" || cfg.BaseURL != "http://127.0.0.1:1" || cfg.Color != "auto" || len(cfg.RedactHeader) != 1 {
		t.Errorf("config %+v", cfg)
	}
	cfg, err = clitest.LoadConfig(t, "", "", map[string]string{
		"JULIANCTL_ENDPOINTS":     `[{"name":"a","url":"http://a.example"}]`,
		"JULIANCTL_REDACT_HEADER": "A, B",
		"JULIAN_AGENT_ID":         "agent.two", "AGENT_ID": "agent.three",
	}, "--redact-header", "one", "--redact-header", "two, three")
	if err != nil {
		t.Fatal(err)
	}
	if cfg.Endpoints[0].Name != "a" || strings.Join(cfg.RedactHeader, "|") != "one|two, three" || cfg.AgentID != "agent.two" {
		t.Errorf("config %+v", cfg)
	}
}

// Every mistake in a configuration names the key, the place and what to write.
func TestSettingMistakes(t *testing.T) {
	for _, tt := range []struct {
		name, project string
		environ       map[string]string
		args          []string
		want, hint    string
	}{
		{"unknown key", "tmeout: 5s", nil, nil, `configuration ".julianctl.yaml": unknown key "tmeout"`, `did you mean "timeout"?`},
		{"no yaml", "a: [", nil, nil, `configuration ".julianctl.yaml": `, ""},
		{"bare number", "timeout: 5", nil, nil, `setting "timeout" from .julianctl.yaml: `, "help environment"},
		{"malformed duration", "timeout: soon", nil, nil, `"soon" is not a duration`, ""},
		{"negative", "", map[string]string{"JULIANCTL_TIMEOUT": "-1s"}, nil, `environment JULIANCTL_TIMEOUT: `, ""},
		{"colour", "color: red", nil, nil, `"red" is not one of auto, always, never`, ""},
		{"list for a word", "to: [a, b]", nil, nil, `setting "to" from .julianctl.yaml: `, ""},
		{"word for a list", "redact-header: X-A", nil, nil, `setting "redact-header" from .julianctl.yaml: `, ""},
		{"endpoint without url", "endpoints: [{name: a}]", nil, nil, `endpoint "a" in .julianctl.yaml needs a name and a url`, ""},
		{"endpoint twice", "endpoints: [{name: a, url: x}, {name: a, url: y}]", nil, nil, `endpoint "a" is named twice`, ""},
		{"endpoint key", "endpoints: [{name: a, url: x, header: [y]}]", nil, nil, `setting "endpoints" from .julianctl.yaml: `, ""},
		{"file given is missing", "", nil, []string{"--config", "nope.yaml"}, `configuration "nope.yaml": file does not exist`, "config init"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			_, err := clitest.LoadConfig(t, "", tt.project, tt.environ, tt.args...)
			f, ok := err.(*cli.ExitError)
			if !ok || f.Code != cli.ExitUsage {
				t.Fatalf("error %v, want a usage error", err)
			}
			if !strings.Contains(f.Error(), tt.want) || !strings.Contains(f.Hint, tt.hint) {
				t.Errorf("got %q, hint %q; want %q, hint %q", f.Error(), f.Hint, tt.want, tt.hint)
			}
		})
	}
}

func TestDidYouMean(t *testing.T) {
	known := []string{"--timeout", "--to", "--dup"}
	for word, want := range map[string]string{
		"--timout": `did you mean "--timeout"?`,
		"--dupe":   `did you mean "--dup"?`,
		"--xyzzy":  "otherwise",
	} {
		if got := cli.DidYouMean(word, known, "otherwise"); got != want {
			t.Errorf("%s: %s, want %s", word, got, want)
		}
	}
}

// A flag that only shares its name with a setting, as the --timeout of listen
// does, is not that setting.
func TestFlagThatIsNoSetting(t *testing.T) {
	cmd := &cobra.Command{}
	cmd.Flags().Duration("timeout", 0, "")
	if err := cmd.ParseFlags([]string{"--timeout", "1s"}); err != nil {
		t.Fatal(err)
	}
	env := map[string]string{"JULIANCTL_TIMEOUT": "7s"}
	cfg, err := cli.LoadConfig(func(name string) string { return env[name] }, cmd)
	if err != nil || cfg.Timeout != 7*time.Second || cfg.Origin["timeout"] != (cli.Origin{Env: "JULIANCTL_TIMEOUT"}) {
		t.Errorf("timeout %s from %q, %v", cfg.Timeout, cfg.Origin["timeout"], err)
	}
}
