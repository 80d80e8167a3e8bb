package cli_test

import (
	"testing"

	"github.com/julianctl/julianctl/pkg/cli/clitest"
)

// What outweighs a project's value is the user's own, and a rule that is
// missing allows nothing.
func TestAllow(t *testing.T) {
	a := clitest.ProjectApp(t, "", "log: ../x.db", "--log", "../x.db")
	if err := a.Config.Allow("log", "../x.db"); err != nil {
		t.Error(err)
	}
	a = clitest.ProjectApp(t, "", "log: ../x.db")
	if err := a.Config.Allow("log", "../x.db"); err == nil {
		t.Error("allowed")
	}
	a.Config.Project.Keys["new-key"] = true
	if err := a.Config.Allow("new-key", "x"); err == nil {
		t.Error("a key without a rule is allowed")
	}
}
