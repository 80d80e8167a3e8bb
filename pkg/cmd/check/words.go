package check

import (
	"fmt"
	"os/exec"
	"slices"
	"strings"

	"github.com/julianctl/julianctl/pkg/cli"
	"github.com/julianctl/julianctl/pkg/safetext"
)

// rerunWord is the value of a flag as a shell takes it. A password in it is left
// out: where a variable of the environment holds it, that stands there.
func rerunWord(flag, value string) string {
	masked := safetext.WithoutPasswords(value)
	name, secret, ok := strings.Cut(value, "=")
	secretName := ok && flag == "--env" && secret != "" && cli.SoundsSecret(name)
	if secretName {
		masked = name + "=***"
	}
	if masked == value {
		return safetext.Shell(value)
	}
	environ := new(exec.Cmd).Environ()
	slices.Sort(environ)
	for _, pair := range environ {
		known, held, _ := strings.Cut(pair, "=")
		if held == "" || !variable(known) || !(secretName && held == secret) && safetext.WithoutPasswords(held) == held {
			continue
		}
		before, after, found := strings.Cut(value, held)
		if rest := before + after; !found || safetext.Line(rest) != rest || safetext.WithoutPasswords(rest) != rest {
			continue
		}
		quoted := strings.NewReplacer(`\`, `\\`, `"`, `\"`, "$", `\$`, "`", "\\`")
		if after != "" && variable(after[:1]) {
			known = "{" + known + "}"
		}
		return `"` + quoted.Replace(before) + "$" + known + quoted.Replace(after) + `"`
	}
	return safetext.Shell(masked)
}

// nameNotValue refuses the value of a variable where its name belongs: it may hold
// a password.
func nameNotValue(flag, given string) error {
	if before, _, isURL := strings.Cut(given, "://"); !isURL || strings.Contains(before, "=") {
		return nil
	}
	name := "DATABASE_URL"
	for _, pair := range new(exec.Cmd).Environ() {
		if known, held, _ := strings.Cut(pair, "="); held == given {
			name = known
		}
	}
	return cli.UsageError(fmt.Errorf("%s takes the name of a variable, and got its value", flag), "give the name: "+flag+" "+name)
}
