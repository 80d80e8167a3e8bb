package safetext_test

import (
	"os/exec"
	"strings"
	"testing"

	"github.com/julianctl/julianctl/pkg/safetext"
)

// A shell gets back what was quoted, and a terminal gets nothing else.
func TestShell(t *testing.T) {
	words := []string{
		"", "plain", "a/b.c:d=e@f%g+h,i", "two words", "it's", `"`, "$HOME `id` $(id) \\ \\n", "*", "~", "#x", "a;b", "ü", "!x", "[a]", "-x",
		"\x1b[2J", "a\nb", "tab\there", "\u202eevil", "'\x00's"[:1] + "\x7f%s%%\\'", "::error::x", "##[error]\"x\"", "\xff",
	}
	for _, s := range words {
		if got := safetext.Shell(s); got != safetext.Line(got) {
			t.Errorf("%q is not safe to show: %q", s, got)
		}
	}
	if _, err := exec.LookPath("sh"); err != nil {
		t.Skip("no sh here")
	}
	script := "set --"
	for _, s := range words {
		script += " " + safetext.Shell(s)
	}
	out, err := exec.CommandContext(t.Context(), "sh", "-c", script+`; for w; do printf '%s\0' "$w"; done`).CombinedOutput()
	if err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	got := strings.Split(string(out), "\x00")
	for i, s := range words {
		if i >= len(got) || got[i] != s {
			t.Errorf("word %d: %q came back as %q", i, s, got[min(i, len(got)-1)])
		}
	}
}
