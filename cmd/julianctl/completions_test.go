package main

import (
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/julianctl/julianctl/pkg/needs"
)

// shells are the files under completions/, each with its shell.
var shells = map[string]string{
	"julianctl.bash": "bash", "julianctl.fish": "fish", "julianctl.ps1": "powershell", "julianctl.zsh": "zsh",
}

func TestCompletionsAreCurrent(t *testing.T) {
	dir := filepath.Join("..", "..", "completions")
	for name, shell := range shells {
		code, want, stderr := run(t, nil, "", "completion", shell)
		if code != 0 {
			t.Fatal(stderr)
		}
		path := filepath.Join(dir, name)
		if *update {
			if err := os.WriteFile(path, []byte(want), 0o644); err != nil {
				t.Fatal(err)
			}
		}
		got, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		if string(got) != want {
			t.Errorf("%s is not current; run: go test ./cmd/julianctl -run Completions -update", path)
		}
	}
	entries, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	if len(entries) != len(shells) {
		t.Errorf("completions/ holds %d files, want %d", len(entries), len(shells))
	}
}

// completed are command lines that a person has begun, and what a shell offers.
var completed = []struct{ line, offers string }{
	{"julianctl che", "check"},
	{"julianctl help filt", "filters"},
	{"julianctl check --only idemp", "idempotency"},
	{"julianctl check --only idempotency,secr", "idempotency,secret"},
	{"julianctl check --explain crash-f", "crash-files"},
	{"julianctl check --to stag", "staging"},
	{"julianctl check stag", "staging"},
	{"julianctl check --format jun", "junit"},
	{"julianctl replay --dup-mode tog", "together"},
	{"julianctl validate --explain unknown-f", "unknown-field"},
	{"julianctl validate --rule empty=w", "empty=warn"},
	{"julianctl validate --report sar", "sarif="},
	{"julianctl generate --variant minim", "minimal"},
	{"julianctl log --call call.abc", "call.abc123"},
	{"julianctl log --result-type Voicem", "Voicemail"},
	{"julianctl log --filter fail", "failed"},
	{"julianctl replay --set callResult.summ", "callResult.summary="},
	{"julianctl log show ", "1"},
	{"julianctl --color alw", "always"},
}

// shellHome is a folder with the program in bin, a named endpoint and a delivery in
// the log.
func shellHome(t *testing.T) (home string, environ []string) {
	t.Helper()
	home = t.TempDir()
	t.Chdir(home)
	mistakesFolder(t, true)
	program, err := os.Executable() // which is the program where it is called after it
	if err != nil {
		t.Fatal(err)
	}
	if err := os.Mkdir("bin", 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink(program, filepath.Join("bin", "julianctl")); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(".julianctl.yaml", []byte("endpoints:\n  - {name: staging, url: \"http://127.0.0.1:8080/webhook\"}\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	return home, []string{"HOME=" + home, "XDG_STATE_HOME=" + home, "PATH=" + filepath.Join(home, "bin") + string(os.PathListSeparator) + os.Getenv("PATH"), "TERM=dumb"}
}

func TestCompletionInBash(t *testing.T) {
	bash := needs.Program(t, "bash")
	script, err := filepath.Abs(filepath.Join("..", "..", "completions", "julianctl.bash"))
	if err != nil {
		t.Fatal(err)
	}
	home, environ := shellHome(t)
	for _, c := range completed {
		cmd := exec.CommandContext(t.Context(), bash, "--norc", "--noprofile", "-c", `
source "$1"; shift
COMP_LINE=$1; COMP_POINT=${#1}; COMP_TYPE=9; COMP_KEY=9
read -r -a COMP_WORDS <<<"$1"; [[ $1 == *" " ]] && COMP_WORDS+=("")
COMP_CWORD=$((${#COMP_WORDS[@]} - 1))
__start_julianctl
printf '%s\n' "${COMPREPLY[@]}"`, "bash", script, c.line)
		cmd.Dir, cmd.Env = home, environ
		out, err := cmd.Output() // compopt complains that no shell is completing
		got := strings.ReplaceAll(strings.TrimSpace(string(out)), `\`, "")
		// To bash a word begins behind "=".
		want := c.offers[strings.LastIndexByte(strings.TrimSuffix(c.offers, "="), '=')+1:]
		if err != nil || got != want {
			t.Errorf("%q offers %q, want %q (%v)", c.line, got, want, err)
		}
	}
}

func TestCompletionInZsh(t *testing.T) {
	zsh := needs.Program(t, "zsh")
	script, err := filepath.Abs(filepath.Join("..", "..", "completions", "julianctl.zsh"))
	if err != nil {
		t.Fatal(err)
	}
	home, environ := shellHome(t)
	var lines strings.Builder
	for _, c := range completed {
		lines.WriteString(c.line + "\n")
	}
	// A zsh with a terminal of its own, in which each line is typed and completed.
	cmd := exec.CommandContext(t.Context(), zsh, "-f", "-c", `
zmodload zsh/zpty
zpty z zsh -f -i
zpty -w z "PS1= PS2=; stty -echo; unsetopt zle_bracketed_paste; autoload -U compinit; compinit -u -D; source $1"
zpty -w z 'finish() { print -r -- "<<<$BUFFER>>>"; BUFFER=; zle .accept-line }; zle -N finish; bindkey "^X" finish; print ready'
while zpty -r z line && [[ $line != ready* ]]; do :; done
while IFS= read -r typed; do
  zpty -w -n z "$typed"$'\t\x18'
  while zpty -r z line; do [[ $line == *'<<<'* ]] && { print -r -- "$line"; break }; done
done`, "zsh", script)
	cmd.Dir, cmd.Env, cmd.Stdin = home, environ, strings.NewReader(lines.String())
	out, err := cmd.CombinedOutput()
	if err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	typed := regexp.MustCompile(`<<<(.*?)>>>`).FindAllStringSubmatch(string(out), -1)
	if len(typed) != len(completed) {
		t.Fatalf("%d lines are completed, want %d\n%s", len(typed), len(completed), out)
	}
	for i, c := range completed {
		want := c.line[:strings.LastIndexByte(c.line, ' ')+1] + c.offers
		if got := strings.TrimSpace(typed[i][1]); got != want {
			t.Errorf("%q becomes %q, want %q", c.line, got, want)
		}
	}
}
