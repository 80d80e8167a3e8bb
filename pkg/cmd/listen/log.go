package listen

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"

	"github.com/julianctl/julianctl/pkg/cli"
	"github.com/julianctl/julianctl/pkg/copies"
	"github.com/julianctl/julianctl/pkg/deliveryview"
	"github.com/julianctl/julianctl/pkg/journal"
	"github.com/julianctl/julianctl/pkg/receive"
	"github.com/julianctl/julianctl/pkg/safetext"
	"github.com/julianctl/julianctl/pkg/units"
	"github.com/spf13/cobra"
)

// listenLogFlags are the flags of the delivery log.
type listenLogFlags struct {
	window      cli.TimeSpan
	keep        int
	size        cli.ByteSize
	keepSecrets bool
}

func (f *listenLogFlags) declare(cmd *cobra.Command) {
	f.window, f.size = cli.TimeSpan(journal.DefaultWindow), cli.ByteSize(journal.DefaultMaxBytes)
	cli.ConfigFlag(cmd, "log")
	flags := cmd.Flags()
	flags.Var(&f.window, "dup-window", "how long after a delivery another one of the same call is its duplicate")
	flags.IntVar(&f.keep, "log-keep", journal.DefaultMaxDeliveries, "most deliveries in the log; the oldest are deleted first")
	flags.Var(&f.size, "log-size", "largest size of the log; the oldest deliveries are deleted first")
	flags.BoolVar(&f.keepSecrets, "keep-secrets", false, "also store header values that are secrets")
}

// openLog opens the log, which stores deliveries before they are answered, and their
// outcome afterwards.
type listenLog struct {
	a   *cli.App
	log *journal.Log // nil: off
	// base does not end with the listener: stored deliveries get their outcome.
	base context.Context

	mu      sync.Mutex
	failing atomic.Int64 // deliveries that could not be stored since the last that could
	err     error        // the first failure
}

func openLog(ctx context.Context, a *cli.App, f listenLogFlags) (*listenLog, error) {
	l := &listenLog{a: a, base: context.WithoutCancel(ctx)}
	if f.keep < 1 {
		return nil, cli.UsageError(fmt.Errorf(`--log-keep "%d" is less than 1`, f.keep), "--log off keeps nothing")
	}
	path, err := a.LogPath()
	if err != nil || path == "" {
		return l, err
	}
	l.log, err = a.OpenLogAt(ctx, path, journal.Options{
		MaxDeliveries: f.keep, MaxBytes: int64(f.size), Window: f.window.Duration(), KeepSecrets: f.keepSecrets,
	})
	if err != nil {
		return nil, err
	}
	return l, nil
}

// banner prints where deliveries are stored.
func (l *listenLog) banner() {
	if l.log == nil {
		return
	}
	s := l.a.ErrStyle
	l.a.Note("%s %s %s", s.Faint("log:"), safetext.Line(l.log.Path()), s.Faint("keeps whole transcripts; --log off keeps none"))
}

// store stores one delivery, unless the log is off.
func (l *listenLog) store(ctx context.Context, d *receive.Delivery) error {
	if l.log == nil {
		return nil
	}
	err := l.log.Append(ctx, &d.Delivery)
	if err != nil {
		d.Copy = d.Nth
	}
	l.reported(err)
	if errors.Is(err, journal.ErrFull) {
		return fmt.Errorf("%w: %w", receive.ErrFull, err)
	}
	return err
}

// reported tells the user once that deliveries cannot be stored, and once that
// they can again.
func (l *listenLog) reported(err error) {
	if err == nil && l.failing.Load() == 0 {
		return // as nearly always
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	s := l.a.ErrStyle
	if err != nil {
		if l.failing.Add(1) == 1 {
			l.a.Note("%s delivery log %q: %s; senders are told to try again later", s.Bad("julianctl:"), safetext.Line(l.log.Path()), safetext.Line(err.Error()))
		}
		if l.err == nil {
			l.err = err
		}
		return
	}
	if n := l.failing.Swap(0); n > 0 {
		l.a.Note("%s after %s turned away", s.Good("the delivery log works again"), units.CountVerb(n, "delivery", "was", "were"))
	}
}

// see sets how d differs from the first delivery of its call in the log. It returns that
// first one if it is from an earlier session and d is the first in this one.
func (l *listenLog) see(d *receive.Delivery) (earlier *deliveryview.Earlier) {
	if d.Copy == d.Nth {
		return nil // the first came in this run
	}
	d.Change = copies.Change{}
	if d.Copy < 2 {
		return nil
	}
	first, err := l.log.Received(l.base, d.First)
	if d.Nth == 1 {
		earlier = &deliveryview.Earlier{ID: d.First}
		if err == nil {
			earlier.Received = first.Received
		}
	}
	d.Change.Kind = copies.Unknown
	if err == nil {
		d.Change = deliveryview.ChangeFrom(first, &d.Delivery)
	}
	return earlier
}

// finish stores the outcome of a delivery that was shown.
func (l *listenLog) finish(s *deliveryview.Shown) {
	if s.ID == 0 {
		return // it is not stored
	}
	o := *s.Outcome
	if len(s.Issues) > 0 {
		o.Findings, _ = json.Marshal(s.Issues) // plain values
	}
	if err := l.log.Finish(l.base, s.ID, o); err != nil {
		l.reported(err)
	}
}

// close closes the log. An error means that it is not complete.
func (l *listenLog) close() error {
	if l.log == nil {
		return nil
	}
	err := l.log.Close()
	if err != nil {
		err = cli.LogError(l.log.Path(), err)
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.err == nil {
		return err
	}
	return l.a.Also(l.base, cli.Failure(fmt.Errorf("not every delivery is in the log %q: %w", l.log.Path(), l.err), ""), err)
}
