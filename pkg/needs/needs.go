// Package needs is for tests alone: it skips one that cannot run on this machine,
// and says why. JULIANCTL_NEEDS lists what a machine has to have, so that there the
// same test fails.
package needs

import (
	"os"
	"os/exec"
	"slices"
	"strings"
	"testing"
)

// Program is the path of a program that t cannot do without.
func Program(t testing.TB, name string) string {
	t.Helper()
	path, err := exec.LookPath(name)
	if err != nil {
		Missing(t, name, "it is not installed")
	}
	return path
}

// Missing ends t, which cannot do without what this machine does not have.
func Missing(t testing.TB, what, why string) {
	t.Helper()
	if slices.Contains(strings.Split(os.Getenv("JULIANCTL_NEEDS"), ","), what) {
		t.Fatalf("JULIANCTL_NEEDS names %s, and it cannot be used: %s", what, why)
	}
	t.Skipf("needs %s, which cannot be used here: %s", what, why)
}
