package main

import (
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"runtime"
	"strings"
	"testing"

	"github.com/julianctl/julianctl/pkg/cli"
	"github.com/julianctl/julianctl/pkg/cmd/demo"
	"go.yaml.in/yaml/v3"
)

// ciFile is what a test reads of the action and of GitLab's job.
type ciFile struct {
	Inputs map[string]struct{ Default string }
	Runs   struct {
		Steps []struct {
			Run string
			Env map[string]string
		}
	}
	Job struct {
		Script    []string
		Variables map[string]string
	} `yaml:".julianctl-check"`
}

func readCI(t *testing.T, name string) (f ciFile) {
	t.Helper()
	text, err := os.ReadFile(filepath.Join("..", "..", ".github", "actions", "check", name))
	if err == nil {
		err = yaml.Unmarshal(text, &f)
	}
	if err != nil {
		t.Fatal(err)
	}
	return f
}

var inputName = regexp.MustCompile(`^\$\{\{ inputs\.([a-z-]+) \}\}$`)

// The action and the job run as a CI system runs them: values come by the
// environment, and none of them is read as a script.
func TestCheckInCI(t *testing.T) {
	bash, err := exec.LookPath("bash")
	if err != nil || runtime.GOOS == "windows" {
		t.Skip("bash is not here")
	}
	url, stop, err := demo.ServeConsumer(t.Context(), false)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(stop)
	action, job := readCI(t, "action.yml"), readCI(t, "gitlab.yml")
	for _, tt := range []struct {
		name   string
		inputs map[string]string
		job    bool
		code   int
		files  []string
	}{
		{"action", map[string]string{"to": url + "hook", "probe-url": url + "calls/{callId}/count"}, false, cli.ExitYes, []string{"julianctl-report/check.xml", "julianctl-report/check.html", "julianctl-report/check.json"}},
		{"action without a probe", map[string]string{"to": url + "hook"}, false, cli.ExitFailure, []string{"julianctl-report/check.xml"}},
		{"action that allows it", map[string]string{"to": url + "hook", "allow-undecided": "true"}, false, cli.ExitYes, nil},
		{"action with a secret", map[string]string{"to": url + "hook", "secret-header": "X-Secret: s3cr3t value"}, false, cli.ExitNo, nil},
		{"action with a hostile input", map[string]string{"to": url + "hook", "budget": "p99=2s; touch hacked", "probe-path": "$(touch hacked)"}, false, cli.ExitUsage, nil},
		{"job", map[string]string{"JULIANCTL_TO": url + "hook", "PROBE_URL": url + "calls/{callId}/count"}, true, cli.ExitYes, []string{"check.xml", "check.html", "check.json"}},
		{"job without a probe", map[string]string{"JULIANCTL_TO": url + "hook"}, true, cli.ExitFailure, []string{"check.xml"}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			dir := t.TempDir()
			// This program is julianctl when it is called so.
			self, err := os.Executable()
			if err == nil {
				err = os.Symlink(self, filepath.Join(dir, "julianctl"))
			}
			if err != nil {
				t.Fatal(err)
			}
			env := []string{"PATH=" + dir + ":" + os.Getenv("PATH"), "HOME=" + dir}
			var script string
			if tt.job {
				script = job.Job.Script[len(job.Job.Script)-1]
				for name, value := range job.Job.Variables {
					env = append(env, name+"="+value)
				}
				for name, value := range tt.inputs {
					env = append(env, name+"="+value)
				}
			} else {
				step := action.Runs.Steps[len(action.Runs.Steps)-1]
				script = step.Run
				for name, value := range step.Env {
					input := inputName.FindStringSubmatch(value)
					if input == nil {
						t.Fatalf("%s is %q, no input", name, value)
					}
					value, given := tt.inputs[input[1]]
					if !given {
						value = action.Inputs[input[1]].Default
					}
					env = append(env, name+"="+value)
				}
			}
			cmd := exec.CommandContext(t.Context(), bash, "--noprofile", "--norc", "-eo", "pipefail", "-c", script)
			cmd.Dir, cmd.Env = dir, env
			out, _ := cmd.CombinedOutput()
			if code := cmd.ProcessState.ExitCode(); code != tt.code {
				t.Errorf("exit %d, want %d\n%s", code, tt.code, out)
			}
			for _, name := range tt.files {
				if info, err := os.Stat(filepath.Join(dir, name)); err != nil || info.Size() == 0 {
					t.Errorf("%s: %v", name, err)
				}
			}
			if _, err := os.Stat(filepath.Join(dir, "hacked")); err == nil {
				t.Error("an input was read as a script")
			}
			if strings.Contains(string(out), "s3cr3t") {
				t.Errorf("the secret is shown:\n%s", out)
			}
		})
	}
}
