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

// Files are polled. This also works on network and container mounts, with editors that
// replace files, and for new files.
const (
	watchEvery = 300 * time.Millisecond
	// watchPatience is how many polls to wait for a file that keeps changing.
	watchPatience = 10
)

// watch calls run, and again whenever a file of paths changes, until the context ends. run
// may change paths. The result is that of the last complete run; a failure ends it.
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

// sight is the state of the files at one time; nil for a missing file.
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

// changed lists the files that differ, in alphabetical order.
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

// awaitChange waits until a file has changed and is stable again, or keeps changing for
// too long. It returns nil when the context ends.
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
