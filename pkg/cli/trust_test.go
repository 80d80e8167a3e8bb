package cli

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// projectApp is an App that has read a user's and a project's file, in a folder
// with links to places outside.
func projectApp(t *testing.T, user, project string, args ...string) *App {
	t.Helper()
	a := testApp(t)
	a.Style, a.ErrStyle = a.Styles("never")
	a.In = strings.NewReader("some-key")
	var err error
	if a.Config, err = settingsAt(t, user, project, nil, args...); err != nil {
		t.Fatal(err)
	}
	outside := t.TempDir()
	for _, dir := range []string{"inner/deep", "inner/logs"} {
		if err := os.MkdirAll(dir, 0o700); err != nil {
			t.Fatal(err)
		}
	}
	for link, to := range map[string]string{
		"out": outside, "nowhere": filepath.Join(outside, "none"), "inner/up": "../..", "linked.db-intake": filepath.Join(outside, "x"),
		"inner/logs/1": filepath.Join(outside, "x"),
	} {
		if err := os.Symlink(to, link); err != nil {
			t.Skip(err)
		}
	}
	return a
}

// What outweighs a project's value is the person's own, and a rule that is
// missing allows nothing.
func TestAllow(t *testing.T) {
	a := projectApp(t, "", "log: ../x.db", "--log", "../x.db")
	if err := a.Config.Allow("log", "../x.db"); err != nil {
		t.Error(err)
	}
	a = projectApp(t, "", "log: ../x.db")
	if err := a.Config.Allow("log", "../x.db"); err == nil {
		t.Error("allowed")
	}
	a.Config.Project.Keys["new-key"] = true
	if err := a.Config.Allow("new-key", "x"); err == nil {
		t.Error("a key without a rule is allowed")
	}
}
