package replay

import (
	"testing"

	"github.com/julianctl/julianctl/pkg/terminal"
)

// A terminal's width is kept, whatever the colours.
func TestReplayRowWraps(t *testing.T) {
	if got := terminal.Cells("\x1b[31mred\x1b[0m and × \x1b[1mbold\x1b[0m"); got != 14 {
		t.Errorf("%d columns", got)
	}
}
