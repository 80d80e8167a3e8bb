package check

import (
	"context"
	"hash/fnv"
	"io"
	"math/rand/v2"
	"sync/atomic"

	"github.com/julianctl/julianctl/pkg/effects"
	"github.com/julianctl/julianctl/pkg/generate"
)

// NewCounter is a counter for the probes of a run; nil where there is none.
func (o Options) NewCounter() *effects.Counter {
	if o.Probe == nil && o.Batch == nil {
		return nil
	}
	c := effects.NewCounter(o.Probe, o.Settle)
	c.Batch = o.Batch
	return c
}

// PlainTrial is the trial of the calls before the checks.
const PlainTrial = "plain"

// Session is what all trials of one run share.
type Session struct {
	Options Options
	Counter *effects.Counter // of effects; nil without a probe
	Silent  atomic.Int32     // how many ordinary deliveries in a row got no answer in time
	pace    pace
	Ledger  *Ledger
}

// NewSession is a session without a counter. A nonce of 0 becomes one drawn at
// random.
func NewSession(o Options) *Session {
	for o.Nonce == 0 {
		o.Nonce = rand.Uint64()
	}
	return &Session{Options: o, Ledger: &Ledger{Of: map[string]*Entry{}}}
}

// Trial begins the trial of one check. Its payloads come from the seed and its
// id alone, so that one check repeated sends what it sent among the others; the
// ids in them come from the nonce too. Phone is the number of its first phone
// number.
func (s *Session) Trial(ctx context.Context, id string, phone int) *Trial {
	h := fnv.New64a()
	_, _ = io.WriteString(h, id)
	gen := generate.New(s.Options.Seed ^ h.Sum64())
	gen.Nonce = s.Options.Nonce
	return &Trial{
		ID: id, Ctx: ctx, Options: &s.Options, Counter: s.Counter, Acked: map[string]bool{}, listed: map[string]bool{}, want: map[string]int{},
		silent: &s.Silent, pace: &s.pace, Ledger: s.Ledger,
		Gen:   gen,
		phone: phone + int(s.Options.Seed%1000)*37,
	}
}
