package cli

import (
	"errors"
	"io/fs"
	"testing"

	"github.com/julianctl/julianctl/pkg/journal"
)

// A hint names the flag that the log was named with.
func TestLogErrorHint(t *testing.T) {
	for _, tt := range []struct {
		flag string
		err  error
		want string
	}{
		{"--log", fs.ErrPermission, "--log PATH names another; listen --log off keeps none"},
		{"--journal", fs.ErrPermission, "--journal PATH names another"},
		{"--journal", journal.ErrNewer, "update julianctl, or name another with --journal"},
	} {
		failed, _ := errors.AsType[*ExitError](LogErrorOf(tt.flag, "log", tt.err))
		if failed == nil || failed.Hint != tt.want {
			t.Errorf("%s, %v: %+v, want the hint %q", tt.flag, tt.err, failed, tt.want)
		}
	}
}
