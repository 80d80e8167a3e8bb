package validate

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"slices"
	"strings"
	"time"

	"github.com/julianctl/julianctl/pkg/cli"
	"github.com/julianctl/julianctl/pkg/payload"
	"github.com/julianctl/julianctl/pkg/safetext"
	"github.com/julianctl/julianctl/pkg/terminal"
	"github.com/julianctl/julianctl/pkg/units"
)

// Files are looked at again and again, rather than asking the system to tell of
// changes: that works on network and container mounts too, survives editors
// that put a new file in place of the old one, and sees files that come to be.
const (
	watchEvery = 300 * time.Millisecond
	// watchPatience is how many looks a file that never rests is waited for.
	watchPatience = 10
)

// watch calls run, and again each time that a file has changed of paths, which
// a run may change, until the context ends. The result is then that of the last
// run that came to its end; one that fails rather than answers ends it all.
func watch(ctx context.Context, a *cli.App, paths func() []string, run func(context.Context) error) error {
	var last error
	for first := true; ; first = false {
		seen := look(paths())
		err := run(ctx)
		var answer *cli.ExitError
		switch isAnswer := err == nil || errors.As(err, &answer) && answer.Err == nil; {
		case isAnswer:
			last = err
		case !first && ctx.Err() != nil:
			return last
		default:
			return err
		}
		if first {
			a.Note("%s", a.ErrStyle.Faint(fmt.Sprintf("watching %s; Ctrl-C ends", units.Count(len(seen), "file"))))
		}
		changed := awaitChange(ctx, paths(), seen)
		if ctx.Err() != nil {
			return last
		}
		a.Note("%s", a.ErrStyle.Faint(changeLine(a, changed)))
	}
}

// changeLine separates the output of two runs.
func changeLine(a *cli.App, changed []string) string {
	line := fmt.Sprintf("── %s ── %s changed", a.Now().Format(time.TimeOnly), safetext.Line(changed[0]))
	if n := len(changed) - 1; n > 0 {
		line = fmt.Sprintf("── %s ── %s and %d more changed", a.Now().Format(time.TimeOnly), safetext.Line(changed[0]), n)
	}
	if a.Err.IsTTY() {
		line = terminal.Fit(line, a.Err.Width()-1) + " "
		line += strings.Repeat("─", max(0, a.Err.Width()-1-terminal.Cells(line)))
	}
	return line
}

// sight is the files as they were at a time; nil for one that is not there.
type sight map[string]fs.FileInfo

func look(paths []string) sight {
	s := sight{}
	for path := range payload.Files(paths) {
		info, err := os.Stat(path)
		if err != nil {
			info = nil
		}
		s[path] = info
	}
	return s
}

// changed lists what is not as it was before, in alphabetical order.
func (s sight) changed(before sight) []string {
	paths := map[string]bool{}
	for path, info := range s {
		if old, ok := before[path]; !ok || !sameFile(old, info) {
			paths[path] = true
		}
	}
	for path := range before {
		if _, ok := s[path]; !ok {
			paths[path] = true
		}
	}
	return slices.Sorted(maps.Keys(paths))
}

func sameFile(a, b fs.FileInfo) bool {
	if a == nil || b == nil {
		return a == b
	}
	return os.SameFile(a, b) && a.Size() == b.Size() && a.ModTime().Equal(b.ModTime())
}

// awaitChange waits until something has changed and rests, or goes on changing
// for too long. It returns nil once the context ends.
func awaitChange(ctx context.Context, paths []string, seen sight) []string {
	ticker := time.NewTicker(watchEvery)
	defer ticker.Stop()
	before, restless := seen, 0
	for {
		select {
		case <-ticker.C:
		case <-ctx.Done():
			return nil
		}
		now := look(paths)
		changed := now.changed(seen)
		if len(changed) == 0 {
			restless = 0
		} else if restless++; restless > 1 && len(now.changed(before)) == 0 || restless == watchPatience {
			return changed
		}
		before = now
	}
}
