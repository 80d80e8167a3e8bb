package listen

import (
	"context"
	"errors"
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
	"github.com/spf13/cobra"
)

const (
	failureRuns    = 4  // of the command at a time
	failureWaiting = 64 // failures that wait for their run
	failureTimeout = 30 * time.Second
	failureLines   = 20 // of a run's output that are shown
	longestEnv     = 1000
)

// alarmFlags are the commands that listen runs at a failure, and when it is over.
type alarmFlags struct {
	onFailure string
	every     cli.TimeSpan // 0: each failure
	onRecover string
	onSilence string // a time and a command
}

func (f *alarmFlags) declare(cmd *cobra.Command) {
	flags := cmd.Flags()
	flags.StringVar(&f.onFailure, "on-failure", "", "command to run for each delivery that failed; it gets the delivery in its environment")
	flags.Var(&f.every, "on-failure-every", "run it at most once in this time, such as 10m; FAILURES is how many there were")
	flags.StringVar(&f.onRecover, "on-recover", "", "command to run at the first good delivery after a failure or a silence")
	flags.StringVar(&f.onSilence, "on-silence", "", "a time, and the command to run when no delivery comes for that long: '30m notify-send silence'")
}

// alarms runs the commands of alarmFlags. Content of a delivery never becomes an
// argument: commands get it in a file and the environment.
type alarms struct {
	a                           *cli.App
	onFailure, onRecover, quiet []string // nil: none
	every, silence              time.Duration
	dir                         string // of the files, 0700
	queue                       chan alarm
	runs                        sync.WaitGroup

	mu       sync.Mutex // of what follows
	skipped  int
	closed   bool
	failures int       // since the last recovery
	held     int       // of them, since the last run
	next     time.Time // before then no run for a failure
	silent   bool      // the silence was reported
	timer    *time.Timer
}

// alarm is one run of a command.
type alarm struct {
	*receive.Delivery // empty for a silence
	flag              string
	argv              []string
	reason            string // invalid, not-forwarded, refused, silence, recovered
	detail            string // one line
	failures          int    // that it stands for
}

// newAlarms returns nil if there is no command. The caller closes it.
func newAlarms(ctx context.Context, a *cli.App, flags alarmFlags) (f *alarms, err error) {
	if flags.onFailure == "" && flags.onRecover == "" && flags.onSilence == "" {
		if flags.every > 0 {
			return nil, cli.UsageError(errors.New("--on-failure-every needs a command"), "add --on-failure CMD")
		}
		return nil, nil
	}
	f = &alarms{a: a, every: flags.every.Duration(), queue: make(chan alarm, failureWaiting)}
	if f.silence, flags.onSilence, err = silenceOf(flags.onSilence); err != nil {
		return nil, err
	}
	for _, c := range []struct {
		flag, command string
		into          *[]string
	}{{"on-failure", flags.onFailure, &f.onFailure}, {"on-recover", flags.onRecover, &f.onRecover}, {"on-silence", flags.onSilence, &f.quiet}} {
		if c.command == "" {
			continue
		}
		argv, err := cli.SplitCommand(c.command)
		if err != nil {
			return nil, cli.UsageError(fmt.Errorf("--%s %q %w", c.flag, c.command, err), "")
		}
		if argv[0], err = exec.LookPath(argv[0]); err != nil {
			return nil, cli.UsageError(fmt.Errorf("--%s: %w", c.flag, err), "no shell reads it: for one, say sh -c '…'")
		}
		*c.into = argv
	}
	if f.dir, err = os.MkdirTemp("", "julianctl-failures-"); err != nil { // 0700
		return nil, cli.Failure(fmt.Errorf("--on-failure: %w", err), "")
	}
	// Runs continue while the listener drains, each with its own time-out.
	ctx = context.WithoutCancel(ctx)
	for range failureRuns {
		f.runs.Go(func() {
			for due := range f.queue {
				f.run(ctx, due)
			}
		})
	}
	return f, nil
}

// silenceOf reads the value of --on-silence.
func silenceOf(value string) (after time.Duration, command string, err error) {
	if value == "" {
		return 0, "", nil
	}
	word, command, _ := strings.Cut(strings.TrimSpace(value), " ")
	var span cli.TimeSpan
	if err := span.Set(word); err != nil || strings.TrimSpace(command) == "" {
		return 0, "", cli.UsageError(fmt.Errorf("--on-silence %q is not a time with a command after it", value), "write it like --on-silence '30m notify-send silence'")
	}
	return span.Duration(), command, nil
}

// begin starts waiting for silence.
func (f *alarms) begin() {
	if f == nil || f.quiet == nil {
		return
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	f.timer = time.AfterFunc(f.silence, func() {
		f.mu.Lock()
		defer f.mu.Unlock()
		if !f.closed && !f.silent {
			f.silent = true
			silence := &receive.Delivery{}
			silence.Received = f.a.Now()
			f.add(alarm{
				Delivery: silence, flag: "on-silence", argv: f.quiet,
				reason: "silence", detail: "no delivery for " + units.Time(f.silence),
			})
		}
	})
}

// close waits for the runs that are due. It may be called again.
func (f *alarms) close() {
	if f == nil {
		return
	}
	f.mu.Lock()
	was := f.closed
	f.closed = true
	if f.timer != nil {
		f.timer.Stop()
	}
	f.mu.Unlock()
	if was {
		return
	}
	close(f.queue)
	f.runs.Wait()
	_ = os.RemoveAll(f.dir) // it is in the folder for what may be lost
	s := f.a.ErrStyle
	if f.skipped > 0 {
		f.a.Note("%s --on-failure was not run for %s: they came faster than it ends", s.Warn("warning:"), units.Count(f.skipped, "failure"))
	}
	if f.held > 0 {
		f.a.Note("%s --on-failure was not run for the last %s: --on-failure-every %s", s.Warn("warning:"), units.Count(f.held, "failure"), units.Time(f.every))
	}
}

// look starts the command that s needs.
func (f *alarms) look(s *deliveryview.Shown) {
	if f == nil {
		return
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.closed {
		return
	}
	failed, is := failureOf(s)
	well := !is && s.Refusal == "" && s.Answered()
	if s.Refusal == "" && f.timer != nil {
		f.timer.Reset(f.silence)
	}
	if recovered := f.failures > 0 && well || f.silent && s.Refusal == ""; recovered && f.onRecover != nil {
		detail := "a delivery came after a silence"
		if !f.silent {
			detail = "a delivery was taken after " + units.Count(f.failures, "failure")
		}
		f.add(alarm{s.Delivery, "on-recover", f.onRecover, "recovered", detail, f.failures})
	}
	if s.Refusal == "" {
		f.silent = false
	}
	if well {
		f.failures, f.held, f.next = 0, 0, time.Time{}
	}
	if !is {
		return
	}
	f.failures++
	if f.onFailure == nil {
		return
	}
	now := f.a.Now()
	if f.every > 0 && now.Before(f.next) {
		f.held++
		return
	}
	failed.flag, failed.argv, failed.failures = "on-failure", f.onFailure, f.held+1
	f.held, f.next = 0, now.Add(f.every)
	f.add(failed)
}

func (f *alarms) add(due alarm) {
	select {
	case f.queue <- due:
	default:
		f.skipped++
	}
}

// failureOf returns why a delivery failed: its payload has an error, the endpoint did not
// answer with 2xx, or it was refused. Requests with a wrong path, method or header are
// not failures, and neither are injected faults.
func failureOf(s *deliveryview.Shown) (alarm, bool) {
	f := alarm{Delivery: s.Delivery}
	switch s.Refusal {
	case receive.TooLarge, receive.Incomplete, receive.TooSlow, receive.Busy, receive.NotStored, receive.NoRoom:
		f.reason, f.detail = "refused", string(s.Refusal)
	case "":
		fw := s.Outcome.Forward
		switch {
		case fw != nil && fw.Err != "":
			f.reason, f.detail = "not-forwarded", fw.Err
		case fw != nil && fw.Status/100 != 2:
			f.reason, f.detail = "not-forwarded", fmt.Sprintf("the endpoint answered %d", fw.Status)
		case s.Invalid:
			worst := s.Worst()
			f.reason, f.detail = "invalid", worst.Rule+": "+terminal.Join(": ", worst.Pointer, worst.Message)
		}
	}
	return f, f.reason != ""
}

func (f *alarms) run(ctx context.Context, failed alarm) {
	path := filepath.Join(f.dir, saveName(failed.Delivery))
	if err := os.WriteFile(path, failed.Body, 0o600); err != nil {
		f.say(failed, err.Error())
		return
	}
	defer os.Remove(path)
	ctx, cancel := context.WithTimeout(ctx, failureTimeout)
	defer cancel()
	cmd := cli.NewChild(ctx, failed.argv)
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

// say prints a line about one run.
func (f *alarms) say(failed alarm, line string) {
	name := failed.flag
	if failed.Seq > 0 {
		name += fmt.Sprintf(" %d", failed.Seq)
	}
	f.a.Note("%s %s", f.a.ErrStyle.Faint(name+":"), safetext.Line(f.a.Hide(line)))
}

// environment describes the delivery to the command. Untrusted text is
// one line without control characters.
func (d alarm) environment(path string) []string {
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
	add("FAILURES", fmt.Sprint(d.failures))
	add("CALL_ID", d.CallID)
	add("RESULT_TYPE", d.ResultType)
	add("COPY", fmt.Sprint(d.Copy))
	add("SEQ", fmt.Sprint(d.Seq))
	add("STATUS", fmt.Sprint(d.Result().Status))
	add("RECEIVED", d.Received.UTC().Format(time.RFC3339Nano))
	return env
}
