package check

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/julianctl/julianctl/pkg/units"
)

// counter counts effects by a probe, a few at a time, or in batches.
type counter struct {
	probe  Probe
	batch  BatchProbe // nil: there is none
	settle time.Duration
	// patience is how long an effect that is missing is waited for, after the last
	// progress.
	patience time.Duration
	again    bool   // every call is counted once more at the end of the run
	slow     bool   // the first effect took long: there may be a queue to spare
	broken   string // why what the probe says is no count; "" when it is
	// blank is what it says of ids that are none, before anything is delivered.
	blank map[string]int
	turns chan struct{}

	reads, spent atomic.Int64 // of single readings: how many, and nanoseconds
	failing      atomic.Int32 // readings in a row that failed for good
	progress     atomic.Int64 // when a count last rose, in ns since 1970

	mu      sync.Mutex
	waiting map[string][]chan reading // of the next batch
	running bool
}

type reading struct {
	Reading
	err error
}

// atOnce is how many single readings are under way at a time.
const atOnce = 6

func newCounter(probe Probe, settle time.Duration) *counter {
	return &counter{
		probe: probe, settle: settle, patience: settle, blank: map[string]int{},
		turns: make(chan struct{}, atOnce), waiting: map[string][]chan reading{},
	}
}

// newCounter is a counter for the probes of a run; nil where there is none.
func (o Options) newCounter() *counter {
	if o.Probe == nil && o.Batch == nil {
		return nil
	}
	c := newCounter(o.Probe, o.Settle)
	c.batch = o.Batch
	return c
}

func (c *counter) read(ctx context.Context, callID string) (Reading, error) {
	if c.batch != nil {
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
func (c *counter) retried(ctx context.Context, ask func() error) error {
	const tries, hopeless = 5, 6
	wait := 50 * time.Millisecond
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
		select {
		case <-time.After(wait):
		case <-ctx.Done():
		}
		wait *= 2
	}
}

// gather is how long others may join a batch.
const gather = 3 * time.Millisecond

// readInBatch reads one count in a batch with all that are asked for at the same
// time, or while the batch before it is under way.
func (c *counter) readInBatch(ctx context.Context, callID string) (Reading, error) {
	if callID == "" {
		return Reading{}, errors.New("an empty line is no id")
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

// batches runs batches until nobody waits. Whoever waits has the same context: it
// is that of the run.
func (c *counter) batches(ctx context.Context) {
	for {
		select {
		case <-time.After(gather):
		case <-ctx.Done():
		}
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
			counts, err = c.batch(ctx, ids)
			return err
		})
		for id, waiting := range asked {
			for _, answer := range waiting {
				answer <- reading{Reading{Count: counts[id]}, err}
			}
		}
	}
}

// cost is how long one more reading takes, where they are single.
func (c *counter) cost() time.Duration {
	if c.batch != nil || c.reads.Load() == 0 {
		return 0
	}
	return time.Duration(c.spent.Load() / c.reads.Load() / atOnce)
}

// dear reports that readings are to be saved.
func (c *counter) dear() bool { return c.batch != nil || c.cost() > 4*time.Millisecond }

// looks is how many times a count is read while it has to stay the same.
func (c *counter) looks(calls int) int {
	switch {
	case c.again && c.dear() && c.batch == nil:
		return 1
	case c.dear(), calls > 200:
		return 2
	}
	return 4
}

// watched is a call whose effects are counted.
type watched struct {
	Effect
	text  string // what the probe said last
	drops int    // how often the count fell
}

// before counts the effects of calls that are about to be delivered. A call that
// has one before it was delivered proves nothing. Where readings are to be saved
// that is taken on trust: the ids are new.
func (t *trial) before(want int, ids ...string) []*watched {
	all := watch(want, ids)
	if t.seen() != "" {
		return all
	}
	if !t.counter.dear() {
		t.read(all, func(w *watched, n int) { w.Before = n })
	}
	return all
}

// seen says why effects are not seen; "" when they are.
func (t *trial) seen() string {
	switch {
	case t.counter == nil:
		return "answers alone cannot tell; count effects with --probe"
	case t.counter.broken != "":
		return "no count of effects: " + t.counter.broken
	}
	return ""
}

// read asks the probe for each call and hands on the count.
func (t *trial) read(all []*watched, took func(*watched, int)) {
	var reading sync.WaitGroup
	for _, w := range all {
		if w.Error != "" {
			continue
		}
		reading.Go(func() {
			r, err := t.counter.read(t.ctx, w.CallID)
			if err != nil {
				w.Error = err.Error()
				return
			}
			w.text = r.Text
			took(w, r.Count)
		})
	}
	reading.Wait()
}

// mostBehind is how long a consumer that makes progress may lag behind.
const mostBehind = time.Minute

// settle counts until nothing has changed for the time that --settle says, and
// for a few looks; where an acknowledged call lacks an effect, until there was no
// progress for as long as the consumer is given. A call that has more effects
// than it should is not looked at any further.
func (t *trial) settle(all []*watched) {
	c := t.counter
	looks := c.looks(len(all))
	began := time.Now()
	changed, same := began, 0
	behind := backlog{t: t}
	for t.ctx.Err() == nil {
		open := stillOpen(all)
		missing := t.missing(open)
		wait, since := c.settle, time.Since(changed)
		if len(missing) > 0 {
			wait = c.patience
			if rose := time.Unix(0, c.progress.Load()); rose.After(changed) && time.Since(began) < c.patience+mostBehind {
				since = time.Since(rose)
			}
		}
		if len(missing) > 0 && same >= looks && since >= wait/2 && behind.moves() {
			if time.Since(began) < c.patience+mostBehind {
				continue
			}
			for _, w := range missing {
				w.Error = fmt.Sprintf("still behind after %s, and making progress: wait longer with --settle", units.Time(time.Since(began)))
			}
		}
		if len(open) == 0 || same >= looks && (since >= wait || looks == 1 && len(missing) == 0) {
			break
		}
		asked := open
		if same > 0 {
			pause := c.settle / time.Duration(max(1, looks-1))
			if looks > 2 {
				pause = c.settle / time.Duration(looks)
			}
			if len(missing) > 0 && since+pause < wait {
				// What is there already is looked at when the rest is.
				asked = missing
				pause = min(pause, max(10*time.Millisecond, time.Since(began)/8, 4*c.cost()*time.Duration(len(missing))))
			}
			t.rest(max(pause, 2*time.Millisecond))
		}
		same++
		if t.look(asked) {
			changed, same = time.Now(), 1
		}
	}
	for _, w := range all {
		t.result.Effects = append(t.result.Effects, w.Effect)
	}
}

// missing are the calls that were acknowledged and lack an effect.
func (t *trial) missing(open []*watched) []*watched {
	t.mu.Lock()
	defer t.mu.Unlock()
	var missing []*watched
	for _, w := range open {
		if w.After < w.Want && t.acked[w.CallID] {
			missing = append(missing, w)
		}
	}
	return missing
}

// stillOpen are the calls that more can be found out about.
func stillOpen(all []*watched) []*watched {
	var open []*watched
	for _, w := range all {
		if w.Error == "" && w.After <= max(w.Want, w.Before) {
			open = append(open, w)
		}
	}
	return open
}

// mostDrops is how often a count may fall before it is no count: a consumer that
// writes a row anew may show none in between.
const mostDrops = 3

// look counts once and reports whether something changed.
func (t *trial) look(open []*watched) (changed bool) {
	var mu sync.Mutex
	t.read(open, func(w *watched, n int) {
		mu.Lock()
		defer mu.Unlock()
		switch {
		case n > w.After:
			t.counter.progress.Store(time.Now().UnixNano())
		case n < w.After:
			if w.drops++; w.drops == mostDrops {
				w.Error = "the number of effects goes up and down"
			}
		}
		changed = changed || n != w.After
		w.After = n
		if n >= w.Want && n > 0 {
			t.book.processed(w.CallID)
		}
	})
	return changed
}

// backlog tells a consumer that is behind from one that has lost a call: others
// of its calls become processed while a missing one is waited for.
type backlog struct {
	t     *trial
	open  []*watched // that were not processed when they were looked at
	since time.Time  // when that was
}

// moves reports whether calls were processed since it was asked last. What it
// learns first is which are not.
func (b *backlog) moves() bool {
	const apart = 500 * time.Millisecond
	if time.Since(b.since) < apart {
		return false
	}
	moved := len(b.open) > 0 && b.t.look(b.open)
	b.open = b.t.book.waiting()
	b.t.look(b.open)
	b.open = slices.DeleteFunc(b.open, func(w *watched) bool { return w.After >= w.Want })
	b.since = time.Now()
	return moved
}

// exactly notes every call that does not have as many effects as it should.
// lack says how bad it is when there are none.
func (t *trial) exactly(n *notes, all []*watched, lack func(format string, args ...any)) {
	if why := t.seen(); why != "" {
		n.undecided("%s", why)
		return
	}
	for _, w := range all {
		w.Want = t.wanted(w.CallID, w.Want)
	}
	t.settle(all)
	old := 0
	var more, less tally
	for _, w := range all {
		switch {
		case w.Error != "":
			n.undecided("%s", w.Error)
		case w.After > max(w.Want, w.Before):
			more.add(w.Effect)
		case w.Before > 0:
			old++
		case w.After < w.Want && t.acked[w.CallID]: // of others more was said already
			less.add(w.Effect)
		}
	}
	if more.calls > 0 {
		n.fail("%s", more.text(len(all)))
	}
	if less.calls > 0 {
		lack("%s, though acknowledged (waited %s)", less.text(len(all)), units.Time(t.counter.patience))
	}
	if len(n.fails) > 0 && !slices.ContainsFunc(all, func(w *watched) bool { return w.Error != "" || w.After != w.Want }) {
		n.fail("the effects are right, but what is not answered with a 2xx is sent again")
	}
	if old > 0 {
		n.undecided("%s", ofAll(old, len(all), "the probe counts it before it is delivered"))
	}
}

// tally sums up how often calls were processed.
type tally struct {
	calls             int
	least, most, want int
}

func (t *tally) add(e Effect) {
	if t.calls++; t.calls == 1 {
		t.least, t.most, t.want = e.After, e.After, e.Want
	}
	t.least, t.most, t.want = min(t.least, e.After), max(t.most, e.After), min(t.want, e.Want)
}

// text says how often they were processed; all is how many calls were counted.
func (t *tally) text(all int) string {
	what := units.Count(t.most, "time")
	if t.least != t.most {
		what = fmt.Sprintf("%d to %s", t.least, units.Count(t.most, "time"))
	}
	return ofAll(t.calls, all, fmt.Sprintf("processed %s, expected %d", what, t.want))
}

// ofAll is "what", or "n of m calls: what".
func ofAll(n, m int, what string) string {
	if m == 1 {
		return what
	}
	return fmt.Sprintf("%d of %d calls: %s", n, m, what)
}

func idsOf(calls []call) []string {
	ids := make([]string, len(calls))
	for i, c := range calls {
		ids[i] = c.id
	}
	return ids
}
