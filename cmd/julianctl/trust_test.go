package main

import (
	"context"
	"errors"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/julianctl/julianctl/pkg/cli"
	"github.com/julianctl/julianctl/pkg/cli/clitest"
	"github.com/julianctl/julianctl/pkg/cmd/auth"
	"github.com/julianctl/julianctl/pkg/deliveryview"
	"github.com/julianctl/julianctl/pkg/journal"
)

// projectDecisions is what a project file may do with each key, and what it may
// not until a person trusts it. A new key needs a row here and a rule in
// cli.ProjectRules. What to ask: can a value run a program, choose where a
// delivery or a secret goes, name a file that is read as a secret, write
// outside the project, or make anything less safe?
var projectDecisions = []struct {
	key      string
	harmless []string                   // project files that need no trust
	hostile  []string                   // project files that do; none: no value does harm
	user     string                     // the user's own file
	use      func(a *cli.App) error     // uses the value as a command does
	would    string                     // what the refusal says
	holds    func(cfg *cli.Config) bool // of harmless values, where there is something to hold; may be nil
}{
	{key: "agent-id", harmless: []string{"agent-id: ../../evil"}}, // pkg/julian refuses ids that are paths
	{
		key:     "api-key-file",
		hostile: []string{"api-key-file: /home/me/.ssh/id_rsa", "api-key-file: key.txt", "api-key-file: '-'"},
		use:     func(a *cli.App) error { _, _, err := a.APIClient(context.Background()); return err }, would: "as the API key",
	},
	{
		key:      "base-url",
		harmless: []string{"base-url: https://julian.11x.ai/api/v1", "base-url: https://julian.11x.ai/api/v1/"},
		hostile: []string{
			"base-url: https://evil.example/api/v1", "base-url: http://127.0.0.1:4141", "base-url: https://evil.example/https://julian.11x.ai/api/v1",
			"base-url: https://julian.11x.ai.evil.example/api/v1", "base-url: https://julian.11x.ai/other",
		},
		use: func(a *cli.App) error { _, err := a.APIHost(); return err }, would: "send the API key to",
	},
	{key: "color", harmless: []string{"color: always"}},
	{
		key:      "endpoints",
		harmless: []string{"endpoints: [{name: staging, url: 'http://127.0.0.1:1/'}]", "endpoints: [{name: staging, url: 'http://localhost:1/', headers: ['X-Key: $HOME']}]"},
		hostile: []string{
			"endpoints: [{name: staging, url: 'https://evil.example/'}]", "endpoints: [{name: staging, url: 'http://10.0.0.1/'}]",
			"endpoints: [{name: staging, url: 'http://localhost.evil.example/'}]",
		},
		user:  "endpoints: [{name: staging, url: 'https://staging.example/'}]", // which the project's replaces
		use:   func(a *cli.App) error { _, err := a.Target("staging", nil); return err },
		would: "send deliveries to",
		// Nothing in a header is expanded.
		holds: func(cfg *cli.Config) bool {
			return cfg.Endpoints[0].Headers == nil || cfg.Endpoints[0].Headers[0] == "X-Key: $HOME"
		},
	},
	{
		key:      "fixtures",
		harmless: []string{"fixtures: testdata/new", "fixtures: ./inner", "fixtures: inner/deep"},
		hostile:  []string{"fixtures: /etc", "fixtures: ../x", "fixtures: inner/../../x", "fixtures: out", "fixtures: out/x", "fixtures: nowhere", "fixtures: inner/up"},
		use:      openInspector, would: "write fixtures into",
	},
	{
		key:      "key-store",
		harmless: []string{"key-store: auto"},
		hostile:  []string{"key-store: file", "key-store: keyring"},
		use:      func(a *cli.App) error { return auth.Login(context.Background(), a, nil, false) }, would: "keep API keys in",
	},
	{
		key:      "log",
		harmless: []string{"log: x.db", "log: inner/x.db"},
		hostile: []string{
			"log: /tmp/x.db", "log: ../x.db", "log: out/x.db", "log: 'off'", "log: linked.db", "log: nowhere", "log: inner/logs",
		},
		use: func(a *cli.App) error { _, err := a.LogPath(); return err }, would: "delivery log",
	},
	{
		key:      "redact-header",
		harmless: []string{"redact-header: [X-Project]", "redact-header: []"},
		user:     "redact-header: [X-Mine]",
		holds:    func(cfg *cli.Config) bool { return slices.Contains(cfg.RedactHeader, "X-Mine") },
	},
	{key: "timeout", harmless: []string{"timeout: 1h"}},
	{
		key:      "to",
		harmless: []string{"to: http://127.0.0.1:1/", "{to: mine, endpoints: [{name: mine, url: 'http://127.0.0.1:1/'}]}"},
		hostile:  []string{"to: prod"}, // the user's own endpoint, which the project chooses
		user:     "endpoints: [{name: prod, url: 'https://prod.example/'}]",
		use:      func(a *cli.App) error { _, err := a.ConfiguredTarget(nil); return err }, would: "send deliveries to",
	},
}

// endpointDecisions are those about the keys of an endpoint.
var endpointDecisions = map[string]string{
	"name":    "replaces the user's endpoint of that name, and is refused where its URL is",
	"url":     "needs trust beyond this machine",
	"headers": "go where the URL goes, as they are",
	"timeout": "harmless",

	"exec": "starts a program", "env": "chooses what the program does", "ready-url": "chooses what is asked", "reset": "runs a program",
	"through": "chooses what is reached", "spy": "takes the place of what the program calls", "spy-answer": "harmless, but nothing without spy",
	"probe": "runs a program", "probe-url": "chooses what is asked", "probe-path": "harmless, but nothing without probe",
}

// Nothing that check would do for an endpoint of a project file is done before
// the file is trusted.
func TestEndpointOfCheckNeedsTrust(t *testing.T) {
	for _, f := range reflect.VisibleFields(reflect.TypeFor[cli.Endpoint]()) {
		key := f.Tag.Get("key")
		switch key {
		case "name", "url", "headers", "timeout":
			continue
		}
		value := "x"
		if f.Type.Kind() == reflect.Slice {
			value = "[x]"
		}
		text := "endpoints: [{name: local, url: 'http://127.0.0.1:1/', " + key + ": " + value + "}]"
		a := clitest.ProjectApp(t, "", text)
		err := a.Config.AllowCheck(a.Config.Endpoints[0])
		if err == nil || !strings.Contains(err.Error(), `"x", and the file is not trusted`) {
			t.Errorf("%s: %v", text, err)
		}
		if lines := a.Config.NeedsTrust(); len(lines) != 1 || !strings.HasPrefix(lines[0], "endpoints: ") {
			t.Errorf("%s: needs trust to %q", text, lines)
		}
		a.Config.Project.Trust = cli.Trusted
		if err := a.Config.AllowCheck(a.Config.Endpoints[0]); err != nil {
			t.Errorf("%s, trusted: %v", text, err)
		}
		a = clitest.ProjectApp(t, text, "")
		if err := a.Config.AllowCheck(a.Config.Endpoints[0]); err != nil {
			t.Errorf("%s, the user's own: %v", text, err)
		}
	}
}

func TestEverySettingHasADecision(t *testing.T) {
	var keys, decided, rules []string
	for _, s := range cli.Settings() {
		keys = append(keys, s.Key)
	}
	for _, d := range projectDecisions {
		decided = append(decided, d.key)
	}
	for key := range cli.ProjectRules {
		rules = append(rules, key)
	}
	slices.Sort(keys)
	slices.Sort(rules)
	if !slices.Equal(keys, decided) {
		t.Errorf("settings are %q, and projectDecisions are about %q", keys, decided)
	}
	if !slices.Equal(keys, rules) {
		t.Errorf("settings are %q, and projectRules are about %q", keys, rules)
	}
	for _, f := range reflect.VisibleFields(reflect.TypeFor[cli.Endpoint]()) {
		if endpointDecisions[f.Tag.Get("key")] == "" {
			t.Errorf("key %q of an endpoint has no decision", f.Tag.Get("key"))
		}
	}
}

// A project file that nobody trusts does nothing that its row says to be
// hostile; a trusted one, the user's own file and one that is named by --config do.
func TestProjectDecisions(t *testing.T) {
	refusal := func(err error) bool {
		return err != nil && strings.Contains(err.Error(), "and the file is not trusted")
	}
	for _, d := range projectDecisions {
		t.Run(d.key, func(t *testing.T) {
			if len(d.harmless)+len(d.hostile) == 0 || d.hostile != nil && (d.use == nil || d.would == "") {
				t.Fatal("the row tries nothing")
			}
			for _, text := range d.harmless {
				a := clitest.ProjectApp(t, d.user, text)
				if lines := a.Config.NeedsTrust(); lines != nil {
					t.Errorf("%s: needs trust to %q", text, lines)
				}
				if d.use != nil && refusal(d.use(a)) {
					t.Errorf("%s: %v", text, d.use(a))
				}
				if d.holds != nil && !d.holds(&a.Config) {
					t.Errorf("%s: %+v", text, a.Config)
				}
			}
			for _, text := range d.hostile {
				a := clitest.ProjectApp(t, d.user, text)
				err := d.use(a)
				f, ok := errors.AsType[*cli.ExitError](err)
				if !ok || f.Code != cli.ExitUsage || !strings.Contains(f.Error(), d.would) || !refusal(f) || !strings.Contains(f.Hint, `"julianctl config trust"`) {
					t.Errorf("%s: %v", text, err)
				}
				if lines := a.Config.NeedsTrust(); len(lines) != 1 || !strings.HasPrefix(lines[0], d.key+": ") || !strings.Contains(lines[0], d.would) {
					t.Errorf("%s: needs trust to %q", text, lines)
				}
				a.In, a.Config.Project.Trust = strings.NewReader("some-key"), cli.Trusted
				if err := d.use(a); refusal(err) {
					t.Errorf("%s, trusted: %v", text, err)
				}
				a = clitest.ProjectApp(t, text, "")
				if err := d.use(a); refusal(err) {
					t.Errorf("%s, in the user's file: %v", text, err)
				}
				a = clitest.ProjectApp(t, d.user, text, "--config", cli.ProjectFile)
				if err := d.use(a); refusal(err) {
					t.Errorf("%s, given: %v", text, err)
				}
			}
		})
	}
}

// openInspector opens the inspector, and ends it.
func openInspector(a *cli.App) error {
	ctx := context.Background()
	log, err := journal.Open(ctx, "inspected.db", journal.Options{})
	if err != nil {
		return err
	}
	defer log.Close()
	ln, err := cli.ListenAt(ctx, "--addr", "127.0.0.1:0", false)
	if err != nil {
		return err
	}
	end, err := deliveryview.ServeInspector(ctx, a, ln, log, deliveryview.Inspected{})
	if err == nil {
		end()
	}
	return err
}
