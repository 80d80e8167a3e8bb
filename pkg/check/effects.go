package check

import (
	"context"
	"fmt"
	"slices"
	"sync"
	"time"

	"github.com/julianctl/julianctl/pkg/units"
)

// counter counts effects by a probe, a few at a time.
type counter struct {
	probe  Probe
	settle time.Duration
	broken string // why what the probe says is no count; "" when it is
	// blank is what it says of ids that are none, before anything is delivered.
	blank map[string]int
	turns chan struct{}
}

func newCounter(probe Probe, settle time.Duration) *counter {
	const atOnce = 4
	return &counter{probe: probe, settle: settle, blank: map[string]int{}, turns: make(chan struct{}, atOnce)}
}

func (c *counter) read(ctx context.Context, callID string) (Reading, error) {
	select {
	case c.turns <- struct{}{}:
		defer func() { <-c.turns }()
	case <-ctx.Done():
		return Reading{}, context.Cause(ctx)
	}
	// One that fails now and then, such as while the consumer starts, is asked
	// again.
	const tries = 3
	for try := 1; ; try++ {
		r, err := c.probe(ctx, callID)
		if err == nil || try == tries || ctx.Err() != nil {
			return r, err
		}
		select {
		case <-time.After(time.Duration(try) * 100 * time.Millisecond):
		case <-ctx.Done():
		}
	}
}

// watched is a call whose effects are counted.
type watched struct {
	Effect
	text string // what the probe said last
}

// before counts the effects of calls that are about to be delivered. A call that
// has one before it was delivered proves nothing.
func (t *trial) before(want int, ids ...string) []*watched {
	all := make([]*watched, len(ids))
	for i, id := range ids {
		all[i] = &watched{Effect: Effect{CallID: id, Want: want}}
	}
	if t.seen() == "" {
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

// settle counts until nothing has changed for the time that --settle says, and
// for a few looks. A call that has more effects than it should is not looked at
// any further.
func (t *trial) settle(all []*watched) {
	const (
		looks    = 4 // while settle passes
		patience = 5 * looks
	)
	changed, same := time.Now(), 0
	for looked := 0; t.ctx.Err() == nil; looked++ {
		open := stillOpen(all)
		if len(open) == 0 || same >= looks && time.Since(changed) >= t.counter.settle {
			break
		}
		if looked >= patience && same < looks {
			for _, w := range open {
				w.Error = fmt.Sprintf("the number of effects goes up and down: %d looks, %s apart", looked, t.counter.settle/looks)
			}
			break
		}
		if same > 0 {
			t.rest(max(t.counter.settle/looks, 2*time.Millisecond))
		}
		same++
		if t.look(open) {
			changed, same = time.Now(), 1
		}
	}
	for _, w := range all {
		t.result.Effects = append(t.result.Effects, w.Effect)
	}
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

// look counts once and reports whether something changed.
func (t *trial) look(open []*watched) (changed bool) {
	var mu sync.Mutex
	t.read(open, func(w *watched, n int) {
		mu.Lock()
		defer mu.Unlock()
		changed = changed || n != w.After
		w.After = n
	})
	return changed
}

// exactly notes every call that does not have as many effects as it should.
// lack says how bad it is when there are none.
func (t *trial) exactly(n *notes, all []*watched, lack func(format string, args ...any)) {
	if why := t.seen(); why != "" {
		n.undecided("%s", why)
		return
	}
	t.settle(all)
	lost, old := 0, 0
	var more []int
	for _, w := range all {
		switch {
		case w.Error != "":
			n.undecided("%s", w.Error)
		case w.After > max(w.Want, w.Before):
			more = append(more, w.After)
		case w.Before > 0:
			old++
		case w.After < w.Want && t.acked[w.CallID]: // of others more was said already
			lost++
		}
	}
	if len(more) > 0 {
		n.fail("%s, want %s", counted(more, len(all)), units.Count(all[0].Want, "effect"))
	}
	if lost > 0 {
		lack("%s", ofAll(lost, len(all), fmt.Sprintf("acknowledged, and no effect within %s (--settle)", t.counter.settle)))
	}
	if len(n.fails) > 0 && !slices.ContainsFunc(all, func(w *watched) bool { return w.Error != "" || w.After != w.Want }) {
		n.fail("the effects are right, but what is not answered with a 2xx is sent again")
	}
	if old > 0 {
		n.undecided("%s", ofAll(old, len(all), "the probe counts it before it is delivered"))
	}
}

// counted says how many effects calls had that have too many.
func counted(more []int, calls int) string {
	least, most := more[0], more[0]
	for _, n := range more {
		least, most = min(least, n), max(most, n)
	}
	what := units.Count(most, "effect")
	if least != most {
		what = fmt.Sprintf("%d to %s", least, units.Count(most, "effect"))
	}
	return ofAll(len(more), calls, what)
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
