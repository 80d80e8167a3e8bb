package check

import (
	"cmp"
	"fmt"
	"os/exec"
	"regexp"
	"slices"
	"strings"

	"github.com/julianctl/julianctl/pkg/cli"
	"github.com/julianctl/julianctl/pkg/safetext"
)

// rerunWord is the value of a flag as a shell takes it. A password in it is left
// out: where a variable of the environment holds it, that stands there.
func rerunWord(flag, value string) string {
	if flag == "-H" || flag == "--probe-header" {
		return rerunHeader(value)
	}
	masked := safetext.WithoutPasswords(value)
	name, secret, ok := strings.Cut(value, "=")
	secretName := ok && flag == "--env" && secret != "" && cli.SoundsSecret(name)
	if secretName {
		masked = name + "=***"
	}
	if masked == value {
		return safetext.Shell(value)
	}
	return cmp.Or(byVariable(value, func(held, before, after string) bool {
		if !(secretName && held == secret) && safetext.WithoutPasswords(held) == held {
			return false
		}
		rest := before + after
		return safetext.Line(rest) == rest && safetext.WithoutPasswords(rest) == rest
	}), safetext.Shell(masked))
}

// rerunHeader is the value of -H as a shell takes it. What the header holds is left
// out: where a variable of the environment holds it, that stands there.
func rerunHeader(header string) string {
	const shortest = 6 // of a secret
	name, _, _ := strings.Cut(header, ":")
	scheme := regexp.MustCompile("^ *([A-Za-z]+ )?$")
	return cmp.Or(byVariable(header, func(held, before, after string) bool {
		rest, found := strings.CutPrefix(before, name+":")
		return found && len(held) >= shortest && after == "" && scheme.MatchString(rest)
	}), safetext.Shell(name+": …"))
}

// byVariable is a value with the name of a variable in place of what it holds, as a
// shell takes it; "" where there is none that suits, by what it holds and what stands
// around that.
func byVariable(value string, suits func(held, before, after string) bool) string {
	environ := new(exec.Cmd).Environ()
	slices.Sort(environ)
	for _, pair := range environ {
		known, held, _ := strings.Cut(pair, "=")
		before, after, found := strings.Cut(value, held)
		if held == "" || !found || !variable(known) || !suits(held, before, after) {
			continue
		}
		quoted := strings.NewReplacer(`\`, `\\`, `"`, `\"`, "$", `\$`, "`", "\\`")
		if after != "" && variable(after[:1]) {
			known = "{" + known + "}"
		}
		return `"` + quoted.Replace(before) + "$" + known + quoted.Replace(after) + `"`
	}
	return ""
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
