package journal

import (
	"cmp"
	"context"
	"errors"
	"io/fs"
	"path/filepath"
	"time"

	"github.com/julianctl/julianctl/pkg/index"
	"github.com/julianctl/julianctl/pkg/migrate"
	"github.com/julianctl/julianctl/pkg/segment"
)

// Defaults of [Options].
const (
	DefaultMaxDeliveries       = 100_000
	DefaultMaxBytes      int64 = 1 << 30
	DefaultWindow              = 24 * time.Hour
	DefaultBusy                = 5 * time.Second
)

// Options adjusts a [Log]. Zero values stand for the defaults.
type Options struct {
	// ReadOnly opens a log that is there, to look at it. Nothing is created or
	// changed.
	ReadOnly bool
	// Existing refuses to create a log.
	Existing bool
	// MaxDeliveries and MaxBytes bound the log; past them the oldest deliveries
	// go. Negative: no bound. Bytes are those of the files in use.
	MaxDeliveries int
	MaxBytes      int64
	// Window is how far back copies of a call are counted: a delivery that
	// comes longer after the one before is a first again.
	Window time.Duration
	// KeepSecrets stores headers as they came. Otherwise the values of headers
	// that safetext calls secret, and of those named in Secrets, are masked.
	KeepSecrets bool
	Secrets     []string
	// Busy is how long to wait for another process that writes.
	Busy time.Duration
	// Now is the clock of the window; time.Now when nil.
	Now func() time.Time
}

func (o Options) withDefaults() Options {
	o.MaxDeliveries = cmp.Or(o.MaxDeliveries, DefaultMaxDeliveries)
	o.MaxBytes = cmp.Or(o.MaxBytes, DefaultMaxBytes)
	o.Window = cmp.Or(o.Window, DefaultWindow)
	o.Busy = cmp.Or(o.Busy, DefaultBusy)
	if o.Now == nil {
		o.Now = time.Now
	}
	return o
}

// segmentParts is how many segments a log within its bounds has about: the oldest goes
// as a whole.
const segmentParts = 16

const (
	minSegment = 64 << 10
	maxSegment = 64 << 20
)

// segmentBytes and segmentDeliveries are how large a segment gets.
func (o *Options) segmentBytes() int64 {
	if o.MaxBytes < 0 {
		return maxSegment
	}
	return min(max(o.MaxBytes/segmentParts, minSegment), maxSegment)
}

func (o *Options) segmentDeliveries() int {
	if o.MaxDeliveries < 0 {
		return 1 << 20
	}
	return max(o.MaxDeliveries/segmentParts, 1)
}

// bounds are what is to go where there is more.
func (o *Options) bounds() Prune {
	return Prune{Keep: max(o.MaxDeliveries, 0), Bytes: max(o.MaxBytes, 0)}
}

// Log is an open delivery log. Its methods are safe for concurrent use.
type Log struct {
	folder       *segment.Folder
	opts         Options
	*index.Index         // what reads it
	write        *writer // nil when opened to read only
	keep         *keeper // and so is this
	taken        string  // the file that it was
}

// Open opens the log in the folder at path. Unless opts say otherwise it is created,
// readable by its owner only. A file of an older version of this program at path is
// taken over, see [Taken]. An error is one of this package's, or fs.ErrNotExist, or
// from the operating system.
func Open(ctx context.Context, path string, opts Options) (*Log, error) {
	path, err := filepath.Abs(path)
	if err != nil {
		return nil, err
	}
	l := &Log{opts: opts.withDefaults()}
	if l.taken, err = migrate.File(ctx, path, migrate.Options{
		Busy: l.opts.Busy, SegmentBytes: l.opts.segmentBytes(), SegmentDeliveries: l.opts.segmentDeliveries(),
	}); err != nil {
		return nil, err
	}
	if l.folder, err = segment.OpenFolder(ctx, path, !opts.ReadOnly && !opts.Existing); err != nil {
		return nil, err
	}
	if l.Index, err = index.Open(ctx, l.folder, l.opts.Busy); err != nil {
		return nil, errors.Join(index.Typed(err), l.folder.Lock.Close())
	}
	if !opts.ReadOnly {
		l.keep = newKeeper(l.Index, l.opts)
		if l.write, err = newWriter(ctx, l.folder, l.opts, l.Index, l.keep.note); err != nil {
			l.keep = nil
			return nil, errors.Join(index.Typed(err), l.Close())
		}
		l.keep.start(ctx, l.write)
	}
	return l, nil
}

// Path is the folder, absolute.
func (l *Log) Path() string { return l.folder.Path }

// Taken is the file that the log was before it became a folder, if that was just
// now; otherwise empty.
func (l *Log) Taken() string { return l.taken }

// Close writes what is waiting and closes the files. Appends that come later
// fail with [ErrClosed].
func (l *Log) Close() error {
	var err error
	if l.write != nil {
		err = l.write.end()
	}
	if l.keep != nil {
		l.keep.end()
		if l.folder.Present() == nil && l.keep.exceeded(false) {
			_, _, _, _ = l.Bound(context.Background(), l.opts.bounds()) //nolint:forbidigo // of a log that closes; the next that writes tries again
		}
	}
	return errors.Join(err, l.Index.Close(), ignoreClosed(l.folder.Lock.Close()))
}

// ignoreClosed makes closing twice no error.
func ignoreClosed(err error) error {
	if errors.Is(err, fs.ErrClosed) {
		return nil
	}
	return err
}
