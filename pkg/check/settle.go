package check

import (
	"fmt"
	"slices"
	"sync"
	"time"

	"github.com/julianctl/julianctl/pkg/units"
)

// Watch makes something to count of ids.
func Watch(want int, ids []string) []*Watched {
	all := make([]*Watched, len(ids))
	for i, id := range ids {
		all[i] = &Watched{Effect: Effect{CallID: id, Want: want}}
	}
	return all
}

// Watched is a call whose effects are counted.
type Watched struct {
	Effect
	Text   string // what the probe said last
	looked bool   // it was counted, by Look
	drops  int    // how often the count fell
}

// Before counts the effects of calls that are about to be delivered. A call that
// has one before it was delivered proves nothing. Where readings are to be saved
// that is taken on trust: the ids are new.
func (t *Trial) Before(want int, ids ...string) []*Watched {
	all := Watch(want, ids)
	if t.Seen() != "" {
		return all
	}
	if !t.Counter.Dear() {
		t.read(all, func(w *Watched, n int) { w.Before = n })
	}
	return all
}

// Seen says why effects are not seen; "" when they are.
func (t *Trial) Seen() string {
	switch {
	case t.Counter == nil:
		return "answers alone cannot tell; count effects with --probe"
	case t.Counter.Broken != "":
		return "no count of effects: " + t.Counter.Broken
	}
	return ""
}

// read asks the probe for each call and hands on the count.
func (t *Trial) read(all []*Watched, took func(*Watched, int)) {
	var reading sync.WaitGroup
	for _, w := range all {
		if w.Error != "" {
			continue
		}
		reading.Go(func() {
			r, err := t.Counter.Read(t.Ctx, w.CallID)
			if err != nil {
				w.Error = err.Error()
				return
			}
			w.Text = r.Text
			took(w, r.Count)
		})
	}
	reading.Wait()
}

// mostBehind is how long a consumer that makes progress may lag behind.
const mostBehind = time.Minute

// Settle counts until nothing has changed for the time that --settle says, and
// for a few looks; where an acknowledged call lacks an effect, until there was no
// progress for as long as the consumer is given. A call that has more effects
// than it should is not looked at any further.
func (t *Trial) Settle(all []*Watched) {
	c := t.Counter
	looks := c.Looks(len(all))
	began := time.Now()
	changed, same := began, 0
	behind := backlog{t: t}
	longest := c.Patience + mostBehind
	for t.Ctx.Err() == nil {
		open := stillOpen(all)
		missing := t.missing(open)
		wait, since := c.Settle, time.Since(changed)
		if len(missing) > 0 {
			wait = c.Patience
			if rose := time.Unix(0, c.Progress.Load()); rose.After(changed) {
				since = time.Since(rose)
			}
			longest = max(longest, c.Patience+mostBehind+2*c.Each*time.Duration(t.Ledger.unprocessed()))
			if since < wait && time.Since(began) > longest {
				for _, w := range missing {
					w.Error = fmt.Sprintf("still behind after %s, and making progress: wait longer with --settle", units.Time(time.Since(began)))
				}
				break
			}
		}
		if len(missing) > 0 && same >= looks && since >= wait/4 && behind.moves() {
			continue
		}
		if len(open) == 0 || same >= looks && (since >= wait || looks == 1 && len(missing) == 0) {
			break
		}
		asked := open
		if same > 0 {
			pause := c.Settle / time.Duration(max(1, looks-1))
			if looks > 2 {
				pause = c.Settle / time.Duration(looks)
			}
			if len(missing) > 0 && since+pause < wait {
				// What is there already is looked at when the rest is.
				asked = missing
				pause = min(pause, max(10*time.Millisecond, time.Since(began)/8, 4*c.Cost()*time.Duration(len(missing))))
			}
			t.Rest(max(pause, 2*time.Millisecond))
		}
		same++
		if t.Look(asked) {
			changed, same = time.Now(), 1
		}
	}
	t.Ledger.lost(t.missing(all))
	for _, w := range all {
		t.Result.Effects = append(t.Result.Effects, w.Effect)
	}
}

// missing are the calls that were acknowledged and lack an effect.
func (t *Trial) missing(open []*Watched) []*Watched {
	t.mu.Lock()
	defer t.mu.Unlock()
	var missing []*Watched
	for _, w := range open {
		if w.After < w.Want && t.Acked[w.CallID] {
			missing = append(missing, w)
		}
	}
	return missing
}

// stillOpen are the calls that more can be found out about.
func stillOpen(all []*Watched) []*Watched {
	var open []*Watched
	for _, w := range all {
		if w.Error == "" && w.After <= max(w.Want, w.Before) {
			open = append(open, w)
		}
	}
	return open
}

// mostDrops is how often a count may fall before it is not a count: a consumer that
// writes a row anew may show none in between.
const mostDrops = 3

// Look counts once and reports whether something changed.
func (t *Trial) Look(open []*Watched) (changed bool) {
	var mu sync.Mutex
	t.read(open, func(w *Watched, n int) {
		mu.Lock()
		defer mu.Unlock()
		switch {
		case n > w.After && w.looked: // what is seen first may be long done
			t.Counter.Progress.Store(time.Now().UnixNano())
		case n < w.After:
			if w.drops++; w.drops == mostDrops {
				w.Error = "the number of effects goes up and down"
			}
		}
		changed = changed || n != w.After
		w.After, w.looked = n, true
		if n >= w.Want && n > 0 {
			t.Ledger.processed(w.CallID)
		}
	})
	return changed
}

// backlog tells a consumer that is behind from one that has lost a call: others
// of its calls become processed while a missing one is waited for.
type backlog struct {
	t     *Trial
	open  []*Watched // that were not processed when they were looked at
	since time.Time  // when that was
}

// moves reports whether calls were processed since it was asked last. What it
// learns first is which are not.
func (b *backlog) moves() bool {
	const apart = 500 * time.Millisecond
	if time.Since(b.since) < apart {
		return false
	}
	moved := len(b.open) > 0 && b.t.Look(b.open)
	// Many may have been processed before anybody looked: what is next is behind them.
	const rounds = 12
	for range rounds {
		waiting := b.t.Ledger.waiting()
		b.t.Look(waiting)
		b.open = slices.DeleteFunc(slices.Clone(waiting), func(w *Watched) bool { return w.After >= w.Want })
		if len(waiting) == 0 || waiting[0].After < waiting[0].Want {
			break
		}
	}
	b.since = time.Now()
	return moved
}

// Exactly notes every call that does not have as many effects as it should.
// lack says how bad it is when there are none.
func (t *Trial) Exactly(n *Notes, all []*Watched, lack func(format string, args ...any)) {
	if why := t.Seen(); why != "" {
		n.Undecided("%s", why)
		return
	}
	for _, w := range all {
		w.Want = t.Wanted(w.CallID, w.Want)
	}
	t.Settle(all)
	old := 0
	var more, less Tally
	for _, w := range all {
		switch {
		case w.Error != "":
			n.Undecided("%s", w.Error)
		case w.After > max(w.Want, w.Before):
			more.Add(w.Effect)
		case w.Before > 0:
			old++
		case w.After < w.Want && t.Acked[w.CallID]: // of others more was said already
			less.Add(w.Effect)
		}
	}
	if more.Calls > 0 {
		n.Fail("%s", more.Text(len(all)))
	}
	if less.Calls > 0 {
		lack("%s, though acknowledged (waited %s)", less.Text(len(all)), units.Time(t.Counter.Patience))
	}
	if len(n.Fails) > 0 && !slices.ContainsFunc(all, func(w *Watched) bool { return w.Error != "" || w.After != w.Want }) {
		n.Fail("the effects are right, but what is not answered with a 2xx is sent again")
	}
	if old > 0 {
		n.Undecided("%s", ofAll(old, len(all), "the probe counts it before it is delivered"))
	}
}

// Tally sums up how often calls were processed.
type Tally struct {
	Calls             int
	least, most, want int
}

// Add counts a call.
func (t *Tally) Add(e Effect) {
	if t.Calls++; t.Calls == 1 {
		t.least, t.most, t.want = e.After, e.After, e.Want
	}
	t.least, t.most, t.want = min(t.least, e.After), max(t.most, e.After), min(t.want, e.Want)
}

// Text says how often they were processed; all is how many calls were counted.
func (t *Tally) Text(all int) string {
	what := units.Count(t.most, "time")
	if t.least != t.most {
		what = fmt.Sprintf("%d to %s", t.least, units.Count(t.most, "time"))
	}
	return ofAll(t.Calls, all, fmt.Sprintf("processed %s, expected %d", what, t.want))
}

// ofAll is "what", or "n of m calls: what".
func ofAll(n, m int, what string) string {
	if m == 1 {
		return what
	}
	return fmt.Sprintf("%d of %d calls: %s", n, m, what)
}

// IDs are the ids of calls.
func IDs(calls []Call) []string {
	ids := make([]string, len(calls))
	for i, c := range calls {
		ids[i] = c.ID
	}
	return ids
}
