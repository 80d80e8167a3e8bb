package check

import (
	"context"
	"hash/fnv"
	"io"
	"math/rand/v2"
	"sync/atomic"

	"github.com/julianctl/julianctl/pkg/generate"
)

// plainTrial is the trial of the calls before the checks.
const plainTrial = "plain"

// session is what all trials of one run share.
type session struct {
	o       Options
	counter *counter     // of effects; nil without a probe
	silent  atomic.Int32 // how many ordinary deliveries in a row got no answer in time
	pace    pace
	book    *ledger
}

// newSession is a session without a counter. A nonce of 0 becomes one drawn at
// random.
func newSession(o Options) *session {
	for o.Nonce == 0 {
		o.Nonce = rand.Uint64()
	}
	return &session{o: o, book: newLedger()}
}

// trial begins the trial of one check. Its payloads come from the seed and its
// id alone, so that one check repeated sends what it sent among the others; the
// ids in them come from the nonce too. Phone is the number of its first phone
// number.
func (s *session) trial(ctx context.Context, id string, phone int) *trial {
	h := fnv.New64a()
	_, _ = io.WriteString(h, id)
	gen := generate.New(s.o.Seed ^ h.Sum64())
	gen.Nonce = s.o.Nonce
	return &trial{
		id: id, ctx: ctx, o: &s.o, counter: s.counter, acked: map[string]bool{}, listed: map[string]bool{}, want: map[string]int{},
		silent: &s.silent, pace: &s.pace, book: s.book,
		gen:   gen,
		phone: phone + int(s.o.Seed%1000)*37,
	}
}
