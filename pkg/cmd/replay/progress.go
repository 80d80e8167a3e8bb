package replay

import (
	"os"
	"strings"
	"sync"
	"time"

	"github.com/julianctl/julianctl/pkg/deliver"
	"github.com/julianctl/julianctl/pkg/units"
)

// tally has the numbers of the progress of a replay.
type tally struct {
	duration time.Duration // of the run; 0: not known
	planned  int           // deliveries; 0: not known
	size     int64         // of the only file in bytes; 0: not known

	mu         sync.Mutex
	ok, failed int
	at         int64 // in the file
	latency    deliver.Latency
	marks      []rateMark
}

// rateMark is the number of deliveries at one time.
type rateMark struct {
	after time.Duration
	n     int
}

func newTally(o options) *tally {
	t := &tally{duration: o.Duration, planned: o.Count * (o.Dup + 1)}
	switch {
	case len(o.Paths) == 0 && !o.Loop:
		t.planned = o.Dup + 1
	case len(o.Paths) == 1 && !o.Loop && !o.Shuffle && o.DupMode != string(deliver.Shuffled):
		info, err := os.Stat(o.Paths[0])
		packed := strings.HasSuffix(o.Paths[0], ".gz") || strings.HasSuffix(o.Paths[0], ".zst")
		if err == nil && info.Mode().IsRegular() && !packed {
			t.size = info.Size()
		}
	}
	return t
}

// add counts one delivery.
func (t *tally) add(r deliver.Result) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if r.Err == nil {
		t.ok++
	} else {
		t.failed++
	}
	if r.Answer.Status != 0 {
		t.latency.Record(r.Answer.Latency())
	}
	t.at = max(t.at, r.Document.Offset+int64(len(r.Document.Body)))
}

// state returns the progress of the run.
func (t *tally) state(after time.Duration) (share float64, words []string) {
	t.mu.Lock()
	defer t.mu.Unlock()
	n := t.ok + t.failed
	share = t.share(after, n)
	words = append(words, units.Count(n, "delivery"), units.Rate(t.rate(after, n))+" a second", units.Number(t.ok)+" ok", units.Number(t.failed)+" failed")
	if t.latency.Count() > 0 {
		words = append(words, "p99 "+units.Time(t.latency.At(99)))
	}
	if share > 0 {
		left := time.Duration(float64(after) * (1 - share) / share)
		words = append(words, units.Time(left.Round(time.Second))+" left")
	}
	return share, words
}

// share returns how much of the run is done, by the limit that comes first; 0 if not
// known.
func (t *tally) share(after time.Duration, n int) float64 {
	var share float64
	if t.duration > 0 {
		share = float64(after) / float64(t.duration)
	}
	if t.planned > 0 {
		share = max(share, float64(n)/float64(t.planned))
	}
	if t.size > 0 && t.at <= t.size { // past it, it was compressed
		share = max(share, float64(t.at)/float64(t.size))
	}
	return min(share, 1)
}

// rate is the rate of the last seconds, so that a stalled endpoint shows.
func (t *tally) rate(after time.Duration, n int) float64 {
	const window = 3 * time.Second
	t.marks = append(t.marks, rateMark{after, n})
	for len(t.marks) > 2 && after-t.marks[1].after >= window {
		t.marks = t.marks[1:]
	}
	first := t.marks[0]
	if len(t.marks) == 1 {
		first = rateMark{}
	}
	if after <= first.after {
		return 0
	}
	return float64(n-first.n) / (after - first.after).Seconds()
}
