package cli

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"github.com/julianctl/julianctl/pkg/journal"
	"github.com/julianctl/julianctl/pkg/safetext"
	"github.com/julianctl/julianctl/pkg/units"
)

// NoLog is the value of --log that keeps none.
const NoLog = "off"

// LogPath is the folder of the delivery log, empty when there is none.
func (a *App) LogPath() (string, error) {
	if err := a.Config.Allow("log", a.Config.Log); err != nil {
		return "", err
	}
	switch a.Config.Log {
	case NoLog:
		return "", nil
	case "":
		dir := stateDir(a.Env)
		if dir == "" {
			return "", UsageError(errors.New("there is no place for the delivery log: HOME is not set"), "--log PATH says where; --log off keeps none")
		}
		return filepath.Join(dir, "deliveries.db"), nil
	}
	return a.Config.Log, nil
}

// OpenLog opens the delivery log of --log to look at it.
func (a *App) OpenLog(ctx context.Context) (*journal.Log, error) {
	l, err := a.OpenLogWith(ctx, journal.Options{ReadOnly: true})
	if err != nil {
		return nil, err
	}
	// Other processes may have added deliveries that are not indexed yet.
	if why := l.CatchUp(ctx); why != nil {
		if n, err := l.Unlisted(ctx); err == nil && n > 0 {
			a.Note("%s %s not shown: %s", a.ErrStyle.Warn("warning:"), units.CountVerb(n, "newer delivery", "is", "are"), safetext.Line(why.Error()))
		}
	}
	return l, nil
}

// OpenLogWith opens the delivery log of --log. The caller closes it.
func (a *App) OpenLogWith(ctx context.Context, opts journal.Options) (*journal.Log, error) {
	path, err := a.LogPath()
	if err != nil {
		return nil, err
	}
	if path == "" {
		return nil, UsageError(errors.New("--log off: there is nothing to look at"), "")
	}
	return a.OpenLogAt(ctx, path, opts)
}

// OpenLogAt opens the delivery log at path, and says so when it was a file and has just
// become a folder. The caller closes it.
func (a *App) OpenLogAt(ctx context.Context, path string, opts journal.Options) (*journal.Log, error) {
	opts.Secrets, opts.Now = a.Config.RedactHeader, a.Now
	l, err := journal.Open(ctx, path, opts)
	if err != nil {
		return nil, LogError(path, err)
	}
	if file := l.Taken(); file != "" {
		a.Note("the delivery log is a folder now, %s; all of it was checked, and the file that it was is kept as %s: delete it when you like", safetext.Line(l.Path()), safetext.Line(file))
	}
	return l, nil
}

// logHints say what to do about a log that cannot be used; {} is the flag that names it.
// The first that fits counts.
var logHints = []struct {
	err     error
	hint    string
	without bool // listen may go on without a log
}{
	{journal.ErrFolder, "{} PATH names another place", true},
	{fs.ErrNotExist, `"julianctl listen" makes one; {} PATH names another`, false},
	{journal.ErrForeign, "nothing was changed; {} PATH names another", false},
	{journal.ErrGone, "put it back, or start again", false},
	{journal.ErrNewer, "update julianctl, or name another with {}", false},
	{journal.ErrLocked, "wait until it is done; several listeners may share a log, but not while one of them tidies up", false},
	{journal.ErrFull, "make room, or name a place on another disk with {}", false},
	{journal.ErrReadOnly, "{} PATH names another", true},
	{fs.ErrPermission, "{} PATH names another", true},
}

// LogError returns the error for a log at path that cannot be used, with a hint.
func LogError(path string, err error) error { return LogErrorOf("--log", path, err) }

// LogErrorOf is LogError for a log that another flag than --log names.
func LogErrorOf(flag, path string, err error) error {
	if _, ok := errors.AsType[*ExitError](err); ok || errors.Is(err, context.Canceled) {
		return err
	}
	hint := ""
	for _, h := range logHints {
		if errors.Is(err, h.err) {
			hint = strings.ReplaceAll(h.hint, "{}", flag)
			if h.without && flag == "--log" {
				hint += "; listen --log off keeps none"
			}
			break
		}
	}
	switch {
	case errors.Is(err, journal.ErrCorrupt):
		hint = `the others can be read; "julianctl log verify" tells all that is wrong`
		if info, statErr := os.Stat(path); statErr == nil && !info.IsDir() {
			hint = "nothing was changed; keep it and start a new log, when no listener runs, with: " + setAside(path)
		}
	case errors.Is(err, fs.ErrNotExist) && !errors.Is(err, journal.ErrFolder):
		err = errors.New("not found")
	}
	err = fmt.Errorf("delivery log %q: %w", path, err)
	if flag != "--log" {
		err = fmt.Errorf("%s: %w", flag, err)
	}
	return Failure(err, hint)
}

// setAside is a command that moves a log that is a file of an older version into a
// folder of its own: all its files together, because what is in one of them belongs to
// this one alone.
func setAside(path string) string {
	folder := path + ".damaged"
	for n := 2; ; n++ {
		if _, err := os.Lstat(folder); err != nil {
			break
		}
		folder = fmt.Sprintf("%s.damaged-%d", path, n)
	}
	from, to := safetext.Shell(path), safetext.Shell(folder)
	return fmt.Sprintf(`mkdir %[2]s && for end in '' -wal -shm -intake; do [ ! -e %[1]s$end ] || mv %[1]s$end %[2]s; done`, from, to)
}
