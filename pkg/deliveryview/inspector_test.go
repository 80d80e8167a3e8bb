package deliveryview

import (
	"strings"
	"testing"

	"github.com/julianctl/julianctl/pkg/cli/clitest"
	"github.com/julianctl/julianctl/pkg/journal"
)

// The page of the inspector sends nothing where a command would not, by a name
// or by what is configured.
func TestInspectorSendsWhereTrusted(t *testing.T) {
	for project, to := range map[string]string{
		"{to: prod, endpoints: [{name: prod, url: 'https://hooks.example/'}]}": "prod",
		"endpoints: [{name: staging, url: 'https://hooks.example/'}]":          "staging",
		"to: mine": "mine",
	} {
		i := &inspector{App: clitest.ProjectApp(t, "endpoints: [{name: mine, url: 'https://mine.example/'}]", project)}
		_, err := i.send(t.Context(), to, &journal.Entry{}, 1, false)
		if err == nil || !strings.Contains(err.Error(), "the file is not trusted; read the file") {
			t.Errorf("%s: %v", project, err)
		}
	}
}
