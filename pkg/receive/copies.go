package receive

import (
	"hash/maphash"
	"math"
	"slices"
	"sync"

	"github.com/julianctl/julianctl/pkg/copies"
)

// copyCounter numbers the deliveries, and the copies of each call, and keeps first
// payloads to compare with: of the last maxCalls calls, and at most maxBytes of
// payloads; of older ones only the digest.
type copyCounter struct {
	maxCalls int
	maxBytes int64

	mu       sync.Mutex
	seq      int64
	calls    *copies.Counter
	firsts   map[int64]*firstPayload // by their Seq
	order    []int64                 // oldest first
	released int                     // order[:released] have no payload any more
	bytes    int64                   // of the payloads kept

	seed maphash.Seed // of digests
}

// firstPayload is the first payload of a call, nil after it was released to limit
// memory, and its digest.
type firstPayload struct {
	payload []byte
	digest  digest
}

// digest identifies a payload. The seed is secret, so that no sender can make two
// payloads with the same digest. It costs a tenth of SHA-256.
type digest struct {
	size int
	hash uint64
}

func (m *copyCounter) digest(payload []byte) digest {
	return digest{len(payload), maphash.Bytes(m.seed, payload)}
}

// compare returns how payload differs from the first payload of its call.
func (m *copyCounter) compare(first firstPayload, payload []byte) copies.Change {
	switch {
	case first.payload != nil:
		return copies.Compare(first.payload, payload)
	case first.digest == m.digest(payload):
		return copies.Change{Kind: copies.Same}
	}
	return copies.Change{Kind: copies.Unknown}
}

func newCopyCounter(maxCalls int, maxBytes int64) *copyCounter {
	return &copyCounter{
		maxCalls: maxCalls, maxBytes: maxBytes,
		calls: copies.New(math.MaxInt64, maxCalls), firsts: map[int64]*firstPayload{},
		seed: maphash.MakeSeed(),
	}
}

// number sets d.Seq and, if it has a call id, d.Nth and d.Copy. payload must not change
// afterwards.
func (m *copyCounter) number(d *Delivery, payload []byte) {
	first := &firstPayload{payload, m.digest(payload)}
	m.mu.Lock()
	defer m.mu.Unlock()
	m.seq++
	d.Seq = m.seq
	if d.CallID == "" || d.Refusal != "" {
		return
	}
	call := m.calls.Next(d.CallID, d.Seq, d.Received)
	d.Nth, d.Copy = call.Copies, call.Copies
	if d.Nth > 1 {
		if known := m.firsts[call.First]; known != nil {
			d.first = *known
		}
		return
	}
	m.firsts[d.Seq] = first
	m.order = append(m.order, d.Seq)
	m.bytes += int64(cap(payload))
	m.forget()
}

// forget removes the oldest payloads and calls until the limits are kept.
func (m *copyCounter) forget() {
	for ; m.bytes > m.maxBytes && m.released < len(m.order); m.released++ {
		m.release(m.order[m.released])
	}
	// Half of them at a time, so that the cost per call is small.
	if len(m.order) <= m.maxCalls {
		return
	}
	old := len(m.order) - m.maxCalls/2
	for _, seq := range m.order[:old] {
		m.release(seq)
		delete(m.firsts, seq)
	}
	m.order = slices.Clone(m.order[old:])
	m.released = max(0, m.released-old)
}

func (m *copyCounter) release(seq int64) {
	first := m.firsts[seq]
	m.bytes -= int64(cap(first.payload))
	first.payload = nil
}
