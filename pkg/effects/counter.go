package effects

import (
	"context"
	"errors"
	"slices"
	"strconv"
	"sync"
	"sync/atomic"
	"time"

	"github.com/julianctl/julianctl/pkg/wait"
)

// Counter counts effects by a probe, a few at a time, or in batches.
type Counter struct {
	probe  Probe
	Batch  BatchProbe // nil: there is none
	Settle time.Duration
	// Patience is how long an effect that is missing is waited for, after the last
	// progress.
	Patience time.Duration
	Again    bool // every call is counted once more at the end of the run
	Slow     bool // the first effect took long: there may be a queue to spare
	// Each is how long a queue takes for a call, where it works on one after the
	// other; 0: it does not, or takes next to nothing.
	Each   time.Duration
	Broken string // why what the probe says is not a count; "" when it is
	// Blank is what it says of ids that are none, before anything is delivered.
	Blank map[string]int
	turns chan struct{}

	reads, spent atomic.Int64 // of single readings: how many, and nanoseconds
	failing      atomic.Int32 // readings in a row that failed for good
	Progress     atomic.Int64 // when a count last rose, in ns since 1970

	mu      sync.Mutex
	waiting map[string][]chan reading // of the next batch
	running bool
}

type reading struct {
	Reading
	err error
}

// AtOnce is how many single readings are under way at a time.
const AtOnce = 6

// NewCounter is a counter that asks probe, and waits for settle until a count counts.
func NewCounter(probe Probe, settle time.Duration) *Counter {
	return &Counter{
		probe: probe, Settle: settle, Patience: settle, Blank: map[string]int{},
		turns: make(chan struct{}, AtOnce), waiting: map[string][]chan reading{},
	}
}

func (c *Counter) Read(ctx context.Context, callID string) (Reading, error) {
	if c.Batch != nil {
		return c.readInBatch(ctx, callID)
	}
	select {
	case c.turns <- struct{}{}:
		defer func() { <-c.turns }()
	case <-ctx.Done():
		return Reading{}, context.Cause(ctx)
	}
	began := time.Now()
	var r Reading
	err := c.retried(ctx, func() (err error) {
		r, err = c.probe(ctx, callID)
		return err
	})
	c.reads.Add(1)
	c.spent.Add(int64(time.Since(began)))
	return r, err
}

// retried asks again where a probe fails now and then, such as while the consumer
// starts. One that fails always is not asked five times for each call.
func (c *Counter) retried(ctx context.Context, ask func() error) error {
	const tries, hopeless = 5, 6
	pause := 50 * time.Millisecond
	for try := 1; ; try++ {
		err := ask()
		switch {
		case err == nil:
			c.failing.Store(0)
			return nil
		case try == tries, ctx.Err() != nil, c.failing.Load() >= hopeless:
			c.failing.Add(1)
			return err
		}
		_ = wait.For(ctx, pause) // the next try says why
		pause *= 2
	}
}

// gather is how long others may join a batch.
const gather = 3 * time.Millisecond

// readInBatch reads one count in a batch with all that are asked for at the same
// time, or while the batch before it is under way.
func (c *Counter) readInBatch(ctx context.Context, callID string) (Reading, error) {
	if callID == "" {
		return Reading{}, errors.New("an empty line is not an id")
	}
	answer := make(chan reading, 1)
	c.mu.Lock()
	c.waiting[callID] = append(c.waiting[callID], answer)
	if !c.running {
		c.running = true
		go c.batches(ctx)
	}
	c.mu.Unlock()
	select {
	case r := <-answer:
		return r.Reading, r.err
	case <-ctx.Done():
		return Reading{}, context.Cause(ctx)
	}
}

// batches runs batches while some wait. All who wait have the same context: it
// is that of the run.
func (c *Counter) batches(ctx context.Context) {
	for {
		_ = wait.For(ctx, gather) // all who wait have the same context
		c.mu.Lock()
		asked := c.waiting
		c.waiting = map[string][]chan reading{}
		if c.running = len(asked) > 0; !c.running {
			c.mu.Unlock()
			return
		}
		c.mu.Unlock()
		ids := make([]string, 0, len(asked))
		for id := range asked {
			ids = append(ids, id)
		}
		slices.Sort(ids)
		var counts map[string]int
		err := c.retried(ctx, func() (err error) {
			counts, err = c.Batch(ctx, ids)
			return err
		})
		for id, waiting := range asked {
			r := Reading{Count: counts[id]}
			if _, said := counts[id]; said {
				r.Text = strconv.Itoa(r.Count)
			}
			for _, answer := range waiting {
				answer <- reading{r, err}
			}
		}
	}
}

// Cost is how long one more reading takes, where they are single.
func (c *Counter) Cost() time.Duration {
	if c.Batch != nil || c.reads.Load() == 0 {
		return 0
	}
	return time.Duration(c.spent.Load() / c.reads.Load() / AtOnce)
}

// queueTime is how long a queue that works on one call after the other may take
// for those of one check.
const queueTime = 30 * time.Second

// Affords is how many of n calls a check may deliver, for a queue to get through.
func (c *Counter) Affords(n int) int {
	if c == nil || c.Each == 0 {
		return n
	}
	return min(n, max(2, int(queueTime/c.Each)))
}

// Dear reports that readings are to be saved.
func (c *Counter) Dear() bool { return c.Batch != nil || c.Cost() > 4*time.Millisecond }

// Looks is how many times a count is read while it has to stay the same.
func (c *Counter) Looks(calls int) int {
	switch {
	case c.Again && c.Dear() && c.Batch == nil:
		return 1
	case c.Dear(), calls > 200:
		return 2
	}
	return 4
}
