package supervise

import (
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"
)

// FileStep is one call of the consumer that changes a file, or flushes one.
type FileStep struct {
	Call string // "write", "fsync", "rename" and others
	Path string // empty where it is not known
	At   time.Time
	// Changes: the call changes what a process finds that is started afterwards.
	// A flush alone does not: what was written outlives a process that is killed.
	Changes bool
}

// What the shim is asked, and what it tells, about files.
const (
	orderFiles      = "files " // at, after, wait in milliseconds, the consumer's port
	statusTraced    = "traced"
	statusUntraced  = "untraced " // why
	statusFile      = "file "     // call, changes, path
	statusHit       = "hit"
	statusPeer      = "talks " // address
	filesTimeout    = 5 * time.Second
	filesSeparation = "\t"
)

// files is what an [Instance] knows of the files that its consumer writes.
type files struct {
	reply chan error
	hit   chan struct{}
	steps []FileStep
	peers []string
}

// WatchFiles follows from now on what the consumer does to files. With at, it is
// killed, and all that it started, just before the at-th [FileStep] from now (with
// after: once that is done), when wait has passed: until then the call is held,
// and the others go on. The error says why files cannot be followed here.
func (i *Instance) WatchFiles(at int, after bool, wait time.Duration) error {
	i.mu.Lock()
	reply := make(chan error, 1)
	i.files = files{reply: reply, hit: make(chan struct{})}
	i.mu.Unlock()
	behind := 0
	if after {
		behind = 1
	}
	if _, err := fmt.Fprintf(i.order, "%s%d %d %d %d\n", orderFiles, at, behind, wait.Milliseconds(), i.Port); err != nil {
		return err
	}
	select {
	case err := <-reply:
		return err
	case <-i.gone:
		return errors.New("the consumer has ended")
	case <-time.After(filesTimeout):
		return errors.New("no answer from the process that follows the consumer")
	}
}

// FileSteps are those since WatchFiles.
func (i *Instance) FileSteps() []FileStep {
	i.mu.Lock()
	defer i.mu.Unlock()
	return append([]FileStep{}, i.files.steps...)
}

// FileHit is closed when the step that WatchFiles named is there.
func (i *Instance) FileHit() <-chan struct{} {
	i.mu.Lock()
	defer i.mu.Unlock()
	return i.files.hit
}

// Peers are the addresses that the consumer has sent something to since
// WatchFiles, other than those that asked it.
func (i *Instance) Peers() []string {
	i.mu.Lock()
	defer i.mu.Unlock()
	return append([]string{}, i.files.peers...)
}

// fileStatus takes a line of the shim that is about files.
func (i *Instance) fileStatus(line string) {
	i.mu.Lock()
	defer i.mu.Unlock()
	f := &i.files
	if f.reply == nil {
		return // nobody asked
	}
	switch {
	case line == statusTraced:
		f.answer(nil)
	case strings.HasPrefix(line, statusUntraced):
		f.answer(errors.New(strings.TrimPrefix(line, statusUntraced)))
	case line == statusHit:
		close(f.hit)
	case strings.HasPrefix(line, statusPeer):
		if addr := strings.TrimPrefix(line, statusPeer); !slices.Contains(f.peers, addr) {
			f.peers = append(f.peers, addr)
		}
	case strings.HasPrefix(line, statusFile):
		fields := strings.SplitN(strings.TrimPrefix(line, statusFile), filesSeparation, 3)
		if len(fields) < 3 {
			return
		}
		path, err := strconv.Unquote(fields[2])
		if err != nil {
			path = ""
		}
		f.steps = append(f.steps, FileStep{Call: fields[0], Path: path, At: time.Now(), Changes: fields[1] == "1"})
	}
}

func (f *files) answer(err error) {
	select {
	case f.reply <- err:
	default:
	}
}
