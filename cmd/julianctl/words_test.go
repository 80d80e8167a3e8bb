package main

import "testing"

// What shellWord quotes is one word again.
func TestShellWord(t *testing.T) {
	for _, s := range []string{"", "plain", "two words", "it's", `"`, "$x `y` \\", "*", "ü"} {
		if got, err := splitCommand(shellWord(s)); err != nil || len(got) != 1 || got[0] != s {
			t.Errorf("%q became %q (%v)", s, got, err)
		}
	}
}
