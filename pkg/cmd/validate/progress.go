package validate

import (
	"iter"
	"os"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/julianctl/julianctl/pkg/payload"
	"github.com/julianctl/julianctl/pkg/units"
	"github.com/julianctl/julianctl/pkg/validate"
)

// tally has the numbers of the progress of a validation.
type tally struct {
	// total returns the number of bytes; 0: not known. It is called only when
	// progress is shown.
	total func() int64

	mu                sync.Mutex
	documents, issues int
	bytes             int64
}

func newTally(paths []string) *tally {
	return &tally{total: sync.OnceValue(func() int64 { return bytesOf(paths) })}
}

// bytesOf returns the size of all files; 0 if one of them has no known size.
func bytesOf(paths []string) int64 {
	var total int64
	if slices.Contains(paths, "-") {
		return 0
	}
	for path := range payload.Files(paths) {
		info, err := os.Stat(path)
		switch {
		case err != nil:
			continue // it is not read either
		case !info.Mode().IsRegular(), strings.HasSuffix(path, ".gz"), strings.HasSuffix(path, ".zst"):
			return 0
		}
		total += info.Size()
	}
	return total
}

func (t *tally) add(r validate.Result) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.documents += r.Documents
	t.bytes += int64(r.Bytes)
	t.issues += len(r.Issues)
}

// state returns the progress of the run.
func (t *tally) state(after time.Duration) (share float64, words []string) {
	total := t.total()
	t.mu.Lock()
	defer t.mu.Unlock()
	done := units.Size(t.bytes)
	if total > 0 && t.bytes <= total { // past it, something was compressed
		share = float64(t.bytes) / float64(total)
		done += " of " + units.Size(total)
	}
	return share, []string{
		units.Count(t.documents, "payload"), units.Count(t.issues, "issue"),
		units.Size(int64(float64(t.bytes)/after.Seconds())) + "/s", done,
	}
}

// all prints the results and shows progress. An error ends the command.
func (p *printer) all(results iter.Seq[validate.Result]) error {
	tally := newTally(p.o.paths)
	p.progress = p.a.Progress(tally.state)
	defer func() {
		p.progress.End()
		p.progress = nil
	}()
	for result := range results {
		tally.add(result)
		if result.Err != nil && !p.unreadable(result.Err) {
			return result.Err
		}
		p.result(result)
	}
	return nil
}

// aboveProgress writes to stdout, on a terminal above the line of the progress.
type aboveProgress struct{ *printer }

func (w aboveProgress) Write(b []byte) (n int, err error) {
	if !w.a.Out.IsTTY() {
		return w.a.Out.Write(b)
	}
	w.progress.Above(func() { n, err = w.a.Out.Write(b) })
	return n, err
}
