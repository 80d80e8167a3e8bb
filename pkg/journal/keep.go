package journal

import (
	"context"
	"sync/atomic"
	"time"

	"github.com/julianctl/julianctl/pkg/index"
	"github.com/julianctl/julianctl/pkg/record"
)

const (
	// With fewDeliveries at a time there is time to index them soon, idleAfter the
	// first; with more, that waits until nothing came for busyAfter.
	fewDeliveries = 4
	idleAfter     = 20 * time.Millisecond
	busyAfter     = 100 * time.Millisecond
	// indexAtOnce is how many deliveries are indexed in one transaction, while
	// others may wait, and wordsAtOnce how many get into the search index.
	indexAtOnce = 128
	wordsAtOnce = 32
)

// keeper brings the index up to date behind the answers, and keeps the log within
// its bounds.
type keeper struct {
	index *index.Index
	opts  Options
	write *writer
	noted chan struct{} // has a value when something was appended
	busy  atomic.Bool   // many deliveries come at a time
	stop  context.CancelFunc
	ended chan struct{} // closed when run has returned
}

func newKeeper(x *index.Index, opts Options) *keeper {
	return &keeper{index: x, opts: opts, noted: make(chan struct{}, 1), ended: make(chan struct{})}
}

// note is told how many deliveries were written at a time.
func (k *keeper) note(n int) {
	k.busy.Store(n > fewDeliveries)
	select {
	case k.noted <- struct{}{}:
	default: // it will look anyway
	}
}

func (k *keeper) start(ctx context.Context, w *writer) {
	k.write = w
	ctx, k.stop = context.WithCancel(context.WithoutCancel(ctx))
	go k.run(ctx)
}

func (k *keeper) run(ctx context.Context) {
	defer close(k.ended)
	idle := time.NewTimer(idleAfter)
	defer idle.Stop()
	armed := true
	for {
		select {
		case <-k.noted:
			if k.exceeded(true) {
				k.bound(ctx)
			}
			if k.busy.Load() {
				idle.Reset(busyAfter)
			} else if !armed {
				idle.Reset(idleAfter)
			}
			armed = true
		case <-idle.C:
			armed = false
			k.tidy(ctx)
		case <-ctx.Done():
			return
		}
	}
}

// tidy does what can wait, until something comes. What fails is tried again after
// the next delivery.
func (k *keeper) tidy(ctx context.Context) {
	quiet := func() bool { return len(k.noted) == 0 }
	if k.index.Follow(ctx, indexAtOnce, quiet) == nil && quiet() {
		_ = k.index.FollowWords(ctx, wordsAtOnce, quiet)
	}
}

// exceeded reports whether there may be more than the bounds allow, by a segment
// when some slack is given.
func (k *keeper) exceeded(slack bool) bool {
	o := &k.opts
	deliveries, bytes := k.write.deliveries.Load(), k.write.bytes.Load()
	if slack {
		deliveries, bytes = deliveries-int64(o.segmentDeliveries()), bytes-o.segmentBytes()
	}
	return o.MaxDeliveries > 0 && deliveries > int64(o.MaxDeliveries) || o.MaxBytes > 0 && bytes > o.MaxBytes
}

// bound keeps the log within its bounds.
func (k *keeper) bound(ctx context.Context) {
	// What comes meanwhile is counted.
	deliveries, bytes := k.write.deliveries.Load(), k.write.bytes.Load()
	left, used, cut, err := k.index.Bound(ctx, k.opts.bounds())
	if err != nil {
		return // it is tried again
	}
	k.write.deliveries.Add(left - deliveries)
	k.write.bytes.Add(used - bytes)
	if o := &k.opts; o.MaxDeliveries > 0 && left > int64(o.MaxDeliveries+2*o.segmentDeliveries()) {
		// They are in segments together with newer ones.
		_ = k.write.remove(ctx, record.Deletion{Through: cut}, true)
	}
}

// end waits for what is under way.
func (k *keeper) end() {
	k.stop()
	<-k.ended
}
