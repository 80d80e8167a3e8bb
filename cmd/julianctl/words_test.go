package main

import (
	"testing"

	"github.com/julianctl/julianctl/pkg/safetext"
)

// What is quoted for a shell is one word for this program's own splitting too.
func TestShellWord(t *testing.T) {
	for _, s := range []string{"", "plain", "two words", "it's", `"`, "$x `y` \\", "*", "ü"} {
		if got, err := splitCommand(safetext.Shell(s)); err != nil || len(got) != 1 || got[0] != s {
			t.Errorf("%q became %q (%v)", s, got, err)
		}
	}
}
