package listen

import (
	"context"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"time"

	"github.com/julianctl/julianctl/pkg/cli"
	"github.com/julianctl/julianctl/pkg/deliveryview"
	"github.com/julianctl/julianctl/pkg/receive"
	"github.com/julianctl/julianctl/pkg/safetext"
	"github.com/julianctl/julianctl/pkg/terminal"
	"github.com/julianctl/julianctl/pkg/units"
)

const (
	failureRuns    = 4  // of the command at a time
	failureWaiting = 64 // failures that wait for their run
	failureTimeout = 30 * time.Second
	failureLines   = 20 // of a run's output that are shown
	longestEnv     = 1000
)

// onFailure runs the command of --on-failure for deliveries that failed. The
// command's words are those of the command line: what a delivery holds reaches
// it by a file and the environment only.
type onFailure struct {
	a     *cli.App
	argv  []string
	dir   string // of the files, 0700
	queue chan failure
	runs  sync.WaitGroup

	// Used by one goroutine at a time.
	skipped int
	closed  bool
}

// failure is one delivery with what is wrong with it.
type failure struct {
	*receive.Delivery
	reason string // invalid, not-forwarded, refused
	detail string // one line
}

// newOnFailure returns nil when there is no command. The caller closes it.
func newOnFailure(ctx context.Context, a *cli.App, command string) (*onFailure, error) {
	if command == "" {
		return nil, nil
	}
	argv, err := cli.SplitCommand(command)
	if err != nil {
		return nil, cli.UsageError(fmt.Errorf("--on-failure %q %w", command, err), "")
	}
	if argv[0], err = exec.LookPath(argv[0]); err != nil {
		return nil, cli.UsageError(fmt.Errorf("--on-failure: %w", err), "no shell reads it: for one, say sh -c '…'")
	}
	dir, err := os.MkdirTemp("", "julianctl-failures-") // 0700
	if err != nil {
		return nil, cli.Failure(fmt.Errorf("--on-failure: %w", err), "")
	}
	f := &onFailure{a: a, argv: argv, dir: dir, queue: make(chan failure, failureWaiting)}
	// Runs go on while the listener drains; each has its own end.
	ctx = context.WithoutCancel(ctx)
	for range failureRuns {
		f.runs.Go(func() {
			for failed := range f.queue {
				f.run(ctx, failed)
			}
		})
	}
	return f, nil
}

// close waits for the runs that are due. It may be called again.
func (f *onFailure) close() {
	if f == nil || f.closed {
		return
	}
	f.closed = true
	close(f.queue)
	f.runs.Wait()
	_ = os.RemoveAll(f.dir) // it is in the folder for what may be lost
	if f.skipped > 0 {
		f.a.Note("%s --on-failure was not run for %s: they came faster than it ends", f.a.ErrStyle.Warn("warning:"), units.Count(f.skipped, "failure"))
	}
}

// look starts a run if s is a failure.
func (f *onFailure) look(s *deliveryview.Shown) {
	if f == nil {
		return
	}
	failed, is := failureOf(s)
	if !is {
		return
	}
	select {
	case f.queue <- failed:
	default:
		f.skipped++
	}
}

// failureOf decides: a delivery whose payload has an error, that the endpoint
// did not answer with 2xx, or that could not be taken in. A request at the
// wrong path, with another method or without the required header is none, and
// neither is what was done on purpose.
func failureOf(s *deliveryview.Shown) (failure, bool) {
	f := failure{Delivery: s.Delivery}
	switch s.Refusal {
	case receive.TooLarge, receive.Incomplete, receive.TooSlow, receive.Busy, receive.NotStored, receive.NoRoom:
		f.reason, f.detail = "refused", string(s.Refusal)
	case "":
		fw := s.Forward
		switch {
		case fw != nil && fw.Err != nil:
			f.reason, f.detail = "not-forwarded", fw.Err.Error()
		case fw != nil && fw.Status/100 != 2:
			f.reason, f.detail = "not-forwarded", fmt.Sprintf("the endpoint answered %d", fw.Status)
		case s.Invalid:
			worst := s.Worst()
			f.reason, f.detail = "invalid", worst.Rule+": "+terminal.Join(": ", worst.Pointer, worst.Message)
		}
	}
	return f, f.reason != ""
}

func (f *onFailure) run(ctx context.Context, failed failure) {
	path := filepath.Join(f.dir, saveName(failed.Delivery))
	if err := os.WriteFile(path, failed.Body, 0o600); err != nil {
		f.say(failed, err.Error())
		return
	}
	defer os.Remove(path)
	ctx, cancel := context.WithTimeout(ctx, failureTimeout)
	defer cancel()
	cmd := cli.NewChild(ctx, f.argv)
	cmd.Env = append(cmd.Environ(), failed.environment(path)...)
	r, w := io.Pipe()
	cmd.Stdout, cmd.Stderr = w, w
	var reading sync.WaitGroup
	reading.Go(func() {
		shown := 0
		cli.EachLine(r, func(line string) {
			if shown++; shown <= failureLines {
				f.say(failed, line)
			}
		})
		if shown > failureLines {
			f.say(failed, fmt.Sprintf("… %d more lines", shown-failureLines))
		}
	})
	err := cmd.Run()
	if cmd.Process != nil {
		cli.EndGroup(cmd)
	}
	w.Close()
	reading.Wait()
	switch {
	case ctx.Err() != nil:
		f.say(failed, fmt.Sprintf("ended after %s", failureTimeout))
	case err != nil:
		f.say(failed, err.Error())
	}
}

// say shows a line about one run.
func (f *onFailure) say(failed failure, line string) {
	f.a.Note("%s %s", f.a.ErrStyle.Faint(fmt.Sprintf("on-failure %d:", failed.Seq)), safetext.Line(f.a.Hide(line)))
}

// environment tells the command about the delivery. What a stranger wrote is
// one line without control characters.
func (d failure) environment(path string) []string {
	env := []string{}
	add := func(name, value string) {
		value = safetext.Line(value)
		if len(value) > longestEnv {
			value = strings.ToValidUTF8(value[:longestEnv], "")
		}
		env = append(env, "JULIANCTL_"+name+"="+value)
	}
	add("BODY_FILE", path)
	add("REASON", d.reason)
	add("DETAIL", d.detail)
	add("CALL_ID", d.CallID)
	add("RESULT_TYPE", d.ResultType)
	add("COPY", fmt.Sprint(d.Copy))
	add("SEQ", fmt.Sprint(d.Seq))
	add("STATUS", fmt.Sprint(d.Status))
	add("RECEIVED", d.Received.UTC().Format(time.RFC3339Nano))
	return env
}
